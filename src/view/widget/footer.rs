//! The last line: what was just said, the filter being typed, or the keys that help most here.

use ratatui::layout::Rect;

use crate::app::Action;
use crate::app::filter::FACETS;
use crate::app::plan_screen::Stage;
use crate::app::request;
use crate::app::state::{CockpitState, Modal, Pane, Screen, UnfinishedQuestion};
use crate::view::canvas::{Canvas, Line, cut, span, width};
use crate::view::theme::Role;

/// Draws the footer.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    if let Some(Modal::Filter { .. }) = &state.layer {
        filter(canvas, state, area);
        return;
    }
    if let Some(notice) = &state.notice {
        let role = if notice.bad { Role::Error } else { Role::Accent };
        let mark = if notice.bad { "! " } else { "" };
        let text = format!("{mark}{}", notice.text);
        let room = area.width - 1;
        // What is cut here stands whole in the events.
        let key = state.keymap.key_of(Action::Events).filter(|_| notice.bad);
        let more = match key {
            Some(key) if width(&text, canvas.glyphs()) > room => format!("  {key} shows all of it"),
            _ => String::new(),
        };
        let more_width = width(&more, canvas.glyphs());
        canvas.text(area.x + 1, area.y, room - more_width.min(room), &text, role);
        if more_width < room {
            let at = area.right() - more_width;
            canvas.text(at, area.y, more_width, &more, Role::Key);
        }
        return;
    }
    let line = match (&state.layer, state.screen()) {
        (Some(layer), _) => layer_keys(layer),
        (None, Some(Screen::Plan(plan))) if plan.input.is_some() => {
            pairs(&[("enter", "take it"), ("esc", "go back"), ("ctrl-u", "empty the line")])
        }
        (None, _) => hints(canvas, state, area.width.saturating_sub(2)),
    };
    canvas.line(area.x + 1, area.y, area.width - 1, &line);
}

fn filter(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    let shown = state.shown_rows().matching;
    let all = state.board.services.len();
    let is_kept = matches!(state.layer, Some(Modal::Filter { is_kept: true, .. }));
    let mut line = vec![span(Role::Key, " /")];
    if is_kept {
        // As text that is selected: the next letter takes its place.
        line.push(span(Role::Cursor, state.filter.text()));
    } else {
        line.push(span(Role::Input, state.filter.text()));
        line.push(span(Role::Cursor, " "));
    }
    let keys = if is_kept {
        "type another one   ctrl-e edits it   enter keeps it   esc undoes".to_owned()
    } else {
        format!("words, {}   esc undoes", FACETS.join(" "))
    };
    line.push(span(Role::Dim, format!("  {shown} of {all}   {keys}")));
    canvas.line(area.x, area.y, area.width, &line);
}

/// The keys of what lies over the screen: those of the screen below do nothing now.
fn layer_keys(layer: &Modal) -> Line {
    let keys: &[(&str, &str)] = match layer {
        Modal::Help { .. } => &[("esc", "close"), ("up down", "scroll"), ("pageup pagedown", "page")],
        Modal::Palette { .. } => &[("enter", "do it"), ("esc", "close"), ("up down", "choose")],
        Modal::Choose { .. } => &[("enter", "choose"), ("esc", "close"), ("up down", "move")],
        Modal::Ask { .. } => &[("enter", "plan it"), ("esc", "close")],
        Modal::Columns { .. } => &[("space", "show or put away"), ("enter", "close"), ("up down", "move")],
        Modal::Leave => &[("y", "leave"), ("enter esc", "stay")],
        Modal::Unfinished(list) => match (&list.question, list.selected().is_some()) {
            (UnfinishedQuestion::Name(_), _) => &[("enter", "finish it"), ("esc", "leave it")],
            (UnfinishedQuestion::Forget, _) => &[("y", "forget it"), ("esc", "leave it")],
            (UnfinishedQuestion::Finish, true) => &[
                ("y", "finish it"),
                ("x", "forget it"),
                ("esc", "close"),
                ("up down", "move"),
            ],
            (UnfinishedQuestion::Finish, false) => &[("esc", "close")],
        },
        Modal::Filter { .. } => &[("enter", "keep the filter"), ("esc", "undo")],
    };
    pairs(keys)
}

