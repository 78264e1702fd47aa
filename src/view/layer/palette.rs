//! Every action by name; what can't be done now is shown with the reason.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::Action;
use crate::app::palette::{ROWS, palette_rows};
use crate::app::state::CockpitState;
use crate::view::canvas::{Canvas, span};
use crate::view::theme::Role;
use crate::view::widget::list;

/// Lines of the palette besides: its rules, and what is typed.
const AROUND: u16 = 3;

/// Draws the palette at the end of an area.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, text: &str, selected: Option<Action>) {
    let rows = palette_rows(text);
    // As high whatever is typed, so that nothing jumps.
    let height = area.height.min(ROWS as u16 + AROUND);
    let area = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    let at = selected
        .and_then(|action| rows.iter().position(|row| *row == action))
        .unwrap_or(0);
    let shown = usize::from(height.saturating_sub(AROUND));
    let top = list::near(at, rows.len(), shown);
    let mut title = vec![span(Role::Title, "commands")];
    if shown > 0 && rows.len() > shown {
        let (first, last) = (top + 1, (top + shown).min(rows.len()));
        title.push(span(Role::Dim, format!("  {first}-{last} of {}", rows.len())));
    }
    let inside = window(canvas, area, &title);
    let prompt = [
        span(Role::Key, ":"),
        span(Role::Input, text),
        span(Role::Cursor, " "),
        span(Role::Dim, "  type to narrow"),
    ];
    canvas.line(inside.x, inside.y, inside.width, &prompt);
    let body = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(1),
        ..inside
    };
    if rows.is_empty() {
        canvas.text(body.x, body.y, body.width, "no action of that name", Role::Dim);
        return;
    }
    for (row, action) in rows.iter().enumerate().skip(top).take(usize::from(body.height)) {
        let y = body.y + u16::try_from(row - top).unwrap_or(0);
        let spec = action.spec();
        let keys: Vec<String> = state.keymap.keys_of(*action).iter().map(ToString::to_string).collect();
        let enabled = action.enabled(state);
        let (name, rest) = if enabled.is_ok() {
            (Role::Title, Role::Text)
        } else {
            (Role::Disabled, Role::Disabled)
        };
        let mut line = vec![
            span(name, format!("{:<15}", spec.name)),
            span(
                if enabled.is_ok() { Role::Key } else { Role::Disabled },
                format!("{:<17}", keys.join(" ")),
            ),
        ];
        match enabled {
            Ok(()) => line.push(span(rest, spec.help)),
            Err(why) => {
                line.push(span(rest, format!("{}  ", spec.help)));
                line.push(span(Role::Warned, format!("({why})")));
                // The reason matters more than the explanation where there is no room for both.
                let wanted: u16 = line
                    .iter()
                    .map(|s| crate::view::canvas::width(&s.text, canvas.glyphs()))
                    .sum();
                if wanted > body.width - 2 {
                    line.remove(2);
                }
            }
        }
        canvas.line(body.x + 1, y, body.width - 1, &line);
        if row == at {
            canvas.text(body.x, y, 1, canvas.glyphs().cursor, Role::Accent);
            canvas.lay(
                Rect {
                    x: body.x + 1,
                    y,
                    width: body.width - 1,
                    height: 1,
                },
                Role::Cursor,
            );
        }
    }
}
