//! What is wrong in a policy of a gate.

use crate::domain::failure::Failure;

/// Most authorities of one policy.
pub(super) const MAX_AUTHORITIES: usize = 100;

/// What is wrong in a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct AdmissionError {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, cleaned. It may quote the file.
    pub what: String,
}

impl From<AdmissionError> for Failure {
    fn from(error: AdmissionError) -> Self {
        Self::usage(error.to_string()).hint(
            "give the policy as the cluster accepts it: kubectl get it with -o yaml, or the file it was applied from",
        )
    }
}
