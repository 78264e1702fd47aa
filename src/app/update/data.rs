//! Answers from the engine, folded into the board or the screen that asked.

use std::collections::BTreeSet;

use crate::app::command::Command;
use crate::app::state::{CockpitState, HistoryScreen, Reading, Screen};
use crate::domain::board::{Assessment, Board, Cell, Update};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::freshness::{Answered, Seen};
use crate::domain::history::Entry;
use crate::domain::id::Target;

pub(super) fn apply(state: &mut CockpitState, update: Update) -> Vec<Command> {
    state.signs.note_update(&state.board, &update);
    state.versions.note_update(&state.board, &update);
    super::looking::note(state, &update);
    match &mut state.frozen {
        Some(frozen) => {
            if changes(&state.board, &update) {
                frozen.waiting += 1;
            }
            frozen.live.apply(update);
            show_own(&mut state.board, &frozen.live, &state.own_writes);
        }
        None => {
            let drifts = matches!(update, Update::Drift(_) | Update::Opened { .. });
            state.board.apply(update);
            state.settle();
            if drifts {
                note_arrivals(state);
            }
        }
    }
    Vec::new()
}

/// Shows what this cockpit wrote itself on a frozen board: a person who wrote something must see
/// what became of it.
fn show_own(shown: &mut Board, live: &Board, own: &BTreeSet<Target>) {
    for target in own {
        let here = |cell: &Cell| cell.pin.target.environment == target.environment;
        let now = live.row(&target.service);
        let now: Vec<Cell> = now
            .into_iter()
            .flat_map(|row| row.cells.iter().filter(|cell| here(cell)))
            .cloned()
            .collect();
        let row = shown.services.iter_mut().find(|row| row.name == target.service);
        let Some(row) = row else { continue };
        let at = row.cells.iter().position(here).unwrap_or(row.cells.len());
        row.cells.retain(|cell| !here(cell));
        let at = at.min(row.cells.len());
        row.cells.splice(at..at, now);
        if let (Ok(shown), Ok(live)) = (&mut shown.rules.holds, &live.rules.holds) {
            shown.retain(|hold| hold.service != target.service);
            shown.extend(live.iter().filter(|hold| hold.service == target.service).cloned());
        }
    }
}

/// Remembers when each drift was first seen, so that the newest stands on top of the feed.
pub(super) fn note_arrivals(state: &mut CockpitState) {
    let now = state.now;
    let known = std::mem::take(&mut state.arrivals);
    state.arrivals = state
        .board
        .drift
        .iter()
        .map(|drift| (drift.id.clone(), known.get(&drift.id).copied().unwrap_or(now)))
        .collect();
}

/// Whether an update says something that the board on screen does not say already.
fn changes(board: &Board, update: &Update) -> bool {
    match update {
        Update::Opened {
            repository, services, ..
        } => {
            let pins = |rows: &[crate::domain::board::ServiceRow]| -> Vec<_> {
                rows.iter()
                    .flat_map(|row| &row.cells)
                    .map(|cell| cell.pin.key())
                    .collect()
            };
            let commit = board.repository.as_ref().map(|r| &r.commit);
            commit != Some(&repository.commit) || pins(services) != pins(&board.services)
        }
        Update::Rules(rules) => board.rules != *rules,
        Update::PinnedBy(key, by) => board.cell(key).is_some_and(|cell| cell.pinned_by.as_ref() != Some(by)),
        Update::Skipped(key, skipped) => board.cell(key).is_some_and(|cell| cell.skipped != *skipped),
        Update::Candidate(service, candidate) => board
            .row(service)
            .is_some_and(|row| says_more(&row.candidate, candidate, PartialEq::eq)),
        Update::CandidateAssessed(service, assessment) => board
            .row(service)
            .is_some_and(|row| says_more(&row.assessment, assessment, same_outcome)),
        Update::Tag { key, digest, .. } => board
            .cell(key)
            .is_some_and(|cell| says_more(&cell.tag_digest, digest, PartialEq::eq)),
        Update::Assessed {
            key,
            assessment,
            missing,
            ..
        } => board
            .cell(key)
            .is_some_and(|cell| cell.missing != *missing || says_more(&cell.assessment, assessment, same_outcome)),
        Update::Running(key, report) => board
            .cell(key)
            .is_some_and(|cell| says_more(&cell.running, report, |a, b| a.brief() == b.brief())),
        Update::Proposals(all) => all.iter().any(|(key, report)| {
            let known = board.cell(key).and_then(|cell| cell.proposal.as_deref());
            known.is_none_or(|known| known.brief() != report.clone().keeping(Some(known)).brief())
        }),
        Update::Drift(drift) => {
            let ids = |drift: &[crate::domain::Drift]| drift.iter().map(|d| d.id.clone()).collect::<Vec<_>>();
            ids(&board.drift) != ids(drift)
        }
        Update::Notice(_) => true,
        Update::Budget(_) | Update::Finished(_) => false,
    }
}

/// Whether an answer says something that is not known already.
fn says_more<T>(known: &Seen<T>, answer: &Answered<T>, same: impl Fn(&T, &T) -> bool) -> bool {
    match &answer.result {
        Ok(value) => known.is_unreachable() || known.value().is_none_or(|before| !same(before, value)),
        Err(failure) if failure.kind == FailureKind::NotChecked => false,
        Err(_) => !known.is_unreachable(),
    }
}

fn same_outcome(a: &Assessment, b: &Assessment) -> bool {
    let outcome = |of: &Assessment| of.verdict.as_ref().map(|v| (v.result, v.causes.clone()));
    outcome(a) == outcome(b)
}

pub(super) fn history(state: &mut CockpitState, entries: Vec<Entry>) -> Vec<Command> {
    if let Some(history) = history_screen(state) {
        let service = history.target.service.clone();
        history.entries.extend(entries.iter().cloned());
        if history.selected.is_none() {
            history.selected = history.entries.first().map(|entry| entry.commit.clone());
        }
        for digest in entries.iter().flat_map(|entry| [entry.to, entry.from]).flatten() {
            state.signs.note(&service, digest);
        }
        for entry in &entries {
            if let (Some(digest), Some(tag)) = (entry.to, &entry.tag) {
                state.versions.note_tag(&service, digest, tag);
            }
        }
    }
    Vec::new()
}

pub(super) fn history_ended(state: &mut CockpitState, result: Result<(), Failure>) -> Vec<Command> {
    if let Some(history) = history_screen(state) {
        history.reading = match result {
            Ok(()) => Reading::Complete,
            Err(failure) => Reading::Failed(failure),
        };
    }
    Vec::new()
}

fn history_screen(state: &mut CockpitState) -> Option<&mut HistoryScreen> {
    state.screens.iter_mut().find_map(|screen| match screen {
        Screen::History(history) => Some(history),
        _ => None,
    })
}
