//! The world on real registries, production with one of its own, and a remote with hooks on both sides.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::case::{ALL, Case};
use crate::support::docker_registry::DockerRegistry;
use crate::support::git_http::GitHttp;
use crate::support::git_world::hook;
use crate::support::live_world::LiveWorld;
use crate::support::peer::{Answer, find, git, pindeck};
use crate::support::sshd::Sshd;

/// Production's own registry, as manifests name it.
pub const OWN: &str = "production.example.test/shop";
/// What the remote or a hook says when it refuses.
pub const WORDS: &str = "only on Mondays: ask Ada";
/// Hooks that may refuse, the person's own and the remote's.
pub const REFUSING: [&str; 4] = ["pre-receive", "commit-msg", "update", "pre-push"];
/// A digest that nothing ever had.
const NOTHING: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// How the remote is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    File,
    Http,
    Ssh,
}

/// What answers there.
enum Door {
    File,
    Http(GitHttp),
    Ssh(Sshd),
}

/// Everything.
pub struct Place {
    pub world: LiveWorld,
    pub own: DockerRegistry,
    pub remote: PathBuf,
    door: Door,
}

impl Place {
    /// `None` (said loudly) where a program is missing.
    pub fn start(way: Way) -> Option<Self> {
        for peer in ["crane", "oras", "cosign2", "cosign3"] {
            find(peer)?;
        }
        let world = LiveWorld::start()?;
        let home = world.home.path();
        let folder = home.join("registry-own");
        std::fs::create_dir_all(&folder).unwrap();
        let own = DockerRegistry::start(&find("docker-registry")?, &folder);
        let remote = home.join("remote.git");
        git(home, ["clone", "-q", "--bare", text(&world.clone), text(&remote)]);
        let door = match way {
            Way::File => Door::File,
            Way::Http => Door::Http(GitHttp::serve(home)),
            Way::Ssh => Door::Ssh(Sshd::serve(home)?),
        };
        let place = Self {
            world,
            own,
            remote,
            door,
        };
        place.decide();
        place.move_production();
        place.install_hooks();
        place.settle();
        Some(place)
    }

    fn home(&self) -> &Path {
        self.world.home.path()
    }

    /// Production gets a registry of its own, in the policy.
    fn decide(&self) {
        let policy = std::fs::read_to_string(&self.world.policy).unwrap();
        let at = policy.find("name = \"production\"").expect("production");
        let (head, tail) = policy.split_at(at);
        let tail = tail.replacen("policy = ", &format!("registry = \"{OWN}\"\npolicy = "), 1);
        let (host, _) = OWN.split_once('/').expect("a host");
        let address = &self.own.address;
        let all = format!("{head}{tail}\n[registries.\"{host}\"]\nendpoint = \"http://{address}\"\n");
        std::fs::write(&self.world.policy, all).unwrap();
    }

    /// Somebody writes down where production pulls from and what the environments before it run, and puts
    /// hooks into the tree.
    fn move_production(&self) {
        let theirs = self.home().join("theirs");
        git(self.home(), ["clone", "-q", text(&self.remote), text(&theirs)]);
        for case in &ALL {
            let pinned = |environment: &str, digest: &str| {
                let path = theirs.join(case.file_in(environment));
                let before = std::fs::read_to_string(&path).unwrap();
                let hex = digest_at(&before, case);
                let mut after = before.replace(hex, digest);
                if environment == "production" {
                    for host in ["127.0.0.1:5811", "127.0.0.1:5812"] {
                        let (own, folder) = OWN.split_once('/').expect("a host");
                        after = after.replace(&format!("{host}/shop/"), &format!("{own}/{folder}/"));
                        after = after.replace(&format!("registry: {host}\n"), &format!("registry: {own}\n"));
                    }
                }
                std::fs::write(&path, after).unwrap();
            };
            pinned(case.environment, NOTHING);
            if case.environment != "production" || case.service != "notifier" {
                pinned(case.before, &self.digest(case, case.versions[1]));
            }
        }
        for name in [
            "commit-msg",
            "pre-push",
            "pre-commit",
            "post-commit",
            "reference-transaction",
        ] {
            hook(&theirs.join("hooks"), name, &self.note(&format!("tracked-{name}")));
        }
        git(self.home(), ["-C", text(&theirs), "add", "-A"]);
        let subject = "production has its own registry";
        git(self.home(), ["-C", text(&theirs), "commit", "-qm", subject]);
        git(self.home(), ["-C", text(&theirs), "push", "-q", "origin", "HEAD:main"]);
    }

    /// A line in the list of what ran.
    fn note(&self, name: &str) -> String {
        format!("echo {name} >> '{}'", self.home().join("heard").display())
    }

    fn install_hooks(&self) {
        let refusal = |name: &str| {
            let told = self.home().join(format!("refuse-{name}"));
            format!("[ ! -e '{}' ] || {{ echo '{WORDS}' >&2; exit 1; }}", told.display())
        };
        std::fs::write(self.home().join("heard"), "").unwrap();
        let (mine, theirs) = (self.world.clone.join(".git/hooks"), self.remote.join("hooks"));
        for (folder, name, first) in [
            (&mine, "commit-msg", "printf 'Change-Id: I1\\n' >> \"$1\""),
            (&mine, "pre-push", "cat > /dev/null"),
            (&theirs, "pre-receive", "cat > /dev/null"),
            (&theirs, "update", ":"),
        ] {
            hook(
                folder,
                name,
                &format!("{first}\n{}\n{}", self.note(name), refusal(name)),
            );
        }
    }

