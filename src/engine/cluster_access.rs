//! How a cluster that a team names is reached: only as the person says in their own configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::user::ClusterAccess;
use crate::domain::Wording;
use crate::domain::failure::{Failure, Hint, Part};
use crate::sources::cluster::{ClusterAccount, ClusterClient, ClusterError, ClusterLimits, Kubeconfig};

/// The clients of the clusters that were asked, by name: whoever looks again does not log in again.
#[derive(Default)]
pub(super) struct ClusterClients(Mutex<BTreeMap<String, Arc<ClusterClient>>>);

impl ClusterClients {
    /// The client of a cluster, as the person says that it is reached.
    ///
    /// # Errors
    /// If the person says nothing about it, or what they say cannot be used.
    pub(super) fn client(&self, cluster: &str, access: Option<&ClusterAccess>) -> Result<Arc<ClusterClient>, Failure> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(cluster) {
            return Ok(Arc::clone(client));
        }
        let account = account(cluster, access)?;
        let client = Arc::new(ClusterClient::new(cluster, account, ClusterLimits::default()));
        known.insert(cluster.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// Reads the account of a cluster again when it is asked next.
    pub(super) fn forget(&self, cluster: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(cluster);
    }
}

/// The account by which a cluster is asked.
///
/// # Errors
/// If the person says nothing about it, or what they say cannot be used.
fn account(cluster: &str, access: Option<&ClusterAccess>) -> Result<ClusterAccount, Failure> {
    let Some(access) = access else {
        let what = format!("cluster {cluster} is not asked: your own configuration does not say how it is reached");
        let hint = Hint::with("add [clusters.{}] with context = \"…\" to it", &[Part::name(cluster)]);
        return Err(Failure::usage(what).hint(hint));
    };
    let wrong = |detail: String| {
        Failure::from(ClusterError::Kubeconfig {
            cluster: cluster.to_owned(),
            detail: Wording::of_another(detail),
        })
    };
    match &access.context {
        Some(context) => {
            let files = kubeconfigs(access);
            let read = Kubeconfig::read(&files).map_err(wrong)?;
            read.account(context).map_err(wrong)
        }
        None => ClusterAccount::in_cluster().map_err(wrong),
    }
}

/// The kubeconfig files: the one that is named, else those of `KUBECONFIG`, else the usual one.
fn kubeconfigs(access: &ClusterAccess) -> Vec<PathBuf> {
    if let Some(file) = &access.kubeconfig {
        return vec![file.clone()];
    }
    if let Some(listed) = std::env::var_os("KUBECONFIG").filter(|listed| !listed.is_empty()) {
        return std::env::split_paths(&listed)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    home.into_iter().map(|home| home.join(".kube/config")).collect()
}
