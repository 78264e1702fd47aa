//! How long it takes to verify a bundle, beside cosign verifying the same files; and what a large SBOM costs.
//!
//! `cargo bench --bench verify`; the bundles are those of the corpus that hold (tests/data/README.md, see
//! tests/evidence/corpus.rs). cosign is looked for in target/peers and on the PATH, and run once a bundle.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

#[path = "../tests/support/mod.rs"]
pub mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use pindeck::domain::evidence::EvidenceState;
use pindeck::sources::evidence::{Carrier, Item, ItemContent};
use support::evidence_cases::{Asked, Case, cases, corpus, item};

const ROUNDS: u32 = 10;

fn main() {
    let folder = corpus();
    let all = cases(&folder);
    let bundles: Vec<&Case> = all
        .iter()
        .filter(|case| case.passes && case.kind.starts_with("bundle-"))
        .collect();
    let ready: Vec<(&Case, Asked, [Item; 1])> = bundles
        .iter()
        .filter_map(|case| {
            let bytes = case.evidence_bytes();
            let asked = case.ask(Some(&bytes)).ok()?;
            let items = [case.bundle_item(&asked, bytes)];
            Some((*case, asked, items))
        })
        .collect();
    let mut best = f64::MAX;
    let mut held = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        held = ready
            .iter()
            .filter(|(case, asked, items)| case.check(asked, items).holds)
            .count();
        best = best.min(start.elapsed().as_secs_f64());
    }
    let each = best * 1e3 / ready.len().max(1) as f64;
    println!(
        "{held} of {} bundles verified, {each:.3} ms each, one thread, best of {ROUNDS}",
        ready.len()
    );
    match cosign() {
        Some(program) => beside(&program, &ready, each),
        None => println!("SKIPPED: no cosign in target/peers or on the PATH to compare with"),
    }
    memory(&all);
}

fn cosign() -> Option<PathBuf> {
    let peers = std::env::var_os("PINDECK_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers"),
        PathBuf::from,
    );
    let near = [
        peers.join("cosign3"),
        peers.join("bin/cosign3"),
        peers.join("bin/cosign"),
    ];
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&on_path).map(|dir| dir.join("cosign")).collect();
    near.into_iter().chain(on_path).find(|path| path.is_file())
}

/// cosign over the same bundles, a process each. What it makes of them is not compared here.
fn beside(program: &Path, ready: &[(&Case, Asked, [Item; 1])], each: f64) {
    let temporary = tempfile::tempdir().expect("a folder");
    let (mut took, mut ran, mut good) = (0.0, 0u32, 0u32);
    for (n, (case, asked, items)) in ready.iter().enumerate() {
        let (bundle, root) = (
            temporary.path().join(format!("{n}.json")),
            temporary.path().join("root.json"),
        );
        let Some(json) = case.root_json() else { continue };
        let Ok(ItemContent::Kept(content)) = &items[0].content else {
            continue;
        };
        std::fs::write(&bundle, content).expect("writable");
        std::fs::write(&root, json).expect("writable");
        let mut command = Command::new(program);
        if case.kind == "bundle-dsse" {
            command.args(["verify-blob-attestation", "--check-claims=false", "--type=custom"]);
        } else {
            command.arg("verify-blob");
        }
        command.arg("--bundle").arg(&bundle).arg("--trusted-root").arg(&root);
        command.args([
            "--certificate-identity-regexp=.*",
            "--certificate-oidc-issuer-regexp=.*",
        ]);
        command.arg("--new-bundle-format=true");
        if let Some(bytes) = &asked.bytes {
            let artifact = temporary.path().join("artifact");
            std::fs::write(&artifact, bytes).expect("writable");
            command.arg(artifact);
        } else {
            command.arg(asked.subject.to_string());
        }
        let start = Instant::now();
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        took += start.elapsed().as_secs_f64();
        ran += 1;
        good += u32::from(done.is_ok_and(|d| d.success()));
    }
    let theirs = took * 1e3 / f64::from(ran.max(1));
    println!(
        "cosign, a process each: {theirs:.1} ms each ({good} of {ran} exit 0); ratio {:.4}",
        each / theirs
    );
}

/// Peak memory of reading the largest SBOM of the corpus.
fn memory(all: &[Case]) {
    let largest = all
        .iter()
        .filter(|case| case.kind == "sbom")
        .map(|case| (case, case.evidence_bytes()))
        .max_by_key(|(_, bytes)| bytes.len());
    let Some((case, bytes)) = largest else { return };
    let size = bytes.len();
    let asked = case.ask(Some(&bytes)).expect("no trust material");
    let item = item(asked.subject, "application/spdx+json", Carrier::SbomTag, bytes);
    // The peak is counted from here on (proc(5), clear_refs).
    let before = resident("VmRSS:");
    let reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let start = Instant::now();
    let said = case.check(&asked, std::slice::from_ref(&item));
    let took = start.elapsed().as_secs_f64() * 1e3;
    let peak = resident("VmHWM:");
    let read = said.evidence.iter().all(|e| e.state == EvidenceState::Unsigned);
    if reset {
        let more = peak.saturating_sub(before) as f64 * 1024.0 / size as f64;
        println!(
            "SBOM of {:.1} MB: read {read}, {took:.1} ms, {more:.1} times its size on top of its bytes",
            size as f64 / 1e6
        );
    } else {
        println!(
            "SBOM of {:.1} MB: read {read}, {took:.1} ms; peak memory unknown here",
            size as f64 / 1e6
        );
    }
}

fn resident(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field)).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}
