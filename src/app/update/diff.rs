//! The diff screen.

use crate::app::command::Command;
use crate::app::comparable;
use crate::app::comparison::{ComparisonState, DiffScreen, DigestPair};
use crate::app::cursor::ScreenSubject;
use crate::app::generation::QueryKind;
use crate::app::state::{CockpitState, Screen};
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;

pub(super) fn open(state: &mut CockpitState) -> Vec<Command> {
    let Ok(pairs) = comparable::pairs(state) else {
        return Vec::new();
    };
    let subject = match state.screen() {
        Some(Screen::Plan(plan)) => plan
            .proposal()
            .and_then(|proposal| proposal.plans.first())
            .map(|plan| ScreenSubject::Candidate(plan.service.clone())),
        Some(Screen::Revert(revert)) => Some(ScreenSubject::Candidate(revert.target.service.clone())),
        _ => state.subject(),
    };
    let Some(subject) = subject else {
        return Vec::new();
    };
    for pair in &pairs {
        for side in [&pair.a, &pair.b] {
            state.signs.note(&side.service, side.digest);
        }
    }
    // One comparison at a time: one further down would never be answered any more.
    state.screens.retain(|screen| !matches!(screen, Screen::Diff(_)));
    state.screens.push(Screen::Diff(Box::new(DiffScreen {
        subject,
        pairs,
        at: 0,
        compared: ComparisonState::NotAsked,
        since: state.now,
        top: 0,
    })));
    ask(state)
}

fn ask(state: &mut CockpitState) -> Vec<Command> {
    let now = state.now;
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let Some(DigestPair { a, b }) = screen.pairs.get(screen.at).cloned() else {
        return Vec::new();
    };
    screen.compared = ComparisonState::Running;
    screen.since = now;
    screen.top = 0;
    let ticket = state.generations.issue(QueryKind::Diff, None);
    vec![Command::Diff {
        ticket,
        a: (a.image, a.digest),
        b: (b.image, b.digest),
    }]
}

pub(super) fn next_pair(state: &mut CockpitState, by: isize) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let len = screen.pairs.len() as isize;
    if len < 2 {
        return Vec::new();
    }
    screen.at = (screen.at as isize + by).rem_euclid(len) as usize;
    ask(state)
}

pub(super) fn compared(state: &mut CockpitState, result: Result<Box<DigestDiff>, Failure>) -> Vec<Command> {
    if let Some(screen) = screen(state) {
        screen.compared = answer(result);
    }
    Vec::new()
}

pub(super) fn answer(result: Result<Box<DigestDiff>, Failure>) -> ComparisonState {
    match result {
        Ok(diff) => ComparisonState::Known(diff),
        Err(failure) => ComparisonState::Failed(failure),
    }
}

pub(super) fn close(state: &mut CockpitState) -> Vec<Command> {
    state.screens.pop();
    state.generations.forget(QueryKind::Diff);
    vec![Command::Stop(QueryKind::Diff)]
}

fn screen(state: &mut CockpitState) -> Option<&mut DiffScreen> {
    state.screens.iter_mut().find_map(|screen| match screen {
        Screen::Diff(diff) => Some(diff.as_mut()),
        _ => None,
    })
}
