//! A long text of which a part is on screen.

use ratatui::layout::Rect;

use crate::view::canvas::{Canvas, Line, span};
use crate::view::theme::Role;

/// Draws the lines from `top` on, and where in the text that is; answers the last useful `top`.
pub fn draw(canvas: &mut Canvas<'_>, lines: &[Line], area: Rect, top: u16) -> u16 {
    let height = usize::from(area.height);
    let last = lines.len().saturating_sub(height);
    let top = usize::from(top).min(last);
    for (at, line) in lines.iter().skip(top).take(height).enumerate() {
        canvas.line(area.x, area.y + u16::try_from(at).unwrap_or(0), area.width, line);
    }
    if last > 0 && area.y > 0 {
        let end = (top + height).min(lines.len());
        let note = format!(" {}-{end} of {} ", top + 1, lines.len());
        let above = Rect {
            y: area.y - 1,
            height: 1,
            ..area
        };
        canvas.line_right(above, &[span(Role::Dim, note)]);
    }
    u16::try_from(last).unwrap_or(u16::MAX)
}
