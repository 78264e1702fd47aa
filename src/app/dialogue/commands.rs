//! The commands of the line mode, each an action of the cockpit or something that is told.

use jiff::Timestamp;

use super::said::{Dialogue, Told};
use super::target::{environment, near, select, service};
use crate::app::command::Command;
use crate::app::cursor::Cursor;
use crate::app::key::{Code, KeyPress};
use crate::app::request;
use crate::app::sorting::{SortKey, Sorting};
use crate::app::state::CockpitState;
use crate::app::update::{ask, perform, update};
use crate::app::{Action, Msg};
use crate::domain::id::ServiceId;
use crate::domain::write::Request;

/// One command of the line mode.
#[derive(Debug, PartialEq, Eq)]
pub struct LineCommand {
    /// The word that a line begins with.
    pub name: &'static str,
    /// What can stand behind it.
    pub arguments: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
}

const fn row(name: &'static str, arguments: &'static str, help: &'static str) -> LineCommand {
    LineCommand { name, arguments, help }
}

/// Every command, in the order of the help.
pub const LINE_COMMANDS: &[LineCommand] = &[
    row("summary", "", "how many services there are, and which need a look"),
    row(
        "list",
        "",
        "every service that the filter lets through, with its number",
    ),
    row(
        "filter",
        "WORDS",
        "list only what matches: words of names, and conditions such as env:production !verified; without words everything",
    ),
    row("sort", "name, behind, verdict, age or drift", "list in this order"),
    row(
        "show",
        "SERVICE ENVIRONMENT",
        "everything about one pin; without an environment, the service in all of them; ci is what CI offers",
    ),
    row(
        "evidence",
        "SERVICE ENVIRONMENT",
        "every statement about these bytes, with every check",
    ),
    row("history", "SERVICE ENVIRONMENT", "who pinned what there, when and why"),
    row(
        "diff",
        "SERVICE ENVIRONMENT",
        "what separates these bytes from what CI offers, or from another environment's",
    ),
    row("drift", "", "everything that has drifted"),
    row("events", "", "what happened since pindeck was started"),
    row("watch", "", "say what happens as it happens, until the next line"),
    row(
        "promote",
        "SERVICES to ENVIRONMENT",
        "plan a step forward; it is told whole and asked for before anything is written",
    ),
    row(
        "revert",
        "SERVICE ENVIRONMENT",
        "choose an earlier digest and plan the way back to it",
    ),
    row(
        "revert-to",
        "SERVICE ENVIRONMENT",
        "plan the way back to a digest that you type",
    ),
    row(
        "hold",
        "SERVICE ENVIRONMENT",
        "plan a hold: this digest may not step forward until it is released",
    ),
    row("release-hold", "SERVICE ENVIRONMENT", "plan the end of a hold"),
    row(
        "pin",
        "SERVICE ENVIRONMENT",
        "plan a digest for a pin by tag: the one that its tag names now",
    ),
    row("undo", "", "plan the inverse of the last write"),
    row("refresh", "", "look at git and the registries again"),
    row("help", "", "these commands"),
    row("quit", "", "leave"),
];

/// What can be answered to a plan, apart from what confirms it.
pub const PLAN_ANSWERS: &[(&str, &str)] = &[
    (
        "an empty line",
        "cancels, and so does everything that is not listed here",
    ),
    ("a", "acknowledges a WARNED test result"),
    ("h", "releases the hold of a digest in the same commit"),
    ("m and a reason", "puts the reason into the commit message"),
    (
        "b and a reason",
        "breaks the glass, where the policy lets a refusal be waived",
    ),
    ("i", "takes the loose copies of the old digest along, or leaves them"),
    ("x and a service", "leaves this service out of a set"),
    ("w", "reverts the whole commit, or this pin alone"),
    ("tag", "changes what becomes of the tag beside the digest"),
    ("d", "tells everything that separates the two digests"),
    ("n", "plans again, on the newest commit"),
];

/// Does what a command says.
pub(super) fn command(
    dialogue: &Dialogue,
    state: &mut CockpitState,
    line: &str,
    now: Timestamp,
) -> (Vec<Command>, Told) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((head, rest)) = words.split_first() else {
        return (Vec::new(), Told::Opened);
    };
    let done = match *head {
        "help" | "?" | "commands" => Ok((Vec::new(), Told::Help)),
        "summary" | "status" => Ok((Vec::new(), Told::Summary)),
        "list" | "ls" => Ok((Vec::new(), Told::List)),
        "drift" => Ok((Vec::new(), Told::Drift)),
        "watch" => Ok((Vec::new(), Told::Watching)),
        "filter" | "/" => Ok((filter(state, &rest.join(" "), now), Told::List)),
        "sort" => sort(state, rest).map(|()| (Vec::new(), Told::List)),
        "show" | "inspect" => show(dialogue, state, rest),
        "promote" => promote(dialogue, state, rest).map(opened),
        "quit" | "exit" | "q" => Ok((perform(state, Action::Quit), Told::Opened)),
        _ => other(dialogue, state, head, rest, &words),
    };
    match done {
        Ok(done) => done,
        Err(why) => {
            state.complain(why);
            (Vec::new(), Told::Opened)
        }
    }
}

