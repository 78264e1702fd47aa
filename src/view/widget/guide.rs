//! The guided line above the footer, for somebody who sees a cockpit for the first time.

use ratatui::layout::Rect;

use crate::app::state::CockpitState;
use crate::app::{Action, guidance};
use crate::view::canvas::{Canvas, span};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws it at the bottom of an area; answers what is left.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) -> Rect {
    let Some(guide) = &state.guide else { return area };
    let columns = area.width.saturating_sub(2);
    let mut line = vec![span(Role::Accent, guidance::words(state, guide))];
    if let Some(key) = state.keymap.key_of(Action::EndGuide) {
        line.push(span(Role::Key, format!("  {key}")));
        line.push(span(Role::Dim, " ends it"));
    }
    let lines = fold(line, columns, 4, 2, canvas.glyphs());
    let height = u16::try_from(lines.len()).unwrap_or(0).min(area.height / 4);
    let top = area.bottom() - height;
    for (y, line) in (top..area.bottom()).zip(&lines) {
        canvas.line(area.x + 1, y, columns, line);
    }
    Rect {
        height: area.height - height,
        ..area
    }
}
