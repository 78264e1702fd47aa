//! What a pin shall become.

use crate::domain::id::Digest;

/// What a pin shall become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPin {
    /// The bytes it shall name.
    pub digest: Digest,
    /// What happens to a tag that is written beside it.
    pub tag: TagChange,
}

/// What happens to a visible tag; a pin without one gets none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// The tag is replaced by this one.
    Update(String),
    /// The tag is removed.
    Drop,
    /// It stays, and may then name other bytes than the digest.
    Keep,
}
