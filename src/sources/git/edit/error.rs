//! Why a pin is not edited.

/// Why a pin is not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The reference is no longer where it was found.
    #[error("{file} is not as it was when {path} was found in it; read it again")]
    Moved {
        /// Path in the repository, `/`-separated.
        file: String,
        /// The place.
        path: String,
    },
    /// The place cannot be edited.
    #[error("{file}:{line} cannot be edited: {reason}; change it by hand")]
    ReadOnly {
        /// Path in the repository, `/`-separated.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Why.
        reason: String,
    },
    /// Another image takes its digest from the same bytes.
    #[error("{file}:{line} also pins {other}, which must not get this digest; give each its own field first")]
    Shared {
        /// Path in the repository, `/`-separated.
        file: String,
        /// Line, from 1.
        line: u32,
        /// The other image as written.
        other: String,
    },
    /// The tag cannot be changed as asked.
    #[error("{file}:{line}: the tag cannot be {asked}: {reason}; choose another --tag")]
    Tag {
        /// Path in the repository, `/`-separated.
        file: String,
        /// Line, from 1.
        line: u32,
        /// `dropped` or `updated`.
        asked: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The result did not pass the checks.
    #[error("the edit of {file} could not be proven to change only the pin ({why}); change it by hand")]
    Unproven {
        /// Path in the repository, `/`-separated.
        file: String,
        /// Which check failed, and how.
        why: String,
    },
}
