//! Passes over the board: at the start, on request, and by themselves after a while.

use crate::app::age;
use crate::app::command::Command;
use crate::app::generation::Slot;
use crate::app::state::{Pass, State};
use crate::domain::failure::Failure;

pub(super) fn start(state: &mut State) -> Vec<Command> {
    refresh(state)
}

pub(super) fn refresh(state: &mut State) -> Vec<Command> {
    let ticket = state.generations.issue(Slot::Board, None);
    state.pass = Pass::Running(state.now);
    vec![Command::Refresh(ticket)]
}

pub(super) fn ended(state: &mut State, result: Result<(), Failure>) -> Vec<Command> {
    state.pass = match result {
        Ok(()) => Pass::Ended(state.now),
        Err(failure) => Pass::Failed(failure, state.now),
    };
    Vec::new()
}

/// Time passes: look again when the last pass is old enough.
pub(super) fn tick(state: &mut State) -> Vec<Command> {
    let Some(every) = state.setup.refresh_every else {
        return Vec::new();
    };
    let last = match &state.pass {
        Pass::Ended(at) | Pass::Failed(_, at) => *at,
        Pass::None | Pass::Running(_) => return Vec::new(),
    };
    if age::seconds(last, state.now) >= every.as_secs().max(1) {
        refresh(state)
    } else {
        Vec::new()
    }
}
