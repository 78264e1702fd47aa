//! What lies over the screen: help, palette, filter line.

use std::collections::HashSet;

use super::text_field::edit;
use crate::app::action::{ACTIONS, Action};
use crate::app::command::Command;
use crate::app::cursor::Cursor;
use crate::app::filter::Filter;
use crate::app::key::{Code, KeyPress};
use crate::app::palette::{ROWS, palette_rows};
use crate::app::plan_screen::Input;
use crate::app::state::{AskedFor, CockpitState, Modal, ModalChoice, Pane, Screen};
use crate::domain::id::ServiceId;
use crate::domain::write::{Ask, Request, Scope};

/// What a key in a layer leads to.
pub(super) enum LayerOutcome {
    /// The layer has dealt with the key.
    Handled(Vec<Command>),
    /// The person chose this action in the palette.
    Chosen(Action),
}

/// Gives a key to the layer that lies over the screen.
pub(super) fn key(state: &mut CockpitState, key: KeyPress) -> LayerOutcome {
    LayerOutcome::Handled(match state.layer.take() {
        Some(Modal::Help { top }) => help(state, key, top),
        Some(Modal::Palette { text, selected }) => return palette(state, key, text, selected),
        Some(Modal::Filter {
            before,
            anchor,
            is_kept,
        }) => filter(state, key, before, anchor, is_kept),
        Some(Modal::Columns { at }) => super::arrange::columns_key(state, key, at),
        Some(Modal::Choose { title, choices, at }) => choose(state, key, title, choices, at),
        Some(Modal::Ask { then, text }) => typed(state, key, then, text),
        Some(Modal::Leave) => super::write::leave_key(state, key),
        Some(Modal::Unfinished(list)) => super::unfinished::key(state, key, list),
        None => Vec::new(),
    })
}

fn help(state: &mut CockpitState, key: KeyPress, top: u16) -> Vec<Command> {
    let page = state.size.1.saturating_sub(6).max(1);
    let to = match state.keymap.action(key) {
        Some(Action::MoveDown) => top.saturating_add(1),
        Some(Action::MoveUp) => top.saturating_sub(1),
        Some(Action::PageDown) => top.saturating_add(page),
        Some(Action::PageUp) => top.saturating_sub(page),
        Some(Action::First) => 0,
        Some(Action::Last) => u16::MAX,
        Some(Action::Back | Action::Help | Action::Quit | Action::Open) => return Vec::new(),
        _ => top,
    };
    state.layer = Some(Modal::Help {
        top: to.min(state.limits.help),
    });
    Vec::new()
}

/// One of several promotions. Nothing is written by choosing: the plan comes next.
fn choose(
    state: &mut CockpitState,
    key: KeyPress,
    title: String,
    choices: Vec<ModalChoice>,
    at: usize,
) -> Vec<Command> {
    let last = choices.len().saturating_sub(1);
    let to = match (key.code, state.keymap.action(key)) {
        (Code::Enter, _) => {
            return match choices.into_iter().nth(at) {
                Some(ModalChoice {
                    request: Some(request),
                    seen,
                    all,
                    ..
                }) => {
                    if all {
                        state.undo.take_all();
                    }
                    super::planning::plan(state, *request, seen)
                }
                _ => Vec::new(),
            };
        }
        (Code::Esc, _) | (_, Some(Action::Back | Action::Quit)) => return Vec::new(),
        (_, Some(Action::MoveDown)) => (at + 1).min(last),
        (_, Some(Action::MoveUp)) => at.saturating_sub(1),
        _ => at,
    };
    state.layer = Some(Modal::Choose { title, choices, at: to });
    Vec::new()
}

