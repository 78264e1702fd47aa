//! One host that leads to several registries, and pages for people in the place of content.

use pindeck::domain::Digest;
use pindeck::domain::evidence::CauseKind;
use pindeck::sources::registry::{Options, ReferrersVia, Registry};

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
