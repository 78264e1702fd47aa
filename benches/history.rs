//! How long the history of a pin takes, beside the `git` program: `cargo bench --bench history`.
//!
//! The repository is the real history of the corpus (`PINDECK_GITOPS_CORPUS`, see
//! tests/manifests/corpus.rs). Printed per file: the first change, the whole walk, and
//! `git log -G@sha256: -- FILE` in the same run.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pindeck::sources::git::GitRepo;
use pindeck::sources::git::manifest::{Found, scan};

const FILES: usize = 8;
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

fn main() {
    let folder = std::env::var_os("PINDECK_GITOPS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/gitops"),
        PathBuf::from,
    );
    let bundle = std::fs::read_dir(folder.join("history")).ok().and_then(|dir| {
        dir.filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|e| e == "bundle"))
    });
    let Some(bundle) = bundle else {
        println!("SKIPPED: no history part in {}", folder.display());
        return;
    };
    let root = tempfile::tempdir().expect("a folder");
    let args = ["clone", "-q", "--branch", "main", &bundle.to_string_lossy(), "history"];
    git(root.path(), &args);
    let dir = root.path().join("history");
    let tip = git(&dir, &["rev-parse", "HEAD"]);
    let repo = GitRepo::discover(&dir).expect("a repository");
    let mut files: Vec<String> = Vec::new();
    for file in repo.files(&tip).expect("files") {
        let bytes = repo.blob(&file.oid).expect("a blob");
        if scan(&file.path, &bytes)
            .found
            .iter()
            .any(|found| found.digest.is_some())
        {
            files.push(file.path);
        }
    }
    println!("{} commits", git(&dir, &["rev-list", "--count", "HEAD"]));
    for file in files.iter().take(FILES) {
        let (mut first, mut whole, mut program) = (Duration::MAX, Duration::MAX, Duration::MAX);
        let mut count = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let mut seen = None;
            let mut scans: HashMap<String, Vec<Found>> = HashMap::new();
            count = 0;
            let blobs = repo.blobs().expect("opens");
            repo.commits(&tip, std::slice::from_ref(file), &mut |changes| {
                for change in &changes {
                    // Each content is read once, as the engine does.
                    for oid in [&change.before, &change.after].into_iter().flatten() {
                        if !scans.contains_key(oid) {
                            let bytes = blobs.read(oid).expect("a blob");
                            scans.insert(oid.clone(), scan(file, &bytes).found);
                        }
                    }
                    let read = |oid: &Option<String>| oid.as_ref().map(|oid| &scans[oid]);
                    count += usize::from(read(&change.before) != read(&change.after));
                }
                let _ = seen.get_or_insert_with(|| start.elapsed());
                ControlFlow::Continue(())
            })
            .expect("a walk");
            whole = whole.min(start.elapsed());
            first = first.min(seen.unwrap_or_default());
            let start = Instant::now();
            git(&dir, &["log", "--format=%H", "-G@sha256:", "--", file]);
            program = program.min(start.elapsed());
        }
        println!(
            "{count:4} changes, first {:6.1} ms, whole {:7.1} ms, git log -G {:7.1} ms, {:.2}x  {file}",
            ms(first),
            ms(whole),
            ms(program),
            whole.as_secs_f64() / program.as_secs_f64()
        );
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
