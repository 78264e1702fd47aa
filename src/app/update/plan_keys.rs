//! The keys of the plan screen. They come before the keymap there, and none of them is Enter: Enter is
//! Cancel, which has the focus.

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::generation::QueryKind;
use crate::app::key::{Code, KeyPress};
use crate::app::plan_screen::{Input, Stage, closed_gate, is_closed, is_waivable, name_to_type, wanted_name};
use crate::app::state::{CockpitState, Screen};
use crate::domain::plan::{Gate, GateName, GateState, Opener};
use crate::domain::write::{Ask, Scope, WriteFailure};

use super::planning;

/// Said of a key that came before the plan was on screen.
const NOT_SEEN: &str = "look at it first: it was not on screen yet when that was pressed";

/// What a key does on the plan screen; `None` = what it does everywhere.
pub(super) fn key(state: &mut CockpitState, key: KeyPress) -> Option<Vec<Command>> {
    let Some(Screen::Plan(screen)) = state.screens.last() else {
        return None;
    };
    if screen.input.is_some() {
        return Some(typing(state, key));
    }
    // Words typed ahead of a plan are no keys on it, and neither is the Enter behind them.
    let is_drawn = state.limits.proposal == Some(screen.serial);
    let leads_on = matches!(
        state.keymap.action(key),
        Some(Action::Quit | Action::Help | Action::Palette)
    );
    let is_ahead = (key.typed().is_some() || key.code == Code::Enter) && !leads_on;
    match &screen.stage {
        Stage::Shown(_) if is_ahead && !is_drawn => Some(complain(state, NOT_SEEN)),
        Stage::Shown(_) => shown(state, key),
        Stage::Failed(_) => failed(state, key),
        Stage::Done(..) if key.code == Code::Enter => Some(close(state)),
        // On a plan this key confirms and does nothing else.
        Stage::Done(..) if key == KeyPress::char('y') => Some(complain(state, "it is done: nothing waits for a yes")),
        Stage::Running(_) if key == KeyPress::char('y') => {
            state.say("confirmed already: it is in flight");
            Some(Vec::new())
        }
        Stage::Running(_) if key.code == Code::Enter => {
            state.say("in flight: esc stops it as long as nothing is committed");
            Some(Vec::new())
        }
        Stage::Planning { .. } if is_ahead => {
            state.say(planning::STILL_PLANNING);
            Some(Vec::new())
        }
        _ => None,
    }
}

fn shown(state: &mut CockpitState, key: KeyPress) -> Option<Vec<Command>> {
    let Some(Screen::Plan(screen)) = state.screens.last() else {
        return None;
    };
    let proposal = screen.shown()?;
    if key.code == Code::Enter {
        return Some(close(state));
    }
    let typed = key.typed()?;
    let waits = is_closed(proposal, GateName::Acknowledge);
    match typed {
        'y' => Some(confirm(state)),
        'a' => Some(if waits {
            planning::replan(state, |request| request.acknowledge_warned = true)
        } else {
            complain(state, "there is no WARNED result to acknowledge")
        }),
        'b' => Some(if is_waivable(proposal) {
            ask(state, Input::BreakGlass(String::new()))
        } else if proposal.refused().is_some() {
            complain(state, "the policy lets nobody break this glass")
        } else {
            complain(state, "no gate refuses this")
        }),
        'h' => {
            let opens = |gate: &Gate| gate.state == GateState::Closed && gate.opener == Some(Opener::ReleaseWithIt);
            if !proposal.plans.iter().flat_map(|plan| &plan.gates).any(opens) {
                return None;
            }
            Some(planning::replan(state, |request| request.release_hold = true))
        }
        'm' => {
            let before = screen.request.reason.clone().unwrap_or_default();
            Some(ask(state, Input::Reason(before)))
        }
        'n' => Some(planning::replan(state, |_| {})),
        'i' => {
            let takes = screen.request.take_copies;
            let mut copies = proposal.plans.iter().flat_map(|plan| &plan.loose_copies);
            Some(if takes || copies.any(|copy| copy.has_digest) {
                planning::replan(state, |request| request.take_copies = !takes)
            } else {
                complain(state, "no loose copy of the old digest stays behind")
            })
        }
        'x' => Some(planning::leave_out(state)),
        'w' => {
            let Ask::Revert { scope, .. } = &screen.request.ask else {
                return None;
            };
            let to = match scope {
                Scope::WholeCommit => Scope::Auto,
                Scope::Auto if proposal.whole_commit.is_some() => Scope::WholeCommit,
                Scope::Auto => return Some(complain(state, "the commit touched nothing but this pin")),
            };
            Some(planning::replan(state, |request| {
                // A whole commit brings back what it changed, and nothing else.
                request.take_copies &= to != Scope::WholeCommit;
                if let Ask::Revert { scope, .. } = &mut request.ask {
                    *scope = to;
                }
            }))
        }
        '1'..='9' => {
            let at = usize::try_from(u32::from(typed) - u32::from('1')).unwrap_or(0);
            let digest = proposal.alternatives.get(at)?.digest;
            Some(planning::replan(state, |request| {
                if let Ask::Revert { to, .. } = &mut request.ask {
                    *to = Some(digest);
                }
            }))
        }
        _ => None,
    }
}

