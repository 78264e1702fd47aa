//! The cells of the table.

use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::{Column, Cursor};
use crate::app::drift_index::DriftIndex;
use crate::app::held::HeldSteps;
use crate::app::state::CockpitState;
use crate::app::versions::on_row;
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;
use crate::view::canvas::{Canvas, Line, Span, cut, span, width};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, of_status};
use crate::view::widget::{badge, proposal, running, sign, version};

/// Columns of sign, blank, digest and badge.
const BYTES: u16 = 12;

/// Columns of a version at most: a longer one is not shown, and never cut.
const VERSION: u16 = 14;

/// Columns of the marks behind the badge, as many as there usually are.
const MARKS: u16 = 2;

/// From so many columns on there is room for what runs beside the relation to the candidate.
const ROOMY: u16 = BYTES + 3;

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

/// The cell of an environment of which nothing is known: whether something is pinned there, nobody can say.
pub(super) fn unread_cell(canvas: &Canvas<'_>) -> Line {
    let sign = canvas.glyphs().status(CellStatus::Unreachable);
    vec![
        span(Role::Unreachable, format!("{sign} ")),
        span(Role::Unreachable, "not read"),
    ]
}

/// A cell in order of weight: sign, digest, badge, relation, flag, version, word.
pub(super) fn pin_cell(
    canvas: &Canvas<'_>,
    (state, drift, held): (&CockpitState, &DriftIndex<'_>, &HeldSteps<'_>),
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
    let column = Column::Environment(cell.pin.target.environment.clone());
    let is_held_next = |digest| held.next(&row.name, &column, digest).is_some();
    let held = match (&cell.hold, cell.pin.digest) {
        (Some(_), _) => Some(glyphs.hold),
        (None, Some(digest)) if is_held_next(digest) => Some(glyphs.held_next),
        (None, _) => None,
    };
    let mut after = marks(drift, cell, (pins.len(), held), glyphs);
    if room < ROOMY {
        // Where the mark of what runs as it should would have to go from some cells, it is on none.
        after.retain(|mark| mark.weight != Weight::Calm);
    }
    let mut shape = badge::shape(current, glyphs);
    let length = |line: &Line| line.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>();
    let columns = |marks: &[Mark]| marks.iter().map(|mark| width(&mark.span.text, glyphs)).sum::<u16>();
    let mut used = bytes + columns(&after);
    if used > room && !current.stale {
        // Tight: the gap before the badge goes first.
        shape.remove(0);
        used -= 1;
    }
    // Tighter still: what is said elsewhere goes, the lightest first.
    while used > room
        && let Some(lightest) = after.iter().map(|mark| mark.weight).min()
    {
        after.retain(|mark| mark.weight != lightest);
        used = bytes - 2 + length(&shape) + columns(&after);
    }
    let mut after: Line = after.into_iter().map(|mark| mark.span).collect();
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

/// What a mark is worth where there is no room for all of them, the least first. What the details and the drift pane
/// say anyway is worth less than what only the cell says at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It runs as it should.
    Calm,
    /// The relation to the candidate.
    Relation,
    /// How many pins there are.
    Pins,
    /// A proposal is open.
    Proposal,
    /// Something has drifted.
    Drift,
    /// A hold, here or at the next step.
    Hold,
    /// It does not run as it should.
    Running,
}

/// A mark behind the badge.
struct Mark {
    weight: Weight,
    span: Span,
}

/// What runs as it should, relation to the candidate, several pins, a proposal, what does not run as it should, hold, drift.
fn marks(drift: &DriftIndex<'_>, cell: &Cell, (pins, held): (usize, Option<&str>), glyphs: &Glyphs) -> Vec<Mark> {
    let mut line: Vec<Mark> = Vec::new();
    let mut mark = |weight, span| line.push(Mark { weight, span });
    let runs = running::mark(cell, glyphs);
    if let Some((calm, false)) = &runs {
        mark(Weight::Calm, calm.clone());
    }
    match cell.relation {
        Relation::Behind => {
            let behind = match cell.behind {
                Some(n @ 0..=9) => format!("{}{n}", glyphs.behind),
                Some(_) => format!("{}9+", glyphs.behind),
                None => glyphs.behind.to_owned(),
            };
            mark(Weight::Relation, span(Role::Dim, behind));
        }
        Relation::Ahead => mark(Weight::Relation, span(Role::Dim, glyphs.ahead)),
        Relation::Other => mark(Weight::Relation, span(Role::Dim, glyphs.other)),
        Relation::Same | Relation::None => {}
    }
    if pins > 1 {
        mark(Weight::Pins, span(Role::Warned, format!("{}{pins}", glyphs.times)));
    }
    if let Some(proposal) = proposal::mark(cell, glyphs) {
        mark(Weight::Proposal, proposal);
    }
    if let Some((urgent, true)) = runs {
        mark(Weight::Running, urgent);
    }
    if let Some(held) = held {
        mark(Weight::Hold, span(Role::Hold, held));
    }
    let flagged = drift.of_target(&cell.pin.target).any(|drift| {
        // A fact about the whole service flags the digests it names.
        (drift.environment.is_some()
            || cell.pin.digest.is_some_and(|d| Some(d) == drift.expected || Some(d) == drift.found))
            // These say no more than the badge.
            && !matches!(drift.kind, DriftKind::NotVerified | DriftKind::PinnedByTag)
    });
    if flagged {
        mark(Weight::Drift, span(Role::Drift, glyphs.drift));
    }
    line
}

/// What CI offers.
pub(super) fn candidate_cell(
    canvas: &Canvas<'_>,
    (state, held): (&CockpitState, &HeldSteps<'_>),
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
    let mut shape = badge::shape(current, glyphs);
    let is_held = held.next(&row.name, &Column::Candidate, candidate.digest).is_some();
    if is_held && room <= BYTES && !current.stale {
        shape.remove(0);
    }
    line.extend(shape);
    if is_held {
        line.push(span(Role::Hold, glyphs.held_next));
    }
    let judged = !matches!(
        current.status,
        CellStatus::Unreachable | CellStatus::Loading | CellStatus::NotChecked
    );
    let bytes = if beside > 0 { BYTES + 1 + beside } else { BYTES } + u16::from(is_held);
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
