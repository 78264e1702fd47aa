//! What `pindeck check` finds, and what the findings come to.

use serde::{Serialize, Serializer};

use crate::domain::failure::Hint;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::text::Untrusted;
use crate::domain::verdict::Verdict;

/// The kinds of finding. The names are stable: JSON, SARIF and JUnit have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum FindingKind {
    /// The new digest does not satisfy the environment's policy.
    PinRejected,
    /// Whether it does could not be found out.
    PinUnknown,
    /// It does, but for a WARNED test result that nobody acknowledged.
    PinWarned,
    /// A digest became a tag, or a new pin has no digest.
    PinByTag,
    /// The tag beside the digest names another digest now.
    TagDigestMismatch,
    /// A hold of the base closes the environment for the digest.
    HoldViolated,
    /// A hold goes or gets weaker together with a pin.
    HoldReleased,
    /// The digest is not pinned where it has to be before.
    OrderSkipped,
    /// It has not been there long enough.
    Soak,
    /// The environment is frozen now.
    Freeze,
    /// The policy, or a file that it names, changes together with a pin.
    PolicyChanged,
    /// The policy, or a file that it names, changes alone.
    PolicyChangedOnly,
    /// A new image that is nobody's service and not ignored.
    UnmanagedImage,
    /// Places of one pin no longer say the same.
    Split,
    /// A revert took this digest out before.
    RevertedDigest,
    /// The last pin of a service went with its workload.
    Removed,
    /// A workload that had a pin runs something else now.
    ImageReplaced,
    /// Whether something is pinned can no longer be read.
    Unreadable,
    /// The base has no policy yet; the head brings the first one.
    NoPolicy,
}

impl FindingKind {
    /// Every kind, in the order in which they are documented.
    pub(crate) const ALL: [Self; 19] = [
        Self::PinRejected,
        Self::PinUnknown,
        Self::PinWarned,
        Self::PinByTag,
        Self::TagDigestMismatch,
        Self::HoldViolated,
        Self::HoldReleased,
        Self::OrderSkipped,
        Self::Soak,
        Self::Freeze,
        Self::PolicyChanged,
        Self::PolicyChangedOnly,
        Self::UnmanagedImage,
        Self::Split,
        Self::RevertedDigest,
        Self::Removed,
        Self::ImageReplaced,
        Self::Unreadable,
        Self::NoPolicy,
    ];

    /// The stable name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PinRejected => "pin-rejected",
            Self::PinUnknown => "pin-unknown",
            Self::PinWarned => "pin-warned",
            Self::PinByTag => "pin-by-tag",
            Self::TagDigestMismatch => "tag-digest-mismatch",
            Self::HoldViolated => "hold-violated",
            Self::HoldReleased => "hold-released",
            Self::OrderSkipped => "order-skipped",
            Self::Soak => "soak",
            Self::Freeze => "freeze",
            Self::PolicyChanged => "policy-changed",
            Self::PolicyChangedOnly => "policy-changed-only",
            Self::UnmanagedImage => "unmanaged-image",
            Self::Split => "split",
            Self::RevertedDigest => "reverted-digest",
            Self::Removed => "removed",
            Self::ImageReplaced => "image-replaced",
            Self::Unreadable => "unreadable",
            Self::NoPolicy => "no-policy",
        }
    }

    /// The rule in one sentence, for people who meet it in a report.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Self::PinRejected => "A newly pinned digest satisfies the policy of its environment.",
            Self::PinUnknown => "Whether a newly pinned digest satisfies the policy can be found out.",
            Self::PinWarned => "A person acknowledges a WARNED test result.",
            Self::PinByTag => "A pin names a digest.",
            Self::TagDigestMismatch => "The tag beside a digest names that digest.",
            Self::HoldViolated => "A digest on hold does not step forward.",
            Self::HoldReleased => "A hold is not released together with a change of a pin.",
            Self::OrderSkipped => "A digest is pinned in the environments before first.",
            Self::Soak => "A digest stays in the environment before for a time.",
            Self::Freeze => "Nothing changes in a freeze window.",
            Self::PolicyChanged => "The policy does not change together with a pin.",
            Self::PolicyChangedOnly => "A change of the policy is looked at for what it does to the pins of today.",
            Self::UnmanagedImage => "Every image of an environment is a service's, or ignored on purpose.",
            Self::Split => "All places of a pin name the same digest.",
            Self::RevertedDigest => "A digest that was reverted does not come back unnoticed.",
            Self::Removed => "A pin that goes is named.",
            Self::ImageReplaced => "A workload that had a pin goes on running that service.",
            Self::Unreadable => "What is pinned can be read.",
            Self::NoPolicy => "A policy is there before pins are judged.",
        }
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// How much a finding weighs; the heaviest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FindingLevel {
    /// The change is refused.
    Error,
    /// Nobody can say.
    Unknown,
    /// A person should know.
    Warning,
    /// For the record.
    Note,
}