fn opened(commands: Vec<Command>) -> (Vec<Command>, Told) {
    (commands, Told::Opened)
}

/// The actions that are about a place, by name or key; else the name or number of a service shows it.
fn other(
    dialogue: &Dialogue,
    state: &mut CockpitState,
    head: &str,
    rest: &[&str],
    words: &[&str],
) -> Result<(Vec<Command>, Told), String> {
    let by_key = || {
        let key: KeyPress = head.parse().ok()?;
        state.keymap.action(key)
    };
    let action = Action::from_name(head).or_else(by_key);
    match action {
        Some(
            action @ (Action::Evidence
            | Action::History
            | Action::Diff
            | Action::Revert
            | Action::RevertTo
            | Action::Hold
            | Action::ReleaseHold
            | Action::Pin
            | Action::Promote),
        ) => {
            select(dialogue, state, rest)?;
            Ok(opened(perform(state, action)))
        }
        Some(action @ (Action::Events | Action::Undo | Action::Refresh)) => Ok(opened(perform(state, action))),
        Some(Action::Filter) => Err("write filter and what to look for; filter alone lists everything".to_owned()),
        Some(Action::Help | Action::Palette) => Ok((Vec::new(), Told::Help)),
        Some(Action::Open) => show(dialogue, state, rest),
        Some(Action::ClearFilter) => Ok((perform(state, Action::ClearFilter), Told::List)),
        Some(Action::Quit) => Ok(opened(perform(state, Action::Quit))),
        Some(_) => Err(format!(
            "{head} moves or draws something on a screen, and there is none; help lists the commands"
        )),
        None if service(dialogue, state, head).is_ok() => show(dialogue, state, words),
        None => {
            let names = LINE_COMMANDS.iter().map(|command| command.name);
            Err(format!(
                "{head} is neither a command nor a service{}; help lists the commands",
                near(head, names)
            ))
        }
    }
}

fn filter(state: &mut CockpitState, text: &str, now: Timestamp) -> Vec<Command> {
    let mut commands = perform(state, Action::ClearFilter);
    state.notice = None;
    if text.is_empty() {
        return commands;
    }
    commands.extend(perform(state, Action::Filter));
    commands.extend(update(state, Msg::Paste(text.to_owned()), now));
    commands.extend(update(state, Msg::Key(KeyPress::plain(Code::Enter)), now));
    commands
}

fn sort(state: &mut CockpitState, words: &[&str]) -> Result<(), String> {
    let keys: Vec<&str> = SortKey::ALL.iter().map(|key| key.word()).collect();
    let named = |word: &str| {
        let found = SortKey::ALL.into_iter().find(|key| key.word() == word);
        found.ok_or_else(|| format!("sort by one of {}", keys.join(", ")))
    };
    let [word] = words else {
        return named("").map(drop);
    };
    let sorting = Sorting {
        first: named(word)?,
        then: None,
    };
    state.sort_by(sorting);
    Ok(())
}

fn show(dialogue: &Dialogue, state: &mut CockpitState, words: &[&str]) -> Result<(Vec<Command>, Told), String> {
    if let [one] = words
        && let Ok(name) = service(dialogue, state, one)
    {
        let column = state.cursor.as_ref().map(|cursor| cursor.column.clone());
        if let Some(column) = column {
            state.put(Cursor::at(name.clone(), column));
        }
        return Ok((Vec::new(), Told::Service(name)));
    }
    select(dialogue, state, words)?;
    Ok((Vec::new(), Told::Cell))
}

/// `promote SERVICE… to ENVIRONMENT`. Without words it is what the cursor says, as the key.
fn promote(dialogue: &Dialogue, state: &mut CockpitState, words: &[&str]) -> Result<Vec<Command>, String> {
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "to" | "into" | "and"))
        .collect();
    let Some((last, names)) = words.split_last() else {
        return Ok(perform(state, Action::Promote));
    };
    if names.is_empty() {
        return Err("write promote, one or several services, to, and the environment they step into".to_owned());
    }
    let to = environment(state, last)?;
    let mut services: Vec<ServiceId> = Vec::new();
    for name in names {
        let name = service(dialogue, state, name.trim_end_matches(','))?;
        if !services.contains(&name) {
            services.push(name);
        }
    }
    let step = request::promote_into(state, &services, &to)?;
    Ok(ask(state, Request::new(step.ask(&to)), step.seen))
}
