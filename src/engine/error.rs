//! Why the engine could not answer at all. Facts about single digests are never errors.

use std::io;

use crate::config::ConfigError;
use crate::sources::evidence::TrustError;
use crate::sources::git::GitError;
use crate::sources::registry::RegistryError;

/// A failure of the whole question, with what to do next in its text.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Git could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration file cannot be read.
    #[error("{file} cannot be read: {source}; name a readable file with --config")]
    ConfigFile {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// Trust material is unusable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The registry layer could not be set up, or a single question failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The question names something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// Something needed could not be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A worker stopped.
    #[error("internal: {0}; this is a bug in pindeck, please report it")]
    Internal(String),
}

impl EngineError {
    /// The exit status of docs/reference/contract.md for this failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::ConfigFile { .. } | Self::Usage(_) | Self::Trust(_) => 2,
            // The place is wrong, as a wrong `-C DIR` is.
            Self::Git(GitError::NotARepository { .. }) => 2,
            Self::Unreachable(_) => 6,
            Self::Registry(error) if error.cause() == crate::domain::CauseKind::Unreachable => 6,
            Self::Git(_) | Self::Registry(_) | Self::Internal(_) => 1,
        }
    }
}
