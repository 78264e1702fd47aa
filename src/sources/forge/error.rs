//! What can go wrong between pindeck and a forge.

use crate::domain::{Failure, FailureKind, Hint, Part, Wording};

/// Why a forge could not answer, or did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// No connection, or it broke.
    #[error("forge {host} cannot be reached for {what}: {detail}")]
    Connection {
        /// The host, as configured or as the git remote names it.
        host: String,
        /// What was asked for.
        what: String,
        /// The transport's words.
        detail: Wording,
    },
    /// No whole answer in time.
    #[error("forge {host} did not answer for {what} within {seconds} s")]
    Timeout {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// Status 401, or 403 that is no limit.
    #[error("forge {host} does not let us in for {what}: {detail}")]
    Denied {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
        /// The status, and the forge's words.
        detail: Wording,
    },
    /// Too many requests: it is not asked again before it says so.
    #[error("forge {host} has had too many requests, and is not asked for {what} for {seconds} s")]
    RateLimited {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// Status 404: no such repository, or none that may be seen.
    #[error("forge {host} knows nothing of {what}")]
    NotFound {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// A redirect to another server. It is not followed, with or without a token.
    #[error("forge {host} sends {what} on to another server, and pindeck does not follow")]
    Elsewhere {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// Any other status, or an answer that is not what it should be.
    #[error("forge {host} answers {detail} for {what}")]
    Answer {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// What was asked for.
        what: String,
        /// What came.
        detail: Wording,
    },
    /// There is no token for it.
    #[error("forge {host} opens no pull request without a token")]
    NoToken {
        /// As [`ForgeError::Connection`] names it.
        host: String,
        /// A token is there, and nobody said that it may be sent to that host.
        is_unapproved: bool,
    },
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let what = error.to_string();
        match error {
            ForgeError::Denied { .. } => Self::new(FailureKind::Denied, what)
                .hint("check the token of the forge (PINDECK_FORGE_TOKEN) and what it may do"),
            ForgeError::NotFound { .. } => Self::new(FailureKind::Denied, what)
                .hint("check `repository` in [forge]; a private one needs a token that may read it"),
            ForgeError::NoToken {
                host,
                is_unapproved: true,
            } => Self::new(FailureKind::Denied, what).hint(Hint::with(
                "add {} to approved_registries in your own configuration, so that a token may be sent there",
                &[Part::name(&host)],
            )),
            ForgeError::NoToken { .. } => Self::new(FailureKind::Denied, what).hint("set PINDECK_FORGE_TOKEN"),
            ForgeError::RateLimited { .. } => Self::unreachable(what).hint("it is asked again later"),
            ForgeError::Connection { .. } | ForgeError::Timeout { .. } => {
                Self::unreachable(what).hint("check the network and `host` in [forge]")
            }
            ForgeError::Elsewhere { .. } => Self::unreachable(what).hint("write the address that answers into [forge]"),
            ForgeError::Answer { .. } => {
                Self::unreachable(what).hint("check `kind` in [forge]; if it is right, try again later")
            }
        }
    }
}
