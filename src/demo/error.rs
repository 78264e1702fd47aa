//! Why the demo cannot start.

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder cannot be made or written.
    #[error("the demo's folder cannot be written: {0}; name another one with --dir")]
    Folder(#[source] std::io::Error),
    /// There is something in the folder already.
    #[error("{0} is not empty; the demo only makes its world in an empty or new folder")]
    Occupied(String),
    /// No loopback port.
    #[error("the demo's registry cannot listen on a loopback port: {0}")]
    Port(#[source] std::io::Error),
    /// No random numbers.
    #[error("the demo's signing keys cannot be made: the system gives no random numbers")]
    Key,
    /// Git does not start.
    #[error("git does not start: {0}; the demo's repository is made with it, so install git")]
    Git(#[source] std::io::Error),
    /// Git refused.
    #[error("git {doing} failed: {words}")]
    GitSaid {
        /// Its arguments.
        doing: String,
        /// Its words.
        words: String,
    },
}
