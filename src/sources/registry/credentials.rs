//! Where credentials come from.

/// Credential files and helpers, read when a registry asks and not before.
#[derive(Debug, Clone, Default)]
pub struct Credentials {}

impl Credentials {
    /// No credentials at all.
    pub fn anonymous() -> Self {
        Self {}
    }

    /// The files that Docker and Podman use, found through the process's environment.
    pub fn from_environment() -> Self {
        Self {}
    }
}
