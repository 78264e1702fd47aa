//! Where a cell of the table is run: a registry, a remote, a clone, and a pindeck that knows nothing else.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use pindeck::domain::Digest;

use super::faults::{Fault, LocalFault, answer};
use super::scene::{self, Scene};
use crate::support::fake::{Fake, Ways};
use crate::support::peer::git;
use crate::support::server::Server;
use crate::support::signed_world::{API, Key};

const HOST: &str = "registry.shop.example";
/// Older than what anybody waits for.
const BEGUN: i64 = 1_767_225_600;
/// How long a watch may take to say what is waited for. It is read as it comes: a fast machine does not wait.
const PATIENCE: Duration = Duration::from_secs(240);

/// One place, gone when dropped.
pub struct Place {
    pub home: tempfile::TempDir,
    /// Three digests, the oldest first, all signed: production pins the second, staging the third.
    pub digests: [Digest; 3],
    fault: Fault,
    scene: Scene,
    /// They end with the place.
    _servers: Vec<Server>,
}

/// What came of one operation.
#[derive(Debug)]
pub struct Came {
    pub code: i32,
    pub out: String,
    pub err: String,
    /// How many commits the remote's branch has more than before.
    pub landed: usize,
}

impl Place {
    pub async fn make(fault: Fault, scene: Scene) -> Self {
        let key = Key::new();
        let fake = Fake::new(Ways::default());
        let digests = ["one", "two", "three"].map(|layer| {
            let digest = fake.image(API, layer, None);
            key.sign(&fake, API, digest);
            digest
        });
        if scene == Scene::Drifting {
            fake.tag(API, "latest", digests[2]);
        }
        let other = scene::other_image(&fake);
        let honest = fake.clone();
        let elsewhere = Server::start(move |seen| honest.answer(seen)).await;
        let there = elsewhere.address.to_string();
        let at_registry = scene.at_registry(fault);
        let away = there.clone();
        let server = Server::start(move |seen| match at_registry {
            Some(fault) => answer(fault, seen, &fake, &away),
            None => fake.answer(seen),
        })
        .await;
        let place = Self {
            home: tempfile::tempdir().expect("a folder"),
            digests,
            fault,
            scene,
            _servers: Vec::new(),
        };
        place.write_repository(&key, &scene::endpoint(at_registry, &server));
        let mut servers = vec![server, elsewhere];
        if scene.has_cluster() {
            let at_cluster = scene.at_cluster(fault);
            let cluster = scene::cluster(at_cluster, &format!("{HOST}/{API}"), other, there).await;
            let (kubeconfig, mine) = scene::reach(&scene::endpoint(at_cluster, &cluster));
            std::fs::write(place.path("kubeconfig"), kubeconfig).expect("written");
            std::fs::write(place.path("mine.toml"), mine).expect("written");
            servers.push(cluster);
        }
        if let Fault::Local(fault) = fault {
            place.break_it(fault);
        }
        Self {
            _servers: servers,
            ..place
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn git(&self, folder: &str, args: &[&str]) -> String {
        let folder = self.path(folder);
        let all = ["-C", folder.to_str().expect("a path")]
            .into_iter()
            .chain(args.iter().copied());
        git(self.home.path(), all)
    }

    fn write_repository(&self, key: &Key, endpoint: &str) {
        let make = self.path("make");
        std::fs::create_dir_all(make.join("keys")).expect("a folder");
        std::fs::write(make.join("keys/ci.pub"), key.pem()).expect("written");
        let runs = "running = [{ cluster = \"eu\", namespaces = [\"shop\"] }]\n";
        let environment = |name: &str| {
            let more = match name {
                "production" if self.scene.has_cluster() => runs,
                _ => "",
            };
            format!("[[environments]]\nname = \"{name}\"\npaths = [\"envs/{name}/**\"]\npolicy = \"release\"\n{more}")
        };
        let more = match self.scene {
            Scene::Drifting => environment("sandbox"),
            Scene::Plain => String::new(),
            Scene::Clustered | Scene::ClusterFails => "[[clusters]]\nname = \"eu\"\n".to_owned(),
        };
        let policy = format!(
            "version = 1\n{}{}{more}[[services]]\nname = \"api\"\nimage = \"{HOST}/{API}\"\n\
             [policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\
             [trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n\
             [registries.\"{HOST}\"]\nendpoint = \"{endpoint}\"\n",
            environment("staging"),
            environment("production"),
        );
        std::fs::write(make.join("pindeck.toml"), policy).expect("written");
        if self.scene == Scene::Drifting {
            self.write_pin("make", "sandbox", ":latest");
        }
        self.git("make", &["init", "-q", "-b", "main"]);
        let [one, two, three] = self.digests;
        for (at, (staging, production)) in [(one, one), (two, one), (two, two), (three, two)]
            .into_iter()
            .enumerate()
        {
            self.write_pin("make", "staging", &format!("@{staging}"));
            self.write_pin("make", "production", &format!("@{production}"));
            self.git("make", &["add", "-A"]);
            let date = format!("{} +0000", BEGUN + i64::try_from(at).expect("few") * 86_400);
            let mut commit = Command::new("git");
            commit.args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "commit",
                "-q",
                "-m",
                "pins",
            ]);
            commit
                .current_dir(&make)
                .env("GIT_COMMITTER_DATE", &date)
                .env("GIT_AUTHOR_DATE", &date);
            commit.env("HOME", self.home.path());
            assert!(commit.status().expect("git runs").success());
        }
        git(self.home.path(), ["clone", "-q", "--bare", "make", "remote.git"]);
        git(self.home.path(), ["clone", "-q", "remote.git", "gitops"]);
        for (name, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("commit.gpgsign", "false"),
        ] {
            self.git("gitops", &["config", name, value]);
        }
        self.git("gitops", &["checkout", "-q", "-b", "change"]);
        self.write_pin("gitops", "production", &format!("@{three}"));
        self.git("gitops", &["commit", "-q", "-am", "bump"]);
        self.git("gitops", &["checkout", "-q", "main"]);
    }

