//! Attacks on presence and on the price of looking: an image that cannot be pulled must not be called
//! verified, evidence must not be hidden, and whoever may push must not make a status expensive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pindeck::domain::board::Board;
use pindeck::domain::drift::DriftKind;
use pindeck::domain::evidence::CauseKind;
use pindeck::domain::verdict::{CheckOf, Outcome};
use pindeck::domain::{Digest, Repository};
use pindeck::engine::verify::Rules;
use pindeck::sources::registry::{ContentCache, Credentials, Options, ReferrersVia, Registry};

use crate::support::fake::{Fake, IMAGE, INDEX, Ways, index_text};
use crate::support::peer::pindeck;
use crate::support::scheduler::{EveryOrder, Question, Scheduler};
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
    Attack {
        name: "three-thousand-children",
        tries: "an index of 3,000 platform manifests makes a status send thousands of requests",
        attempt: || on_a_runtime(three_thousand_children()),
    },
    Attack {
        name: "one-blob-fifty-layers",
        tries: "fifty layers that name one large blob have it fetched and kept fifty times",
        attempt: || on_a_runtime(one_blob_fifty_layers()),
    },
    Attack {
        name: "compressed-answer",
        tries: "a small compressed answer that nobody asked for fills the memory",
        attempt: || on_a_runtime(compressed_answer()),
    },
];

async fn serve(fake: &Fake) -> Server {
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
fn production(board: &Board) -> (Option<Outcome>, bool, Option<Digest>) {
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

fn must_be_missing(board: &Board, part: Option<Digest>, how: &str) {
    assert_eq!(production(board), (Some(Outcome::Rejected), true, part), "{how}");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    for cell in cells.filter(|cell| cell.pin.target.environment.as_str() == "staging") {
        let verdict = cell.assessment.fresh().and_then(|a| a.verdict.as_ref());
        assert_eq!(verdict.map(|v| v.result), Some(Outcome::Verified), "{how}");
    }
}

/// Two registries with the same signed content, of which the second has lost `lost`.
struct TwoRegistries {
    fakes: [Fake; 2],
    key: Key,
    pinned: Digest,
    /// What the second registry has lost, where it is a part of what is pinned.
    part: Option<Digest>,
}

impl TwoRegistries {
    fn new(of_index: bool) -> Self {
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

    fn clone_with(&self, hosts: [String; 2], production_first: bool) -> Clone {
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
        let entry = folder.join("sha256").join(&hex[..2]).join(&hex);
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
        let manifest = open().manifest(&repository, &image).await.expect("from the registry");
        assert_eq!(manifest.digest, image, "{what}");
    }
}

async fn three_thousand_children() {
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let list: Vec<String> = (0..3_000u32)
        .map(|n| {
            let digest = Digest::of(&n.to_be_bytes());
            format!(r#"{{"mediaType":"{IMAGE}","digest":"{digest}","size":500}}"#)
        })
        .collect();
    let index = fake.manifest(API, INDEX, index_text(&list));
    fake.tag(API, "keep", index);
    key.sign(&fake, API, index);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), index)], "");
    let board = clone.engine("cache").board().await.expect("a status");
    let requests = server.total();
    println!("an index of 3,000 platform manifests: {requests} requests");
    assert!(requests <= 16, "{requests} requests");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    let verdicts: Vec<_> = cells
        .filter_map(|cell| cell.assessment.fresh()?.verdict.clone())
        .collect();
    assert_eq!(verdicts[0].result, Outcome::Rejected);
    assert_eq!(verdicts[0].causes[0].cause, CauseKind::Unsupported);
    let words = verdicts[0].causes[0].detail.clean().to_string();
    assert!(words.contains("128 platform manifests"), "{words}");
}

async fn one_blob_fifty_layers() {
    const SIZE: usize = 8 << 20;
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let image = fake.image(API, "linux", None);
    key.sign(&fake, API, image);
    let blob = fake.blob(API, vec![b'x'; SIZE]);
    let config = fake.blob(API, "{}");
    let layer = format!(r#"{{"mediaType":"application/vnd.dsse.envelope.v1+json","digest":"{blob}","size":{SIZE}}}"#);
    let layers = vec![layer; 50].join(",");
    let subject = fake.descriptor(API, image);
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"a/b","digest":"{config}","size":2}},"layers":[{layers}],"subject":{subject}}}"#
    );
    fake.manifest(API, IMAGE, text);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), image)], "");
    let before = peak_memory();
    let board = clone.engine("cache").board().await.expect("a status");
    println!(
        "50 layers of one blob of {} MiB: {} MiB more at the peak",
        SIZE >> 20,
        (peak_memory() - before) >> 10
    );
    let blobs = server
        .seen()
        .iter()
        .filter(|seen| seen.path.ends_with(&blob.to_string()))
        .count();
    assert_eq!(blobs, 1);
    // What it says is beyond what is looked at; whether that rejects is a rule of evidence, not of cost.
    assert!(production(&board).0.is_some());
}

/// The largest resident memory of this process so far, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