/// A line that a plan needs. Nothing is written by it: the plan comes next.
fn typed(state: &mut CockpitState, key: KeyPress, then: AskedFor, mut text: String) -> Vec<Command> {
    let leaves = key.code == Code::Esc || key.code == Code::Char('c') && key.ctrl;
    if leaves {
        return Vec::new();
    }
    if key.code != Code::Enter {
        edit(&mut text, key);
        state.layer = Some(Modal::Ask { then, text });
        return Vec::new();
    }
    let line = text.trim();
    let request = match &then {
        AskedFor::HoldReason(..) if line.is_empty() => Err("a hold wants its reason: others will read it"),
        AskedFor::HoldReason(target, digest) => Ok(Request {
            reason: Some(line.to_owned()),
            ..Request::new(Ask::Hold {
                target: target.clone(),
                digest: Some(*digest),
            })
        }),
        AskedFor::RevertTo(target) => match line.rsplit('@').next().unwrap_or_default().parse() {
            Ok(digest) => Ok(Request::new(Ask::Revert {
                target: target.clone(),
                to: Some(digest),
                scope: Scope::Auto,
            })),
            Err(_) => Err("that is no digest: it is written sha256: and 64 hexadecimal digits"),
        },
    };
    match request {
        Ok(request) => super::planning::plan(state, request, Vec::new()),
        Err(why) => {
            state.complain(why);
            state.layer = Some(Modal::Ask { then, text });
            Vec::new()
        }
    }
}

pub(super) fn open_palette(state: &mut CockpitState) -> Vec<Command> {
    state.layer = Some(Modal::Palette {
        text: String::new(),
        selected: ACTIONS.first().map(|spec| spec.action),
    });
    Vec::new()
}

/// What a page of the palette steps over.
const PAGE: isize = ROWS.cast_signed();

fn palette(state: &mut CockpitState, key: KeyPress, mut text: String, mut selected: Option<Action>) -> LayerOutcome {
    let rows = palette_rows(&text);
    let at = selected.and_then(|action| rows.iter().position(|row| *row == action));
    let step = |by: isize| {
        let last = rows.len().checked_sub(1)?;
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        rows.get(to).copied()
    };
    match key.code {
        Code::Esc => return LayerOutcome::Handled(Vec::new()),
        Code::Enter => {
            let Some(action) = at.map(|at| rows[at]) else {
                state.complain("no action of that name");
                state.layer = Some(Modal::Palette { text, selected });
                return LayerOutcome::Handled(Vec::new());
            };
            if let Err(reason) = action.enabled(state) {
                state.complain(format!("{}: {reason}", action.spec().short));
                state.layer = Some(Modal::Palette { text, selected });
                return LayerOutcome::Handled(Vec::new());
            }
            return LayerOutcome::Chosen(action);
        }
        Code::Up => selected = step(-1),
        Code::Down | Code::Tab => selected = step(1),
        Code::BackTab => selected = step(-1),
        Code::PageUp => selected = step(-PAGE),
        Code::PageDown => selected = step(PAGE),
        Code::Char('p') if key.ctrl => selected = step(-1),
        Code::Char('n') if key.ctrl => selected = step(1),
        Code::Char('c') if key.ctrl => return LayerOutcome::Handled(Vec::new()),
        _ => {
            if edit(&mut text, key) {
                selected = palette_rows(&text).first().copied();
            }
        }
    }
    state.layer = Some(Modal::Palette { text, selected });
    LayerOutcome::Handled(Vec::new())
}

pub(super) fn open_filter(state: &mut CockpitState) -> Vec<Command> {
    state.pane = Pane::Board;
    state.layer = Some(Modal::Filter {
        before: state.filter.text().to_owned(),
        anchor: state.cursor.clone(),
        is_kept: !state.filter.text().is_empty(),
    });
    Vec::new()
}

pub(super) fn clear_filter(state: &mut CockpitState) -> Vec<Command> {
    state.filter = Filter::default();
    state.sort();
    state.settle();
    Vec::new()
}

