//! How far whoever applies the commits of the pins is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::look::{ClusterPlace, ReconcilersLook};
use crate::domain::id::Digest;
use crate::domain::policy::Environment;
use crate::domain::running::owner::{OwnerAnswer, OwnerQuestion, ReconcilersSeen};
use crate::domain::running::pods::ServiceImages;
use crate::domain::running::reconciler::Ancestry;
use crate::domain::running::workload::WorkloadSeen;
use crate::domain::text::Untrusted;
use crate::sources::git::GitRepo;

/// One pin in one namespace, with all that its owner is found by.
pub(super) struct OwnerLook {
    /// Which of the pins that are asked about.
    pub pin: usize,
    /// Which of its namespaces.
    pub place: usize,
    /// The namespace's name.
    pub namespace: String,
    /// The pinned digest.
    pub digest: Digest,
    /// The clone that it is read from.
    pub repo: GitRepo,
    /// The commit that pinned it, if that is known.
    pub commit: Option<String>,
    /// The repositories that have the service.
    pub images: ServiceImages,
    /// The files that write the pin.
    pub files: Vec<String>,
    /// What keeps Pods running in the namespace.
    pub workloads: Vec<WorkloadSeen>,
    /// The reconcilers that were found for it.
    pub reconcilers: Arc<ReconcilersSeen>,
}

/// The reconcilers of an environment by its namespaces, and what could not be read of them.
pub(super) fn reconcilers_of(
    env: &Environment,
    found: &BTreeMap<ClusterPlace, ReconcilersLook>,
) -> BTreeMap<ClusterPlace, (Arc<ReconcilersSeen>, Vec<Untrusted>)> {
    let mut out = BTreeMap::new();
    for place in &env.running.places {
        let mut all = ReconcilersLook::default();
        let namespaces: BTreeSet<&String> = place.reconcilers.iter().collect();
        let keys = namespaces.into_iter().map(|name| (place.cluster.clone(), name.clone()));
        for (seen, missing) in keys.filter_map(|key| found.get(&key)) {
            all.0.applications.extend(seen.applications.iter().cloned());
            all.0.kustomizations.extend(seen.kustomizations.iter().cloned());
            all.0.releases.extend(seen.releases.iter().cloned());
            all.1.extend(missing.iter().cloned());
        }
        let seen = Arc::new(all.0);
        for namespace in &place.namespaces {
            let key = (place.cluster.clone(), namespace.clone());
            out.insert(key, (Arc::clone(&seen), all.1.clone()));
        }
    }
    out
}

/// What the owners say, by pin and namespace. Blocking: it reads the clones.
pub(super) fn owners(looks: Vec<OwnerLook>) -> Vec<(usize, usize, OwnerAnswer)> {
    let known: RefCell<BTreeMap<(String, String), Ancestry>> = RefCell::default();
    let ancestry = |repo: &GitRepo, commit: &str, revision: &str| {
        let key = (commit.to_owned(), revision.to_owned());
        *known
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| match repo.leads_to(commit, revision) {
                Some(true) => Ancestry::HasPin,
                Some(false) => Ancestry::LacksPin,
                None => Ancestry::NotKnown,
            })
    };
    let answer = |look: OwnerLook| {
        let files: Vec<&str> = look.files.iter().map(String::as_str).collect();
        let question = OwnerQuestion {
            namespace: &look.namespace,
            digest: look.digest,
            images: &look.images,
            files: &files,
        };
        let ask = |revision: &str| match &look.commit {
            Some(commit) => ancestry(&look.repo, commit, revision),
            None => Ancestry::NotKnown,
        };
        let owner = look.reconcilers.owner(question, &look.workloads, &ask)?;
        Some((look.pin, look.place, owner))
    };
    looks.into_iter().filter_map(answer).collect()
}
