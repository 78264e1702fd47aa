//! Attacks by the content of a clone: to have it run, read or believed by whoever looks at it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pindeck::sources::git::GitRepo;

use crate::support::git_world::{World, commit, git, hook, identify, repo, to_main};
use crate::support::server::{Reply, Server};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "hidden-bare-repository",
        tries: "tracked files look like a bare repository whose configuration runs programs",
        attempt: hidden_bare_repository,
    },
    Attack {
        name: "hidden-repository-of-another-format",
        tries: "the same in an object format that only the git program reads",
        attempt: hidden_repository_of_another_format,
    },
    Attack {
        name: "git-file-into-tracked-files",
        tries: "a .git file leads to a repository made of tracked files",
        attempt: git_file_into_tracked_files,
    },
    Attack {
        name: "hook-by-a-tracked-link",
        tries: "core.hooksPath names a tracked folder in which a hook is a link to a program outside",
        attempt: hook_by_a_tracked_link,
    },
    Attack {
        name: "hook-through-a-tracked-folder",
        tries: "the hooks folder of the clone is a link to a tracked folder",
        attempt: hook_through_a_tracked_folder,
    },
    Attack {
        name: "hook-swapped-after-the-check",
        tries: "a commit-msg hook puts a tracked pre-push hook in place between check and push",
        attempt: hook_swapped_after_the_check,
    },
    Attack {
        name: "tracked-configuration",
        tries: "a tracked file that the clone's configuration includes names an ssh command",
        attempt: tracked_configuration,
    },
    Attack {
        name: "tracked-program",
        tries: "the clone's configuration names a tracked program for ssh, credentials or uploads",
        attempt: tracked_program,
    },
    Attack {
        name: "fsmonitor",
        tries: "the clone's configuration asks a tracked program which files have changed",
        attempt: fsmonitor,
    },
    Attack {
        name: "configuration-that-is-no-file",
        tries: "pindeck.toml or a key of the working tree is a link, a pipe or a device",
        attempt: configuration_that_is_no_file,
    },
    Attack {
        name: "credentials-to-a-clone",
        tries: "--config names the pindeck.toml of a clone from outside, and its endpoint gets the credentials",
        attempt: || on_a_runtime(credentials_to_a_clone()),
    },
];

