//! What reading a repository takes, whoever reads it: libgit2 in this process, or the `git` program for
//! what libgit2 cannot read (partial clones, SHA-256, reftables, and what only git itself trusts).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

pub use super::commit_changes::{BlobChange, CommitChanges, CommitMeta, FileFilter};
pub(super) use super::commit_changes::{counted_and_gone, has_come};
use super::error::GitError;
use super::known_changes::KnownChanges;
use super::tree_entry::{RawEntry, TreeListing};

/// The order in which commits are visited, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOrder {
    /// By date, as they are found: the first answers come at once. Where clocks were wrong, a commit may come
    /// before one that it led to.
    Date,
    /// No commit before all that it led to: the whole graph is read first.
    Topological,
}

/// A visit of every commit that is reachable from one.
#[derive(Clone, Copy)]
pub(super) struct CommitVisit<'a> {
    /// The commit to start from.
    pub tip: &'a str,
    /// In which order.
    pub order: CommitOrder,
    /// The files that count.
    pub files: &'a dyn FileFilter,
    /// Commits whose parents a shallow clone lacks.
    pub boundary: &'a BTreeSet<String>,
    /// What was found out before. Not every reader asks it.
    pub known: Option<&'a dyn KnownChanges>,
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

/// Is told what one commit changed.
pub(super) type VisitCommit<'a> = &'a mut dyn FnMut(CommitChanges) -> ControlFlow<()>;

/// Is told a commit and its parents.
pub(super) type VisitParents<'a> = &'a mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>) -> ControlFlow<()>;

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
    /// The names of everything in the top folder of a commit: files, links, folders and submodules. Bytes that
    /// are no UTF-8 are replaced.
    ///
    /// # Errors
    /// If the commit or its tree cannot be read.
    fn names_at_top(&self, commit: &str) -> Result<Vec<String>, GitError>;
    /// The size of a blob in bytes, where it costs nothing to know.
    fn blob_size(&self, oid: &str) -> Option<u64>;
    /// The bytes of a blob.
    ///
    /// # Errors
    /// If it is not there, no blob, or not what its name says.
    fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        let bytes = self.blob_if(oid, u64::MAX, &|_| true)?;
        Ok(bytes.unwrap_or_default())
    }
    /// The bytes of a blob, if they are no more than `most` and wanted at a first look. What is larger is not read where
    /// that can be told before; what is not wanted is neither copied nor compared with its name.
    ///
    /// # Errors
    /// As [`GitReader::blob`].
    fn blob_if(&self, oid: &str, most: u64, is_wanted: &dyn Fn(&[u8]) -> bool) -> Result<Option<Vec<u8>>, GitError>;
    /// Every path in which two commits differ; `None` = the empty tree before a first commit.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    fn compare(&self, old: Option<&str>, new: &str) -> Result<Vec<ChangedEntry>, GitError>;
    /// The files that have another name in `new` than they had in `old`, where so many of a hundred lines are the
    /// same.
    ///
    /// # Errors
    /// If a commit, tree or content cannot be read.
    fn renames(&self, old: &str, new: &str, percent: u8) -> Result<Vec<Rename>, GitError>;
    /// Reports each commit reachable from the tip with what it changed against each of its parents, newest
    /// first, until told to stop.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    fn visit(&self, visit: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError>;
    /// Reports each commit reachable from some commits with its parents and nothing else, newest first, until told to
    /// stop. Where a clone is cut, a commit has none.
    ///
    /// # Errors
    /// If a commit cannot be read.
    fn visit_parents(&self, from: &[String], each: VisitParents<'_>) -> Result<(), GitError>;
}
