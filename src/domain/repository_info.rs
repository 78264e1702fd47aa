//! The repository that a board is read from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::id::EnvId;
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
    /// Where environments are read from that are not on the branch that counts.
    #[serde(skip)]
    pub elsewhere: BTreeMap<EnvId, EnvironmentOrigin>,
    /// Whether the remote was fetched before the commit was read.
    pub fetch: Fetch,
}

impl RepositoryInfo {
    /// The branch that an environment is read from, and the commit that was read of it; of one that could not be read,
    /// what is known.
    pub fn read_from(&self, environment: &Environment) -> (Option<&str>, Option<&str>) {
        match self.elsewhere.get(&environment.name) {
            None => (Some(&self.branch), Some(&self.commit)),
            Some(origin) => (origin.branch.as_deref(), origin.commit.as_deref()),
        }
    }

    /// Why nothing is known of an environment, if nothing is.
    pub fn unread(&self, environment: &EnvId) -> Option<&Failure> {
        self.elsewhere.get(environment)?.unread.as_ref()
    }

    /// What of other repositories is not known, or not as it is now: the environment, and why.
    pub fn trouble_elsewhere(&self) -> impl Iterator<Item = (&EnvId, Untrusted)> {
        self.elsewhere
            .iter()
            .filter_map(|(name, origin)| match (&origin.unread, &origin.fetch) {
                (Some(failure), _) => Some((name, failure.sentence())),
                (None, Fetch::Failed(_, why)) => Some((name, why.clone())),
                (None, Fetch::Fresh(_) | Fetch::NotAsked) => None,
            })
    }
}

/// Where an environment is read from, if that is not the branch that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentOrigin {
    /// The other repository, as an address of git or a folder; `None` = another branch of the same.
    pub repository: Option<String>,
    /// The branch; `None` = it could not be read, and nobody says which.
    pub branch: Option<String>,
    /// The commit that was read; `None` = it could not be read.
    pub commit: Option<String>,
    /// Whether the other repository was fetched before.
    pub fetch: Fetch,
    /// Why nothing of it is known, if nothing is.
    pub unread: Option<Failure>,
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