async fn compressed_answer() {
    let asked = Arc::new(AtomicBool::new(false));
    let seen_plain = Arc::clone(&asked);
    let server = Server::start(move |seen| {
        let plain = seen.headers.get("accept-encoding").is_some_and(|e| e == "identity");
        seen_plain.store(plain, Ordering::SeqCst);
        Reply::new(200, vec![0x1f, 0x8b, 8, 0]).with("Content-Encoding", "gzip")
    })
    .await;
    let registry = Registry::new(Options::default()).expect("valid options");
    let error = registry
        .manifest(&server.repository(API), &Digest::of(b"x"))
        .await
        .expect_err("not what was asked for");
    // Neither corrupt nor absent: nobody has seen the bytes.
    assert_eq!(error.cause(), CauseKind::Unreachable);
    assert!(error.to_string().contains("gzip"), "{error}");
    assert!(asked.load(Ordering::SeqCst), "plain bytes were not asked for");
}

/// Two registries whose answers a scheduler lets go.
struct Scheduled {
    world: TwoRegistries,
    scheduler: Scheduler,
    clone: Arc<Clone>,
    runs: AtomicUsize,
}

impl Scheduled {
    fn new(of_index: bool, production_first: bool) -> Self {
        let world = TwoRegistries::new(of_index);
        let scheduler = Scheduler::default();
        let addresses = [
            scheduler.serve("first", world.fakes[0].clone()),
            scheduler.serve("second", world.fakes[1].clone()),
        ];
        let clone = world.clone_with(addresses.map(|address| address.to_string()), production_first);
        Self {
            world,
            scheduler,
            clone: Arc::new(clone),
            runs: AtomicUsize::new(0),
        }
    }

    /// A status with an empty cache, its answers let go in the order that `choose` decides.
    fn status(&self, choose: impl FnMut(&[Question]) -> usize) -> Board {
        let cache = format!("cache-{}", self.runs.fetch_add(1, Ordering::SeqCst));
        let clone = Arc::clone(&self.clone);
        let status = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(clone.engine(&cache).board()).expect("a status")
        };
        self.scheduler.run(status, choose)
    }
}

/// Holds every answer back and lets those that can make a difference go in every order: what both
/// registries say of the manifest that one of them has lost, by digest and by the index that names it, and
/// for a single image all else about it too. The rest goes at once. Which pin asks first is turned as well.
#[test]
fn no_order_of_answers_makes_a_missing_digest_verified() {
    let mut all = 0;
    for (of_index, production_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let scheduled = Scheduled::new(of_index, production_first);
        let world = &scheduled.world;
        let digests: Vec<Digest> = [Some(world.pinned), world.part].into_iter().flatten().collect();
        let concerns = |question: &Question| {
            digests.iter().any(|digest| {
                let by_digest = question.2.ends_with(&format!("/manifests/{digest}"));
                by_digest || (!of_index && question.2.contains(&digest.hex()))
            })
        };
        let (mut order, mut runs) = (EveryOrder::default(), 0);
        loop {
            let mut path = Vec::new();
            let board = scheduled.status(|waiting| {
                let free = waiting.iter().position(|question| !concerns(question));
                let at = free.unwrap_or_else(|| order.choose(waiting.len()));
                path.push(waiting[at].clone());
                at
            });
            must_be_missing(&board, world.part, &format!("{path:#?}"));
            runs += 1;
            if !order.next() {
                break;
            }
            assert!(runs < 400, "there are too many orders to try them all");
        }
        println!("{runs} orders of a status, index: {of_index}, production first: {production_first}");
        all += runs;
    }
    assert!(all > 10, "only {all} orders: the scheduler does not hold answers back");
}

/// The same with the answers to all questions, in orders drawn from a fixed seed.
#[test]
fn no_drawn_order_of_all_answers_makes_a_missing_digest_verified() {
    for of_index in [false, true] {
        let scheduled = Scheduled::new(of_index, of_index);
        for seed in 1..=15u64 {
            let mut state = seed;
            let board = scheduled.status(|waiting| {
                // xorshift64
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % waiting.len() as u64).expect("small")
            });
            must_be_missing(&board, scheduled.world.part, &format!("seed {seed}"));
        }
    }
}

/// Cold runs of the program itself, whose threads race as they like: 6, or as many as
/// `PINDECK_COLD_RUNS` says.
#[test]
fn cold_runs_of_the_program_never_verify_a_missing_digest() {
    let runs = std::env::var("PINDECK_COLD_RUNS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(6);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for run in 0..runs {
        let world = TwoRegistries::new(run % 2 == 0);
        let servers = runtime.block_on(async { [serve(&world.fakes[0]).await, serve(&world.fakes[1]).await] });
        let clone = world.clone_with([servers[0].address.to_string(), servers[1].address.to_string()], false);
        let folder = clone.folder.to_str().expect("UTF-8");
        let answer = pindeck(clone.home.path(), ["-C", folder, "status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&answer.stdout).expect("a document");
        let pins = status["services"][0]["pins"].as_array().expect("pins");
        let production = pins
            .iter()
            .find(|pin| pin["environment"] == "production")
            .expect("production");
        assert_eq!(production["verdict"]["result"], "rejected", "run {run}: {production:#}");
        let drift = status["drift"].as_array().expect("drift");
        let missing = drift
            .iter()
            .any(|drift| drift["kind"] == "missing-from-registry" && drift["environment"] == "production");
        assert!(missing, "run {run}: {status:#}");
    }
    println!("{runs} cold runs");
}
