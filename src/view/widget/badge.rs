//! Verdict badges: shape and word, colour only on top.

use crate::app::cell_status::{CellStatus, KindStatus, TimedStatus, kind_status};
use crate::domain::board::Assessment;
use crate::domain::evidence::{CauseKind, EvidenceKind};
use crate::view::canvas::{Line, Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, of_status};

/// The shape alone, with the mark of age before it.
pub fn shape(current: TimedStatus, glyphs: &Glyphs) -> Line {
    vec![
        span(Role::Dim, if current.stale { glyphs.stale } else { " " }),
        span(of_status(current.status), glyphs.status(current.status)),
    ]
}

/// Sign and role of a cause. What could not be reached, or cannot be judged, never looks like something
/// that was found to be wrong.
pub const fn cause(cause: CauseKind, glyphs: &Glyphs) -> (&'static str, Role) {
    match cause {
        CauseKind::Unreachable => (glyphs.status(CellStatus::Unreachable), Role::Unreachable),
        CauseKind::NotChecked => (glyphs.status(CellStatus::NotChecked), Role::Quiet),
        CauseKind::Unsupported => (glyphs.status(CellStatus::Unknown), Role::Unknown),
        CauseKind::Absent
        | CauseKind::Corrupt
        | CauseKind::Malformed
        | CauseKind::BadSignature
        | CauseKind::OtherSigner
        | CauseKind::WrongSubject
        | CauseKind::WrongPredicate
        | CauseKind::PolicyFailed => (glyphs.failed, Role::Rejected),
    }
}

/// Shape and word.
pub fn full(status: CellStatus, glyphs: &Glyphs) -> Span {
    span(
        of_status(status),
        format!("{} {}", glyphs.status(status), status.word()),
    )
}

/// One letter per kind of evidence that policies usually ask for: upper case verifies,
/// lower case does not, a dash is nothing at all.
pub fn letters(assessment: &Assessment, glyphs: &Glyphs) -> Line {
    [
        (EvidenceKind::Signature, 'S'),
        (EvidenceKind::Provenance, 'P'),
        (EvidenceKind::Sbom, 'B'),
        (EvidenceKind::TestResult, 'T'),
    ]
    .into_iter()
    .map(|(kind, letter)| {
        let lower = letter.to_ascii_lowercase().to_string();
        match kind_status(assessment, kind) {
            KindStatus::Verified => span(Role::Verified, letter.to_string()),
            KindStatus::Warned => span(Role::Warned, letter.to_string()),
            KindStatus::Failed => span(Role::Rejected, lower),
            KindStatus::Unsigned => span(Role::Dim, lower),
            KindStatus::Unreachable => span(Role::Unreachable, "?"),
            KindStatus::Nothing => span(Role::Dim, glyphs.behind),
        }
    })
    .collect()
}
