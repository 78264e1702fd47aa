//! The answers of tests/data/cluster, replayed (its README says where they are from).

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::client::ClusterLimits;
use super::reconcilers::see_reconcilers;
use super::seen::see;
use super::server_tests::{Reply, Server, folder, page};
use crate::domain::Digest;
use crate::domain::failure::FailureKind;
use crate::domain::running::observation::NamespaceSeen;
use crate::domain::running::pods::ContainerState;

/// The answer of a file, with the headers that a client may look at.
fn recorded(file: &str) -> Reply {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/cluster")
        .join(file);
    let text = std::fs::read_to_string(path).expect("an answer");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let status = u16::try_from(answer["status"].as_u64().expect("a status")).expect("a status");
    let header = if answer["headers"]["retry-after"].is_null() {
        ""
    } else {
        "Retry-After: 0\r\n"
    };
    let lines = answer["lines"]
        .as_array()
        .map(|all| all.iter().map(|line| format!("{line}\n")).collect());
    let text = || answer["text"].as_str().map(str::to_owned);
    let body = lines.or_else(text).unwrap_or_else(|| answer["body"].to_string());
    Reply::Is(status, header, body)
}

/// The file that answers a list which a test says nothing of.
fn file_of(line: &str) -> &'static str {
    let kind = line.split_once('?').map_or(line, |(path, _)| path);
    match kind.rsplit('/').next().unwrap_or_default() {
        "pods" if line.contains("continue=") => "pods-page-2.json",
        "pods" => "pods-page-1.json",
        "replicasets" => "replicasets-denied.json",
        "statefulsets" => "statefulsets.json",
        "deployments" => "deployments.json",
        "events" => "events-denied.json",
        "applications" => "applications.json",
        "kustomizations" => "kustomizations.json",
        "helmreleases" => "helmreleases.json",
        _ => "daemonsets.json",
    }
}

/// What is seen of a namespace where the list of Pods is answered by these files in turn.
async fn seen(files: &'static [&'static str]) -> NamespaceSeen {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_, heard| match heard.line.contains("/pods?") {
        true => {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            files.get(at).map_or_else(|| page(&[], ""), |file| recorded(file))
        }
        false => recorded(file_of(&heard.line)),
    })
    .await;
    let folder = folder();
    see(
        &server.client("token: t", folder.path(), ClusterLimits::default()),
        "shop",
    )
    .await
}

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64))
        .parse()
        .expect("a digest")
}

#[tokio::test]
async fn pages_are_one_list_and_a_refusal_is_about_its_template() {
    let whole: &[&str] = &["pods-page-1.json", "pods-page-2.json"];
    let seen = seen(whole).await;
    assert_eq!((&seen.unfinished, &seen.missing), (&None, &Vec::new()));
    let names: Vec<&str> = seen.pods.iter().map(|pod| pod.name.raw()).collect();
    assert!(
        names.len() == 2 && names[0] != names[1] && names.iter().all(|name| name.starts_with("web-")),
        "{names:?}"
    );
    for pod in &seen.pods {
        let container = &pod.containers[0];
        let reported = container.image.reported.as_ref().expect("a digest");
        assert_eq!((reported.digest, container.ready), (digest('a'), true));
        assert!(matches!(container.state, ContainerState::Running { since: Some(_) }));
        assert!(pod.started_at.is_some() && !pod.is_leaving);
    }
    // A controller that starts anew makes another Event of it.
    let (set, events) = seen.refusals.split_first().expect("refusals");
    let event = events.first().expect("an Event");
    for (refusal, is_of_template, words) in [
        (
            set,
            true,
            "admission webhook \"policy.sigstore.dev\" denied the request: ",
        ),
        (
            event,
            false,
            "create Pod ledger-0 in StatefulSet ledger failed error: admission webhook",
        ),
    ] {
        assert_eq!((refusal.is_of_template, refusal.at.is_some()), (is_of_template, true));
        assert!(refusal.template[0].raw().ends_with(&digest('b').to_string()));
        assert!(refusal.message.raw().starts_with(words), "{refusal:?}");
    }
    let workloads: Vec<(&str, &str, u32)> = seen
        .workloads
        .iter()
        .map(|one| (one.object.kind.as_str(), one.object.name.as_str(), one.rollout.wanted))
        .collect();
    assert_eq!(workloads, [("Deployment", "web", 2), ("StatefulSet", "ledger", 1)]);
    // The Deployment has begun with its newest template and cannot go on.
    let rollout = &seen.workloads[0].rollout;
    assert_eq!(rollout.generation, rollout.observed_generation);
    assert_eq!((rollout.updated, rollout.available), (0, 2));
}

