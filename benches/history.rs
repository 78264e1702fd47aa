//! What the history of pins costs, beside the `git` program: `cargo bench --bench history`.
//!
//! The repositories are the real histories of the test data (tests/data/README.md). Printed for each, all in one run: who pinned what, for every pin; the history of single
//! pins; and `git log -G@sha256: -- '*.yaml' '*.yml'`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

#[path = "../tests/support/mod.rs"]
pub mod support;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pindeck::engine::OpenOptions;
use pindeck::engine::file_scans::ScanCache;
use pindeck::engine::ledger::read;
use pindeck::engine::lineage::trace;
use pindeck::engine::pin_states::{BlobReferences, PinEvent, PinStates};
use pindeck::sources::git::GitRepo;
use support::packed::{Packed, file_ending};

const TARGETS: usize = 8;
const ROUNDS: usize = 3;

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(args)
        .output()
        .expect("git runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn bundles() -> impl Iterator<Item = PathBuf> {
    let folders = [Packed::Gitops.folder().join("history"), Packed::History.folder()];
    folders.into_iter().filter_map(|folder| file_ending(&folder, ".bundle"))
}

fn best(mut work: impl FnMut()) -> Duration {
    let time = |()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    [(); ROUNDS].map(time).into_iter().min().unwrap_or_default()
}

fn main() {
    for bundle in bundles() {
        let root = tempfile::tempdir().expect("a folder");
        let args = ["clone", "-q", "--branch", "main", &bundle.to_string_lossy(), "history"];
        git(root.path(), &args);
        one(&root.path().join("history"), &bundle);
    }
}

fn one(dir: &Path, bundle: &Path) {
    let repo = GitRepo::discover(dir).expect("a repository");
    let ledger = read(&repo, &OpenOptions::default(), &ScanCache::default()).expect("a ledger");
    let commits = git(dir, &["rev-list", "--count", "HEAD"]);
    println!(
        "{}: {commits} commits, {} pins",
        bundle.display(),
        ledger.pins().count()
    );
    let program = best(|| {
        git(dir, &["log", "--format=%H", "-G@sha256:", "--", "*.yaml", "*.yml"]);
    });
    println!("git log -G: {:8.1} ms", ms(program));
    let all = best(|| {
        trace(&repo, &ledger, &BlobReferences::default()).expect("a lineage");
    });
    let ratio = all.as_secs_f64() / program.as_secs_f64();
    println!("every pin:  {:8.1} ms, {ratio:.2}x", ms(all));
    for pin in ledger.pins().take(TARGETS) {
        let (mut first, mut count) = (Duration::MAX, 0);
        let whole = best(|| {
            let start = Instant::now();
            let (references, mut seen) = (BlobReferences::default(), None);
            let states = PinStates {
                repo: &repo,
                ledger: &ledger,
                references: &references,
                only: Some(&pin.target),
            };
            count = 0;
            states
                .read(&mut |event| {
                    if let PinEvent::Changed { .. } = event {
                        count += 1;
                        seen.get_or_insert_with(|| start.elapsed());
                    }
                    ControlFlow::Continue(())
                })
                .expect("a history");
            first = first.min(seen.unwrap_or_default());
        });
        let ratio = whole.as_secs_f64() / program.as_secs_f64();
        println!(
            "{count:4} changes, first {:6.1} ms, whole {:7.1} ms, {ratio:.2}x  {}",
            ms(first),
            ms(whole),
            pin.target
        );
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
