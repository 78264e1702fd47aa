//! A write under way. It is started once, never twice; it ends with what git said.

use crate::app::Action;
use crate::app::command::Command;
use crate::app::generation::QueryKind;
use crate::app::key::{Code, KeyPress};
use crate::app::plan_screen::{Stage, Writing, title};
use crate::app::state::{CockpitState, Modal};
use crate::app::undo::Undo;
use crate::app::versions::VersionNames;
use crate::domain::board::PinKey;
use crate::domain::failure::FailureKind;
use crate::domain::id::Target;
use crate::domain::plan::{Plan, Verb};
use crate::domain::write::{Progress, Receipt, WriteFailure, WriteState};

use super::planning::screen;

/// Carries out what the plan screen shows.
pub(super) fn start(state: &mut CockpitState) -> Vec<Command> {
    if state.writing.is_some() {
        state.complain("one write at a time");
        return Vec::new();
    }
    let now = state.now;
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let Stage::Shown(proposal) = screen.stage.clone() else {
        return Vec::new();
    };
    screen.stage = Stage::Running(proposal.clone());
    screen.input = None;
    screen.top = 0;
    let ask = screen.request.ask.clone();
    let target = proposal
        .plans
        .first()
        .map(|plan| crate::domain::id::Target::new(plan.service.clone(), plan.environment.clone()));
    state.writing = Some(Writing {
        what: title(&ask),
        ask,
        since: now,
        progress: None,
        meter: None,
        cancelling: false,
        committed: false,
        was_left: false,
    });
    let ticket = state.generations.issue(QueryKind::Write, target);
    vec![Command::Execute { ticket, proposal }]
}

pub(super) fn progress(state: &mut CockpitState, progress: Progress) -> Vec<Command> {
    let now = state.now;
    if let Some(writing) = &mut state.writing {
        match &progress {
            Progress::Copying { service, bytes, .. } => {
                let known = writing.meter.as_ref().is_some_and(|(of, ..)| of == service);
                if !known {
                    writing.meter = Some((service.clone(), now, *bytes));
                }
            }
            Progress::Committing | Progress::Pushing => writing.committed = true,
            // Overtaken: nothing has landed, and it can be stopped again.
            Progress::Replanning { .. } => writing.committed = false,
            Progress::Verifying(_) => {}
        }
        writing.progress = Some(progress);
    }
    Vec::new()
}

pub(super) fn ended(state: &mut CockpitState, result: Result<Box<Receipt>, WriteFailure>) -> Vec<Command> {
    let writing = state.writing.take();
    state.generations.forget(QueryKind::Write);
    if matches!(state.layer, Some(Modal::Leave)) {
        state.layer = None;
        state.say("the write has ended: nothing is in flight any more");
    }
    let mut commands = Vec::new();
    // It was asked to stop, and had passed its last look at that.
    let is_too_late = writing.as_ref().is_some_and(|writing| writing.cancelling);
    if is_too_late && matches!(&result, Ok(receipt) if receipt.state == WriteState::Pushed) {
        let undo = state.keymap.key_of(Action::Undo);
        let undo = undo.map_or_else(String::new, |key| format!("; {key} takes it back"));
        state.complain(format!("too late to stop: it was committed and pushed{undo}"));
    }
    if let Some(writing) = writing.as_ref().filter(|writing| writing.was_left) {
        match &result {
            Ok(_) => state.say(format!("finished: {}", writing.what)),
            Err(failure) => state.complain(format!("not finished: {}", failure.what().clean().as_str())),
        }
    }
    match result {
        Ok(receipt) => {
            let receipt_pins = written(state, &receipt);
            if receipt.state == WriteState::Pushed {
                if let Some(writing) = &writing {
                    state.events.push(state.now, format!("you: {}", writing.what));
                }
                remember(state, writing.as_ref(), &receipt);
            }
            for plan in &receipt.plans {
                state.marked.remove(&plan.service);
                if receipt.state == WriteState::Pushed {
                    let target = Target::new(plan.service.clone(), plan.environment.clone());
                    state.own_writes.insert(target);
                }
            }
            if let Some(screen) = screen(state)
                && let Stage::Running(proposal) = &screen.stage
            {
                screen.stage = Stage::Done(proposal.clone(), receipt);
                screen.top = 0;
            }
            commands.extend(super::reverting::drop_screens(state));
            // What the board shows has just become old.
            commands.extend(super::refresh::refresh(state));
            commands.extend(follow(state, &receipt_pins));
        }
        Err(failure) => {
            // Something of it may have landed, and a note of it may stand: the board says so.
            if matches!(failure.kind(), FailureKind::Failed | FailureKind::Unreachable) {
                commands.extend(super::refresh::refresh(state));
            }
            if let Some(screen) = screen(state)
                && matches!(screen.stage, Stage::Running(_))
            {
                screen.stage = Stage::Failed(failure);
                screen.top = 0;
            }
        }
    }
    if state.leaving {
        state.quitting = true;
        commands.push(Command::Quit);
    }
    commands
}

