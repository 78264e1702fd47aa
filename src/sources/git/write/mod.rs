//! Writing: commits on any commit without a checkout, the tree of a revert, and a push that is never
//! forced.
//!
//! Nothing here touches the working tree, the index, HEAD or a branch of the person's clone: blobs,
//! trees and commits go into its object database, and a push moves the remote's branch and with it the
//! remote-tracking one. No checkout means that a repository of any size costs the same, that no filter
//! or line-end rule alters a byte, and that no code of a fetched commit runs. CommitIdentity, signing, hooks
//! outside the tracked tree, ssh and credential helpers are those that the person has configured.

mod commit;
mod error;
mod propose;
mod push;
mod push_output;
mod tree;

pub use commit::{CommitIdentity, Signing};
pub use error::{PushError, RefusedBy, WriteError};
pub use propose::{ProposedPush, Proposing};
pub use push::{Expected, Push, Pushed};
pub use push_output::{PushOutput, PushReport};
pub use tree::{FileAfter, FileBefore, FileChange};
