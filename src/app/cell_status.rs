//! The status of a cell: what it says at a glance. The states are never merged into one another.

use jiff::Timestamp;

use super::age;
use crate::domain::board::{Assessment, Cell, ServiceRow};
use crate::domain::evidence::{CauseKind, EvidenceKind, EvidenceState};
use crate::domain::freshness::Seen;
use crate::domain::verdict::{CheckOf, Outcome};

/// One of the states a digest can be in on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CellStatus {
    /// Nobody has asked yet.
    NotChecked,
    /// Being asked for the first time.
    Loading,
    /// Pinned by tag only: a verdict is about a digest, so there is none.
    ByTag,
    /// No policy applies, so nothing was judged.
    NotJudged,
    /// Everything required is there and genuine.
    Verified,
    /// Everything is good except a test result that a person may acknowledge.
    Warned,
    /// Something required is definitely missing or wrong.
    Rejected,
    /// The content itself is gone, by the registry's authoritative word.
    Absent,
    /// Something needed could not be checked.
    Unknown,
    /// The registry could not be asked.
    Unreachable,
}

impl CellStatus {
    /// Every status, in the order of the legend.
    pub const ALL: [Self; 10] = [
        Self::Verified,
        Self::Warned,
        Self::Rejected,
        Self::Absent,
        Self::Unknown,
        Self::Unreachable,
        Self::ByTag,
        Self::NotJudged,
        Self::Loading,
        Self::NotChecked,
    ];

    /// The word beside the shape.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            Self::Loading => "checking",
            Self::ByTag => "by tag",
            Self::NotJudged => "not judged",
            Self::Verified => "verified",
            Self::Warned => "warned",
            Self::Rejected => "rejected",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
        }
    }

    /// What it means, for the legend.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NotChecked => "nobody has asked yet",
            Self::Loading => "asked, no answer yet",
            Self::ByTag => "pinned by tag only: no digest, so no verdict",
            Self::NotJudged => "no policy applies here",
            Self::Verified => "everything the policy requires holds for these bytes",
            Self::Warned => "holds, but a test result WARNED: a person must acknowledge",
            Self::Rejected => "something required does not hold; the cause is shown",
            Self::Absent => "the registry says these bytes are gone",
            Self::Unknown => "something needed could not be checked: neither good nor bad",
            Self::Unreachable => "the registry did not answer: says nothing about the bytes",
        }
    }
}

/// A status, and how current it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedStatus {
    /// The state.
    pub status: CellStatus,
    /// Older than [`age::STALE_AFTER`].
    pub stale: bool,
    /// Being asked for again.
    pub rechecking: bool,
}

/// The status of a pin.
pub fn of_cell(cell: &Cell, now: Timestamp) -> TimedStatus {
    if cell.pin.digest.is_none() {
        return TimedStatus {
            status: CellStatus::ByTag,
            stale: false,
            rechecking: false,
        };
    }
    let mut current = of_assessment(&cell.assessment, now);
    if cell.missing && matches!(current.status, CellStatus::Rejected | CellStatus::NotJudged) {
        current.status = CellStatus::Absent;
    }
    current
}

/// The status of the candidate of a service; `None` where CI offers nothing.
pub fn of_candidate(row: &ServiceRow, now: Timestamp) -> Option<TimedStatus> {
    let plain = |status| {
        Some(TimedStatus {
            status,
            stale: false,
            rechecking: false,
        })
    };
    match &row.candidate {
        Seen::NotChecked => plain(CellStatus::NotChecked),
        Seen::Loading { last: None } => plain(CellStatus::Loading),
        Seen::Unreachable { .. } => plain(CellStatus::Unreachable),
        Seen::Fresh { value: None, .. } | Seen::Loading { last: Some((None, _)) } => None,
        Seen::Fresh { .. } | Seen::Loading { .. } => Some(of_assessment(&row.assessment, now)),
    }
}

fn of_assessment(seen: &Seen<Assessment>, now: Timestamp) -> TimedStatus {
    let status = match seen {
        Seen::NotChecked => CellStatus::NotChecked,
        Seen::Loading { last: None } => CellStatus::Loading,
        // What was known before stays in the inspector; at a glance it must not read as verified.
        Seen::Unreachable { .. } => CellStatus::Unreachable,
        Seen::Fresh { value, .. } | Seen::Loading { last: Some((value, _)) } => of_verdict(value),
    };
    TimedStatus {
        status,
        stale: seen.at().is_some_and(|at| age::is_stale(at, now)),
        rechecking: matches!(seen, Seen::Loading { last: Some(_) }),
    }
}

fn of_verdict(assessment: &Assessment) -> CellStatus {
    let Some(verdict) = &assessment.verdict else {
        return CellStatus::NotJudged;
    };
    let gone = |c: &crate::domain::Cause| c.check == CheckOf::Digest && c.cause == CauseKind::Absent;
    match verdict.result {
        Outcome::Verified => CellStatus::Verified,
        Outcome::Warned => CellStatus::Warned,
        Outcome::Rejected if verdict.causes.iter().any(gone) => CellStatus::Absent,
        Outcome::Rejected => CellStatus::Rejected,
        Outcome::Unknown if verdict.causes.iter().all(|c| c.cause == CauseKind::NotChecked) => CellStatus::NotChecked,
        Outcome::Unknown => CellStatus::Unknown,
    }
}

/// What is known about one kind of evidence, as one letter of the board can say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindStatus {
    /// Nothing of that kind.
    Nothing,
    /// There is something, but it carries no signature.
    Unsigned,
    /// It could not be fetched.
    Unreachable,
    /// There is something, and it does not verify.
    Failed,
    /// It is genuine, but asks for acknowledgement.
    Warned,
    /// A statement of that kind verifies.
    Verified,
}

/// The best of one kind among the statements of an assessment. The verdict's causes count: a genuine
/// statement whose content the policy refuses counts as failed.
pub fn kind_status(assessment: &Assessment, kind: EvidenceKind) -> KindStatus {
    let of_kind = || assessment.evidence.iter().filter(|e| e.kind == kind);
    let cause = assessment
        .verdict
        .as_ref()
        .and_then(|v| v.causes.iter().find(|c| c.check == CheckOf::Evidence(kind)))
        .map(|c| c.cause);
    let warned =
        kind == EvidenceKind::TestResult && assessment.verdict.as_ref().is_some_and(|v| v.result == Outcome::Warned);
    let any = |state| of_kind().any(|e| e.state == state);
    if any(EvidenceState::Verified) && cause.is_none() {
        if warned {
            KindStatus::Warned
        } else {
            KindStatus::Verified
        }
    } else if cause == Some(CauseKind::Unreachable) {
        KindStatus::Unreachable
    } else if [
        EvidenceState::Verified,
        EvidenceState::Failed,
        EvidenceState::Unsupported,
    ]
    .into_iter()
    .any(any)
    {
        KindStatus::Failed
    } else if any(EvidenceState::Unreachable) {
        KindStatus::Unreachable
    } else if of_kind().next().is_some() {
        KindStatus::Unsigned
    } else {
        KindStatus::Nothing
    }
}

/// Whether provenance verifies for the candidate, so that it may be called CI-built; `None` while
/// that is not known. What was found stays true while the same bytes are asked about again; that nothing was found
/// does not: these may be other bytes.
pub fn ci_built(row: &ServiceRow) -> Option<bool> {
    match &row.assessment {
        Seen::Fresh { .. } => Some(row.ci_built()),
        Seen::Loading { last: Some(_) } => row.ci_built().then_some(true),
        Seen::Loading { last: None } | Seen::NotChecked | Seen::Unreachable { .. } => None,
    }
}
