//! The screen that a revert begins with. Nothing is planned before a person has chosen a digest, and the one
//! that a hold or a revert speaks against takes a step of its own.

use crate::app::command::Command;
use crate::app::comparison::ComparisonState;
use crate::app::generation::QueryKind;
use crate::app::request;
use crate::app::revert_screen::{RevertAccess, RevertScreen};
use crate::app::state::{CockpitState, Modal, ModalChoice, Reading, Screen};
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::known_good::EarlierDigest;
use crate::domain::policy::WriteMode;
use crate::domain::verdict::Verdict;
use crate::domain::write::{Ask, Request, Scope};

use super::planning;

/// Opens the screen and asks for the list.
pub(super) fn open(state: &mut CockpitState) -> Vec<Command> {
    let Ok((target, wanted)) = request::revert(state) else {
        return Vec::new();
    };
    let ticket = state.generations.issue(QueryKind::Earlier, Some(target.clone()));
    let screen = RevertScreen::new(target.clone(), wanted, state.now);
    state.screens.push(Screen::Revert(Box::new(screen)));
    vec![Command::EarlierDigests { ticket, target, wanted }]
}

/// The list has arrived.
pub(super) fn found(state: &mut CockpitState, earlier: Vec<EarlierDigest>) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let service = screen.target.service.clone();
    let named: Vec<(Digest, Option<String>)> = earlier.iter().map(|one| (one.digest, one.tag.clone())).collect();
    screen.fill(earlier);
    for (digest, tag) in named {
        state.signs.note(&service, digest);
        if let Some(tag) = tag {
            state.versions.note_tag(&service, digest, &tag);
        }
    }
    compare(state)
}

/// A verdict has arrived.
pub(super) fn judged(state: &mut CockpitState, digest: Digest, verdict: Verdict) -> Vec<Command> {
    let row = screen(state).and_then(|screen| screen.rows.iter_mut().find(|row| row.earlier.digest == digest));
    if let Some(row) = row {
        row.verdict = Some(verdict);
    }
    Vec::new()
}

/// Nothing more comes.
pub(super) fn ended(state: &mut CockpitState, result: Result<(), Failure>) -> Vec<Command> {
    if let Some(screen) = screen(state) {
        screen.reading = match result {
            Ok(()) => Reading::Complete,
            Err(failure) => Reading::Failed(failure),
        };
    }
    Vec::new()
}

/// Moves the selection by so many rows.
pub(super) fn rows(state: &mut CockpitState, by: isize) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let Some(last) = screen.rows.len().checked_sub(1) else {
        return Vec::new();
    };
    let to = screen.position().map_or(0, |at| at.saturating_add_signed(by).min(last));
    let digest = screen.rows[to].earlier.digest;
    if screen.selected == Some(digest) {
        return Vec::new();
    }
    screen.selected = Some(digest);
    compare(state)
}

/// Asks what separates the selected digest from what is pinned now.
fn compare(state: &mut CockpitState) -> Vec<Command> {
    let now = state.now;
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let (target, selected) = (screen.target.clone(), screen.selected);
    let row = state.board.row(&target.service);
    let pinned = row.and_then(|row| row.cell(&target.environment)).map(|cell| &cell.pin);
    let sides = pinned.and_then(|pin| Some((pin.image.clone(), pin.digest?, selected?)));
    let (compared, commands) = match sides {
        Some((image, pinned, selected)) if pinned != selected => {
            let ticket = state.generations.issue(QueryKind::EarlierDiff, None);
            let command = Command::Diff {
                ticket,
                a: (image.clone(), pinned),
                b: (image, selected),
            };
            (ComparisonState::Running, vec![command])
        }
        _ => (ComparisonState::Nothing, vec![Command::Stop(QueryKind::EarlierDiff)]),
    };
    if let Some(screen) = self::screen(state) {
        screen.compared = compared;
        screen.since = now;
    }
    commands
}

/// The comparison has arrived.
pub(super) fn compared(state: &mut CockpitState, result: Result<Box<DigestDiff>, Failure>) -> Vec<Command> {
    if let Some(screen) = screen(state) {
        screen.compared = super::diff::answer(result);
    }
    Vec::new()
}

/// Enter: the plan for the selected digest, or first the question that it takes.
pub(super) fn choose(state: &mut CockpitState) -> Vec<Command> {
    let Some(Screen::Revert(screen)) = state.screens.last() else {
        return Vec::new();
    };
    let Some(row) = screen.row() else {
        state.complain("no digest is selected");
        return Vec::new();
    };
    let mut request = Request::new(Ask::Revert {
        target: screen.target.clone(),
        to: Some(row.earlier.digest),
        scope: Scope::Auto,
    });
    let name = row.name();
    let environment = screen.target.environment.clone();
    let by_branch = state
        .board
        .environments
        .iter()
        .any(|e| e.name == environment && e.write == WriteMode::Branch);
    match screen.access(row) {
        RevertAccess::Open => return planning::plan(state, request, Vec::new()),
        RevertAccess::Closed(hold) => state.complain(format!(
            "{name} is on hold in {}: {}; its hold must be released there first",
            hold.environment,
            hold.reason.quoted()
        )),
        RevertAccess::Held(hold) if by_branch => state.complain(format!(
            "{name} is on hold here: {}; {environment} is written by pull requests, so the hold is released by itself first",
            hold.reason.quoted()
        )),
        RevertAccess::Held(hold) => {
            request.release_hold = true;
            let title = format!("{name} is on hold in {}: {}", hold.environment, hold.reason.quoted());
            ask(state, title, "release the hold", request);
        }
        RevertAccess::TakenBack => {
            let by: String = row.earlier.replaced.commit.chars().take(12).collect();
            let title = format!("{name} was taken out by the revert {by}: it may be bad");
            ask(state, title, "go back to it all the same", request);
        }
    }
    Vec::new()
}

fn ask(state: &mut CockpitState, title: String, label: &str, request: Request) {
    let choices = vec![
        ModalChoice {
            label: "choose another".to_owned(),
            request: None,
            obstacle: None,
            seen: Vec::new(),
            all: false,
        },
        ModalChoice {
            label: label.to_owned(),
            request: Some(Box::new(request)),
            obstacle: None,
            seen: Vec::new(),
            all: false,
        },
    ];
    state.layer = Some(Modal::Choose { title, choices, at: 0 });
}

/// Leaves the screen.
pub(super) fn close(state: &mut CockpitState) -> Vec<Command> {
    state.screens.pop();
    forget(state)
}

/// After a revert that happened there is nothing to choose any more.
pub(super) fn drop_screens(state: &mut CockpitState) -> Vec<Command> {
    let before = state.screens.len();
    state.screens.retain(|screen| !matches!(screen, Screen::Revert(_)));
    if state.screens.len() == before {
        return Vec::new();
    }
    forget(state)
}

fn forget(state: &mut CockpitState) -> Vec<Command> {
    state.generations.forget(QueryKind::Earlier);
    state.generations.forget(QueryKind::EarlierDiff);
    vec![Command::Stop(QueryKind::Earlier), Command::Stop(QueryKind::EarlierDiff)]
}

fn screen(state: &mut CockpitState) -> Option<&mut RevertScreen> {
    state.screens.iter_mut().find_map(|screen| match screen {
        Screen::Revert(revert) => Some(revert.as_mut()),
        _ => None,
    })
}
