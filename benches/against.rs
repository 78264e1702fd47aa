//! What another build of pindeck costs beside this one, command by command, in interleaved pairs: CPU of the program and of all
//! that it starts, and requests.
//!
//! `PINDECK_BEFORE=PATH cargo bench --bench against`; `PINDECK_BIN=PATH cargo bench --profile dev --bench against` measures that
//! program and builds none.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it is a program for people"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use pindeck::demo::registry::{DemoRegistry, Ways};

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::{median, spent};
use support::dump::World;
use support::large_tree::large_tree;
use support::packed::{Packed, file_ending};
use support::peer::git;
use support::stage::path;

const PAIRS: usize = 7;
/// Runs of a short command that are measured together.
const SHORT: u32 = 8;

/// A program with folders of its own.
struct Program {
    file: PathBuf,
    home: tempfile::TempDir,
}

impl Program {
    fn new(file: PathBuf) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        Self { file, home }
    }

    fn forget(&self) {
        for folder in ["cache", "state"] {
            let _ = std::fs::remove_dir_all(self.home.path().join(folder));
        }
    }

    /// CPU seconds and the exit status of one run.
    fn run(&self, clone: &Path, args: &[&str]) -> (f64, Option<i32>) {
        let mut command = Command::new(&self.file);
        command.arg("-C").arg(clone).args(args);
        command
            .env("HOME", self.home.path())
            .env("PINDECK_CACHE_DIR", self.home.path().join("cache"));
        command.env("XDG_STATE_HOME", self.home.path().join("state"));
        command.env("XDG_CONFIG_HOME", self.home.path().join("config"));
        spent(&mut command)
    }
}

/// Both programs and what is asked of them.
struct Pairs {
    before: Program,
    now: Program,
}

impl Pairs {
    /// Prints what a command costs both of them: with nothing kept (`is_cold`), or with what one run of it left. Of a short
    /// one several runs are measured together, because the kernel counts in hundredths of a second.
    fn print(&self, clone: &Path, args: &[&str], (is_cold, runs): (bool, u32), requests: &dyn Fn() -> usize) {
        let both = [&self.before, &self.now];
        let (mut cpu, mut asked, mut codes) = ([Vec::new(), Vec::new()], [0; 2], [None; 2]);
        for program in both {
            program.forget();
            program.run(clone, args);
        }
        for pair in 0..PAIRS {
            for turn in 0..2 {
                let which = (pair + turn) % 2;
                let mut seconds = 0.0;
                for _ in 0..runs {
                    if is_cold {
                        both[which].forget();
                    }
                    let before = requests();
                    let (one, code) = both[which].run(clone, args);
                    seconds += one;
                    (asked[which], codes[which]) = (requests() - before, code);
                }
                cpu[which].push(seconds / f64::from(runs));
            }
        }
        let ratios = cpu[0].iter().zip(&cpu[1]).map(|(before, now)| now / before.max(0.005));
        let ratio = median(ratios.collect());
        let [before, now] = cpu.map(median);
        println!(
            "{:50} {:4}  {ratio:.2}  {now:.3} of {before:.3} s CPU, {} of {} requests, exit {:?} and {:?}",
            args.join(" ").chars().take(50).collect::<String>(),
            if is_cold { "cold" } else { "warm" },
            asked[1],
            asked[0],
            codes[1].unwrap_or(-1),
            codes[0].unwrap_or(-1),
        );
    }
}

fn main() {
    let before = std::env::var_os("PINDECK_BEFORE").expect("PINDECK_BEFORE names the other build");
    let now = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let pairs = Pairs {
        before: Program::new(before.into()),
        now: Program::new(now),
    };
    println!("median of {PAIRS} pairs: CPU of this build as a part of that of the other");
    world(&pairs);
    repositories(&pairs);
}

fn world(pairs: &Pairs) {
    let (world, home) = (World::find(), tempfile::tempdir().expect("a folder"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let registries: BTreeMap<&str, DemoRegistry> = (world.registries.iter())
        .map(|(host, dump)| {
            let ways = match dump.folder.file_name().is_some_and(|name| name == "A") {
                true => Ways::docker_registry(),
                false => Ways::go_containerregistry(),
            };
            let registry = runtime.block_on(DemoRegistry::start(ways)).expect("a registry");
            registry.load(dump).expect("loaded");
            (host.as_str(), registry)
        })
        .collect();
    let endpoints = registries.iter();
    let endpoints = endpoints
        .map(|(host, one)| (*host, format!("http://{}", one.host())))
        .collect();
    let policy = world.policy_in(home.path(), &endpoints);
    let clone = world.clone_in(home.path());
    let requests = || registries.values().map(|one| one.requests().len()).sum();
    let text = std::fs::read_to_string(world.folder.join("EXPECTED.json")).expect("what is expected");
    let expected: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let candidate = &expected["candidates"]["payments"];
    let (image, digest) = (
        candidate["image"].as_str().unwrap(),
        candidate["digest"].as_str().unwrap(),
    );
    let reference = format!("{image}@{digest}");
    let commands: [&[&str]; 6] = [
        &["status", "--json"],
        &["drift", "--json"],
        &["evidence", "payments", "--env", "production", "--json"],
        &["verify", &reference, "--env", "production", "--json"],
        &["promote", "payments", "--to", "staging", "--dry-run", "--json"],
        &["history", "payments", "--env", "production", "--json"],
    ];
    let config = ["--config", path(&policy)];
    for command in commands {
        let args: Vec<&str> = command.iter().chain(&config).copied().collect();
        for is_cold in [true, false] {
            pairs.print(&clone, &args, (is_cold, SHORT), &requests);
        }
    }
}

fn repositories(pairs: &Pairs) {
    let home = tempfile::tempdir().expect("a folder");
    let tree = home.path().join("tree");
    large_tree(&tree);
    for is_cold in [true, false] {
        pairs.print(&tree, &["status", "--offline", "--json"], (is_cold, 1), &|| 0);
    }
    let Some(bundle) = file_ending(&Packed::History.folder(), ".bundle") else {
        return;
    };
    let clone = home.path().join("history");
    git(
        home.path(),
        ["clone", "-q", "--branch", "main", path(&bundle), path(&clone)],
    );
    let pin = ["history", "build-service", "--env", "production", "--json"];
    for args in [&pin[..], &["status", "--offline", "--json"]] {
        for is_cold in [true, false] {
            pairs.print(&clone, args, (is_cold, 1), &|| 0);
        }
    }
}
