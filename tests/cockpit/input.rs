//! What a terminal sends that no person pressed: pastes, late answers; and what NO_COLOR leaves of what it is sent.

use std::path::Path;
use std::process::Command;

use super::pty::{board, settled, table};
use super::terminal::{Cockpit, command};

/// A demo in a folder of its own, so that its remote can be asked.
fn demo(change: impl FnOnce(&mut portable_pty::CommandBuilder)) -> (Cockpit, std::path::PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("demo");
    let mut start = command(home.path(), home.path(), env!("CARGO_BIN_EXE_pindeck"));
    start.args(["demo", "--speed", "0", "--dir"]);
    start.arg(&folder);
    change(&mut start);
    let mut cockpit = Cockpit::spawn(home, start, (40, 140));
    board(&mut cockpit);
    (cockpit, folder)
}

fn commits(folder: &Path) -> String {
    let out = Command::new("git")
        .arg("-C")
        .arg(folder.join("remote.git"))
        .args(["rev-list", "--all", "--count"])
        .output()
        .expect("git runs");
    String::from_utf8(out.stdout).expect("text")
}

/// What somebody might have in the clipboard who has just learnt how to promote: every key that it takes.
const RECIPE: &str = "py\ny\nproduction\nyyy\n";

fn wrapped(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

#[test]
fn a_bracketed_paste_writes_nothing_anywhere() {
    let (mut cockpit, folder) = demo(|_| {});
    let before = commits(&folder);
    cockpit.press(&wrapped(RECIPE));
    cockpit.until("the refusal", |text| text.contains("pasted text is ignored"));
    // On the plan itself.
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press(&wrapped(RECIPE));
    cockpit.until("the refusal", |text| text.contains("pasted text is ignored"));
    // And where the name of the environment is typed.
    cockpit.press("y");
    cockpit.until("the question", |text| text.contains("type production and enter"));
    cockpit.press(&wrapped("production\n"));
    cockpit.until("the refusal", |text| text.contains("typed, never pasted"));
    cockpit.press("\r");
    cockpit.until("that it is not the name", |text| {
        text.contains("must be exactly production")
    });
    assert_eq!(commits(&folder), before);
    cockpit.press("\x1b");
    cockpit.until("the plan again", |text| !text.contains("type production and enter"));
    cockpit.press("\x1b");
    board(&mut cockpit);
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
}

#[test]
fn a_raw_paste_that_starts_a_plan_does_not_confirm_it() {
    let (mut cockpit, folder) = demo(|_| {});
    let before = commits(&folder);
    // All in one: none of these keys was pressed by somebody who had seen the plan.
    cockpit.press(&RECIPE.replace('\n', "\r"));
    // It ends in a plan, or back on the board; a key that shows which was answered last.
    cockpit.press("?");
    cockpit.until("the help", |text| text.contains("Same sign, same bytes"));
    assert_eq!(commits(&folder), before);
    assert!(!cockpit.text().contains("in flight"));
    cockpit.signal("-TERM");
    assert_eq!(cockpit.ended(), 143);
    assert_eq!(commits(&folder), before);
}

#[test]
fn a_late_answer_about_the_background_presses_no_key() {
    let (mut cockpit, folder) = demo(|_| {});
    let before = commits(&folder);
    let shown = settled(&mut cockpit);
    // Nobody answered at the start; on a slow line the answer comes now, in one form or the other.
    cockpit.press("\x1b]11;rgb:1e1e/2e2e/3e3e\x1b\\\x1b[?62;22c");
    cockpit.press("j");
    cockpit.until("the next row", |text| text.contains("▸payments"));
    cockpit.press("k");
    cockpit.until("the board as it was", |text| table(text) == shown);
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    assert_eq!(commits(&folder), before);
}

/// The parameters of every SGR sequence.
fn looks(raw: &str) -> Vec<String> {
    let starts = raw.match_indices("\x1b[").map(|(at, _)| &raw[at + 2..]);
    starts
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';' && c != '?')?;
            rest[end..].starts_with('m').then(|| rest[..end].to_owned())
        })
        .collect()
}

#[test]
fn without_colours_there_are_modifiers_only() {
    let (mut cockpit, _) = demo(|command| command.env("NO_COLOR", "1"));
    for (keys, what) in [
        ("e", "signature"),
        ("\x1b", "service"),
        ("?", "Same"),
        ("\x1b", "service"),
        ("L", "Promote"),
    ] {
        cockpit.press(keys);
        cockpit.until(what, |text| text.contains(what));
    }
    let raw = cockpit.raw();
    let looks = looks(&raw);
    assert!(looks.len() > 5, "{} looks", looks.len());
    for look in &looks {
        for code in look.split(';').filter(|code| !code.is_empty()) {
            let code: u16 = code.parse().expect("a number");
            assert!(code < 30, "a colour: {look}");
        }
    }
    assert!(
        looks.iter().any(|look| look.split(';').any(|code| code == "7")),
        "reverse survives"
    );
    cockpit.press("q");
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
}