/// Keys, each with what it does.
fn pairs(keys: &[(&str, &str)]) -> Line {
    keys.iter()
        .flat_map(|(key, words)| [span(Role::Key, *key), span(Role::Text, format!(" {words}  "))])
        .collect()
}

/// The keys that help most here, as many as fit; help and quit always do.
fn hints(canvas: &Canvas<'_>, state: &CockpitState, columns: u16) -> Line {
    let actions: &[Action] = match state.screen() {
        Some(Screen::Evidence(_)) => &[
            Action::Open,
            Action::Back,
            Action::CopyDigest,
            Action::History,
            Action::CopyCommand,
        ],
        Some(Screen::History(_)) => &[
            Action::Back,
            Action::Revert,
            Action::Diff,
            Action::Evidence,
            Action::CopyCommand,
        ],
        Some(Screen::Diff(_)) => &[
            Action::Back,
            Action::NextPane,
            Action::Promote,
            Action::Evidence,
            Action::CopyCommand,
            Action::PageDown,
        ],
        Some(Screen::Revert(_)) => &[
            Action::Open,
            Action::Back,
            Action::Diff,
            Action::CopyCommand,
            Action::MoveDown,
        ],
        Some(Screen::Events(_)) => &[Action::Back, Action::PageDown, Action::PageUp],
        // Until there is something to look at, its keys do nothing.
        Some(Screen::Plan(plan)) if matches!(plan.stage, Stage::Planning { .. }) => &[Action::Back],
        Some(Screen::Plan(_)) => &[
            Action::Diff,
            Action::CopyCommand,
            Action::PageDown,
            Action::PageUp,
            Action::Undo,
        ],
        None => match state.pane {
            Pane::Board => &[
                Action::Promote,
                Action::Revert,
                Action::Evidence,
                Action::History,
                Action::Diff,
                Action::Open,
                Action::Mark,
                Action::Filter,
                Action::Sort,
                Action::Columns,
                Action::FullScreen,
                Action::NextPane,
                Action::Undo,
                Action::Events,
                Action::Refresh,
                Action::Freeze,
            ],
            Pane::Inspector => &[
                Action::Open,
                Action::Back,
                Action::History,
                Action::CopyDigest,
                Action::NextPane,
            ],
            Pane::Feed => &[Action::Open, Action::Back, Action::Freeze, Action::NextPane],
        },
    };
    let tail = [Action::Palette, Action::Help, Action::Quit];
    let mut line: Line = Vec::new();
    // Where there is much room, a place is kept for the reason: then no hint moves when it comes or goes.
    // Elsewhere the greyed key says it itself.
    let wide = columns >= 96 && actions.contains(&Action::Promote);
    let reason = reason(state, actions, wide);
    let reserved = if wide { (columns / 3).min(36) } else { 0 };
    let mut used = reserved;
    let fixed: u16 = tail.iter().map(|action| hint_width(canvas, state, *action)).sum();
    if let (false, Some(reason)) = (wide, &reason) {
        // The way back stays in sight, whatever is said of the way forward.
        let revert = hint_width(canvas, state, Action::Revert);
        let room = columns.saturating_sub(fixed + revert + 2).min(columns * 3 / 5);
        let text = cut(reason, room, canvas.glyphs().ellipsis);
        used += width(&text, canvas.glyphs()) + 2;
        let role = if Action::Promote.enabled(state).is_ok() {
            Role::Warned
        } else {
            Role::Disabled
        };
        line.push(span(role, format!("{text}  ")));
    }
    for action in actions {
        // An inverse is worth a hint only where there is one.
        if *action == Action::Undo && action.enabled(state).is_err() {
            continue;
        }
        if *action == Action::Promote && !wide && reason.is_some() {
            continue;
        }
        let wanted = hint_width(canvas, state, *action);
        if wanted > 0 && used + wanted + fixed <= columns {
            used += wanted;
            push(&mut line, state, *action, canvas.glyphs().arrow);
        }
    }
    for action in tail {
        push(&mut line, state, action, canvas.glyphs().arrow);
    }
    if let (true, Some(reason)) = (wide, reason) {
        line.push(span(Role::Warned, cut(&reason, reserved, canvas.glyphs().ellipsis)));
    }
    line
}