/// How long a command may take that should be over at once.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs pindeck to its end; panics if it does not come to one.
fn pindeck(cwd: &Path, home: &Path, args: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pindeck"))
        .args(args)
        .current_dir(cwd)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("PINDECK_CACHE_DIR", home.join("cache"))
        .env("DOCKER_CONFIG", home.join("docker"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pindeck starts");
    let started = Instant::now();
    while child.try_wait().expect("waits").is_none() {
        if started.elapsed() > LIMIT {
            child.kill().expect("ends");
            panic!("pindeck {args:?} did not end");
        }
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output")
}

/// A script that leaves a mark, and the mark.
struct Mark(PathBuf);

impl Mark {
    fn in_folder(folder: &Path) -> Self {
        Self(folder.join("mark"))
    }

    fn script(&self) -> String {
        format!("echo \"$0 $*\" >>'{}'", self.0.display())
    }

    fn command(&self) -> String {
        format!("touch '{}' #", self.0.display())
    }

    fn is_absent(&self, when: &str) {
        let text = std::fs::read_to_string(&self.0);
        assert!(text.is_err(), "code ran ({when}): {text:?}");
    }
}

/// A clone whose tracked files are a bare repository with a hostile configuration in `envs`.
fn clone_with_a_repository(format: &str, mark: &Mark) -> (World, PathBuf) {
    let world = World::with(&[("app.yaml", b"a: 1\n")]);
    let dir = world.clone_as("clone", &world.file_url(), &[]);
    let hidden = dir.join("envs");
    git(
        &dir,
        &["init", "-q", "--bare", &format!("--object-format={format}"), "envs"],
    );
    let other = world.root.path().join("other");
    git(
        world.root.path(),
        &["init", "-q", &format!("--object-format={format}"), "other"],
    );
    identify(&other);
    std::fs::write(other.join("app.yaml"), "hidden: 1\n").expect("written");
    git(&other, &["add", "-A"]);
    git(&other, &["commit", "-q", "-m", "hidden"]);
    git(
        &other,
        &["push", "-q", &hidden.display().to_string(), "HEAD:refs/heads/main"],
    );
    for (name, value) in [
        ("remote.origin.url", "."),
        ("remote.origin.uploadpack", &mark.command()),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("core.fsmonitor", &mark.command()),
        ("core.sshCommand", &mark.command()),
        ("core.worktree", ".."),
        ("core.bare", "false"),
    ] {
        git(&hidden, &["config", "-f", "config", name, value]);
    }
    git(&dir, &["add", "-f", "-A"]);
    git(&dir, &["commit", "-q", "-m", "Add environments"]);
    git(&dir, &["push", "-q", "origin", "HEAD:main"]);
    // A clone by somebody else has exactly what is tracked.
    let victim = world.clone_as("victim", &world.file_url(), &[]);
    assert!(victim.join("envs/HEAD").is_file(), "the repository is tracked");
    (world, victim)
}

fn look_around_in(victim: &Path, mark: &Mark) {
    let home = tempfile::tempdir().expect("a folder");
    let envs = victim.join("envs");
    let named = envs.display().to_string();
    for (cwd, args) in [
        (envs.as_path(), vec!["status", "--json"]),
        (&envs.join("refs"), vec!["status", "--json"]),
        (victim, vec!["-C", "envs", "status", "--json"]),
        (home.path(), vec!["-C", &named, "status", "--json"]),
        (home.path(), vec!["-C", &named, "drift", "--json"]),
        (&envs, vec!["init", "--print"]),
        (&envs, vec!["config", "check"]),
    ] {
        let out = pindeck(cwd, home.path(), &args);
        mark.is_absent(&format!("{args:?} in {}", cwd.display()));
        if args.contains(&"status") {
            let document: serde_json::Value = serde_json::from_slice(&out.stdout).expect("a document");
            let victim = victim.canonicalize().expect("there").display().to_string();
            assert_eq!(document["repository"]["path"], victim.as_str(), "{args:?}");
        }
    }
}

fn hidden_bare_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = Mark::in_folder(folder.path());
    let (_world, victim) = clone_with_a_repository("sha1", &mark);
    look_around_in(&victim, &mark);
}

fn hidden_repository_of_another_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = Mark::in_folder(folder.path());
    let (_world, victim) = clone_with_a_repository("sha256", &mark);
    look_around_in(&victim, &mark);
}

fn git_file_into_tracked_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = Mark::in_folder(folder.path());
    let (_world, victim) = clone_with_a_repository("sha1", &mark);
    let home = tempfile::tempdir().expect("a folder");
    for at in [victim.join("sub"), folder.path().join("elsewhere")] {
        std::fs::create_dir_all(&at).expect("made");
        std::fs::write(at.join(".git"), format!("gitdir: {}\n", victim.join("envs").display())).expect("written");
        let out = pindeck(&at, home.path(), &["status", "--json"]);
        mark.is_absent("status");
        assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stdout));
    }
}

/// A clone, its world, and a mark.
fn clone() -> (World, PathBuf, Mark) {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let mark = Mark::in_folder(world.root.path());
    (world, dir, mark)
}

/// A commit and a push that must not run any hook that leaves a mark.
fn write_once(world: &World, repo: &GitRepo, text: &str) {
    let base = world.head();
    let next = commit(repo, &base, "a", text);
    repo.push(to_main(&next, &base)).expect("lands");
    repo.fetch("origin").expect("fetches");
}

fn hook_by_a_tracked_link() {
    let (world, dir, mark) = clone();
    let outside = world.root.path().join("outside");
    hook(&outside, "program", &mark.script());
    std::fs::create_dir_all(dir.join(".githooks")).expect("made");
    for name in ["pre-push", "commit-msg", "reference-transaction"] {
        symlink("../../outside/program", dir.join(".githooks").join(name)).expect("linked");
    }
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "-q", "-m", "Hooks"]);
    let linked = world.root.path().join("linked");
    git(&dir, &["worktree", "add", "-q", &linked.display().to_string()]);
    let absolute = dir.join(".githooks").display().to_string();
    let elsewhere = linked.join(".githooks").display().to_string();
    for (n, path) in [".githooks", &absolute, &elsewhere].into_iter().enumerate() {
        git(&dir, &["config", "core.hooksPath", path]);
        for from in [&dir, &linked] {
            write_once(&world, &repo(from), &format!("{n} {}\n", from.display()));
            mark.is_absent(path);
        }
    }
}

