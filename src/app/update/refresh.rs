//! Passes over the board: at the start, on request, and by themselves after a while.

use crate::app::age;
use crate::app::command::Command;
use crate::app::cursor::Column;
use crate::app::generation::QueryKind;
use crate::app::state::{BoardPass, CockpitState};
use crate::domain::failure::Failure;
use crate::domain::id::Target;
use crate::domain::rotation::BoardLook;

/// The first pass: nothing is known that could be kept.
pub(super) fn start(state: &mut CockpitState) -> Vec<Command> {
    wanted(state)
}

/// A pass that a person asks for: everything is asked again.
pub(super) fn wanted(state: &mut CockpitState) -> Vec<Command> {
    state.wants_everything = true;
    refresh(state)
}

/// A pass that begins by itself. Where it takes the place of one that a person asked for, it asks as much.
pub(super) fn refresh(state: &mut CockpitState) -> Vec<Command> {
    // What is selected is asked first.
    let first = match state.cursor.as_ref().map(|cursor| (&cursor.service, &cursor.column)) {
        Some((service, Column::Environment(environment))) => Some(Target::new(service.clone(), environment.clone())),
        Some((service, Column::Candidate)) => {
            let environment = state.board.environments.first();
            environment.map(|environment| Target::new(service.clone(), environment.name.clone()))
        }
        None => state.setup.start_at.clone(),
    };
    let rows = state.rows().into_iter().skip(state.limits.first_row);
    let look = BoardLook {
        selected: first.clone(),
        on_screen: rows
            .take(state.limits.rows.into())
            .map(|row| row.name.clone())
            .collect(),
        is_wanted: state.wants_everything,
    };
    let ticket = state.generations.issue(QueryKind::Board, first);
    state.pass = BoardPass::Running(state.now);
    vec![Command::Refresh(ticket, look)]
}

pub(super) fn ended(state: &mut CockpitState, result: Result<(), Failure>) -> Vec<Command> {
    if result.is_ok() && state.frozen.is_none() {
        state.own_writes.clear();
    }
    tell(state, &result);
    state.wants_everything &= result.is_err();
    state.pass = match result {
        Ok(()) => BoardPass::Ended(state.now),
        Err(failure) => BoardPass::Failed(failure, state.now),
    };
    state.sort();
    Vec::new()
}

/// A failure stands whole in the events: above the board it has two lines. The same one again is no event.
fn tell(state: &mut CockpitState, result: &Result<(), Failure>) {
    const FAILED: &str = "the refresh failed: ";
    const WORKS: &str = "the refresh works again";
    let is_told = |text: &str| text.starts_with(FAILED) || text == WORKS;
    let last = state.events.entries().rev().find(|event| is_told(&event.text));
    let failed = last.is_some_and(|event| event.text != WORKS);
    let what = match result {
        Ok(()) if failed => WORKS.to_owned(),
        Ok(()) => return,
        Err(failure) => format!("{FAILED}{}", failure.sentence_on_screen().raw()),
    };
    if last.is_none_or(|event| event.text != what) {
        state.events.push(state.now, what);
    }
}

/// Time passes: look again when the last pass is old enough.
pub(super) fn tick(state: &mut CockpitState) -> Vec<Command> {
    let Some(every) = state.setup.refresh_every else {
        return Vec::new();
    };
    let last = match &state.pass {
        BoardPass::Ended(at) | BoardPass::Failed(_, at) => *at,
        BoardPass::None | BoardPass::Running(_) => return Vec::new(),
    };
    if age::seconds(last, state.now) >= every.as_secs().max(1) {
        refresh(state)
    } else {
        Vec::new()
    }
}
