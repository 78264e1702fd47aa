//! The shared world on registries in process, with a bare remote of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pindeck::domain::write::{Ask, Progress, Proposal, Receipt, Request, Scope, Source, WriteFailure};
use pindeck::domain::{Digest, Target};
use pindeck::engine::{Engine, OpenOptions};
use tokio::sync::{mpsc, watch};

use super::dump::{Dump, World};
use super::fake::{Fake, Ways};
use super::peer::git;
use super::server::{Reply, Seen, Server};

/// Answers a request before the registry does, or lets it through.
pub type Meddler = Arc<Mutex<Option<Box<dyn FnMut(&Seen, &Fake) -> Option<Reply> + Send>>>>;

/// One registry.
pub struct Place {
    pub fake: Fake,
    pub server: Server,
    pub meddler: Meddler,
}

/// Everything a write needs.
pub struct Stage {
    pub home: tempfile::TempDir,
    /// By the host that the manifests name.
    pub places: BTreeMap<String, Place>,
    pub remote: PathBuf,
    pub clone: PathBuf,
    pub policy: PathBuf,
}

impl Stage {
    /// `None` (said loudly) where there is no world.
    pub async fn start() -> Option<Self> {
        let world = World::find();
        let home = tempfile::tempdir().unwrap();
        let mut places = BTreeMap::new();
        for (host, dump) in &world.registries {
            // The world's README: the first registry has no referrers API.
            let referrers = !host.ends_with('1');
            places.insert(host.clone(), Place::serve(dump, referrers).await);
        }
        let endpoints = places
            .iter()
            .map(|(host, place)| (host.as_str(), format!("http://{}", place.server.address)))
            .collect();
        let policy = world.policy_in(home.path(), &endpoints);
        let remote = home.path().join("remote.git");
        let bundle = world.folder.join("gitops.bundle");
        git(home.path(), ["clone", "-q", "--bare", path(&bundle), path(&remote)]);
        let clone = home.path().join("gitops");
        git(home.path(), ["clone", "-q", path(&remote), path(&clone)]);
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("commit.gpgsign", "false"),
        ] {
            git(home.path(), ["-C", path(&clone), "config", key, value]);
        }
        Some(Self {
            home,
            places,
            remote,
            clone,
            policy,
        })
    }

    pub fn engine(&self) -> Engine {
        Engine::open(OpenOptions {
            dir: self.clone.clone(),
            config: Some(self.policy.clone()),
            cache_dir: Some(self.home.path().join("cache")),
            cache_bytes: 1 << 28,
            ..OpenOptions::default()
        })
        .expect("a repository")
    }

    /// An engine in a clone of its own, as another person's.
    pub fn another_engine(&self, name: &str) -> Engine {
        let clone = self.home.path().join(name);
        git(self.home.path(), ["clone", "-q", path(&self.remote), path(&clone)]);
        for (key, value) in [("user.name", name), ("user.email", "them@example.com")] {
            git(self.home.path(), ["-C", path(&clone), "config", key, value]);
        }
        Engine::open(OpenOptions {
            dir: clone,
            config: Some(self.policy.clone()),
            ..OpenOptions::default()
        })
        .expect("a repository")
    }

    /// Changes the policy file.
    pub fn edit_policy(&self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(&self.policy).unwrap();
        std::fs::write(&self.policy, change(text)).unwrap();
    }

    /// Gives an environment of the policy one more line.
    pub fn configure(&self, environment: &str, line: &str) {
        self.edit_policy(|text| {
            let at = text.find(&format!("name = \"{environment}\"")).expect("an environment");
            let (head, tail) = text.split_at(at);
            format!("{head}{}", tail.replacen("policy = ", &format!("{line}\npolicy = "), 1))
        });
    }

    /// Runs git on the remote.
    pub fn at_remote<const N: usize>(&self, args: [&str; N]) -> String {
        let all: Vec<&str> = ["-C", path(&self.remote)].into_iter().chain(args).collect();
        git(self.home.path(), all).trim_end().to_owned()
    }

    /// Somebody else changes a file and pushes.
    pub fn somebody_changes(&self, file: &str, change: impl FnOnce(String) -> String) {
        self.somebody_commits(file, "something of theirs", change);
    }

    /// The same with a message.
    pub fn somebody_commits(&self, file: &str, message: &str, change: impl FnOnce(String) -> String) {
        let theirs = self.home.path().join("theirs");
        if !theirs.exists() {
            git(self.home.path(), ["clone", "-q", path(&self.remote), path(&theirs)]);
        }
        let run = |args: &[&str]| {
            let all: Vec<&str> = ["-C", path(&theirs)].into_iter().chain(args.iter().copied()).collect();
            git(self.home.path(), all)
        };
        run(&["pull", "-q", "--ff-only"]);
        let text = std::fs::read_to_string(theirs.join(file)).unwrap_or_default();
        std::fs::write(theirs.join(file), change(text)).unwrap();
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", message]);
        run(&["push", "-q", "origin", "HEAD:main"]);
    }

    pub fn head(&self) -> String {
        self.at_remote(["rev-parse", "main"])
    }

    pub fn file(&self, file: &str) -> String {
        let spec = format!("main:{file}");
        let all = ["-C", path(&self.remote), "show", spec.as_str()];
        git(self.home.path(), all)
    }
}

