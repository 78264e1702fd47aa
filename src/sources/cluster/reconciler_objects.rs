//! The objects of Argo CD and Flux, as far as they are read.

use serde::Deserialize;

use super::objects::{ConditionObject, ObjectMetadata};

/// `argoproj.io/v1alpha1` Application.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApplicationObject {
    pub metadata: ObjectMetadata,
    pub spec: ApplicationSpec,
    pub status: ApplicationStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApplicationSpec {
    pub destination: DestinationObject,
    pub source: Option<SourceObject>,
    pub sources: Vec<SourceObject>,
    pub source_hydrator: Option<HydratorSpec>,
    pub sync_policy: SyncPolicyObject,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DestinationObject {
    pub namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SourceObject {
    pub path: Option<String>,
    pub chart: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HydratorSpec {
    pub dry_source: SourceObject,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncPolicyObject {
    pub automated: Option<AutomatedObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AutomatedObject {
    pub enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApplicationStatus {
    pub sync: SyncObject,
    pub operation_state: Option<OperationObject>,
    pub source_hydrator: HydratorStatus,
    pub resources: Vec<ResourceObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncObject {
    pub status: String,
    pub revision: Option<String>,
    pub revisions: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OperationObject {
    pub phase: Option<String>,
    pub message: String,
    pub sync_result: Option<SyncResultObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncResultObject {
    pub revision: Option<String>,
    pub revisions: Vec<String>,
    pub resources: Vec<ResourceObject>,
}

/// An object that an Application looks after, or what became of it in a sync.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResourceObject {
    pub group: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub status: String,
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HydratorStatus {
    pub last_successful_operation: Option<HydrationObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HydrationObject {
    #[serde(rename = "drySHA")]
    pub dry: String,
    #[serde(rename = "hydratedSHA")]
    pub hydrated: String,
}

/// `kustomize.toolkit.fluxcd.io/v1` Kustomization, or `helm.toolkit.fluxcd.io/v2` HelmRelease.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FluxObject {
    pub metadata: ObjectMetadata,
    pub spec: FluxSpec,
    pub status: FluxStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FluxSpec {
    pub suspend: bool,
    pub path: Option<String>,
    pub target_namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FluxStatus {
    pub observed_generation: Option<i64>,
    pub last_applied_revision: Option<String>,
    pub last_applied_origin_revision: Option<String>,
    pub last_attempted_revision: Option<String>,
    pub conditions: Vec<ConditionObject>,
    pub inventory: InventoryObject,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InventoryObject {
    pub entries: Vec<InventoryEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InventoryEntry {
    pub id: String,
}
