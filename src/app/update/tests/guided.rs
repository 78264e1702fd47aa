//! The guided line leads from looking to the way back.

use super::*;
use crate::app::guidance;
use crate::app::guide::{Guide, GuideStep};
use crate::app::sample::{begun, planned, receipt_of, written};
use crate::domain::id::Target;

fn led() -> CockpitState {
    let mut state = board();
    state.setup.start_at = Some(Target::new("checkout", "staging"));
    state.guide = Some(Guide::default());
    update(&mut state, Msg::Tick, sample::now());
    state
}

fn words(state: &CockpitState) -> String {
    guidance::words(state, state.guide.as_ref().expect("a guide"))
}

fn step(state: &CockpitState) -> GuideStep {
    state.guide.as_ref().expect("a guide").step
}

#[test]
fn from_looking_to_the_way_back() {
    let mut state = led();
    assert!(words(&state).starts_with("1/4 "), "{}", words(&state));
    press(&mut state, "j");
    assert_eq!(step(&state), GuideStep::Why);
    let row = state.board.services.iter().flat_map(|row| &row.cells);
    let mut rejected = row.filter(|cell| cell_status::of_cell(cell, sample::now()).status == CellStatus::Rejected);
    let rejected = rejected.next().expect("something rejected").pin.target.clone();
    assert!(
        words(&state).contains(&format!("{} · {}", rejected.service, rejected.environment)),
        "{}",
        words(&state)
    );
    state.put(Cursor::at(
        rejected.service.clone(),
        Column::Environment(rejected.environment.clone()),
    ));
    assert!(words(&state).contains("e shows"), "{}", words(&state));
    press(&mut state, "e");
    assert_eq!(step(&state), GuideStep::Promote);
    press(&mut state, "<esc>");
    state.put(Cursor::at("checkout".into(), Column::Environment("dev".into())));
    planned(&mut state, "p");
    assert!(words(&state).contains("y confirms"), "{}", words(&state));
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(step(&state), GuideStep::Revert);
    press(&mut state, "<enter>");
    sample::planned_revert_as(&mut state, "r", |_| {});
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(step(&state), GuideStep::Done);
}

#[test]
fn enter_looks_closer_as_the_line_says() {
    let mut state = led();
    assert!(words(&state).contains("enter looks closer"), "{}", words(&state));
    press(&mut state, "<enter>");
    assert_eq!(step(&state), GuideStep::Why);
}

#[test]
fn one_key_sends_it_away() {
    let mut state = led();
    press(&mut state, "X");
    assert_eq!(state.guide, None);
    press(&mut state, "X");
    assert!(notice(&state).contains("no guided line"), "{}", notice(&state));
}

#[test]
fn the_cell_that_it_begins_at_is_selected_first() {
    let (mut state, ticket) = started(140, 40);
    state.setup.start_at = Some(Target::new("checkout", "staging"));
    feed(&mut state, &ticket, [sample::opened()]);
    is_at(&state, "checkout", "staging");
}

#[test]
fn whoever_goes_their_own_way_is_met_there() {
    let mut state = led();
    planned(&mut state, "p");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(step(&state), GuideStep::Revert);
}
