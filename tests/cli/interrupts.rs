//! How commands end before their end: by a signal, with the status of that signal and nothing written; or
//! because nobody reads any more; or because a name means nothing here, and then nobody is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::git_world::{World, git};

const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEP8x2a5opcbVKyLtjj3kQQXtYNqjV
p1SE9hEoA06JzVYtKDfKk2/NNysaW+6AFvt3QPiI9VWTtlNVdQRqa+Qcog==
-----END PUBLIC KEY-----
";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: app}}\nspec:\n  containers:\n  - name: app\n    image: {image}\n"
    )
}

/// A remote, a clone, and a registry that accepts connections and never answers.
struct Place {
    world: World,
    clone: PathBuf,
    registry: TcpListener,
}

impl Place {
    fn new() -> Self {
        let registry = TcpListener::bind("127.0.0.1:0").unwrap();
        let image = format!("{}/shop/app", registry.local_addr().unwrap());
        let policy = format!(
            "version = 1\n\n[[environments]]\nname = \"dev\"\npaths = [\"envs/dev/**\"]\npolicy = \"release\"\n\n\
             [[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"release\"\n\n\
             [[services]]\nname = \"app\"\nimage = \"{image}\"\ncandidate = {{ tag = \"main\" }}\n\n\
             [policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\n\
             [trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n"
        );
        let world = World::with(&[
            ("pindeck.toml", policy.as_bytes()),
            ("ci.pub", KEY.as_bytes()),
            ("envs/dev/app.yaml", pod(&format!("{image}:v1")).as_bytes()),
            (
                "envs/production/app.yaml",
                pod(&format!("{image}:v1@{DIGEST}")).as_bytes(),
            ),
        ]);
        let clone = world.clone_as("clone", &world.file_url(), &[]);
        Self { world, clone, registry }
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pindeck starts")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pindeck"));
        command.arg("-C").arg(&self.clone).args(args);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    /// Nothing of the person's set-up counts.
    fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let home = self.world.root.path();
        vec![
            ("HOME", home.to_owned()),
            ("DOCKER_CONFIG", home.to_owned()),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_CACHE_HOME", home.join("cache")),
            ("XDG_STATE_HOME", home.join("state")),
            ("GIT_CONFIG_GLOBAL", Path::new("/dev/null").to_owned()),
            ("GIT_CONFIG_NOSYSTEM", Path::new("1").to_owned()),
        ]
    }

    /// Everything at the remote.
    fn refs(&self) -> String {
        git(&self.world.remote, &["for-each-ref"])
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// Status, stdout and stderr of a program at its end.
fn end(child: Child) -> (Option<i32>, String, String) {
    let out = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

const SIGNALS: [(Signal, i32); 2] = [(Signal::INT, 130), (Signal::TERM, 143)];

#[test]
fn a_look_ends_where_it_is_while_a_registry_is_silent() {
    let place = Place::new();
    for (signal, status) in SIGNALS {
        for args in [&["status", "--json"][..], &["drift", "--watch"], &["evidence", "app"]] {
            let child = place.start(args);
            let (_silent, _) = place.registry.accept().expect("it asks the registry");
            send(&child, signal);
            let (code, out, err) = end(child);
            assert_eq!((code, out.as_str()), (Some(status), ""), "{args:?}: {err}");
        }
    }
}

#[test]
fn a_write_that_is_still_planning_ends_with_the_signals_status_and_writes_nothing() {
    let place = Place::new();
    let before = place.refs();
    for (signal, status) in SIGNALS {
        for args in [
            &[
                "promote",
                "app",
                "--to",
                "dev",
                "--from",
                "candidate",
                "--yes",
                "--json",
            ][..],
            &["pin", "app", "--env", "dev", "--yes", "--json"],
        ] {
            let child = place.start(args);
            let (_silent, _) = place.registry.accept().expect("it asks the registry");
            send(&child, signal);
            let (code, out, err) = end(child);
            assert_eq!(code, Some(status), "{args:?}: {out}{err}");
            let document: Value = serde_json::from_str(&out).expect("one document");
            assert_eq!(document["schema"], "pindeck/error/v1");
            assert_eq!(document["code"], status);
            assert!(
                document["generated_at"].is_string() && document["next"].is_string(),
                "{out}"
            );
        }
    }
    assert_eq!(place.refs(), before);
}

#[test]
fn the_question_before_a_write_can_be_interrupted() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let place = Place::new();
    let before = place.refs();
    let pty = native_pty_system().openpty(PtySize::default()).expect("a terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pindeck"));
    command.arg("-C");
    command.arg(&place.clone);
    command.args(["hold", "add", "app", "--env", "production", "--reason", "it leaks"]);
    for (name, value) in place.environment() {
        command.env(name, value);
    }
    let mut child = pty.slave.spawn_command(command).expect("pindeck starts");
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().expect("a reader");
    let mut writer = pty.master.take_writer().expect("a writer");
    let mut seen = Vec::new();
    let mut chunk = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains("anything else to stop") {
        match reader.read(&mut chunk) {
            Ok(read @ 1..) => seen.extend_from_slice(&chunk[..read]),
            _ => panic!("it never asks: {}", String::from_utf8_lossy(&seen)),
        }
    }
    writer.write_all(b"\x03").expect("the key is pressed");
    let status = child.wait().expect("it ends");
    assert_eq!(status.exit_code(), 130, "{}", String::from_utf8_lossy(&seen));
    assert_eq!(place.refs(), before);
}

