//! Kubernetes objects, as far as they are read: everything else in them is skipped while it is parsed.

use jiff::Timestamp;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ObjectMetadata {
    pub name: String,
    pub namespace: String,
    pub labels: FluxLabels,
    pub generation: Option<i64>,
    pub deletion_timestamp: Option<Timestamp>,
    pub owner_references: Vec<OwnerReference>,
}

/// The labels that Flux puts on what a Helm release makes; all others are skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FluxLabels {
    #[serde(rename = "helm.toolkit.fluxcd.io/name")]
    pub release: Option<String>,
    #[serde(rename = "helm.toolkit.fluxcd.io/namespace")]
    pub release_namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub kind: String,
    pub controller: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodObject {
    pub metadata: ObjectMetadata,
    pub spec: PodSpec,
    pub status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    pub containers: Vec<ContainerSpec>,
    pub init_containers: Vec<ContainerSpec>,
    pub ephemeral_containers: Vec<ContainerSpec>,
    pub volumes: Vec<VolumeSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerSpec {
    pub name: String,
    pub image: String,
    pub restart_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeSpec {
    pub name: String,
    pub image: Option<ImageVolumeSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImageVolumeSpec {
    pub reference: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub phase: String,
    pub observed_generation: Option<i64>,
    pub start_time: Option<Timestamp>,
    pub container_statuses: Vec<ContainerStatus>,
    pub init_container_statuses: Vec<ContainerStatus>,
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub name: String,
    pub image: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
    #[serde(rename = "containerID")]
    pub container_id: Option<String>,
    pub ready: bool,
    pub state: StateObject,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StateObject {
    pub running: Option<RunningObject>,
    pub waiting: Option<WaitingObject>,
    pub terminated: Option<EndedObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RunningObject {
    pub started_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WaitingObject {
    pub reason: String,
    pub message: String,
}

/// Nothing of it is read but that it is there.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EndedObject {}

/// A ReplicaSet, a StatefulSet, a Deployment or a DaemonSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetObject {
    pub metadata: ObjectMetadata,
    pub spec: SetSpec,
    pub status: SetStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetSpec {
    pub replicas: Option<u32>,
    pub template: PodTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodTemplate {
    pub spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SetStatus {
    pub conditions: Vec<ConditionObject>,
    pub observed_generation: Option<i64>,
    pub replicas: u32,
    pub updated_replicas: u32,
    pub available_replicas: u32,
    pub desired_number_scheduled: u32,
    pub current_number_scheduled: u32,
    pub updated_number_scheduled: u32,
    pub number_available: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConditionObject {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub message: String,
    pub observed_generation: Option<i64>,
    pub last_transition_time: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventObject {
    pub involved_object: InvolvedObject,
    pub message: String,
    pub last_timestamp: Option<Timestamp>,
    pub event_time: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InvolvedObject {
    pub kind: String,
    pub name: String,
}
