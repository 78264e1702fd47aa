//! The cockpit by lines instead of keys: what a typed line means, given what is open.
//!
//! There is no second rule book: a line becomes the actions, keys and requests of the cockpit, and goes through
//! the same [`update`]. So a plan is confirmed by what confirms it on screen, `y` or the environment's name, and
//! by nothing else; an empty line is Enter, which cancels.

mod commands;
mod said;
mod target;

use jiff::Timestamp;

use super::command::Command;
use super::comparison::ComparisonState;
use super::key::{Code, KeyPress};
use super::plan_screen::{Input, PlanScreen, Stage, name_to_type, wanted_name};
use super::state::{BoardPass, CockpitState, Modal, Reading, Screen};
use super::update::{perform, update};
use super::{Action, Msg};
use crate::domain::id::ServiceId;

pub use commands::{LINE_COMMANDS, PLAN_ANSWERS};
use said::number;
pub use said::{Dialogue, Told};

/// What a line would be an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineQuestion {
    /// Nothing is asked: the line is a command.
    Command,
    /// Something is being read or written; it has to end first.
    AtWork,
    /// Which of several things is meant, by number.
    Choice,
    /// A text that a plan needs.
    Typed,
    /// Which earlier digest comes back, by number.
    Earlier,
    /// Whether the plan that was told is carried out.
    Confirm,
    /// The plan was told, and a gate is closed or there is nothing to do: it cannot be confirmed.
    Closed,
    /// Whether to plan again after a failure.
    Failed,
}

/// What a line would be an answer to now.
pub fn question(state: &CockpitState) -> LineQuestion {
    if is_at_work(state) {
        return LineQuestion::AtWork;
    }
    match &state.layer {
        Some(Modal::Choose { .. }) => return LineQuestion::Choice,
        Some(Modal::Ask { .. }) => return LineQuestion::Typed,
        _ => {}
    }
    match state.screen() {
        Some(Screen::Revert(_)) => LineQuestion::Earlier,
        Some(Screen::Plan(plan)) => match (&plan.input, &plan.stage) {
            (Some(Input::Reason(_) | Input::BreakGlass(_)), _) => LineQuestion::Typed,
            (_, Stage::Shown(proposal)) if proposal.plans.is_empty() || proposal.refused().is_some() => {
                LineQuestion::Closed
            }
            (_, Stage::Shown(_)) => LineQuestion::Confirm,
            (_, Stage::Failed(_)) => LineQuestion::Failed,
            _ => LineQuestion::Command,
        },
        _ => LineQuestion::Command,
    }
}

/// Whether an answer is waited for that belongs to what is open.
fn is_at_work(state: &CockpitState) -> bool {
    let is_open = |compared: &ComparisonState| matches!(compared, ComparisonState::Running | ComparisonState::NotAsked);
    state.writing.is_some()
        || match state.screen() {
            Some(Screen::Plan(plan)) => match plan.stage {
                Stage::Planning { .. } | Stage::Running(_) => true,
                Stage::Shown(_) => plan.compared.iter().any(is_open),
                Stage::Failed(_) | Stage::Done(..) => false,
            },
            Some(Screen::Diff(diff)) => is_open(&diff.compared),
            Some(Screen::Revert(revert)) => revert.reading == Reading::Running,
            Some(Screen::History(history)) => history.reading == Reading::Running,
            _ => false,
        }
}

/// Whether the first look at the board has ended, however it ended.
pub fn has_looked(state: &CockpitState) -> bool {
    !matches!(state.pass, BoardPass::None | BoardPass::Running(_))
}

/// Does what a line says. Nothing is written by any line but the one that confirms a plan that has been told.
pub fn answer(dialogue: &Dialogue, state: &mut CockpitState, line: &str, now: Timestamp) -> (Vec<Command>, Told) {
    state.now = now;
    state.notice = None;
    let line = line.trim();
    let mut say = Answering { state, now };
    match question(say.state) {
        LineQuestion::AtWork => (say.at_work(line), Told::Opened),
        LineQuestion::Choice => (say.choice(line), Told::Opened),
        LineQuestion::Typed => (say.typed(line), Told::Opened),
        LineQuestion::Earlier => (say.earlier(line), Told::Opened),
        LineQuestion::Failed => (say.failed(line), Told::Opened),
        LineQuestion::Confirm | LineQuestion::Closed => {
            let commands = say.plan(line);
            // The plan was told; only the name of its environment is asked for now.
            let asks_name =
                matches!(state.screen(), Some(Screen::Plan(plan)) if matches!(plan.input, Some(Input::Name(_))));
            (commands, if asks_name { Told::Question } else { Told::Opened })
        }
        LineQuestion::Command => commands::command(dialogue, say.state, line, now),
    }
}

