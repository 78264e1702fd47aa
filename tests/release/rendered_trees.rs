//! Promote, pin and revert on every tree whose files override one another: what was pushed renders as planned,
//! and nothing else changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::pin::Pin;
use pindeck::domain::policy::Environment;
use pindeck::domain::write::{Ask, Request, TagRule, WriteFailure, WriteState};
use pindeck::engine::{Engine, OpenOptions};

use crate::support::fake::{Fake, Ways};
use crate::support::peer::git;
use crate::support::server::Server;
use crate::support::signed_world::Key;
use crate::support::stage::{path, promote_digest, revert, write};
use crate::support::trees::{self, Tree};

type Files = BTreeMap<String, String>;

/// A registry that has a signed image for each letter in every repository that it is told of.
struct Registry {
    fake: Fake,
    server: Server,
    key: Key,
    by_letter: BTreeMap<char, Digest>,
}

impl Registry {
    async fn start() -> Self {
        let fake = Fake::new(Ways {
            referrers: true,
            ..Ways::default()
        });
        let answers = fake.clone();
        let letters = "ABCDEF".chars();
        let by_letter = letters
            .map(|letter| (letter, fake.image("any/image", &format!("layer {letter}"), None)))
            .collect();
        Self {
            fake,
            server: Server::start(move |seen| answers.answer(seen)).await,
            key: Key::new(),
            by_letter,
        }
    }

    /// The digest that no tree has.
    fn new_digest(&self) -> Digest {
        self.by_letter[&'E']
    }

    /// Puts the images into a repository, each tag on the new one.
    fn stock<'t>(&self, repository: &str, tags: impl Iterator<Item = &'t str>) {
        for letter in self.by_letter.keys() {
            let digest = self.fake.image(repository, &format!("layer {letter}"), None);
            self.key.sign(&self.fake, repository, digest);
        }
        for tag in tags {
            self.fake.tag(repository, tag, self.new_digest());
        }
    }

    /// A tree with digests of images that exist.
    fn real(&self, text: &str) -> String {
        self.by_letter.iter().fold(text.to_owned(), |text, (letter, real)| {
            text.replace(&trees::digest(*letter), &real.to_string())
        })
    }
}

/// A bare remote with a tree in it, and a clone.
struct Place {
    home: tempfile::TempDir,
    remote: PathBuf,
    engine: Engine,
}

impl Place {
    fn new(files: &Files, environments: &[Environment], hosts: &BTreeSet<String>, registry: &Registry) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (remote, clone) = (home.path().join("remote.git"), home.path().join("gitops"));
        let mut policy = "version = 1\n".to_owned();
        for environment in environments {
            policy.push_str(&format!(
                "[[environments]]\nname = \"{}\"\npaths = {:?}\npolicy = \"release\"\nafter = []\n",
                environment.name, environment.paths
            ));
        }
        for host in hosts {
            let address = registry.server.address;
            policy.push_str(&format!("[registries.\"{host}\"]\nendpoint = \"http://{address}\"\n"));
        }
        policy.push_str("[policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n");
        policy.push_str("[trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n");
        let config = home.path().join("pindeck.toml");
        std::fs::create_dir_all(home.path().join("keys")).unwrap();
        std::fs::write(home.path().join("keys/ci.pub"), registry.key.pem()).unwrap();
        std::fs::write(&config, policy).unwrap();
        for (file, text) in files {
            let file = clone.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let at = |folder: &PathBuf, args: &[&str]| {
            let all: Vec<&str> = ["-C", path(folder)].into_iter().chain(args.iter().copied()).collect();
            git(home.path(), all)
        };
        git(home.path(), ["init", "-q", "--bare", "-b", "main", path(&remote)]);
        at(&clone, &["init", "-q", "-b", "main"]);
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("commit.gpgsign", "false"),
        ] {
            at(&clone, &["config", key, value]);
        }
        at(&clone, &["add", "-A", "-f"]);
        at(&clone, &["commit", "-q", "-m", "everything"]);
        at(&clone, &["remote", "add", "origin", path(&remote)]);
        at(&clone, &["push", "-q", "-u", "origin", "main"]);
        let engine = Engine::open(OpenOptions {
            dir: clone,
            config: Some(config),
            cache_dir: Some(home.path().join("cache")),
            cache_bytes: 1 << 28,
            ..OpenOptions::default()
        })
        .expect("a repository");
        Self { home, remote, engine }
    }

    /// What the remote's branch has.
    fn files(&self, names: &Files) -> Files {
        let show = |name: &String| {
            let spec = format!("main:{name}");
            git(self.home.path(), ["-C", path(&self.remote), "show", &spec])
        };
        names.keys().map(|name| (name.clone(), show(name))).collect()
    }

    fn head(&self) -> String {
        git(self.home.path(), ["-C", path(&self.remote), "rev-parse", "main"])
    }
}

/// What each environment deploys, and in which file it is decided.
fn deployed(environments: &[Environment], files: &Files) -> BTreeSet<(String, String, String)> {
    let pins = trees::pins_of(&trees::grouped(&trees::commit(files), environments));
    let each = pins.iter().flat_map(|pin| {
        let reference = trees::reference(pin);
        pin.deciding()
            .map(move |l| (pin.target.environment.to_string(), l.file.clone(), reference.clone()))
    });
    each.collect()
}

