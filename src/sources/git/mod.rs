//! Git repositories: found once, read by libgit2 or by the `git` program (the same answers by one trait),
//! fetched and written by the `git` program.

mod clone;
mod commit_changes;
mod compare;
pub mod edit;
mod error;
mod fetch;
mod git_cli;
mod hooks;
mod incoming;
mod known_changes;
mod libgit2;
mod locate;
pub mod manifest;
mod program;
mod proposals;
mod reader;
mod remote_address;
mod remote_failure;
mod repo;
mod revert;
mod stream;
mod tip;
mod tracked;
mod tracked_config;
mod tree_entry;
pub mod write;

pub(crate) use clone::{folders_named, remove_half_made};
pub(crate) use compare::{UnreadEntry, is_no_commit};
pub use error::GitError;
pub use fetch::FetchedRefs;
pub use known_changes::{KnownChanges, RecordedCommit};
pub use reader::{BlobChange, CommitChanges, CommitMeta, CommitOrder, FileFilter};
pub use repo::{Blobs, GitRepo};
pub use revert::{RevertOutcome, RevertedFile};
pub use tip::Tip;
pub(crate) use tracked::{FileOwner, owner_of};
pub use tree_entry::{TreeEntry, TreeFile};
