//! Evidence that a source's tag list does not tell of: pull-through caches list only what they have been asked
//! for, and what is not listed must not stay behind without a word.

use pindeck::domain::CauseKind;

use super::client::plain;
use super::copy::{World, assert_complete, request, serve, world};
use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Server};

const NO_API: Ways = Ways {
    referrers: false,
    mount: true,
    relative: false,
    ranges: false,
};

/// The world's source with a tag list of this one answer.
async fn with_tag_list(world: &World, list: &'static str) -> Server {
    let served = world.fake.clone();
    Server::start(move |seen| match seen.path.ends_with("/tags/list") {
        true => Reply::new(200, list),
        false => served.answer(seen),
    })
    .await
}

#[tokio::test]
async fn evidence_that_no_tag_list_tells_of_comes_along() {
    for list in [r#"{"tags":["v1"]}"#, r#"{"tags":[]}"#, r#"{"tags":null}"#] {
        for ways in [Ways::default(), NO_API] {
            let world = world(ways);
            let destination = Fake::new(Ways::default());
            let source = with_tag_list(&world, list).await;
            let target = serve(&destination).await;
            let report = plain()
                .copy(&request(&source, &target, &world), None)
                .await
                .expect("copied");
            assert_eq!(
                (report.evidence, report.missing.len(), report.tagged),
                (5, 0, true),
                "{list}"
            );
            assert_complete(&world, &destination);
            // Three subjects with three endings each; every question once.
            let asked: Vec<String> = source
                .seen()
                .iter()
                .filter(|seen| [".sig", ".att", ".sbom"].iter().any(|end| seen.path.ends_with(end)))
                .map(|seen| seen.path.clone())
                .collect();
            assert_eq!(asked.len(), 9, "{asked:#?}");
            // Without the referrers API the fallback tags too: three images, and three referrers.
            let fallback = source
                .seen()
                .iter()
                .filter(|seen| seen.path.contains("/manifests/sha256-") && seen.path.len() > 64)
                .filter(|seen| !seen.path.contains('.'))
                .count();
            assert_eq!(fallback, if ways.referrers { 0 } else { 6 }, "{list}");
        }
    }
}

/// A question about evidence that has no answer is no "there is none": the copy ends before the release tag.
#[tokio::test]
async fn an_evidence_tag_that_cannot_be_asked_for_stops_the_copy() {
    for status in [401, 403, 404, 429, 500] {
        let world = world(Ways::default());
        let served = world.fake.clone();
        let source = Server::start(move |seen| {
            if seen.path.ends_with("/tags/list") {
                return Reply::new(200, r#"{"tags":["v1"]}"#);
            }
            match seen.path.ends_with(".sig") {
                true => Reply::new(status, "<html>"),
                false => served.answer(seen),
            }
        })
        .await;
        let destination = Fake::new(Ways::default());
        let target = serve(&destination).await;
        let error = plain()
            .copy(&request(&source, &target, &world), None)
            .await
            .expect_err("nobody knows what there is");
        assert_eq!(error.cause(), CauseKind::Unreachable, "{status}: {error}");
        assert!(destination.content().is_empty(), "{status}");
    }
}
