//! What a person chooses between where a key could mean several things.

use crate::domain::id::{Digest, ServiceId};
use crate::domain::write::Request;

/// One of several things that a key could mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModalChoice {
    /// What sets it apart from the others.
    pub label: String,
    /// What would be asked; `None` where choosing it only closes the question.
    pub request: Option<Box<Request>>,
    /// What will refuse it, as far as the board can tell.
    pub obstacle: Option<String>,
    /// The digest of each service that the board shows.
    pub seen: Vec<(ServiceId, Digest)>,
    /// Choosing it means every part of what the last write did, one plan after another.
    pub all: bool,
}