/// The same with another digest in one pin.
fn with_digest(
    before: &BTreeSet<(String, String, String)>,
    pin: &Pin,
    digest: Digest,
) -> BTreeSet<(String, String, String)> {
    let mut goal = pin.clone();
    goal.digest = Some(digest);
    let change = |(env, file, reference): &(String, String, String)| {
        let is_pin = *env == pin.target.environment.to_string() && *reference == trees::reference(pin);
        let reference = if is_pin {
            trees::reference(&goal)
        } else {
            reference.clone()
        };
        (env.clone(), file.clone(), reference)
    };
    before.iter().map(change).collect()
}

/// What must become of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Written,
    Refused,
    /// Another environment reads the same file: refused where its image would change too.
    Either,
}

#[derive(Default)]
struct Counts {
    promoted: usize,
    pinned: usize,
    reverted: usize,
    refused: usize,
}

/// Why a write that must not happen did not, in pindeck's words.
fn refusal(failure: &WriteFailure) -> Option<String> {
    matches!(failure.kind(), FailureKind::Refused | FailureKind::Usage).then(|| format!("{failure:?}"))
}

async fn one_pin(
    tree: &Tree,
    files: &Files,
    place: &Place,
    pin: &Pin,
    new: Digest,
    expected: Expected,
    counts: &mut Counts,
) -> Vec<String> {
    let target = &pin.target;
    let (service, env) = (target.service.as_str(), target.environment.as_str());
    let what = format!("{}: {service} in {env}, {}", tree.name, trees::reference(pin));
    let (head, before) = (place.head(), deployed(&tree.environments, files));
    let mut request = match pin.digest {
        Some(_) => promote_digest(service, env, new),
        None => Request::new(Ask::Pin {
            services: vec![target.service.clone()],
            environment: Some(target.environment.clone()),
        }),
    };
    request.tag = Some(TagRule::Keep);
    let done = write(&place.engine, request).await;
    let mut wrong = Vec::new();
    match (done, expected) {
        (Ok(receipt), Expected::Written | Expected::Either) if receipt.state == WriteState::Pushed => {}
        (Err(failure), Expected::Refused | Expected::Either) if refusal(&failure).is_some() => {
            counts.refused += 1;
            if place.head() != head {
                wrong.push(format!("{what}: it was refused, and something was pushed"));
            }
            return wrong;
        }
        (done, _) => return vec![format!("{what}: expected {expected:?}, {done:?}")],
    }
    let after = place.files(files);
    let (planned, found) = (with_digest(&before, pin, new), deployed(&tree.environments, &after));
    if found != planned {
        wrong.push(format!("{what}: expected {planned:?}, found {found:?}"));
    }
    let deciding: BTreeSet<&String> = pin.deciding().map(|location| &location.file).collect();
    for (name, text) in files {
        if !deciding.contains(name) && after[name] != *text {
            wrong.push(format!("{what}: {name} was changed too"));
        }
    }
    if pin.digest.is_none() {
        counts.pinned += 1;
        return wrong;
    }
    counts.promoted += 1;
    match write(&place.engine, revert(service, env, None)).await {
        Ok(_) if place.files(files) == *files => counts.reverted += 1,
        other => wrong.push(format!("{what}: the revert does not give the files back: {other:?}")),
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_renders_as_planned_and_nothing_else() {
    let registry = Registry::start().await;
    let new = registry.new_digest();
    let (mut counts, mut wrong) = (Counts::default(), Vec::new());
    for tree in trees::all() {
        let files: Files = tree
            .files
            .iter()
            .map(|(name, text)| (name.clone(), registry.real(text)))
            .collect();
        let entangled: BTreeSet<String> = tree.entangled.iter().map(|line| registry.real(line)).collect();
        let facts: Vec<String> = tree.expected.iter().map(|line| registry.real(line)).collect();
        let pins = trees::pins_of(&trees::grouped(&trees::commit(&files), &tree.environments));
        let hosts = pins.iter().map(|pin| pin.image.registry().to_owned()).collect();
        let mut tags: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for pin in &pins {
            let of = tags.entry(pin.image.path().to_owned()).or_default();
            of.extend(pin.tag.as_deref());
        }
        for (repository, tags) in &tags {
            registry.stock(repository, tags.iter().copied());
        }
        for pin in &pins {
            // One request means all pins of a service in an environment: a component's own tests have those.
            if pins.iter().filter(|other| other.target == pin.target).count() > 1 {
                continue;
            }
            let head = format!("pin {} {} ", pin.target.environment, trees::reference(pin));
            let line = facts
                .iter()
                .find(|line| line.starts_with(&head))
                .cloned()
                .unwrap_or_default();
            let is_locked = pin.deciding().any(|location| location.read_only.is_some());
            let expected = if pin.uncertain.is_some() || is_locked || entangled.contains(&line) {
                Expected::Refused
            } else if line.contains(" reaches ") {
                Expected::Either
            } else {
                Expected::Written
            };
            let place = Place::new(&files, &tree.environments, &hosts, &registry);
            wrong.extend(one_pin(&tree, &files, &place, pin, new, expected, &mut counts).await);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!(
        "{} promoted, {} pinned, {} reverted, {} refused",
        counts.promoted, counts.pinned, counts.reverted, counts.refused
    );
    assert!(counts.promoted >= 20 && counts.pinned >= 20 && counts.refused >= 5);
}