    fn write_pin(&self, folder: &str, environment: &str, version: &str) {
        let file = self.path(folder).join("envs").join(environment).join("api.yaml");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let manifest = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: {HOST}/{API}{version}\n"
        );
        std::fs::write(file, manifest).expect("written");
    }

    fn break_it(&self, fault: LocalFault) {
        match fault {
            LocalFault::NoCache => {
                std::fs::create_dir_all(self.path("xdg")).expect("a folder");
                std::fs::write(self.path("xdg/cache"), "no folder").expect("written");
            }
            LocalFault::DamagedCache => {
                self.run(&["status", "--json"]);
                damage(&self.path("xdg/cache"));
            }
            LocalFault::IndexLocked => {
                std::fs::write(self.path("gitops/.git/index.lock"), "").expect("written");
            }
            LocalFault::BranchLocked => {
                std::fs::write(self.path("remote.git/refs/heads/main.lock"), "").expect("written");
                // A packed branch is locked by the same file, in a folder that must be there.
            }
            LocalFault::DirtyTree => {
                std::fs::write(self.path("gitops/envs/production/api.yaml"), "image: nonsense\n").expect("written");
                std::fs::write(self.path("gitops/envs/production/more.yaml"), "image: nonsense\n").expect("written");
            }
            LocalFault::RewrittenBranch => {
                self.git("make", &["checkout", "-q", "--orphan", "again"]);
                self.git("make", &["commit", "-q", "-m", "all in one"]);
                let remote = self.path("remote.git");
                self.git(
                    "make",
                    &["push", "-q", "-f", remote.to_str().expect("a path"), "again:main"],
                );
            }
            LocalFault::DeletedBranch => {
                self.git("remote.git", &["branch", "-q", "-m", "main", "elsewhere"]);
            }
            LocalFault::NoRemote => std::fs::remove_dir_all(self.path("remote.git")).expect("removed"),
            LocalFault::Submodule => {
                let tree = "160000 1111111111111111111111111111111111111111 0\tenvs/production/vendored\n";
                let mut index = Command::new("git");
                index
                    .args(["update-index", "--add", "--index-info"])
                    .current_dir(self.path("make"));
                let mut child = index.stdin(Stdio::piped()).spawn().expect("git runs");
                std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), tree.as_bytes()).expect("written");
                assert!(child.wait().expect("ended").success());
                self.git("make", &["commit", "-q", "-m", "a submodule"]);
                let remote = self.path("remote.git");
                self.git("make", &["push", "-q", remote.to_str().expect("a path"), "main"]);
            }
            LocalFault::DiskFull | LocalFault::Clock(_) | LocalFault::ClosedPipe => {}
        }
    }

    /// The commits of the remote's branch; none where it is gone.
    fn commits(&self) -> usize {
        let counted = Command::new("git")
            .args(["rev-list", "--count", "main"])
            .current_dir(self.home.path())
            .env("GIT_DIR", self.path("remote.git"))
            .output()
            .expect("git runs");
        String::from_utf8_lossy(&counted.stdout).trim().parse().unwrap_or(0)
    }

    fn command(&self, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_pindeck");
        let mut command = match self.fault {
            // Every write of a file ends with an error.
            Fault::Local(LocalFault::DiskFull) => {
                let mut shell = Command::new("bash");
                shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", program]);
                shell
            }
            _ => Command::new(program),
        };
        command.args(args).current_dir(self.path("gitops"));
        for (name, folder) in [("CONFIG", "xdg/config"), ("CACHE", "xdg/cache"), ("STATE", "xdg/state")] {
            command.env(format!("XDG_{name}_HOME"), self.path(folder));
        }
        command
            .env("HOME", self.home.path())
            .env("DOCKER_CONFIG", self.home.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("PINDECK_CONFIG")
            .env_remove("PINDECK_CACHE_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Fault::Local(LocalFault::Clock(years)) = self.fault {
            let Some(library) = other_clock() else {
                panic!("no C compiler")
            };
            command
                .env("LD_PRELOAD", library)
                .env("CLOCK_SHIFT", (i64::from(years) * 31_557_600).to_string());
        }
        if self.scene.has_cluster() {
            command
                .env("PINDECK_CONFIG", self.path("mine.toml"))
                .env("KUBECONFIG", self.path("kubeconfig"));
        }
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut child = self.command(args).spawn().expect("started");
        if self.fault == Fault::Local(LocalFault::ClosedPipe) {
            drop(child.stdout.take());
        }
        let done = child.wait_with_output().expect("ended");
        (
            done.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&done.stdout).into_owned(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    }

    /// Runs what has no end until it has said something on stdout and all of `words`, on either; then it is told to end,
    /// which is the status 0 here. Where it ended of its own accord, that status counts.
    fn watch(&self, args: &[&str], words: &str) -> (i32, String, String) {
        let mut child = self.command(args).spawn().expect("started");
        let (to, from) = mpsc::channel();
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let readers = [lines(out, 0, to.clone()), lines(err, 1, to)];
        let mut said = [String::new(), String::new()];
        let mut is_told = false;
        // Both ends close when it ends.
        while let Ok((which, line)) = from.recv_timeout(PATIENCE) {
            said[which].push_str(&line);
            let is_said = !said[0].is_empty() && said.iter().any(|text| text.contains(words));
            if is_said && !is_told {
                is_told = true;
                let id = child.id().to_string();
                let told = Command::new("kill").args(["-TERM", &id]).status();
                assert!(told.expect("kill runs").success());
            }
        }
        let _ = child.kill();
        let code = child.wait().expect("ended").code();
        for reader in readers {
            reader.join().expect("read");
        }
        let [out, err] = said;
        match (is_told, code) {
            (true, Some(143)) => (0, out, err),
            (_, code) => (code.unwrap_or(-1), out, err),
        }
    }

    /// Runs an operation; `words` are what one without an end is expected to say.
    pub fn operate(&self, args: &[&str], words: &str) -> Came {
        if self.fault == Fault::Local(LocalFault::DamagedCache) {
            damage(&self.path("xdg/cache"));
        }
        let before = self.commits();
        let (code, out, err) = match args.contains(&"--watch") && self.fault != Fault::Local(LocalFault::ClosedPipe) {
            true => self.watch(args, words),
            false => self.run(args),
        };
        Came {
            code,
            out,
            err,
            landed: self.commits().saturating_sub(before),
        }
    }
}

/// Sends every line of a stream, with the number of the stream.
fn lines(
    stream: impl std::io::Read + Send + 'static,
    which: usize,
    to: mpsc::Sender<(usize, String)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            let _ = to.send((which, std::mem::take(&mut line)));
        }
    })
}

/// Writes something else into every file below a folder.
fn damage(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            damage(&path);
        } else {
            std::fs::write(&path, b"\0damaged").expect("written");
        }
    }
}

/// A library that gives a program another clock; `None` without a C compiler.
fn other_clock() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-clock");
        std::fs::create_dir_all(&folder).ok()?;
        let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
        std::fs::write(
            &source,
            "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdlib.h>\n#include <time.h>\n\
             int clock_gettime(clockid_t id, struct timespec *at) {\n\
             static int (*real)(clockid_t, struct timespec *);\n\
             if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, \"clock_gettime\");\n\
             int done = real(id, at);\n\
             const char *shift = getenv(\"CLOCK_SHIFT\");\n\
             if (done == 0 && shift && id == CLOCK_REALTIME) at->tv_sec += atoll(shift);\n\
             return done;\n}\n",
        )
        .ok()?;
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl")
            .status();
        done.ok()?.success().then_some(library)
    });
    made.as_deref()
}