/// Why the first writing action that is hinted at here is not possible, or what will stop it.
fn reason(state: &CockpitState, actions: &[Action], wide: bool) -> Option<String> {
    if !actions.contains(&Action::Promote) {
        return None;
    }
    let key = state.keymap.key_of(Action::Promote)?;
    match Action::Promote.enabled(state) {
        // Where there is room for it beside the key, the key need not be named twice.
        Err(why) if wide => Some(why),
        Err(why) => Some(format!("{key} promote: {why}")),
        Ok(()) if state.screen().is_some() || request::marks_are_elsewhere(state) => None,
        // The details beside the board say it.
        Ok(()) if wide && state.pane != Pane::Feed => None,
        Ok(()) => {
            let promotion = request::promote(state).ok()?;
            let [to] = promotion.to.as_slice() else { return None };
            let why = request::obstacle(state, &promotion, to)?;
            Some(format!("{key} {to}: {why}"))
        }
    }
}

fn hint_width(canvas: &Canvas<'_>, state: &CockpitState, action: Action) -> u16 {
    let mut line = Line::new();
    push(&mut line, state, action, canvas.glyphs().arrow);
    line.iter().map(|piece| width(&piece.text, canvas.glyphs())).sum()
}

/// Where `promote` leads from here: a person should know before pressing it. As wide in every column,
/// so that a move repaints no hint beside it.
fn promote_word(state: &CockpitState, arrow: &str) -> String {
    if state.screen().is_some() {
        return promote_to(state, arrow);
    }
    let names = state.board.environments.iter().skip(1);
    let longest = names
        .map(|e| e.name.as_str().chars().count())
        .max()
        .unwrap_or(0)
        .min(16);
    let set = if state.marked.is_empty() { 0 } else { 3 };
    format!(
        "{:<width$}",
        promote_to(state, arrow),
        width = "promote".len() + arrow.chars().count() + longest + set
    )
}

fn promote_to(state: &CockpitState, arrow: &str) -> String {
    if request::marks_are_elsewhere(state) {
        // It asks first.
        return "promote…".to_owned();
    }
    match request::promote(state) {
        Ok(step) => {
            let set = match step.services.len() {
                1 => String::new(),
                n => format!(" {n}"),
            };
            match step.to.as_slice() {
                [to] => format!("promote{set}{arrow}{to}"),
                _ => format!("promote{set}"),
            }
        }
        Err(_) => "promote".to_owned(),
    }
}

fn push(line: &mut Line, state: &CockpitState, action: Action, arrow: &str) {
    let Some(key) = state.keymap.key_of(action) else {
        return;
    };
    let (key_role, role) = if action.enabled(state).is_ok() {
        (Role::Key, Role::Text)
    } else {
        (Role::Disabled, Role::Disabled)
    };
    let word = match action {
        Action::Freeze if state.frozen.is_some() => "thaw".to_owned(),
        Action::Promote => promote_word(state, arrow),
        Action::NextPane if matches!(state.screen(), Some(Screen::Diff(_))) => "next comparison".to_owned(),
        Action::Revert if matches!(state.screen(), Some(Screen::History(_))) => "go back to it".to_owned(),
        Action::Open if matches!(state.screen(), Some(Screen::Revert(_))) => "plan the way back".to_owned(),
        other => other.spec().short.to_owned(),
    };
    line.push(span(key_role, key.to_string()));
    line.push(span(role, format!(" {word}  ")));
}
