//! From a key to a proposal: what is asked, and what the engine answers.

use crate::app::command::Command;
use crate::app::comparison::{ComparisonState, plan_pair};
use crate::app::cursor::cells;
use crate::app::generation::{QueryKind, Ticket};
use crate::app::plan_screen::{BranchMoved, PlanScreen, Stage, title};
use crate::app::request;
use crate::app::state::{AskedFor, CockpitState, Modal, ModalChoice, Screen};
use crate::domain::board::Update;
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId, Target};
use crate::domain::plan::Plan;
use crate::domain::write::{Ask, Proposal, Request, TagRule, WriteFailure};

/// What answers a key that came before its plan.
pub(super) const STILL_PLANNING: &str = "still planning: nothing to confirm yet";

pub(super) fn promote(state: &mut CockpitState) -> Vec<Command> {
    let promotions = request::promotions(state);
    let choices: Vec<ModalChoice> = promotions
        .iter()
        .flat_map(|promotion| {
            promotion.to.iter().map(|to| ModalChoice {
                label: match promotion.services.as_slice() {
                    _ if !request::marks_are_elsewhere(state) => to.to_string(),
                    [one] if !state.marked.contains(one) => format!("{one} alone"),
                    set => format!("the {} marked", set.len()),
                },
                request: Some(Box::new(Request::new(promotion.ask(to)))),
                obstacle: request::obstacle(state, promotion, to),
                seen: promotion.seen.clone(),
                all: false,
            })
        })
        .collect();
    let asks = request::marks_are_elsewhere(state);
    match choices.as_slice() {
        [
            ModalChoice {
                request: Some(request),
                seen,
                ..
            },
        ] if !asks => plan(state, (**request).clone(), seen.clone()),
        [] => Vec::new(),
        _ => {
            let is_alone =
                |choice: &ModalChoice| choice.seen.iter().all(|(service, _)| !state.marked.contains(service));
            let title = match (asks, state.marked.len()) {
                (false, _) => "several environments come next".to_owned(),
                // Only one of the two can step forward: that is no question, but it must be seen.
                (true, n) if choices.len() == 1 => match choices.first().is_some_and(is_alone) {
                    true if n == 1 => "the marked service cannot step forward from here".to_owned(),
                    true => format!("none of the {n} marked services can step forward from here"),
                    false => "the service under the cursor cannot step forward from here".to_owned(),
                },
                (true, 1) => "the marked service, or the one under the cursor?".to_owned(),
                (true, n) => format!("these {n} marked services, or the one under the cursor?"),
            };
            state.layer = Some(Modal::Choose { title, choices, at: 0 });
            Vec::new()
        }
    }
}

pub(super) fn pin(state: &mut CockpitState) -> Vec<Command> {
    asked(state, request::pin)
}

/// Asks why a digest is put on hold.
pub(super) fn hold(state: &mut CockpitState) -> Vec<Command> {
    if let Ok((target, digest)) = request::hold(state) {
        let then = AskedFor::HoldReason(target, digest);
        state.layer = Some(Modal::Ask {
            then,
            text: String::new(),
        });
    }
    Vec::new()
}

/// Asks which digest comes back.
pub(super) fn revert_to(state: &mut CockpitState) -> Vec<Command> {
    if let Ok(target) = request::revert_to(state) {
        let then = AskedFor::RevertTo(target);
        state.layer = Some(Modal::Ask {
            then,
            text: String::new(),
        });
    }
    Vec::new()
}

/// Plans again with the next rule for the tag beside the digest.
pub(super) fn tag_rule(state: &mut CockpitState) -> Vec<Command> {
    replan(state, |request| {
        request.tag = match request.tag {
            None => Some(TagRule::Keep),
            Some(TagRule::Keep) => Some(TagRule::Drop),
            Some(TagRule::Drop) => Some(TagRule::Update),
            Some(TagRule::Update) => None,
        };
    })
}

pub(super) fn release_hold(state: &mut CockpitState) -> Vec<Command> {
    asked(state, request::release_hold)
}

