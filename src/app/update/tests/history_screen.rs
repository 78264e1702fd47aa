use super::*;
use crate::domain::failure::Failure;

fn opened() -> (CockpitState, Ticket) {
    let mut state = board();
    match press(&mut state, "L").as_slice() {
        [Command::History { ticket, .. }] => {
            let ticket = ticket.clone();
            (state, ticket)
        }
        other => panic!("no history was asked for: {other:?}"),
    }
}

#[test]
fn it_asks_for_the_target_under_the_cursor() {
    let (state, ticket) = opened();
    assert_eq!(ticket.target, Some(crate::domain::Target::new("checkout", "dev")));
    assert_eq!(history(&state).reading, Reading::Running);
}

#[test]
fn entries_stream_in_and_the_first_is_selected() {
    let (mut state, ticket) = opened();
    let mut all = sample::history();
    let rest = all.split_off(2);
    for entries in [all, rest] {
        let msg = Msg::History {
            ticket: ticket.clone(),
            entries,
        };
        update(&mut state, msg, sample::now());
    }
    assert_eq!(history(&state).entries.len(), 6);
    assert_eq!(history(&state).selected, Some(sample::history()[0].commit.clone()));
    press(&mut state, "jG");
    assert_eq!(history(&state).selected, Some(sample::history()[5].commit.clone()));
}

#[test]
fn a_failure_keeps_what_was_read() {
    let (mut state, ticket) = opened();
    let msg = Msg::History {
        ticket: ticket.clone(),
        entries: sample::history(),
    };
    update(&mut state, msg, sample::now());
    let failure = Failure::failed("a blob is missing").hint("fetch the whole history");
    let msg = Msg::HistoryEnded {
        ticket,
        result: Err(failure),
    };
    update(&mut state, msg, sample::now());
    assert!(matches!(history(&state).reading, Reading::Failed(_)));
    assert_eq!(history(&state).entries.len(), 6);
}

#[test]
fn leaving_it_cancels_the_reading() {
    let (mut state, ticket) = opened();
    assert_eq!(press(&mut state, "<esc>"), [Command::Stop(QueryKind::History)]);
    let msg = Msg::History {
        ticket,
        entries: sample::history(),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(state.screen(), None);
}

#[test]
fn answers_about_another_target_are_dropped() {
    let (mut state, mut ticket) = opened();
    ticket.target = Some(crate::domain::Target::new("checkout", "production"));
    let msg = Msg::History {
        ticket,
        entries: sample::history(),
    };
    update(&mut state, msg, sample::now());
    assert!(history(&state).entries.is_empty());
}

#[test]
fn a_candidate_has_none() {
    let mut state = board();
    assert_eq!(press(&mut state, "<right><right><right><right>L"), []);
    assert!(notice(&state).contains("candidate"));
}
