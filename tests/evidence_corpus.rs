//! Every case of a corpus of real evidence, through the product's own verification.
//!
//! The folder comes from `PINDECK_EVIDENCE_CORPUS`, by default the one shared beside the checkout: any
//! folder with a `cases.jsonl` of that form will do. A case's `policy` becomes options of the trust
//! profile it is verified under.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it saw, and ends loudly"
)]

#[path = "support/evidence_cases.rs"]
mod evidence_cases;

use evidence_cases::{cases, corpus};

#[test]
fn every_case_as_expected() {
    let Some(folder) = corpus() else { return };
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
