//! A small release world for `pindeck check`: a registry in process, images that a key of this run signed, and a
//! repository on which each case commits what the base and the change do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use pindeck::domain::Digest;
use serde_json::Value;

use super::home::{Home, Said, commit, finish, git};
use crate::support::fake::{Fake, Ways};
use crate::support::server::Server;
use crate::support::signed_world::{API, Key};

pub const PRODUCTION: &str = "envs/production/api.yaml";
pub const STAGING: &str = "envs/staging/api.yaml";

/// What a case does to the repository.
pub type Act = fn(&Gate);

/// One case: what the base and the change do, and what comes of it.
pub struct Case {
    pub name: &'static str,
    /// Before the change was begun.
    pub before: Act,
    /// On the base, after the change was begun.
    pub base: Act,
    /// The change.
    pub head: Act,
    pub args: &'static [&'static str],
    pub exit: i32,
    pub kinds: &'static [&'static str],
    /// Whether the registries are asked anything.
    pub asks: bool,
}

/// The world.
pub struct Gate {
    pub home: Home,
    pub server: Server,
    pub fake: Fake,
    pub key: Key,
    pub folder: PathBuf,
    images: BTreeMap<&'static str, Digest>,
    start: String,
}

impl Gate {
    /// Signed images `0.8.0` to `1.2.0`, an unsigned `1.3.0`; staging pins `1.1.0` and production `1.0.0`, which took the
    /// place of `0.9.0`. `0.8.0` was taken out by a `git revert`; `0.7.0` is unsigned and was there before.
    pub async fn start() -> Self {
        let (fake, key) = (Fake::new(Ways::default()), Key::new());
        let mut images = BTreeMap::new();
        for name in ["0.7.0", "0.8.0", "0.9.0", "1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
            let digest = fake.image(API, name, None);
            fake.tag(API, name, digest);
            if !matches!(name, "0.7.0" | "1.3.0") {
                key.sign(&fake, API, digest);
            }
            images.insert(name, digest);
        }
        for other in ["shop/web", "evil/x"] {
            assert_eq!(fake.image(other, "1.3.0", None), images["1.3.0"]);
        }
        fake.tag(API, "main", images["1.1.0"]);
        let answers = fake.clone();
        let server = Server::start(move |seen| answers.answer(seen)).await;
        let home = Home::new();
        let folder = home.path("gitops");
        let mut gate = Self {
            home,
            server,
            fake,
            key,
            folder,
            images,
            start: String::new(),
        };
        gate.first_commits();
        gate
    }