/// The person says yes to what is on screen.
fn confirm(state: &mut CockpitState) -> Vec<Command> {
    let Some(Screen::Plan(screen)) = state.screens.last() else {
        return Vec::new();
    };
    let Some(proposal) = screen.shown() else {
        return Vec::new();
    };
    if proposal.plans.is_empty() {
        return complain(state, "there is nothing to do");
    }
    if let Some((plan, gate)) = closed_gate(proposal) {
        let whose = match proposal.plans.len() {
            1 => String::new(),
            _ => format!("{} in {}, ", plan.service, plan.environment),
        };
        let text = format!(
            "{whose}refused by the {} gate: {}",
            gate.gate.as_str(),
            gate.detail.clean()
        );
        return complain(state, &text);
    }
    if let Some(changed) = screen.moved.as_ref().and_then(|moved| moved.changed.as_ref()) {
        let text = format!("out of date: somebody changed {changed} meanwhile; n plans again");
        return complain(state, &text);
    }
    // Keys typed ahead must not confirm what nobody has seen.
    if state.limits.proposal != Some(screen.serial) {
        return complain(state, NOT_SEEN);
    }
    // A key that starts writes must not finish them.
    let starts = state.keymap.action(KeyPress::char('y')).is_some_and(|action| {
        matches!(
            action,
            Action::Promote
                | Action::Revert
                | Action::RevertTo
                | Action::Hold
                | Action::Undo
                | Action::Pin
                | Action::ReleaseHold
        )
    });
    if name_to_type(proposal).is_some() || starts {
        return ask(state, Input::Name(String::new()));
    }
    super::write::start(state)
}

fn ask(state: &mut CockpitState, input: Input) -> Vec<Command> {
    if let Some(screen) = planning::screen(state) {
        screen.input = Some(input);
    }
    Vec::new()
}

fn complain(state: &mut CockpitState, text: &str) -> Vec<Command> {
    state.complain(text);
    Vec::new()
}

fn typing(state: &mut CockpitState, key: KeyPress) -> Vec<Command> {
    let Some(screen) = planning::screen(state) else {
        return Vec::new();
    };
    let wanted = wanted_name(screen);
    let Some(mut input) = screen.input.take() else {
        return Vec::new();
    };
    let leave = key.code == Code::Esc || key.code == Code::Char('c') && key.ctrl;
    if leave {
        return Vec::new();
    }
    if key.code != Code::Enter {
        super::text_field::edit(input.text_mut(), key);
        screen.input = Some(input);
        return Vec::new();
    }
    match input {
        Input::Name(text) if Some(text.trim()) == wanted.as_deref() => super::write::start(state),
        Input::Name(text) => {
            screen.input = Some(Input::Name(text));
            let wanted = wanted.unwrap_or_default();
            complain(
                state,
                &format!("to confirm, the name must be exactly {wanted}; esc goes back"),
            )
        }
        Input::Reason(text) => {
            let reason = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            planning::replan(state, |request| request.reason = reason)
        }
        Input::BreakGlass(text) if text.trim().is_empty() => {
            screen.input = Some(Input::BreakGlass(text));
            complain(
                state,
                "break-glass wants the reason in words: it is recorded in the commit",
            )
        }
        Input::BreakGlass(text) => {
            let reason = Some(text.trim().to_owned());
            planning::replan(state, |request| request.break_glass = reason)
        }
    }
}

/// After a failure: plan again, or look at the plan that came with it.
fn failed(state: &mut CockpitState, key: KeyPress) -> Option<Vec<Command>> {
    let screen = planning::screen(state)?;
    let Stage::Failed(failure) = &screen.stage else {
        return None;
    };
    match key.code {
        Code::Enter => Some(close(state)),
        Code::Char('y') if key.typed().is_some() => Some(complain(state, "nothing was written; n plans again")),
        Code::Char('n') if key.typed().is_some() => Some(match failure.clone() {
            WriteFailure::Conflict(proposal, _) | WriteFailure::Refused(proposal, _) if !proposal.plans.is_empty() => {
                let ticket = state.generations.issue(QueryKind::Plan, None);
                if let Some(screen) = planning::screen(state) {
                    screen.serial = ticket.generation;
                }
                planning::show(state, proposal)
            }
            _ => planning::replan(state, |_| {}),
        }),
        _ => None,
    }
}

/// Esc: out of the plan, or stop what runs.
pub(super) fn close(state: &mut CockpitState) -> Vec<Command> {
    let Some(Screen::Plan(screen)) = state.screens.last() else {
        return Vec::new();
    };
    match &screen.stage {
        Stage::Running(_) => return super::write::cancel(state),
        Stage::Shown(_) | Stage::Planning { .. } => {
            let what = planning::words(screen);
            state.say(format!("cancelled: {what}; nothing was written"));
        }
        Stage::Failed(_) | Stage::Done(..) => {}
    }
    state.screens.pop();
    state.generations.forget(QueryKind::Plan);
    state.generations.forget(QueryKind::PlanDiff);
    vec![Command::Stop(QueryKind::Plan), Command::Stop(QueryKind::PlanDiff)]
}
