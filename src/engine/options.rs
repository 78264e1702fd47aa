//! How the engine is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::user::ClusterAccess;
use crate::domain::rotation::AgeLimits;

/// How the engine is opened: the global flags and the user's settings.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Folder to look for the repository from.
    pub dir: PathBuf,
    /// Team policy outside the repository (`--config`).
    pub config: Option<PathBuf>,
    /// Registries for which a repository's own endpoint, CA and plain HTTP may be used with this
    /// user's credentials.
    pub approved_registries: Vec<String>,
    /// Other repositories that a repository's own file may name for its environments.
    pub approved_repositories: Vec<String>,
    /// How the clusters that a team names are reached, as this user says.
    pub clusters: BTreeMap<String, ClusterAccess>,
    /// Ask no network at all.
    pub offline: bool,
    /// Do not fetch the remote first.
    pub no_fetch: bool,
    /// How old answers may grow where one pass follows another.
    pub age_limits: AgeLimits,
    /// Refuse every write.
    pub read_only: bool,
    /// Folder of the disposable cache; `None` = keep nothing.
    pub cache_dir: Option<PathBuf>,
    /// Upper bound of the content cache, in bytes.
    pub cache_bytes: u64,
    /// Folder of what is remembered from run to run (tag moves); `None` = remember nothing.
    pub state_dir: Option<PathBuf>,
    /// Folder of what cannot be made anew without the network (refreshed trusted roots); `None` = keep none.
    pub data_dir: Option<PathBuf>,
}
