//! One of several things that a key could mean. Nothing of a choice is cut: it takes the lines that it needs.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::plan_screen::title as title_of;
use crate::app::state::ModalChoice;
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws the choice.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, title: &str, choices: &[ModalChoice], at: usize) {
    let inside = window(canvas, area, &vec![span(Role::Title, "choose")]);
    let question = fold(vec![span(Role::Title, title)], inside.width, 2, 4, canvas.glyphs());
    let mut y = inside.y;
    for line in question {
        if y < inside.bottom() {
            canvas.line(inside.x, y, inside.width, &line);
            y += 1;
        }
    }
    let body = Rect {
        y,
        height: inside.bottom().saturating_sub(y),
        ..inside
    };
    let columns = inside.width.saturating_sub(2);
    let label = choices.iter().map(|choice| width(&choice.label, canvas.glyphs())).max();
    let label = label.unwrap_or(0).min(columns / 3);
    let blocks: Vec<Vec<Line>> = choices
        .iter()
        .map(|choice| block(canvas, choice, label, columns))
        .collect();
    // The selected one is always whole on screen, as far as there is room.
    let mut top = 0;
    let room = usize::from(body.height);
    while blocks[top..=at.min(blocks.len().saturating_sub(1))]
        .iter()
        .map(Vec::len)
        .sum::<usize>()
        > room
        && top < at
    {
        top += 1;
    }
    let mut y = body.y;
    for (row, block) in blocks.iter().enumerate().skip(top) {
        let first = y;
        for line in block.iter().take(usize::from(body.bottom().saturating_sub(y))) {
            canvas.line(inside.x + 2, y, columns, line);
            y += 1;
        }
        if row == at && y > first {
            canvas.text(inside.x, first, 1, canvas.glyphs().cursor, Role::Accent);
            let selected = Rect {
                x: inside.x + 2,
                y: first,
                width: columns,
                height: y - first,
            };
            canvas.lay(selected, Role::Cursor);
        }
    }
}

/// The lines of one choice: its label, what it plans, and what will refuse it.
fn block(canvas: &Canvas<'_>, choice: &ModalChoice, label: u16, columns: u16) -> Vec<Line> {
    let glyphs = canvas.glyphs();
    let what = choice.request.as_ref().map(|request| title_of(&request.ask));
    let mut lines = Vec::new();
    let mut line = vec![span(
        Role::Title,
        format!("{:<width$}  ", choice.label, width = usize::from(label)),
    )];
    if let Some(what) = what.filter(|what| *what != choice.label) {
        let used: u16 = line.iter().map(|piece| width(&piece.text, glyphs)).sum();
        if used + width(&what, glyphs) > columns {
            lines.extend(fold(std::mem::take(&mut line), columns, 2, 4, glyphs));
            line.push(span(Role::Text, "  "));
        }
        line.push(span(Role::Dim, what));
    }
    lines.extend(fold(line, columns, 4, 4, glyphs));
    if let Some(why) = &choice.obstacle {
        let line = vec![span(Role::Warned, format!("  will be refused: {why}"))];
        lines.extend(fold(line, columns, 4, 4, glyphs));
    }
    lines
}
