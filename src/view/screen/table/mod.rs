//! The table: services × environments, and what CI offers.

mod cell;
mod empty;
mod layout;
mod legend;
mod summary;

use ratatui::layout::Rect;

use crate::app::cursor::{Column, cells};
use crate::app::drift_index::DriftIndex;
use crate::app::held::HeldSteps;
use crate::app::msg::{ScrollLimits, Spot};
use crate::app::select::ShownRows;
use crate::app::state::{BoardPass, CockpitState, Modal, Pane};
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::pin::Unmanaged;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::names::shorten_all;
use crate::view::theme::Role;
use crate::view::widget::{list, scroll};
use layout::{Layout, environment};

pub use legend::legend;

/// Lines that the table needs above its rows for things that belong to no row.
fn notice_lines(state: &CockpitState) -> u16 {
    u16::try_from(notices(state).len()).unwrap_or(0)
}

fn notices(state: &CockpitState) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    if let BoardPass::Failed(failure, _) = &state.pass {
        out.push((Role::Error, failure.what.clean().into_string()));
        out.push((Role::Dim, failure.next_on_screen().to_string()));
    }
    for notice in state.board.notices.iter().rev().take(2) {
        out.push((Role::Warned, notice.clean().into_string()));
    }
    let unmanaged = state.board.unmanaged.len();
    if unmanaged > 0 {
        let reasons = Unmanaged::by_reason(&state.board.unmanaged);
        let told: Vec<String> = reasons
            .iter()
            .take(3)
            .map(|one| format!("{} {}", one.count, one.reason))
            .collect();
        let more = if reasons.len() > told.len() { ", and others" } else { "" };
        out.push((
            Role::Dim,
            format!("{unmanaged} more seen and not managed: {}{more}", told.join(", ")),
        ));
    }
    out
}

/// Lines that the table wants: what belongs to no row, its head, the rows, and where something is to be said
/// about them, a line below.
pub fn wanted_lines(state: &CockpitState, shown: &ShownRows<'_>) -> u16 {
    // While the filter is being typed nothing below the table moves.
    let rows = match state.layer {
        Some(Modal::Filter { .. }) => state.board.services.len(),
        _ => shown.rows.len(),
    };
    let below = usize::from(summary::is_wanted(state));
    let lines = u16::try_from(rows + 1 + below).unwrap_or(u16::MAX);
    lines.saturating_add(notice_lines(state))
}

/// Draws the table.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    shown: &ShownRows<'_>,
    area: Rect,
    limits: &mut ScrollLimits,
) {
    let focus = state.pane == Pane::Board && state.screen().is_none();
    let mut y = area.y;
    for (role, text) in notices(state) {
        if y + 2 < area.bottom() {
            canvas.text(area.x + 1, y, area.width - 1, &text, role);
            y += 1;
        }
    }
    let rows = &shown.rows;
    let mut body = Rect {
        y: y + 1,
        height: area.bottom().saturating_sub(y + 1),
        ..area
    };
    let scrolls = rows.len() > usize::from(body.height);
    // That a filter hides rows is said as long as one row is left beside it.
    let says = if summary::is_wanted(state) {
        body.height > 1
    } else {
        scrolls && body.height > 3
    };
    if says {
        body.height -= 1;
    }
    let scrolls = rows.len() > usize::from(body.height);
    if scrolls {
        body.width -= 2;
    }
    let columns = state.columns();
    let layout = Layout::new(state, &columns, canvas.glyphs(), body.width);
    let head_line = Rect {
        y,
        height: 1,
        width: body.width,
        ..area
    };
    head(canvas, state, &layout, &columns, head_line);
    let height = usize::from(body.height);
    if focus {
        limits.page = body.height;
    }
    let selected = state
        .cursor
        .as_ref()
        .and_then(|cursor| rows.iter().position(|row| row.name == cursor.service));
    if says {
        let line = Rect {
            y: body.bottom(),
            height: 1,
            ..area
        };
        summary::draw(canvas, state, shown, selected, line);
    }
    if rows.is_empty() {
        empty::draw(canvas, state, body);
        return;
    }
    let top = if area.width == state.size.0 {
        list::near(selected.unwrap_or(0), rows.len(), height)
    } else {
        list::top(selected.unwrap_or(0), rows.len(), height)
    };
    (limits.first_row, limits.rows) = (top, body.height);
    if scrolls {
        scroll::bar(canvas, rows.len(), top, body);
    }
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let short = shorten_all(&names, layout.name, canvas.glyphs().ellipsis);
    let table = TableRows {
        state,
        layout: &layout,
        columns: &columns,
        drift: DriftIndex::new(&state.board),
        held: HeldSteps::new(&state.board),
        version: cell::version_columns(state, canvas.glyphs(), layout.cell - 1),
        focus,
    };
    let mut matcher = state.filter.matcher(&state.board, state.minute());
    for (at, row) in rows.iter().enumerate().skip(top).take(height) {
        let line = Rect {
            y: body.y + u16::try_from(at - top).unwrap_or(0),
            height: 1,
            ..body
        };
        // A name that is cut has other characters in those places.
        let found = if short[at] == row.name.as_str() {
            matcher.found_in(row.name.as_str())
        } else {
            Vec::new()
        };
        table.row(canvas, row, (&short[at], &found), line, selected == Some(at));
    }
}

