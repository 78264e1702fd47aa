//! A cockpit that runs for long: a shop of sixty services that changes every second, a registry that fails now and then, a terminal
//! whose size changes, and somebody who presses keys. What it takes is read from the kernel every second.
//!
//! `.ci/soak` runs it: `cargo test --test cockpit a_cockpit_that_runs_for_long -- --ignored --nocapture`. `PINDECK_SOAK_MINUTES` says how
//! long (30), `PINDECK_BIN` which program, `PINDECK_SOAK_SEED` repeats a run, and `PINDECK_SOAK_WRITE=1` puts figures and plot into
//! docs/RELIABILITY.md.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::soak_figures::{Figures, Sample, write};
use super::terminal::{Cockpit, command};
use crate::support::fake::Fake;
use crate::support::peer::git;
use crate::support::server::{Reply, Seen};
use crate::support::sixty::{NEWEST, Sixty, name};
use crate::support::stage::path;

const SERVICES: usize = 60;
/// From one fault of the registry to the next, and how long it lasts.
const FAULT_EVERY: u64 = 20;
const FAULT_LASTS: u64 = 6;
/// A colleague pushes this often, in seconds.
const PUSH_EVERY: u64 = 15;
const RESIZE_EVERY: u64 = 7;

/// What somebody presses who only looks: nothing of it leaves the cockpit, and it was started so that nothing is written.
const KEYS: &[&str] = &[
    "j",
    "j",
    "j",
    "k",
    "k",
    "l",
    "h",
    "g",
    "G",
    "\x1b[6~",
    "\x1b[5~",
    "\t",
    "\r",
    "\r",
    "\x1b",
    "\x1b",
    "\x1b",
    "e",
    "L",
    "d",
    "E",
    "R",
    "R",
    "s",
    "S",
    "z",
    "z",
    "?",
    "\x1b",
    "n",
    " ",
    "t",
    "\x0c",
    "f",
    "f",
    "c",
    "p",
    "\x1b",
    "r",
    "\x1b",
    "/pay\r",
    "\x15",
    "/behind:>1\r",
    "\x15",
    "C",
    "\x1b",
    "W",
    "\x1b",
];

/// Sizes from a phone to a wall.
const SIZES: &[(u16, u16)] = &[(40, 140), (24, 80), (60, 200), (12, 50), (50, 170), (30, 100)];

/// Numbers that look random and can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).expect("small")
    }
}

/// What the registry does now: 0 answers.
fn answer(fault: usize, fake: &Fake, seen: &Seen) -> Reply {
    match fault {
        1 => Reply::error(503, "UNAVAILABLE"),
        2 => Reply::Reset,
        3 => Reply::error(429, "TOOMANYREQUESTS").with("Retry-After", "1"),
        4 => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"sch".to_vec()),
        5 => Reply::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"sch".to_vec()),
        6 => Reply::error(403, "DENIED"),
        _ => fake.answer(seen),
    }
}

const FAULTS: usize = 6;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Something changes in the shop: a tag that counts as immutable points elsewhere, and back the next time.
fn drift(shop: &Sixty, second: u64) {
    let service = usize::try_from(second).expect("small") * 7 % SERVICES;
    let is_moved = (second / SERVICES as u64).is_multiple_of(2);
    let digest = shop.digest(service, NEWEST - usize::from(is_moved));
    shop.fake
        .tag(&format!("fleet/{}", name(service)), &format!("1.{NEWEST}.0"), digest);
}

/// A colleague moves a pin in dev, and pushes.
fn push(shop: &Sixty, colleague: &Path, second: u64) {
    let service = usize::try_from(second).expect("small") * 11 % SERVICES;
    let version = NEWEST - usize::from((second / PUSH_EVERY).is_multiple_of(2));
    let (file, text) = shop.manifest(service, 0, version);
    std::fs::write(colleague.join(file), text).expect("written");
    let message = format!("Step {second}");
    let home = shop.home.path();
    git(
        home,
        ["-C", path(colleague), "commit", "-q", "--allow-empty", "-am", &message],
    );
    git(home, ["-C", path(colleague), "push", "-q", "origin", "main"]);
}

