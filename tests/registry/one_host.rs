//! One host that leads to several registries, and pages for people in the place of content.

use std::time::Duration;

use pindeck::domain::Digest;
use pindeck::domain::evidence::CauseKind;
use pindeck::sources::registry::{Limits, Options, ReferrersVia, Registry, RegistryError};

use crate::support::server::{Reply, Server};

/// A repository without the referrers API says nothing about another one behind the same address: what that one
/// lists may be the statement that rejects.
#[tokio::test]
async fn a_repository_without_the_api_does_not_speak_for_its_host() {
    let subject = Digest::of(b"an image");
    let listed = Digest::of(b"a referrer");
    let server = Server::start(move |seen| match seen.path.as_str() {
        path if path.starts_with("/v2/new/referrers/") => Reply::new(
            200,
            format!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{listed}","size":2}}]}}"#
            ),
        ),
        _ => Reply::new(404, "404 page not found"),
    })
    .await;
    let registry = Registry::new(Options::default()).expect("valid options");
    let none = std::collections::BTreeSet::new();
    let old = registry
        .referrers(&server.repository("old"), &subject, Some(&none))
        .await;
    assert_eq!(old.expect("an answer").via, ReferrersVia::Unsupported);
    let new = registry
        .referrers(&server.repository("new"), &subject, Some(&none))
        .await;
    let new = new.expect("an answer");
    assert_eq!((new.via, new.descriptors.len()), (ReferrersVia::Api, 1));
}

/// A login page is neither a manifest nor proof that one is there.
#[tokio::test]
async fn a_web_page_is_no_content() {
    let server =
        Server::start(|_| Reply::new(200, "<html>Please log in</html>").with("Content-Type", "text/html")).await;
    let registry = Registry::new(Options::default()).expect("valid options");
    let (repository, digest) = (server.repository("a"), Digest::of(b"x"));
    let error = registry.manifest(&repository, &digest).await.expect_err("a page");
    assert_eq!(error.cause(), CauseKind::Unreachable, "{error}");
    let error = registry.resolve(&repository, "1.0.0").await.expect_err("a page");
    assert_eq!(error.cause(), CauseKind::Unreachable, "{error}");
    assert!(error.to_string().contains("web page"), "{error}");
}

/// A host that sends its questions to another one, which then says nothing: the time was the first one's to keep.
/// The other one did not ask for the traffic, and is still asked when somebody asks it.
#[tokio::test]
async fn a_late_redirect_is_the_fault_of_who_was_asked() {
    let digest = Digest::of(b"x");
    let silent = Server::start(move |seen| match seen.path.ends_with("/tags/list") {
        true => Reply::new(200, r#"{"tags":["a"]}"#),
        false => Reply::Stall(Vec::new()),
    })
    .await;
    let to = format!("http://{}/v2/a/manifests/{digest}", silent.address);
    let asked = Server::start(move |_| Reply::new(307, "").with("Location", to.clone())).await;
    let limits = Limits {
        deadline: Duration::from_millis(200),
        ..Limits::default()
    };
    let registry = Registry::with_limits(Options::default(), limits).expect("valid options");
    for _ in 0..2 {
        let error = registry
            .manifest(&asked.repository("a"), &digest)
            .await
            .expect_err("silent");
        let RegistryError::Timeout { host, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*host, asked.address.to_string());
    }
    // Twice is enough not to ask the first one for a while, and says nothing about the other.
    let error = registry
        .manifest(&asked.repository("a"), &digest)
        .await
        .expect_err("not asked");
    assert!(matches!(error, RegistryError::Breaker { .. }), "{error}");
    assert_eq!((asked.total(), silent.total()), (2, 2));
    assert_eq!(registry.tags(&silent.repository("a")).await.expect("asked"), ["a"]);
}
