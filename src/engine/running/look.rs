//! Looks at the namespaces in which environments run, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::policy::Environment;
use crate::domain::running::observation::NamespaceSeen;
use crate::domain::running::owner::ReconcilersSeen;
use crate::domain::text::Untrusted;
use crate::engine::cluster_access::ClusterClients;
use crate::engine::options::OpenOptions;
use crate::sources::cluster::{ClusterClient, see, see_reconcilers};

/// Namespaces that are listed at the same time.
const AT_ONCE: usize = 4;

/// A namespace of a cluster: the names of both.
pub(crate) type ClusterPlace = (String, String);

/// Where an environment runs.
pub(super) fn places(env: &Environment) -> Vec<ClusterPlace> {
    let pairs = env.running.places.iter().flat_map(|place| {
        let namespaces = place.namespaces.iter();
        namespaces.map(|namespace| (place.cluster.clone(), namespace.clone()))
    });
    pairs.collect()
}

/// Where the reconcilers of an environment's places are looked for.
pub(super) fn reconciler_places(env: &Environment) -> Vec<ClusterPlace> {
    let pairs = env.running.places.iter().flat_map(|place| {
        let namespaces = place.reconcilers.iter();
        namespaces.map(|namespace| (place.cluster.clone(), namespace.clone()))
    });
    pairs.collect()
}

/// The reconcilers of a namespace, and what could not be read of them.
pub(super) type ReconcilersLook = (ReconcilersSeen, Vec<Untrusted>);

/// Looks for the reconcilers, where the cluster answers at all.
pub(super) async fn look_for_reconcilers(
    places: &BTreeSet<ClusterPlace>,
    answering: &BTreeSet<&String>,
    clients: &ClusterClients,
    options: &OpenOptions,
) -> BTreeMap<ClusterPlace, ReconcilersLook> {
    let asked = places.iter().filter(|(cluster, _)| answering.contains(cluster));
    // Collected first: a stream of borrowed places cannot be sent to another thread.
    let asked: Vec<ClusterPlace> = asked.cloned().collect();
    let one = |place: ClusterPlace| async move {
        let client = clients.client(&place.0, options.clusters.get(&place.0)).ok()?;
        let found = see_reconcilers(&client, &place.1).await;
        Some((place, found))
    };
    let found = futures_util::stream::iter(asked.into_iter().map(one)).buffer_unordered(AT_ONCE);
    found.filter_map(std::future::ready).collect().await
}

/// Looks at every namespace once. What cannot be asked is part of the answer.
pub(super) async fn look(
    places: &BTreeSet<ClusterPlace>,
    clients: &ClusterClients,
    options: &OpenOptions,
) -> BTreeMap<ClusterPlace, NamespaceSeen> {
    let clusters: BTreeSet<&String> = places.iter().map(|(cluster, _)| cluster).collect();
    let client = |cluster: &String| -> Result<Arc<ClusterClient>, Failure> {
        if options.offline {
            let what = format!("cluster {cluster} is not checked: --offline");
            return Err(Failure::new(FailureKind::NotChecked, what));
        }
        clients.client(cluster, options.clusters.get(cluster))
    };
    let found: BTreeMap<&String, Result<Arc<ClusterClient>, Failure>> =
        clusters.into_iter().map(|cluster| (cluster, client(cluster))).collect();
    let one = |place: &ClusterPlace| {
        let (place, client) = (place.clone(), found.get(&place.0));
        async move {
            let seen = match client {
                Some(Ok(client)) => see(client, &place.1).await,
                Some(Err(failure)) => unseen(&place, failure.clone()),
                None => unseen(&place, Failure::bug("a cluster without a client")),
            };
            // Credentials may have been replaced where they are read from.
            if seen
                .unfinished
                .as_ref()
                .is_some_and(|why| why.kind == FailureKind::Denied)
            {
                clients.forget(&place.0);
            }
            (place, seen)
        }
    };
    futures_util::stream::iter(places.iter().map(one))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// A namespace that could not be asked.
fn unseen((cluster, namespace): &ClusterPlace, failure: Failure) -> NamespaceSeen {
    NamespaceSeen {
        cluster: cluster.clone(),
        namespace: namespace.clone(),
        pods: Vec::new(),
        unfinished: Some(failure),
        refusals: Vec::new(),
        workloads: Vec::new(),
        missing: Vec::new(),
    }
}
