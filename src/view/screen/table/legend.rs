//! The signs of the table in one line, for whoever sees it for the first time: those that are on the board come first.

use std::collections::BTreeSet;

use crate::app::cell_status::{CellStatus, of_cell};
use crate::app::cursor::Column;
use crate::app::held::HeldSteps;
use crate::app::state::CockpitState;
use crate::domain::board::Cell;
use crate::domain::candidate::Relation;
use crate::domain::running::observation::RunningState;
use crate::view::canvas::{Line, span, width};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, Theme, of_status};
use crate::view::widget::{proposal, running, sign};

/// As many of the signs as fit into so many columns. What is on the board is explained before what is not, and what a
/// person may take for something else before what explains itself.
pub fn legend(state: &CockpitState, theme: &Theme, glyphs: &Glyphs, columns: u16) -> Line {
    let word = if sign::is_letter(theme, glyphs) {
        "letter"
    } else {
        "sign"
    };
    let first = format!("same {word}, same bytes");
    let mut used = 1 + width(&first, glyphs);
    let mut line = vec![span(Role::Dim, first)];
    let mut parts = parts(state, glyphs);
    parts.sort_by_key(|(rank, _)| *rank);
    for (_, part) in parts {
        let wanted = 3 + part.iter().map(|piece| width(&piece.text, glyphs)).sum::<u16>();
        if used + wanted <= columns {
            used += wanted;
            line.push(span(Role::Dim, "   "));
            line.extend(part);
        }
    }
    line
}

/// Which of the signs are explained first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LegendRank {
    /// It is on the board.
    There,
    /// It will be on most boards.
    Common,
    /// It is on few of them.
    Rare,
}

/// Every sign with its words.
fn parts(state: &CockpitState, glyphs: &Glyphs) -> Vec<(LegendRank, Line)> {
    let board = &state.board;
    let cells = || board.services.iter().flat_map(|row| &row.cells);
    let any = |is: &dyn Fn(&Cell) -> bool| cells().any(is);
    let now = state.minute();
    let word = |role, sign: &str, words: &str| vec![span(role, sign), span(Role::Dim, format!(" {words}"))];
    let common = |is_there| {
        if is_there {
            LegendRank::There
        } else {
            LegendRank::Common
        }
    };
    let rare = |is_there| if is_there { LegendRank::There } else { LegendRank::Rare };
    let status = |status: CellStatus, is_there: bool| {
        let line = word(of_status(status), glyphs.status(status), status.word());
        (common(is_there), line)
    };
    // Looked through once: boards are large, and a sign that is nowhere is found by going through all of it.
    let (mut statuses, mut states) = (BTreeSet::new(), BTreeSet::new());
    for cell in cells() {
        statuses.insert(of_cell(cell, now).status);
        states.extend(cell.running.value().map(|report| report.state));
    }
    let has = |wanted: CellStatus| statuses.contains(&wanted);
    let runs = |wanted: RunningState, words: &str| {
        let is_there = states.contains(&wanted);
        let line = word(running::role(wanted), glyphs.running(wanted), words);
        (common(is_there), line)
    };
    let held = HeldSteps::new(board);
    let is_held_next = |cell: &Cell| {
        if !held.has_any() {
            return false;
        }
        let column = Column::Environment(cell.pin.target.environment.clone());
        let digest = cell.pin.digest.filter(|_| cell.hold.is_none());
        digest.is_some_and(|digest| held.next(&cell.pin.target.service, &column, digest).is_some())
    };
    let mut parts = vec![status(CellStatus::Verified, true), status(CellStatus::Rejected, true)];
    let is_known = board.environments.iter().any(|env| env.running.is_known());
    if is_known {
        // On nearly every cell of a board that is well.
        parts.push(runs(RunningState::Same, "runs"));
        parts.push(runs(RunningState::Differs, "runs another"));
        parts.push(runs(RunningState::Blocked, "blocked"));
    }
    let hold = word(Role::Hold, glyphs.hold, "on hold");
    parts.push((rare(any(&|cell| cell.hold.is_some())), hold));
    let next = word(Role::Hold, glyphs.held_next, "next step on hold");
    parts.push((rare(any(&is_held_next)), next));
    let proposed = word(Role::Accent, glyphs.proposal, "proposed");
    let is_proposed = |cell: &Cell| proposal::mark(cell, glyphs).is_some();
    parts.push((rare(any(&is_proposed)), proposed));
    let behind = word(Role::Text, &format!("{}1", glyphs.behind), "behind CI");
    parts.push((common(any(&|cell| cell.relation == Relation::Behind)), behind));
    let drift = word(Role::Drift, glyphs.drift, "drift");
    parts.push((common(!board.drift.is_empty()), drift));
    let other = word(Role::Text, glyphs.other, "not CI's");
    parts.push((rare(any(&|cell| cell.relation == Relation::Other)), other));
    let more = [
        CellStatus::Warned,
        CellStatus::Unknown,
        CellStatus::Unreachable,
        CellStatus::Absent,
    ];
    parts.extend(more.into_iter().map(|one| status(one, has(one))));
    if is_known {
        parts.push(runs(RunningState::Mixed, "both run"));
        parts.push(runs(RunningState::None, "nothing runs"));
        parts.push(runs(RunningState::Unknown, "not known what runs"));
    }
    let letters = vec![
        span(Role::Text, "SPBT"),
        span(Role::Dim, " signature provenance SBOM test"),
    ];
    parts.push((LegendRank::There, letters));
    parts
}
