//! Drilling in and backing out.

use std::collections::BTreeSet;

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::cursor::{Column, Cursor, ScreenSubject};
use crate::app::generation::QueryKind;
use crate::app::state::{CockpitState, EvidenceScreen, HistoryScreen, Pane, Reading, Screen};
use crate::domain::board::Cell;

pub(super) fn open(state: &mut CockpitState) -> Vec<Command> {
    match state.screens.last_mut() {
        Some(Screen::Evidence(evidence)) => {
            if let Some(selected) = evidence.selected.clone()
                && !evidence.open.remove(&selected)
            {
                evidence.open.insert(selected);
            }
            evidence.check = None;
            Vec::new()
        }
        Some(Screen::Revert(_)) => super::reverting::choose(state),
        Some(Screen::History(_) | Screen::Diff(_) | Screen::Plan(_) | Screen::Events(_)) => Vec::new(),
        None => match state.pane {
            Pane::Feed => to_drift(state),
            Pane::Board => {
                state.pane = Pane::Inspector;
                Vec::new()
            }
            Pane::Inspector => evidence(state),
        },
    }
}

/// From a drift to the cell it is about.
fn to_drift(state: &mut CockpitState) -> Vec<Command> {
    let Some(at) = state.feed_position() else {
        return Vec::new();
    };
    let drift = state.feed()[at].clone();
    let row = state.board.row(&drift.service);
    let cells = row.map(|row| row.cells.as_slice()).unwrap_or_default();
    let named = |cell: &&Cell| {
        let digest = cell.pin.digest;
        digest.is_some() && (digest == drift.expected || digest == drift.found)
    };
    let cell = match &drift.environment {
        Some(environment) => {
            let here = || cells.iter().filter(|cell| cell.pin.target.environment == *environment);
            here()
                .find(|cell| cell.pin.digest == drift.expected)
                .or_else(|| here().find(named))
        }
        // A fact about the whole service: of the digests that it names, the one that came furthest.
        None => cells.iter().rev().find(named).or_else(|| cells.first()),
    };
    let environment = drift.environment.or_else(|| Some(cell?.pin.target.environment.clone()));
    let pin = cell.map(|cell| cell.pin.key());
    state.put(Cursor {
        service: drift.service,
        column: environment.map_or(Column::Candidate, Column::Environment),
        pin,
    });
    state.pane = Pane::Board;
    Vec::new()
}

pub(super) fn back(state: &mut CockpitState) -> Vec<Command> {
    match state.screens.last_mut() {
        Some(Screen::Evidence(evidence)) if evidence.check.is_some() => evidence.check = None,
        Some(Screen::Evidence(evidence)) if evidence.selected.as_ref().is_some_and(|s| evidence.open.contains(s)) => {
            if let Some(selected) = &evidence.selected {
                evidence.open.remove(selected);
            }
        }
        Some(Screen::Evidence(_) | Screen::Events(_)) => {
            state.screens.pop();
        }
        Some(Screen::History(_)) => {
            state.screens.pop();
            state.generations.forget(QueryKind::History);
            return vec![Command::Stop(QueryKind::History)];
        }
        Some(Screen::Diff(_)) => return super::diff::close(state),
        Some(Screen::Revert(_)) => return super::reverting::close(state),
        Some(Screen::Plan(_)) => return super::plan_keys::close(state),
        None if state.pane == Pane::Board && !state.marked.is_empty() => {
            state.marked.clear();
            state.say("no service is marked any more");
        }
        None if state.full_screen => state.full_screen = false,
        None if state.pane != Pane::Board => state.pane = Pane::Board,
        None if !state.filter.text().is_empty() => return super::layer::clear_filter(state),
        None => {
            let quit = state.keymap.key_of(Action::Quit);
            if let Some(quit) = quit {
                state.say(format!("this is the board; {quit} leaves"));
            }
        }
    }
    Vec::new()
}

pub(super) fn evidence(state: &mut CockpitState) -> Vec<Command> {
    if matches!(state.screen(), Some(Screen::Evidence(_))) {
        return Vec::new();
    }
    let Some(subject) = state.subject() else {
        return Vec::new();
    };
    let selected = state.statements(&subject).first().map(|(id, _)| id.clone());
    state.screens.push(Screen::Evidence(EvidenceScreen {
        subject,
        selected,
        open: BTreeSet::new(),
        check: None,
    }));
    Vec::new()
}

pub(super) fn history(state: &mut CockpitState) -> Vec<Command> {
    if matches!(state.screen(), Some(Screen::History(_))) {
        return Vec::new();
    }
    let Some(ScreenSubject::Pin(key)) = state.subject() else {
        return Vec::new();
    };
    // One history at a time: an older one further down would never be answered any more.
    state.screens.retain(|screen| !matches!(screen, Screen::History(_)));
    let target = key.target;
    let ticket = state.generations.issue(QueryKind::History, Some(target.clone()));
    state.screens.push(Screen::History(HistoryScreen {
        target: target.clone(),
        entries: Vec::new(),
        reading: Reading::Running,
        selected: None,
    }));
    vec![Command::History { ticket, target }]
}
