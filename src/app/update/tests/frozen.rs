use super::*;

/// The sample's findings without the tag that is told twice, first one way, then the other.
fn settled() -> Vec<Update> {
    let mut findings = sample::findings();
    let Some(Update::Tag { key, .. }) = findings.iter().rev().find(|f| matches!(f, Update::Tag { .. })).cloned() else {
        panic!("the sample moves a tag");
    };
    let first = findings
        .iter()
        .position(|f| matches!(f, Update::Tag { key: k, .. } if *k == key));
    findings.remove(first.expect("told before"));
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
