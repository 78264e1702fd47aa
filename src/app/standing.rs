//! What a cell says at a glance. The states are never merged into one another.

use jiff::Timestamp;

use super::age;
use crate::domain::board::{Assessment, Cell, ServiceRow};
use crate::domain::evidence::{CauseKind, EvidenceKind, EvidenceState};
use crate::domain::freshness::Seen;
use crate::domain::verdict::{CheckOf, Outcome};

/// One of the states a digest can be in on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nobody has asked yet.
    NotChecked,
    /// Being asked for the first time.
    Loading,
    /// Pinned by tag only: a verdict is about a digest, so there is none.
    ByTag,
    /// No policy applies, so nothing was judged.
    NotJudged,
    /// Everything required holds.
    Verified,
    /// All holds but a test result that a person may acknowledge.
    Warned,
    /// Something required definitely does not hold.
    Rejected,
    /// The content itself is gone, by the registry's authoritative word.
    Absent,
    /// Something needed could not be checked.
    Unknown,
    /// The registry could not be asked.
    Unreachable,
}

impl Standing {
    /// Every standing, in the order of the legend.
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

/// A standing with how current it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// The state.
    pub is: Standing,
    /// Older than [`age::STALE_AFTER`].
    pub stale: bool,
    /// Being asked for again.
    pub again: bool,
}

/// What a pin says at a glance.
pub fn of_cell(cell: &Cell, now: Timestamp) -> Stand {
    if cell.pin.digest.is_none() {
        return Stand {
            is: Standing::ByTag,
            stale: false,
            again: false,
        };
    }
    let mut stand = of_assessment(&cell.assessment, now);
    if cell.missing && matches!(stand.is, Standing::Rejected | Standing::NotJudged) {
        stand.is = Standing::Absent;
    }
    stand
}

/// What CI's offer says at a glance; `None` = CI offers nothing.
pub fn of_candidate(row: &ServiceRow, now: Timestamp) -> Option<Stand> {
    let plain = |is| {
        Some(Stand {
            is,
            stale: false,
            again: false,
        })
    };
    match &row.candidate {
        Seen::NotChecked => plain(Standing::NotChecked),
        Seen::Loading { last: None } => plain(Standing::Loading),
        Seen::Unreachable { .. } => plain(Standing::Unreachable),
        Seen::Fresh { value: None, .. } | Seen::Loading { last: Some((None, _)) } => None,
        Seen::Fresh { .. } | Seen::Loading { .. } => Some(of_assessment(&row.assessment, now)),
    }
}

fn of_assessment(seen: &Seen<Assessment>, now: Timestamp) -> Stand {
    let is = match seen {
        Seen::NotChecked => Standing::NotChecked,
        Seen::Loading { last: None } => Standing::Loading,
        // What was known before stays in the inspector; at a glance it must not read as verified.
        Seen::Unreachable { .. } => Standing::Unreachable,
        Seen::Fresh { value, .. } | Seen::Loading { last: Some((value, _)) } => of_verdict(value),
    };
    Stand {
        is,
        stale: seen.at().is_some_and(|at| age::is_stale(at, now)),
        again: matches!(seen, Seen::Loading { last: Some(_) }),
    }
}

fn of_verdict(assessment: &Assessment) -> Standing {
    let Some(verdict) = &assessment.verdict else {
        return Standing::NotJudged;
    };
    let gone = |c: &crate::domain::Cause| c.check == CheckOf::Digest && c.cause == CauseKind::Absent;
    match verdict.result {
        Outcome::Verified => Standing::Verified,
        Outcome::Warned => Standing::Warned,
        Outcome::Rejected if verdict.causes.iter().any(gone) => Standing::Absent,
        Outcome::Rejected => Standing::Rejected,
        Outcome::Unknown => Standing::Unknown,
    }
}

/// What is known about one kind of evidence, in one letter's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holding {
    /// Nothing of that kind.
    None,
    /// There is something, but it carries no signature.
    Unsigned,
    /// It could not be fetched.
    Unreachable,
    /// There is something, and it does not hold.
    Fails,
    /// It is genuine, but asks for acknowledgement.
    Warns,
    /// A statement of that kind holds.
    Holds,
}

/// The best of one kind among the statements of an assessment. The verdict's causes count: a genuine
/// statement whose content the policy refuses does not hold.
pub fn holding(assessment: &Assessment, kind: EvidenceKind) -> Holding {
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
        if warned { Holding::Warns } else { Holding::Holds }
    } else if cause == Some(CauseKind::Unreachable) {
        Holding::Unreachable
    } else if [
        EvidenceState::Verified,
        EvidenceState::Failed,
        EvidenceState::Unsupported,
    ]
    .into_iter()
    .any(any)
    {
        Holding::Fails
    } else if any(EvidenceState::Unreachable) {
        Holding::Unreachable
    } else if of_kind().next().is_some() {
        Holding::Unsigned
    } else {
        Holding::None
    }
}

/// Whether provenance verifies for the candidate, so that it may be called CI-built; `None` while
/// that is not known.
pub fn ci_built(row: &ServiceRow) -> Option<bool> {
    row.assessment.fresh()?;
    Some(row.ci_built())
}
