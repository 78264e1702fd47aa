//! Every case of a corpus of real evidence, through the product's own verification.
//!
//! The folder comes from `PINDECK_EVIDENCE_CORPUS`, by default the one shared beside the checkout: any
//! folder with a `cases.jsonl` of that form will do. A case's `policy` becomes options of the trust
//! profile it is verified under.

use std::collections::BTreeMap;

use crate::support::evidence_cases::{cases, corpus};

#[test]
fn every_case_as_expected() {
    let folder = corpus();
    let (mut agree, mut disputed, mut wrong) = (0, 0, Vec::new());
    for case in cases(&folder) {
        let said = case.run();
        if case.disputed {
            disputed += 1;
            println!(
                "disputed {}: {} ({})",
                case.id,
                if said.holds { "pass" } else { "fail" },
                said.detail
            );
        } else if said.holds == case.passes {
            agree += 1;
        } else {
            let expected = if case.passes { "pass" } else { "fail" };
            wrong.push(format!(
                "{} [{}]: expected {expected}, said {:?} {}",
                case.id, case.kind, said.cause, said.detail
            ));
        }
    }
    println!("{agree} agree, {} disagree, {disputed} disputed", wrong.len());
    for line in &wrong {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} cases disagree", wrong.len());
}

/// The cause of each failing case of the shared corpus, decided by reading the case, one a line: cause, id.
/// Another corpus may hold none of them.
const CAUSES: &str = include_str!("../data/evidence_causes.tsv");

#[test]
fn every_failing_case_has_its_cause() {
    let folder = corpus();
    let known: BTreeMap<&str, &str> = CAUSES
        .lines()
        .filter_map(|line| line.split_once('\t').map(|(cause, id)| (id, cause)))
        .collect();
    assert!(known.len() >= 60, "{} causes are decided", known.len());
    let (mut compared, mut wrong) = (0, Vec::new());
    for case in cases(&folder).into_iter().filter(|c| !c.passes && !c.disputed) {
        let said = case.run();
        match (said.cause, known.get(case.id.as_str())) {
            (Some(cause), Some(expected)) => {
                compared += 1;
                if cause.as_str() != *expected {
                    wrong.push(format!("{}: {cause}, not {expected} ({})", case.id, said.detail));
                }
            }
            (Some(_), None) => {}
            // The root or key that the case gives is refused before anything is verified.
            (None, _) if said.evidence.is_empty() && !said.detail.is_empty() => {}
            (None, _) => wrong.push(format!("{}: no cause", case.id)),
        }
    }
    println!("{compared} causes compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// docs/adr/0010: what is decided where the sources and their peers disagree.
const DISPUTED: &[(&str, bool)] = &[
    ("sigstore-python/tsa/bundle.duplicate.sigstore", true),
    ("sigstore-python/tsa/no-authorities", true),
    ("slsa-verifier/bundle/valid", true),
];

#[test]
fn disputed_cases_follow_the_decision() {
    let folder = corpus();
    for case in cases(&folder).into_iter().filter(|c| c.disputed) {
        if let Some((_, holds)) = DISPUTED.iter().find(|(id, _)| *id == case.id) {
            let said = case.run();
            assert_eq!(said.holds, *holds, "{}: {}", case.id, said.detail);
        }
    }
}
