//! Plans under way: what becomes of a request before it is shown, with everything that carrying it out needs.

use crate::domain::evidence::Evidence;
use crate::domain::id::Target;
use crate::domain::plan::Plan;
use crate::domain::policy::WriteMode;
use crate::domain::write::{Alternative, Proposal};
use crate::engine::effective::MeantEdit;
use crate::sources::git::write::FileChange;

/// One service's plan with the files it makes.
pub(super) struct Draft {
    pub plan: Plan,
    /// Changed files, whole, on top of the drafts before.
    pub files: Vec<FileChange>,
    /// What changes on the branch of the policy with it, where the pin lies on another one: holds that begin, and then
    /// those that end.
    pub beside: Vec<BesideCommit>,
    /// What of the deployed images its files are meant to change; `None` where they change no pins by their places.
    pub meant: Option<MeantEdit>,
    /// What is attached to the digest where it comes from.
    pub evidence: Vec<Evidence>,
}

/// A commit on the branch of the policy that lands together with a pin's on another branch, or not at all. Where nobody
/// promises that, holds begin before the pin lands and end after it: what is in between is closed more, never less.
#[derive(Debug, Clone)]
pub(super) struct BesideCommit {
    /// Holds end with it; else they begin.
    pub is_end: bool,
    pub change: FileChange,
    pub message: String,
}

impl Draft {
    /// Whether a hold would begin on the branch of the policy, where the pin lies on another one.
    pub(crate) fn begins_hold(&self) -> bool {
        self.beside.iter().any(|beside| !beside.is_end)
    }
}

/// All drafts of a request.
#[derive(Default)]
pub(super) struct Drafted {
    pub drafts: Vec<Draft>,
    pub already: Vec<Target>,
    pub alternatives: Vec<Alternative>,
    pub whole_commit: Option<String>,
}

/// A proposal with everything that carrying it out needs.
pub(super) struct Prepared {
    pub proposal: Proposal,
    pub drafts: Vec<Draft>,
    pub write: WriteMode,
}