/// The words of the log that say that something is broken in pindeck itself.
fn errors(folder: &Path) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.path();
        if file.is_dir() {
            found += errors(&file);
        } else if file.to_string_lossy().contains("pindeck.log") {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            for line in text.lines().filter(|line| line.contains(" ERROR ")) {
                println!("log: {line}");
                found += 1;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for as long as it is told; .ci/soak"]
async fn a_cockpit_that_runs_for_long() {
    let minutes = number("PINDECK_SOAK_MINUTES").unwrap_or(30).max(1);
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    let seed = number("PINDECK_SOAK_SEED").unwrap_or(clock.as_secs()) | 1;
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    println!("{minutes} minutes of {}, PINDECK_SOAK_SEED={seed}", program.display());
    let fault = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&fault);
    let shop = Sixty::start_answering(SERVICES, move |fake, seen| {
        answer(now.load(Ordering::SeqCst), fake, seen)
    })
    .await;
    let colleague = shop.home.path().join("colleague");
    git(shop.home.path(), ["clone", "-q", path(&shop.remote), path(&colleague)]);
    let figures = tokio::task::spawn_blocking(move || soak(&shop, &colleague, &program, &fault, minutes, seed));
    let figures = figures.await.expect("the run ends");
    println!("{}", figures.words());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../soak");
    write(&figures, &folder, std::env::var_os("PINDECK_SOAK_WRITE").is_some());
    assert_eq!(figures.errors, 0, "errors in the log");
    // A short run is over before memory has settled.
    assert!(minutes < 10 || figures.is_flat(), "{}", figures.words());
}

fn soak(shop: &Sixty, colleague: &Path, program: &Path, fault: &AtomicUsize, minutes: u64, seed: u64) -> Figures {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().to_owned();
    let mut command = command(home.path(), &shop.clone, path(program));
    command.args(["--read-only"]);
    command.env("PINDECK_LOG", "info");
    let mut cockpit = Cockpit::spawn(home, command, SIZES[0]);
    cockpit.until("the board", |text| {
        text.contains("verified") && text.contains("production")
    });
    let id = cockpit.child.process_id().expect("an id");
    let (begun, end) = (Instant::now(), Duration::from_secs(minutes * 60));
    let mut dice = Dice(seed);
    let (mut samples, mut second, mut pressed) = (Vec::new(), 0, 0);
    while begun.elapsed() < end {
        for _ in 0..1 + dice.below(4) {
            cockpit.press(KEYS[dice.below(KEYS.len())]);
            pressed += 1;
            std::thread::sleep(Duration::from_millis(30 + dice.below(180) as u64));
        }
        let at = begun.elapsed().as_secs();
        if at <= second {
            continue;
        }
        second = at;
        drift(shop, second);
        match second % FAULT_EVERY {
            0 => fault.store(1 + dice.below(FAULTS), Ordering::SeqCst),
            FAULT_LASTS => fault.store(0, Ordering::SeqCst),
            _ => {}
        }
        if second.is_multiple_of(PUSH_EVERY) {
            push(shop, colleague, second);
        }
        if second.is_multiple_of(RESIZE_EVERY) {
            let (rows, columns) = SIZES[dice.below(SIZES.len())];
            cockpit.resize_terminal_only(rows, columns);
        }
        if let Ok(Some(status)) = cockpit.child.try_wait() {
            panic!("the cockpit ended after {second} s ({status:?}):\n{}", cockpit.text());
        }
        samples.push(Sample::of(id, second).expect("a process"));
        cockpit.forget();
        shop.server.forget();
    }
    fault.store(0, Ordering::SeqCst);
    cockpit.resize(SIZES[0].0, SIZES[0].1);
    for _ in 0..6 {
        cockpit.press("\x1b");
        std::thread::sleep(Duration::from_millis(200));
    }
    cockpit.press("q");
    let status = cockpit.ended();
    assert_eq!(status, 0, "the cockpit leaves when it is told to");
    Figures {
        minutes,
        pressed,
        samples,
        errors: errors(&folder),
    }
}
