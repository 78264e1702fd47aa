//! Moving the selection, in whatever has the keys.

use crate::app::command::Command;
use crate::app::cursor::{self, Cursor, ScreenSubject};
use crate::app::state::{CockpitState, EvidenceScreen, HistoryScreen, Pane, Screen};

pub(super) fn rows(state: &mut CockpitState, by: isize) -> Vec<Command> {
    if matches!(state.screen(), Some(Screen::Revert(_))) {
        return super::reverting::rows(state, by);
    }
    match state.screens.pop() {
        Some(Screen::Evidence(mut evidence)) => {
            statements(state, &mut evidence, by);
            state.screens.push(Screen::Evidence(evidence));
        }
        Some(Screen::History(mut history)) => {
            entries(&mut history, by);
            state.screens.push(Screen::History(history));
        }
        Some(Screen::Diff(mut diff)) => {
            diff.top = scrolled(diff.top, by, state.limits.text);
            state.screens.push(Screen::Diff(diff));
        }
        Some(screen @ Screen::Revert(_)) => state.screens.push(screen),
        Some(Screen::Events(mut events)) => {
            events.top = scrolled(events.top, by, state.limits.text);
            state.screens.push(Screen::Events(events));
        }
        Some(Screen::Plan(mut plan)) => {
            if plan.members().is_empty() {
                plan.top = scrolled(plan.top, by, state.limits.text);
            } else {
                let last = plan.members().len() - 1;
                let to = plan.member_position().saturating_add_signed(by).min(last);
                plan.member = plan.members().get(to).map(|member| member.service.clone());
                plan.top = 0;
            }
            state.screens.push(Screen::Plan(plan));
        }
        None => match state.pane {
            Pane::Board => state.move_rows(by),
            Pane::Inspector => {
                state.inspector_top = scrolled(state.inspector_top, by, state.limits.inspector);
            }
            Pane::Feed => feed(state, by),
        },
    }
    Vec::new()
}

/// A first line moved by so many lines, no further than `last`.
fn scrolled(top: u16, by: isize, last: u16) -> u16 {
    let by = i32::try_from(by).unwrap_or(if by < 0 { i32::MIN } else { i32::MAX });
    let to = i32::from(top).saturating_add(by).max(0);
    u16::try_from(to).unwrap_or(u16::MAX).min(last)
}

/// Moves over statements and, where one is open, over its checks.
fn statements(state: &CockpitState, screen: &mut EvidenceScreen, by: isize) {
    let statements = state.statements(&screen.subject);
    let mut stops = Vec::new();
    for (id, evidence) in &statements {
        stops.push((id, None));
        if screen.open.contains(id) {
            stops.extend((0..evidence.checks.len()).map(|check| (id, Some(check))));
        }
    }
    let Some(last) = stops.len().checked_sub(1) else {
        return;
    };
    let at = screen.selected.as_ref().and_then(|selected| {
        stops
            .iter()
            .position(|(id, check)| *id == selected && *check == screen.check)
    });
    let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
    let (id, check) = stops[to];
    screen.selected = Some(id.clone());
    screen.check = check;
}

fn entries(screen: &mut HistoryScreen, by: isize) {
    let Some(last) = screen.entries.len().checked_sub(1) else {
        return;
    };
    let at = screen
        .selected
        .as_ref()
        .and_then(|selected| screen.entries.iter().position(|entry| entry.commit == *selected));
    let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
    screen.selected = Some(screen.entries[to].commit.clone());
}

fn feed(state: &mut CockpitState, by: isize) {
    let at = state.feed_position();
    let feed = state.feed();
    let Some(last) = feed.len().checked_sub(1) else {
        return;
    };
    let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
    let id = feed[to].id.clone();
    state.drift_selected = Some(id);
}

pub(super) fn columns(state: &mut CockpitState, by: isize) -> Vec<Command> {
    if state.pane == Pane::Board || state.pane == Pane::Inspector {
        state.move_columns(by);
    }
    Vec::new()
}

pub(super) fn page(state: &mut CockpitState, pages: isize) -> Vec<Command> {
    let page = isize::try_from(state.limits.page.max(1)).unwrap_or(1);
    // In a set the arrows choose a member; its details are read by pages.
    if let Some(Screen::Plan(plan)) = state.screens.last_mut()
        && !plan.members().is_empty()
    {
        plan.top = scrolled(plan.top, pages * page, state.limits.text);
        return Vec::new();
    }
    rows(state, pages * page)
}

pub(super) fn pane(state: &mut CockpitState, by: isize) -> Vec<Command> {
    if matches!(state.screen(), Some(Screen::Diff(_))) {
        return super::diff::next_pair(state, by);
    }
    const ORDER: [Pane; 3] = [Pane::Board, Pane::Inspector, Pane::Feed];
    let at = ORDER.iter().position(|pane| *pane == state.pane).unwrap_or(0);
    let to = (at as isize + by).rem_euclid(ORDER.len() as isize);
    state.pane = ORDER[to as usize];
    if state.pane == Pane::Feed && state.feed_position().is_none() {
        state.drift_selected = state.feed().first().map(|drift| drift.id.clone());
    }
    Vec::new()
}

pub(super) fn next_pin(state: &mut CockpitState) -> Vec<Command> {
    let (Some(cursor), Some(ScreenSubject::Pin(now))) = (state.cursor.clone(), state.subject()) else {
        return Vec::new();
    };
    let Some(row) = state.board.row(&cursor.service) else {
        return Vec::new();
    };
    let keys: Vec<_> = cursor::cells(row, &now.target.environment)
        .map(|cell| cell.pin.key())
        .collect();
    let at = keys.iter().position(|key| *key == now).unwrap_or(0);
    let next = keys.get((at + 1) % keys.len().max(1)).cloned();
    state.put(Cursor { pin: next, ..cursor });
    Vec::new()
}
