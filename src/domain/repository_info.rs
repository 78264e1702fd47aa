//! The repository that a board is read from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::policy::Environment;
use super::text::Untrusted;

/// The repository as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepositoryInfo {
    /// Path of the repository (its working tree, or the bare folder).
    pub path: String,
    /// The branch that counts.
    pub branch: String,
    /// The commit that was read.
    pub commit: String,
    /// The remote whose tracking branch was read; `None` = local HEAD.
    pub remote: Option<String>,
    /// Local commits that the remote-tracking commit lacks.
    pub ahead: u32,
    /// Commits of the remote-tracking branch that the local branch lacks.
    pub behind: u32,
    /// Whether the working tree has changes (they never count).
    pub dirty: bool,
    /// The other branches that environments are read from, with the commits that were read.
    #[serde(skip)]
    pub branches: BTreeMap<String, String>,
    /// Whether the remote was fetched before the commit was read.
    pub fetch: Fetch,
}

impl RepositoryInfo {
    /// The branch that an environment is read from, and the commit that was read of it.
    pub fn read_from<'a>(&'a self, environment: &'a Environment) -> (&'a str, &'a str) {
        let own = environment.branch.as_deref();
        let known = own.and_then(|branch| Some((branch, self.branches.get(branch)?.as_str())));
        known.unwrap_or((&self.branch, &self.commit))
    }
}

/// Whether the remote was fetched in this run, so that the commit that was read is its newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// It was, at this time.
    Fresh(Timestamp),
    /// It was tried at this time and failed: what was read is what an earlier fetch left.
    Failed(Timestamp, Untrusted),
    /// It was not tried: `--offline`, `--no-fetch`, or there is no remote.
    NotAsked,
}

/// `{"state": "fresh|failed|not-asked", "at": time or null, "error": text or null}`
impl Serialize for Fetch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            state: &'static str,
            at: Option<Timestamp>,
            error: Option<&'a Untrusted>,
        }
        let (state, at, error) = match self {
            Self::Fresh(at) => ("fresh", Some(*at), None),
            Self::Failed(at, error) => ("failed", Some(*at), Some(error)),
            Self::NotAsked => ("not-asked", None, None),
        };
        Document { state, at, error }.serialize(serializer)
    }
}
