//! The line below the rows: what the filter hides, how many are marked, and where in the list the cursor is.

use ratatui::layout::Rect;

use crate::app::Action;
use crate::app::select::ShownRows;
use crate::app::state::{CockpitState, Modal};
use crate::view::canvas::{Canvas, Line, cut, span, width};
use crate::view::theme::Role;

/// On a screen of so many rows there is room for the line whatever it says: whoever does not know the keys yet finds
/// them there.
const ROOMY: u16 = 36;

/// Whether the line is there however short the list is.
pub(super) fn is_wanted(state: &CockpitState) -> bool {
    (state.size.1 >= ROOMY && !state.board.services.is_empty())
        || !state.filter.text().trim().is_empty()
        || matches!(state.layer, Some(Modal::Filter { .. }))
        || !state.marked.is_empty()
        || !state.hidden_columns.is_empty()
        || !state.sorting.is_by_name()
}

/// Draws the line. The counts of the filter come first and are never cut; what follows is shown as far as
/// there is room.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    shown: &ShownRows<'_>,
    selected: Option<usize>,
    area: Rect,
) {
    let glyphs = canvas.glyphs();
    let all = state.board.services.len();
    let mut parts: Vec<Line> = Vec::new();
    let text = state.filter.text().trim();
    if !text.is_empty() {
        let counts = format!(" {}/{all}", shown.matching);
        let room = area.width.saturating_sub(12 + width(&counts, glyphs)).min(40);
        parts.push(vec![
            span(Role::Key, "filter: "),
            span(Role::Input, cut(text, room, glyphs.ellipsis)),
            span(Role::Title, counts),
        ]);
        for unknown in state.filter.unknown() {
            parts.push(vec![span(Role::Error, format!("{unknown} is no condition"))]);
        }
    }
    if !state.marked.is_empty() {
        let marked = format!("{} {} marked", glyphs.mark, state.marked.len());
        parts.push(vec![span(Role::Warned, marked)]);
    }
    if let (Some(at), false) = (selected, shown.rows.is_empty()) {
        parts.push(vec![span(Role::Text, format!("{}/{}", at + 1, shown.rows.len()))]);
    }
    if !state.sorting.is_by_name() {
        parts.push(vec![span(Role::Accent, format!("sorted by {}", state.sorting.words()))]);
    }
    let hidden = state.hidden_columns.len();
    if hidden > 0 {
        let word = if hidden == 1 { "column" } else { "columns" };
        parts.push(vec![span(Role::Dim, format!("{hidden} {word} put away"))]);
    }
    let kept = shown.rows.len() - shown.matching;
    if kept > 0 {
        parts.push(vec![span(Role::Dim, format!("{kept} kept: selected or marked"))]);
    }
    parts.extend(keys(state));
    let mut line = Line::new();
    let mut used = 0;
    for part in parts {
        let wanted = part.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>() + 3;
        if used > 0 && used + wanted > area.width {
            continue;
        }
        if used > 0 {
            line.push(span(Role::Dim, "   "));
        }
        used += wanted;
        line.extend(part);
    }
    canvas.line(area.x + 1, area.y, area.width.saturating_sub(1), &line);
}

/// The keys that a long board is found one's way in with: whoever sees it for the first time looks for them here.
fn keys(state: &CockpitState) -> Vec<Line> {
    let is_typing = matches!(state.layer, Some(Modal::Filter { .. }));
    let marks = !state.marked.is_empty();
    let actions = [
        (
            Action::Filter,
            "filters",
            is_typing || marks || !state.filter.text().is_empty(),
        ),
        (Action::Mark, "marks and goes on", is_typing),
        (Action::Promote, "promotes the marked ones", is_typing || !marks),
        (Action::Sort, "sorts", is_typing || marks),
    ];
    let wanted = actions.into_iter().filter(|(.., is_known)| !is_known);
    wanted
        .filter_map(|(action, words, _)| {
            let key = state.keymap.key_of(action)?;
            Some(vec![
                span(Role::Key, key.to_string()),
                span(Role::Dim, format!(" {words}")),
            ])
        })
        .collect()
}
