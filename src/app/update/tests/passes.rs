use super::*;
use crate::domain::failure::Failure;

#[test]
fn starting_asks_for_the_board() {
    let (state, ticket) = started(80, 24);
    assert_eq!(ticket.slot, QueryKind::Board);
    assert!(state.is_refreshing());
}

#[test]
fn an_ended_pass_is_ended() {
    assert!(matches!(board().pass, BoardPass::Ended(_)));
}

#[test]
fn a_failed_pass_keeps_what_was_known() {
    let mut state = board();
    let ticket = refresh(&mut state);
    let failure = Failure::unreachable("no network").hint("try again");
    let msg = Msg::RefreshEnded {
        ticket,
        result: Err(failure.clone()),
    };
    update(&mut state, msg, sample::now());
    assert!(matches!(&state.pass, BoardPass::Failed(f, _) if *f == failure));
    assert_eq!(state.board.services.len(), 8);
}

#[test]
fn a_second_refresh_waits_for_the_first() {
    let mut state = board();
    assert_eq!(press(&mut state, "R").len(), 1);
    assert_eq!(press(&mut state, "R"), []);
    assert!(notice(&state).contains("already running"));
}

#[test]
fn stale_updates_are_dropped() {
    let (mut state, old) = started(80, 24);
    let _new = state.generations.issue(QueryKind::Board, None);
    let msg = Msg::Update {
        ticket: old.clone(),
        update: Box::new(sample::opened()),
    };
    update(&mut state, msg, sample::now());
    assert!(state.board.services.is_empty());
    let msg = Msg::RefreshEnded {
        ticket: old,
        result: Ok(()),
    };
    update(&mut state, msg, sample::now());
    assert!(state.is_refreshing(), "the end of an old pass ends nothing");
}

#[test]
fn old_values_stay_while_they_are_looked_at_again() {
    let mut state = board();
    let ticket = refresh(&mut state);
    feed(&mut state, &ticket, [sample::opened()]);
    let cell = &state.board.services[0].cells[0];
    let current = cell_status::of_cell(cell, sample::now());
    assert_eq!((current.status, current.rechecking), (CellStatus::Verified, true));
}

#[test]
fn without_an_interval_nothing_refreshes_by_itself() {
    let mut state = board();
    assert_eq!(update(&mut state, Msg::Tick, later(86_400)), []);
}

#[test]
fn with_an_interval_it_does_when_the_time_has_come() {
    let mut state = board();
    state.setup.refresh_every = Some(SignedDuration::from_secs(60));
    assert_eq!(update(&mut state, Msg::Tick, later(59)), []);
    assert!(matches!(
        update(&mut state, Msg::Tick, later(60)).as_slice(),
        [Command::Refresh(..)]
    ));
    assert_eq!(update(&mut state, Msg::Tick, later(200)), [], "one at a time");
}

/// The rows that a pass is told of as on the screen, and whether a person asked for it.
fn looked_at(commands: &[Command]) -> (Vec<String>, bool) {
    let [Command::Refresh(_, look)] = commands else {
        panic!("no pass: {commands:?}");
    };
    (look.on_screen.iter().map(ToString::to_string).collect(), look.is_wanted)
}

#[test]
fn a_pass_by_itself_is_told_what_is_on_the_screen_and_a_wanted_one_asks_everything() {
    let mut state = board();
    state.setup.refresh_every = Some(SignedDuration::from_secs(60));
    let names: Vec<String> = state.rows().iter().map(|row| row.name.to_string()).collect();
    let limits = ScrollLimits {
        first_row: 1,
        rows: 2,
        ..ScrollLimits::default()
    };
    update(&mut state, Msg::Drawn(limits), sample::now());
    let commands = update(&mut state, Msg::Tick, later(60));
    assert_eq!(looked_at(&commands), (names[1..3].to_vec(), false));
    let mut state = board();
    assert_eq!(looked_at(&press(&mut state, "R")), (Vec::new(), true));
    // One that takes its place before it ended asks as much; afterwards one by itself does not.
    assert_eq!(
        looked_at(&crate::app::update::refresh::refresh(&mut state)),
        (Vec::new(), true)
    );
    crate::app::update::refresh::ended(&mut state, Ok(()));
    assert_eq!(
        looked_at(&crate::app::update::refresh::refresh(&mut state)),
        (Vec::new(), false)
    );
}

#[test]
fn a_wanted_pass_takes_the_place_of_one_that_asks_less() {
    let mut state = board();
    let first = crate::app::update::refresh::start(&mut state);
    assert!(looked_at(&first).1, "nothing is known yet");
    assert_eq!(press(&mut state, "R"), [], "it asks everything already");
    crate::app::update::refresh::ended(&mut state, Ok(()));
    state.setup.refresh_every = Some(SignedDuration::from_secs(60));
    assert!(!looked_at(&update(&mut state, Msg::Tick, later(60))).1);
    assert!(looked_at(&press(&mut state, "R")).1, "in its place");
    assert_eq!(press(&mut state, "R"), []);
}

#[test]
fn progress_counts_digests() {
    let (mut state, ticket) = started(80, 24);
    feed(&mut state, &ticket, [sample::opened()]);
    let (done, all) = state.progress();
    assert_eq!(done, 0);
    assert!(all > 25);
    feed(&mut state, &ticket, sample::findings());
    // Two cells of the sample are never answered.
    assert_eq!(state.progress(), (all - 2, all));
}

#[test]
fn drift_that_comes_later_stands_on_top() {
    let mut state = board();
    let first = state.feed()[0].id.clone();
    let ticket = refresh(&mut state);
    let mut drift = state.board.drift.clone();
    let mut news = drift[3].clone();
    news.id = "new".to_owned();
    drift.push(news);
    let msg = Msg::Update {
        ticket,
        update: Box::new(Update::Drift(drift)),
    };
    update(&mut state, msg, later(90));
    assert_eq!(state.feed()[0].id, "new");
    assert_eq!(state.feed()[1].id, first);
}

#[test]
fn what_failed_stands_whole_in_the_events_and_once() {
    let mut state = board();
    let told = |state: &CockpitState| -> Vec<String> {
        let entries = state.events.entries();
        entries
            .filter(|event| event.text.contains("refresh"))
            .map(|event| event.text.clone())
            .collect()
    };
    let end = |state: &mut CockpitState, result: Result<(), Failure>| {
        let ticket = refresh(state);
        update(state, Msg::RefreshEnded { ticket, result }, sample::now());
    };
    let words =
        "no route to git.example.com, which answered a minute ago and has not answered since, as far as is known";
    for _ in 0..3 {
        end(&mut state, Err(Failure::unreachable(words).hint("look again with R")));
    }
    end(&mut state, Ok(()));
    end(&mut state, Ok(()));
    end(&mut state, Err(Failure::unreachable(words)));
    assert_eq!(
        told(&state),
        [
            format!("the refresh failed: {words}; look again with R"),
            "the refresh works again".to_owned(),
            format!("the refresh failed: {words}"),
        ]
    );
}
