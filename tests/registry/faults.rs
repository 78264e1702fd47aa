//! Servers that stall, break, lie and refuse: each gives its own error, at its own price, and none
//! ever reads as "there is none".

use std::time::Duration;

use pindeck::domain::{CauseKind, Digest};
use pindeck::sources::registry::{Limits, Options, Place, Registry, RegistryError};

use super::client::{cached, plain};
use crate::support::fake::{IMAGE, INDEX};
use crate::support::server::{Reply, Seen, Server};

const CAP: u64 = 1 << 20;

/// One small manifest that is well formed.
pub fn manifest() -> (Digest, String) {
    let empty = Digest::of(b"{}");
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"c","digest":"{empty}","size":2}},"layers":[]}}"#
    );
    (Digest::of(text.as_bytes()), text)
}

pub fn good() -> Reply {
    let (digest, text) = manifest();
    Reply::new(200, text)
        .with("Content-Type", IMAGE)
        .with("Docker-Content-Digest", digest.to_string())
}

/// Asks for the manifest and gives the error, its cause and what it cost.
async fn manifest_error(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (RegistryError, CauseKind, usize) {
    let server = Server::start(handler).await;
    let error = plain()
        .manifest(&server.repository("a"), &manifest().0)
        .await
        .expect_err("a fault");
    let cause = error.cause();
    (error, cause, server.total())
}

fn impatient() -> Registry {
    let limits = Limits {
        deadline: Duration::from_millis(200),
        ..Limits::default()
    };
    Registry::with_limits(Options::default(), limits).expect("valid options")
}

#[tokio::test]
async fn a_body_that_stalls_past_the_deadline_is_a_timeout_and_twice_opens_the_breaker() {
    let server = Server::start(|_| Reply::Stall(b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{".to_vec())).await;
    let registry = impatient();
    let repository = server.repository("a");
    for cost in [1, 2] {
        let error = registry.manifest(&repository, &manifest().0).await.expect_err("stalls");
        assert!(matches!(error, RegistryError::Timeout { .. }), "{error}");
        assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, cost));
    }
    let error = registry.tags(&repository).await.expect_err("not asked");
    assert!(matches!(error, RegistryError::Breaker { .. }), "{error}");
    assert_eq!(server.total(), 2);
}

#[tokio::test]
async fn silence_before_the_first_byte_is_a_timeout() {
    let server = Server::start(|_| Reply::Stall(Vec::new())).await;
    let error = impatient()
        .resolve(&server.repository("a"), "main")
        .await
        .expect_err("silent");
    assert!(matches!(error, RegistryError::Timeout { .. }), "{error}");
    assert_eq!(server.total(), 1);
}

#[tokio::test]
async fn other_bytes_are_corrupt_whatever_the_header_claims() {
    let (error, cause, cost) =
        manifest_error(|_| Reply::new(200, "{}").with("Docker-Content-Digest", manifest().0.to_string())).await;
    assert_eq!((cause, cost), (CauseKind::Corrupt, 1));
    assert!(matches!(error, RegistryError::Corrupt { actual, .. } if actual == Digest::of(b"{}")));
}

#[tokio::test]
async fn a_head_that_claims_another_digest_is_no_presence() {
    let server =
        Server::start(|_| Reply::new(200, "").with("Docker-Content-Digest", Digest::of(b"x").to_string())).await;
    let error = plain()
        .presence(&Place::new(&server.repository("a"), manifest().0), None)
        .await
        .expect_err("a lie");
    assert_eq!(error.cause(), CauseKind::Corrupt);
}

#[tokio::test]
async fn a_registry_that_does_not_know_head_is_asked_by_get() {
    for status in [404, 405, 501] {
        let server = Server::start(move |seen| match seen.method.as_str() {
            "HEAD" => Reply::new(status, ""),
            _ => good(),
        })
        .await;
        let repository = server.repository("a");
        let registry = plain();
        let digest = manifest().0;
        assert_eq!(
            registry.resolve(&repository, "main").await,
            Ok(Some(digest)),
            "{status}"
        );
        let there = registry.presence(&Place::new(&repository, digest), None).await;
        assert!(there.expect("asked").is_some(), "{status}");
        let blob = registry
            .blob_presence(&Place::new(&repository, digest), manifest().1.len() as u64)
            .await;
        assert!(blob.expect("asked").is_some(), "{status}");
    }
}

#[tokio::test]
async fn a_blob_or_manifest_of_another_size_than_its_descriptor_says_is_corrupt() {
    let server = Server::start(|_| good()).await;
    let place = Place::new(&server.repository("a"), manifest().0);
    let size = manifest().1.len() as u64;
    let registry = plain();
    assert!(registry.presence(&place, Some(size)).await.expect("asked").is_some());
    assert!(registry.blob_presence(&place, size).await.expect("asked").is_some());
    let error = registry.presence(&place, Some(size - 1)).await.expect_err("a lie");
    assert_eq!(error.cause(), CauseKind::Corrupt);
    let error = registry.blob_presence(&place, size + 1).await.expect_err("a lie");
    assert_eq!(error.cause(), CauseKind::Corrupt);
}

#[tokio::test]
async fn an_endless_manifest_is_cut_off() {
    for head in ["Content-Length: 1500000000\r\n\r\n", "Connection: close\r\n\r\n"] {
        let (error, cause, cost) =
            manifest_error(move |_| Reply::Endless(format!("HTTP/1.1 200 x\r\n{head}").into_bytes())).await;
        assert!(
            matches!(error, RegistryError::TooLarge { cap: 4_194_304, .. }),
            "{error}"
        );
        assert_eq!((cause, cost), (CauseKind::Unsupported, 1));
    }
}

#[tokio::test]
async fn a_blob_larger_than_its_descriptor_is_cut_off_too() {
    let server = Server::start(|_| Reply::Endless(b"HTTP/1.1 200 x\r\n\r\n".to_vec())).await;
    let repository = server.repository("a");
    let error = plain()
        .blob(&repository, &Digest::of(b"x"), Some(1), 64 << 20)
        .await
        .expect_err("endless");
    assert!(
        matches!(
            error,
            RegistryError::WrongSize {
                expected: 1,
                actual: None,
                ..
            }
        ),
        "{error}"
    );
    let error = plain()
        .blob(&repository, &Digest::of(b"x"), Some(CAP + 1), CAP)
        .await
        .expect_err("too large");
    assert_eq!((error.cause(), server.total()), (CauseKind::Unsupported, 1));
}

#[tokio::test]
async fn a_limit_is_waited_for_and_then_given_up_for_everybody() {
    // Lifted in time.
    let server = Server::start(|seen| match seen.nth {
        1 | 2 => Reply::error(429, "TOOMANYREQUESTS").with("Retry-After", "0"),
        _ => good(),
    })
    .await;
    let registry = plain();
    assert!(registry.manifest(&server.repository("a"), &manifest().0).await.is_ok());
    assert_eq!((server.total(), registry.budget().rate_limited), (3, 2));
    // Never lifted, with and without a date.
    for header in [Some("0"), Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some("soon"), None] {
        let server = Server::start(move |_| match header {
            Some(value) => Reply::error(429, "TOOMANYREQUESTS").with("Retry-After", value),
            None => Reply::new(429, ""),
        })
        .await;
        let registry = plain();
        let repository = server.repository("a");
        let error = registry.resolve(&repository, "main").await.expect_err("limited");
        assert!(matches!(error, RegistryError::RateLimited { .. }), "{error}");
        assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, 3));
        let error = registry.tags(&repository).await.expect_err("not asked");
        assert!(matches!(error, RegistryError::Breaker { .. }), "{error}");
        assert_eq!(server.total(), 3);
    }
    // Longer than anybody waits: said at once.
    let server = Server::start(|_| Reply::new(429, "").with("Retry-After", "3600")).await;
    let error = plain()
        .resolve(&server.repository("a"), "main")
        .await
        .expect_err("limited");
    assert!(
        matches!(
            error,
            RegistryError::RateLimited {
                retry_after: Some(3600),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(server.total(), 1);
}

#[tokio::test]
async fn hundreds_of_questions_to_a_limiting_registry_cost_a_handful() {
    let server = Server::start(|_| Reply::new(429, "").with("Retry-After", "0")).await;
    let registry = plain();
    let repository = server.repository("a");
    let tags: Vec<String> = (0..300).map(|n| format!("v{n}")).collect();
    let asked = tags.iter().map(|tag| registry.resolve(&repository, tag));
    let failed = futures_util::future::join_all(asked).await;
    assert!(
        failed
            .iter()
            .all(|answer| answer.as_ref().is_err_and(|e| e.cause() == CauseKind::Unreachable))
    );
    assert!(server.total() <= 3 * 8 * 3, "{}", server.total());
}

#[tokio::test]
async fn nobody_there_is_a_connection_error_and_soon_not_asked_any_more() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let repository = pindeck::domain::Repository::parse(&format!("{closed}/a")).expect("valid");
    let registry = plain();
    for _ in 0..50 {
        let error = registry.resolve(&repository, "main").await.expect_err("nobody");
        assert_eq!(error.cause(), CauseKind::Unreachable);
    }
    assert_eq!(registry.budget().requests, 6);
}

#[tokio::test]
async fn server_errors_are_retried_only_where_that_is_said_to_help() {
    for (status, cost) in [(500, 1), (501, 1), (502, 3), (503, 3), (504, 3)] {
        let (error, cause, requests) = manifest_error(move |_| Reply::new(status, "<html>")).await;
        assert!(
            matches!(error, RegistryError::Status { status: s, .. } if s == status),
            "{error}"
        );
        assert_eq!((cause, requests), (CauseKind::Unreachable, cost), "{status}");
    }
    let server = Server::start(|seen| if seen.nth < 3 { Reply::new(503, "") } else { good() }).await;
    assert!(plain().manifest(&server.repository("a"), &manifest().0).await.is_ok());
    assert_eq!(server.total(), 3);
}

#[tokio::test]
async fn a_reset_connection_is_tried_again() {
    let (error, cause, cost) = manifest_error(|_| Reply::Reset).await;
    assert!(matches!(error, RegistryError::Connection { .. }), "{error}");
    assert_eq!((cause, cost), (CauseKind::Unreachable, 3));
    let server = Server::start(|seen| if seen.nth < 2 { Reply::Reset } else { good() }).await;
    assert!(plain().manifest(&server.repository("a"), &manifest().0).await.is_ok());
    assert_eq!(server.total(), 2);
}

#[tokio::test]
async fn a_truncated_blob_is_tried_again_and_a_short_length_is_corrupt() {
    let whole = b"0123456789";
    let digest = Digest::of(whole);
    let server = Server::start(|_| Reply::Raw(b"HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\n01234".to_vec())).await;
    let error = plain()
        .blob(&server.repository("a"), &digest, Some(10), CAP)
        .await
        .expect_err("cut");
    assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, 3));
    let server = Server::start(|_| Reply::new(200, "0123456789").with("Content-Length", "5")).await;
    let error = plain()
        .blob(&server.repository("a"), &digest, Some(10), CAP)
        .await
        .expect_err("short");
    assert_eq!((error.cause(), server.total()), (CauseKind::Corrupt, 1));
}

