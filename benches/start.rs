//! What a cockpit costs its user: from its start to the first frame and to the rows in a repository of 4,069 files, beside
//! `git status` in the same run; keys that come all at once over 500 rows; and nothing to do.
//!
//! `cargo bench --bench start`; `PINDECK_BIN=PATH cargo bench --profile dev --bench start` measures that program and builds none.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pindeck::domain::Digest;

#[path = "../tests/support/mod.rs"]
pub mod support;
#[path = "../tests/cockpit/terminal.rs"]
#[allow(missing_docs, reason = "test code explains itself where it needs to")]
pub mod terminal;

use support::child_cpu::{median, spent};
use support::fleet::Fleet;
use support::large_tree::large_tree;
use support::signed_world::Key;
use support::stage::path;
use terminal::{Cockpit, command};

const ROUNDS: usize = 5;
/// Keys that come all at once.
const BURST: usize = 400;
const IDLE: Duration = Duration::from_secs(20);
/// How a frame begins on a terminal that shows it at once (synchronized output).
const FRAME: &str = "\x1b[?2026h";

fn main() {
    start();
    keys();
}

/// Seconds on a processor of a process so far, by its threads that live (`proc(5)`, schedstat).
fn cpu(cockpit: &Cockpit) -> f64 {
    let id = cockpit.child.process_id().expect("an id");
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("a process");
    let spent = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    spent.sum::<u64>() as f64 / 1e9
}

/// Hundredths of a second on a processor of a process so far, with its threads that have ended (`proc_pid_stat(5)`).
fn ticks(cockpit: &Cockpit) -> f64 {
    let id = cockpit.child.process_id().expect("an id");
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("a process");
    let (_, rest) = text.rsplit_once(')').expect("a name");
    let fields = rest.split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum()
}

/// Opens a cockpit whose caches are in `home`.
fn open(home: &Path, folder: &Path) -> Cockpit {
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let mut command = command(home, folder, path(&program));
    command.args(["--offline"]);
    Cockpit::spawn(tempfile::tempdir().expect("a folder"), command, (40, 140))
}

/// What a terminal with a dark background answers when it is asked for that.
const DARK: &str = "\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62c";

/// Seconds from `began` until the screen shows something, and CPU seconds until then.
fn shown(cockpit: &Cockpit, began: Instant, shows: impl Fn(&str) -> bool) -> (f64, f64) {
    while !shows(&cockpit.text()) {
        assert!(began.elapsed() < terminal::PATIENCE, "{}", cockpit.text());
        std::thread::sleep(Duration::from_micros(500));
    }
    (began.elapsed().as_secs_f64(), cpu(cockpit))
}

fn start() {
    let home = tempfile::tempdir().expect("a folder");
    let tree = home.path().join("tree");
    large_tree(&tree);
    for is_known in [false, true] {
        let (mut frames, mut rows, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let caches = home.path().join("caches");
            if !is_known {
                let _ = std::fs::remove_dir_all(&caches);
            }
            std::fs::create_dir_all(&caches).expect("made");
            if is_known {
                let program = std::env::var_os("PINDECK_BIN");
                let mut status = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_pindeck").into()));
                status.arg("-C").arg(&tree).args(["status", "--offline", "--json"]);
                for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
                    status.env(name, &caches);
                }
                spent(&mut status);
            }
            let began = Instant::now();
            let mut cockpit = open(&caches, &tree);
            while !cockpit.raw().contains("\x1b]11;?") {
                std::thread::sleep(Duration::from_micros(200));
            }
            cockpit.press(DARK);
            frames.push(shown(&cockpit, began, |screen| screen.contains("pindeck")));
            rows.push(shown(&cockpit, began, |screen| {
                screen.contains("not checked") || screen.contains('▸')
            }));
            cockpit.child.kill().expect("ended");
            let _ = cockpit.child.wait();
            let began = Instant::now();
            let (cpu, _) = spent(Command::new("git").arg("-C").arg(&tree).arg("status"));
            statuses.push((began.elapsed().as_secs_f64(), cpu));
        }
        let middle = |all: Vec<(f64, f64)>| {
            let (wall, cpu) = all.into_iter().unzip();
            (median(wall) * 1e3, median(cpu) * 1e3)
        };
        let ((frame, frame_cpu), (row, row_cpu)) = (middle(frames), middle(rows));
        let (status, status_cpu) = middle(statuses);
        println!(
            "4,069 files, {}: first frame {frame:.0} ms ({frame_cpu:.0} ms CPU), rows {row:.0} ms ({row_cpu:.0} ms CPU); git status {status:.0} ms ({status_cpu:.0} ms CPU)",
            if is_known { "known" } else { "never seen" },
        );
    }
}

fn keys() {
    let digests: Vec<[Digest; 4]> = (0..500_u32)
        .map(|service| [0, 1, 2, 3].map(|environment: u32| Digest::of(&(service * 4 + environment).to_be_bytes())))
        .collect();
    let fleet = Fleet::of(&digests, &Key::new(), "registry.example");
    let mut cockpit = open(fleet.home.path(), &fleet.clone);
    cockpit.until("the rows", |screen| screen.contains("s100"));
    settle(&cockpit);
    cockpit.forget();
    let (before, began) = (cpu(&cockpit), Instant::now());
    cockpit.press(&"j".repeat(BURST));
    let ended = settle(&cockpit);
    let (spent, frames) = (cpu(&cockpit) - before, cockpit.raw().matches(FRAME).count());
    let seconds = ended.duration_since(began).as_secs_f64();
    println!(
        "500 rows, {BURST} keys at once: {:.3} ms CPU a key, {frames} draws in {:.0} ms",
        spent * 1e3 / BURST as f64,
        seconds * 1e3
    );
    // A hand that is as fast as a repeating key.
    cockpit.forget();
    let (before, began) = (cpu(&cockpit), Instant::now());
    for key in ["k", "j"].iter().cycle().take(100) {
        cockpit.press(key);
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = settle(&cockpit).duration_since(began).as_secs_f64();
    let (spent, frames) = (cpu(&cockpit) - before, cockpit.raw().matches(FRAME).count());
    println!(
        "100 keys, 10 ms apart: {:.3} ms CPU a key, {:.0} draws a second",
        spent * 1e3 / 100.0,
        frames as f64 / seconds
    );
    cockpit.forget();
    let before = ticks(&cockpit);
    std::thread::sleep(IDLE);
    println!(
        "nothing to do: {:.2} % of a processor, {} bytes in {} s",
        (ticks(&cockpit) - before) / IDLE.as_secs_f64(),
        cockpit.raw().len(),
        IDLE.as_secs()
    );
    cockpit.child.kill().expect("ended");
    let _ = cockpit.child.wait();
}

/// Waits until the program has nothing to do; answers when it last did anything.
fn settle(cockpit: &Cockpit) -> Instant {
    let (mut last, mut at) = (cpu(cockpit), Instant::now());
    while at.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(5));
        let now = cpu(cockpit);
        if now - last > 0.000_5 {
            (last, at) = (now, Instant::now());
        }
    }
    at
}
