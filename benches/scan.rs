//! How long a scan of a whole GitOps repository takes: `cargo bench --bench scan`.
//!
//! The tree is the large one of the corpus (tests/data/README.md).
//! Printed: the first scan, a second one, and one after a single file changed; then peak memory.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

#[path = "../tests/support/mod.rs"]
pub mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pindeck::domain::id::Digest;
use pindeck::sources::git::manifest::{Scanner, is_manifest};
use support::packed::{Packed, file_ending};

struct File {
    path: String,
    on_disk: PathBuf,
    blob: String,
}

fn main() {
    let folder = Packed::Gitops.folder();
    let Some(archive) = file_ending(&folder.join("scale"), ".tar.gz") else {
        println!("SKIPPED: no scale part in {}", folder.display());
        return;
    };
    let temporary = tempfile::tempdir().expect("a folder");
    let done = std::process::Command::new("tar")
        .arg("xzf")
        .arg(&archive)
        .arg("-C")
        .arg(temporary.path())
        .status()
        .expect("tar runs");
    assert!(done.success(), "tar: {done}");
    let mut files = Vec::new();
    collect(temporary.path(), temporary.path(), &mut files);
    let bytes: u64 = files
        .iter()
        .filter_map(|f| Some(f.on_disk.metadata().ok()?.len()))
        .sum();
    println!("{} files, {:.1} MB", files.len(), bytes as f64 / 1e6);

    let mut best = Duration::MAX;
    for round in 1..=5 {
        let mut scanner = Scanner::default();
        let (read, took, found) = look(&mut scanner, &files);
        best = best.min(took);
        println!(
            "first scan, round {round}: {read:5} files read, {:7.1} ms, {found} references",
            ms(took)
        );
    }
    let mut scanner = Scanner::default();
    look(&mut scanner, &files);
    let (read, took, _) = look(&mut scanner, &files);
    println!("second scan, nothing changed: {read} files read, {:.1} ms", ms(took));
    if let Some(file) = files.first_mut() {
        file.blob = "changed".to_owned();
    }
    let (read, took, _) = look(&mut scanner, &files);
    println!("second scan, one file changed: {read} files read, {:.1} ms", ms(took));
    println!("best first scan: {:.1} ms; peak memory: {}", ms(best), peak());
}

fn look(scanner: &mut Scanner, files: &[File]) -> (usize, Duration, usize) {
    let start = Instant::now();
    scanner.begin();
    let mut found: BTreeMap<&'static str, usize> = BTreeMap::new();
    for file in files {
        let scan = scanner
            .file(&file.path, &file.blob, || std::fs::read(&file.on_disk))
            .expect("readable");
        for one in &scan.found {
            *found.entry(one.kind).or_default() += 1;
        }
    }
    let read = scanner.end();
    (read, start.elapsed(), found.values().sum())
}

fn collect(root: &Path, folder: &Path, out: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let on_disk = entry.expect("entry").path();
        if on_disk.is_dir() {
            collect(root, &on_disk, out);
            continue;
        }
        let path = on_disk
            .strip_prefix(root)
            .expect("inside")
            .to_string_lossy()
            .into_owned();
        if is_manifest(&path) {
            // Stands for the object id that git knows without reading the file.
            let blob = Digest::of(path.as_bytes()).hex();
            out.push(File { path, on_disk, blob });
        }
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn peak() -> String {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| Some(text.lines().find(|l| l.starts_with("VmHWM:"))?.to_owned()))
        .unwrap_or_else(|| "unknown".to_owned())
}
