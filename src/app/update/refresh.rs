//! Passes over the board: at the start, on request, and by themselves after a while.

use crate::app::age;
use crate::app::command::Command;
use crate::app::generation::QueryKind;
use crate::app::state::{BoardPass, CockpitState};
use crate::domain::failure::Failure;

pub(super) fn start(state: &mut CockpitState) -> Vec<Command> {
    refresh(state)
}

pub(super) fn refresh(state: &mut CockpitState) -> Vec<Command> {
    let ticket = state.generations.issue(QueryKind::Board, None);
    state.pass = BoardPass::Running(state.now);
    vec![Command::Refresh(ticket)]
}

pub(super) fn ended(state: &mut CockpitState, result: Result<(), Failure>) -> Vec<Command> {
    state.pass = match result {
        Ok(()) => BoardPass::Ended(state.now),
        Err(failure) => BoardPass::Failed(failure, state.now),
    };
    state.sort();
    Vec::new()
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
