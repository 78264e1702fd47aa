//! What a crash left unfinished: nothing is done to it but by its own key, on a list that was seen.

use super::*;
use crate::app::sample::{left, unfinished, written};
use crate::app::state::{Modal, UnfinishedList, UnfinishedQuestion};
use crate::domain::failure::Failure;

fn list(state: &CockpitState) -> &UnfinishedList {
    match &state.layer {
        Some(Modal::Unfinished(list)) => list,
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn it_is_finished_by_y_and_told() {
    let mut state = board();
    unfinished(&mut state, Ok(left()));
    let commands = press(&mut state, "y");
    let [Command::FinishLeft { ticket, id, what }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!((id, what.as_str()), (&left()[0].id, "promote checkout to staging"));
    assert!(state.writing.is_some() && state.layer.is_none());
    let failure = Failure::unreachable("no route to git.example.com");
    written(&mut state, ticket, Err(failure.into()));
    assert_eq!(notice(&state), "not finished: no route to git.example.com");
    assert_eq!(state.writing, None);
}

#[test]
fn an_environment_that_asks_for_its_name_gets_it_typed() {
    let mut state = board();
    unfinished(&mut state, Ok(left()));
    assert_eq!(press(&mut state, "jystaging<enter>"), []);
    assert_eq!(
        notice(&state),
        "that is not the name of the environment: nothing was done"
    );
    assert_eq!(list(&state).question, UnfinishedQuestion::Finish);
    assert_eq!(press(&mut state, "yproduction"), []);
    let commands = press(&mut state, "<enter>");
    assert!(
        matches!(commands.as_slice(), [Command::FinishLeft { id, .. }] if *id == left()[1].id),
        "{commands:?}"
    );
}

#[test]
fn nothing_is_confirmed_before_it_was_seen() {
    let mut state = board();
    // The keys come faster than the journal is read, and faster than it is drawn.
    let commands = press(&mut state, "Wyxy");
    let [Command::Left(ticket)] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    let msg = Msg::Left {
        ticket: ticket.clone(),
        result: Ok(left()),
    };
    update(&mut state, msg, sample::now());
    let unseen = list(&state).clone();
    assert!(!unseen.is_drawn);
    for key in ["y", "x"] {
        assert_eq!(press(&mut state, key), []);
        assert_eq!(list(&state), &unseen);
    }
}

#[test]
fn it_is_forgotten_by_x_and_y_alone() {
    let mut state = board();
    unfinished(&mut state, Ok(left()));
    assert_eq!(press(&mut state, "xn"), []);
    assert_eq!(list(&state).question, UnfinishedQuestion::Finish);
    assert_eq!(press(&mut state, "x<enter>"), []);
    assert_eq!(press(&mut state, "x<esc>"), []);
    let commands = press(&mut state, "xy");
    let [Command::ForgetLeft { ticket, id }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(*id, left()[0].id);
    // What is left then takes its place.
    let msg = Msg::Left {
        ticket: ticket.clone(),
        result: Ok(Vec::new()),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(list(&state).found, Some(Ok(Vec::new())));
    press(&mut state, "<esc>");
    assert_eq!(state.layer, None);
}

#[test]
fn what_another_process_is_at_or_nobody_can_read_is_only_shown() {
    let mut state = board();
    let mut under_way = left();
    under_way[0].ask = None;
    unfinished(&mut state, Ok(under_way));
    assert_eq!(press(&mut state, "y"), []);
    assert_eq!(
        notice(&state),
        "this one cannot be finished from here: the line below it says why"
    );
    let mut read_only = board();
    read_only.setup.read_only = true;
    unfinished(&mut read_only, Ok(left()));
    assert_eq!(press(&mut read_only, "y"), []);
    assert!(notice(&read_only).starts_with("read-only"), "{}", notice(&read_only));
}
