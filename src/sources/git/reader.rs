//! What reading a repository takes, whoever reads it: libgit2 in this process, or the `git` program for
//! what libgit2 cannot read (partial clones, SHA-256, reftables, and what only git itself trusts).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::error::GitError;
use super::tree_entry::{RawEntry, TreeListing};
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

/// One path that one commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Who made the commit and when, with its parents.
    pub commit: CommitMeta,
    /// The path asked for (a renamed file keeps the name it has at the tip).
    pub path: String,
    /// The blob before; `None` = not there.
    pub before: Option<String>,
    /// The blob after; `None` = not there any more.
    pub after: Option<String>,
}

/// A path in which two trees differ. Folders are compared by what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedEntry {
    /// The path, `/`-separated: git knows no encoding.
    pub path: Vec<u8>,
    /// The entry of the old tree.
    pub old: Option<RawEntry>,
    /// The entry of the new tree.
    pub new: Option<RawEntry>,
}

/// A file that has another name in a later tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rename {
    /// Its name in the old tree.
    pub old: String,
    /// Its blob there.
    pub old_blob: String,
    /// Its name in the new tree.
    pub new: String,
}

/// How like two files must be for one to be the other under a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// So many of a hundred lines.
    Percent(u8),
    /// The same bytes: no content is needed to tell.
    Identical,
}

/// Which parents of a merge count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FollowedParents {
    All,
    First,
}

/// A walk through history.
#[derive(Debug, Clone, Copy)]
pub(super) struct HistoryWalk<'a> {
    /// The commit to start from.
    pub tip: &'a str,
    /// The files that count; none = all.
    pub paths: &'a [String],
    /// Which parents are followed.
    pub parents: FollowedParents,
    /// Commits whose parents a shallow clone lacks: what they changed cannot be told.
    pub boundary: &'a BTreeSet<String>,
}

/// Is told all that one commit changed.
pub(super) type CommitVisitor<'a> = &'a mut dyn FnMut(Vec<ChangedFile>) -> ControlFlow<()>;

/// One way to read a repository, for one job on one thread. The ways give the same answers.
pub(super) trait GitReader {
    /// The checked-out branch; `None` = HEAD is detached.
    fn head_branch(&self) -> Option<String>;
    /// Remote and branch that a local branch follows.
    fn upstream(&self, branch: &str) -> Option<(String, String)>;
    /// The names of all remotes.
    fn remotes(&self) -> Vec<String>;
    /// The URL that a remote is fetched from.
    fn remote_url(&self, remote: &str) -> Option<String>;
    /// The commit of a remote-tracking branch.
    fn tracking(&self, remote: &str, branch: &str) -> Option<String>;
    /// Whether any branch of a remote is known.
    fn has_tracking(&self, remote: &str) -> bool;
    /// The default branch of a remote, as this clone knows it.
    fn remote_head(&self, remote: &str) -> Option<String>;
    /// The commit of a local branch; of HEAD, if that is its name.
    fn local(&self, branch: &str) -> Option<String>;
    /// How many commits only `here` has, and how many only `there` has; `None` = cannot be told.
    fn ahead_behind(&self, here: &str, there: &str) -> Option<(usize, usize)>;
    /// Whether the working tree has changes.
    fn is_dirty(&self) -> bool;

    /// A commit.
    ///
    /// # Errors
    /// If it cannot be read.
    fn commit(&self, id: &str) -> Result<CommitMeta, GitError>;
    /// All regular files of a commit. Links and submodules are left out: nothing outside the repository is
    /// ever read.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    fn list(&self, commit: &str) -> Result<TreeListing, GitError>;
    /// What a commit has at a path, given as its parts. Where a link or a submodule stands in the way, the
    /// answer is that one; below a file there is nothing.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    fn entry(&self, commit: &str, parts: &[&str]) -> Result<Option<RawEntry>, GitError>;
    /// The bytes of a blob.
    ///
    /// # Errors
    /// If it is not there, no blob, or not what its name says.
    fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError>;
    /// Every path in which two commits differ; `None` = the empty tree before a first commit.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    fn compare(&self, old: Option<&str>, new: &str) -> Result<Vec<ChangedEntry>, GitError>;
    /// The files that have another name in `new` than they had in `old`.
    ///
    /// # Errors
    /// If a commit, tree or content cannot be read.
    fn renames(&self, old: &str, new: &str, likeness: Likeness) -> Result<Vec<Rename>, GitError>;
    /// Reports what each commit reachable from the tip changed, newest first, until told to stop.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    fn walk(&self, walk: HistoryWalk<'_>, visit: CommitVisitor<'_>) -> Result<(), GitError>;
}
