//! How much a value on screen is worth: never merge loading, absent, stale and unreachable.

use jiff::Timestamp;
use serde::Serialize;

use super::text::Untrusted;

/// A value as seen from outside, with when and how well it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "freshness")]
pub enum Seen<T> {
    /// Nobody has asked yet.
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
        /// What went wrong, in the source's words.
        detail: Untrusted,
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
    pub fn reloading(self) -> Self {
        Self::Loading { last: self.into_last() }
    }

    /// The same value after a failed question.
    #[must_use]
    pub fn failed(self, detail: Untrusted) -> Self {
        Self::Unreachable {
            detail,
            last: self.into_last(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_the_old_value_and_its_age() {
        let at = Timestamp::UNIX_EPOCH;
        let seen = Seen::Fresh { value: 7, at }.reloading().failed("timeout".into());
        assert_eq!((seen.value(), seen.at(), seen.fresh()), (Some(&7), Some(at), None));
        assert!(seen.is_unreachable());
    }

    #[test]
    fn not_checked_is_not_empty() {
        let seen: Seen<Vec<u8>> = Seen::NotChecked;
        assert_eq!(seen.value(), None);
        assert!(!seen.is_unreachable());
    }
}
