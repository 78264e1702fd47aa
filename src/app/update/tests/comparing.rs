//! The diff screen.

use super::*;
use crate::app::comparison::{ComparisonState, DiffScreen};
use crate::app::sample::planned;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;

fn diff(state: &CockpitState) -> &DiffScreen {
    match state.screen() {
        Some(Screen::Diff(diff)) => diff,
        other => panic!("no diff: {other:?}"),
    }
}

fn asked_for(commands: &[Command]) -> (Ticket, Digest, Digest) {
    let found = commands.iter().find_map(|command| match command {
        Command::Diff { ticket, a, b } => Some((ticket.clone(), a.1, b.1)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing is compared: {commands:?}"))
}

#[test]
fn a_pin_is_compared_with_what_ci_offers() {
    let mut state = board();
    let (_, a, b) = asked_for(&press(&mut state, "<right><right><right>d"));
    assert_eq!((a, b), (digest("c2"), digest("c3")));
    assert!(diff(&state).pairs[0].b.what.contains("CI"));
}

#[test]
fn a_pin_that_is_the_candidate_is_compared_with_older_pins() {
    let mut state = board();
    let (_, a, b) = asked_for(&press(&mut state, "d"));
    assert_eq!(
        (a, b),
        (digest("c2"), digest("c3")),
        "old to new, wherever the cursor is"
    );
}

#[test]
fn the_candidate_is_compared_with_the_pins() {
    let mut state = board();
    let (_, a, b) = asked_for(&press(&mut state, "<right><right><right><right>d"));
    assert_eq!((a, b), (digest("c2b"), digest("c3")));
}

#[test]
fn tab_goes_through_the_comparisons() {
    let mut state = board();
    let first = asked_for(&press(&mut state, "<right><right><right>d"));
    let count = diff(&state).pairs.len();
    assert!(count > 1, "the moved tag is another one");
    let mut seen = vec![(first.1, first.2)];
    for _ in 1..count {
        let (_, a, b) = asked_for(&press(&mut state, "<tab>"));
        assert!(!seen.contains(&(a, b)));
        seen.push((a, b));
    }
    asked_for(&press(&mut state, "<tab>"));
    assert_eq!(diff(&state).at, 0);
}

#[test]
fn an_older_comparison_is_stale() {
    let mut state = board();
    let (old, ..) = asked_for(&press(&mut state, "<right><right><right>d"));
    asked_for(&press(&mut state, "<tab>"));
    let msg = Msg::Compared {
        ticket: old,
        result: Ok(Box::new(sample::digest_diff())),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(diff(&state).compared, ComparisonState::Running);
}

#[test]
fn the_answer_and_the_failure_are_kept_apart() {
    let mut state = board();
    let (ticket, ..) = asked_for(&press(&mut state, "d"));
    let failure = Failure::unreachable("timed out");
    let msg = Msg::Compared {
        ticket,
        result: Err(failure.clone()),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(diff(&state).compared, ComparisonState::Failed(failure));
}

#[test]
fn a_service_with_one_digest_everywhere_has_nothing_to_compare() {
    let mut state = board();
    for cell in &mut state.board.services[0].cells {
        cell.pin.digest = Some(digest("c3"));
        cell.tag_digest = Seen::NotChecked;
    }
    assert_eq!(press(&mut state, "d"), []);
    assert!(notice(&state).contains("the same"), "{}", notice(&state));
}

#[test]
fn leaving_stops_the_reading() {
    let mut state = board();
    press(&mut state, "d");
    assert_eq!(press(&mut state, "<esc>"), [Command::Stop(QueryKind::Diff)]);
    assert!(state.screens.is_empty());
}

#[test]
fn a_line_of_the_history_is_compared_with_the_one_before() {
    let mut state = board();
    let commands = press(&mut state, "<right><right><right>L");
    let [Command::History { ticket, .. }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    sample::answer_history(&mut state, ticket);
    let (_, a, b) = asked_for(&press(&mut state, "d"));
    assert_eq!((a, b), (digest("c1"), digest("c2")));
}

#[test]
fn the_diff_of_a_plan_leads_back_to_it() {
    let mut state = board();
    planned(&mut state, "p");
    let (_, a, b) = asked_for(&press(&mut state, "d"));
    assert_eq!((a, b), (digest("c2"), digest("c3")));
    assert_eq!(
        press(&mut state, "y"),
        [],
        "on a plan y confirms, and here it neither confirms nor copies"
    );
    assert!(matches!(press(&mut state, "I").as_slice(), [Command::Copy { .. }]));
    assert_eq!(state.writing, None);
    press(&mut state, "<esc>");
    assert!(matches!(state.screen(), Some(Screen::Plan(_))));
}

#[test]
fn the_command_names_both_sides() {
    let mut state = board();
    press(&mut state, "d");
    let command = crate::app::equivalent::equivalent(&state).expect("a command");
    assert!(command.starts_with("pindeck diff registry.example.com/shop/checkout@sha256:"));
    assert!(command.contains(&digest("c3").to_string()));
}
