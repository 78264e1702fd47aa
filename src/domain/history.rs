//! What git remembers about a pin.

use jiff::Timestamp;
use serde::Serialize;

use super::id::Digest;
use super::text::Untrusted;

/// What a commit did to a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A step forward recorded by its trailers.
    Promote,
    /// A revert, by trailer or by git's own "This reverts commit".
    Revert,
    /// Anything else.
    Other,
}

/// One change of one pin, newest first in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Full commit id.
    pub commit: String,
    /// Author's name.
    pub author: Untrusted,
    /// Committer date.
    pub at: Timestamp,
    /// First line of the message.
    pub subject: Untrusted,
    /// What it did.
    pub action: Action,
    /// The commit it reverts.
    pub reverts: Option<String>,
    /// Digest before; `None` = no digest before.
    pub from: Option<Digest>,
    /// Digest after; `None` = removed or pinned by tag.
    pub to: Option<Digest>,
    /// Visible tag after.
    pub tag: Option<String>,
    /// The break-glass reason, if gates were waived.
    pub break_glass: Option<Untrusted>,
}
