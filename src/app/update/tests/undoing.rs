//! Taking the last write back: every way in words, and nothing before a person has chosen one.

use super::*;
use crate::app::sample::{asked, begun, planned, proposal_of, receipt_of, written};
use crate::domain::id::Target;
use crate::domain::write::{Ask, Proposal, Scope, WriteState};

const PRODUCTION: &str = "<right><right><right>";

/// A cockpit with a promotion of checkout in flight.
fn flying() -> (CockpitState, Ticket, Proposal) {
    let mut state = board();
    planned(&mut state, "p");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    (state, ticket, proposal)
}

#[test]
fn undo_of_a_promotion_is_a_revert_to_what_was_there() {
    let (mut state, ticket, proposal) = flying();
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let (_, request) = asked(&press(&mut state, "u"));
    assert_eq!(
        request.ask,
        Ask::Revert {
            target: Target::new("checkout", "integration"),
            to: Some(digest("c2")),
            scope: Scope::Auto,
        }
    );
    assert_eq!(state.screens.len(), 1, "the receipt has been read");
}

/// The labels of what there is to choose between.
fn labels(state: &CockpitState) -> Vec<&str> {
    match &state.layer {
        Some(Modal::Choose { choices, .. }) => choices.iter().map(|choice| choice.label.as_str()).collect(),
        other => panic!("nothing to choose: {other:?}"),
    }
}

/// A cockpit whose revert of checkout in production has landed.
fn reverted() -> CockpitState {
    let mut state = board();
    sample::planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |_| {});
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    state
}

#[test]
fn undo_of_a_revert_offers_both_ways_back_in_words() {
    let mut state = reverted();
    assert_eq!(press(&mut state, "u"), [], "it asks first");
    assert_eq!(
        labels(&state),
        [
            "put 1.4.0 back and release its hold",
            "only release the hold on 1.4.0; 1.3.2 stays pinned"
        ]
    );
    let target = Target::new("checkout", "production");
    let (_, request) = asked(&press(&mut state, "<enter>"));
    let back = Ask::Revert {
        target: target.clone(),
        to: Some(digest("c2")),
        scope: Scope::Auto,
    };
    assert_eq!((request.ask, request.release_hold), (back, true));
    let mut state = reverted();
    let (_, request) = asked(&press(&mut state, "uj<enter>"));
    assert_eq!(
        (request.ask, request.release_hold),
        (Ask::ReleaseHold { target }, false)
    );
}

#[test]
fn a_revert_that_held_nothing_has_one_way_back() {
    let mut state = board();
    sample::planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |p| p.plans[0].holds.clear());
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let (_, request) = asked(&press(&mut state, "u"));
    assert!(matches!(request.ask, Ask::Revert { to: Some(to), .. } if to == digest("c2")));
    assert!(!request.release_hold);
}

/// A cockpit whose set of checkout and payments has landed.
fn set_written() -> CockpitState {
    let mut state = board();
    planned(&mut state, "<space><space>kp");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(state.undo.len(), 2);
    state
}

/// Answers the plan that was asked for, confirms it and lets it land; answers which service went back.
fn taken_back(state: &mut CockpitState, commands: &[Command]) -> String {
    let (ticket, request) = asked(commands);
    let Ask::Revert { target, .. } = request.ask.clone() else {
        panic!("no revert: {request:?}");
    };
    sample::answer_plan(state, &ticket, proposal_of(request));
    let (ticket, proposal) = begun(&press(state, "y"));
    written(state, &ticket, Ok(receipt_of(&proposal)));
    target.service.to_string()
}

#[test]
fn a_set_is_undone_whole_or_one_of_it() {
    let mut state = set_written();
    assert_eq!(press(&mut state, "u"), [], "it asks first");
    let named = labels(&state).join("\n");
    assert!(
        named.starts_with("all 2, one plan after another: checkout, payments\n"),
        "{named}"
    );
    assert!(
        named.contains("checkout alone: ") && named.contains("payments alone: "),
        "{named}"
    );
    let commands = press(&mut state, "jj<enter>");
    assert_eq!(taken_back(&mut state, &commands), "payments");
    // The receipt of payments is on screen; what is left is about another service.
    let words = state.undo.words().expect("the other is left");
    assert!(words.starts_with("checkout in "), "{words}");
    let commands = press(&mut state, "u");
    assert_eq!(
        taken_back(&mut state, &commands),
        "checkout",
        "the other is still there"
    );
}

#[test]
fn the_whole_set_is_planned_one_after_another() {
    let mut state = set_written();
    let commands = press(&mut state, "u<enter>");
    assert_eq!(taken_back(&mut state, &commands), "checkout");
    let words = state.undo.words().expect("more to take back");
    assert!(words.starts_with("next: revert payments in "), "{words}");
    let commands = press(&mut state, "u");
    assert_eq!(taken_back(&mut state, &commands), "payments");
}

#[test]
fn nothing_written_is_nothing_to_undo() {
    let mut state = board();
    assert_eq!(press(&mut state, "u"), []);
    assert!(notice(&state).contains("nothing was written"));
    let (mut state, ticket, proposal) = flying();
    let mut receipt = receipt_of(&proposal);
    receipt.state = WriteState::Proposed;
    written(&mut state, &ticket, Ok(receipt));
    assert!(state.undo.is_empty(), "a proposal is not on the branch");
}

#[test]
fn a_pin_by_tag_has_no_inverse() {
    let mut state = board();
    planned(&mut state, "jjjjP");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    press(&mut state, "<enter>");
    assert_eq!(press(&mut state, "u"), []);
}
