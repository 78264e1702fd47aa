//! Frames of writes that are several pushes.

use super::*;
use crate::domain::hold::{HoldChange, HoldsPlace};
use crate::domain::id::Digest;

/// A plan to production, which lies in another repository, that begins and ends holds.
fn with_holds(holds: &[HoldChange]) -> Proposal {
    let mut proposal = flying((140, 40)).2;
    proposal.repository = Some("https://git.example/production.git".to_owned());
    proposal.plans[0].holds = holds.iter().cloned().collect();
    proposal.holds_on = Some(HoldsPlace {
        remote: Some("origin".to_owned()),
        remote_at: None,
        branch: "main".to_owned(),
    });
    proposal.branch = "trunk".to_owned();
    proposal
}

#[test]
fn every_push_of_a_plan_is_named_in_its_order() {
    let change = |end: bool| {
        let make = if end { HoldChange::Ends } else { HoldChange::Begins };
        make("checkout".into(), "production".into(), Digest::from_bytes([7; 32]))
    };
    let named = |proposal: &Proposal| -> Vec<String> {
        let pushes = proposal.pushes().into_iter();
        let words = pushes.map(|push| format!("{} {} {}", push.how, push.place, push.holds.unwrap_or("the pin")));
        words.collect()
    };
    let pin = "trunk to https://git.example/production.git the pin";
    assert_eq!(named(&with_holds(&[])), [format!("pushes {pin}")]);
    let both = with_holds(&[change(false), change(true)]);
    let then = [
        "pushes main to origin the hold".to_owned(),
        format!("then {pin}"),
        "then main to origin the end of the hold".to_owned(),
    ];
    assert_eq!(named(&both), then);
    let mut proposed = with_holds(&[change(false)]);
    proposed.branch = "pindeck/revert-x".to_owned();
    assert_eq!(named(&proposed)[0], "pushes pindeck/revert-x-hold to origin the hold");
    let mut beside = both.clone();
    beside.repository = None;
    let together = ["pushes trunk to origin the pin", "with main to origin the holds"];
    assert_eq!(named(&beside), together);
    // And so it is on the screen, before and after.
    let frame = |state: &CockpitState| text(&buffer(state, &UNICODE, ColourDepth::True));
    let mut state = at((140, 60), STEP);
    planned_as(&mut state, "p", |proposal| proposal.clone_from(&both));
    let shown = frame(&state);
    assert!(shown.contains("main to origin  the hold"), "{shown}");
    assert!(
        shown.contains("trunk to https://git.example/production.git  1 commit"),
        "{shown}"
    );
    let (mut state, ticket, _) = flying((140, 40));
    let mut receipt = receipt_of(&both);
    receipt.commits.push("abcdef0123456789".to_owned());
    written(&mut state, &ticket, Ok(receipt));
    let shown = frame(&state);
    assert!(
        shown.contains("abcdef0123456789, on the branch of pindeck.toml"),
        "{shown}"
    );
}
