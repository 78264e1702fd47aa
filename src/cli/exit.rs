//! Exit statuses: the only place that knows their numbers.

use crate::domain::failure::FailureKind;

/// How a command ends. Pipelines rely on the numbers (docs: "Exit status").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, all as it should be, or nothing to do.
    Done,
    /// The operation failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Drift or a difference was found, and `--exit-code` was given.
    Found,
    /// A policy or a gate refuses.
    Refused,
    /// The branch or the evidence moved.
    Conflict,
    /// Something needed could not be reached.
    Unknown,
    /// The remote refused the push.
    RemoteRefused,
    /// Pushed, but the cluster does not run it.
    NotRunning,
    /// A signal with this number ended it.
    Signal(u8),
}

impl Exit {
    /// Every status but the signals', the one that counts first before those it hides.
    const BY_WEIGHT: [Self; 9] = [
        Self::Usage,
        Self::Refused,
        Self::Conflict,
        Self::RemoteRefused,
        Self::Unknown,
        Self::Failed,
        Self::NotRunning,
        Self::Found,
        Self::Done,
    ];

    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Found => 3,
            Self::Refused => 4,
            Self::Conflict => 5,
            Self::Unknown => 6,
            Self::RemoteRefused => 7,
            Self::NotRunning => 8,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }

    /// The status of a command that a failure ended. It depends on the kind alone, so that the same fault
    /// has the same status in every command.
    pub(crate) const fn of(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Usage => Self::Usage,
            FailureKind::Refused => Self::Refused,
            FailureKind::Conflict => Self::Conflict,
            FailureKind::RemoteRefused => Self::RemoteRefused,
            FailureKind::Unreachable | FailureKind::Denied | FailureKind::NotChecked => Self::Unknown,
            FailureKind::Interrupted => Self::Signal(2),
            FailureKind::Absent
            | FailureKind::Corrupt
            | FailureKind::Malformed
            | FailureKind::Unsupported
            | FailureKind::TooLarge
            | FailureKind::Failed => Self::Failed,
        }
    }

    /// Of several statuses the one that counts. A signal counts before all others.
    pub(crate) fn heaviest(statuses: impl IntoIterator<Item = Self>) -> Self {
        let weight = |status: &Self| Self::BY_WEIGHT.iter().position(|s| s == status);
        statuses.into_iter().min_by_key(weight).unwrap_or(Self::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_statuses_the_heaviest_counts() {
        let codes: Vec<u8> = Exit::BY_WEIGHT.iter().map(|status| status.code()).collect();
        assert_eq!(codes, [2, 4, 5, 7, 6, 1, 8, 3, 0]);
        for (at, first) in Exit::BY_WEIGHT.iter().enumerate() {
            for second in &Exit::BY_WEIGHT[at..] {
                assert_eq!(Exit::heaviest([*second, *first]), *first, "{first:?} {second:?}");
            }
        }
        assert_eq!(Exit::heaviest([Exit::Usage, Exit::Signal(2)]).code(), 130);
        assert_eq!(Exit::heaviest([]), Exit::Done);
    }

    #[test]
    fn a_failure_has_the_status_of_its_kind() {
        use FailureKind as K;
        for (kind, code) in [
            (K::Usage, 2),
            (K::Refused, 4),
            (K::Conflict, 5),
            (K::RemoteRefused, 7),
            (K::Unreachable, 6),
            (K::Denied, 6),
            (K::NotChecked, 6),
            (K::Absent, 1),
            (K::Corrupt, 1),
            (K::Malformed, 1),
            (K::Unsupported, 1),
            (K::TooLarge, 1),
            (K::Failed, 1),
            (K::Interrupted, 130),
        ] {
            assert_eq!(Exit::of(kind).code(), code, "{kind:?}");
        }
    }
}
