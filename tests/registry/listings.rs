//! Tag lists and referrers that a server garbles, hides or sends elsewhere: trouble with a listing is
//! never an empty listing.

use std::collections::BTreeSet;
use std::time::Duration;

use pindeck::domain::{CauseKind, Digest};
use pindeck::sources::registry::{Limits, Options, ReferrersVia, Registry};

use super::client::plain;
use super::faults::{good, manifest};
use crate::support::fake::{Fake, INDEX, Ways, index_text};
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

/// A registry without the API that refuses in one of the ways that are known, with a signature behind the
/// fallback tag.
#[tokio::test]
async fn every_refusal_of_a_registry_without_the_api_leads_to_the_fallback_tag() {
    for status in [303, 400, 401, 403, 404, 405, 406, 501] {
        let fake = Fake::new(Ways {
            referrers: false,
            ..Ways::default()
        });
        let image = fake.image("a", "layer", None);
        let signature = fake.image("a", "signature", Some(&fake.descriptor("a", image)));
        let listing = fake.index("a", &[signature]);
        fake.tag("a", &format!("sha256-{}", image.hex()), listing);
        let served = fake.clone();
        let server = Server::start(move |seen| {
            if seen.path.contains("/referrers/") {
                return Reply::new(status, "no").with("Location", "https://www.example.com/");
            }
            served.answer(seen)
        })
        .await;
        let found = plain().referrers(&server.repository("a"), &image, None).await;
        let found = found.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(
            (found.via, found.descriptors[0].digest),
            (ReferrersVia::FallbackTag, signature),
            "{status}"
        );
    }
}

#[tokio::test]
async fn trouble_with_the_api_is_never_no_api() {
    for status in [402, 408, 410, 429, 500, 502, 503, 504] {
        let fake = Fake::new(Ways::default());
        let image = fake.image("a", "layer", None);
        let served = fake.clone();
        let server = Server::start(move |seen| match seen.path.contains("/referrers/") {
            true => Reply::new(status, ""),
            false => served.answer(seen),
        })
        .await;
        let error = plain()
            .referrers(&server.repository("a"), &image, None)
            .await
            .expect_err("trouble");
        assert_eq!(error.cause(), CauseKind::Unreachable, "{status}");
    }
}

#[tokio::test]
async fn a_listing_is_read_as_registries_write_it() {
    let (digest, upper) = (Digest::of(b"x"), Digest::of(b"x").hex().to_uppercase());
    let one = format!(r#"[{{"mediaType":"m","digest":"sha256:{upper}","size":1}}]"#);
    for (body, content_type, expected) in [
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#),
            INDEX,
            Some(0),
        ),
        (
            r#"{"schemaVersion":2,"manifests":null}"#.to_owned(),
            "application/json",
            Some(0),
        ),
        (r#"{"schemaVersion":2}"#.to_owned(), "text/plain", Some(0)),
        (r#"{"schemaVersion":2,"mediaType":""}"#.to_owned(), "", Some(0)),
        (
            format!(r#"{{"schemaVersion":2,"manifests":{one}}}"#),
            "application/octet-stream",
            Some(1),
        ),
        (r#"{"errors":[{"code":"UNKNOWN"}]}"#.to_owned(), INDEX, None),
        (r#"{"schemaVersion":2,"layers":[]}"#.to_owned(), INDEX, None),
        ("[]".to_owned(), INDEX, None),
        ("<html>".to_owned(), "text/html", None),
        (String::new(), INDEX, None),
    ] {
        let shown = body.clone();
        let server = Server::start(move |_| Reply::new(200, body.clone()).with("Content-Type", content_type)).await;
        let answer = plain().referrers(&server.repository("a"), &manifest().0, None).await;
        match (answer, expected) {
            (Ok(found), Some(many)) => {
                assert_eq!(
                    (found.via, found.descriptors.len()),
                    (ReferrersVia::Api, many),
                    "{shown}"
                );
                assert!(found.descriptors.iter().all(|d| d.digest == digest), "{shown}");
            }
            (Err(error), None) => assert_eq!(error.cause(), CauseKind::Unreachable, "{shown}"),
            (answer, _) => panic!("{shown}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_next_page_without_brackets_is_followed_and_an_unreadable_one_is_no_end() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/v2/a/tags/list" => Reply::new(200, r#"{"tags":["z"]}"#).with("Link", r#"/v2/a/tags/list?last=z; rel="next""#),
        "/v2/a/tags/list?last=z" => Reply::new(200, r#"{"tags":["b"]}"#),
        _ => Reply::new(200, r#"{"tags":["z"]}"#).with("Link", "</v2/a/tags/list?last=z"),
    })
    .await;
    assert_eq!(
        plain().tags(&server.repository("a")).await.expect("both pages"),
        ["b", "z"]
    );
    let error = plain()
        .tags(&server.repository("other"))
        .await
        .expect_err("a part of a list");
    assert_eq!(error.cause(), CauseKind::Unreachable);
}

/// One subject for which the registry refuses, while it lists for others: somebody hides what refers to it.
#[tokio::test]
async fn a_refusal_for_one_subject_alone_is_not_no_api() {
    for status in [400, 401, 403, 406] {
        let fake = Fake::new(Ways::default());
        let image = fake.image("a", "layer", None);
        let hidden = image.to_string();
        let served = fake.clone();
        let server = Server::start(move |seen| match seen.path.ends_with(&format!("/referrers/{hidden}")) {
            true => Reply::new(status, ""),
            false => served.answer(seen),
        })
        .await;
        let registry = plain();
        for _ in 0..2 {
            let error = registry
                .referrers(&server.repository("a"), &image, None)
                .await
                .expect_err("hidden");
            assert_eq!(error.cause(), CauseKind::Unreachable, "{status}");
        }
    }
}

/// A registry that always has one page more keeps nobody waiting for longer than a listing may take.
#[tokio::test]
async fn a_listing_without_an_end_is_cut_off_by_the_time_it_takes() {
    assert_eq!(Limits::default().listing, Duration::from_secs(60));
    for what in ["tags", "referrers"] {
        let server = Server::start(|seen| {
            let body = if seen.path.contains("referrers") {
                index_text(&[])
            } else {
                r#"{"tags":["a"]}"#.to_owned()
            };
            let next = format!("<{}x>; rel=\"next\"", seen.path.replace("list", "list?last="));
            Reply::new(200, body).with("Link", next)
        })
        .await;
        let limits = Limits {
            listing: Duration::ZERO,
            ..Limits::default()
        };
        let registry = Registry::with_limits(Options::default(), limits).expect("valid options");
        let repository = server.repository("a");
        let error = match what {
            "tags" => registry.tags(&repository).await.expect_err("no end"),
            _ => registry
                .referrers(&repository, &manifest().0, None)
                .await
                .expect_err("no end"),
        };
        assert_eq!(
            (error.cause(), server.total()),
            (CauseKind::Unreachable, 1),
            "{what}: {error}"
        );
        assert!(error.to_string().contains("its pages take more than"), "{error}");
    }
}
