//! The evidence in brief, and where the pin is written.

use super::labelled::InspectorLines;
use crate::app::cell_status::CellStatus;
use crate::app::cursor::ScreenSubject;
use crate::app::state::CockpitState;
use crate::domain::board::Cell;
use crate::domain::evidence::{EvidenceState, LogEvidence};
use crate::view::canvas::{Line, span};
use crate::view::screen::evidence::{brief, signer_words, state_words, statement_line};
use crate::view::theme::Role;

pub(super) fn locations(out: &mut InspectorLines<'_>, cell: &Cell, beside: bool) {
    if beside {
        out.lines.push(vec![span(Role::Dim, "written in")]);
    }
    for (at, location) in cell.pin.locations.iter().enumerate() {
        let mut line = vec![
            span(Role::Text, format!("{}:{}", location.file, location.line)),
            span(Role::Dim, format!("  {}", location.style.as_str())),
        ];
        if let Some(why) = &location.read_only {
            line.push(span(Role::Warned, format!("  cannot be edited: {why}")));
        }
        if let Some(why) = &location.reason {
            line.push(span(Role::Dim, format!("  {why}")));
        }
        if beside {
            line.insert(0, span(Role::Text, "  "));
            out.indented(2, 3, line);
        } else {
            out.labelled(if at == 0 { "written in" } else { "" }, line);
        }
    }
}

/// What verifies, by whom, and what does not. In a column of its own one statement a line; otherwise
/// everything that verifies in one line, cut where it must be: the evidence screen has everything.
pub(super) fn statements(out: &mut InspectorLines<'_>, state: &CockpitState, subject: &ScreenSubject, beside: bool) {
    let statements = state.statements(subject);
    let mut holds: Vec<Line> = Vec::new();
    let mut signers: Vec<String> = Vec::new();
    for (_, evidence) in statements.iter().filter(|(_, e)| e.state == EvidenceState::Verified) {
        let (said, role) = brief(evidence);
        // A statement that verifies may still say that something failed.
        let (sign, shown) = match role {
            Role::Warned => (out.glyphs.status(CellStatus::Warned), role),
            Role::Rejected => (out.glyphs.failed, role),
            _ => (out.glyphs.passed, Role::Verified),
        };
        let mut line = vec![span(shown, format!("{sign} {}", evidence.kind.as_str()))];
        if !said.is_empty() {
            line.push(span(role, format!(" {said}")));
        }
        holds.push(line);
        let log = match evidence.log {
            LogEvidence::InclusionProof => ", log inclusion proof",
            LogEvidence::Set => ", log promise",
            LogEvidence::None => ", no log",
        };
        if let Some(signer) = &evidence.signer {
            let text = format!("{}{log}", signer_words(signer));
            if !signers.contains(&text) {
                signers.push(text);
            }
        }
    }
    let others = statements.iter().filter(|(_, e)| e.state != EvidenceState::Verified);
    if beside {
        if !statements.is_empty() {
            out.lines.push(vec![span(Role::Dim, "evidence")]);
        }
        for mut line in holds {
            line.insert(0, span(Role::Text, "  "));
            out.lines.push(line);
        }
        for signer in signers {
            out.indented(2, 3, vec![span(Role::Dim, format!("  signed by {signer}"))]);
        }
        for (_, evidence) in others {
            let (sign, role, word) = state_words(evidence, out.glyphs);
            out.lines
                .push(vec![span(role, format!("  {sign} {} {word}", evidence.kind.as_str()))]);
            if let Some(signer) = &evidence.signer {
                out.indented(4, 2, vec![span(Role::Dim, format!("    by {}", signer_words(signer)))]);
            }
        }
        return;
    }
    let mut label = "evidence";
    if !holds.is_empty() {
        // In the colour of its neighbour: a gap should not cost a colour change.
        let gap = || vec![span(Role::Verified, "  ")];
        let line: Line = holds
            .into_iter()
            .reduce(|a, b| [a, gap(), b].concat())
            .unwrap_or_default();
        out.cut(std::mem::take(&mut label), line);
    }
    for signer in signers {
        out.cut("", vec![span(Role::Dim, format!("signed by {signer}"))]);
    }
    for (_, evidence) in others {
        let line = statement_line(evidence, state.digest_of(subject), out.now, out.glyphs);
        out.cut(std::mem::take(&mut label), line);
    }
}
