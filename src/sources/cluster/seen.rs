//! From lists of objects to what the model knows of a namespace.

use crate::domain::failure::Failure;
use crate::domain::reference::ImageRef;
use crate::domain::running::blocked::TemplateRefusal;
use crate::domain::running::image_id::ContainerImage;
use crate::domain::running::observation::NamespaceSeen;
use crate::domain::running::pods::{ContainerKind, ContainerSeen, ContainerState, PodOwner, PodPhase, PodSeen};
use crate::domain::running::rollout::Rollout;
use crate::domain::running::workload::{OwnedObject, WorkloadSeen};
use crate::domain::text::Untrusted;

use super::client::{ClusterClient, Listed, ListedObjects};
use super::error::ClusterError;
use super::objects::{ContainerSpec, ContainerStatus, EventObject, PodObject, PodSpec, SetObject};

/// Looks at one namespace: its Pods, and what says why others are not there.
///
/// It never fails: what could not be read is named in what comes back, and a list of Pods that is not whole says so.
pub async fn see(client: &ClusterClient, namespace: &str) -> NamespaceSeen {
    // The Pods first: where the credentials or the cluster fail, one request has found out.
    let pods: ListedObjects<PodObject> = client.list(Listed::Pods, namespace).await;
    let mut seen = NamespaceSeen {
        cluster: client.cluster().to_owned(),
        namespace: namespace.to_owned(),
        pods: pods.items.into_iter().map(pod).collect(),
        unfinished: pods.unfinished.map(Failure::from),
        refusals: Vec::new(),
        workloads: Vec::new(),
        missing: Vec::new(),
    };
    if seen.unfinished.is_some() {
        return seen;
    }
    let (replica_sets, stateful_sets, deployments, daemon_sets, events) = tokio::join!(
        client.list::<SetObject>(Listed::ReplicaSets, namespace),
        client.list::<SetObject>(Listed::StatefulSets, namespace),
        client.list::<SetObject>(Listed::Deployments, namespace),
        client.list::<SetObject>(Listed::DaemonSets, namespace),
        client.list::<EventObject>(Listed::FailedCreations, namespace),
    );
    seen.refusals.extend(replica_sets.items.iter().filter_map(of_condition));
    let of_event = |event: &EventObject| of_event(event, &stateful_sets.items);
    seen.refusals.extend(events.items.iter().filter_map(of_event));
    for (kind, sets) in [
        ("Deployment", &deployments.items),
        ("StatefulSet", &stateful_sets.items),
        ("DaemonSet", &daemon_sets.items),
    ] {
        seen.workloads
            .extend(sets.iter().map(|set| workload(kind, namespace, set)));
    }
    let failures = [
        replica_sets.unfinished,
        stateful_sets.unfinished,
        deployments.unfinished,
        daemon_sets.unfinished,
        events.unfinished,
    ];
    seen.missing.extend(
        failures
            .into_iter()
            .flatten()
            .map(|error: ClusterError| Untrusted::from(error.to_string())),
    );
    seen
}

fn pod(object: PodObject) -> PodSeen {
    let is_lagging = object.metadata.generation.zip(object.status.observed_generation);
    let is_lagging = is_lagging.is_some_and(|(spec, status)| status < spec);
    let is_job = object
        .metadata
        .owner_references
        .iter()
        .any(|owner| owner.controller && owner.kind == "Job");
    let (spec, status) = (&object.spec, &object.status);
    let init_kind = |container: &ContainerSpec| match container.restart_policy.as_deref() {
        Some("Always") => ContainerKind::Sidecar,
        _ => ContainerKind::Init,
    };
    let main = spec
        .containers
        .iter()
        .map(|one| (one, ContainerKind::Main, &status.container_statuses));
    let init = spec
        .init_containers
        .iter()
        .map(|one| (one, init_kind(one), &status.init_container_statuses));
    let ephemeral = spec.ephemeral_containers.iter();
    let ephemeral = ephemeral.map(|one| (one, ContainerKind::Ephemeral, &status.ephemeral_container_statuses));
    let containers = main.chain(init).chain(ephemeral).map(|(one, kind, statuses)| {
        let status = statuses.iter().find(|status| status.name == one.name);
        container(one, kind, status, is_lagging)
    });
    let volumes = spec.volumes.iter().filter_map(|volume| {
        let image = volume.image.as_ref()?;
        Some(ContainerSeen {
            name: volume.name.as_str().into(),
            kind: ContainerKind::ImageVolume,
            asked: image.reference.as_str().into(),
            image: ContainerImage::default(),
            state: ContainerState::NotReported,
            ready: false,
        })
    });
    PodSeen {
        name: object.metadata.name.as_str().into(),
        owner: if is_job { PodOwner::Job } else { PodOwner::Other },
        phase: PodPhase::of_name(&status.phase),
        is_leaving: object.metadata.deletion_timestamp.is_some(),
        started_at: status.start_time,
        containers: containers.chain(volumes).collect(),
    }
}

