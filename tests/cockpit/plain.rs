//! The cockpit line by line, as a screen reader and a pipe have it: in a pipe, and at a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::terminal::{Cockpit, command};

/// What pindeck says to these lines on a pipe, the demo's world being kept in `home/world`; and the branch's newest subject.
fn piped(lines: &str) -> (String, String) {
    let home = tempfile::tempdir().expect("a folder");
    let world = home.path().join("world");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pindeck"))
        .args(["--plain", "demo", "--speed", "0", "--dir"])
        .arg(&world)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .env("XDG_CACHE_HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pindeck starts");
    let mut to = child.stdin.take().expect("a pipe");
    to.write_all(lines.as_bytes()).expect("written");
    drop(to);
    let out = child.wait_with_output().expect("ended");
    let said = String::from_utf8(out.stdout).expect("text");
    assert!(out.status.success(), "{said}\n{}", String::from_utf8_lossy(&out.stderr));
    let log = crate::support::peer::git(
        home.path(),
        [
            "-C",
            world.join("remote.git").to_str().expect("a path"),
            "log",
            "-1",
            "--format=%s",
            "main",
        ],
    );
    (said, log.trim().to_owned())
}

#[test]
fn a_pipe_writes_what_it_confirmed_and_nothing_else() {
    let (said, newest) = piped("promote accounts to staging\nyes\n");
    assert_eq!(newest, "Promote accounts to staging");
    assert!(said.contains("ok promoted: accounts in staging"), "{said}");
    // What is read aloud has no control characters, signs or drawn lines.
    assert!(
        said.chars().all(|c| c == '\n' || c.is_ascii_graphic() || c == ' '),
        "{said:?}"
    );
    for lines in [
        "promote accounts to staging\n",
        "promote accounts to staging\ny es\n",
        "yes\n",
    ] {
        let (said, newest) = piped(lines);
        assert_ne!(newest, "Promote accounts to staging", "{lines:?}: {said}");
    }
}

#[test]
fn a_person_at_a_terminal_is_asked_and_can_say_no() {
    let home = tempfile::tempdir().expect("a folder");
    let mut start = command(home.path(), home.path(), env!("CARGO_BIN_EXE_pindeck"));
    start.args(["--plain", "demo", "--speed", "0"]);
    let mut cockpit = Cockpit::spawn(home, start, (40, 100));
    let ready = |text: &str| text.lines().last().is_some_and(|line| line.trim_end() == ">");
    cockpit.until("the first question", |text| text.contains("need a look") && ready(text));
    cockpit.press("show checkout production\r");
    cockpit.until("one pin", |text| text.contains("in production") && ready(text));
    cockpit.press("promote accounts to staging\r");
    cockpit.until("the plan's question", |text| {
        text.contains("To carry this out, type yes")
    });
    cockpit.press("no\r");
    cockpit.until("the end of the plan", |text| {
        text.contains("nothing was written") && ready(text)
    });
    cockpit.press("quit\r");
    assert_eq!(cockpit.ended(), 0);
    // No full screen, and nothing to take back: what was said stays in the scroll-back.
    assert!(!cockpit.raw().contains("\x1b[?1049h"));
}