/// Closes what was only there to be told, so that the next line is a command again. What waits for an answer
/// stays open.
pub fn close_told(state: &mut CockpitState, now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    while let Some(Screen::Evidence(_) | Screen::History(_) | Screen::Diff(_) | Screen::Events(_)) = state.screen() {
        if let Some(Screen::Evidence(evidence)) = state.screens.last_mut() {
            evidence.open.clear();
            evidence.check = None;
        }
        commands.extend(perform(state, Action::Back));
    }
    let is_done = |plan: &PlanScreen| matches!(plan.stage, Stage::Done(..));
    if matches!(state.screen(), Some(Screen::Plan(plan)) if is_done(plan)) {
        commands.extend(update(state, Msg::Key(KeyPress::plain(Code::Enter)), now));
    }
    commands
}

/// The end of the lines, or an interrupt: whatever waits for an answer gets none. A write in flight goes on.
pub fn leave(state: &mut CockpitState, now: Timestamp) {
    state.layer = None;
    while state.writing.is_none() && state.screen().is_some() {
        update(state, Msg::Key(KeyPress::plain(Code::Esc)), now);
        if state.layer.take().is_none() && state.screen().is_some() {
            state.screens.pop();
        }
    }
}

/// One line, on its way into the state machine.
struct Answering<'a> {
    state: &'a mut CockpitState,
    now: Timestamp,
}