fn hook_through_a_tracked_folder() {
    let (world, dir, mark) = clone();
    hook(&dir.join(".githooks"), "pre-push", &mark.script());
    hook(&dir.join(".githooks"), "commit-msg", &mark.script());
    std::fs::remove_dir_all(dir.join(".git/hooks")).expect("removed");
    symlink("../.githooks", dir.join(".git/hooks")).expect("linked");
    write_once(&world, &repo(&dir), "2\n");
    mark.is_absent("a link to the folder");
}

fn hook_swapped_after_the_check() {
    let (world, dir, mark) = clone();
    let hooks = dir.join(".git/hooks");
    let swap = format!(
        "ln -sf '{}' '{}'",
        dir.join("tracked/pre-push").display(),
        hooks.join("pre-push").display()
    );
    hook(&dir.join("tracked"), "pre-push", &mark.script());
    hook(&hooks, "commit-msg", &swap);
    write_once(&world, &repo(&dir), "2\n");
    mark.is_absent("a hook that was swapped");
}

fn tracked_configuration() {
    let (world, dir, mark) = clone();
    let repo = repo(&dir);
    let base = world.head();
    let next = commit(&repo, &base, "a", "2\n");
    git(&dir, &["config", "include.path", "../.gitconfig"]);
    for (key, value) in [
        ("remote.origin.uploadpack", mark.command()),
        ("core.sshCommand", mark.command()),
        ("credential.helper", format!("!{}", mark.command())),
        ("gpg.program", mark.command()),
    ] {
        std::fs::write(dir.join(".gitconfig"), "").expect("emptied");
        git(&dir, &["config", "-f", ".gitconfig", key, &value]);
        let refused = repo.fetch("origin").expect_err(key).to_string();
        assert!(refused.contains(".gitconfig"), "{refused}");
        repo.push(to_main(&next, &base)).expect_err(key);
        mark.is_absent(key);
    }
}

fn tracked_program() {
    let (world, dir, mark) = clone();
    hook(&dir.join("tools"), "program", &mark.script());
    let inside = dir.join("tools/program").display().to_string();
    let link = world.root.path().join("link");
    symlink(&inside, &link).expect("linked");
    let repo = repo(&dir);
    let link = link.display().to_string();
    for (key, value) in [
        ("remote.origin.uploadpack", "./tools/program"),
        ("remote.origin.uploadpack", &inside),
        ("remote.origin.receivepack", &link),
        ("core.sshCommand", "sh tools/program"),
        ("credential.helper", &format!("!{inside} --get")),
    ] {
        git(&dir, &["config", key, value]);
        let refused = repo.fetch("origin").expect_err(key).to_string();
        assert!(refused.to_lowercase().contains(&key.to_lowercase()), "{refused}");
        mark.is_absent(key);
        git(&dir, &["config", "--unset", key]);
    }
    repo.fetch("origin").expect("nothing is wrong any more");
}

fn fsmonitor() {
    let (_world, dir, mark) = clone();
    hook(&dir.join("tools"), "program", &mark.script());
    git(&dir, &["config", "core.fsmonitor", "./tools/program"]);
    for sparse in ["false", "true"] {
        git(
            &dir,
            &["-c", "core.fsmonitor=false", "config", "core.sparseCheckout", sparse],
        );
        repo(&dir).tip(None).expect("a tip");
        mark.is_absent("status");
    }
}

