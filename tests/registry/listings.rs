//! Tag lists and referrers that a server garbles, hides or sends elsewhere: trouble with a listing is
//! never an empty listing.

use std::collections::BTreeSet;

use pindeck::domain::{CauseKind, Digest};
use pindeck::sources::registry::ReferrersVia;

use super::client::plain;
use super::faults::{good, manifest};
use crate::support::fake::{INDEX, index_text};
use crate::support::server::{Reply, Seen, Server};

#[tokio::test]
async fn listings_that_make_no_sense_are_unreachable_and_never_empty() {
    fn page(seen: &Seen, next: &str) -> Reply {
        let body = if seen.path.contains("referrers") {
            index_text(&[])
        } else {
            r#"{"tags":["a"]}"#.to_owned()
        };
        Reply::new(200, body).with("Link", format!(r#"<{next}>; rel="next""#))
    }
    let circle = |seen: &Seen| page(seen, &seen.path);
    let elsewhere = |seen: &Seen| page(seen, "http://127.0.0.2:1/v2/next");
    let second_fails = |seen: &Seen| match seen.path.contains("last") {
        true => Reply::new(500, ""),
        false => page(seen, &format!("{}?last=x", seen.path)),
    };
    let garbage = |_: &Seen| Reply::new(200, r#"{"tags":["a""#);
    let image = |_: &Seen| good();
    type Lie = Box<dyn Fn(&Seen) -> Reply + Send + Sync>;
    let lies: Vec<(Lie, usize, bool)> = vec![
        (Box::new(circle), 1, true),
        (Box::new(elsewhere), 1, true),
        (Box::new(second_fails), 2, true),
        (Box::new(garbage), 1, true),
        (Box::new(image), 1, false),
    ];
    for (n, (lie, cost, tags_too)) in lies.into_iter().enumerate() {
        let server = Server::start(lie).await;
        let registry = plain();
        let repository = server.repository("a");
        let error = registry
            .referrers(&repository, &manifest().0, None)
            .await
            .expect_err("no listing");
        assert_eq!(
            (error.cause(), server.total()),
            (CauseKind::Unreachable, cost),
            "{n}: {error}"
        );
        if tags_too {
            let error = registry.tags(&repository).await.expect_err("no listing");
            assert_eq!(error.cause(), CauseKind::Unreachable, "{n}: {error}");
        }
    }
}

#[tokio::test]
async fn trouble_with_referrers_is_never_none() {
    for status in [400, 401, 403, 405, 406, 429, 500, 502, 503] {
        let server = Server::start(move |_| Reply::new(status, "")).await;
        let error = plain()
            .referrers(&server.repository("a"), &manifest().0, None)
            .await
            .expect_err("trouble");
        assert_eq!(error.cause(), CauseKind::Unreachable, "{status}");
        // The same on the fallback tag of a registry without the API.
        let server =
            Server::start(move |seen| Reply::new(if seen.path.contains("referrers") { 404 } else { status }, "")).await;
        let error = plain()
            .referrers(&server.repository("a"), &manifest().0, None)
            .await
            .expect_err("trouble");
        assert_eq!(error.cause(), CauseKind::Unreachable, "{status}");
    }
    // A 404 of the fallback tag in a repository nobody can read proves nothing either.
    let server = Server::start(|_| Reply::new(404, "")).await;
    let error = plain()
        .referrers(&server.repository("a"), &manifest().0, None)
        .await
        .expect_err("unproven");
    assert_eq!(error.cause(), CauseKind::Unreachable);
    assert_eq!(
        server.total(),
        2,
        "the API and the tag, whose 404 is not the registry's own word"
    );
}

#[tokio::test]
async fn no_api_is_any_404_or_a_redirect_away_and_is_remembered() {
    for html in [true, false] {
        let server = Server::start(move |seen| match (seen.path.contains("referrers"), html) {
            (true, true) => Reply::new(404, "<html>").with("Content-Type", "text/html"),
            (true, false) => Reply::new(303, "").with("Location", "https://www.example.com/docs"),
            _ => Reply::new(200, index_text(&[])).with("Content-Type", INDEX),
        })
        .await;
        let registry = plain();
        let repository = server.repository("a");
        let none = BTreeSet::new();
        let found = registry
            .referrers(&repository, &manifest().0, Some(&none))
            .await
            .expect("no API");
        assert_eq!((found.via, server.total()), (ReferrersVia::Unsupported, 1));
        let found = registry
            .referrers(&repository, &Digest::of(b"other"), Some(&none))
            .await
            .expect("no API");
        assert_eq!((found.via, server.total()), (ReferrersVia::Unsupported, 1));
    }
    // "No such repository" is no word about the registry.
    let server = Server::start(|seen| match seen.path.contains("/b/") {
        true => Reply::new(200, index_text(&[])),
        false => Reply::error(404, "NAME_UNKNOWN"),
    })
    .await;
    let registry = plain();
    let first = registry
        .referrers(&server.repository("a"), &manifest().0, Some(&BTreeSet::new()))
        .await;
    assert_eq!(first.expect("none").via, ReferrersVia::Unsupported);
    let second = registry
        .referrers(&server.repository("b"), &manifest().0, Some(&BTreeSet::new()))
        .await;
    assert_eq!(second.expect("none").via, ReferrersVia::Api);
}
