//! Trusted roots from TUF repositories: which one is asked for which root, the refresh, and what is kept of it.
//!
//! `sigstore-tuf` verifies (signatures and thresholds, the chain of roots, versions, expiry, lengths and hashes). Here is
//! what it leaves to its caller: how files are fetched and how many bytes of them, what is kept under which name, that
//! nothing kept is ever replaced by something older, and that a refresh counts as a whole or not at all
//! (docs/adr/0012-tuf.md).

mod error;
mod fetch;
mod kept;
mod refresh;
mod source;

pub use error::TufError;
pub use kept::{RootFolder, VerifiedRoot};
pub use refresh::refresh;
pub use source::TufSource;
