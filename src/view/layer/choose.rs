//! One of several promotions.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::plan_screen::title as title_of;
use crate::app::state::Choice;
use crate::view::canvas::{Canvas, span};
use crate::view::theme::Role;

/// Draws the choice.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, title: &str, choices: &[Choice], at: usize) {
    let title = vec![
        span(Role::Title, title),
        span(Role::Dim, "  enter plans it, esc closes"),
    ];
    let inside = window(canvas, area, &title);
    for (row, choice) in choices.iter().enumerate().take(usize::from(inside.height)) {
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        let what = choice
            .request
            .as_ref()
            .map_or_else(String::new, |request| title_of(&request.ask));
        let mut line = vec![
            span(Role::Title, format!("{:<26} ", choice.label)),
            span(Role::Dim, what),
        ];
        if let Some(why) = &choice.obstacle {
            line.push(span(Role::Warned, format!("  ({why})")));
        }
        canvas.line(inside.x + 2, y, inside.width.saturating_sub(2), &line);
        if row == at {
            canvas.text(inside.x, y, 1, canvas.glyphs().cursor, Role::Accent);
            let selected = Rect {
                x: inside.x + 2,
                y,
                width: inside.width.saturating_sub(2),
                height: 1,
            };
            canvas.lay(selected, Role::Cursor);
        }
    }
}
