//! The one way the state changes: a message, the time, and what to do about it.
//!
//! Stale answers are rejected here, in one place, before anything looks at them.

mod arrange;
mod copy;
mod data;
mod diff;
mod freeze;
mod layer;
mod looking;
mod movement;
mod open;
mod plan_keys;
mod planning;
mod pointing;
mod refresh;
mod reverting;
mod text_field;
mod unfinished;
mod write;

use jiff::Timestamp;

use super::action::Action;
use super::command::Command;
use super::generation::{QueryKind, Ticket};
use super::guidance;
use super::key::KeyPress;
use super::msg::Msg;
use super::state::{CockpitState, EventsScreen, Modal, Screen};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::write::Request;

/// Applies one message.
pub fn update(state: &mut CockpitState, msg: Msg, now: Timestamp) -> Vec<Command> {
    state.now = now;
    if let Some(ticket) = ticket(&msg)
        && !state.generations.accepts(ticket)
    {
        return Vec::new();
    }
    let commands = match msg {
        Msg::Start => refresh::start(state),
        Msg::Key(key) => looking::key(state, key, on_key),
        Msg::Paste(text) => layer::paste(state, &text),
        Msg::Pointed(spot) => pointing::pointed(state, spot),
        Msg::Wheel(notches) => pointing::wheel(state, notches),
        Msg::Resize { width, height } => {
            state.size = (width, height);
            vec![Command::Redraw]
        }
        Msg::Tick => {
            looking::tick(state);
            refresh::tick(state)
        }
        Msg::Update { ticket, update } => {
            planning::branch_seen(state, &ticket, &update);
            data::apply(state, *update)
        }
        Msg::RefreshEnded { result, .. } => refresh::ended(state, result),
        Msg::History { entries, .. } => data::history(state, entries),
        Msg::HistoryEnded { result, .. } => data::history_ended(state, result),
        Msg::EarlierDigests { digests, .. } => reverting::found(state, digests),
        Msg::EarlierJudged { digest, verdict, .. } => reverting::judged(state, digest, verdict),
        Msg::EarlierEnded { result, .. } => reverting::ended(state, result),
        Msg::Compared { ticket, result } => match ticket.slot {
            QueryKind::EarlierDiff => reverting::compared(state, result),
            QueryKind::PlanDiff => planning::compared(state, result),
            _ => diff::compared(state, result),
        },
        Msg::Planned { result, .. } => planning::planned(state, result),
        Msg::Progress { progress, .. } => write::progress(state, progress),
        Msg::Written { result, .. } => write::ended(state, result),
        Msg::Left { result, .. } => unfinished::listed(state, result),
        Msg::Followed { .. } => {
            state.generations.forget(QueryKind::Running);
            Vec::new()
        }
        Msg::Sent { what, refused } => copy::sent(state, &what, refused),
        Msg::Drawn(limits) => {
            state.limits = limits;
            unfinished::drawn(state);
            Vec::new()
        }
    };
    guidance::advance(state);
    commands
}

fn ticket(msg: &Msg) -> Option<&Ticket> {
    match msg {
        Msg::Update { ticket, .. }
        | Msg::RefreshEnded { ticket, .. }
        | Msg::History { ticket, .. }
        | Msg::HistoryEnded { ticket, .. }
        | Msg::EarlierDigests { ticket, .. }
        | Msg::EarlierJudged { ticket, .. }
        | Msg::EarlierEnded { ticket, .. }
        | Msg::Compared { ticket, .. }
        | Msg::Planned { ticket, .. }
        | Msg::Progress { ticket, .. }
        | Msg::Left { ticket, .. }
        | Msg::Written { ticket, .. }
        | Msg::Followed { ticket } => Some(ticket),
        _ => None,
    }
}

