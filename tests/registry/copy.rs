//! The promotion copy: complete, byte-identical, resumable, and never a tag on half of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::{CauseKind, Digest};
use pindeck::sources::registry::{CopyProgress, CopyReport, CopyRequest, RegistryError};

use super::client::plain;
use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Server};

pub const FROM: &str = "shop/api";
pub const TO: &str = "staging/api";

/// What was put into the source.
pub struct World {
    pub fake: Fake,
    pub index: Digest,
    children: [Digest; 2],
    referrers: Vec<(Digest, Digest)>,
    tagged: Vec<(String, Digest)>,
}

/// An index of two images with a large layer, evidence on the index and on a child, evidence about
/// evidence, and cosign's tags.
pub fn world(ways: Ways) -> World {
    let fake = Fake::new(ways);
    let large = "L".repeat(70_000);
    let children = [fake.image(FROM, &large, None), fake.image(FROM, "arm64 layer", None)];
    let index = fake.index(FROM, &children);
    let of = |digest| fake.descriptor(FROM, digest);
    let signature = fake.image(FROM, "signature", Some(&of(index)));
    let sbom = fake.image(FROM, "sbom", Some(&of(children[1])));
    let about = fake.image(FROM, "signature of the sbom", Some(&of(sbom)));
    let referrers = vec![(index, signature), (children[1], sbom), (sbom, about)];
    if !ways.referrers {
        for (subject, referrer) in &referrers {
            let listing = fake.index(FROM, &[*referrer]);
            fake.tag(FROM, &fallback(subject), listing);
        }
    }
    let sig = fake.image(FROM, "legacy signature", None);
    let att = fake.image(FROM, "legacy attestation", None);
    let tagged = vec![
        (format!("sha256-{}.sig", index.hex()), sig),
        (format!("sha256-{}.att", children[0].hex()), att),
    ];
    for (tag, digest) in &tagged {
        fake.tag(FROM, tag, *digest);
    }
    fake.tag(FROM, "v1", index);
    World {
        fake,
        index,
        children,
        referrers,
        tagged,
    }
}

