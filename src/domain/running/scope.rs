//! Where an environment runs, as `pindeck.toml` says it. Which address a cluster has and with what credentials it
//! is asked is the word of the person alone, in their own configuration.

/// How long a rollout may take before it is drift, where nothing else is said: a quarter of an hour.
const SETTLE_SECONDS: i64 = 15 * 60;

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningScope {
    /// The clusters with their namespaces; none where it is not known what runs.
    pub places: Vec<ClusterNamespaces>,
    /// How long a rollout may take before what runs is drift, in seconds.
    pub settle: i64,
}

impl Default for RunningScope {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            settle: SETTLE_SECONDS,
        }
    }
}

impl RunningScope {
    /// Whether it is known where the environment runs.
    pub fn is_known(&self) -> bool {
        !self.places.is_empty()
    }
}

/// The part of a cluster that belongs to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNamespaces {
    /// The cluster's name in `pindeck.toml`.
    pub cluster: String,
    /// The namespaces; never empty.
    pub namespaces: Vec<String>,
    /// Where the objects of Argo CD and Flux are: what the team says of the cluster, else the namespaces themselves.
    pub reconcilers: Vec<String>,
}
