//! What is typed before a plan is made: why a digest is put on hold, which one comes back. And the tag rule.

use super::*;
use crate::app::sample::{asked, planned};
use crate::domain::id::Target;
use crate::domain::write::{Ask, Scope, TagRule};

const PRODUCTION: &str = "<right><right><right>";

#[test]
fn a_hold_is_planned_with_its_reason_only() {
    let mut state = board();
    assert_eq!(press(&mut state, "O"), [], "the reason first");
    assert_eq!(press(&mut state, "<enter>"), []);
    assert!(notice(&state).contains("reason"), "{}", notice(&state));
    let (_, request) = asked(&press(&mut state, "leaks<enter>"));
    assert_eq!(request.reason.as_deref(), Some("leaks"));
    assert!(matches!(request.ask, Ask::Hold { target, digest: Some(_) } if target == Target::new("checkout", "dev")));
}

#[test]
fn a_typed_digest_comes_back() {
    let mut state = board();
    let to = digest("long ago");
    press(&mut state, &format!("{PRODUCTION}V"));
    assert_eq!(press(&mut state, "1.4.0<enter>"), []);
    assert!(notice(&state).contains("no digest"), "{}", notice(&state));
    press(&mut state, "<ctrl-u>");
    update(
        &mut state,
        Msg::Paste(format!("registry.example.com/shop/checkout@{to}")),
        sample::now(),
    );
    let (_, request) = asked(&press(&mut state, "<enter>"));
    let target = Target::new("checkout", "production");
    let scope = Scope::Auto;
    assert_eq!(
        request.ask,
        Ask::Revert {
            target,
            to: Some(to),
            scope
        }
    );
}

#[test]
fn esc_types_nothing_and_plans_nothing() {
    let mut state = board();
    assert_eq!(press(&mut state, "Oleaks<esc>"), []);
    assert_eq!((state.layer.clone(), state.screens.len()), (None, 0));
}

#[test]
fn the_tag_rule_is_chosen_on_a_plan() {
    let mut state = board();
    press(&mut state, "T");
    assert!(notice(&state).contains("only on a plan"), "{}", notice(&state));
    planned(&mut state, "p");
    let mut rules = Vec::new();
    for _ in 0..4 {
        let (ticket, request) = asked(&press(&mut state, "T"));
        rules.push(request.tag);
        sample::answer_plan(&mut state, &ticket, sample::proposal_of(request));
    }
    assert_eq!(
        rules,
        [Some(TagRule::Keep), Some(TagRule::Drop), Some(TagRule::Update), None]
    );
}
