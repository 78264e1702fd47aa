use super::*;

/// The sample's findings without those that a later one about the same pin replaces.
fn settled() -> Vec<Update> {
    let about = |update: &Update| match update {
        Update::Tag { key, .. } => Some(("tag", key.clone())),
        Update::Assessed { key, .. } => Some(("verdict", key.clone())),
        _ => None,
    };
    let mut findings = sample::findings();
    let mut later = std::collections::BTreeSet::new();
    findings.reverse();
    findings.retain(|update| about(update).is_none_or(|about| later.insert(about)));
    findings.reverse();
    findings
}

#[test]
fn updates_wait_and_are_counted() {
    let (mut state, ticket) = started(80, 24);
    feed(&mut state, &ticket, [sample::opened()]);
    press(&mut state, "f");
    let before = state.board.clone();
    feed(&mut state, &ticket, sample::findings());
    assert_eq!(state.board, before);
    let waiting = state.frozen.as_ref().expect("frozen").waiting;
    assert!(waiting > 50, "{waiting}");
    press(&mut state, "f");
    assert_eq!(state.frozen, None);
    assert_ne!(state.board, before);
    assert!(notice(&state).contains(&waiting.to_string()));
}

#[test]
fn what_says_nothing_new_is_not_counted() {
    let mut state = board();
    press(&mut state, "f");
    let ticket = refresh(&mut state);
    feed(&mut state, &ticket, [sample::opened()]);
    feed(&mut state, &ticket, settled());
    finish(&mut state, &ticket);
    assert_eq!(state.frozen.as_ref().map(|f| f.waiting), Some(0));
}

#[test]
fn the_cursor_moves_on_what_is_shown() {
    let mut state = board();
    press(&mut state, "fj");
    is_at(&state, "payments", "dev");
}
