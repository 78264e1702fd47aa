//! What happened while somebody looked, newest first.

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::msg::ScrollLimits;
use crate::app::state::CockpitState;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::lines::fold;
use crate::view::theme::Role;
use crate::view::widget::scroll;

/// Columns of the age before each event, with the gap after it.
const AGE: u16 = 11;

/// Draws the log.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, top: u16, limits: &mut ScrollLimits) {
    let count = state.events.entries().len();
    let title = [
        span(Role::Title, "events"),
        span(Role::Dim, format!("  {count} since pindeck was started, newest first")),
    ];
    canvas.rule(Rect { height: 1, ..area }, &title, true);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(1),
    };
    let lines = lines(canvas, state, body.width, usize::MAX);
    limits.page = body.height;
    limits.text = scroll::draw(canvas, &lines, body, top);
}

/// Draws the newest of the log beside the board, as far as there is room.
pub fn pane(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    if area.height == 0 {
        return;
    }
    let mut title = vec![span(Role::Title, "events")];
    if let Some(key) = state.keymap.key_of(crate::app::Action::Events) {
        let count = state.events.count();
        title.push(span(Role::Dim, format!("  {count} so far, {key} all of them")));
    }
    canvas.rule(Rect { height: 1, ..area }, &title, false);
    let width = area.width.saturating_sub(2);
    let height = usize::from(area.height - 1);
    let lines = lines(canvas, state, width, height);
    for (y, line) in (area.y + 1..).zip(lines.iter().take(height)) {
        canvas.line(area.x + 1, y, width, line);
    }
}

/// The newest events first, at most so many.
fn lines(canvas: &Canvas<'_>, state: &CockpitState, width: u16, most: usize) -> Vec<Line> {
    let now = state.minute();
    let mut lines: Vec<Line> = Vec::new();
    for event in state.events.entries().rev().take(most) {
        let when = match age::words(event.at, now).as_str() {
            "fresh" => "now".to_owned(),
            words => words.to_owned(),
        };
        let line = vec![
            span(Role::Dim, format!("{when:>9}  ")),
            span(Role::Text, event.text.clone()),
        ];
        lines.extend(fold(line, width, AGE, 3, canvas.glyphs()));
    }
    if lines.is_empty() {
        let text =
            "nothing yet: what CI builds, who changes a pin, tags that move and verdicts that change are listed here";
        lines.extend(fold(vec![span(Role::Dim, text)], width, 0, 3, canvas.glyphs()));
    }
    lines
}