impl Place {
    async fn serve(dump: &Dump, referrers: bool) -> Self {
        let fake = Fake::new(Ways {
            referrers,
            ..Ways::default()
        });
        {
            let mut content = fake.content();
            for (name, repository) in &dump.repositories {
                let here = content.entry(name.clone()).or_default();
                for blob in &repository.blobs {
                    here.blobs.insert(*blob, dump.bytes(blob));
                }
                for (manifest, media_type) in &repository.manifests {
                    here.manifests
                        .insert(*manifest, (media_type.clone(), dump.bytes(manifest)));
                }
                here.tags.extend(repository.tags.clone());
            }
        }
        let meddler = Meddler::default();
        let (answers, meddles) = (fake.clone(), Arc::clone(&meddler));
        let server = Server::start(move |seen| {
            let mut meddles = meddles.lock().unwrap();
            let said = meddles.as_mut().and_then(|meddle| meddle(seen, &answers));
            said.unwrap_or_else(|| answers.answer(seen))
        })
        .await;
        Self { fake, server, meddler }
    }

    pub fn meddle(&self, with: impl FnMut(&Seen, &Fake) -> Option<Reply> + Send + 'static) {
        *self.meddler.lock().unwrap() = Some(Box::new(with));
    }
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub fn promote(services: &[&str], to: &str) -> Request {
    Request::new(Ask::Promote {
        services: services.iter().map(|s| (*s).into()).collect(),
        to: to.into(),
        from: None,
    })
}

pub fn promote_digest(service: &str, to: &str, digest: Digest) -> Request {
    Request::new(Ask::Promote {
        services: vec![service.into()],
        to: to.into(),
        from: Some(Source::Digest(digest)),
    })
}

pub fn revert(service: &str, env: &str, to: Option<Digest>) -> Request {
    Request::new(Ask::Revert {
        target: Target::new(service, env),
        to,
        scope: Scope::Auto,
    })
}

/// Plans and, if nothing stands in the way, carries out.
pub async fn write(engine: &Engine, request: Request) -> Result<Receipt, WriteFailure> {
    let proposal = engine.plan(request).await?;
    execute(engine, proposal).await
}

/// Carries out a proposal; nobody cancels.
pub async fn execute(engine: &Engine, proposal: Proposal) -> Result<Receipt, WriteFailure> {
    let (tx, mut rx) = mpsc::channel(16);
    let (_stop, cancel) = watch::channel(false);
    let watching = tokio::spawn(async move {
        let mut all: Vec<Progress> = Vec::new();
        while let Some(step) = rx.recv().await {
            all.push(step);
        }
        all
    });
    let done = engine.execute(proposal, tx, cancel).await;
    watching.await.unwrap();
    done
}

/// The digests that are on hold.
pub async fn held(engine: &Engine) -> Vec<Digest> {
    let holds = engine.holds().await.expect("readable");
    holds.iter().map(|hold| hold.digest).collect()
}
