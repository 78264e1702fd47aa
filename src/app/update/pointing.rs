//! The mouse: it selects and scrolls, and never does more. No write begins with it.

use crate::app::command::Command;
use crate::app::cursor::Cursor;
use crate::app::msg::Spot;
use crate::app::state::{CockpitState, Modal, Pane};

/// Rows of one notch of the wheel.
const NOTCH: isize = 3;

pub(super) fn pointed(state: &mut CockpitState, spot: Spot) -> Vec<Command> {
    if state.layer.is_some() || state.screen().is_some() {
        return Vec::new();
    }
    match spot {
        Spot::Cell(service, column) => {
            state.pane = Pane::Board;
            state.put(Cursor::at(service, column));
        }
        Spot::Service(service) => {
            state.pane = Pane::Board;
            let column = state.cursor.as_ref().map(|cursor| cursor.column.clone());
            if let Some(column) = column.or_else(|| state.columns().first().cloned()) {
                state.put(Cursor::at(service, column));
            }
        }
        Spot::Drift(id) => {
            state.pane = Pane::Feed;
            state.drift_selected = Some(id);
        }
        Spot::Pane(pane) => state.pane = pane,
    }
    Vec::new()
}

pub(super) fn wheel(state: &mut CockpitState, notches: i8) -> Vec<Command> {
    let by = isize::from(notches) * NOTCH;
    match &mut state.layer {
        None => super::movement::rows(state, by),
        Some(Modal::Help { top }) => {
            let by = i16::try_from(by).unwrap_or(0);
            *top = top.saturating_add_signed(by).min(state.limits.help);
            Vec::new()
        }
        Some(_) => Vec::new(),
    }
}
