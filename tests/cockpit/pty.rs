//! The cockpit in a real pseudo terminal, on the demo's world: what a person sees, and that the terminal
//! comes back whatever happens.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a state may take to come. It is polled for: a fast machine does not wait.
const PATIENCE: Duration = Duration::from_secs(90);

struct Cockpit {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Everything that was written to the terminal.
    raw: Arc<Mutex<Vec<u8>>>,
    _home: tempfile::TempDir,
}

impl Cockpit {
    fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: 40,
                cols: 140,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("a pseudo terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pindeck"));
        command.args(arguments);
        command.cwd(home.path());
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home.path());
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env_remove("TMUX");
        let child = pair.slave.spawn_command(command).expect("pindeck starts");
        drop(pair.slave);
        let mut from = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(40, 140, 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let (shown, kept) = (Arc::clone(&screen), Arc::clone(&raw));
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                shown.lock().expect("lock").process(&chunk[..read]);
                kept.lock().expect("lock").extend_from_slice(&chunk[..read]);
            }
        });
        Self {
            child,
            master: pair.master,
            keys,
            screen,
            raw,
            _home: home,
        }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("lock").screen().contents()
    }

    /// Polls until the screen shows something.
    fn until(&mut self, what: &str, shows: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if shows(&text) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("pindeck ended ({status:?}) before {what}:\n{text}");
            }
            assert!(Instant::now() < end, "{what} never came:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits for the end; answers the exit status.
    fn ended(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.exit_code();
            }
            assert!(Instant::now() < end, "pindeck never ended:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The alternate screen was left, the cursor shown, bracketed paste switched off, all after the last
    /// time the opposite was asked for.
    fn is_given_back(&self) {
        let end = Instant::now() + PATIENCE;
        let last = |raw: &str, sequence: &str| raw.rfind(sequence);
        loop {
            let raw = String::from_utf8_lossy(&self.raw.lock().expect("lock")).into_owned();
            let back = [
                ("\x1b[?1049l", "\x1b[?1049h"),
                ("\x1b[?25h", "\x1b[?25l"),
                ("\x1b[?2004l", "\x1b[?2004h"),
            ]
            .iter()
            .all(|(off, on)| last(&raw, off) > last(&raw, on));
            if back {
                return;
            }
            assert!(Instant::now() < end, "the terminal was not given back");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cockpit {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn board(cockpit: &mut Cockpit) {
    cockpit.until("the verified board", |text| {
        text.contains("production") && text.contains("SPBT") && text.contains("verified") && !text.contains("checking ")
    });
}

#[test]
fn looking_around_and_leaving() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    assert!(cockpit.text().contains(" demo "), "it says on screen that it is a demo");
    cockpit.press("?");
    cockpit.until("the help", |text| text.contains("Same swatch, same bytes"));
    cockpit.press("q");
    cockpit.until("the board again", |text| text.contains("service"));
    cockpit.press("j");
    cockpit.until("the next row", |text| text.contains("▸payments"));
    cockpit
        .master
        .resize(PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        })
        .expect("resized");
    cockpit.screen.lock().expect("lock").screen_mut().set_size(24, 80);
    // The new size is drawn by itself; a key pressed in the same instant could wait for the next one.
    cockpit.until("the narrow board", |text| {
        text.contains("▸payments") && text.contains("r revert  e evidence  : commands")
    });
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    let id = cockpit.child.process_id().expect("an id").to_string();
    let killed = std::process::Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(cockpit.ended(), 143);
    cockpit.is_given_back();
}

#[test]
fn from_r_to_a_pushed_revert_in_three_keys() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    // The demo begins in staging. accounts there: pinned before, verified, an ordinary environment.
    cockpit.press("G");
    cockpit.until("the cell", |text| text.contains("accounts · staging"));
    cockpit.press("r");
    cockpit.until("the choice of digests", |text| text.contains("last known good"));
    cockpit.press("\r");
    cockpit.until("the plan", |text| {
        text.contains("[ Cancel ]") && text.contains("y confirm")
    });
    assert!(!cockpit.text().contains("reverted:"));
    cockpit.press("y");
    cockpit.until("the receipt", |text| text.contains("reverted: accounts in staging"));
    assert!(cockpit.text().contains("refs/heads/main"));
    cockpit.press("\r");
    board(&mut cockpit);
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
}

#[test]
fn a_promotion_in_the_demo_is_pushed() {
    let mut cockpit = Cockpit::start(&["demo", "--speed", "0"]);
    board(&mut cockpit);
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("\r");
    cockpit.until("the board: enter is cancel", |text| {
        text.contains("nothing was written")
    });
    cockpit.press("p");
    cockpit.until("the plan", |text| text.contains("confirm, then type production"));
    cockpit.press("y");
    cockpit.until("the question", |text| text.contains("type production and enter"));
    cockpit.press("production\r");
    cockpit.until("the receipt", |text| text.contains("promoted: checkout in production"));
    cockpit.press("q");
    assert_eq!(cockpit.ended(), 0);
    cockpit.is_given_back();
}