    /// The person's clone: an identity, a signing key, the remote, and something half done.
    fn settle(&self) {
        let home = self.home();
        let key = home.join("signing-key");
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        assert!(made.expect("ssh-keygen runs").success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let allowed = home.join("allowed-signers");
        std::fs::write(&allowed, format!("ada@example.com {public}")).unwrap();
        let mut settings = vec![
            ("user.name", "Ada".to_owned()),
            ("user.email", "ada@example.com".to_owned()),
            ("commit.gpgSign", "true".to_owned()),
            ("gpg.format", "ssh".to_owned()),
            ("user.signingKey", text(&key).to_owned()),
            ("gpg.ssh.allowedSignersFile", text(&allowed).to_owned()),
        ];
        let url = match &self.door {
            Door::File => format!("file://{}", self.remote.display()),
            Door::Http(server) => {
                git(home, ["-C", text(&self.remote), "config", "http.receivepack", "true"]);
                *server.manners.password.lock().unwrap() = Some("ada:secret".to_owned());
                let helper = "!f() { echo username=ada; echo password=secret; }; f";
                settings.push(("credential.helper", helper.to_owned()));
                server.url("remote.git")
            }
            Door::Ssh(server) => {
                let heard = std::fs::OpenOptions::new()
                    .append(true)
                    .open(home.join("heard"))
                    .unwrap();
                let anybody = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
                heard.set_permissions(anybody).unwrap();
                server.owns(&self.remote);
                settings.push(("core.sshCommand", format!("ssh -F '{}'", server.config.display())));
                server.url(&self.remote)
            }
        };
        let mine = |args: &[&str]| {
            let all = ["-C", text(&self.world.clone)].into_iter().chain(args.iter().copied());
            git(home, all)
        };
        for (name, value) in &settings {
            mine(&["config", name, value]);
        }
        mine(&["remote", "set-url", "origin", &url]);
        mine(&["pull", "-q", "--ff-only"]);
        mine(&["checkout", "-q", "-b", "mine"]);
        mine(&["branch", "-q", "--set-upstream-to=origin/main"]);
        std::fs::write(self.world.clone.join(ALL[0].its_file()), "half a thought").unwrap();
        std::fs::write(self.world.clone.join("staged"), "staged").unwrap();
        mine(&["add", "staged"]);
    }

    /// The digest of a version, where it is built.
    pub fn digest(&self, case: &Case, version: &str) -> String {
        let (host, repository) = case.built_at();
        self.world.world.registries[host].repositories[&repository].tags[version].to_string()
    }

    /// Runs the binary in the person's clone.
    pub fn pindeck(&self, args: &[&str]) -> Answer {
        let place = ["-C", text(&self.world.clone), "--config", text(&self.world.policy)];
        pindeck(self.home(), place.iter().chain(args))
    }

    /// The same with `--json`; its one document.
    pub fn document(&self, args: &[&str], code: i32) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let answer = self.pindeck(&args);
        assert_eq!(answer.code, code, "{args:?}\n{}\n{}", answer.stdout, answer.stderr);
        serde_json::from_str(&answer.stdout).expect("one JSON document")
    }

    /// What git says of the remote's repository.
    pub fn at_remote(&self, args: &[&str]) -> String {
        let safe = ["-c", "safe.directory=*", "-C", text(&self.remote)];
        git(self.home(), safe.into_iter().chain(args.iter().copied()))
    }

    /// A file of the remote's branch at a commit, its line ends as they are.
    pub fn file(&self, commit: &str, file: &str) -> String {
        self.at_remote(&["show", &format!("{commit}:{file}")])
    }

    /// What the remote's branch is at.
    pub fn head(&self) -> String {
        self.at_remote(&["rev-parse", "main"]).trim().to_owned()
    }

    /// What ran since it was asked last.
    pub fn heard(&self) -> String {
        let path = self.home().join("heard");
        let said = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        said
    }

    /// Hooks from the tracked tree, or those of the clone.
    pub fn hooks_are_tracked(&self, tracked: bool) {
        let clone = text(&self.world.clone);
        if tracked {
            git(self.home(), ["-C", clone, "config", "core.hooksPath", "hooks"]);
            std::fs::create_dir_all(self.world.clone.join("hooks")).unwrap();
            git(
                self.home(),
                ["-C", clone, "checkout", "-q", "origin/main", "--", "hooks"],
            );
        } else {
            git(self.home(), ["-C", clone, "config", "--unset", "core.hooksPath"]);
        }
    }

    /// Makes a hook refuse, or not any more.
    pub fn refuses(&self, hook: &str, refuses: bool) {
        let told = self.home().join(format!("refuse-{hook}"));
        if refuses {
            std::fs::write(told, "").unwrap();
        } else {
            std::fs::remove_file(told).unwrap();
        }
    }

    /// At the end: the remote's repository is sound, nothing is left behind.
    pub fn ends_whole(&self) {
        self.at_remote(&["fsck", "--strict"]);
        let journal = self.world.clone.join(".git/pindeck/journal");
        let left = std::fs::read_dir(journal).map_or(0, |entries| entries.flatten().count());
        assert_eq!(left, 0, "the journal is empty");
        let held = self.pindeck(&["hold", "list"]).expect("hold list");
        for case in &ALL {
            assert!(!held.stdout.contains(case.service), "{}", held.stdout);
        }
    }
}

/// The digest that a file pins, as written; decoys are of one figure or under another key.
fn digest_at<'a>(text: &'a str, case: &Case) -> &'a str {
    let after = text.find(&format!("shop/{}", case.service)).expect("its image");
    let before = text.find("- digest: sha256:").filter(|at| *at < after);
    let from = before.unwrap_or(after);
    let at = from + text[from..].find("sha256:").expect("a digest");
    &text[at..at + 71]
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