#[tokio::test]
async fn a_descriptor_with_another_size_than_the_blob_is_corrupt() {
    let server = Server::start(|_| Reply::new(200, "0123456789")).await;
    let digest = Digest::of(b"0123456789");
    let error = plain()
        .blob(&server.repository("a"), &digest, Some(9), CAP)
        .await
        .expect_err("mismatch");
    assert_eq!((error.cause(), server.total()), (CauseKind::Corrupt, 1));
}

#[tokio::test]
async fn a_monstrous_header_is_a_connection_error() {
    let (error, cause, cost) = manifest_error(|_| good().with("X-Long", "x".repeat(2 << 20))).await;
    assert!(matches!(error, RegistryError::Connection { .. }), "{error}");
    assert_eq!((cause, cost), (CauseKind::Unreachable, 3));
}

#[tokio::test]
async fn bytes_that_hash_but_make_no_sense_are_malformed_or_unsupported() {
    for (text, expected) in [
        ("garbage", CauseKind::Malformed),
        (
            r#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[]}"#,
            CauseKind::Unsupported,
        ),
    ] {
        let server = Server::start(move |_| Reply::new(200, text)).await;
        let error = plain()
            .manifest(&server.repository("a"), &Digest::of(text.as_bytes()))
            .await
            .expect_err("no manifest");
        assert_eq!((error.cause(), server.total()), (expected, 1));
    }
}