fn container(
    spec: &ContainerSpec,
    kind: ContainerKind,
    status: Option<&ContainerStatus>,
    is_lagging: bool,
) -> ContainerSeen {
    let asked = ImageRef::parse(&spec.image)
        .ok()
        .and_then(|asked| asked.digest)
        .filter(|_| !is_lagging);
    let (image, state, ready) = match status {
        None => (
            ContainerImage {
                asked,
                ..ContainerImage::default()
            },
            ContainerState::NotReported,
            false,
        ),
        Some(status) => {
            let runtime = status.container_id.as_deref().unwrap_or_default();
            let image = ContainerImage::read(&status.image_id, &status.image, runtime, asked);
            let state = match (&status.state.running, &status.state.waiting, &status.state.terminated) {
                (Some(running), ..) => ContainerState::Running {
                    since: running.started_at,
                },
                (None, Some(waiting), _) => ContainerState::Waiting {
                    reason: waiting.reason.as_str().into(),
                    message: waiting.message.as_str().into(),
                },
                (None, None, Some(_)) => ContainerState::Ended,
                (None, None, None) => ContainerState::NotReported,
            };
            (image, state, status.ready)
        }
    };
    ContainerSeen {
        name: spec.name.as_str().into(),
        kind,
        asked: spec.image.as_str().into(),
        image,
        state,
        ready,
    }
}

fn template(spec: &PodSpec) -> Vec<Untrusted> {
    let all = spec.containers.iter().chain(&spec.init_containers);
    all.map(|container| container.image.as_str().into()).collect()
}

/// A workload, and how far its controller is. A DaemonSet counts by nodes.
fn workload(kind: &str, namespace: &str, set: &SetObject) -> WorkloadSeen {
    let (metadata, status) = (&set.metadata, &set.status);
    let (wanted, updated, all, available) = match kind {
        "DaemonSet" => (
            status.desired_number_scheduled,
            status.updated_number_scheduled,
            status.current_number_scheduled,
            status.number_available,
        ),
        _ => (
            set.spec.replicas.unwrap_or(1),
            status.updated_replicas,
            status.replicas,
            status.available_replicas,
        ),
    };
    let labels = &metadata.labels;
    let release = labels.release_namespace.as_ref().zip(labels.release.as_ref());
    WorkloadSeen {
        object: OwnedObject::workload(kind, namespace, &metadata.name),
        template: template(&set.spec.template.spec),
        rollout: Rollout {
            generation: metadata.generation.unwrap_or_default(),
            observed_generation: status.observed_generation.unwrap_or_default(),
            wanted,
            updated,
            all,
            available,
        },
        release: release.map(|(namespace, name)| format!("{namespace}/{name}")),
    }
}

/// A ReplicaSet that is not given the Pods that it should have.
fn of_condition(set: &SetObject) -> Option<TemplateRefusal> {
    let failure = set
        .status
        .conditions
        .iter()
        .find(|one| one.kind == "ReplicaFailure" && one.status == "True")?;
    (set.spec.replicas != Some(0)).then(|| TemplateRefusal {
        template: template(&set.spec.template.spec),
        message: failure.message.as_str().into(),
        at: failure.last_transition_time,
        is_of_template: true,
    })
}

/// What an Event says of a StatefulSet that is still there.
fn of_event(event: &EventObject, sets: &[SetObject]) -> Option<TemplateRefusal> {
    let object = &event.involved_object;
    let set = sets
        .iter()
        .find(|set| object.kind == "StatefulSet" && set.metadata.name == object.name)?;
    Some(TemplateRefusal {
        template: template(&set.spec.template.spec),
        message: event.message.as_str().into(),
        at: event.last_timestamp.or(event.event_time),
        is_of_template: false,
    })
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
