//! How much a value on screen is worth: never merge loading, absent, stale and unreachable.

use jiff::Timestamp;

use super::failure::{Failure, FailureKind};

/// The answer to one question, or why there is none, and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub result: Result<T, Failure>,
    /// When it came.
    pub at: Timestamp,
}

/// A value as seen from outside, with when and how well it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// Nobody has asked: not yet, or because `--offline` forbids it.
    NotChecked,
    /// Asked, no answer yet; an older value stays visible.
    Loading {
        /// The value before this refresh and when it was true.
        last: Option<(T, Timestamp)>,
    },
    /// Answered.
    Fresh {
        /// The answer.
        value: T,
        /// When it was given.
        at: Timestamp,
    },
    /// Could not be asked; an older value stays visible with its age.
    Unreachable {
        /// What went wrong.
        failure: Failure,
        /// The value before and when it was true.
        last: Option<(T, Timestamp)>,
    },
}

impl<T> Seen<T> {
    /// The newest known value, however old.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::NotChecked => None,
            Self::Fresh { value, .. } => Some(value),
            Self::Loading { last } | Self::Unreachable { last, .. } => last.as_ref().map(|(value, _)| value),
        }
    }

    /// The value only if the latest question was answered.
    pub fn fresh(&self) -> Option<&T> {
        match self {
            Self::Fresh { value, .. } => Some(value),
            _ => None,
        }
    }

    /// When the newest known value was true.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::NotChecked => None,
            Self::Fresh { at, .. } => Some(*at),
            Self::Loading { last } | Self::Unreachable { last, .. } => last.as_ref().map(|(_, at)| *at),
        }
    }

    /// Whether the latest question could not be answered.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    fn into_last(self) -> Option<(T, Timestamp)> {
        match self {
            Self::NotChecked => None,
            Self::Fresh { value, at } => Some((value, at)),
            Self::Loading { last } | Self::Unreachable { last, .. } => last,
        }
    }

    /// The same value, being asked for again.
    #[must_use]
    pub(crate) fn reloading(self) -> Self {
        Self::Loading { last: self.into_last() }
    }

    /// Takes the answer to the latest question in. A question that failed leaves the older value, with its
    /// age; one that was not asked (`--offline`) leaves everything as it was.
    pub(crate) fn take(&mut self, answer: Answered<T>) {
        let before = std::mem::replace(self, Self::NotChecked);
        *self = match answer.result {
            Ok(value) => Self::Fresh { value, at: answer.at },
            Err(failure) if failure.kind == FailureKind::NotChecked => before.settled(),
            Err(failure) => Self::Unreachable {
                failure,
                last: before.into_last(),
            },
        };
    }

    /// The same at the end of a pass that did not ask: what was known before stays known, with its age.
    #[must_use]
    pub(crate) fn settled(self) -> Self {
        match self {
            Self::Loading {
                last: Some((value, at)),
            } => Self::Fresh { value, at },
            Self::Loading { last: None } => Self::NotChecked,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: FailureKind) -> Answered<i32> {
        Answered {
            result: Err(Failure::new(kind, "timeout")),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_failure_keeps_the_old_value_and_its_age() {
        let at = Timestamp::UNIX_EPOCH;
        let mut seen = Seen::Fresh { value: 7, at }.reloading();
        seen.take(failed(FailureKind::Unreachable));
        assert_eq!((seen.value(), seen.at(), seen.fresh()), (Some(&7), Some(at), None));
        assert!(seen.is_unreachable());
        seen.take(failed(FailureKind::Denied));
        assert_eq!(seen.value(), Some(&7));
        seen.take(Answered { result: Ok(8), at });
        assert_eq!(seen, Seen::Fresh { value: 8, at });
    }

    #[test]
    fn what_was_not_asked_is_neither_unreachable_nor_lost() {
        let at = Timestamp::UNIX_EPOCH;
        let mut seen = Seen::Loading { last: None };
        seen.take(failed(FailureKind::NotChecked));
        assert_eq!(seen, Seen::NotChecked);
        let mut seen = Seen::Fresh { value: 7, at }.reloading();
        seen.take(failed(FailureKind::NotChecked));
        assert_eq!(seen, Seen::Fresh { value: 7, at });
    }

    #[test]
    fn not_checked_is_not_empty() {
        let seen: Seen<Vec<u8>> = Seen::NotChecked;
        assert_eq!(seen.value(), None);
        assert!(!seen.is_unreachable());
    }
}
