use serde_json::json;

use super::super::client::ClusterLimits;
use super::super::server_tests::{Heard, Reply, Server, folder, page, status};
use super::*;
use crate::domain::failure::FailureKind;

fn recorded(path: &str) -> Reply {
    let digest = |name: &str| crate::domain::Digest::of(name.as_bytes());
    let image = |name: &str| format!("reg.example/web@{}", digest(name));
    let items = match path {
        "pods" => vec![
            json!({
                "metadata": {
                    "name": "web-1", "generation": 1, "creationTimestamp": "2026-11-29T10:00:00Z",
                    "ownerReferences": [{ "kind": "ReplicaSet", "name": "web", "controller": true, "uid": "1" }],
                    "managedFields": [{ "manager": "kubelet" }],
                },
                "spec": {
                    "nodeName": "n1",
                    "initContainers": [{ "name": "mesh", "image": "mesh:v1", "restartPolicy": "Always" }],
                    "containers": [{ "name": "web", "image": image("old"), "env": [{ "name": "A", "value": "b" }] }],
                    "volumes": [{ "name": "model", "image": { "reference": "reg.example/model:v1" } }, { "name": "tmp", "emptyDir": {} }],
                },
                "status": {
                    "phase": "Running", "observedGeneration": 1, "startTime": "2026-11-29T10:00:00Z",
                    "containerStatuses": [{
                        "name": "web", "image": digest("config").to_string(), "imageID": image("old"), "ready": true,
                        "containerID": "containerd://77", "restartCount": 0, "lastState": {}, "started": true,
                        "state": { "running": { "startedAt": "2026-11-29T10:00:05Z" } },
                    }],
                },
            }),
            json!({
                "metadata": { "name": "job-1", "ownerReferences": [{ "kind": "Job", "controller": true }], "deletionTimestamp": "2026-11-29T10:00:00Z" },
                "spec": { "containers": [{ "name": "job", "image": image("new") }] },
                "status": {
                    "phase": "Pending",
                    "containerStatuses": [{
                        "name": "job", "image": image("new"), "imageID": "", "ready": false,
                        "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image" } },
                    }],
                },
            }),
        ],
        "replicasets" => ["True", "False"]
            .map(|refused| {
                json!({
                    "metadata": { "name": "web" },
                    "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": image("new") }] } } },
                    "status": { "replicas": 0, "conditions": [{
                        "type": "ReplicaFailure", "status": refused, "reason": "FailedCreate", "lastTransitionTime": "2026-11-29T10:00:00Z",
                        "message": "admission webhook \"policy.sigstore.dev\" denied the request: no",
                    }] },
                })
            })
            .to_vec(),
        "statefulsets" => vec![json!({
            "metadata": { "name": "ledger" },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": image("new") }] } } },
            "status": { "replicas": 0 },
        })],
        _ => vec![
            json!({
                "involvedObject": { "kind": "StatefulSet", "name": "ledger" }, "reason": "FailedCreate", "type": "Warning",
                "message": "create Pod ledger-0 in StatefulSet ledger failed error: admission webhook \"g\" denied the request: no",
                "lastTimestamp": "2026-11-29T10:00:00Z", "eventTime": null,
            }),
            json!({ "involvedObject": { "kind": "StatefulSet", "name": "gone" }, "message": "x", "lastTimestamp": null }),
        ],
    };
    page(&items, "")
}

fn kind_of(line: &str) -> &str {
    let path = line.split([' ', '?']).nth(1).unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

async fn seen(script: impl Fn(usize, &Heard) -> Reply + Send + Sync + 'static) -> (NamespaceSeen, Vec<Heard>) {
    let server = Server::start(script).await;
    let folder = folder();
    let seen = see(
        &server.client("token: abc", folder.path(), ClusterLimits::default()),
        "shop",
    )
    .await;
    (seen, server.heard())
}

#[tokio::test]
async fn a_namespace_is_seen_by_six_lists() {
    let (seen, heard) = seen(|_, heard| recorded(kind_of(&heard.line))).await;
    assert_eq!((seen.unfinished, seen.missing.len(), seen.pods.len()), (None, 0, 2));
    let web = &seen.pods[0];
    assert_eq!(
        (web.owner, web.is_leaving, web.containers.len()),
        (PodOwner::Other, false, 3)
    );
    let image = &web.containers[0].image;
    assert!(image.asked.is_some() && image.asked == image.reported.as_ref().map(|reported| reported.digest));
    assert!(image.bare.is_some() && web.containers[0].ready);
    let job = &seen.pods[1];
    assert_eq!((job.owner, job.is_leaving), (PodOwner::Job, true));
    assert!(
        matches!(&job.containers[0].state, ContainerState::Waiting { reason, .. } if reason.raw() == "ImagePullBackOff")
    );
    let of_template: Vec<bool> = seen.refusals.iter().map(|refusal| refusal.is_of_template).collect();
    assert_eq!(of_template, [true, false]);
    let mut kinds: Vec<&str> = heard.iter().map(|heard| kind_of(&heard.line)).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "daemonsets",
            "deployments",
            "events",
            "pods",
            "replicasets",
            "statefulsets"
        ]
    );
    assert!(heard.iter().all(|heard| heard.line.starts_with("GET ")));
}

#[tokio::test]
async fn what_is_forbidden_is_named_and_the_rest_counts() {
    let forbidden = || status(403, "Forbidden", "events is forbidden");
    let (events, _) = seen(move |_, heard| match kind_of(&heard.line) {
        "events" => forbidden(),
        other => recorded(other),
    })
    .await;
    assert_eq!(
        (events.unfinished, events.pods.len(), events.missing.len()),
        (None, 2, 1)
    );
    assert!(
        events.missing[0].raw().contains("events in shop: forbidden"),
        "{:?}",
        events.missing
    );
    // Without Pods nothing is known, and nothing else is asked.
    let (nothing, heard) = seen(move |_, _| forbidden()).await;
    assert_eq!(
        (nothing.unfinished.map(|failure| failure.kind), heard.len()),
        (Some(FailureKind::Denied), 1)
    );
}

#[tokio::test]
async fn a_status_older_than_its_spec_says_nothing_about_what_was_asked() {
    let (seen, _) = seen(|_, heard| {
        let reply = recorded(kind_of(&heard.line));
        match reply {
            Reply::Is(code, header, body) => {
                Reply::Is(code, header, body.replace("\"generation\":1", "\"generation\":2"))
            }
            other => other,
        }
    })
    .await;
    assert_eq!(seen.pods[0].containers[0].image.asked, None);
    assert!(seen.pods[0].containers[0].image.reported.is_some());
}
