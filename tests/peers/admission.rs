//! Policies of clusters' gates, as `pindeck policy compare` judges them, beside real cosign: both gates verify through
//! cosign's library, so each of their authorities is a line of `cosign verify` or `verify-attestation`.
//!
//! Where the two may answer differently is told apart, each with its reason: content that is gone (cosign does not look),
//! and a bundle of another kind that cosign takes for a signature.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::cosign::{Cosign, Layout, trust};
use crate::support::gate_policies::{KINDS, Kind, controller, kyverno};
use crate::support::live_world::LiveWorld;
use crate::support::peer::{find, pindeck};

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Digests that are pinned, and whether evidence of this layout lies beside them.
fn pinned(status: &Value, layout: Layout) -> BTreeMap<(String, String), bool> {
    let mut all = BTreeMap::new();
    for pin in list(&status["services"])
        .iter()
        .flat_map(|service| list(&service["pins"]))
    {
        let Some(digest) = pin["digest"].as_str() else { continue };
        let has = list(&pin["evidence"]).iter().any(|one| match layout {
            Layout::Bundle => one["format"] == "sigstore-bundle",
            Layout::Legacy => matches!(one["format"].as_str(), Some("cosign-signature" | "cosign-attestation")),
        });
        all.insert(
            (pin["image"].as_str().expect("an image").to_owned(), digest.to_owned()),
            has,
        );
    }
    all
}

fn compare(layout: Layout, program: &str, policy_of: fn(&std::path::Path, Kind) -> String) {
    let Some(program) = find(program) else { return };
    let Some(world) = LiveWorld::start() else { return };
    let cosign = Cosign { program, layout };
    let home = world.home.path();
    let folder = world.policy.parent().expect("a folder");
    let team: toml::Table = std::fs::read_to_string(&world.policy)
        .expect("a policy")
        .parse()
        .expect("TOML");
    let pinned = pinned(&world.status(), layout);
    let (mut agree, mut admitted, mut explained, mut wrong) = (0, 0, BTreeMap::<&str, usize>::new(), Vec::new());
    for kind in KINDS {
        let file = home.join(format!("{}.yaml", kind.0));
        std::fs::write(&file, policy_of(folder, kind)).expect("written");
        let root = folder.join("trusted-root.json");
        let args = [
            "policy",
            "compare",
            file.to_str().expect("a path"),
            "--root",
            root.to_str().expect("a path"),
            "-C",
            world.clone.to_str().expect("a path"),
            "--config",
            world.policy.to_str().expect("a path"),
            "--no-fetch",
            "--json",
        ];
        let answer = pindeck(home, args);
        let document: Value = serde_json::from_str(&answer.stdout).unwrap_or_else(|e| panic!("{e}: {answer:?}"));
        let mut asked = BTreeSet::new();
        for one in list(&document["digests"]) {
            let (image, digest) = (
                one["image"].as_str().expect("an image"),
                one["digest"].as_str().expect("a digest"),
            );
            let known = pinned.get(&(image.to_owned(), digest.to_owned()));
            if known != Some(&true) || !asked.insert((image, digest)) {
                continue;
            }
            let trust = trust(&team, one["service"].as_str().expect("a service"), folder);
            let reference = world.reachable(image, digest);
            let theirs = Some(kind.1).filter(|name| !name.is_empty());
            let theirs = cosign.ask(home, theirs, &trust, &reference).code == 0;
            let why = one["why"].as_str().expect("a reason");
            match (one["cluster"].as_str().expect("an answer"), theirs) {
                ("admit", true) => {
                    agree += 1;
                    admitted += 1;
                }
                ("refuse", false) => agree += 1,
                ("cannot-say", _) if why.contains("no longer has") => {
                    *explained
                        .entry("the image is gone, and cosign does not look")
                        .or_default() += 1;
                }
                ("cannot-say", true) if why.contains("another bundle") => {
                    *explained
                        .entry("cosign takes another bundle for a signature")
                        .or_default() += 1;
                }
                (ours, theirs) => wrong.push(format!("{image}@{digest}: {}: {ours} ({why}), cosign {theirs}", kind.0)),
            }
        }
    }
    println!(
        "{layout:?}: {agree} agree ({admitted} admitted), explained {explained:?}, {} differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(admitted > 0 && admitted < agree, "one answer only");
}

#[test]
fn cosign_2_answers_as_policies_of_tags_are_judged() {
    compare(Layout::Legacy, "cosign2", controller);
}

#[test]
fn cosign_3_answers_as_policies_of_bundles_are_judged() {
    compare(Layout::Bundle, "cosign3", kyverno);
}
