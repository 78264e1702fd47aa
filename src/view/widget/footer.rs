//! The last line: what was just said, the filter being typed, or the keys that help most here.

use ratatui::layout::Rect;

use crate::app::Action;
use crate::app::filter::FACETS;
use crate::app::state::{Layer, Pane, Screen, State};
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::theme::Role;

/// Draws the footer.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    if let Some(Layer::Filter { .. }) = &state.layer {
        filter(canvas, state, area);
        return;
    }
    if let Some(notice) = &state.notice {
        let role = if notice.bad { Role::Error } else { Role::Accent };
        let mark = if notice.bad { "! " } else { "" };
        canvas.text(
            area.x + 1,
            area.y,
            area.width - 1,
            &format!("{mark}{}", notice.text),
            role,
        );
        return;
    }
    let line = hints(canvas, state, area.width.saturating_sub(2));
    canvas.line(area.x + 1, area.y, area.width - 1, &line);
}

fn filter(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let shown = state.rows().len();
    let all = state.board.services.len();
    let line = vec![
        span(Role::Key, " /"),
        span(Role::Input, state.filter.text()),
        span(Role::Cursor, " "),
        span(
            Role::Dim,
            format!("  {shown} of {all}   words, {}   esc undoes", FACETS.join(" ")),
        ),
    ];
    canvas.line(area.x, area.y, area.width, &line);
}

/// The keys that help most here, as many as fit; help and quit always do.
fn hints(canvas: &Canvas<'_>, state: &State, columns: u16) -> Line {
    let actions: &[Action] = match state.screen() {
        Some(Screen::Evidence(_)) => &[
            Action::Open,
            Action::Back,
            Action::CopyDigest,
            Action::History,
            Action::CopyCommand,
        ],
        Some(Screen::History(_)) => &[Action::Back, Action::Revert, Action::Evidence, Action::CopyCommand],
        None => match state.pane {
            Pane::Board => &[
                Action::Open,
                Action::Promote,
                Action::Revert,
                Action::Evidence,
                Action::History,
                Action::Diff,
                Action::Filter,
                Action::NextPane,
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
    let mut used = 0;
    let fixed: u16 = tail.iter().map(|action| hint_width(canvas, state, *action)).sum();
    for action in actions {
        let wanted = hint_width(canvas, state, *action);
        if wanted > 0 && used + wanted + fixed <= columns {
            used += wanted;
            push(&mut line, state, *action);
        }
    }
    for action in tail {
        push(&mut line, state, action);
    }
    line
}

fn hint_width(canvas: &Canvas<'_>, state: &State, action: Action) -> u16 {
    let mut line = Line::new();
    push(&mut line, state, action);
    line.iter().map(|piece| width(&piece.text, canvas.glyphs())).sum()
}

fn push(line: &mut Line, state: &State, action: Action) {
    let Some(key) = state.keymap.key_of(action) else {
        return;
    };
    let (key_role, role) = if action.enabled(state).is_ok() {
        (Role::Key, Role::Text)
    } else {
        (Role::Disabled, Role::Disabled)
    };
    let word = match action {
        Action::Freeze if state.frozen.is_some() => "thaw",
        other => other.spec().short,
    };
    line.push(span(key_role, key.to_string()));
    line.push(span(role, format!(" {word}  ")));
}
