//! What each question costs, exactly.

use std::collections::BTreeSet;

use pindeck::domain::{CauseKind, Digest, Repository};
use pindeck::sources::registry::{Place, ReferrersVia, Registry, RegistryError};

use super::client::{cached, plain};
use crate::support::fake::{Fake, Ways};
use crate::support::server::Server;

async fn start(ways: Ways) -> (Fake, Server) {
    let fake = Fake::new(ways);
    let served = fake.clone();
    (fake, Server::start(move |seen| served.answer(seen)).await)
}

/// Whether a manifest is there, by the registry's word of now.
async fn is_there(registry: &Registry, repository: &Repository, digest: Digest) -> Result<bool, RegistryError> {
    let answer = registry.presence(&Place::new(repository, digest), None).await;
    answer.map(|present| present.is_some())
}

#[tokio::test]
async fn a_tag_costs_one_head_and_a_manifest_one_get_once() {
    let (fake, server) = start(Ways::default()).await;
    let digest = fake.image("shop/api", "layer", None);
    fake.tag("shop/api", "main", digest);
    let folder = tempfile::tempdir().expect("a folder");
    let registry = cached(folder.path());
    let repository = server.repository("shop/api");
    assert_eq!(registry.resolve(&repository, "main").await, Ok(Some(digest)));
    assert_eq!((registry.budget().requests, registry.budget().head), (1, 1));
    let manifest = registry.manifest(&repository, &digest).await.expect("there");
    assert_eq!(Digest::of(&manifest.bytes), digest);
    assert_eq!((server.total(), registry.budget().get), (2, 1));
    registry.manifest(&repository, &digest).await.expect("there");
    assert_eq!((server.total(), registry.budget().from_cache), (2, 1));
    let layer = &manifest.body.layers[0];
    for _ in 0..2 {
        let blob = registry
            .blob(&repository, &layer.digest, Some(layer.size), 1 << 20)
            .await;
        assert_eq!(blob.expect("there"), "layer");
    }
    assert_eq!(server.total(), 3);
    assert_eq!(is_there(&registry, &repository, digest).await, Ok(true));
    assert_eq!(is_there(&registry, &repository, digest).await, Ok(true));
    assert_eq!(server.total(), 5, "presence is never cached");
    // Another process with the same cache, and then one that may not ask.
    let other = cached(folder.path());
    other.manifest(&repository, &digest).await.expect("cached");
    assert_eq!(server.total(), 5);
    assert_eq!(other.budget().requests, 0);
}

#[tokio::test]
async fn parallel_questions_for_the_same_content_cost_one_request() {
    let (fake, server) = start(Ways::default()).await;
    let digest = fake.image("shop/api", "layer", None);
    let folder = tempfile::tempdir().expect("a folder");
    let registry = cached(folder.path());
    let repository = server.repository("shop/api");
    let asked = (0..50).map(|_| registry.manifest(&repository, &digest));
    for answer in futures_util::future::join_all(asked).await {
        answer.expect("there");
    }
    assert_eq!(server.total(), 1);
}

