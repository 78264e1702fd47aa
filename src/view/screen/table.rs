//! The table: services × environments, and what CI offers.

use ratatui::layout::Rect;

use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::{Column, Cursor, cells, columns};
use crate::app::msg::Limits;
use crate::app::state::{Pane, Pass, State};
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::theme::Role;
use crate::view::widget::fingerprint::Fingerprints;
use crate::view::widget::{badge, list};

/// Columns of a cell, the gap after it included.
const CELL: std::ops::RangeInclusive<u16> = 13..=27;

/// Columns that the last column needs at least.
const LAST: u16 = 11;

/// The signs of the table in one line, for whoever sees it for the first time.
pub fn legend(glyphs: &crate::view::glyphs::Glyphs, columns: u16) -> Line {
    let mut line = vec![span(Role::Dim, "same sign, same bytes")];
    let mut used = 22;
    let statuses = [
        CellStatus::Verified,
        CellStatus::Rejected,
        CellStatus::Warned,
        CellStatus::Unknown,
        CellStatus::Unreachable,
    ];
    let mut parts: Vec<Line> = statuses
        .iter()
        .map(|s| {
            vec![
                span(crate::view::theme::of_status(*s), glyphs.status(*s)),
                span(Role::Dim, format!(" {}", s.word())),
            ]
        })
        .collect();
    parts.insert(
        2,
        vec![
            span(Role::Text, format!("{}1", glyphs.behind)),
            span(Role::Dim, " behind CI"),
        ],
    );
    parts.insert(3, vec![span(Role::Drift, glyphs.drift), span(Role::Dim, " drift")]);
    parts.push(vec![
        span(Role::Text, "SPBT"),
        span(Role::Dim, " signature provenance SBOM test"),
    ]);
    for part in parts {
        let wanted = 3 + part.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>();
        if used + wanted <= columns {
            used += wanted;
            line.push(span(Role::Dim, "   "));
            line.extend(part);
        }
    }
    line
}

/// Lines that the table needs above its rows for things that belong to no row.
pub fn notice_lines(state: &State) -> u16 {
    u16::try_from(notices(state).len()).unwrap_or(0)
}

fn notices(state: &State) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    if let Pass::Failed(failure, _) = &state.pass {
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

/// How the columns lie.
struct Layout {
    name: u16,
    cell: u16,
    /// The last column, if it is on screen, may be narrower.
    last: u16,
    first: usize,
    count: usize,
    all: usize,
}

fn layout(state: &State, glyphs: &crate::view::glyphs::Glyphs, area: Rect) -> Layout {
    let all = state.board.environments.len() + 1;
    let longest = state
        .board
        .services
        .iter()
        .map(|row| width(row.name.as_str(), glyphs))
        .max();
    let environments = u16::try_from(all - 1).unwrap_or(u16::MAX);
    let wanted = longest.unwrap_or(8).clamp(8, 24);
    // A name gives way to the cells, down to eight columns.
    let cells = environments.saturating_mul(CELL.start() + 1) + LAST;
    let name = wanted.min(area.width.saturating_sub(cells + 2).max(8));
    let room = area.width.saturating_sub(name + 2);
    let even = room / (environments + 1);
    let (cell, last) = if even > 18 {
        (even.min(*CELL.end()), even.min(*CELL.end()))
    } else {
        let cell = room.saturating_sub(LAST) / environments.max(1);
        let cell = cell.clamp(*CELL.start(), 19);
        (
            cell,
            room.saturating_sub(cell.saturating_mul(environments)).clamp(LAST, 19),
        )
    };
    let fits = cell.saturating_mul(environments) + last <= room;
    let count = if fits {
        all
    } else {
        usize::from((room / cell).max(1)).min(all)
    };
    let selected = state
        .cursor
        .as_ref()
        .and_then(|cursor| columns(&state.board).iter().position(|column| *column == cursor.column))
        .unwrap_or(0);
    let first = if selected < count { 0 } else { selected + 1 - count };
    Layout {
        name,
        cell,
        last,
        first,
        count,
        all,
    }
}

/// Draws the table.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, area: Rect, limits: &mut Limits) {
    let focus = state.pane == Pane::Board && state.screen().is_none();
    let mut y = area.y;
    for (role, text) in notices(state) {
        if y + 2 < area.bottom() {
            canvas.text(area.x + 1, y, area.width - 1, &text, role);
            y += 1;
        }
    }
    let layout = layout(state, canvas.glyphs(), area);
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
    for (at, row) in rows.iter().enumerate().skip(top).take(height) {
        let line = Rect {
            y: y + u16::try_from(at - top).unwrap_or(0),
            height: 1,
            ..area
        };
        draw_row(canvas, state, row, &layout, &columns, line, selected == Some(at), focus);
    }
}

