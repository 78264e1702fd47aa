//! Below a shell: Ctrl-Z stops the cockpit and gives the shell a terminal that works, `fg` brings the board back.

use super::terminal::{Cockpit, command};

/// A shell with job control and a prompt that says nothing else.
fn shell() -> Cockpit {
    let home = tempfile::tempdir().expect("a folder");
    // The shell's own use of bracketed paste would hide whether ours was ended.
    let settings = home.path().join("inputrc");
    std::fs::write(&settings, "set enable-bracketed-paste off\n").expect("written");
    let mut start = command(home.path(), home.path(), "bash");
    start.env("INPUTRC", settings);
    start.args(["--norc", "--noprofile", "-i"]);
    start.env("PS1", "prompt> ");
    start.env("PINDECK", env!("CARGO_BIN_EXE_pindeck"));
    start.env("TMPDIR", home.path());
    let mut cockpit = Cockpit::spawn(home, start, (40, 140));
    cockpit.until("the prompt", |text| text.contains("prompt> "));
    cockpit
}

fn board(cockpit: &mut Cockpit) {
    cockpit.until("the board", |text| {
        text.contains("SPBT") && text.contains("verified") && !text.contains("checking ") && !text.contains("prompt> ")
    });
}

#[test]
fn stopped_and_continued() {
    let mut cockpit = shell();
    cockpit.press("\"$PINDECK\" demo --speed 0\r");
    board(&mut cockpit);
    for _ in 0..3 {
        cockpit.press("\x1a");
        cockpit.until("the shell", |text| {
            text.contains("Stopped") && text.trim_end().ends_with("prompt>")
        });
        cockpit.is_given_back();
        // The terminal echoes and edits lines again, for the shell and what it runs.
        cockpit.press("stty -a | grep -wo -e '-\\?echo' -e '-\\?icanon' | tr '\\n' ,\r");
        cockpit.until("the settings", |text| {
            text.lines().any(|line| line.starts_with("icanon,echo,prompt>"))
        });
        cockpit.press("clear; fg\r");
        board(&mut cockpit);
        cockpit.press("j");
        cockpit.until("a key that works", |text| text.contains("▸payments"));
        cockpit.press("k");
        cockpit.until("a key that works", |text| text.contains("▸checkout"));
    }
    cockpit.press("q");
    cockpit.until("the shell", |text| text.trim_end().ends_with("prompt>"));
    cockpit.press("exit\r");
    assert_eq!(cockpit.ended(), 0);
}

#[test]
fn a_stop_from_outside_is_seen_when_it_is_over() {
    let mut cockpit = shell();
    cockpit.press("\"$PINDECK\" demo --speed 0 & sleep 0; fg %1\r");
    board(&mut cockpit);
    // The shell's own children are stopped by their group; it is asked which one it is after that.
    cockpit.press("\x1a");
    cockpit.until("the shell", |text| text.trim_end().ends_with("prompt>"));
    cockpit.press("kill -CONT %1; fg %1\r");
    board(&mut cockpit);
    cockpit.press("q");
    cockpit.until("the shell", |text| text.trim_end().ends_with("prompt>"));
    cockpit.press("exit\r");
    assert_eq!(cockpit.ended(), 0);
}
