//! What has been opened, in words, and the question that it ends with.

use super::board::version;
use super::{WIDTH, told, words};
use crate::app::age;
use crate::app::dialogue::{LINE_COMMANDS, LineQuestion, PLAN_ANSWERS, question as asked};
use crate::app::plan_screen::{Input, PlanScreen, Stage, name_to_type, title};
use crate::app::revert_screen::{RevertAccess, RevertScreen};
use crate::app::state::{AskedFor, CockpitState, EvidenceScreen, HistoryScreen, Modal, Reading, Screen};
use crate::domain::FailureKind;
use crate::domain::failure::Failure;
use crate::domain::history::Action;
use crate::domain::write::{Progress, WriteFailure};
use crate::view::screen::{diff, evidence, plan};

/// What the layer or the screen on top says; empty for the board.
pub fn opened(state: &CockpitState) -> Vec<String> {
    if let Some(Modal::Choose { title, choices, .. }) = &state.layer {
        let mut out = vec![words(title)];
        for (at, choice) in choices.iter().enumerate() {
            let obstacle = choice
                .obstacle
                .as_ref()
                .map_or_else(String::new, |why| format!(", but {why}"));
            out.push(words(&format!("{}. {}{obstacle}", at + 1, choice.label)));
        }
        return out;
    }
    if state.layer.is_some() {
        return Vec::new();
    }
    match state.screen() {
        None => Vec::new(),
        Some(Screen::Plan(screen)) => plan_words(state, screen),
        Some(Screen::Revert(screen)) => earlier(state, screen),
        Some(Screen::History(screen)) => history(state, screen),
        Some(Screen::Evidence(screen)) => statements(state, screen),
        Some(Screen::Diff(screen)) => {
            let mut out = Vec::new();
            if let Some(pair) = screen.pairs.get(screen.at) {
                out.push(words(&format!("from {} to {}", pair.a.what, pair.b.what)));
            }
            out.extend(told(|canvas| diff::lines(canvas, state, screen, WIDTH)));
            out
        }
        Some(Screen::Events(_)) => {
            let newest = state.events.entries().rev();
            let mut out: Vec<String> = newest
                .map(|event| words(&format!("{}: {}", age::ago(event.at, state.minute()), event.text)))
                .collect();
            if out.is_empty() {
                out.push("nothing has happened since pindeck was started".to_owned());
            }
            out
        }
    }
}

fn plan_words(state: &CockpitState, screen: &PlanScreen) -> Vec<String> {
    let what = title(&screen.request.ask);
    let word = match &screen.stage {
        Stage::Planning { .. } => return Vec::new(),
        Stage::Shown(_) => "plan",
        Stage::Running(_) => "in flight",
        Stage::Failed(_) => "not done",
        Stage::Done(..) => "done",
    };
    let mut out = vec![words(&format!("{word}: {what}"))];
    out.extend(told(|canvas| plan::whole(canvas, state, screen, WIDTH)));
    out
}

fn earlier(state: &CockpitState, screen: &RevertScreen) -> Vec<String> {
    let mut out = vec![words(&format!(
        "{} in {}: what it can go back to",
        screen.target.service, screen.target.environment
    ))];
    out.extend(broke_off(&screen.reading));
    if screen.rows.is_empty() && screen.reading == Reading::Complete {
        out.push("nothing else was ever pinned here on this branch: there is nothing to go back to".to_owned());
    }
    let good = screen.last_known_good();
    for (at, row) in screen.rows.iter().enumerate() {
        let mut facts: Vec<String> = Vec::new();
        facts.push(
            row.earlier
                .tag
                .as_ref()
                .map_or_else(|| "no tag".to_owned(), |tag| format!("version {tag}")),
        );
        facts.push(format!("digest {}", row.earlier.digest.short()));
        facts.push(
            row.verdict
                .as_ref()
                .map_or("not checked", |verdict| verdict.result.as_str())
                .to_owned(),
        );
        if let Some(by) = &row.earlier.pinned {
            facts.push(format!(
                "pinned {} by {}",
                age::ago(by.at, state.minute()),
                by.author.clean()
            ));
        }
        match screen.access(row) {
            RevertAccess::Held(hold) | RevertAccess::Closed(hold) => {
                facts.push(format!("on hold in {}: {}", hold.environment, hold.reason.quoted()));
            }
            RevertAccess::TakenBack => facts.push("reverted before: it may be bad".to_owned()),
            RevertAccess::Open if good == Some(row.earlier.digest) => facts.push("last known good".to_owned()),
            RevertAccess::Open => {}
        }
        out.push(words(&format!("{}. {}", at + 1, facts.join(", "))));
    }
    out
}

fn history(state: &CockpitState, screen: &HistoryScreen) -> Vec<String> {
    let mut out = vec![words(&format!(
        "history of {} in {}: {} changes, the newest first",
        screen.target.service,
        screen.target.environment,
        screen.entries.len()
    ))];
    out.extend(broke_off(&screen.reading));
    for entry in &screen.entries {
        let what = match entry.action {
            Action::Promote => "promote",
            Action::Revert => "revert",
            Action::Other => "change",
        };
        let mut facts = vec![format!(
            "{} by {}",
            age::ago(entry.at, state.minute()),
            entry.author.clean()
        )];
        facts.push(what.to_owned());
        match entry.to {
            Some(to) => {
                facts.extend(version(state, &screen.target.service, to));
                facts.push(format!("digest {}", to.short()));
            }
            None => facts.push(format!("tag {}", entry.tag.as_deref().unwrap_or("none"))),
        }
        if let Some(from) = entry.from {
            facts.push(format!("before that {}", from.short()));
        }
        if let Some(reason) = &entry.break_glass {
            facts.push(format!("break-glass {}", reason.quoted()));
        }
        facts.extend(entry.aside());
        let commit: String = entry.commit.chars().take(7).collect();
        facts.push(format!("commit {commit} {}", entry.subject.quoted()));
        out.push(words(&facts.join(", ")));
    }
    out
}