fn configuration_that_is_no_file() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let home = tempfile::tempdir().expect("a folder");
    let secret = home.path().join("secret.pem");
    std::fs::write(
        &secret,
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
    )
    .expect("written");
    let toml = dir.join("pindeck.toml");
    let check = |what: &str, named: bool| {
        let file = toml.display().to_string();
        let mut args = vec!["--no-fetch", "config", "check"];
        if named {
            args.extend(["--config", &file]);
        }
        let out = pindeck(&dir, home.path(), &args);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{what}, named {named}: {said}");
    };
    for what in [
        "device",
        "pipe",
        "link",
        "folder",
        "key link",
        "key pipe",
        "key outside",
    ] {
        let _ = std::fs::remove_file(&toml);
        let _ = std::fs::remove_dir_all(&toml);
        let _ = std::fs::remove_file(dir.join("key.pub"));
        let key = if what == "key outside" {
            secret.display().to_string()
        } else {
            "key.pub".to_owned()
        };
        let text = format!("version = 1\n[trust.ci]\nkeys = [\"{key}\"]\ntransparency_log = \"not-required\"\n");
        match what {
            "device" => symlink("/dev/zero", &toml).expect("linked"),
            "link" => {
                std::fs::write(home.path().join("real.toml"), "version = 1\n").expect("written");
                symlink(home.path().join("real.toml"), &toml).expect("linked");
            }
            "pipe" => git_free(&["mkfifo", &toml.display().to_string()]),
            "folder" => std::fs::create_dir(&toml).expect("made"),
            _ => std::fs::write(&toml, text).expect("written"),
        }
        match what {
            "key link" => symlink(&secret, dir.join("key.pub")).expect("linked"),
            "key pipe" => git_free(&["mkfifo", &dir.join("key.pub").display().to_string()]),
            _ => {}
        }
        for named in [false, true] {
            check(what, named);
        }
    }
}

/// Runs a program that makes something.
fn git_free(command: &[&str]) {
    let status = Command::new(command[0]).args(&command[1..]).status().expect("starts");
    assert!(status.success(), "{command:?}");
}

async fn credentials_to_a_clone() {
    let server = Server::start(|seen| {
        if seen.headers.contains_key("authorization") {
            return Reply::error(404, "MANIFEST_UNKNOWN");
        }
        Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", "Basic realm=\"x\"".to_owned())
    })
    .await;
    let world = World::with(&[("a", b"1\n")]);
    let clone = world.clone_as("work", &world.file_url(), &[]);
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(home.path().join("docker")).expect("made");
    std::fs::create_dir_all(home.path().join("own")).expect("made");
    // ada:secret
    let docker = r#"{"auths":{"registry.example.test":{"auth":"YWRhOnNlY3JldA=="}}}"#;
    std::fs::write(home.path().join("docker/config.json"), docker).expect("written");
    let text = format!(
        "version = 1\n[registries.\"registry.example.test\"]\nendpoint = \"http://{}\"\n[policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n[trust.ci]\nroot = \"public-good\"\nidentities = [{{ san = \"https://ci.example.test\", issuer = \"https://issuer.example.test\" }}]\n",
        server.address
    );
    let own = home.path().join("own/pindeck.toml");
    std::fs::write(clone.join("pindeck.toml"), &text).expect("written");
    std::fs::write(&own, &text).expect("written");
    symlink(clone.join("pindeck.toml"), home.path().join("own/link.toml")).expect("linked");
    symlink(&own, clone.join("out.toml")).expect("linked");
    let reference = format!("registry.example.test/app@sha256:{}", "a".repeat(64));
    let sent = |file: &Path| {
        let before = server.seen().len();
        let file = file.display().to_string();
        let args = ["verify", &reference, "--policy", "p", "--config", &file];
        let out = tokio::task::block_in_place(|| pindeck(home.path(), home.path(), &args));
        let seen = server.seen();
        let sent = seen[before..]
            .iter()
            .any(|seen| seen.headers.contains_key("authorization"));
        (sent, String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (own, said) = sent(&own);
    assert!(
        own,
        "the person's own file was not believed, so nothing was tried: {said}"
    );
    for file in [
        clone.join("pindeck.toml"),
        clone.join("out.toml"),
        home.path().join("own/link.toml"),
        home.path().join("own/../own/link.toml"),
    ] {
        let (sent, said) = sent(&file);
        assert!(!sent, "{}: credentials were sent: {said}", file.display());
    }
}
