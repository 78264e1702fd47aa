//! What one commit says and what it changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::text::Untrusted;

/// What a commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMeta {
    /// Full id.
    pub id: String,
    /// Parents' ids.
    pub parents: Vec<String>,
    /// Author's name.
    pub author: Untrusted,
    /// Committer date.
    pub at: Timestamp,
    /// First line of the message.
    pub subject: Untrusted,
    /// The whole message.
    pub message: Untrusted,
}

/// A file whose bytes one commit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobChange {
    /// Where it lies in the repository, with `/` between the parts.
    pub path: String,
    /// The blob before; `None` = no regular file was there.
    pub before: Option<String>,
    /// The blob after; `None` = no regular file is there any more.
    pub after: Option<String>,
}

/// One commit with what it changed. Nothing but the commit itself decides it, so it can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitChanges {
    /// Who made the commit and when, with its parents.
    pub commit: CommitMeta,
    /// The files that are others than in each parent, in the parents' order; a first commit has one side, against
    /// nothing. By path.
    pub sides: Vec<Vec<BlobChange>>,
    /// For each side in which a file that counts has come: the files that may have been that file before it was moved
    /// ([`FileFilter::may_have_been`]), and are gone. One that was moved before counts, and is told here, too. By path.
    pub gone: Vec<Vec<BlobChange>>,
    /// The clone lacks its parents (shallow): what it changed cannot be told, and there are no sides.
    pub is_cut: bool,
}

/// Which files a visit looks at.
pub trait FileFilter {
    /// Whether a file that counts may lie in this folder (without a `/` at its end), or deeper.
    fn may_contain(&self, folder: &str) -> bool;
    /// Whether this file counts.
    fn counts(&self, path: &str) -> bool;
    /// Whether a file that does not count may have become one that does, when it was moved.
    fn may_have_been(&self, _path: &str) -> bool {
        false
    }
    /// Whether all files that count, and may have been such a file, are manifests by their names.
    fn are_manifests(&self) -> bool {
        false
    }
}

/// The changes of files that count, and the files that may have been one of them and are gone ([`CommitChanges::gone`]).
pub(super) fn counted_and_gone(changed: Vec<BlobChange>, files: &dyn FileFilter) -> (Vec<BlobChange>, Vec<BlobChange>) {
    let (mine, others): (Vec<_>, Vec<_>) = changed.into_iter().partition(|change| files.counts(&change.path));
    let mut gone = Vec::new();
    if has_come(&mine) {
        let may_be = |change: &BlobChange| change.after.is_none() && files.may_have_been(&change.path);
        gone.extend(mine.iter().filter(|change| may_be(change)).cloned());
        gone.extend(others.into_iter().filter(may_be));
        gone.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    }
    (mine, gone)
}

/// Whether a file has come with these changes: then it may have been another one before.
pub(super) fn has_come(changes: &[BlobChange]) -> bool {
    changes.iter().any(|change| change.before.is_none())
}
