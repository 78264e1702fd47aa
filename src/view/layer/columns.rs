//! Which columns of the board are shown.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::cursor::{Column, columns};
use crate::app::state::CockpitState;
use crate::view::canvas::{Canvas, span};
use crate::view::theme::Role;

/// Draws the choice of columns.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, at: usize) {
    let title = vec![
        span(Role::Title, "columns"),
        span(Role::Dim, "  space shows or puts away, enter closes"),
    ];
    let inside = window(canvas, area, &title);
    let all = columns(&state.board);
    let height = usize::from(inside.height);
    let top = crate::view::widget::list::top(at, all.len(), height);
    for (row, column) in all.iter().enumerate().skip(top).take(height) {
        let y = inside.y + u16::try_from(row - top).unwrap_or(0);
        let name = match column {
            Column::Environment(environment) => environment.as_str(),
            Column::Candidate => "CI (tag now)",
        };
        let (word, role) = if state.hidden_columns.contains(column) {
            ("[ ] ", Role::Dim)
        } else {
            ("[x] ", Role::Text)
        };
        let line = vec![span(Role::Key, word), span(role, name)];
        canvas.line(inside.x + 2, y, inside.width.saturating_sub(2), &line);
        if row == at {
            canvas.text(inside.x, y, 1, canvas.glyphs().cursor, Role::Accent);
            let selected = Rect {
                x: inside.x + 6,
                y,
                width: inside.width.saturating_sub(6),
                height: 1,
            };
            canvas.lay(selected, Role::Cursor);
        }
    }
}
