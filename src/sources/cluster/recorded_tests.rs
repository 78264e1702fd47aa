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

/// What is seen of a namespace where the list of Pods is answered by these files in turn, and all else by none.
async fn seen(files: &'static [&'static str]) -> NamespaceSeen {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_, heard| match heard.line.contains("/pods?") {
        true => {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            files.get(at).map_or_else(|| page(&[], ""), |file| recorded(file))
        }
        false if heard.line.contains("/replicasets?") => recorded("replicasets-denied.json"),
        false => page(&[], ""),
    })
    .await;
    let folder = folder();
    see(
        &server.client("token: t", folder.path(), ClusterLimits::default()),
        "shop",
    )
    .await
}

#[tokio::test]
async fn pages_are_one_list_and_a_refusal_is_about_its_template() {
    let whole: &[&str] = &["pods-page-1.json", "pods-page-2.json"];
    let seen = seen(whole).await;
    assert_eq!(seen.unfinished, None);
    let names: Vec<&str> = seen.pods.iter().map(|pod| pod.name.raw()).collect();
    assert_eq!(names, ["web-5d4f8c7b9d-2x7kq", "web-5d4f8c7b9d-9lw4m"]);
    let pinned: Digest = format!("sha256:{}", "a".repeat(64)).parse().expect("a digest");
    for pod in &seen.pods {
        let container = &pod.containers[0];
        let reported = container.image.reported.as_ref().expect("a digest");
        assert_eq!((reported.digest, container.ready), (pinned, true));
    }
    let refusal = &seen.refusals[0];
    assert!(refusal.is_of_template && refusal.template[0].raw().ends_with(&"b".repeat(64)));
    assert!(
        refusal
            .message
            .raw()
            .contains("\"policy.sigstore.dev\" denied the request")
    );
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
        // Asked once more, with credentials that are read anew.
        (&["401.json", "401.json"], Some(FailureKind::Denied), 0),
        (&["403-pods.json"], Some(FailureKind::Denied), 0),
        (&["404-no-such-group.json"], Some(FailureKind::Unsupported), 0),
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
async fn a_watch_says_to_look_again() {
    for file in ["watch.json", "watch-410.json"] {
        let server = Server::start(move |_, heard| match heard.line.contains("watch=true") {
            true => recorded(file),
            false => recorded("pods-page-2.json"),
        })
        .await;
        let folder = folder();
        let client = server.client("token: t", folder.path(), ClusterLimits::default());
        assert_eq!(see(&client, "shop").await.unfinished, None);
        assert_eq!(client.changed("shop", Duration::from_secs(5)).await, Ok(()), "{file}");
        let watch = server.heard().pop().expect("a watch");
        assert!(watch.line.contains("resourceVersion=41025"), "{watch:?}");
    }
}