/// The pins that a write changed in environments that say where they run.
fn written(state: &CockpitState, receipt: &Receipt) -> Vec<PinKey> {
    let runs = |plan: &&Plan| {
        let mut environments = state.board.environments.iter();
        let environment = environments.find(|env| env.name == plan.environment);
        environment.is_some_and(|env| env.running.is_known()) && !matches!(plan.verb, Verb::Hold | Verb::ReleaseHold)
    };
    let plans = receipt.plans.iter().filter(|_| receipt.state == WriteState::Pushed);
    plans.filter(runs).filter_map(Plan::key_of_result).collect()
}

/// Looks at the clusters until they run what was written.
fn follow(state: &mut CockpitState, pins: &[PinKey]) -> Vec<Command> {
    if pins.is_empty() || state.setup.offline {
        return Vec::new();
    }
    let ticket = state.generations.issue(QueryKind::Running, None);
    vec![Command::Follow {
        ticket,
        pins: pins.to_vec(),
    }]
}

/// Keeps what would undo this write: the other parts of one that is being taken back, or a new one.
fn remember(state: &mut CockpitState, writing: Option<&Writing>, receipt: &Receipt) {
    if let Some(writing) = writing
        && state.undo.goes_on_after(&writing.ask)
    {
        return;
    }
    let names = VersionNames::new(&state.board, &state.versions);
    state.undo = Undo::of(&receipt.plans, &names);
}

/// Stops the write if it still can be stopped.
pub(super) fn cancel(state: &mut CockpitState) -> Vec<Command> {
    let Some(writing) = &mut state.writing else {
        return Vec::new();
    };
    if writing.committed {
        state.complain("too late to stop: the git step has begun");
        return Vec::new();
    }
    if writing.cancelling {
        return Vec::new();
    }
    writing.cancelling = true;
    vec![Command::CancelWrite]
}

/// Leaving: at once when nothing is in flight, else it is asked.
pub(super) fn quit(state: &mut CockpitState) -> Vec<Command> {
    if state.writing.is_some() {
        state.layer = Some(Modal::Leave);
        return Vec::new();
    }
    state.quitting = true;
    vec![Command::Quit]
}

/// The answer to the question whether to leave during a write.
pub(super) fn leave_key(state: &mut CockpitState, key: KeyPress) -> Vec<Command> {
    match key.code {
        Code::Char('y') if key.typed().is_some() => {
            state.leaving = true;
            let can_stop = state.writing.as_ref().is_some_and(|w| !w.committed);
            if can_stop { cancel(state) } else { Vec::new() }
        }
        Code::Esc | Code::Enter | Code::Char('n') => {
            state.leaving = false;
            Vec::new()
        }
        _ => {
            state.layer = Some(Modal::Leave);
            Vec::new()
        }
    }
}
