//! The cockpit in a real pseudo terminal.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a state may take to come. It is polled for: a fast machine does not wait.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A program that knows no home but this one.
pub fn command(home: &Path, folder: &Path, program: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.cwd(folder);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(name, home);
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    for name in ["NO_COLOR", "COLORTERM", "TMUX", "LC_ALL"] {
        command.env_remove(name);
    }
    command
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// Polls until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A cockpit in a terminal of its own.
pub struct Cockpit {
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    pub screen: Arc<Mutex<vt100::Parser>>,
    /// Everything that was written to the terminal.
    raw: Arc<Mutex<Vec<u8>>>,
    _home: tempfile::TempDir,
}

impl Cockpit {
    pub fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().to_owned();
        Self::start_in(home, &folder, arguments, (40, 140))
    }

    /// Starts in this folder, with nothing but this home, in a terminal of this many rows and columns.
    pub fn start_in(home: tempfile::TempDir, folder: &Path, arguments: &[&str], size: (u16, u16)) -> Self {
        let mut command = command(home.path(), folder, env!("CARGO_BIN_EXE_pindeck"));
        command.args(arguments);
        Self::spawn(home, command, size)
    }

    /// Starts a command in a terminal of this many rows and columns; its home goes when the cockpit goes.
    pub fn spawn(home: tempfile::TempDir, command: CommandBuilder, (rows, cols): (u16, u16)) -> Self {
        let pair = native_pty_system()
            .openpty(size(rows, cols))
            .expect("a pseudo terminal");
        let child = pair.slave.spawn_command(command).expect("pindeck starts");
        drop(pair.slave);
        let mut from = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, cols, 0)));
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

    /// Everything that was written to the terminal so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw.lock().expect("lock")).into_owned()
    }

    /// Forgets what was written so far, for who watches for long.
    pub fn forget(&self) {
        self.raw.lock().expect("lock").clear();
    }

    /// What was written after the alternate screen was left for the last time.
    pub fn afterwards(&self) -> String {
        let raw = self.raw();
        raw.rsplit("\x1b[?1049l").next().unwrap_or_default().to_owned()
    }

    /// Another size: first that of what reads here, so that it misses nothing of what the program draws then.
    pub fn resize(&self, rows: u16, cols: u16) {
        self.screen.lock().expect("lock").screen_mut().set_size(rows, cols);
        self.master.resize(size(rows, cols)).expect("resized");
    }

    /// Another size of the terminal alone: what reads here keeps its own, for it survives neither a single column nor
    /// what was drawn for another size. Ends with [`Self::resize`] to the size of the start.
    pub fn resize_terminal_only(&self, rows: u16, cols: u16) {
        self.master.resize(size(rows, cols)).expect("resized");
    }

    /// Sends a signal to the program, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        let id = self.child.process_id().expect("an id").to_string();
        let killed = std::process::Command::new("kill").args([name, &id]).status();
        assert!(killed.expect("kill runs").success());
    }

    pub fn text(&self) -> String {
        self.screen.lock().expect("lock").screen().contents()
    }

    /// Polls until the screen shows something.
    pub fn until(&mut self, what: &str, shows: impl Fn(&str) -> bool) {
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

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits for the end; answers the exit status.
    pub fn ended(&mut self) -> u32 {
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
    pub fn is_given_back(&self) {
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