fn empty(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let text = if !state.board.services.is_empty() {
        "no service matches the filter: esc shows all"
    } else if state.board.repository.is_none() {
        match &state.pass {
            Pass::Failed(..) => "nothing could be read",
            _ => "reading pins from git",
        }
    } else {
        "no pins were found in this repository: `pindeck init --print` shows what it looked for"
    };
    canvas.text(area.x + 1, area.y, area.width - 1, text, Role::Dim);
}

fn head(canvas: &mut Canvas<'_>, state: &State, layout: &Layout, columns: &[Column], area: Rect) {
    let selected = state.cursor.as_ref().map(|cursor| &cursor.column);
    canvas.text(area.x + 1, area.y, layout.name, "service", Role::Dim);
    for (at, column) in columns.iter().enumerate().skip(layout.first).take(layout.count) {
        let x = column_x(layout, area, at);
        let (name, note) = match column {
            Column::Environment(environment) => {
                let fixed = state
                    .board
                    .environments
                    .iter()
                    .any(|e| e.name == *environment && e.read_only);
                (environment.as_str(), if fixed { " read-only" } else { "" })
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

impl Layout {
    /// Columns of a cell's content.
    fn room(&self, at: usize) -> u16 {
        if at + 1 == self.all { self.last } else { self.cell - 1 }
    }
}

fn column_x(layout: &Layout, area: Rect, at: usize) -> u16 {
    area.x + 2 + layout.name + u16::try_from(at - layout.first).unwrap_or(0) * layout.cell
}

#[expect(clippy::too_many_arguments, reason = "one row of one table, private to this file")]
fn draw_row(
    canvas: &mut Canvas<'_>,
    state: &State,
    row: &ServiceRow,
    layout: &Layout,
    columns: &[Column],
    area: Rect,
    selected: bool,
    focus: bool,
) {
    let prints = Fingerprints::of_row(row, canvas.theme(), canvas.glyphs());
    if state.marked.contains(&row.name) {
        canvas.text(area.x, area.y, 1, canvas.glyphs().mark, Role::Warned);
    } else if selected {
        canvas.text(area.x, area.y, 1, canvas.glyphs().cursor, Role::Accent);
    }
    let role = if selected { Role::Row } else { Role::Text };
    canvas.text(area.x + 1, area.y, layout.name, row.name.as_str(), role);
    for (at, column) in columns.iter().enumerate().skip(layout.first).take(layout.count) {
        let x = column_x(layout, area, at);
        let room = layout.room(at);
        let line = match column {
            Column::Environment(environment) => {
                let pins: Vec<&Cell> = cells(row, environment).collect();
                let cursor = state.cursor.as_ref().filter(|_| selected);
                pin_cell(canvas, state, &pins, &prints, cursor, room)
            }
            Column::Candidate => candidate_cell(canvas, state, row, &prints, room),
        };
        canvas.line(x, area.y, room, &line);
        let here = state.cursor.as_ref().is_some_and(|cursor| cursor.column == *column);
        if selected && here {
            let cell = Rect {
                x,
                // Fingerprint and digest: what is selected are these bytes.
                width: 9.min(area.right().saturating_sub(x)),
                ..area
            };
            canvas.lay(cell, if focus { Role::Cursor } else { Role::Row });
        }
    }
}

/// A cell in order of weight: fingerprint, digest, badge, relation, flag, word.
fn pin_cell(
    canvas: &Canvas<'_>,
    state: &State,
    pins: &[&Cell],
    prints: &Fingerprints,
    cursor: Option<&Cursor>,
    room: u16,
) -> Line {
    let glyphs = canvas.glyphs();
    let chosen = cursor
        .and_then(|c| c.pin.as_ref())
        .and_then(|key| pins.iter().find(|p| p.pin.key() == *key));
    let Some(cell) = chosen.or_else(|| pins.first()) else {
        return vec![
            span(Role::Dim, format!("{} ", glyphs.nothing)),
            span(Role::Dim, "not pinned"),
        ];
    };
    let current = cell_status::of_cell(cell, state.minute());
    let mut line = Line::new();
    match cell.pin.digest {
        Some(digest) => {
            line.push(prints.span(digest));
            line.push(span(Role::Text, digest.short()));
        }
        None => {
            let tag = cell.pin.tag.as_deref().unwrap_or("no tag");
            let text = crate::view::canvas::cut(tag, 8, glyphs.ellipsis).into_owned();
            line.push(span(Role::Dim, ":"));
            line.push(span(Role::ByTag, format!("{text:<8}")));
        }
    }
    let mut after = marks(state, cell, pins.len(), glyphs);
    let mut shape = badge::shape(current, glyphs);
    let length = |line: &Line| line.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>();
    let used = 11 + length(&after);
    if used > room && !current.stale {
        // Tight: the gap before the badge goes first.
        shape.remove(0);
    }
    line.extend(shape);
    let word = current.status.word();
    let gap = u16::from(!after.is_empty());
    // All cells of a width speak words, or none does.
    if room >= 24 && used + gap + 1 + width(word, glyphs) <= room {
        line.push(span(crate::view::theme::of_status(current.status), format!(" {word}")));
        if gap > 0 {
            line.push(span(Role::Text, " "));
        }
    } else if used + gap <= room && gap > 0 {
        line.push(span(Role::Text, " "));
    }
    line.append(&mut after);
    line
}

/// Relation to the candidate, several pins, hold, drift.
fn marks(state: &State, cell: &Cell, pins: usize, glyphs: &crate::view::glyphs::Glyphs) -> Line {
    let mut line = Line::new();
    match cell.relation {
        Relation::Behind => {
            let behind = match cell.behind {
                Some(n @ 0..=9) => format!("{}{n}", glyphs.behind),
                Some(_) => format!("{}9+", glyphs.behind),
                None => glyphs.behind.to_owned(),
            };
            line.push(span(Role::Dim, behind));
        }
        Relation::Ahead => line.push(span(Role::Dim, glyphs.ahead)),
        Relation::Other => line.push(span(Role::Dim, glyphs.other)),
        Relation::Same | Relation::None => {}
    }
    if pins > 1 {
        line.push(span(Role::Warned, format!("{}{pins}", glyphs.times)));
    }
    if cell.hold.is_some() {
        line.push(span(Role::Hold, glyphs.hold));
    }
    let target = &cell.pin.target;
    let flagged = state.board.drift.iter().any(|drift| {
        drift.service == target.service
            && match &drift.environment {
                Some(environment) => *environment == target.environment,
                // A fact about the whole service flags the digests it names.
                None => cell.pin.digest.is_some_and(|d| Some(d) == drift.expected || Some(d) == drift.found),
            }
            // These say no more than the badge.
            && !matches!(drift.kind, DriftKind::NotVerified | DriftKind::PinnedByTag)
    });
    if flagged {
        line.push(span(Role::Drift, glyphs.drift));
    }
    line
}

fn candidate_cell(canvas: &Canvas<'_>, state: &State, row: &ServiceRow, prints: &Fingerprints, room: u16) -> Line {
    let glyphs = canvas.glyphs();
    let Some(current) = cell_status::of_candidate(row, state.minute()) else {
        return vec![span(Role::Dim, format!("{} no candidate", glyphs.nothing))];
    };
    let candidate = row.candidate.value().and_then(Option::as_ref);
    let Some(candidate) = candidate else {
        return vec![badge::full(current.status, glyphs)];
    };
    let mut line = vec![
        prints.span(candidate.digest),
        span(Role::Text, candidate.digest.short()),
    ];
    line.extend(badge::shape(current, glyphs));
    let judged = !matches!(
        current.status,
        CellStatus::Unreachable | CellStatus::Loading | CellStatus::NotChecked
    );
    if room >= 16
        && judged
        && let Some(assessment) = row.assessment.value()
    {
        line.push(span(Role::Text, " "));
        line.extend(badge::letters(assessment, glyphs));
    } else if !judged && room >= 12 + width(current.status.word(), glyphs) {
        line.push(span(Role::Dim, format!(" {}", current.status.word())));
    }
    line
}
