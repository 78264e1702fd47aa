//! What the pins of a long real history cost the program, beside `git log -G` in the same run: the first `status --offline`,
//! the second, the one after ten new commits that add a file of the usual kind, and the one after the history's own last ten.
//! CPU seconds, medians.
//!
//! `cargo bench --bench lineage`; `PINDECK_BIN=PATH cargo bench --profile dev --bench lineage` measures that program and builds
//! none. The histories are those of tests/data/README.md.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::{cpu_seconds, median};
use support::git_world::{git, identify};
use support::packed::{Packed, file_ending};

const ROUNDS: usize = 5;

fn main() {
    let folders = [Packed::Gitops.folder().join("history"), Packed::History.folder()];
    let bundles: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| file_ending(folder, ".bundle"))
        .collect();
    for bundle in bundles {
        one(&bundle);
    }
}

fn one(bundle: &Path) {
    let root = tempfile::tempdir().expect("a folder");
    let bundle = bundle.to_string_lossy();
    git(root.path(), &["clone", "-q", "--branch", "main", &bundle, "history"]);
    let clone = root.path().join("history");
    git(&clone, &["remote", "remove", "origin"]);
    identify(&clone);
    println!("{bundle}: {} commits", git(&clone, &["rev-list", "--count", "HEAD"]));
    let older = root.path().join("older");
    git(root.path(), &["clone", "-q", "history", "older"]);
    git(&older, &["remote", "remove", "origin"]);
    let newest = git(&older, &["rev-parse", "HEAD"]);
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let status_of = |clone: &Path, home: &Path| {
        let mut command = Command::new(&program);
        command.arg("-C").arg(clone).args(["status", "--offline", "--json"]);
        command.env("HOME", home).env("PINDECK_CACHE_DIR", home.join("cache"));
        command.env("XDG_STATE_HOME", home.join("state"));
        cpu_seconds(&mut command)
    };
    let status = |home: &Path| status_of(&clone, home);
    let [mut log, mut first, mut second, mut later, mut own] = [const { Vec::new() }; 5];
    for round in 0..ROUNDS {
        let home = tempfile::tempdir().expect("a folder");
        let mut program = Command::new("git");
        program.arg("-C").arg(&clone);
        program.args(["log", "--format=%H", "-G@sha256:", "--", "*.yaml", "*.yml"]);
        log.push(cpu_seconds(&mut program));
        first.push(status(home.path()));
        second.push(status(home.path()));
        for commit in 0..10 {
            let file = clone.join(format!("new-{round}-{commit}.yaml"));
            std::fs::write(&file, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n").expect("written");
            git(&clone, &["add", "-A"]);
            git(&clone, &["commit", "-q", "-m", "one more"]);
        }
        later.push(status(home.path()));
        let home = tempfile::tempdir().expect("a folder");
        git(&older, &["reset", "-q", "--hard", &format!("{newest}~10")]);
        status_of(&older, home.path());
        git(&older, &["reset", "-q", "--hard", &newest]);
        own.push(status_of(&older, home.path()));
    }
    let log = median(log);
    println!("git log -G: {log:.2} s");
    let all = [
        ("first", first),
        ("second", second),
        ("after ten commits", later),
        ("after its own last ten commits", own),
    ];
    for (what, costs) in all {
        let cost = median(costs);
        println!("{what}: {cost:.2} s, {:.2}x", cost / log);
    }
}
