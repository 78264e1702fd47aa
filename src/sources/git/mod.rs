//! Reading and writing git repositories: git2 reads, the `git` program fetches and writes.

mod blobs;
mod by_program;
pub mod edit;
mod error;
mod history;
mod lookup;
pub mod manifest;
mod program;
mod repo;
mod taken_back;
mod tip;
pub mod write;

pub use blobs::Blobs;
pub use error::GitError;
pub use history::{Change, CommitMeta};
pub use program::{Program, Ran};
pub use repo::{GitRepo, Tip, TreeFile};
pub use taken_back::TakenBack;
