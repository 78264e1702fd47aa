use super::*;

#[test]
fn it_needs_a_digest() {
    let mut state = board();
    press(&mut state, "jjjje");
    assert_eq!(state.screen(), None);
    assert!(notice(&state).contains("no digest"));
}

#[test]
fn the_candidate_has_one_too() {
    let mut state = board();
    press(&mut state, "<right><right><right><right>e");
    assert_eq!(evidence(&state).subject, ScreenSubject::Candidate("checkout".into()));
    assert_eq!(state.statements(&evidence(&state).subject).len(), 4);
}

#[test]
fn statements_are_selected_by_identity() {
    let mut state = board();
    press(&mut state, "ejj");
    let selected = evidence(&state).selected.clone().expect("selected");
    let key = state.board.services[0].cells[0].pin.key();
    let mut fewer = sample::whole(digest("c3"));
    fewer.remove(0);
    let ticket = state.generations.issue(QueryKind::Board, None);
    let found = Update::Assessed {
        key,
        assessment: sample::assessed(crate::domain::Outcome::Verified, Vec::new(), fewer),
        version: None,
        same_image: Default::default(),
        missing: false,
    };
    feed(&mut state, &ticket, [found]);
    assert_eq!(evidence(&state).selected, Some(selected.clone()));
    press(&mut state, "j");
    assert_ne!(evidence(&state).selected, Some(selected));
}

#[test]
fn same_bytes_twice_are_two_statements() {
    let mut state = board();
    let cell = &mut state.board.services[0].cells[0];
    if let Seen::Fresh { value, .. } = &mut cell.assessment {
        let twin = value.evidence[0].clone();
        std::sync::Arc::make_mut(&mut value.evidence).push(twin);
    }
    let subject = ScreenSubject::Pin(cell.pin.key());
    let ids: std::collections::BTreeSet<_> = state.statements(&subject).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_pin_that_changes_meanwhile_leaves_no_stranger_behind() {
    let mut state = board();
    press(&mut state, "e");
    state.board.services[0].cells[0].pin.digest = Some(digest("newer"));
    let subject = evidence(&state).subject.clone();
    assert!(state.statements(&subject).is_empty());
}