fn fallback(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

pub async fn serve(fake: &Fake) -> Server {
    let served = fake.clone();
    Server::start(move |seen| served.answer(seen)).await
}

pub fn request(from: &Server, to: &Server, world: &World) -> CopyRequest {
    CopyRequest {
        source: from.repository(FROM),
        destination: to.repository(TO),
        digest: world.index,
        tag: Some("v1".to_owned()),
        move_tag: false,
    }
}

/// Everything is at the destination as it is at the source.
pub fn assert_complete(world: &World, destination: &Fake) {
    let source = world.fake.content()[FROM].clone();
    let there = destination.content()[TO].clone();
    let manifests = world
        .children
        .iter()
        .chain([&world.index])
        .chain(world.referrers.iter().map(|(_, digest)| digest))
        .chain(world.tagged.iter().map(|(_, digest)| digest));
    for digest in manifests {
        assert_eq!(there.manifests.get(digest), source.manifests.get(digest), "{digest}");
    }
    assert_eq!(there.blobs, source.blobs);
    assert_eq!(there.tags.get("v1"), Some(&world.index));
    for (tag, digest) in &world.tagged {
        assert_eq!(there.tags.get(tag), Some(digest), "{tag}");
    }
    for (subject, referrer) in &world.referrers {
        let tag = there.tags.get(&fallback(subject));
        assert_eq!(
            tag.is_none(),
            destination.ways.referrers,
            "fallback tags only where they are needed"
        );
        if let Some(listing) = tag {
            let text = String::from_utf8(there.manifests[listing].1.clone()).expect("JSON");
            assert!(text.contains(&referrer.to_string()), "{text}");
        }
    }
}

#[tokio::test]
async fn everything_arrives_and_a_repeat_sends_nothing() {
    let mut costs = Vec::new();
    for (from, to) in [
        (Ways::default(), Ways::default()),
        (
            Ways::default(),
            Ways {
                referrers: false,
                relative: true,
                ..Ways::default()
            },
        ),
        (
            Ways {
                referrers: false,
                ..Ways::default()
            },
            Ways::default(),
        ),
    ] {
        let world = world(from);
        let destination = Fake::new(to);
        let (source, target) = (serve(&world.fake).await, serve(&destination).await);
        let folder = tempfile::tempdir().expect("a folder");
        let registry = super::client::cached(folder.path());
        let request = request(&source, &target, &world);
        let (tell, mut told) = tokio::sync::mpsc::channel(1000);
        let report = registry.copy(&request, Some(tell)).await.expect("copied");
        assert_complete(&world, &destination);
        let expected = CopyReport {
            manifests: 8,
            blobs: 8,
            bytes: report.bytes,
            evidence: 5,
            missing: Vec::new(),
            tagged: true,
        };
        assert_eq!(report, expected);
        let mut last = CopyProgress::default();
        while let Ok(progress) = told.try_recv() {
            last = progress;
        }
        assert_eq!((last.items, last.bytes), (last.of_items, last.of_bytes));
        costs.push([source.total(), target.total()]);
        source.forget();
        target.forget();
        let report = registry.copy(&request, None).await.expect("all there");
        assert_eq!(
            report,
            CopyReport {
                tagged: true,
                ..CopyReport::default()
            }
        );
        costs.push([source.total(), target.total()]);
    }
    // Source and destination, first and again, for each pair. At the source 7 of these ask for evidence tags that
    // its tag list lacks (three subjects with three endings, of which two are listed), and where there is no
    // referrers API 3 more for fallback tags.
    let expected = [[32, 38], [16, 8], [32, 45], [16, 8], [33, 38], [16, 8]];
    assert_eq!(costs, expected);
}

#[tokio::test]
async fn within_a_registry_blobs_are_mounted_or_the_offered_upload_is_used() {
    for mount in [true, false] {
        let world = world(Ways {
            mount,
            ..Ways::default()
        });
        let server = serve(&world.fake).await;
        let report = plain()
            .copy(&request(&server, &server, &world), None)
            .await
            .expect("copied");
        assert_complete(&world, &world.fake);
        assert_eq!((report.bytes == 0, report.blobs), (mount, 8));
        let posts: Vec<String> = server
            .seen()
            .iter()
            .filter(|seen| seen.method == "POST")
            .map(|seen| seen.path.clone())
            .collect();
        assert_eq!(posts.len(), 8, "one a blob, whether it mounts or not");
        assert!(
            posts
                .iter()
                .all(|path| path.contains("mount=") && path.contains("from=shop%2Fapi"))
        );
    }
}

#[tokio::test]
async fn a_corrupt_layer_stops_the_copy_and_corrupt_evidence_is_named() {
    let world = world(Ways::default());
    let destination = Fake::new(Ways::default());
    let (source, target) = (serve(&world.fake).await, serve(&destination).await);
    let asked = request(&source, &target, &world);
    let signature = world.referrers[0].1;
    let spoil = |of: Digest| {
        let mut state = world.fake.content();
        let content = state.get_mut(FROM).expect("there");
        let json: serde_json::Value = serde_json::from_slice(&content.manifests[&of].1).expect("JSON");
        let layer: Digest = json["layers"][0]["digest"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a digest");
        content.blobs.get_mut(&layer).expect("there")[3] ^= 1;
        layer
    };
    spoil(signature);
    let report = plain().copy(&asked, None).await.expect("the image is fine");
    assert_eq!((report.missing.len(), report.tagged, report.evidence), (1, false, 4));
    assert_eq!(report.missing[0].digest, signature);
    assert!(
        report.missing[0].reason.raw().contains("corrupt"),
        "{:?}",
        report.missing
    );
    assert_eq!(destination.content()[TO].tags.get("v1"), None);
    for child in world.children {
        let layer = spoil(child);
        let target = Fake::new(Ways::default());
        let server = serve(&target).await;
        let error = plain()
            .copy(&request(&source, &server, &world), None)
            .await
            .expect_err("corrupt");
        assert_eq!(error.cause(), CauseKind::Corrupt, "{error}");
        assert!(error.to_string().contains(&layer.to_string()), "{error}");
        assert!(
            target
                .content()
                .get(TO)
                .is_none_or(|content| content.manifests.is_empty())
        );
    }
}

#[tokio::test]
async fn refused_evidence_is_named_and_other_statements_are_not_overwritten() {
    let world = world(Ways::default());
    let destination = Fake::new(Ways::default());
    let other = destination.image(TO, "another attestation", None);
    let (tag, ours) = world.tagged[1].clone();
    destination.tag(TO, &tag, other);
    let served = destination.clone();
    let immutable = world.tagged[0].0.clone();
    let target = Server::start(
        move |seen| match seen.method == "PUT" && seen.path.ends_with(&immutable) {
            true => Reply::error(400, "TAG_IMMUTABLE"),
            false => served.answer(seen),
        },
    )
    .await;
    let source = serve(&world.fake).await;
    let report = plain()
        .copy(&request(&source, &target, &world), None)
        .await
        .expect("the image is fine");
    let missing: Vec<_> = report.missing.iter().map(|m| (m.tag.clone(), m.digest)).collect();
    assert_eq!(
        missing,
        [
            (Some(world.tagged[0].0.clone()), world.tagged[0].1),
            (Some(tag.clone()), ours)
        ]
    );
    assert!(report.missing[0].reason.raw().contains("TAG_IMMUTABLE"));
    assert!(!report.tagged);
    assert_eq!(destination.content()[TO].tags[&tag], other);
}

#[tokio::test]
async fn another_writers_fallback_listing_is_kept() {
    let world = world(Ways::default());
    let destination = Fake::new(Ways {
        referrers: false,
        ..Ways::default()
    });
    let (subject, referrer) = world.referrers[0];
    let stranger = destination.image(TO, "stranger", None);
    let listing = destination.index(TO, &[stranger]);
    let tag = fallback(&subject);
    destination.tag(TO, &tag, listing);
    // The first write is lost to somebody else's.
    let (served, rival, lost) = (destination.clone(), tag.clone(), AtomicUsize::new(0));
    let target = Server::start(move |seen| {
        let reply = served.answer(seen);
        if seen.method == "PUT" && seen.path.ends_with(&rival) && lost.fetch_add(1, Ordering::SeqCst) == 0 {
            served.tag(TO, &rival, listing);
        }
        reply
    })
    .await;
    let source = serve(&world.fake).await;
    let report = plain()
        .copy(&request(&source, &target, &world), None)
        .await
        .expect("copied");
    assert_eq!((report.missing.len(), report.tagged), (0, true));
    let content = destination.content()[TO].clone();
    let text = String::from_utf8(content.manifests[&content.tags[&tag]].1.clone()).expect("JSON");
    assert!(
        text.contains(&stranger.to_string()) && text.contains(&referrer.to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn a_release_tag_is_not_taken_from_another_digest_unasked() {
    let world = world(Ways::default());
    let destination = Fake::new(Ways::default());
    let old = destination.image(TO, "old", None);
    destination.tag(TO, "v1", old);
    let (source, target) = (serve(&world.fake).await, serve(&destination).await);
    let mut asked = request(&source, &target, &world);
    let error = plain().copy(&asked, None).await.expect_err("refused");
    assert!(error.to_string().contains(&old.to_string()), "{error}");
    assert!(
        target
            .seen()
            .iter()
            .all(|seen| seen.method == "GET" || seen.method == "HEAD")
    );
    asked.move_tag = true;
    assert!(plain().copy(&asked, None).await.expect("copied").tagged);
    assert_complete_but_old(&world, &destination, old);
}

fn assert_complete_but_old(world: &World, destination: &Fake, old: Digest) {
    assert_eq!(destination.content()[TO].tags["v1"], world.index);
    assert!(destination.content()[TO].manifests.contains_key(&old));
}

#[tokio::test]
async fn an_upload_without_location_is_an_error() {
    for location in [None, Some("http://[")] {
        let world = world(Ways::default());
        let source = serve(&world.fake).await;
        let target = Server::start(move |seen| match (seen.method.as_str(), location) {
            ("POST", Some(location)) => Reply::new(202, "").with("Location", location),
            ("POST", None) => Reply::new(202, ""),
            _ => Reply::error(404, "NAME_UNKNOWN"),
        })
        .await;
        let error = plain()
            .copy(&request(&source, &target, &world), None)
            .await
            .expect_err("no location");
        assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn preflight_says_what_stands_in_the_way() {
    let world = world(Ways::default());
    let source = serve(&world.fake).await;
    let destination = Fake::new(Ways::default());
    let target = serve(&destination).await;
    let asked = request(&source, &target, &world);
    let found = plain().preflight(&asked).await.expect("asked");
    assert_eq!(
        (found.repository_exists, found.present, found.tag, found.refused),
        (false, false, None, None)
    );
    plain().copy(&asked, None).await.expect("copied");
    let found = plain().preflight(&asked).await.expect("asked");
    assert_eq!(
        (found.repository_exists, found.present, found.tag),
        (true, true, Some(world.index))
    );
    assert_eq!(found.evidence_tags, [world.tagged[0].0.clone()]);
    for (status, code) in [(404, "NAME_UNKNOWN"), (405, "UNSUPPORTED"), (403, "DENIED")] {
        let target = Server::start(move |_| Reply::error(status, code)).await;
        let asked = request(&source, &target, &world);
        match plain().preflight(&asked).await {
            Ok(found) => assert!(found.refused.expect("refused").to_string().contains(code)),
            Err(error) => assert!(error.to_string().contains(code), "{error}"),
        }
    }
}
