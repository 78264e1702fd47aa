//! Signals and sizes: whatever comes from outside, the terminal is given back, and the demo's folder goes.

use std::path::Path;

use super::pty::{board, settled, table};
use super::terminal::{Cockpit, command, until};

#[test]
fn every_signal_gives_the_terminal_back() {
    for (name, status) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
        board(&mut cockpit);
        cockpit.signal(name);
        assert_eq!(cockpit.ended(), status, "{name}");
        cockpit.is_given_back();
        assert_eq!(cockpit.afterwards().trim(), "", "{name}: nothing was in flight");
    }
}

#[test]
fn a_storm_of_sizes_ends_in_the_last_one() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    let first = settled(&mut cockpit);
    for round in 0..20u16 {
        for (rows, cols) in [
            (1, 1),
            (24, 80),
            (60, 250),
            (10, 40),
            (2, 200),
            (100, 3),
            (40 - round, 140),
        ] {
            cockpit.resize_terminal_only(rows, cols);
            cockpit.press("j");
        }
    }
    cockpit.resize(40, 140);
    // The terminal library may leave a key for later that comes in the same instant as a size; the next one brings it.
    let again = |cockpit: &mut Cockpit| {
        until("the board as it was", || {
            cockpit.press("g");
            table(&cockpit.text()) == first
        });
    };
    again(&mut cockpit);
    let before = cockpit.raw().len();
    cockpit.press("\x0c");
    until("everything drawn anew", || cockpit.raw()[before..].contains("\x1b[2J"));
    again(&mut cockpit);
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}

/// What lies in a folder, by name.
fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("a folder").flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// A demo whose folder is made in this one.
fn demo_in(home: tempfile::TempDir, temporary: &Path) -> Cockpit {
    let mut start = command(home.path(), home.path(), env!("CARGO_BIN_EXE_pindeck"));
    start.args(["demo", "--speed", "0"]);
    start.env("TMPDIR", temporary);
    Cockpit::spawn(home, start, (40, 140))
}

#[test]
fn a_demo_that_is_ended_while_it_begins_leaves_nothing() {
    // As soon as there is a folder, as soon as there is a remote, as soon as there is a clone.
    for (name, status, sign) in [("-TERM", 143, ""), ("-INT", 130, "remote.git"), ("-HUP", 129, "gitops")] {
        let home = tempfile::tempdir().expect("a folder");
        let temporary = tempfile::tempdir().expect("a folder");
        let mut cockpit = demo_in(home, temporary.path());
        until("the demo's folder", || {
            let made = entries(temporary.path());
            made.iter().any(|made| temporary.path().join(made).join(sign).exists())
        });
        cockpit.signal(name);
        assert_eq!(cockpit.ended(), status, "{name} at {sign:?}");
        assert_eq!(entries(temporary.path()), Vec::<String>::new(), "{name} at {sign:?}");
    }
}

#[test]
fn a_demo_that_runs_takes_its_folder_along() {
    let home = tempfile::tempdir().expect("a folder");
    let temporary = tempfile::tempdir().expect("a folder");
    let mut cockpit = demo_in(home, temporary.path());
    board(&mut cockpit);
    assert_eq!(entries(temporary.path()).len(), 1);
    cockpit.signal("-TERM");
    assert_eq!(cockpit.ended(), 143);
    assert_eq!(entries(temporary.path()), Vec::<String>::new());
}
