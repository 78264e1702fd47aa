//! Inside tmux: a digest reaches the clipboard either way that tmux knows, and a session that is killed ends the cockpit.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::terminal::{Cockpit, command, until};
use crate::support::skip::{Want, skipped};

/// A demo inside tmux inside a terminal; the server ends with it.
struct Tmux {
    cockpit: Cockpit,
    socket: String,
    temporary: tempfile::TempDir,
}

impl Tmux {
    /// `None` (said loudly) where tmux is not installed.
    fn start(name: &str, options: &[&str]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            skipped(Want::Program, "tmux is not installed");
            return None;
        }
        let home = tempfile::tempdir().expect("a folder");
        let temporary = tempfile::tempdir().expect("a folder");
        let socket = format!("pindeck-{name}-{}", std::process::id());
        let settings = home.path().join("tmux.conf");
        std::fs::write(&settings, options.join("\n")).expect("written");
        let mut start = command(home.path(), home.path(), "tmux");
        start.env("TMPDIR", temporary.path());
        start.args(["-L", &socket, "-f"]);
        start.arg(&settings);
        start.args([
            "new-session",
            "-s",
            "demo",
            &format!("{} demo --speed 0", env!("CARGO_BIN_EXE_pindeck")),
        ]);
        let mut cockpit = Cockpit::spawn(home, start, (40, 140));
        super::pty::board(&mut cockpit);
        Some(Self {
            cockpit,
            socket,
            temporary,
        })
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let out = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(arguments)
            .output()
            .expect("tmux runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Copies the digest under the cursor; answers what the screen says was sent.
    fn copy(&mut self) {
        self.cockpit.press(":copy-digest");
        self.cockpit.until("the action", |text| text.contains(":copy-digest"));
        self.cockpit.press("\r");
        self.cockpit
            .until("the answer", |text| text.contains("sent to terminal"));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

#[test]
fn tmux_itself_takes_what_is_copied() {
    let Some(mut tmux) = Tmux::start("own", &["set -g set-clipboard on", "set -g allow-passthrough off"]) else {
        return;
    };
    tmux.copy();
    until("the buffer", || is_digest(tmux.tmux(&["show-buffer"]).trim()));
}

#[test]
fn what_is_copied_passes_through_tmux() {
    let Some(mut tmux) = Tmux::start("through", &["set -g set-clipboard off", "set -g allow-passthrough on"]) else {
        return;
    };
    tmux.copy();
    until("the sequence at the outer terminal", || {
        let raw = tmux.cockpit.raw();
        let sent = raw
            .split("\x1b]52;c;")
            .nth(1)
            .and_then(|rest| rest.split('\x07').next());
        let sent = sent.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        is_digest(&String::from_utf8_lossy(&sent))
    });
    assert_eq!(tmux.tmux(&["show-buffer"]), "");
}

#[test]
fn a_session_that_is_killed_ends_the_cockpit_and_its_folder() {
    let Some(tmux) = Tmux::start("killed", &[]) else { return };
    let here = || std::fs::read_dir(tmux.temporary.path()).expect("a folder").flatten();
    let demo = || {
        here()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("pindeck-demo-"))
            .count()
    };
    assert_eq!(demo(), 1);
    tmux.tmux(&["kill-session", "-t", "demo"]);
    until("the demo's folder gone", || demo() == 0);
}
