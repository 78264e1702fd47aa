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

#[test]
fn what_one_wrote_oneself_shows_on_a_board_that_is_held_still() {
    let mut state = board();
    sample::planned_revert_as(&mut state, "<right><right><right>r", |_| {});
    let (ticket, proposal) = sample::begun(&press(&mut state, "y"));
    let commands = sample::written(&mut state, &ticket, Ok(sample::receipt_of(&proposal)));
    let pass = match commands.as_slice() {
        [.., Command::Refresh(ticket, _)] => ticket.clone(),
        other => panic!("{other:?}"),
    };
    // Frozen before what it wrote has come back from git.
    press(&mut state, "<enter>f");
    let Update::Opened {
        repository,
        environments,
        mut services,
        unmanaged,
    } = sample::opened()
    else {
        panic!("no skeleton");
    };
    for row in &mut services {
        for cell in row
            .cells
            .iter_mut()
            .filter(|cell| cell.pin.target.environment == "production".into())
        {
            cell.pin.digest = Some(digest("new"));
        }
    }
    let opened = Update::Opened {
        repository,
        environments,
        services,
        unmanaged,
    };
    let shown = |state: &CockpitState, service: &str| {
        let row = state.board.row(&service.into()).expect("a row");
        row.cell(&"production".into()).and_then(|cell| cell.pin.digest)
    };
    let other = shown(&state, "payments");
    feed(&mut state, &pass, [opened]);
    assert_eq!(shown(&state, "checkout"), Some(digest("new")), "one's own write");
    assert_eq!(shown(&state, "payments"), other, "everybody else's waits");
    assert!(state.frozen.is_some());
    press(&mut state, "f");
    assert_eq!(shown(&state, "payments"), Some(digest("new")));
}
