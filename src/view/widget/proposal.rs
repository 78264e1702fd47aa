//! A proposal of a pin: its shape and its words.

use crate::domain::board::Cell;
use crate::domain::proposal::{ProposalReport, ProposalState};
use crate::view::canvas::{Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::Role;

/// How it is drawn: what waits like something to go to, what failed or was closed like a warning.
pub fn role(report: &ProposalReport) -> Role {
    let failed = report.checks().is_some_and(|checks| checks.failed > 0);
    match report.state {
        ProposalState::Merged => Role::Dim,
        ProposalState::Open if !failed => Role::Accent,
        ProposalState::Open | ProposalState::Closed => Role::Warned,
    }
}

/// The shape; `None` where nothing is proposed, or it is pinned by now.
pub fn mark(cell: &Cell, glyphs: &Glyphs) -> Option<Span> {
    let report = cell.proposal.as_deref()?;
    (report.state != ProposalState::Merged).then(|| span(role(report), glyphs.proposal))
}

/// What became of it, in few words.
pub fn words(report: &ProposalReport) -> Span {
    span(role(report), report.brief())
}
