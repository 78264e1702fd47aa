//! What the clusters run of a pin: its shape and its words. It looks like no verdict, because it is none.

use crate::domain::board::Cell;
use crate::domain::running::observation::RunningState;
use crate::domain::running::report::RunningReport;
use crate::view::canvas::{Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::Role;

/// How it is drawn.
pub fn role(state: RunningState) -> Role {
    match state {
        RunningState::Differs => Role::Drift,
        RunningState::Blocked => Role::Rejected,
        RunningState::Mixed => Role::Warned,
        RunningState::Unknown => Role::Unknown,
        RunningState::None | RunningState::Same => Role::Dim,
    }
}

/// The shape, and whether it is one that a person should see before others; `None` where nothing is known.
pub fn mark(cell: &Cell, glyphs: &Glyphs) -> Option<(Span, bool)> {
    let state = cell.running.value()?.state;
    let is_urgent = state != RunningState::Same;
    Some((span(role(state), glyphs.running(state)), is_urgent))
}

/// What runs, in few words, coloured by how urgent it is.
pub fn words(report: &RunningReport) -> Span {
    span(role(report.state), report.brief())
}