    fn first_commits(&mut self) {
        std::fs::create_dir_all(&self.folder).expect("made");
        self.git(&["init", "-q", "-b", "main"]);
        self.write("keys/ci.pub", &self.key.pem());
        self.write("pindeck.toml", &self.policy(""));
        self.write("README.md", "a shop\n");
        let hours_ago = |hours: u64, args: &[&str]| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let at = now.expect("after 1970").as_secs() - 3_600 * hours;
            let done = Command::new("git")
                .args([
                    "-c",
                    "user.name=A",
                    "-c",
                    "user.email=a@example.com",
                    "-c",
                    "commit.gpgsign=false",
                    "-C",
                ])
                .arg(&self.folder)
                .args(args)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_COMMITTER_DATE", format!("@{at} +0000"))
                .status();
            assert!(done.expect("git runs").success(), "{args:?}");
        };
        let pinned = |hours: u64, name: &str| {
            self.pin("production", &self.image(name));
            self.git(&["add", "-A"]);
            hours_ago(hours, &["commit", "-q", "-m", &format!("{name} to production")]);
        };
        pinned(20, "0.7.0");
        pinned(18, "0.9.0");
        pinned(16, "0.8.0");
        hours_ago(14, &["revert", "--no-edit", "HEAD"]);
        pinned(12, "1.0.0");
        self.pin("staging", &self.image("1.1.0"));
        commit(&self.folder, "1.1.0 to staging");
        self.start = self.commit_of("HEAD");
    }

    /// The policy, with more lines for `[policies.release]`.
    pub fn policy(&self, more: &str) -> String {
        format!(
            "version = 1\nignore = [\"docker.io/**\"]\n\
             [[environments]]\nname = \"staging\"\npaths = [\"envs/staging/**\"]\npolicy = \"release\"\n\
             [[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"release\"\n\
             [[services]]\nname = \"api\"\nimage = \"{address}/{API}\"\n\
             [policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n{more}\n\
             [trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n",
            address = self.server.address,
        )
    }

    pub fn digest(&self, name: &str) -> Digest {
        self.images[name]
    }

    /// `HOST/shop/api:NAME@DIGEST`.
    pub fn image(&self, name: &str) -> String {
        self.tagged(name, name)
    }

    /// The same with another tag.
    pub fn tagged(&self, tag: &str, name: &str) -> String {
        format!("{}/{API}:{tag}@{}", self.server.address, self.digest(name))
    }

    pub fn write(&self, path: &str, text: &str) {
        self.home.write(&format!("gitops/{path}"), text);
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).expect("there")
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.join(path)).expect("removed");
    }

    /// Makes an environment pin an image.
    pub fn pin(&self, environment: &str, image: &str) {
        self.write(&format!("envs/{environment}/api.yaml"), &super::home::deployment(image));
    }

    pub fn hold(&self, environment: &str, name: &str) {
        let text = format!(
            "version = 1\n[[hold]]\nservice = \"api\"\nenvironment = \"{environment}\"\ndigest = \"{}\"\nreason = \"it leaks\"\n",
            self.digest(name)
        );
        self.write("pindeck-holds.toml", &text);
    }

    pub fn git(&self, args: &[&str]) {
        git(&self.folder, args);
    }

    pub fn commit_of(&self, name: &str) -> String {
        let out = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["rev-parse", name])
            .output();
        String::from_utf8(out.expect("git runs").stdout)
            .expect("a commit")
            .trim()
            .to_owned()
    }

    fn commit_all(&self, subject: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    /// Makes the branches `main` and `change` as a case has them.
    pub fn set_up(&self, before: Act, base: Act, head: Act) {
        self.git(&["checkout", "-q", "-f", "--detach", &self.start]);
        self.git(&["clean", "-q", "-fdx"]);
        before(self);
        self.commit_all("before");
        self.git(&["branch", "-q", "-f", "change"]);
        base(self);
        self.commit_all("on the base");
        self.git(&["branch", "-q", "-f", "main"]);
        self.git(&["checkout", "-q", "-f", "change"]);
        self.git(&["clean", "-q", "-fdx"]);
        head(self);
        self.commit_all(
            "a change\n\nPindeck-Action: promote\nPindeck-Waived: verdict, hold, after\nPindeck-Break-Glass: let me in",
        );
    }

    /// Runs `check` from `main` to `change`.
    pub async fn check(&self, args: &[&str]) -> Said {
        let all: Vec<&str> = ["check", "--base", "main", "--head", "change"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let command = self.home.command(&self.folder, &all);
        tokio::task::spawn_blocking(move || finish(command))
            .await
            .expect("finished")
    }

    /// Runs a case; what is wrong with it.
    pub async fn wrong(&self, case: &Case) -> Option<String> {
        self.set_up(case.before, case.base, case.head);
        let before = self.server.total();
        let args: Vec<&str> = case.args.iter().copied().chain(["--json"]).collect();
        let said = self.check(&args).await;
        let asked = self.server.total() - before;
        let name = case.name;
        if said.status != case.exit {
            return Some(format!("{name}: exit {} for {}: {said:?}", said.status, case.exit));
        }
        let document = said.json();
        if case.exit == 2 {
            return (document["schema"] != "pindeck/error/v1").then(|| format!("{name}: {document}"));
        }
        let kinds = kinds(&document);
        let expected: BTreeSet<String> = case.kinds.iter().map(|kind| (*kind).to_owned()).collect();
        if kinds != expected {
            return Some(format!("{name}: found {kinds:?} for {expected:?}: {document:#}"));
        }
        if (asked > 0) != case.asks || document["budget"]["requests"] != asked {
            return Some(format!("{name}: {asked} requests: {document:#}"));
        }
        for finding in document["findings"].as_array().expect("a list") {
            let has = |field: &str| finding[field].as_str().is_some_and(|text| !text.is_empty());
            if !(has("file") && has("message") && has("next")) {
                return Some(format!("{name}: {finding:#}"));
            }
        }
        None
    }
}

/// The kinds of all findings.
pub fn kinds(document: &Value) -> BTreeSet<String> {
    assert_eq!(document["schema"], "pindeck/check/v1", "{document}");
    let all = document["findings"].as_array().expect("a list").iter();
    all.map(|finding| finding["kind"].as_str().expect("a kind").to_owned())
        .collect()
}