pub(super) fn undo(state: &mut CockpitState) -> Vec<Command> {
    let Ok(choices) = request::undo(state) else {
        return Vec::new();
    };
    match choices.as_slice() {
        [
            ModalChoice {
                request: Some(request), ..
            },
        ] => plan(state, (**request).clone(), Vec::new()),
        _ => {
            let title = state.undo.question();
            state.layer = Some(Modal::Choose { title, choices, at: 0 });
            Vec::new()
        }
    }
}

fn asked(state: &mut CockpitState, what: fn(&CockpitState) -> Result<Ask, String>) -> Vec<Command> {
    match what(state) {
        Ok(ask) => plan(state, Request::new(ask), Vec::new()),
        Err(_) => Vec::new(),
    }
}

pub(super) fn mark(state: &mut CockpitState) -> Vec<Command> {
    let Some(service) = state.cursor.as_ref().map(|cursor| cursor.service.clone()) else {
        return Vec::new();
    };
    if !state.marked.remove(&service) {
        state.marked.insert(service);
    }
    state.move_rows(1);
    Vec::new()
}

/// Opens the plan screen and asks for the plan.
pub(super) fn plan(state: &mut CockpitState, request: Request, seen: Vec<(ServiceId, Digest)>) -> Vec<Command> {
    let target = target(&request.ask);
    let ticket = state.generations.issue(QueryKind::Plan, target);
    // A receipt that stands below has been read.
    let is_receipt = |screen: &Screen| matches!(screen, Screen::Plan(plan) if matches!(plan.stage, Stage::Done(..)));
    state.screens.retain(|screen| !is_receipt(screen));
    let screen = PlanScreen::new(request.clone(), seen, ticket.generation, state.now);
    state.screens.push(Screen::Plan(Box::new(screen)));
    vec![Command::Plan {
        ticket,
        request: Box::new(request),
    }]
}

/// Plans again on the same screen: with what the person added, or after something moved.
pub(super) fn replan(state: &mut CockpitState, change: impl FnOnce(&mut Request)) -> Vec<Command> {
    let now = state.now;
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    change(&mut screen.request);
    let request = screen.request.clone();
    screen.stage = Stage::Planning { since: now };
    screen.compared.clear();
    screen.moved = None;
    screen.input = None;
    screen.top = 0;
    let ticket = state.generations.issue(QueryKind::Plan, target(&request.ask));
    state.generations.forget(QueryKind::PlanDiff);
    if let Some(screen) = self::screen(state) {
        screen.serial = ticket.generation;
    }
    vec![
        Command::Stop(QueryKind::PlanDiff),
        Command::Plan {
            ticket,
            request: Box::new(request),
        },
    ]
}

/// Takes the selected member out of a set and plans the others again. Nothing is confirmed by that: the new
/// plan has to be seen first, as every other.
pub(super) fn leave_out(state: &mut CockpitState) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let members: Vec<ServiceId> = screen.members().iter().map(|plan| plan.service.clone()).collect();
    let at = screen.member_position();
    let (Some(out), Ask::Promote { .. } | Ask::Pin { .. }) = (members.get(at).cloned(), &screen.request.ask) else {
        state.complain("there is one service in this plan: esc cancels it");
        return Vec::new();
    };
    // The cursor goes to the member that takes its place.
    screen.member = members.get(at + 1).or(members.get(at.wrapping_sub(1))).cloned();
    state.marked.remove(&out);
    let commands = replan(state, |request| {
        let (Ask::Promote { services, .. } | Ask::Pin { services, .. }) = &mut request.ask else {
            return;
        };
        // `pin` without names means everything: from here on it means those that are left.
        if services.is_empty() {
            *services = members;
        }
        services.retain(|service| *service != out);
    });
    state.say(format!("{out} is left out: planning the others again"));
    commands
}

/// The target of what is asked, where it has one.
fn target(ask: &Ask) -> Option<Target> {
    match ask {
        Ask::Revert { target, .. } | Ask::Hold { target, .. } | Ask::ReleaseHold { target } => Some(target.clone()),
        Ask::Promote { services, to, .. } => match services.as_slice() {
            [one] => Some(Target::new(one.clone(), to.clone())),
            _ => None,
        },
        Ask::Pin { .. } => None,
    }
}

pub(super) fn planned(state: &mut CockpitState, result: Result<Box<Proposal>, WriteFailure>) -> Vec<Command> {
    match result {
        Ok(proposal) => show(state, proposal),
        Err(failure) => {
            if let Some(screen) = screen(state) {
                screen.stage = Stage::Failed(failure);
            }
            Vec::new()
        }
    }
}

