//! Leaving while a write is in flight.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::state::CockpitState;
use crate::view::canvas::{Canvas, span};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws the question.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    let Some(writing) = &state.writing else {
        return;
    };
    let height = 7.min(area.height);
    let area = Rect {
        y: area.y + (area.height - height) / 2,
        height,
        ..area
    };
    let inside = window(canvas, area, &vec![span(Role::Title, "a write is in flight")]);
    let what = if writing.committed {
        "Its git step has begun and runs to its end; pindeck leaves then."
    } else {
        "It is asked to stop, and does unless it is committed already; pindeck leaves then, and says which."
    };
    let mut lines = vec![vec![span(Role::Text, writing.what.clone())]];
    lines.extend(fold(
        vec![span(Role::Key, "y"), span(Role::Text, format!(" leave. {what}"))],
        inside.width,
        2,
        2,
        canvas.glyphs(),
    ));
    lines.push(vec![span(Role::Cursor, "[ Stay ]"), span(Role::Dim, " enter, esc")]);
    for (at, line) in lines.iter().enumerate().take(usize::from(inside.height)) {
        let y = inside.y + u16::try_from(at).unwrap_or(0);
        canvas.line(inside.x, y, inside.width, line);
    }
}
