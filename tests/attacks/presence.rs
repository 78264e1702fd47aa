//! Attacks on presence and on the price of looking: an image that cannot be pulled must not be called
//! verified, evidence must not be hidden, and whoever may push must not make a status expensive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::board::Board;
use pindeck::domain::drift::DriftKind;
use pindeck::domain::evidence::CauseKind;
use pindeck::domain::verdict::{CheckOf, Outcome};
use pindeck::domain::{Digest, Repository};
use pindeck::engine::verify::Rules;
use pindeck::sources::registry::{ContentCache, Credentials, Options, ReferrersVia, Registry};

use crate::support::fake::{Fake, INDEX, Ways, index_text};
use crate::support::server::{Reply, Server};
use crate::support::signed_world::{API, Clone, Key};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "same-bytes-elsewhere",
        tries: "a digest that was deleted in one registry is verified because another one has the same bytes",
        attempt: || on_a_runtime(same_bytes_elsewhere()),
    },
    Attack {
        name: "platform-manifest-gone",
        tries: "an index is verified whose platform manifests are gone, cached or not",
        attempt: || on_a_runtime(platform_manifest_gone()),
    },
    Attack {
        name: "layer-gone",
        tries: "an image is verified whose configuration or layer is gone",
        attempt: || on_a_runtime(layer_gone()),
    },
    Attack {
        name: "referrers-shut",
        tries: "a proxy before a registry that lists referrers answers 404, to hide what it lists",
        attempt: || on_a_runtime(referrers_shut()),
    },
    Attack {
        name: "short-tag-list",
        tries: "a tag list that lacks the evidence tags makes a signed image look unsigned",
        attempt: || on_a_runtime(short_tag_list()),
    },
    Attack {
        name: "scopes-of-a-challenge",
        tries: "a challenge has a token made out for more than reading that repository",
        attempt: || on_a_runtime(scopes_of_a_challenge()),
    },
    Attack {
        name: "fifo-in-the-cache",
        tries: "a FIFO, a link or a folder in the place of a cache entry stops the program or is read",
        attempt: || on_a_runtime(fifo_in_the_cache()),
    },
];

pub(super) async fn serve(fake: &Fake) -> Server {
    let served = fake.clone();
    Server::start(move |seen| served.answer(seen)).await
}

/// An index of two images, the first of them the same in every world.
fn index(fake: &Fake) -> (Digest, Digest) {
    let first = fake.image(API, "linux", None);
    let second = fake.image(API, "windows", None);
    let list: Vec<String> = [(first, "amd64"), (second, "arm64")]
        .iter()
        .map(|(digest, architecture)| {
            let descriptor = fake.descriptor(API, *digest);
            let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}}}"#);
            format!("{}{platform}", descriptor.strip_suffix('}').expect("a descriptor"))
        })
        .collect();
    (fake.manifest(API, INDEX, index_text(&list)), first)
}

fn forget(fake: &Fake, digest: Digest) {
    let mut content = fake.content();
    let content = content.get_mut(API).expect("the repository");
    content.manifests.remove(&digest);
    content.blobs.remove(&digest);
}

/// What a board says of production: its result, and whether it is called missing, and what is.
pub(super) fn production(board: &Board) -> (Option<Outcome>, bool, Option<Digest>) {
    let cells = board.services.iter().flat_map(|row| &row.cells);
    let cell = cells
        .clone()
        .find(|cell| cell.pin.target.environment.as_str() == "production")
        .expect("production");
    let verdict = cell
        .assessment
        .fresh()
        .and_then(|assessment| assessment.verdict.as_ref());
    let missing = board.drift.iter().any(|drift| {
        let there = drift
            .environment
            .as_ref()
            .is_some_and(|env| env.as_str() == "production");
        drift.kind == DriftKind::MissingFromRegistry && there
    });
    let part = verdict.and_then(|verdict| {
        let of_digest = |cause: &&pindeck::domain::verdict::Cause| cause.check == CheckOf::Digest;
        verdict.causes.iter().find(of_digest)?.subject
    });
    (verdict.map(|verdict| verdict.result), missing, part)
}

pub(super) fn must_be_missing(board: &Board, part: Option<Digest>, how: &str) {
    assert_eq!(production(board), (Some(Outcome::Rejected), true, part), "{how}");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    for cell in cells.filter(|cell| cell.pin.target.environment.as_str() == "staging") {
        let verdict = cell.assessment.fresh().and_then(|a| a.verdict.as_ref());
        assert_eq!(verdict.map(|v| v.result), Some(Outcome::Verified), "{how}");
    }
}

/// Two registries with the same signed content, of which the second has lost `lost`.
pub(super) struct TwoRegistries {
    pub(super) fakes: [Fake; 2],
    key: Key,
    pub(super) pinned: Digest,
    /// What the second registry has lost, where it is a part of what is pinned.
    pub(super) part: Option<Digest>,
}

