//! How far a list is that arrives in pieces.

use crate::domain::failure::Failure;

/// How far the reading of a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// More may come.
    Running,
    /// That is all git knows.
    Complete,
    /// It broke off; what was read stays.
    Failed(Failure),
}