impl FindingLevel {
    /// The name in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a pin says on one side of the change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct PinVersion {
    /// The tag that is written there.
    pub tag: Option<String>,
    /// The bytes; `None` = pinned by tag only.
    pub digest: Option<Digest>,
}

/// One fact about a change that a person or a forge is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckFinding {
    /// Which rule it is about.
    pub kind: FindingKind,
    /// How much it weighs.
    pub level: FindingLevel,
    /// The service it is about.
    pub service: Option<ServiceId>,
    /// The environment it is about.
    pub environment: Option<EnvId>,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The file of the head; of the base where the head has it no more.
    pub file: Option<String>,
    /// The line in the head, from 1; `None` where the head has it no more.
    pub line: Option<u32>,
    /// What was pinned.
    pub from: Option<PinVersion>,
    /// What would be pinned.
    pub to: Option<PinVersion>,
    /// The verdict of the new digest.
    pub verdict: Option<Verdict>,
    /// What was found, in one sentence.
    pub message: Untrusted,
    /// What to do next.
    pub next: Hint,
}

impl CheckFinding {
    /// A finding about no pin in particular.
    pub(crate) fn new(
        kind: FindingKind,
        level: FindingLevel,
        message: impl Into<Untrusted>,
        next: impl Into<Hint>,
    ) -> Self {
        Self {
            kind,
            level,
            service: None,
            environment: None,
            component: None,
            file: None,
            line: None,
            from: None,
            to: None,
            verdict: None,
            message: message.into(),
            next: next.into(),
        }
    }

    /// The same at a place of the head, or of the base without a line.
    #[must_use]
    pub(crate) fn at(mut self, file: impl Into<String>, line: Option<u32>) -> Self {
        self.file = Some(file.into());
        self.line = line;
        self
    }
}

/// What all findings of a change come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CheckOutcome {
    /// Nothing but notes.
    Passed,
    /// At least one warning.
    Warned,
    /// At least one error.
    Refused,
    /// No error, and something that nobody can say.
    Unknown,
}

impl CheckOutcome {
    /// By the heaviest level: an error counts before what is not known.
    pub(crate) fn of<'f>(findings: impl IntoIterator<Item = &'f CheckFinding>) -> Self {
        match findings.into_iter().map(|finding| finding.level).min() {
            Some(FindingLevel::Error) => Self::Refused,
            Some(FindingLevel::Unknown) => Self::Unknown,
            Some(FindingLevel::Warning) => Self::Warned,
            Some(FindingLevel::Note) | None => Self::Passed,
        }
    }

    /// The name in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_level_decides_and_an_error_counts_before_the_unknown() {
        let of = |levels: &[FindingLevel]| {
            let findings = levels
                .iter()
                .map(|level| CheckFinding::new(FindingKind::Soak, *level, "m", "n"));
            CheckOutcome::of(&findings.collect::<Vec<_>>())
        };
        use FindingLevel as L;
        assert_eq!(of(&[]), CheckOutcome::Passed);
        assert_eq!(of(&[L::Note]), CheckOutcome::Passed);
        assert_eq!(of(&[L::Note, L::Warning]), CheckOutcome::Warned);
        assert_eq!(of(&[L::Warning, L::Unknown]), CheckOutcome::Unknown);
        assert_eq!(of(&[L::Unknown, L::Error, L::Note]), CheckOutcome::Refused);
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), FindingKind::ALL.len());
        assert!(FindingKind::ALL.iter().all(|kind| kind.rule().ends_with('.')));
    }
}