#[tokio::test]
async fn what_is_refused_is_told_apart() {
    for (files, kind, pods) in [
        (
            &["pods-page-1.json", "410-continue.json", "pods-page-2.json"][..],
            None,
            1,
        ),
        (&["429-priority.json", "pods-page-2.json"], None, 1),
        (&["pods-nowhere.json"], None, 0),
        // It answers from its cache, and then `limit` counts for nothing.
        (&["pods-from-cache.json"], None, 2),
        (&["401.json"], Some(FailureKind::Denied), 0),
        // Without any credentials one is somebody, too.
        (&["403-nobody.json"], Some(FailureKind::Denied), 0),
        (&["403-pods.json"], Some(FailureKind::Denied), 0),
        (&["404-no-such-group.json"], Some(FailureKind::Unsupported), 0),
        (&["404-no-such-kind.json"], Some(FailureKind::Unsupported), 0),
    ] {
        let seen = seen(files).await;
        let found = (seen.unfinished.as_ref().map(|failure| failure.kind), seen.pods.len());
        assert_eq!(found, (kind, pods), "{files:?}: {:?}", seen.unfinished);
    }
    // A group that nobody has installed is no trouble: there is no such reconciler.
    let server = Server::start(|_, _| recorded("404-no-such-group.json")).await;
    let folder = folder();
    let client = server.client("token: t", folder.path(), ClusterLimits::default());
    let (found, missing) = see_reconcilers(&client, "argocd").await;
    assert!(found.applications.is_empty() && missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn a_gate_that_cannot_be_asked_says_so_in_its_place() {
    let server = Server::start(|_, heard| match heard.line.contains("/replicasets?") {
        true => recorded("replicasets-unasked.json"),
        false => page(&[], ""),
    })
    .await;
    let folder = folder();
    let client = server.client("token: t", folder.path(), ClusterLimits::default());
    let seen = see(&client, "shop-down").await;
    let [refusal] = seen.refusals.as_slice() else {
        panic!("{:#?}", seen.refusals)
    };
    let words = "Internal error occurred: failed calling webhook \"down.policy.example\": ";
    assert!(refusal.message.raw().starts_with(words), "{refusal:?}");
    assert!(refusal.is_of_template && refusal.template[0].raw().ends_with(&digest('a').to_string()));
}

#[tokio::test]
async fn reconcilers_are_read_as_their_own_definitions_have_them() {
    let server = Server::start(|_, heard| recorded(file_of(&heard.line))).await;
    let folder = folder();
    let client = server.client("token: t", folder.path(), ClusterLimits::default());
    let (seen, missing) = see_reconcilers(&client, "argocd").await;
    assert!(missing.is_empty(), "{missing:?}");
    let commit = "1".repeat(40);
    let application = &seen.applications[0];
    assert_eq!(application.name.raw(), "argocd/shop");
    assert!(application.is_synced && application.is_automated);
    assert_eq!(application.compared, [Some(commit.clone())]);
    assert_eq!(application.applied, [Some(commit.clone())]);
    assert_eq!(application.owns[0].name, "web");
    let kustomization = &seen.kustomizations[0];
    assert_eq!(kustomization.applied, Some(format!("main@sha1:{commit}")));
    assert_eq!(kustomization.owns[0].kind, "StatefulSet");
    assert_eq!(kustomization.ready.as_ref().and_then(|ready| ready.status), Some(true));
    let ready = seen.releases[0].ready.as_ref().expect("a condition");
    assert_eq!(ready.status, Some(false));
    assert!(ready.message.raw().starts_with("Helm upgrade failed"), "{ready:?}");
}

#[tokio::test]
async fn a_watch_says_to_look_again() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cluster/pods-page-2.json");
    let text = std::fs::read_to_string(path).expect("an answer");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let version = answer["body"]["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version");
    for (file, is_permitted) in [
        ("watch.json", true),
        ("watch-410.json", true),
        ("403-watch.json", false),
    ] {
        let server = Server::start(move |_, heard| match heard.line.contains("watch=true") {
            true => recorded(file),
            false => recorded("pods-page-2.json"),
        })
        .await;
        let folder = folder();
        let client = server.client("token: t", folder.path(), ClusterLimits::default());
        assert!(!see(&client, "shop").await.pods.is_empty());
        let changed = client.changed("shop", Duration::from_secs(5)).await;
        assert_eq!(changed.is_ok(), is_permitted, "{file}: {changed:?}");
        let watch = server.heard().pop().expect("a watch");
        assert!(watch.line.contains(&format!("resourceVersion={version}&")), "{watch:?}");
    }
}
