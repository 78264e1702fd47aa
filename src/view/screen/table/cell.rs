//! The cells of the table.

use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::Cursor;
use crate::app::drift_index::DriftIndex;
use crate::app::state::CockpitState;
use crate::app::versions::on_row;
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;
use crate::view::canvas::{Canvas, Line, cut, span, width};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, of_status};
use crate::view::widget::{badge, proposal, running, sign, version};

/// Columns of sign, blank, digest and badge.
const BYTES: u16 = 12;

/// Columns of a version at most: a longer one is not shown, and never cut.
const VERSION: u16 = 14;

/// Columns of the marks behind the badge, as many as there usually are.
const MARKS: u16 = 2;

/// Columns of the version in every cell of a width, with the mark of its source; 0 = there is no room for it. It is
/// the longest of the board, so that the badges stand below one another.
pub(super) fn version_columns(state: &CockpitState, glyphs: &Glyphs, room: u16) -> u16 {
    let cells = state.board.services.iter().flat_map(|row| &row.cells);
    let versions = cells.filter_map(|cell| match (&cell.pin.tag, &cell.version) {
        (Some(tag), _) => Some(width(tag, glyphs)),
        (None, Some(label)) => Some(width(label.clean().as_str(), glyphs)),
        (None, None) => None,
    });
    let longest = versions
        .map(|columns| columns + 1)
        .filter(|columns| *columns <= VERSION)
        .max();
    longest
        .filter(|columns| BYTES + 1 + columns + MARKS <= room)
        .unwrap_or(0)
}

/// A cell in order of weight: sign, digest, badge, relation, flag, version, word.
pub(super) fn pin_cell(
    canvas: &Canvas<'_>,
    (state, drift): (&CockpitState, &DriftIndex<'_>),
    row: &ServiceRow,
    pins: &[&Cell],
    cursor: Option<&Cursor>,
    (room, beside): (u16, u16),
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
            line.push(sign::of(
                state,
                &cell.pin.target.service,
                digest,
                canvas.theme(),
                glyphs,
            ));
            line.push(span(Role::Text, format!(" {}", digest.short())));
            if beside > 0 {
                let known = on_row(row, digest).map(|known| version::marked(&known));
                let shown = known.filter(|text| width(text, glyphs) <= beside).unwrap_or_default();
                line.push(span(
                    Role::Dim,
                    format!(" {shown:<columns$}", columns = usize::from(beside)),
                ));
            }
        }
        None => {
            let tag = cell.pin.tag.as_deref().unwrap_or("no tag");
            let room = if beside > 0 { 9 + beside } else { 8 };
            let text = cut(tag, room, glyphs.ellipsis).into_owned();
            line.push(span(Role::Dim, " :"));
            line.push(span(
                Role::ByTag,
                format!("{text:<columns$}", columns = usize::from(room)),
            ));
        }
    }
    let bytes = if beside > 0 { BYTES + 1 + beside } else { BYTES };
    let mut after = marks(drift, cell, pins.len(), glyphs);
    let mut shape = badge::shape(current, glyphs);
    let length = |line: &Line| line.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>();
    let mut used = bytes + length(&after);
    if used > room && !current.stale {
        // Tight: the gap before the badge goes first.
        shape.remove(0);
        used -= 1;
    }
    // Tighter still: the relation to the candidate goes, then the count of pins. The flags stay.
    while used > room && !after.is_empty() {
        after.remove(0);
        used = bytes - 2 + length(&shape) + length(&after);
    }
    line.extend(shape);
    let word = current.status.word();
    let gap = u16::from(!after.is_empty());
    // All cells of a width speak words, or none does.
    if room >= bytes + 13 && used + gap + 1 + width(word, glyphs) <= room {
        line.push(span(of_status(current.status), format!(" {word}")));
        if gap > 0 {
            line.push(span(Role::Text, " "));
        }
    } else if used + gap <= room && gap > 0 {
        line.push(span(Role::Text, " "));
    }
    line.append(&mut after);
    // What runs, in words where all of them fit.
    let words = cell.running.value().map(running::words);
    if let Some(words) = words
        && room >= bytes + 13
        && length(&line) + 2 + width(&words.text, glyphs) <= room
    {
        line.push(span(Role::Text, " "));
        line.push(words);
    }
    if let Some(report) = cell.proposal.as_deref() {
        let words = proposal::words(report);
        if room >= bytes + 13 && length(&line) + 2 + width(&words.text, glyphs) <= room {
            line.push(span(Role::Text, " "));
            line.push(words);
        }
    }
    line
}

/// What runs as it should, relation to the candidate, several pins, a proposal, what does not run as it should, hold, drift: in
/// the order in which they give way.
fn marks(drift: &DriftIndex<'_>, cell: &Cell, pins: usize, glyphs: &Glyphs) -> Line {
    let mut line = Line::new();
    let runs = running::mark(cell, glyphs);
    line.extend(
        runs.as_ref()
            .filter(|(_, is_urgent)| !is_urgent)
            .map(|(mark, _)| mark.clone()),
    );
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
    line.extend(proposal::mark(cell, glyphs));
    line.extend(runs.filter(|(_, is_urgent)| *is_urgent).map(|(mark, _)| mark));
    if cell.hold.is_some() {
        line.push(span(Role::Hold, glyphs.hold));
    }
    let flagged = drift.of_target(&cell.pin.target).any(|drift| {
        // A fact about the whole service flags the digests it names.
        (drift.environment.is_some()
            || cell.pin.digest.is_some_and(|d| Some(d) == drift.expected || Some(d) == drift.found))
            // These say no more than the badge.
            && !matches!(drift.kind, DriftKind::NotVerified | DriftKind::PinnedByTag)
    });
    if flagged {
        line.push(span(Role::Drift, glyphs.drift));
    }
    line
}

/// What CI offers.
pub(super) fn candidate_cell(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    row: &ServiceRow,
    (room, beside): (u16, u16),
) -> Line {
    let glyphs = canvas.glyphs();
    let Some(current) = cell_status::of_candidate(row, state.minute()) else {
        return vec![span(Role::Dim, format!("{} no candidate", glyphs.nothing))];
    };
    let candidate = row.candidate.value().and_then(Option::as_ref);
    let Some(candidate) = candidate else {
        return vec![badge::full(current.status, glyphs)];
    };
    let mut line = vec![
        sign::of(state, &row.name, candidate.digest, canvas.theme(), glyphs),
        span(Role::Text, format!(" {}", candidate.digest.short())),
    ];
    // The letters of the evidence come first.
    let beside = if beside > 0 && BYTES + 1 + beside + 5 <= room {
        beside
    } else {
        0
    };
    if beside > 0 {
        let text = format!(":{}", candidate.tag);
        let shown = if width(&text, glyphs) <= beside {
            text
        } else {
            String::new()
        };
        line.push(span(
            Role::Dim,
            format!(" {shown:<columns$}", columns = usize::from(beside)),
        ));
    }
    line.extend(badge::shape(current, glyphs));
    let judged = !matches!(
        current.status,
        CellStatus::Unreachable | CellStatus::Loading | CellStatus::NotChecked
    );
    let bytes = if beside > 0 { BYTES + 1 + beside } else { BYTES };
    if room >= bytes + 5
        && judged
        && let Some(assessment) = row.assessment.value()
    {
        line.push(span(Role::Text, " "));
        line.extend(badge::letters(assessment, glyphs));
    } else if !judged && room > bytes + width(current.status.word(), glyphs) {
        line.push(span(Role::Dim, format!(" {}", current.status.word())));
    }
    line
}