/// Puts a proposal before the person, and has its digests compared beside it.
pub(super) fn show(state: &mut CockpitState, proposal: Box<Proposal>) -> Vec<Command> {
    for plan in &proposal.plans {
        let others = proposal.alternatives.iter().map(|other| other.digest);
        for digest in plan.from.into_iter().chain([plan.to]).chain(others) {
            state.signs.note(&plan.service, digest);
        }
    }
    let made_at = state.generations.issued();
    if state
        .notice
        .as_ref()
        .is_some_and(|notice| notice.text == STILL_PLANNING)
    {
        state.notice = None;
    }
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    screen.made_at = made_at;
    screen.moved = None;
    // What stands in the way of a set is the member that is looked at, and that can be left out.
    let mut refused = proposal.plans.iter().filter(|plan| plan.closed_gate().is_some());
    if let (Some(plan), true) = (refused.next(), proposal.plans.len() > 1) {
        screen.member = Some(plan.service.clone());
    }
    screen.compared = proposal
        .plans
        .iter()
        .map(|plan| plan_pair(plan).map_or(ComparisonState::Nothing, |_| ComparisonState::NotAsked))
        .collect();
    screen.request = proposal.request.clone();
    screen.stage = Stage::Shown(proposal);
    screen.top = 0;
    screen.input = None;
    compare_next(state)
}

/// One after the other: a set must not ask the registries for everything at once.
fn compare_next(state: &mut CockpitState) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    let Some(at) = screen.compared.iter().position(|c| *c == ComparisonState::NotAsked) else {
        return Vec::new();
    };
    let pair = screen
        .proposal()
        .and_then(|proposal| proposal.plans.get(at))
        .and_then(plan_pair);
    let Some(pair) = pair else {
        screen.compared[at] = ComparisonState::Nothing;
        return compare_next(state);
    };
    screen.compared[at] = ComparisonState::Running;
    let ticket = state.generations.issue(QueryKind::PlanDiff, None);
    vec![Command::Diff {
        ticket,
        a: (pair.a.image, pair.a.digest),
        b: (pair.b.image, pair.b.digest),
    }]
}

pub(super) fn compared(state: &mut CockpitState, result: Result<Box<DigestDiff>, Failure>) -> Vec<Command> {
    let Some(screen) = screen(state) else {
        return Vec::new();
    };
    if let Some(running) = screen.compared.iter_mut().find(|c| **c == ComparisonState::Running) {
        *running = super::diff::answer(result);
    }
    compare_next(state)
}

/// A pass over the board has read the branch: a proposal that stands on an older commit is out of date.
pub(super) fn branch_seen(state: &mut CockpitState, ticket: &Ticket, update: &Update) {
    let Update::Opened {
        repository, services, ..
    } = update
    else {
        return;
    };
    let Some(screen) = screen(state) else { return };
    let Stage::Shown(proposal) = &screen.stage else { return };
    if ticket.generation <= screen.made_at {
        return;
    }
    let is_moved = proposal.plans.iter().any(|plan| plan.base_commit != repository.commit);
    let is_as_before = |plan: &&Plan| {
        let row = services.iter().find(|row| row.name == plan.service);
        let mut cells = row.into_iter().flat_map(|row| cells(row, &plan.environment));
        plan.from.is_none() || cells.any(|cell| cell.pin.digest == plan.from)
    };
    let changed = proposal.plans.iter().find(|plan| !is_as_before(plan));
    screen.moved = is_moved.then(|| BranchMoved {
        commit: repository.commit.clone(),
        changed: changed.map(|plan| Target::new(plan.service.clone(), plan.environment.clone())),
    });
}

/// The plan screen, wherever it stands.
pub(super) fn screen(state: &mut CockpitState) -> Option<&mut PlanScreen> {
    state.screens.iter_mut().rev().find_map(|screen| match screen {
        Screen::Plan(plan) => Some(plan.as_mut()),
        _ => None,
    })
}

/// What a screen's request does, for notices.
pub(super) fn words(screen: &PlanScreen) -> String {
    title(&screen.request.ask)
}