fn on_key(state: &mut CockpitState, key: KeyPress) -> Vec<Command> {
    state.notice = None;
    // Leaving, suspending and redrawing work everywhere, as long as the key types nothing.
    if let Some(action @ (Action::Suspend | Action::Redraw)) = state.keymap.action(key)
        && key.typed().is_none()
    {
        return perform(state, action);
    }
    if state.layer.is_some() {
        return match layer::key(state, key) {
            layer::LayerOutcome::Handled(commands) => commands,
            layer::LayerOutcome::Chosen(action) => perform(state, action),
        };
    }
    if let Some(commands) = plan_keys::key(state, key) {
        return commands;
    }
    match state.keymap.action(key) {
        Some(action) => perform(state, action),
        None if key == KeyPress::char('y') => {
            let copy = state.keymap.key_of(Action::CopyDigest);
            let copy = copy.map_or_else(String::new, |key| format!("; {key} copies the digest"));
            state.say(format!("y confirms a plan, and there is none here{copy}"));
            Vec::new()
        }
        None => {
            let help = state
                .keymap
                .key_of(Action::Help)
                .map_or_else(String::new, |k| format!("; {k} lists all keys"));
            state.say(format!("{key} does nothing here{help}"));
            Vec::new()
        }
    }
}

/// Plans what is asked, as the keys do. Nothing is written by it.
pub fn ask(state: &mut CockpitState, request: Request, seen: Vec<(ServiceId, Digest)>) -> Vec<Command> {
    planning::plan(state, request, seen)
}

/// Does an action, or says why it can't be done. Keys, palette and later any other way in go
/// through here.
pub fn perform(state: &mut CockpitState, action: Action) -> Vec<Command> {
    if let Err(reason) = action.enabled(state) {
        state.complain(format!("{}: {reason}", action.spec().short));
        return Vec::new();
    }
    match action {
        Action::MoveUp => movement::rows(state, -1),
        Action::MoveDown => movement::rows(state, 1),
        Action::MoveLeft => movement::columns(state, -1),
        Action::MoveRight => movement::columns(state, 1),
        Action::PageUp => movement::page(state, -1),
        Action::PageDown => movement::page(state, 1),
        Action::First => movement::rows(state, isize::MIN / 2),
        Action::Last => movement::rows(state, isize::MAX / 2),
        Action::NextPin => movement::next_pin(state),
        Action::NextPane => movement::pane(state, 1),
        Action::PreviousPane => movement::pane(state, -1),
        Action::Open => open::open(state),
        Action::Back => open::back(state),
        Action::Evidence => open::evidence(state),
        Action::History => open::history(state),
        Action::Filter => layer::open_filter(state),
        Action::Sort => arrange::sort(state),
        Action::SortThen => arrange::sort_then(state),
        Action::Columns => arrange::open_columns(state),
        Action::FullScreen => arrange::full_screen(state),
        Action::ClearFilter => layer::clear_filter(state),
        Action::CopyDigest => copy::digest(state),
        Action::CopyReference => copy::reference(state),
        Action::CopyCommand => copy::command(state),
        Action::Refresh => refresh::wanted(state),
        Action::Freeze => freeze::toggle(state),
        Action::Palette => layer::open_palette(state),
        Action::Help => {
            state.layer = Some(Modal::Help { top: 0 });
            Vec::new()
        }
        Action::NextTheme => vec![Command::NextTheme],
        Action::Redraw => vec![Command::Redraw],
        Action::Suspend => vec![Command::Suspend],
        Action::Events => {
            state.screens.push(Screen::Events(EventsScreen::default()));
            Vec::new()
        }
        Action::EndGuide => {
            state.guide = None;
            Vec::new()
        }
        Action::Quit => write::quit(state),
        Action::Diff => diff::open(state),
        Action::Promote => planning::promote(state),
        Action::Revert => reverting::open(state),
        Action::RevertTo => planning::revert_to(state),
        Action::Hold => planning::hold(state),
        Action::TagRule => planning::tag_rule(state),
        Action::Unfinished => unfinished::open(state),
        Action::Pin => planning::pin(state),
        Action::ReleaseHold => planning::release_hold(state),
        Action::Mark => planning::mark(state),
        Action::Undo => planning::undo(state),
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