impl TwoRegistries {
    pub(super) fn new(of_index: bool) -> Self {
        let key = Key::new();
        let fakes = [Fake::new(Ways::default()), Fake::new(Ways::default())];
        let (mut pinned, mut part) = (None, None);
        for fake in &fakes {
            let image = if of_index {
                let (index, child) = index(fake);
                part = Some(child);
                index
            } else {
                fake.image(API, "linux", None)
            };
            fake.tag(API, "keep", fake.image(API, "another", None));
            key.sign(fake, API, image);
            pinned = Some(image);
        }
        let pinned = pinned.expect("two registries");
        forget(&fakes[1], part.unwrap_or(pinned));
        Self {
            fakes,
            key,
            pinned,
            part,
        }
    }

    pub(super) fn clone_with(&self, hosts: [String; 2], production_first: bool) -> Clone {
        let mut pins = [
            ("staging", hosts[0].as_str(), self.pinned),
            ("production", hosts[1].as_str(), self.pinned),
        ];
        if production_first {
            pins.reverse();
        }
        Clone::new(&self.key, &pins, "")
    }
}

async fn same_bytes_elsewhere() {
    for of_index in [false, true] {
        let world = TwoRegistries::new(of_index);
        let servers = [serve(&world.fakes[0]).await, serve(&world.fakes[1]).await];
        let clone = world.clone_with([servers[0].address.to_string(), servers[1].address.to_string()], false);
        for run in ["cold", "cold", "warm"] {
            let cache = if run == "warm" { "0" } else { run };
            must_be_missing(&clone.engine(cache).board().await.expect("a status"), world.part, run);
        }
        // The same bytes named outright: no registry but the one that is named answers for them.
        let reference = format!("{}/{API}@{}", servers[1].address, world.pinned);
        let found = clone
            .engine("v")
            .verify(&reference, Rules::Policy("release".into()))
            .await;
        let verdict = found.expect("a verdict").assessed.assessment.verdict.expect("judged");
        assert_eq!(verdict.result, Outcome::Rejected);
        assert_eq!(
            (verdict.causes[0].cause, verdict.causes[0].subject),
            (CauseKind::Absent, world.part)
        );
    }
}

/// One registry with a signed index; what a check says after `lose` took something away.
async fn one_registry(more: &str, lose: impl FnOnce(&Fake, Digest)) -> (Server, Clone, Digest) {
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let (index, child) = index(&fake);
    fake.tag(API, "keep", fake.image(API, "another", None));
    key.sign(&fake, API, index);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), index)], more);
    // With everything there it is verified: what follows is not rejected for another reason.
    let board = clone.engine("cache").board().await.expect("a status");
    assert_eq!(production(&board), (Some(Outcome::Verified), false, None));
    lose(&fake, child);
    (server, clone, index)
}

async fn platform_manifest_gone() {
    let lost = std::sync::Mutex::new(None);
    let lose = |fake: &Fake, child: Digest| {
        forget(fake, child);
        *lost.lock().unwrap() = Some(child);
    };
    let (_server, clone, _) = one_registry("", lose).await;
    let part = lost.lock().unwrap().take();
    for cache in ["cache", "fresh"] {
        let board = clone.engine(cache).board().await.expect("a status");
        assert_eq!(production(&board), (Some(Outcome::Rejected), true, part), "{cache}");
    }
    // A sparse mirror needs the other platform only.
    let (_server, clone, _) = one_registry("platforms = [\"linux/arm64\"]", forget).await;
    let board = clone.engine("fresh").board().await.expect("a status");
    assert_eq!(production(&board), (Some(Outcome::Verified), false, None));
    let (_server, clone, _) = one_registry("platforms = [\"linux/amd64\"]", forget).await;
    let board = clone.engine("fresh").board().await.expect("a status");
    assert_eq!(production(&board).0, Some(Outcome::Rejected));
}

async fn layer_gone() {
    for lost in [Digest::of(b"{}"), Digest::of(b"windows")] {
        let (server, clone, index) = one_registry("", |fake, _| forget(fake, lost)).await;
        // A refresh asks for manifests; what decides asks for everything.
        let reference = format!("{}/{API}@{index}", server.address);
        for cache in ["cache", "fresh"] {
            let engine = clone.engine(cache);
            let found = engine.verify(&reference, Rules::Policy("release".into())).await;
            let verdict = found.expect("a verdict").assessed.assessment.verdict.expect("judged");
            assert_eq!(verdict.result, Outcome::Rejected, "{cache}");
            let cause = &verdict.causes[0];
            assert_eq!(
                (cause.check, cause.cause, cause.subject),
                (CheckOf::Digest, CauseKind::Absent, Some(lost)),
                "{cache}"
            );
        }
    }
}