#[tokio::test]
async fn tags_cost_one_request_a_page_and_come_sorted() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/v2/a/tags/list" => crate::support::server::Reply::new(200, r#"{"tags":["z","b"]}"#)
            .with("Link", r#"</v2/a/tags/list?last=b&n=2>; rel="next""#),
        "/v2/a/tags/list?last=b&n=2" => crate::support::server::Reply::new(200, r#"{"tags":["a","z","bad tag"]}"#)
            .with("Link", r#"<list?last=z>; rel="next""#),
        "/v2/a/tags/list?last=z" => crate::support::server::Reply::new(200, r#"{"tags":null}"#),
        _ => crate::support::server::Reply::new(500, ""),
    })
    .await;
    let tags = plain().tags(&server.repository("a")).await.expect("listed");
    assert_eq!(tags, ["a", "b", "z"]);
    assert_eq!(server.total(), 3);
}

#[tokio::test]
async fn referrers_by_api_cost_one_request() {
    let (fake, server) = start(Ways::default()).await;
    let image = fake.image("a", "layer", None);
    let first = fake.image("a", "signature", Some(&fake.descriptor("a", image)));
    let second = fake.image("a", "sbom", Some(&fake.descriptor("a", image)));
    let registry = plain();
    let repository = server.repository("a");
    let found = registry.referrers(&repository, &image, None).await.expect("listed");
    assert_eq!(found.via, ReferrersVia::Api);
    let digests: BTreeSet<Digest> = found.descriptors.iter().map(|d| d.digest).collect();
    assert_eq!(digests, BTreeSet::from([first, second]));
    assert_eq!(server.total(), 1);
    let none = registry.referrers(&repository, &first, None).await.expect("listed");
    assert_eq!(
        (none.via, none.descriptors.len(), server.total()),
        (ReferrersVia::Api, 0, 2)
    );
}

#[tokio::test]
async fn without_the_api_one_request_finds_out_and_absent_fallback_tags_are_free() {
    let (fake, server) = start(Ways {
        referrers: false,
        ..Ways::default()
    })
    .await;
    let image = fake.image("a", "layer", None);
    let bare = fake.image("a", "bare", None);
    let signature = fake.image("a", "signature", Some(&fake.descriptor("a", image)));
    let listing = fake.index("a", &[signature]);
    let tag = format!("sha256-{}", image.hex());
    fake.tag("a", &tag, listing);
    let tags = BTreeSet::from([tag]);
    let registry = plain();
    let repository = server.repository("a");
    // Many at once: only the first asks whether there is an API.
    let asked = (0..20).map(|_| registry.referrers(&repository, &image, Some(&tags)));
    for found in futures_util::future::join_all(asked).await {
        let found = found.expect("listed");
        assert_eq!(found.via, ReferrersVia::FallbackTag);
        assert_eq!(found.descriptors[0].digest, signature);
    }
    assert_eq!(server.total(), 21);
    let none = registry
        .referrers(&repository, &bare, Some(&tags))
        .await
        .expect("listed");
    assert_eq!((none.via, server.total()), (ReferrersVia::Unsupported, 21));
    let asked = registry.referrers(&repository, &bare, None).await.expect("listed");
    assert_eq!((asked.via, server.total()), (ReferrersVia::Unsupported, 22));
}

#[tokio::test]
async fn gone_needs_proof_and_the_proof_costs_at_most_two_requests() {
    let (fake, server) = start(Ways::default()).await;
    let digest = fake.image("a", "layer", None);
    let gone = Digest::of(b"gone");
    let registry = plain();
    let repository = server.repository("a");
    assert_eq!(is_there(&registry, &repository, gone).await, Ok(false));
    // A HEAD has no words: only a GET tells whether the registry itself says that it does not know it.
    assert_eq!(server.total(), 3, "HEAD, GET and the tag list");
    assert_eq!(registry.resolve(&repository, "none").await, Ok(None));
    assert_eq!(server.total(), 5, "the repository is known to be readable");
    let error = registry.manifest(&repository, &gone).await.expect_err("gone");
    assert_eq!((error.cause(), server.total()), (CauseKind::Absent, 6));
    assert_eq!(is_there(&registry, &repository, digest).await, Ok(true));
    // A repository that is not there, or that these credentials may not see: nobody can tell.
    let hidden = server.repository("hidden");
    for error in [
        is_there(&registry, &hidden, gone).await.expect_err("unproven"),
        registry.resolve(&hidden, "main").await.expect_err("unproven"),
        registry.manifest(&hidden, &gone).await.expect_err("unproven"),
        registry.tags(&hidden).await.expect_err("unproven"),
    ] {
        assert_eq!(error.cause(), CauseKind::Unreachable, "{error}");
    }
}

#[tokio::test]
async fn offline_answers_from_the_cache_and_sends_nothing() {
    let (fake, server) = start(Ways::default()).await;
    let digest = fake.image("a", "layer", None);
    let folder = tempfile::tempdir().expect("a folder");
    let repository = server.repository("a");
    cached(folder.path())
        .manifest(&repository, &digest)
        .await
        .expect("there");
    server.forget();
    let offline = super::client::client(pindeck::sources::registry::Options {
        cache: Some(pindeck::sources::registry::ContentCache::open(folder.path(), 1 << 20).expect("opens")),
        offline: true,
        ..Default::default()
    });
    assert!(offline.manifest(&repository, &digest).await.is_ok());
    for error in [
        is_there(&offline, &repository, digest).await.expect_err("not asked"),
        offline.tags(&repository).await.expect_err("not asked"),
        offline
            .referrers(&repository, &digest, None)
            .await
            .expect_err("not asked"),
    ] {
        assert_eq!(error.cause(), CauseKind::NotChecked);
    }
    assert_eq!((server.total(), offline.budget().requests), (0, 0));
}
