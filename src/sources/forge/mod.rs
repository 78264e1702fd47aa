//! Forges: where a pull request is opened, and what became of it. GitHub, GitLab, Forgejo and Gitea, each by the few
//! questions that proposals need.
//!
//! What a forge answers explains and decides nothing: whether a proposal is merged, git says. A token goes to the one
//! server that it is for, over TLS, and along with no redirect to another one.

mod address;
mod answers;
mod client;
mod error;
mod gitea;
mod github;
mod gitlab;
mod pull_requests;
mod token;

pub use address::ForgeAddress;
pub(crate) use address::settings_elsewhere;
pub use answers::{FoundProposal, NewProposal, read_checks, read_proposals};
pub use client::{ForgeClient, ForgeLimits};
pub use error::ForgeError;
pub use token::ForgeToken;