fn filter(
    state: &mut CockpitState,
    key: KeyPress,
    before: String,
    mut anchor: Option<Cursor>,
    mut is_kept: bool,
) -> Vec<Command> {
    let mut text = state.filter.text().to_owned();
    match key.code {
        Code::Enter => {
            if let Some(unknown) = state.filter.unknown().first() {
                let text = format!("{unknown} is no condition and is ignored");
                state.complain(text);
            }
            return Vec::new();
        }
        _ if key.code == Code::Esc || key.code == Code::Char('c') && key.ctrl => {
            set(state, &before, None);
            if let Some(cursor) = anchor {
                state.put(cursor);
            }
            return Vec::new();
        }
        Code::Up | Code::Down => {
            state.move_rows(if key.code == Code::Up { -1 } else { 1 });
            anchor = state.cursor.clone();
        }
        Code::Backspace if text.is_empty() => return Vec::new(),
        // What is typed after that is added to what stands there.
        Code::Char('e') if key.ctrl => is_kept = false,
        Code::End | Code::Right => is_kept = false,
        _ => {
            if is_kept && (key.typed().is_some() || key.code == Code::Backspace) {
                text.clear();
            }
            if edit(&mut text, key) || is_kept && text.is_empty() {
                is_kept = false;
                set(state, &text, anchor.as_ref());
            }
        }
    }
    state.layer = Some(Modal::Filter {
        before,
        anchor,
        is_kept,
    });
    Vec::new()
}

/// Sets the filter. The selection stays on the service on which it was when typing began, as long as that
/// matches; else it goes to the nearest row that does. Where nothing matches it stays where it was.
fn set(state: &mut CockpitState, text: &str, anchor: Option<&Cursor>) {
    state.filter = Filter::parse(text);
    state.sort();
    let Some(anchor) = anchor else {
        state.settle();
        return;
    };
    let place = |service: &ServiceId| state.ordered().iter().position(|row| row.name == *service);
    let found = state.matching();
    let nearest = if found.iter().any(|row| row.name == anchor.service) {
        None
    } else {
        let here = place(&anchor.service).unwrap_or(0);
        let places = state.ordered();
        let found: HashSet<&ServiceId> = found.iter().map(|row| &row.name).collect();
        let candidates = places.iter().zip(0..).filter(|(row, _)| found.contains(&row.name));
        // Of two that are as near, the one below.
        candidates
            .min_by_key(|(_, at): &(_, usize)| (at.abs_diff(here), *at < here))
            .map(|(row, _)| row.name.clone())
    };
    state.put(match nearest {
        Some(service) => Cursor::at(service, anchor.column.clone()),
        None => anchor.clone(),
    });
}

pub(super) fn paste(state: &mut CockpitState, text: &str) -> Vec<Command> {
    // One line, nothing that is not text.
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(256)
        .collect();
    if let (None, Some(Screen::Plan(plan))) = (&state.layer, state.screens.last_mut())
        && let Some(input) = &mut plan.input
    {
        if matches!(input, Input::Name(_)) {
            state.complain("the name is typed, never pasted");
        } else {
            input.text_mut().push_str(&line);
        }
        return Vec::new();
    }
    match &mut state.layer {
        Some(Modal::Palette { text, selected }) => {
            text.push_str(&line);
            *selected = palette_rows(text).first().copied();
        }
        Some(Modal::Ask { text, .. }) => text.push_str(&line),
        Some(Modal::Filter { anchor, is_kept, .. }) => {
            let before = if std::mem::take(is_kept) {
                ""
            } else {
                state.filter.text()
            };
            let text = format!("{before}{line}");
            let anchor = anchor.clone();
            set(state, &text, anchor.as_ref());
        }
        Some(
            Modal::Help { .. } | Modal::Choose { .. } | Modal::Columns { .. } | Modal::Leave | Modal::Unfinished(_),
        )
        | None => state.complain("pasted text is ignored here, and so are words typed ahead: they are no keys"),
    }
    Vec::new()
}
