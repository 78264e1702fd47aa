//! What happened while a person looked: written down, announced, flashed once.

use super::*;
use crate::app::state::EventsScreen;
use crate::domain::freshness::Answered;

/// A second pass in which CI offers something new for checkout.
fn built(state: &mut CockpitState, tag: &str) {
    let ticket = refresh(state);
    let row = state.board.row(&"checkout".into()).expect("a row").clone();
    let mut candidate = row.candidate.value().cloned().flatten().expect("a candidate");
    candidate.digest = digest(tag);
    candidate.tag = tag.to_owned();
    let assessment = row.assessment.value().cloned().expect("judged");
    let at = sample::now();
    let found = [
        Update::Candidate(
            "checkout".into(),
            Answered {
                result: Ok(Some(candidate)),
                at,
            },
        ),
        Update::CandidateAssessed(
            "checkout".into(),
            Answered {
                result: Ok(assessment),
                at,
            },
        ),
    ];
    feed(state, &ticket, found);
}

fn told(state: &CockpitState) -> Vec<&str> {
    state.events.entries().map(|event| event.text.as_str()).collect()
}

#[test]
fn what_the_first_pass_finds_is_no_event() {
    assert_eq!(told(&board()), Vec::<&str>::new());
}

#[test]
fn a_build_is_written_down_announced_and_flashed_once() {
    let mut state = board();
    let cursor = state.cursor.clone();
    built(&mut state, "1.5.1");
    assert_eq!(told(&state), ["CI built checkout 1.5.1"]);
    assert_eq!(notice(&state), "CI built checkout 1.5.1");
    assert_eq!(state.cursor, cursor, "it moves nothing");
    let cell = ("checkout".into(), Column::Candidate);
    assert!(state.flashing.contains_key(&cell) && state.is_waiting());
    update(&mut state, Msg::Tick, later(2));
    assert!(state.flashing.is_empty(), "once");
    update(&mut state, Msg::Tick, later(9));
    assert_eq!(notice(&state), "", "an announcement goes by itself");
    assert_eq!(told(&state).len(), 1, "the log keeps it");
}

#[test]
fn an_announcement_never_hides_an_answer() {
    let mut state = board();
    press(&mut state, "u");
    let answer = notice(&state).to_owned();
    state.pass = BoardPass::None;
    let ticket = state.generations.issue(QueryKind::Board, None);
    let mut candidate = state
        .board
        .row(&"checkout".into())
        .and_then(|row| row.candidate.value())
        .cloned()
        .flatten()
        .expect("one");
    candidate.digest = digest("new");
    let assessment = state
        .board
        .row(&"checkout".into())
        .and_then(|row| row.assessment.value())
        .cloned()
        .expect("one");
    let at = sample::now();
    let found = [
        Update::Candidate(
            "checkout".into(),
            Answered {
                result: Ok(Some(candidate)),
                at,
            },
        ),
        Update::CandidateAssessed(
            "checkout".into(),
            Answered {
                result: Ok(assessment),
                at,
            },
        ),
    ];
    feed(&mut state, &ticket, found);
    assert_eq!(notice(&state), answer);
    assert_eq!(told(&state).len(), 1);
}

#[test]
fn somebody_elses_change_names_them_and_both_versions() {
    let mut state = board();
    let ticket = refresh(&mut state);
    let Update::Opened {
        repository,
        environments,
        mut services,
        unmanaged,
    } = sample::opened()
    else {
        panic!("no skeleton");
    };
    let row = services
        .iter_mut()
        .find(|row| row.name == "payments".into())
        .expect("a row");
    let cell = row
        .cells
        .iter_mut()
        .find(|cell| cell.pin.target.environment == "production".into())
        .expect("a cell");
    cell.pin.digest = Some(digest("fresh"));
    cell.pin.tag = Some("2.6.0".to_owned());
    let key = cell.pin.key();
    let by = crate::domain::pin::PinnedBy {
        commit: "c".repeat(40),
        author: "Chen".into(),
        at: sample::now(),
        subject: "Promote payments to production".into(),
    };
    let opened = Update::Opened {
        repository,
        environments,
        services,
        unmanaged,
    };
    feed(&mut state, &ticket, [opened, Update::PinnedBy(key, by)]);
    let told = told(&state);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("\"Chen\" changed payments in production from "),
        "{told:?}"
    );
    assert!(told[0].ends_with(" to 2.6.0"), "{told:?}");
}

#[test]
fn after_a_freeze_it_is_said_what_happened() {
    let mut state = board();
    press(&mut state, "f");
    state.now = later(60);
    built(&mut state, "1.5.1");
    assert_eq!(
        notice(&state).matches("CI built").count(),
        0,
        "the screen is held still"
    );
    assert!(state.flashing.is_empty());
    let mut log = state.clone();
    update(&mut state, Msg::Key("f".parse().expect("key")), later(61));
    assert!(notice(&state).contains("since you looked"), "{}", notice(&state));
    assert!(notice(&state).contains("CI built checkout 1.5.1"), "{}", notice(&state));
    press(&mut log, "E");
    assert_eq!(log.screen(), Some(&Screen::Events(EventsScreen { top: 0 })));
    press(&mut log, "<esc>");
    assert_eq!(log.screen(), None);
}

#[test]
fn after_a_pause_the_next_key_is_told_what_happened() {
    let mut state = board();
    update(&mut state, Msg::Key("j".parse().expect("key")), sample::now());
    state.now = later(10);
    built(&mut state, "1.5.1");
    update(&mut state, Msg::Tick, later(30));
    let mut soon = state.clone();
    update(&mut soon, Msg::Key("k".parse().expect("key")), later(40));
    assert_eq!(notice(&soon), "");
    update(&mut state, Msg::Key("k".parse().expect("key")), later(400));
    assert!(notice(&state).starts_with("since you looked"), "{}", notice(&state));
}

#[test]
fn the_selected_cell_is_asked_first() {
    let mut state = board();
    press(&mut state, "j<right>");
    let ticket = refresh(&mut state);
    let target = ticket.target.expect("a target");
    assert_eq!(
        (target.service.as_str(), target.environment.as_str()),
        ("payments", "integration")
    );
}
