//! What commits changed, as it was found out before. A commit never changes, so nothing of this is ever out of date; it only
//! may not reach as far as it is asked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commit_changes::{BlobChange, CommitChanges, CommitMeta, FileFilter, counted_and_gone, has_come};

/// A memory of what commits changed.
pub trait KnownChanges {
    /// What is known of a commit.
    fn get(&self, commit: &str) -> Option<RecordedCommit>;
    /// Remembers it.
    fn add(&self, commit: &str, recorded: &RecordedCommit);
}

/// A commit with the manifests that it changed, whatever counts today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedCommit {
    /// Parents' ids.
    pub(in crate::sources::git) parents: Vec<String>,
    /// Author's name.
    author: String,
    /// Committer date, in seconds.
    pub(in crate::sources::git) seconds: i64,
    /// The whole message.
    message: String,
    /// Against each parent; a first commit has one side, against nothing.
    sides: Vec<RecordedSide>,
}

/// What a commit changed against one parent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct RecordedSide {
    /// The manifests that are others, by path.
    pub changed: Vec<BlobChange>,
    /// Folders that differ and were not looked into.
    pub skipped: Vec<String>,
}

impl RecordedSide {
    /// Whether everything is there that a visit of these files asks for: where one of them has come, every folder.
    fn suffices(&self, files: &dyn FileFilter, is_first: bool) -> bool {
        let may_lack = || self.skipped.iter().any(|folder| files.may_contain(folder));
        self.skipped.is_empty() || !may_lack() && (is_first || !has_come(&self.of(files)))
    }

    /// The changes of the files that count.
    fn of(&self, files: &dyn FileFilter) -> Vec<BlobChange> {
        let counted = self.changed.iter().filter(|change| files.counts(&change.path));
        counted.cloned().collect()
    }
}

impl RecordedCommit {
    pub(super) fn new(commit: CommitMeta, seconds: i64, sides: Vec<RecordedSide>) -> Self {
        Self {
            parents: commit.parents,
            author: commit.author.raw().to_owned(),
            seconds,
            message: commit.message.raw().to_owned(),
            sides,
        }
    }

    /// Whether everything is there that a visit of these files asks for.
    pub(super) fn suffices(&self, files: &dyn FileFilter) -> bool {
        let is_first = self.parents.is_empty();
        self.sides.iter().all(|side| side.suffices(files, is_first))
    }

    /// What a visit of these files tells of it.
    pub(super) fn into_changes(self, id: String, files: &dyn FileFilter) -> CommitChanges {
        let sides = self.sides.into_iter().map(|side| counted_and_gone(side.changed, files));
        let (sides, gone): (Vec<_>, Vec<_>) = sides.unzip();
        // A first commit brought everything, and nothing is gone.
        let gone = if self.parents.is_empty() { Vec::new() } else { gone };
        CommitChanges {
            commit: meta(id, self.parents, self.author, self.seconds, self.message),
            sides,
            gone,
            is_cut: false,
        }
    }
}

/// What a commit says about itself.
pub(super) fn meta(id: String, parents: Vec<String>, author: String, seconds: i64, message: String) -> CommitMeta {
    CommitMeta {
        id,
        parents,
        author: author.into(),
        at: Timestamp::from_second(seconds).unwrap_or_default(),
        subject: message.lines().next().unwrap_or("").into(),
        message: message.into(),
    }
}
