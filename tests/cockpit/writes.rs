//! The end of a cockpit that has a push in flight: the terminal comes back at once, the push is brought to its end, and
//! what landed is said; whoever does not wait is told how to find out.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::pty::board;
use super::terminal::{Cockpit, command, until};

/// A demo whose remote takes no push before it is let through.
struct Held {
    cockpit: Cockpit,
    folder: PathBuf,
}

impl Held {
    /// A demo with a revert of accounts in staging in the middle of its push.
    fn pushing() -> Self {
        Self::pushing_with(|command| command)
    }

    fn pushing_with(change: impl FnOnce(portable_pty::CommandBuilder) -> portable_pty::CommandBuilder) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("demo");
        let mut start = command(home.path(), home.path(), env!("CARGO_BIN_EXE_pindeck"));
        start.args(["demo", "--speed", "0", "--dir"]);
        start.arg(&folder);
        let cockpit = Cockpit::spawn(home, change(start), (40, 140));
        let mut held = Self { cockpit, folder };
        board(&mut held.cockpit);
        held.hook();
        let cockpit = &mut held.cockpit;
        cockpit.press("G");
        cockpit.until("the cell", |text| text.contains("accounts · staging"));
        cockpit.press("r");
        cockpit.until("the choice of digests", |text| text.contains("last known good"));
        cockpit.press("\r");
        cockpit.until("the plan", |text| {
            text.contains("[ Cancel ]") && text.contains("y confirm")
        });
        cockpit.press("y");
        let begun = held.folder.join("begun");
        until("the push", || begun.exists());
        held.cockpit
            .until("the step on screen", |text| text.contains("pushing"));
        held
    }

    /// The hook says that it was reached, and ends when something is written into its gate.
    fn hook(&self) {
        let hooks = self.folder.join("remote.git/hooks");
        std::fs::create_dir_all(&hooks).expect("a folder");
        let made = Command::new("mkfifo").arg(self.folder.join("gate")).status();
        assert!(made.expect("mkfifo runs").success());
        let folder = self.folder.display();
        let text = format!("#!/bin/sh\n: > '{folder}/begun'\nread answer < '{folder}/gate'\ntest \"$answer\" = yes\n");
        let file = hooks.join("pre-receive");
        std::fs::write(&file, text).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(file, mode).expect("executable");
    }

    /// Lets the push through.
    fn open(&self) {
        std::fs::write(self.folder.join("gate"), "yes\n").expect("the hook reads");
    }

    fn head(&self) -> String {
        head(&self.folder)
    }

    /// What `pindeck resume` says and does, without anybody to ask.
    fn resume(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pindeck"));
        command
            .arg("-C")
            .arg(self.folder.join("gitops"))
            .arg("resume")
            .args(arguments);
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            command.env(name, &self.folder);
        }
        let out = command.output().expect("pindeck runs");
        let both = [out.stdout, out.stderr].concat();
        String::from_utf8(both).expect("text")
    }
}

/// The subject of the newest commit of the remote.
fn head(folder: &Path) -> String {
    let out = Command::new("git")
        .arg("-C")
        .arg(folder.join("remote.git"))
        .args(["log", "-1", "--format=%s", "main"])
        .output()
        .expect("git runs");
    String::from_utf8(out.stdout).expect("text").trim().to_owned()
}

const REVERTED: &str = "Revert accounts in staging";

/// Ends the cockpit while the push is held, then lets it through: the terminal is back before that, and the end says
/// what landed.
fn finishes_after(end: impl FnOnce(&mut Cockpit), status: u32) {
    let mut held = Held::pushing();
    end(&mut held.cockpit);
    held.cockpit.is_given_back();
    until("the word that something is waited for", || {
        held.cockpit.afterwards().contains("in flight: revert accounts/staging")
            || held.cockpit.afterwards().contains("in flight: revert")
    });
    assert_ne!(held.head(), REVERTED, "it is still held");
    held.open();
    assert_eq!(held.cockpit.ended(), status);
    assert_eq!(held.head(), REVERTED);
    let said = held.cockpit.afterwards();
    assert!(said.contains("Reverted: accounts in staging"), "{said}");
    assert!(said.contains("Pushed to refs/heads/main"), "{said}");
    assert!(held.resume(&[]).contains("Nothing was left behind"));
}

#[test]
fn terminated_during_a_push() {
    finishes_after(|cockpit| cockpit.signal("-TERM"), 143);
}

#[test]
fn hung_up_during_a_push() {
    finishes_after(|cockpit| cockpit.signal("-HUP"), 129);
}

#[test]
fn whoever_does_not_wait_is_told_of_resume() {
    let mut held = Held::pushing();
    held.cockpit.signal("-TERM");
    held.cockpit.is_given_back();
    until("the word that something is waited for", || {
        held.cockpit.afterwards().contains("in flight")
    });
    held.cockpit.signal("-TERM");
    assert_eq!(held.cockpit.ended(), 143);
    let said = held.cockpit.afterwards();
    assert!(said.contains("not ended") && said.contains("pindeck resume"), "{said}");
    // Git goes on by itself, and the journal knows what was meant.
    assert_ne!(held.head(), REVERTED);
    held.open();
    until("the commit", || held.head() == REVERTED);
    let said = held.resume(&["--yes"]);
    assert!(
        said.contains("revert accounts in staging") && said.contains("finished"),
        "{said}"
    );
    assert!(held.resume(&[]).contains("Nothing was left behind"));
}

#[test]
fn quitting_during_a_push_asks_and_then_says_what_landed() {
    let mut held = Held::pushing();
    held.cockpit.press("q");
    held.cockpit
        .until("the question", |text| text.contains("in flight") && text.contains("y "));
    // Staying is one key.
    held.cockpit.press("\x1b");
    held.cockpit.until("the write again", |text| text.contains("pushing"));
    held.cockpit.press("q");
    held.cockpit.until("the question again", |text| text.contains("y "));
    held.cockpit.press("y");
    held.open();
    assert_eq!(held.cockpit.ended(), 0);
    held.cockpit.is_given_back();
    assert_eq!(held.head(), REVERTED);
    let said = held.cockpit.afterwards();
    assert!(said.contains("Reverted: accounts in staging"), "{said}");
    assert!(held.resume(&[]).contains("Nothing was left behind"));
}

#[test]
fn a_fault_while_drawing_leaves_a_push_that_ends() {
    if super::faults::is_left_out() {
        return;
    }
    let flag = tempfile::tempdir().expect("a folder");
    let file = flag.path().join("fault");
    let mut held = Held::pushing_with(|mut command| {
        command.env("PINDECK_TEST_FAULT", format!("draw:{}", file.display()));
        command
    });
    std::fs::write(&file, "").expect("written");
    held.cockpit.press("j");
    held.cockpit.is_given_back();
    held.open();
    assert_eq!(held.cockpit.ended(), 1);
    assert_eq!(held.head(), REVERTED);
    let said = held.cockpit.afterwards();
    assert!(said.contains("Reverted: accounts in staging"), "{said}");
    assert!(said.contains("pindeck itself failed"), "{said}");
}
