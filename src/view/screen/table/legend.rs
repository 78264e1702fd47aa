//! The signs of the table in one line, for whoever sees it for the first time.

use crate::app::cell_status::CellStatus;
use crate::domain::running::observation::RunningState;
use crate::view::canvas::{Line, span, width};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, of_status};
use crate::view::widget::running;

/// As many of the signs as fit into so many columns; `runs` = those of what runs too.
pub fn legend(glyphs: &Glyphs, columns: u16, runs: bool) -> Line {
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
                span(of_status(*s), glyphs.status(*s)),
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
    if runs {
        let one = |state, words: &str| {
            vec![
                span(running::role(state), glyphs.running(state)),
                span(Role::Dim, format!(" {words}")),
            ]
        };
        parts.insert(4, one(RunningState::Same, "runs"));
        parts.insert(5, one(RunningState::Differs, "runs another"));
        parts.insert(6, one(RunningState::Blocked, "blocked"));
    }
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
