//! The two lines below a plan: what would happen at which key. Cancel has the focus.

use ratatui::layout::Rect;

use crate::app::plan_screen::wanted_name;
use crate::app::plan_screen::{Input, PlanScreen, Stage, closed_gate, is_closed, is_waivable, name_to_type};
use crate::app::state::CockpitState;
use crate::domain::plan::{GateName, GateState, Opener};
use crate::domain::write::{Ask, Proposal, Scope, WriteFailure};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::theme::Role;

/// Draws the bar.
pub(super) fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &PlanScreen, area: Rect, below: u16) {
    let more = match below {
        0 => Line::new(),
        1 => vec![span(Role::Accent, "1 more line below")],
        n => vec![span(Role::Accent, format!("{n} more lines below"))],
    };
    canvas.rule(Rect { height: 1, ..area }, &more, false);
    let line = match (&screen.input, &screen.stage) {
        (Some(input), _) => typing(screen, input),
        (None, Stage::Planning { .. }) => button("Cancel", "esc"),
        (None, Stage::Shown(proposal)) => shown(screen, proposal),
        (None, Stage::Running(_)) => running(state),
        (None, Stage::Failed(failure)) => failed(failure),
        (None, Stage::Done(..)) => done(state),
    };
    canvas.line(area.x + 1, area.y + 1, area.width - 1, &line);
}

/// The button that has the focus: it never writes anything.
fn button(word: &str, key: &str) -> Line {
    vec![
        span(Role::Cursor, format!("[ {word} ]")),
        span(Role::Dim, format!(" {key}")),
    ]
}

fn key(line: &mut Line, key: &str, words: &str) {
    line.push(span(Role::Text, "   "));
    line.push(span(Role::Key, key));
    line.push(span(Role::Text, format!(" {words}")));
}

fn typing(screen: &PlanScreen, input: &Input) -> Line {
    let (question, text) = match input {
        Input::Name(text) => {
            let name = wanted_name(screen).unwrap_or_default();
            (format!("type {name} and enter to confirm: "), text)
        }
        Input::Reason(text) => ("reason, for the commit: ".to_owned(), text),
        Input::BreakGlass(text) => ("break glass because: ".to_owned(), text),
    };
    vec![
        span(Role::Warned, question),
        span(Role::Input, text.clone()),
        span(Role::Cursor, " "),
        span(Role::Dim, "   esc goes back"),
    ]
}

fn shown(screen: &PlanScreen, proposal: &Proposal) -> Line {
    if proposal.plans.is_empty() {
        return button("Close", "enter");
    }
    let mut line = button("Cancel", "enter");
    // Somebody changed the very pin: a yes would not be taken.
    let is_overtaken = screen.moved.as_ref().is_some_and(|moved| moved.changed.is_some());
    let all = proposal.plans.iter().flat_map(|plan| &plan.gates);
    let closed = all.filter(|gate| gate.state == GateState::Closed).count();
    if let Some((plan, gate)) = closed_gate(proposal) {
        let whose = match proposal.plans.len() {
            1 => String::new(),
            _ => format!("{}: ", plan.service),
        };
        let more = match closed {
            1 => String::new(),
            n => format!(", {} more", n - 1),
        };
        let words = format!("   {whose}refused: {}{more}", gate.gate.as_str());
        line.push(span(Role::Rejected, words));
        if is_closed(proposal, GateName::Acknowledge) {
            key(&mut line, "a", "acknowledge WARNED");
        }
        if gate.opener == Some(Opener::ReleaseWithIt) {
            key(&mut line, "h", "release its hold too");
        }
        if is_waivable(proposal) {
            key(&mut line, "b", "break glass");
        }
    } else if !is_overtaken {
        match name_to_type(proposal) {
            Some(name) => key(&mut line, "y", &format!("confirm, then type {name}")),
            None => key(&mut line, "y", "confirm"),
        }
    } else {
        line.push(span(Role::Error, "   out of date"));
    }
    if !proposal.alternatives.is_empty() {
        key(&mut line, "1-9", "choose a digest");
    }
    if let Ask::Revert { scope, .. } = &screen.request.ask {
        match scope {
            Scope::Auto if proposal.whole_commit.is_some() => key(&mut line, "w", "the whole commit"),
            Scope::WholeCommit => key(&mut line, "w", "this pin alone"),
            Scope::Auto => {}
        }
    }
    if let Some(member) = screen.members().get(screen.member_position()) {
        // Whoever is refused has been named already.
        let words = match closed_gate(proposal) {
            Some((plan, _)) if plan.service == member.service => "leave it out".to_owned(),
            _ => format!("leave out {}", member.service),
        };
        key(&mut line, "x", &words);
    }
    key(&mut line, "m", "reason");
    key(&mut line, "n", "plan again");
    line
}

fn running(state: &CockpitState) -> Line {
    let Some(writing) = &state.writing else {
        return Line::new();
    };
    if writing.committed {
        return vec![span(Role::Dim, "the git step has begun: it runs to its end")];
    }
    if writing.cancelling {
        return vec![span(
            Role::Warned,
            "asked to stop: it does, unless it is committed already",
        )];
    }
    button("Stop", "esc, as long as nothing is committed")
}

fn failed(failure: &WriteFailure) -> Line {
    let mut line = button("Close", "enter");
    let words = match failure {
        WriteFailure::Conflict(..) => "show the new plan",
        WriteFailure::Refused(..) => "show the plan, with what refuses it",
        WriteFailure::Failed(_) => "plan again",
    };
    key(&mut line, "n", words);
    line
}

fn done(state: &CockpitState) -> Line {
    let mut line = button("Close", "enter");
    if let (Some(undo), Some(words)) = (state.keymap.key_of(crate::app::Action::Undo), state.undo.words()) {
        key(&mut line, &undo.to_string(), &words);
    }
    line
}
