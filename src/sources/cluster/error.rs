//! What can go wrong between pindeck and a cluster.

use crate::domain::{Failure, FailureKind, Hint, Part, Wording};

/// Why a cluster could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig is wrong, or says something that is not handled.
    #[error("the kubeconfig cannot be used for cluster {cluster}: {detail}")]
    Kubeconfig {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What is wrong.
        detail: Wording,
    },
    /// The program that the kubeconfig names for credentials failed, or would have asked a person.
    #[error("the credentials for cluster {cluster} could not be had: {detail}")]
    Credentials {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// The context of the kubeconfig.
        context: String,
        /// What happened.
        detail: Wording,
    },
    /// No connection, or it broke.
    #[error("cluster {cluster} cannot be reached for {what}: {detail}")]
    Connection {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
        /// The transport's words.
        detail: Wording,
    },
    /// No whole answer in time.
    #[error("cluster {cluster} did not answer for {what} within {seconds} s")]
    Timeout {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// Status 401: the credentials are not accepted.
    #[error("cluster {cluster} does not accept the credentials")]
    Unauthorized {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
    },
    /// Status 403: these credentials may not list this.
    #[error("{what}: forbidden in cluster {cluster}")]
    Forbidden {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
    },
    /// Status 404: the cluster has no objects of that kind.
    #[error("cluster {cluster} has no {what}")]
    NoSuchKind {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
    },
    /// A list that is longer than pindeck reads, or that changed faster than it could be read.
    #[error("{what} of cluster {cluster} could not be listed to the end: {detail}")]
    Cut {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
        /// Why.
        detail: String,
    },
    /// Any other status, or an answer that is no list.
    #[error("cluster {cluster} answers {detail} for {what}")]
    Answer {
        /// The cluster's name in `pindeck.toml`.
        cluster: String,
        /// What was asked for.
        what: String,
        /// The status, and the server's words.
        detail: Wording,
    },
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let what = error.to_string();
        match error {
            ClusterError::Kubeconfig { .. } => Failure::new(FailureKind::Usage, what)
                .hint("look at the context in the kubeconfig, and at [clusters] in your own configuration"),
            ClusterError::Credentials { context, .. } => Failure::new(FailureKind::Denied, what).hint(Hint::with(
                "run `kubectl get pods --context {}` once, in a terminal of its own",
                &[Part::name(&context)],
            )),
            ClusterError::Unauthorized { .. } => {
                Failure::new(FailureKind::Denied, what).hint("log in to the cluster again, then try again")
            }
            ClusterError::Forbidden { .. } => {
                Failure::new(FailureKind::Denied, what).hint("`pindeck config rbac` prints the Role that it takes")
            }
            ClusterError::NoSuchKind { .. } => Failure::new(FailureKind::Unsupported, what),
            ClusterError::Connection { .. } | ClusterError::Timeout { .. } => {
                Failure::unreachable(what).hint("check the network and that the context still names the cluster")
            }
            ClusterError::Cut { .. } | ClusterError::Answer { .. } => {
                Failure::unreachable(what).hint("try again; if it stays so, look at the API server")
            }
        }
    }
}
