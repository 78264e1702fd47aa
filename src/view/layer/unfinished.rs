//! What a crash left unfinished, with what stands of it.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::age;
use crate::app::state::{CockpitState, UnfinishedList, UnfinishedQuestion};
use crate::domain::recovery::LeftWrite;
use crate::domain::text::Clean;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws the list.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, list: &UnfinishedList) {
    let inside = window(canvas, area, &vec![span(Role::Title, "unfinished writes")]);
    let glyphs = canvas.glyphs();
    let one = |text: &str, role: Role| fold(vec![span(role, text)], inside.width, 0, 6, glyphs);
    let found = match &list.found {
        None => return lines(canvas, inside, &one("reading the journal", Role::Dim)),
        Some(Err(failure)) => {
            let what = format!("the journal cannot be read: {}", failure.what.clean().as_str());
            return lines(canvas, inside, &one(&what, Role::Rejected));
        }
        Some(Ok(found)) if found.is_empty() => {
            return lines(canvas, inside, &one("Nothing was left unfinished here.", Role::Text));
        }
        Some(Ok(found)) => found,
    };
    let question = question(list);
    let question = fold(question, inside.width, 0, 4, glyphs);
    let room = usize::from(inside.height).saturating_sub(question.len() + 1);
    let blocks: Vec<Vec<Line>> = found
        .iter()
        .map(|left| block(state, left, inside.width.saturating_sub(2), glyphs))
        .collect();
    // The selected one is on screen, as far as there is room.
    let mut top = 0;
    while top < list.at && blocks[top..=list.at].iter().map(Vec::len).sum::<usize>() > room {
        top += 1;
    }
    let mut y = inside.y;
    let end = inside.y + u16::try_from(room).unwrap_or(0);
    for (at, block) in blocks.iter().enumerate().skip(top) {
        if at == list.at && y < end {
            canvas.text(inside.x, y, 1, canvas.glyphs().cursor, Role::Accent);
        }
        for line in block {
            if y < end {
                canvas.line(inside.x + 2, y, inside.width.saturating_sub(2), line);
                y += 1;
            }
        }
    }
    let below = Rect {
        y: end + 1,
        height: inside.bottom().saturating_sub(end + 1),
        ..inside
    };
    lines(canvas, below, &question);
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, lines: &[Line]) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.line(area.x, y, area.width, line);
    }
}

/// What the next key answers.
fn question(list: &UnfinishedList) -> Line {
    let Some(selected) = list.selected() else {
        return Vec::new();
    };
    let text = |words: String| span(Role::Text, words);
    match (&list.question, &selected.type_name) {
        (UnfinishedQuestion::Name(typed), Some(name)) => vec![
            text(format!("To finish it, type the environment's name ({name}): ")),
            span(Role::Input, typed.clone()),
            span(Role::Cursor, " "),
        ],
        (UnfinishedQuestion::Forget, _) => {
            vec![
                text("Forget it? Nothing that it has done is undone. ".to_owned()),
                span(Role::Key, "y"),
            ]
        }
        _ if selected.ask.is_none() => vec![text("It cannot be finished from here.".to_owned())],
        _ => vec![
            span(Role::Key, "y"),
            text(
                " finishes it if it still comes to what was confirmed: everything is verified and compared again."
                    .to_owned(),
            ),
        ],
    }
}

/// One of them: what was confirmed, when it began, and what stands.
fn block(state: &CockpitState, left: &LeftWrite, columns: u16, glyphs: &crate::view::glyphs::Glyphs) -> Vec<Line> {
    let clean = |text: &str| Clean::from_untrusted(text).into_string();
    let mut out = Vec::new();
    let begun = left
        .started
        .map_or_else(String::new, |at| format!(", begun {}", age::ago(at, state.now)));
    if left.writes.is_empty() {
        out.extend(fold(vec![span(Role::Title, clean(&left.id))], columns, 2, 3, glyphs));
    }
    for write in &left.writes {
        let line = vec![span(Role::Title, clean(&write.what)), span(Role::Dim, begun.clone())];
        out.extend(fold(line, columns, 2, 4, glyphs));
        let line = vec![span(Role::Text, "  to "), span(Role::Text, write.to.to_string())];
        out.extend(fold(line, columns, 5, 2, glyphs));
    }
    let mut stands = fold(
        vec![span(Role::Text, clean(&left.says))],
        columns.saturating_sub(2),
        0,
        8,
        glyphs,
    );
    for line in &mut stands {
        line.insert(0, span(Role::Text, "  "));
    }
    out.extend(stands);
    out
}
