//! The frame around a layer.

use ratatui::layout::Rect;

use crate::view::canvas::{Canvas, Line};

/// A cleared area with a title rule above and a rule below; answers the area inside.
pub(super) fn window(canvas: &mut Canvas<'_>, area: Rect, title: &Line) -> Rect {
    canvas.clear(area);
    canvas.rule(Rect { height: 1, ..area }, title, true);
    let last = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    canvas.rule(last, &[], true);
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}
