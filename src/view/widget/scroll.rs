//! A long text of which a part is on screen.

use ratatui::layout::Rect;

use crate::view::canvas::{Canvas, Line, span};
use crate::view::theme::Role;

/// Draws a scroll bar one column to the right of a list, of which the rows from `top` on are on screen.
pub fn bar(canvas: &mut Canvas<'_>, len: usize, top: usize, list: Rect) {
    let height = usize::from(list.height);
    let (first, size) = thumb(len, top, height);
    for at in 0..height {
        let on = (first..first + size).contains(&at);
        let (sign, role) = if on {
            (canvas.glyphs().thumb, Role::Text)
        } else {
            (canvas.glyphs().track, Role::Rule)
        };
        canvas.text(list.right() + 1, list.y + u16::try_from(at).unwrap_or(0), 1, sign, role);
    }
}

/// The first line of the thumb of a scroll bar, and its length. It touches an end only where the list does.
fn thumb(len: usize, top: usize, height: usize) -> (usize, usize) {
    if height == 0 || len <= height {
        return (0, height);
    }
    let size = (height * height / len).max(1);
    let free = height - size;
    let last = len - height;
    let first = match top {
        0 => 0,
        top if top >= last => free,
        top => (top * free / last).max(1).min(free.saturating_sub(1)),
    };
    (first, size)
}

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

#[cfg(test)]
mod tests {
    use super::thumb;

    #[test]
    fn the_thumb_stays_on_the_track_and_touches_an_end_only_at_the_end() {
        for len in 1..80usize {
            for height in 1..30usize {
                for top in 0..=len.saturating_sub(height) {
                    let (first, size) = thumb(len, top, height);
                    assert!(first + size <= height, "{len} {height} {top}");
                    assert!(size > 0);
                    if len > height && height > 3 {
                        assert_eq!(first == 0, top == 0, "{len} {height} {top}");
                    }
                }
            }
        }
    }
}
