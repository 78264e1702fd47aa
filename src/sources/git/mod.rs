//! Reading and writing git repositories: git2 reads, the `git` program fetches and writes.

mod blobs;
pub mod edit;
mod error;
mod git_cli;
mod history;
mod hooks;
mod locate;
pub mod manifest;
mod program;
mod repo;
mod revert_preview;
mod tip;
mod tracked;
mod tracked_config;
mod tree_entry;
mod tree_lookup;
pub mod write;

pub use blobs::Blobs;
pub use error::GitError;
pub use history::{ChangedFile, CommitMeta};
pub use program::{GitOutput, GitProgram};
pub use repo::{GitRepo, Tip};
pub use revert_preview::RevertedFile;
pub use tracked::{FileOwner, owner_of};
pub use tree_entry::{TreeEntry, TreeFile};