#[tokio::test]
async fn a_404_page_of_somebody_else_is_no_proof() {
    let page = |_: &Seen| Reply::new(404, "<html>not found").with("Content-Type", "text/html; charset=utf-8");
    let server = Server::start(page).await;
    let registry = plain();
    let repository = server.repository("a");
    let error = registry.resolve(&repository, "main").await.expect_err("unproven");
    assert!(
        matches!(
            error,
            RegistryError::NotFound {
                authoritative: false,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, 2));
    let error = registry
        .manifest(&repository, &manifest().0)
        .await
        .expect_err("unproven");
    assert_eq!((error.cause(), server.total()), (CauseKind::Unreachable, 3));
}

#[tokio::test]
async fn a_head_without_digest_is_asked_again_by_get_and_hashed() {
    let server = Server::start(|seen| match seen.method.as_str() {
        "HEAD" => Reply::new(200, ""),
        _ => Reply::new(200, manifest().1).with("Docker-Content-Digest", Digest::of(b"lie").to_string()),
    })
    .await;
    assert_eq!(
        plain().resolve(&server.repository("a"), "main").await,
        Ok(Some(manifest().0))
    );
    assert_eq!(server.total(), 2);
}

#[tokio::test]
async fn redirects_end() {
    for (location, cost) in [
        (Some("/v2/a/round"), 6),
        (Some("ftp://x/"), 1),
        (Some("http://["), 1),
        (None, 1),
    ] {
        let (error, cause, requests) = manifest_error(move |_| match location {
            Some(location) => Reply::new(307, "").with("Location", location),
            None => Reply::new(307, ""),
        })
        .await;
        assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
        assert_eq!((cause, requests), (CauseKind::Unreachable, cost), "{location:?}");
    }
}

#[tokio::test]
async fn every_manifest_request_accepts_every_type() {
    let server = Server::start(|_| good()).await;
    let registry = plain();
    let repository = server.repository("a");
    registry.resolve(&repository, "main").await.expect("there");
    registry.manifest(&repository, &manifest().0).await.expect("there");
    for seen in server.seen() {
        let accept = &seen.headers["accept"];
        for kind in [
            IMAGE,
            INDEX,
            "docker.distribution.manifest.v2+json",
            "manifest.list.v2+json",
        ] {
            assert!(accept.contains(kind), "{accept}");
        }
    }
}

#[tokio::test]
async fn a_damaged_cache_is_fetched_again_and_repaired() {
    let server = Server::start(|_| good()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let repository = server.repository("a");
    let digest = manifest().0;
    cached(folder.path())
        .manifest(&repository, &digest)
        .await
        .expect("there");
    let mut packs = std::fs::read_dir(folder.path().join("packs")).expect("packs").flatten();
    let pack = packs.next().expect("a pack").path();
    let whole = std::fs::read(&pack).expect("there");
    let changed = String::from_utf8_lossy(&whole).replace("schemaVersion", "schemaversion");
    assert_ne!(changed.as_bytes(), whole);
    for damage in [changed.as_bytes(), &whole[..whole.len() - 1], b"", b"\0\0\0"] {
        server.forget();
        std::fs::write(&pack, damage).expect("written");
        let registry = cached(folder.path());
        assert_eq!(
            registry.manifest(&repository, &digest).await.expect("refetched").bytes,
            manifest().1
        );
        assert_eq!((server.total(), registry.budget().from_cache), (1, 0));
        registry.manifest(&repository, &digest).await.expect("repaired");
        assert_eq!(server.total(), 1);
    }
}