fn broke_off(reading: &Reading) -> Vec<String> {
    match reading {
        Reading::Failed(failure) => vec![failed(failure)],
        Reading::Running | Reading::Complete => Vec::new(),
    }
}

fn failed(failure: &Failure) -> String {
    words(&format!(
        "it broke off: {}; {}",
        failure.what.clean(),
        failure.next_on_screen()
    ))
}

fn statements(state: &CockpitState, screen: &EvidenceScreen) -> Vec<String> {
    told(|canvas| evidence::whole(canvas, state, screen, WIDTH))
}

/// One step of a write.
pub fn progress(step: &Progress) -> String {
    words(&match step {
        Progress::Copying { service, .. } => format!("copying {service} and its evidence"),
        Progress::Verifying(service) => format!("verifying {service} again where it arrived"),
        Progress::Committing => "making the commits".to_owned(),
        Progress::Pushing => "pushing".to_owned(),
        Progress::Replanning { attempt } => {
            format!("somebody else pushed first: planning again on the new head, try {attempt}")
        }
    })
}

/// The question that the next line answers; `None` = a command comes next.
pub fn question(state: &CockpitState) -> Option<String> {
    match asked(state) {
        LineQuestion::Command | LineQuestion::AtWork => None,
        LineQuestion::Choice => Some("Which one? A number, or an empty line for none.".to_owned()),
        LineQuestion::Earlier => Some(
            "Which one comes back? A number, or an empty line for none. The plan comes next; nothing is written yet."
                .to_owned(),
        ),
        LineQuestion::Typed => Some(typed(state)),
        LineQuestion::Failed => Some(match state.screen() {
            Some(Screen::Plan(plan)) => match &plan.stage {
                Stage::Failed(WriteFailure::Conflict(..)) => {
                    "Type n to hear the new plan; an empty line leaves it. Nothing was written.".to_owned()
                }
                // What failed may have been left half-way: its own words say so.
                Stage::Failed(failure) if failure.kind() == FailureKind::Failed => {
                    "Type n to plan again; an empty line leaves it.".to_owned()
                }
                _ => "Type n to plan again; an empty line leaves it. Nothing was written.".to_owned(),
            },
            _ => String::new(),
        }),
        LineQuestion::Closed => Some(match state.screen() {
            Some(Screen::Plan(plan)) if plan.shown().is_some_and(|shown| !shown.plans.is_empty()) => {
                "It cannot be carried out: a gate refuses it. An empty line leaves it; help lists what can be answered."
                    .to_owned()
            }
            _ => "There is nothing to do. An empty line leaves it.".to_owned(),
        }),
        LineQuestion::Confirm => Some(match state.screen() {
            Some(Screen::Plan(plan)) => confirm(plan),
            _ => String::new(),
        }),
    }
}

fn confirm(plan: &PlanScreen) -> String {
    match plan.shown().and_then(name_to_type) {
        Some(name) => words(&format!(
            "To carry this out, type the name of the environment: {name}. Anything else cancels; help lists what else can be answered."
        )),
        None => "To carry this out, type yes. Anything else cancels; help lists what else can be answered.".to_owned(),
    }
}

fn typed(state: &CockpitState) -> String {
    let text = match (&state.layer, state.screen()) {
        (
            Some(Modal::Ask {
                then: AskedFor::HoldReason(target, _),
                ..
            }),
            _,
        ) => {
            format!(
                "Why may it not step forward from {}? Others will read this. An empty line cancels.",
                target.environment
            )
        }
        (
            Some(Modal::Ask {
                then: AskedFor::RevertTo(_),
                ..
            }),
            _,
        ) => "Which digest comes back? Type sha256: and 64 hexadecimal digits; an empty line cancels.".to_owned(),
        (_, Some(Screen::Plan(plan))) => match &plan.input {
            Some(Input::BreakGlass(_)) => {
                "Break the glass because? It is recorded in the commit. An empty line goes back."
            }
            _ => "The reason, for the commit? An empty line goes back.",
        }
        .to_owned(),
        _ => String::new(),
    };
    words(&text)
}

/// The commands, or what can be answered to the plan that was told.
pub fn help(state: &CockpitState) -> Vec<String> {
    if matches!(asked(state), LineQuestion::Confirm | LineQuestion::Closed) {
        return PLAN_ANSWERS
            .iter()
            .map(|(answer, does)| format!("{answer}: {does}"))
            .collect();
    }
    let mut out: Vec<String> = LINE_COMMANDS
        .iter()
        .map(|command| match command.arguments {
            "" => format!("{}: {}", command.name, command.help),
            arguments => format!("{} {arguments}: {}", command.name, command.help),
        })
        .collect();
    out.push("A service is named by its name or by its number in the last list.".to_owned());
    out.push("Nothing is written before a plan has been told and confirmed.".to_owned());
    out
}