/// A repository of its own, whose registry refuses every connection.
fn local(folder: &Path) -> (PathBuf, String) {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clone = folder.join("local");
    git(folder, &["init", "-q", "local"]);
    crate::support::git_world::identify(&clone);
    let image = format!("{closed}/shop/app");
    commit(&clone, "envs/dev/app.yaml", &pod(&format!("{image}:v1")));
    (clone, image)
}

fn commit(clone: &Path, file: &str, text: &str) {
    let path = clone.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    git(clone, &["add", "-A"]);
    git(clone, &["commit", "-q", "-m", "pin by tag"]);
}

fn watch(place: &Place, clone: &Path) -> (Child, BufReader<ChildStdout>, Value) {
    let mut command = place.command(&["drift", "--watch", "--interval", "1s", "--json"]);
    command.arg("-C").arg(clone);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("pindeck starts");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    let event = serde_json::from_str(&line).expect("one document on one line");
    (child, reader, event)
}

#[test]
fn a_watch_says_what_is_there_and_then_what_comes_until_a_signal_or_until_nobody_reads() {
    let place = Place::new();
    let (clone, image) = local(place.world.root.path());
    let (child, mut reader, event) = watch(&place, &clone);
    assert_eq!(event["schema"], "pindeck/drift-event/v1");
    assert_eq!(event["event"], "appeared");
    assert_eq!(event["drift"]["kind"], "pinned-by-tag");
    assert_eq!(
        (&event["drift"]["environment"], &event["drift"]["tag"]),
        (&"dev".into(), &"v1".into())
    );
    assert!(event["at"].is_string() && event["drift"]["id"].is_string());

    commit(&clone, "envs/qa/app.yaml", &pod(&format!("{image}:v1")));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    let second: Value = serde_json::from_str(&line).expect("one document on one line");
    assert_eq!(
        (&second["event"], &second["drift"]["environment"]),
        (&"appeared".into(), &"qa".into())
    );
    send(&child, Signal::TERM);
    assert_eq!(end(child).0, Some(143));

    let (child, reader, again) = watch(&place, &clone);
    assert_eq!(
        again["drift"]["id"], event["drift"]["id"],
        "the same fact has the same id"
    );
    drop(reader);
    commit(&clone, "envs/staging/app.yaml", &pod(&format!("{image}:v1")));
    assert_eq!(end(child).0, Some(0));
}

#[test]
fn a_name_that_means_nothing_here_is_asked_of_nobody() {
    let place = Place::new();
    for (args, near) in [
        (&["evidence", "ap", "--json"][..], "\"app\""),
        (&["diff", "ap:dev", "app:production", "--json"], "\"app\""),
        (&["diff", "app:production", "app:prodution", "--json"], "\"production\""),
        (&["diff", "app", "app:production", "--json"], "SERVICE:ENV"),
    ] {
        let (code, out, err) = end(place.start(args));
        assert_eq!(code, Some(2), "{args:?}: {out}{err}");
        let document: Value = serde_json::from_str(&out).expect("one document");
        assert_eq!(
            (&document["schema"], &document["code"]),
            (&"pindeck/error/v1".into(), &2.into())
        );
        assert!(
            document["next"].as_str().expect("words").contains(near),
            "{args:?}: {out}"
        );
    }
}