async fn referrers_shut() {
    let fake = Fake::new(Ways::default());
    let image = fake.image(API, "linux", None);
    let _signature = fake.image(API, "signature", Some(&fake.descriptor(API, image)));
    fake.tag(API, "keep", image);
    let shut = Arc::new(AtomicUsize::new(0));
    let (served, status) = (fake.clone(), Arc::clone(&shut));
    let server = Server::start(move |seen| match status.load(Ordering::SeqCst) {
        status @ 1.. if seen.path.contains("/referrers/") => {
            let reply = Reply::new(u16::try_from(status).expect("a status"), "404 page not found\n");
            reply.with("Location", "https://elsewhere.example.com/")
        }
        _ => served.answer(seen),
    })
    .await;
    let memory = tempfile::tempdir().expect("a folder");
    let registry = || {
        Registry::new(Options {
            memory: Some(memory.path().to_owned()),
            ..Options::default()
        })
        .expect("valid options")
    };
    let repository = server.repository(API);
    let open = registry().referrers(&repository, &image, None).await.expect("listed");
    assert_eq!((open.via, open.descriptors.len()), (ReferrersVia::Api, 1));
    for status in [303, 400, 401, 403, 404, 405, 406, 501] {
        shut.store(status, Ordering::SeqCst);
        // Another run, which remembers.
        let error = registry()
            .referrers(&repository, &image, None)
            .await
            .expect_err("hidden");
        assert_eq!(error.cause(), CauseKind::Unreachable, "{status}");
    }
}

async fn short_tag_list() {
    for list in [
        r#"{"name":"shop/api","tags":["keep"]}"#,
        r#"{"name":"shop/api","tags":[]}"#,
        r#"{"name":"shop/api","tags":null}"#,
        "[]",
        "null",
        "link",
    ] {
        for referrers in [true, false] {
            let (key, fake) = (
                Key::new(),
                Fake::new(Ways {
                    referrers,
                    ..Ways::default()
                }),
            );
            let image = fake.image(API, "linux", None);
            fake.tag(API, "keep", fake.image(API, "another", None));
            key.sign(&fake, API, image);
            let served = fake.clone();
            let server = Server::start(move |seen| {
                if !seen.path.ends_with("/tags/list") {
                    return served.answer(seen);
                }
                match list {
                    "link" => Reply::new(200, r#"{"tags":["keep"]}"#).with("Link", "</v2/x"),
                    list => Reply::new(200, list),
                }
            })
            .await;
            let host = server.address.to_string();
            let clone = Clone::new(&key, &[("production", host.as_str(), image)], "");
            let board = clone.engine("cache").board().await.expect("a status");
            assert_eq!(
                production(&board).0,
                Some(Outcome::Verified),
                "{list}, referrers: {referrers}"
            );
        }
    }
}

async fn scopes_of_a_challenge() {
    let server = Server::start(|seen| {
        if seen.path.starts_with("/token") {
            return Reply::new(200, r#"{"token":"t","expires_in":"3.5e2"}"#);
        }
        if !seen.headers.contains_key("authorization") {
            let realm = format!(
                r#"Bearer realm="http://{}/token",service="r",scope="repository:shop/api:pull,push,delete registry:catalog:* repository:other/secret:pull""#,
                seen.headers["host"]
            );
            return Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", realm);
        }
        Reply::new(200, r#"{"tags":[]}"#)
    })
    .await;
    let registry = Registry::new(Options::default()).expect("valid options");
    registry.tags(&server.repository(API)).await.expect("listed");
    let asked: Vec<String> = server.seen().iter().map(|seen| seen.path.clone()).collect();
    let tokens: Vec<&String> = asked.iter().filter(|path| path.starts_with("/token")).collect();
    assert_eq!(tokens, ["/token?service=r&scope=repository%3Ashop%2Fapi%3Apull"]);
    // Another registry's repository of the same name has a token made out anew.
    let other = Repository::parse(&format!("localhost:{}/{API}", server.address.port())).expect("valid");
    registry.tags(&other).await.expect("listed");
    let tokens = server
        .seen()
        .iter()
        .filter(|seen| seen.path.starts_with("/token"))
        .count();
    assert_eq!(tokens, 2);
}

async fn fifo_in_the_cache() {
    let fake = Fake::new(Ways::default());
    let image = fake.image(API, "linux", None);
    let server = serve(&fake).await;
    let repository = server.repository(API);
    let home = tempfile::tempdir().expect("a folder");
    let hex = image.hex();
    for what in ["fifo", "link", "folder", "huge"] {
        let folder = home.path().join(what);
        let open = || {
            Registry::new(Options {
                cache: Some(ContentCache::open(&folder, 1 << 20).expect("a cache")),
                credentials: Credentials::anonymous(),
                ..Options::default()
            })
            .expect("valid options")
        };
        let file = folder.join("sha256").join(&hex[..2]).join(&hex);
        for entry in [file, folder.join("packs").join("0123456789abcdef.pack")] {
            std::fs::create_dir_all(entry.parent().expect("a folder")).expect("made");
            match what {
                "fifo" => {
                    let made = std::process::Command::new("mkfifo").arg(&entry).status();
                    assert!(made.expect("mkfifo runs").success());
                }
                "link" => std::os::unix::fs::symlink("/dev/zero", &entry).expect("a link"),
                "folder" => std::fs::create_dir(&entry).expect("a folder"),
                _ => {
                    let file = std::fs::File::create(&entry).expect("a file");
                    file.set_len(1 << 40).expect("sparse");
                }
            }
        }
        let manifest = open().manifest(&repository, &image).await.expect("from the registry");
        assert_eq!(manifest.digest, image, "{what}");
    }
}
