//! Why the demo cannot start.

use crate::domain::failure::Failure;

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder cannot be made or written.
    #[error("the demo's folder cannot be written: {0}")]
    Folder(#[source] std::io::Error),
    /// There is something in the folder already.
    #[error("{0} is not empty, and the demo only makes its world in an empty or new folder")]
    Occupied(String),
    /// No loopback port.
    #[error("the demo's registry cannot listen on a loopback port: {0}")]
    Port(#[source] std::io::Error),
    /// No random numbers.
    #[error("the demo's signing keys cannot be made: the system gives no random numbers")]
    Key,
    /// Git does not start.
    #[error("git does not start: {0}")]
    Git(#[source] std::io::Error),
    /// Git refused.
    #[error("git {doing} failed: {words}")]
    GitSaid {
        /// Its arguments.
        doing: String,
        /// What the program printed.
        words: String,
    },
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        let hint = match &error {
            DemoError::Folder(_) | DemoError::Occupied(_) => "name another folder with --dir",
            DemoError::Port(_) | DemoError::Key => "try again",
            DemoError::Git(_) => "the demo's repository is made with git: install it",
            DemoError::GitSaid { .. } => "pindeck demo needs git and a writable folder",
        };
        Self::failed(error.to_string()).hint(hint)
    }
}
