//! The same statements on the same real registries, judged by pindeck and by real cosign: where one of them
//! holds for cosign it holds for pindeck, and the other way round.
//!
//! What is compared is single statements, for there cosign and pindeck answer the same question. Where cosign
//! is known to answer another one (any bundle counts as a signature; content that is gone is not missed),
//! nothing is asked.

use std::collections::BTreeSet;

use crate::support::cosign::{Cosign, Layout, STATEMENTS};
use crate::support::live_world::LiveWorld;
use crate::support::peer::find;
use serde_json::Value;

/// Whether pindeck found a statement of that kind and layout that holds. cosign is asked for SPDX.
fn holds(evidence: &[Value], kind: &str, layout: Layout) -> bool {
    let of_layout = |format: &str| (layout == Layout::Bundle) == (format == "sigstore-bundle");
    evidence.iter().any(|e| {
        let spdx = e["predicate_type"].as_str().is_some_and(|t| t.contains("spdx"));
        e["kind"] == kind
            && (kind != "sbom" || spdx)
            && e["state"] == "verified"
            && e["format"].as_str().is_some_and(of_layout)
    })
}

fn has(evidence: &[Value], layout: Layout) -> bool {
    evidence.iter().any(|e| match layout {
        Layout::Bundle => e["format"] == "sigstore-bundle",
        Layout::Legacy => matches!(e["format"].as_str(), Some("cosign-signature" | "cosign-attestation")),
    })
}

fn compare(layout: Layout, name: &str) {
    let Some(program) = find(name) else { return };
    let Some(world) = LiveWorld::start() else { return };
    let cosign = Cosign { program, layout };
    let home = world.home.path();
    let status = world.status();
    let policy: toml::Table = std::fs::read_to_string(&world.policy).unwrap().parse().unwrap();
    let folder = world.policy.parent().unwrap();
    let (mut agree, mut wrong, mut asked) = (0, Vec::new(), BTreeSet::new());
    for service in status["services"].as_array().unwrap() {
        let trust = crate::support::cosign::trust(&policy, service["name"].as_str().unwrap(), folder);
        let candidate = std::iter::once(&service["candidate"]);
        for pin in service["pins"].as_array().unwrap().iter().chain(candidate) {
            let Some(digest) = pin["digest"].as_str() else { continue };
            let evidence = pin["evidence"].as_array().unwrap();
            let gone = pin["verdict"]["causes"]
                .as_array()
                .is_some_and(|causes| causes.iter().any(|c| c["check"] == "digest"));
            let image = pin["image"].as_str().unwrap();
            if gone || !has(evidence, layout) || !asked.insert(format!("{image}@{digest}")) {
                continue;
            }
            let reference = world.reachable(image, digest);
            for (theirs, ours) in STATEMENTS {
                let cosign_says = cosign.ask(home, Some(theirs), &trust, &reference).code == 0;
                let we_say = holds(evidence, ours, layout);
                if cosign_says == we_say {
                    agree += 1;
                } else {
                    wrong.push(format!(
                        "{image}@{digest}: {ours}: cosign {cosign_says}, pindeck {we_say}"
                    ));
                }
            }
            // cosign 3 takes any bundle for a signature: what we call signed must be so for it, no more.
            let signed = cosign.ask(home, None, &trust, &reference).code == 0;
            let we_say = holds(evidence, "signature", layout);
            if signed == we_say || (layout == Layout::Bundle && signed) {
                agree += 1;
            } else {
                wrong.push(format!(
                    "{image}@{digest}: signature: cosign {signed}, pindeck {we_say}"
                ));
            }
        }
    }
    println!(
        "{name}: {agree} agree, {} disagree, over {} digests",
        wrong.len(),
        asked.len()
    );
    assert!(agree > 0, "nothing was compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cosign_3_agrees_on_every_bundle_of_the_world() {
    compare(Layout::Bundle, "cosign3");
}

#[test]
fn cosign_2_agrees_on_every_tag_of_the_world() {
    compare(Layout::Legacy, "cosign2");
}