fn head(canvas: &mut Canvas<'_>, state: &CockpitState, layout: &Layout, columns: &[Column], area: Rect) {
    let selected = state.cursor.as_ref().map(|cursor| &cursor.column);
    let environments: Vec<&str> = columns.iter().filter_map(environment).collect();
    let headings = shorten_all(&environments, layout.cell - 2, canvas.glyphs().ellipsis);
    let sorted = state.sorting;
    let (title, role) = if sorted.is_by_name() {
        ("service".to_owned(), Role::Dim)
    } else {
        (
            format!("{}{}", canvas.glyphs().descending, sorted.words()),
            Role::Accent,
        )
    };
    canvas.text(area.x + layout.gutter, area.y, layout.name, &title, role);
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

/// What is the same for every row.
struct TableRows<'a> {
    state: &'a CockpitState,
    layout: &'a Layout,
    columns: &'a [Column],
    drift: DriftIndex<'a>,
    held: HeldSteps<'a>,
    /// Columns of the version in a cell.
    version: u16,
    focus: bool,
}

impl TableRows<'_> {
    fn row(
        &self,
        canvas: &mut Canvas<'_>,
        row: &ServiceRow,
        (name, found): (&str, &[usize]),
        area: Rect,
        selected: bool,
    ) {
        let (state, layout) = (self.state, self.layout);
        if selected {
            canvas.text(area.x, area.y, 1, canvas.glyphs().cursor, Role::Accent);
        }
        if state.marked.contains(&row.name) {
            // Beside the cursor, never in its place.
            canvas.text(area.x + 1, area.y, 1, canvas.glyphs().mark, Role::Warned);
        }
        let role = if selected { Role::Row } else { Role::Text };
        let line = highlighted(name, found, role);
        canvas.line(area.x + layout.gutter, area.y, layout.name, &line);
        if state.setup.mouse {
            let name = Rect {
                width: layout.gutter + layout.name,
                ..area
            };
            canvas.spot(name, Spot::Service(row.name.clone()));
        }
        let shown = self.columns.iter().enumerate().skip(layout.first);
        for (at, column) in shown.take(layout.count) {
            let x = layout.x(area, at);
            let room = layout.room(at);
            let line = match column {
                Column::Environment(environment) => {
                    let pins: Vec<&Cell> = cells(row, environment).collect();
                    let cursor = state.cursor.as_ref().filter(|_| selected);
                    match pins.is_empty() && state.board.unread(environment).is_some() {
                        true => cell::unread_cell(canvas),
                        false => cell::pin_cell(
                            canvas,
                            (state, &self.drift, &self.held),
                            row,
                            &pins,
                            cursor,
                            (room, self.version),
                        ),
                    }
                }
                Column::Candidate => cell::candidate_cell(canvas, (state, &self.held), row, (room, self.version)),
            };
            canvas.line(x, area.y, room, &line);
            if state.setup.mouse {
                let cell = Rect { x, width: room, ..area };
                canvas.spot(cell, Spot::Cell(row.name.clone(), column.clone()));
            }
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
                canvas.lay(cell, if self.focus { Role::Cursor } else { Role::Row });
            }
        }
    }
}

/// A name with the characters that the filter found in it.
fn highlighted(name: &str, found: &[usize], role: Role) -> Line {
    let mut line = Line::new();
    for (at, c) in name.chars().enumerate() {
        let role = if found.binary_search(&at).is_ok() {
            Role::Input
        } else {
            role
        };
        match line.last_mut() {
            Some(last) if last.role == role => last.text.push(c),
            _ => line.push(span(role, c)),
        }
    }
    line
}
