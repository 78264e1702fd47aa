//! The table: services × environments, and what CI offers.

mod cell;
mod layout;
mod legend;

use ratatui::layout::Rect;

use crate::app::cursor::{Column, cells, columns};
use crate::app::msg::ScrollLimits;
use crate::app::state::{BoardPass, CockpitState, Pane};
use crate::domain::board::{Cell, ServiceRow};
use crate::view::canvas::{Canvas, span};
use crate::view::names::shorten_all;
use crate::view::theme::Role;
use crate::view::widget::list;
use layout::Layout;

pub use legend::legend;

/// Lines that the table needs above its rows for things that belong to no row.
pub fn notice_lines(state: &CockpitState) -> u16 {
    u16::try_from(notices(state).len()).unwrap_or(0)
}

fn notices(state: &CockpitState) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    if let BoardPass::Failed(failure, _) = &state.pass {
        out.push((Role::Error, failure.what.clean().into_string()));
        out.push((Role::Dim, failure.next().to_string()));
    }
    for notice in state.board.notices.iter().rev().take(2) {
        out.push((Role::Warned, notice.clean().into_string()));
    }
    let unmanaged = state.board.unmanaged.len();
    if unmanaged > 0 {
        let text = format!("{unmanaged} more seen and not managed: pindeck status tells why");
        out.push((Role::Dim, text));
    }
    out
}

/// Draws the table.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, limits: &mut ScrollLimits) {
    let focus = state.pane == Pane::Board && state.screen().is_none();
    let mut y = area.y;
    for (role, text) in notices(state) {
        if y + 2 < area.bottom() {
            canvas.text(area.x + 1, y, area.width - 1, &text, role);
            y += 1;
        }
    }
    let layout = Layout::new(state, canvas.glyphs(), area.width);
    let columns = columns(&state.board);
    head(canvas, state, &layout, &columns, Rect { y, height: 1, ..area });
    y += 1;
    let rows = state.rows();
    let height = usize::from(area.bottom().saturating_sub(y));
    if focus {
        limits.page = u16::try_from(height).unwrap_or(u16::MAX);
    }
    if rows.is_empty() {
        empty(canvas, state, Rect { y, ..area });
        return;
    }
    let selected = state
        .cursor
        .as_ref()
        .and_then(|cursor| rows.iter().position(|row| row.name == cursor.service));
    let top = list::top(selected.unwrap_or(0), rows.len(), height);
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let shown = shorten_all(&names, layout.name, canvas.glyphs().ellipsis);
    for (at, row) in rows.iter().enumerate().skip(top).take(height) {
        let line = Rect {
            y: y + u16::try_from(at - top).unwrap_or(0),
            height: 1,
            ..area
        };
        let named = (*row, shown[at].as_str());
        draw_row(
            canvas,
            state,
            named,
            &layout,
            &columns,
            line,
            selected == Some(at),
            focus,
        );
    }
}

fn empty(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    let text = if !state.board.services.is_empty() {
        "no service matches the filter: esc shows all"
    } else if state.board.repository.is_none() {
        match &state.pass {
            BoardPass::Failed(..) => "nothing could be read",
            _ => "reading pins from git",
        }
    } else {
        "no pins were found in this repository: `pindeck init --print` shows what it looked for"
    };
    canvas.text(area.x + 1, area.y, area.width - 1, text, Role::Dim);
}

fn head(canvas: &mut Canvas<'_>, state: &CockpitState, layout: &Layout, columns: &[Column], area: Rect) {
    let selected = state.cursor.as_ref().map(|cursor| &cursor.column);
    let environments: Vec<&str> = state.board.environments.iter().map(|e| e.name.as_str()).collect();
    let headings = shorten_all(&environments, layout.cell - 2, canvas.glyphs().ellipsis);
    canvas.text(area.x + 1, area.y, layout.name, "service", Role::Dim);
    for (at, column) in columns.iter().enumerate().skip(layout.first).take(layout.count) {
        let x = layout.x(area, at);
        let (name, note) = match column {
            Column::Environment(environment) => {
                let fixed = state
                    .board
                    .environments
                    .iter()
                    .any(|e| e.name == *environment && e.read_only);
                (
                    headings.get(at).map_or(environment.as_str(), String::as_str),
                    if fixed { " read-only" } else { "" },
                )
            }
            Column::Candidate => ("CI", " (tag now)"),
        };
        let role = if selected == Some(column) {
            Role::Title
        } else {
            Role::Dim
        };
        let mut line = vec![span(role, name), span(Role::Dim, note)];
        if at == layout.first && at > 0 {
            line.insert(0, span(Role::Key, canvas.glyphs().more_left));
        }
        if at + 1 == layout.first + layout.count && at + 1 < layout.all {
            line.push(span(Role::Key, canvas.glyphs().more_right));
        }
        canvas.line(x, area.y, layout.room(at), &line);
    }
}

#[expect(clippy::too_many_arguments, reason = "one row of one table, private to this file")]
fn draw_row(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    (row, name): (&ServiceRow, &str),
    layout: &Layout,
    columns: &[Column],
    area: Rect,
    selected: bool,
    focus: bool,
) {
    if state.marked.contains(&row.name) {
        canvas.text(area.x, area.y, 1, canvas.glyphs().mark, Role::Warned);
    } else if selected {
        canvas.text(area.x, area.y, 1, canvas.glyphs().cursor, Role::Accent);
    }
    let role = if selected { Role::Row } else { Role::Text };
    canvas.text(area.x + 1, area.y, layout.name, name, role);
    for (at, column) in columns.iter().enumerate().skip(layout.first).take(layout.count) {
        let x = layout.x(area, at);
        let room = layout.room(at);
        let line = match column {
            Column::Environment(environment) => {
                let pins: Vec<&Cell> = cells(row, environment).collect();
                let cursor = state.cursor.as_ref().filter(|_| selected);
                cell::pin_cell(canvas, state, &pins, cursor, room)
            }
            Column::Candidate => cell::candidate_cell(canvas, state, row, room),
        };
        canvas.line(x, area.y, room, &line);
        if !state.flashing.is_empty() && state.flashing.contains_key(&(row.name.clone(), column.clone())) {
            let cell = Rect {
                x: x + 2,
                width: room.saturating_sub(2),
                ..area
            };
            canvas.lay(cell, Role::Banner);
        }
        let here = state.cursor.as_ref().is_some_and(|cursor| cursor.column == *column);
        if selected && here {
            let cell = Rect {
                // What is selected are these bytes; their sign is never drawn reversed.
                x: x + 2,
                width: 8.min(area.right().saturating_sub(x + 2)),
                ..area
            };
            canvas.lay(cell, if focus { Role::Cursor } else { Role::Row });
        }
    }
}
