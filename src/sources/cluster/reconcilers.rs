//! Lists the objects of Argo CD and Flux of a namespace.

use crate::domain::running::owner::ReconcilersSeen;
use crate::domain::running::reconciler::{
    ArgoApplication, ArgoSource, FluxHelmRelease, FluxKustomization, StatusCondition,
};
use crate::domain::running::workload::OwnedObject;
use crate::domain::text::Untrusted;

use super::client::{ClusterClient, Listed};
use super::error::ClusterError;
use super::objects::{ConditionObject, ObjectMetadata};
use super::reconciler_objects::{ApplicationObject, FluxObject, ResourceObject, SourceObject};

/// Most objects of an inventory that are read.
const MOST_OWNED: usize = 5_000;

/// Looks for the reconcilers of a namespace, and says what could not be read.
///
/// It never fails. A kind that the cluster does not have is no trouble: nobody has installed that controller.
pub async fn see_reconcilers(client: &ClusterClient, namespace: &str) -> (ReconcilersSeen, Vec<Untrusted>) {
    let (applications, kustomizations, releases) = tokio::join!(
        client.list::<ApplicationObject>(Listed::Applications, namespace),
        client.list::<FluxObject>(Listed::Kustomizations, namespace),
        client.list::<FluxObject>(Listed::HelmReleases, namespace),
    );
    let seen = ReconcilersSeen {
        applications: applications.items.into_iter().map(application).collect(),
        kustomizations: kustomizations.items.into_iter().map(kustomization).collect(),
        releases: releases.items.into_iter().map(release).collect(),
    };
    let errors = [applications.unfinished, kustomizations.unfinished, releases.unfinished];
    (seen, troubles(client.cluster(), errors.into_iter().flatten()))
}

/// What is worth saying of lists that are not whole. What is forbidden is said once for all kinds.
fn troubles(cluster: &str, errors: impl Iterator<Item = ClusterError>) -> Vec<Untrusted> {
    let mut forbidden: Vec<String> = Vec::new();
    let mut said: Vec<Untrusted> = Vec::new();
    for error in errors {
        match error {
            ClusterError::NoSuchKind { .. } => {}
            ClusterError::Forbidden { what, .. } => forbidden.push(what),
            other => said.push(other.to_string().into()),
        }
    }
    if !forbidden.is_empty() {
        said.push(format!("{}: forbidden in cluster {cluster}", forbidden.join(", ")).into());
    }
    said.dedup();
    said
}

fn application(object: ApplicationObject) -> ArgoApplication {
    let (spec, status) = (object.spec, object.status);
    let automated = spec.sync_policy.automated.as_ref();
    let mut sources: Vec<ArgoSource> = match spec.source_hydrator {
        Some(hydrator) => vec![source(&hydrator.dry_source)],
        None => spec.sources.iter().map(source).collect(),
    };
    if sources.is_empty() {
        sources.extend(spec.source.as_ref().map(source));
    }
    let operation = status.operation_state.unwrap_or_default();
    let result = operation.sync_result.unwrap_or_default();
    let failed = result.resources.iter().filter(|one| one.status == "SyncFailed");
    ArgoApplication {
        name: full_name(&object.metadata),
        is_synced: status.sync.status == "Synced",
        compared: revisions(status.sync.revision, status.sync.revisions),
        phase: operation.phase,
        message: operation.message.into(),
        applied: revisions(result.revision, result.revisions),
        is_automated: automated.is_some_and(|automated| automated.enabled != Some(false)),
        hydrated: (status.source_hydrator.last_successful_operation).map(|one| (one.dry, one.hydrated)),
        sources,
        destination: spec.destination.namespace,
        owns: status.resources.iter().take(MOST_OWNED).map(owned).collect(),
        failures: failed.map(|one| (owned(one), one.message.as_str().into())).collect(),
    }
}

fn source(object: &SourceObject) -> ArgoSource {
    ArgoSource {
        path: object.path.clone().filter(|path| !path.is_empty()),
        is_chart: object.chart.as_ref().is_some_and(|chart| !chart.is_empty()),
    }
}

fn owned(object: &ResourceObject) -> OwnedObject {
    OwnedObject {
        group: object.group.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}

/// One revision, or one for each source.
fn revisions(one: Option<String>, several: Vec<String>) -> Vec<Option<String>> {
    let is_said = |text: &String| !text.is_empty();
    match several.is_empty() {
        true => vec![one.filter(is_said)],
        false => several.into_iter().map(|text| Some(text).filter(is_said)).collect(),
    }
}

fn kustomization(object: FluxObject) -> FluxKustomization {
    let status = object.status;
    let entries = status.inventory.entries.iter().take(MOST_OWNED);
    FluxKustomization {
        name: full_name(&object.metadata),
        is_suspended: object.spec.suspend,
        generation: object.metadata.generation,
        applied: status.last_applied_revision,
        applied_origin: status.last_applied_origin_revision,
        attempted: status.last_attempted_revision,
        ready: ready(&status.conditions),
        path: object.spec.path,
        destination: object.spec.target_namespace,
        owns: entries
            .filter_map(|entry| OwnedObject::of_inventory(&entry.id))
            .collect(),
    }
}

fn release(object: FluxObject) -> FluxHelmRelease {
    FluxHelmRelease {
        name: full_name(&object.metadata),
        is_suspended: object.spec.suspend,
        generation: object.metadata.generation,
        observed_generation: object.status.observed_generation,
        ready: ready(&object.status.conditions),
    }
}

fn ready(conditions: &[ConditionObject]) -> Option<StatusCondition> {
    let ready = conditions.iter().find(|one| one.kind == "Ready")?;
    Some(StatusCondition {
        status: match ready.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        message: ready.message.as_str().into(),
        observed_generation: ready.observed_generation,
    })
}

fn full_name(metadata: &ObjectMetadata) -> Untrusted {
    format!("{}/{}", metadata.namespace, metadata.name).into()
}

#[cfg(test)]
#[path = "reconcilers_tests.rs"]
mod tests;