impl Answering<'_> {
    fn key(&mut self, key: KeyPress) -> Vec<Command> {
        update(self.state, Msg::Key(key), self.now)
    }

    fn press(&mut self, c: char) -> Vec<Command> {
        self.key(KeyPress::char(c))
    }

    fn enter(&mut self) -> Vec<Command> {
        self.key(KeyPress::plain(Code::Enter))
    }

    fn esc(&mut self) -> Vec<Command> {
        self.key(KeyPress::plain(Code::Esc))
    }

    /// A text into the field that is open, as typed.
    fn write(&mut self, text: &str) -> Vec<Command> {
        let mut commands = Vec::new();
        for c in text.chars().filter(|c| !c.is_control()) {
            commands.extend(self.press(c));
        }
        commands.extend(self.enter());
        commands
    }

    fn at_work(&mut self, line: &str) -> Vec<Command> {
        if matches!(line, "stop" | "esc") {
            return self.esc();
        }
        self.state
            .complain("still at work, and this line is not taken; stop stops it as long as nothing is committed");
        Vec::new()
    }

    fn choice(&mut self, line: &str) -> Vec<Command> {
        let number = number(line);
        let Some(Modal::Choose { choices, at, .. }) = &mut self.state.layer else {
            return Vec::new();
        };
        match number.filter(|at| *at < choices.len()) {
            Some(chosen) => {
                *at = chosen;
                self.enter()
            }
            None if line.is_empty() || is_no(line) => {
                let commands = self.esc();
                self.state.say("nothing is chosen, and nothing was written");
                commands
            }
            None => {
                let most = choices.len();
                self.state.complain(format!(
                    "answer with a number from 1 to {most}; an empty line chooses nothing"
                ));
                Vec::new()
            }
        }
    }

    fn typed(&mut self, line: &str) -> Vec<Command> {
        if line.is_empty() {
            let commands = self.esc();
            self.state.say("cancelled: nothing was typed, and nothing was written");
            return commands;
        }
        self.write(line)
    }

    fn earlier(&mut self, line: &str) -> Vec<Command> {
        let number = number(line);
        let Some(Screen::Revert(screen)) = self.state.screens.last_mut() else {
            return Vec::new();
        };
        if let Some(row) = number.and_then(|at| screen.rows.get(at)) {
            screen.selected = Some(row.earlier.digest);
            return perform(self.state, Action::Open);
        }
        let most = screen.rows.len();
        if line.is_empty() || is_no(line) || most == 0 {
            let commands = perform(self.state, Action::Back);
            self.state.say("cancelled: nothing was written");
            return commands;
        }
        if line == Action::RevertTo.spec().name || self.means(line, Action::RevertTo) {
            return perform(self.state, Action::RevertTo);
        }
        self.state
            .complain(format!("answer with a number from 1 to {most}; an empty line cancels"));
        Vec::new()
    }

    fn failed(&mut self, line: &str) -> Vec<Command> {
        match line {
            "n" | "again" => self.press('n'),
            _ => self.enter(),
        }
    }

    /// Whether a line is the key of an action.
    fn means(&self, line: &str, action: Action) -> bool {
        let key = line.parse::<KeyPress>().ok();
        key.is_some_and(|key| self.state.keymap.action(key) == Some(action))
    }

    /// The answer to a plan. What is no answer cancels it.
    fn plan(&mut self, line: &str) -> Vec<Command> {
        let Some(Screen::Plan(screen)) = self.state.screens.last() else {
            return Vec::new();
        };
        let wanted = screen.shown().and_then(name_to_type).map(ToString::to_string);
        if let Some(Input::Name(_)) = screen.input {
            // It was asked for by a yes before; an empty line goes back.
            let wanted = wanted.or_else(|| wanted_name(screen));
            if line.is_empty() || wanted.as_deref() != Some(line) {
                let commands = self.esc();
                return [commands, self.cancel(line)].concat();
            }
            return self.write(line);
        }
        if wanted.as_deref() == Some(line) {
            let mut commands = self.press('y');
            if matches!(self.state.screens.last(), Some(Screen::Plan(plan)) if plan.input.is_some()) {
                commands.extend(self.write(line));
            }
            return commands;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "y" | "yes" if rest.is_empty() => {
                let commands = self.press('y');
                if let Some(Screen::Plan(plan)) = self.state.screens.last()
                    && let (Some(Input::Name(_)), Some(name)) = (&plan.input, wanted_name(plan))
                {
                    self.state
                        .say(format!("this is confirmed by the name of its environment: type {name}"));
                }
                commands
            }
            "a" | "acknowledge" if rest.is_empty() => self.press('a'),
            "b" | "break-glass" => self.with_text('b', rest),
            "m" | "reason" => self.with_text('m', rest),
            "h" if rest.is_empty() => self.press('h'),
            "i" if rest.is_empty() => self.press('i'),
            "w" if rest.is_empty() => self.press('w'),
            "n" | "again" if rest.is_empty() => self.press('n'),
            "d" | "diff" if rest.is_empty() => perform(self.state, Action::Diff),
            "x" | "without" => self.without(rest),
            _ if self.means(line, Action::TagRule) || line == Action::TagRule.spec().name => {
                perform(self.state, Action::TagRule)
            }
            _ => match (line.chars().next(), number(line)) {
                (Some(digit), Some(0..=8)) if self.has_alternatives() => self.press(digit),
                _ => self.cancel(line),
            },
        }
    }

    fn has_alternatives(&self) -> bool {
        let screen = self.state.screens.last();
        matches!(screen, Some(Screen::Plan(plan)) if plan.shown().is_some_and(|p| !p.alternatives.is_empty()))
    }

    /// A key that opens a text field, and the text where it stands on the same line.
    fn with_text(&mut self, key: char, text: &str) -> Vec<Command> {
        let mut commands = self.press(key);
        let is_open = matches!(self.state.screens.last(), Some(Screen::Plan(plan)) if plan.input.is_some());
        if is_open && !text.is_empty() {
            commands.extend(self.write(text));
        }
        commands
    }

    /// Leaves a member of a set out.
    fn without(&mut self, name: &str) -> Vec<Command> {
        let Some(Screen::Plan(screen)) = self.state.screens.last_mut() else {
            return Vec::new();
        };
        let members: Vec<ServiceId> = screen.members().iter().map(|plan| plan.service.clone()).collect();
        match members.iter().find(|member| member.as_str() == name) {
            Some(member) => {
                screen.member = Some(member.clone());
                self.press('x')
            }
            None => {
                self.state
                    .complain("write x and the name of a service of this set: it is left out");
                Vec::new()
            }
        }
    }

    fn cancel(&mut self, line: &str) -> Vec<Command> {
        let commands = self.enter();
        if !line.is_empty() && !is_no(line) {
            let said = self.state.notice.take().map(|notice| notice.text).unwrap_or_default();
            self.state.say(format!("that is no answer to a plan. {said}"));
        }
        commands
    }
}

fn is_no(line: &str) -> bool {
    matches!(line, "n" | "no" | "cancel" | "esc" | "back" | "q" | "quit")
}

#[cfg(test)]
#[path = "dialogue_tests.rs"]
mod tests;
