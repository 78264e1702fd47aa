//! Credentials go where they belong, once, and nowhere else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::registry::RegistrySettings;
use pindeck::domain::{CauseKind, Digest};
use pindeck::sources::registry::{Credentials, Options, Registry, RegistryError};

use super::client::client;
use crate::support::server::{Reply, Seen, Server};

/// A client whose Docker configuration is this text.
fn with_config(folder: &Path, text: &str) -> Registry {
    let path = folder.join("config.json");
    std::fs::write(&path, text).expect("written");
    client(Options {
        credentials: Credentials::from_files(vec![path]),
        ..Options::default()
    })
}

fn challenge(seen: &Seen) -> Reply {
    let host = &seen.headers["host"];
    let repository = seen
        .path
        .trim_start_matches("/v2/")
        .split("/manifests")
        .next()
        .unwrap_or_default();
    Reply::error(401, "UNAUTHORIZED").with(
        "WWW-Authenticate",
        format!(r#"Bearer realm="http://{host}/token",service="reg, istry",scope="repository:{repository}:pull""#),
    )
}

fn head() -> Reply {
    Reply::new(200, "").with("Docker-Content-Digest", Digest::of(b"x").to_string())
}

/// Wants `Bearer good`, which `/token` gives.
fn bearer(seen: &Seen) -> Reply {
    if seen.path.starts_with("/token") {
        return Reply::new(200, r#"{"token":"good","expires_in":300}"#);
    }
    match seen.headers.get("authorization").map(String::as_str) {
        Some("Bearer good") => head(),
        _ => challenge(seen),
    }
}

#[tokio::test]
async fn an_anonymous_token_costs_two_requests_once() {
    let server = Server::start(bearer).await;
    let registry = super::client::plain();
    let repository = server.repository("shop/api");
    for (tag, cost) in [("a", 3), ("b", 4), ("c", 5)] {
        registry.resolve(&repository, tag).await.expect("there");
        assert_eq!(server.total(), cost);
    }
    assert_eq!(
        server.seen()[1].path,
        "/token?service=reg%2C+istry&scope=repository%3Ashop%2Fapi%3Apull"
    );
    assert!(!server.seen()[1].headers.contains_key("authorization"));
    // Another repository: its own token, without being refused first.
    registry
        .resolve(&server.repository("shop/web"), "a")
        .await
        .expect("there");
    assert_eq!(server.total(), 7);
    assert!(server.seen()[5].path.contains("shop%2Fweb"));
}

#[tokio::test]
async fn parallel_requests_share_one_token() {
    let server = Server::start(bearer).await;
    let registry = super::client::plain();
    let repository = server.repository("a");
    registry.resolve(&repository, "first").await.expect("there");
    server.forget();
    let other = server.repository("b");
    let tags: Vec<String> = (0..30).map(|n| format!("v{n}")).collect();
    for answer in futures_util::future::join_all(tags.iter().map(|tag| registry.resolve(&other, tag))).await {
        answer.expect("there");
    }
    let tokens = server
        .seen()
        .iter()
        .filter(|seen| seen.path.starts_with("/token"))
        .count();
    assert_eq!((tokens, server.total()), (1, 31));
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let valid = Arc::new(AtomicUsize::new(1));
    let (given, wanted) = (Arc::clone(&valid), Arc::clone(&valid));
    let server = Server::start(move |seen| {
        if seen.path.starts_with("/token") {
            return Reply::new(
                200,
                format!(r#"{{"access_token":"t{}"}}"#, given.load(Ordering::SeqCst)),
            );
        }
        let want = format!("Bearer t{}", wanted.load(Ordering::SeqCst));
        match seen.headers.get("authorization") {
            Some(got) if *got == want => head(),
            _ => challenge(seen),
        }
    })
    .await;
    let registry = super::client::plain();
    let repository = server.repository("a");
    registry.resolve(&repository, "x").await.expect("there");
    valid.store(2, Ordering::SeqCst);
    server.forget();
    registry.resolve(&repository, "x").await.expect("renewed");
    assert_eq!(server.total(), 3, "refused, token, again");
}

#[tokio::test]
async fn a_401_loop_ends() {
    for (handler, cost) in [
        (
            Box::new(|seen: &Seen| match seen.path.starts_with("/token") {
                true => Reply::new(200, r#"{"token":"useless"}"#),
                false => challenge(seen),
            }) as Box<dyn Fn(&Seen) -> Reply + Send + Sync>,
            3,
        ),
        (Box::new(|_: &Seen| Reply::new(401, "")), 1),
        (
            Box::new(|_: &Seen| Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"")),
            1,
        ),
        (
            Box::new(|_: &Seen| Reply::new(401, "").with("WWW-Authenticate", "Negotiate")),
            1,
        ),
        (Box::new(|_: &Seen| Reply::error(403, "DENIED")), 1),
    ] {
        let server = Server::start(handler).await;
        let error = super::client::plain()
            .resolve(&server.repository("a"), "x")
            .await
            .expect_err("refused");
        assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
        assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, cost));
    }
}

#[tokio::test]
async fn a_failing_token_service_is_an_error_and_not_anonymity() {
    for (status, body, cost) in [
        (500, "", 2),
        (503, "", 4),
        (403, "", 2),
        (200, "<html>", 2),
        (200, "{}", 2),
        (200, r#"{"token":"bad\nheader"}"#, 2),
    ] {
        let server = Server::start(move |seen| match seen.path.starts_with("/token") {
            true => Reply::new(status, body),
            false => challenge(seen),
        })
        .await;
        let error = super::client::plain()
            .resolve(&server.repository("a"), "x")
            .await
            .expect_err("no token");
        assert_eq!(
            (error.cause(), server.total()),
            (CauseKind::Unreachable, cost),
            "{status} {body}: {error}"
        );
    }
    let huge = format!("HTTP/1.1 200 x\r\n\r\n{}", " ".repeat(100_000));
    let server = Server::start(move |seen| match seen.path.starts_with("/token") {
        true => Reply::Raw(huge.clone().into_bytes()),
        false => challenge(seen),
    })
    .await;
    let error = super::client::plain()
        .resolve(&server.repository("a"), "x")
        .await
        .expect_err("no token");
    assert_eq!(server.total(), 2, "{error}");
}

#[tokio::test]
async fn basic_is_sent_after_the_challenge_and_from_then_on_at_once() {
    // user:pass
    const WANTED: &str = "Basic dXNlcjpwYXNz";
    let server = Server::start(|seen| match seen.headers.get("authorization").map(String::as_str) {
        Some(WANTED) => head(),
        _ => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"r\""),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let registry = with_config(
        folder.path(),
        &format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}}"#, server.address),
    );
    let repository = server.repository("a");
    registry.resolve(&repository, "x").await.expect("there");
    registry.resolve(&repository, "y").await.expect("there");
    assert_eq!(server.total(), 3);
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_a_refresh_grant() {
    let server = Server::start(bearer).await;
    let folder = tempfile::tempdir().expect("a folder");
    let registry = with_config(
        folder.path(),
        &format!(r#"{{"auths":{{"{}":{{"identitytoken":"id&token"}}}}}}"#, server.address),
    );
    registry.resolve(&server.repository("a"), "x").await.expect("there");
    let token = &server.seen()[1];
    assert_eq!((token.method.as_str(), token.path.as_str()), ("POST", "/token"));
    let form = String::from_utf8(token.body.clone()).expect("text");
    assert!(
        form.contains("grant_type=refresh_token&refresh_token=id%26token&client_id=pindeck"),
        "{form}"
    );
    assert!(!token.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_authorization() {
    let storage = Server::start(|_| Reply::new(200, "content")).await;
    let target = format!("http://{}/storage?signature=s", storage.address);
    let server = Server::start(move |seen| {
        if seen
            .headers
            .get("authorization")
            .is_none_or(|header| header != "Bearer good")
        {
            return bearer(seen);
        }
        if seen.path.ends_with("here") {
            return Reply::new(307, "").with("Location", target.clone());
        }
        Reply::new(307, "").with("Location", format!("{}/here", seen.path))
    })
    .await;
    let registry = super::client::plain();
    let digest = Digest::of(b"content");
    let blob = registry.blob(&server.repository("a"), &digest, Some(7), 100).await;
    assert_eq!(blob.expect("followed"), "content");
    assert_eq!((server.total(), storage.total()), (4, 1));
    assert_eq!(registry.budget().requests, 5);
    assert_eq!(
        server.seen()[3].headers["authorization"],
        "Bearer good",
        "the same origin keeps it"
    );
    assert!(!storage.seen()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn another_hosts_challenge_gets_no_credentials() {
    let storage = Server::start(bearer).await;
    let target = format!("http://{}/v2/a/manifests/x", storage.address);
    let server = Server::start(move |_| Reply::new(307, "").with("Location", target.clone())).await;
    let error = super::client::plain()
        .resolve(&server.repository("a"), "x")
        .await
        .expect_err("refused");
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    assert_eq!((server.total(), storage.total()), (1, 1));
}

#[tokio::test]
async fn settings_nobody_approved_are_used_anonymously() {
    let server = Server::start(|seen| match seen.headers.contains_key("authorization") {
        true => head(),
        false => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"r\""),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, r#"{"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNz"}}}"#).expect("written");
    for (anonymous, cost) in [(true, 1), (false, 3)] {
        let settings = RegistrySettings {
            endpoint: Some(format!("http://{}", server.address)),
            anonymous,
            ..RegistrySettings::default()
        };
        let registry = client(Options {
            settings: BTreeMap::from([("registry.example.com".to_owned(), settings)]),
            credentials: Credentials::from_files(vec![path.clone()]),
            ..Options::default()
        });
        let repository = pindeck::domain::Repository::parse("registry.example.com/shop/api").expect("valid");
        assert_eq!(registry.resolve(&repository, "x").await.is_err(), anonymous);
        assert_eq!(server.total(), cost);
        assert!(server.seen().iter().all(|seen| seen.path == "/v2/shop/api/manifests/x"));
    }
}

#[tokio::test]
async fn no_error_and_no_debug_output_holds_a_secret() {
    let server = Server::start(|seen| match seen.path.starts_with("/token") {
        true => Reply::error(403, "DENIED"),
        false => challenge(seen),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        r#"{{"auths":{{"{}":{{"username":"user","password":"hunter2"}}}}}}"#,
        server.address
    );
    let registry = with_config(folder.path(), &config);
    let error = registry
        .resolve(&server.repository("a"), "x")
        .await
        .expect_err("refused");
    assert_eq!(server.seen()[1].headers["authorization"], "Basic dXNlcjpodW50ZXIy");
    for text in [format!("{error}"), format!("{error:?}"), format!("{registry:?}")] {
        for secret in ["hunter2", "dXNlcjpodW50ZXIy"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
