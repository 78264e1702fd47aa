//! The objects of the demo's cluster in the shapes that a Kubernetes API server gives them.

use serde_json::{Value, json};

use super::rollout::{ClusterObjects, DemoApplication, DemoDeployment, DemoPod, DemoReplicaSet};

/// Namespace of the Applications.
pub(in crate::demo) const ARGOCD: &str = "argocd";
/// Name of the gate.
pub(super) const GATE: &str = "policy.sigstore.dev";

/// What a namespace has of a kind (`pods`, `deployments`, …), as list items; `None` if there is no such kind.
pub(super) fn items(cluster: &ClusterObjects, group: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
    let here = || {
        let all = cluster.deployments.iter();
        all.filter(|((place, _), _)| place == namespace)
            .map(|((_, name), deployment)| (name.as_str(), deployment))
    };
    Some(match (group, kind) {
        ("", "pods") => here().flat_map(|(name, one)| pods(namespace, name, one)).collect(),
        ("", "events") => Vec::new(),
        ("apps", "deployments") => here().map(|(name, one)| deployment(namespace, name, one)).collect(),
        ("apps", "replicasets") => here()
            .flat_map(|(name, one)| one.sets.iter().map(move |set| replica_set(namespace, name, one, set)))
            .collect(),
        ("apps", "statefulsets" | "daemonsets") => Vec::new(),
        ("argoproj.io", "applications") if namespace == ARGOCD => cluster
            .applications
            .iter()
            .map(|(environment, one)| application(cluster, environment, one))
            .collect(),
        ("argoproj.io", "applications") => Vec::new(),
        _ => return None,
    })
}

fn image(deployment: &DemoDeployment, set: &DemoReplicaSet) -> String {
    format!("{}@{}", deployment.repository, set.digest)
}

fn set_name(name: &str, set: &DemoReplicaSet) -> String {
    format!("{name}-{}", &set.digest.hex()[..10])
}

fn template(name: &str, image: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "containers": [{ "name": name, "image": image, "ports": [{ "containerPort": 8080 }] }] },
    })
}

fn pods(namespace: &str, name: &str, deployment: &DemoDeployment) -> Vec<Value> {
    let of_set = |set: &DemoReplicaSet| -> Vec<Value> {
        let pods = set.pods.iter();
        pods.map(|one| pod(namespace, name, &image(deployment, set), &set_name(name, set), one))
            .collect()
    };
    deployment.sets.iter().flat_map(of_set).collect()
}

fn pod(namespace: &str, name: &str, image: &str, set: &str, pod: &DemoPod) -> Value {
    json!({
        "metadata": {
            "name": pod.name, "namespace": namespace, "labels": { "app": name },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "controller": true }],
        },
        "spec": { "containers": [{ "name": name, "image": image }] },
        "status": {
            "phase": "Running", "startTime": pod.started_at,
            "containerStatuses": [{
                "name": name, "image": image, "imageID": image, "ready": pod.is_ready,
                "containerID": format!("containerd://{}", crate::domain::id::Digest::of(pod.name.as_bytes()).hex()),
                "restartCount": 0, "state": { "running": { "startedAt": pod.started_at } },
            }],
        },
    })
}

fn deployment(namespace: &str, name: &str, one: &DemoDeployment) -> Value {
    let pods = || one.sets.iter().flat_map(|set| &set.pods);
    let current = one.sets.iter().filter(|set| set.digest == one.wanted);
    let updated = current.map(|set| set.pods.len()).sum::<usize>();
    json!({
        "metadata": { "name": name, "namespace": namespace, "generation": one.generation, "labels": { "app": name } },
        "spec": { "replicas": one.replicas, "template": template(name, &format!("{}@{}", one.repository, one.wanted)) },
        "status": {
            "observedGeneration": one.generation, "replicas": pods().count(), "updatedReplicas": updated,
            "availableReplicas": pods().filter(|pod| pod.is_ready).count(),
        },
    })
}

fn replica_set(namespace: &str, name: &str, deployment: &DemoDeployment, set: &DemoReplicaSet) -> Value {
    let is_current = set.digest == deployment.wanted;
    let conditions: Vec<Value> = set
        .refused
        .iter()
        .map(|(words, since)| {
            json!({
                "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": since,
                "message": format!("admission webhook \"{GATE}\" denied the request: {words}"),
            })
        })
        .collect();
    json!({
        "metadata": {
            "name": set_name(name, set), "namespace": namespace,
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": name, "controller": true }],
        },
        "spec": {
            "replicas": if is_current { deployment.replicas } else { set.pods.len() },
            "template": template(name, &image(deployment, set)),
        },
        "status": { "replicas": set.pods.len(), "conditions": conditions },
    })
}

fn application(cluster: &ClusterObjects, environment: &str, one: &DemoApplication) -> Value {
    let is_synced = one.applied == one.compared;
    let phase = if is_synced { "Succeeded" } else { "Running" };
    let owned = cluster.deployments.keys().filter(|(place, _)| place == environment);
    let resources: Vec<Value> = owned
        .map(|(place, name)| {
            json!({ "group": "apps", "version": "v1", "kind": "Deployment", "namespace": place, "name": name, "status": "Synced" })
        })
        .collect();
    json!({
        "metadata": { "name": environment, "namespace": ARGOCD, "generation": 1 },
        "spec": {
            "project": "shop", "destination": { "namespace": environment, "server": "https://kubernetes.default.svc" },
            "source": { "repoURL": "https://git.shop.example/gitops", "path": format!("envs/{environment}"), "targetRevision": "main" },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
        "status": {
            "sync": { "status": if is_synced { "Synced" } else { "OutOfSync" }, "revision": one.compared },
            "health": { "status": "Healthy" },
            "operationState": {
                "phase": phase, "message": if is_synced { "successfully synced" } else { "waiting for healthy state" },
                "syncResult": { "revision": if is_synced { &one.applied } else { &one.compared } },
            },
            "resources": resources,
        },
    })
}
