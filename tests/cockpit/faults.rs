//! A fault of pindeck itself, made on purpose: the terminal is given back, and what happened is said on it.

use super::pty::board;
use super::terminal::{Cockpit, command};
use crate::support::skip::{Want, skipped};

/// Whether faults can't be made: the program was built without debug assertions, as a release is.
pub fn is_left_out() -> bool {
    if cfg!(debug_assertions) {
        return false;
    }
    skipped(Want::Program, "a release has no way to make a fault on purpose");
    true
}

/// A demo that panics at a place as soon as the file exists, and the file.
fn cockpit(place: &str) -> (Cockpit, std::path::PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("fault");
    let mut start = command(home.path(), home.path(), env!("CARGO_BIN_EXE_pindeck"));
    start.args(["demo", "--speed", "0"]);
    start.env("PINDECK_TEST_FAULT", format!("{place}:{}", file.display()));
    start.env("TMPDIR", home.path().join("tmp"));
    std::fs::create_dir(home.path().join("tmp")).expect("a folder");
    let mut cockpit = Cockpit::spawn(home, start, (40, 140));
    board(&mut cockpit);
    (cockpit, file)
}

fn fails(place: &str, keys: &str) {
    if is_left_out() {
        return;
    }
    let (mut cockpit, file) = cockpit(place);
    std::fs::write(&file, "").expect("written");
    cockpit.press(keys);
    assert_eq!(cockpit.ended(), 1);
    cockpit.is_given_back();
    let said = cockpit.afterwards();
    assert!(said.contains(&format!("a fault on purpose: {place}")), "{said}");
    assert!(said.contains("pindeck itself failed"), "{said}");
    // Nothing is drawn over what is said.
    assert!(!said.contains("\x1b[?2026h"), "{said:?}");
    let demo = file.with_file_name("tmp");
    let left: Vec<_> = std::fs::read_dir(demo).expect("a folder").collect();
    assert!(left.is_empty(), "the demo's folder stayed: {left:?}");
}

#[test]
fn while_drawing() {
    fails("draw", "j");
}

#[test]
fn in_a_task_that_reads() {
    fails("read", "L");
}

#[test]
fn in_a_write() {
    // accounts in staging goes back one.
    if is_left_out() {
        return;
    }
    let (mut cockpit, file) = cockpit("write");
    cockpit.press("G");
    cockpit.until("the cell", |text| text.contains("accounts · staging"));
    cockpit.press("r");
    cockpit.until("the choice of digests", |text| text.contains("last known good"));
    cockpit.press("\r");
    cockpit.until("the plan", |text| {
        text.contains("[ Cancel ]") && text.contains("y confirm")
    });
    std::fs::write(&file, "").expect("written");
    cockpit.press("y");
    assert_eq!(cockpit.ended(), 1);
    cockpit.is_given_back();
    let said = cockpit.afterwards();
    assert!(said.contains("a fault on purpose: write"), "{said}");
    assert!(
        said.contains("pindeck itself failed") && said.contains("pindeck resume"),
        "{said}"
    );
    assert!(!said.contains("\x1b[?2026h"), "{said:?}");
}
