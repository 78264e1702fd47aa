//! Forges by their APIs, in process: every make opens and finds a pull request as its own client was seen to; whatever
//! goes wrong is an answer in words; and a token reaches the one server that it is for, and no other.

use std::time::Duration;

use pindeck::domain::failure::{Failure, FailureKind};
use pindeck::domain::proposal::{CheckCounts, ForgeKind, ProposalState, ProposedPin};
use pindeck::domain::{Digest, Target};
use pindeck::sources::forge::{ForgeAddress, ForgeClient, ForgeError, ForgeLimits, ForgeToken, NewProposal};

use crate::support::fake_forge::{FakeForge, recorded};
use crate::support::server::{Reply, Server};

const SECRET: &str = "glpat-0123456789";
const KINDS: [(ForgeKind, &str, &str); 4] = [
    (ForgeKind::Github, "github", "/api/v3"),
    (ForgeKind::Gitlab, "gitlab", "/api/v4"),
    (ForgeKind::Gitea, "gitea", "/api/v1"),
    (ForgeKind::Forgejo, "gitea", "/api/v1"),
];

fn address(kind: ForgeKind, server: &Server, api: &str) -> ForgeAddress {
    ForgeAddress {
        kind,
        host: format!("http://{}", server.address),
        api: format!("http://{}{api}", server.address),
        repository: "shop/gitops".to_owned(),
        may_send_token: true,
    }
}

/// Asks again at once, and does not wait for long.
fn limits() -> ForgeLimits {
    ForgeLimits {
        answer: Duration::from_millis(1500),
        bytes: 1 << 16,
        floor: Duration::ZERO,
        ..ForgeLimits::default()
    }
}

fn client(kind: ForgeKind, server: &Server, api: &str) -> ForgeClient {
    ForgeClient::new(address(kind, server, api), ForgeToken::new(SECRET), limits()).expect("a client")
}

fn pin(branch: &str) -> ProposedPin {
    ProposedPin {
        target: Target::new("payments", "production"),
        from: None,
        to: Digest::of(b"to"),
        branch: branch.to_owned(),
        head: "a".repeat(40),
        at: "2026-11-30T10:00:00Z".parse().expect("a time"),
        is_contained: false,
    }
}

fn new() -> NewProposal<'static> {
    NewProposal {
        branch: "pindeck/x",
        base: "main",
        title: "T",
        description: "D",
    }
}

#[tokio::test]
async fn every_make_opens_and_finds_as_its_own_client_does() {
    for (kind, name, api) in KINDS {
        let forge = FakeForge::start(name).await;
        let client = client(kind, &forge.server, api);
        assert_eq!(client.proposal(&pin("pindeck/x"), "main").await, Ok(None), "{kind:?}");
        let opened = client.open(&new()).await.expect("opened");
        assert_eq!((opened.number, opened.state), (41, ProposalState::Open), "{kind:?}");
        assert!(opened.url.is_some_and(|url| url.starts_with(&forge.url())), "{kind:?}");
        // To the letter what its own client sent, of the keys that are sent at all.
        let post = forge
            .server
            .seen()
            .into_iter()
            .find(|seen| seen.method == "POST")
            .expect("a POST");
        let sent: serde_json::Value = serde_json::from_slice(&post.body).expect("JSON");
        let theirs = recorded()
            .into_iter()
            .find(|one| one["kind"] == name && one["method"] == "POST");
        let theirs = theirs.expect("recorded");
        assert_eq!(theirs["path"], post.path.as_str());
        for (key, value) in sent.as_object().expect("keys") {
            assert_eq!(&theirs["body"][key], value, "{kind:?} {key}");
        }
        forge.assert_well_asked();

        forge.knows(|known| {
            known.head = "b".repeat(40);
            known.checks = ["success", "failure", "pending"].map(str::to_owned).to_vec();
        });
        let found = client
            .proposal(&pin("pindeck/x"), "main")
            .await
            .expect("asked")
            .expect("found");
        let checks = match kind {
            // A pipeline is one check.
            ForgeKind::Gitlab => (1, 0, 0),
            _ => (1, 1, 1),
        };
        let (passed, failed, pending) = checks;
        let checks = CheckCounts {
            passed,
            failed,
            pending,
        };
        assert_eq!((found.number, found.checks), (41, Some(checks)), "{kind:?}");
        for (word, state) in [("merged", ProposalState::Merged), ("closed", ProposalState::Closed)] {
            forge.knows(|known| known.state = word.to_owned());
            let found = client
                .proposal(&pin("pindeck/x"), "main")
                .await
                .expect("asked")
                .expect("found");
            assert_eq!(found.state, state, "{kind:?}");
            // What is over is not asked about its checks; GitLab tells them all the same.
            assert!(found.checks.is_none() || kind == ForgeKind::Gitlab, "{kind:?}");
        }
        assert!(forge.server.seen().iter().all(|seen| {
            let sent = seen.headers.get("authorization").map(String::as_str);
            sent == Some(&format!("token {SECRET}")) || sent == Some(&format!("Bearer {SECRET}"))
        }));
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_a_moment_ago_is_not_asked_again() {
    for (kind, name, api) in KINDS {
        let forge = FakeForge::start(name).await;
        forge.knows(|known| {
            known.branch = Some("pindeck/x".to_owned());
            known.head = "b".repeat(40);
            known.checks = vec!["success".to_owned()];
        });
        let eager = client(kind, &forge.server, api);
        let first = eager.proposal(&pin("pindeck/x"), "main").await.expect("asked");
        let second = eager.proposal(&pin("pindeck/x"), "main").await.expect("asked");
        forge.server.forget();
        let third = eager.proposal(&pin("pindeck/x"), "main").await.expect("asked");
        assert!(first.is_some() && first == second && second == third, "{kind:?}");
        let asked = forge.server.seen();
        let conditional = asked
            .iter()
            .filter(|seen| seen.headers.contains_key("if-none-match"))
            .count();
        // One question about the proposal, and those about its checks; all of them conditional.
        let most = match kind {
            ForgeKind::Gitlab => 1,
            ForgeKind::Github => 3,
            _ => 2,
        };
        assert_eq!((asked.len(), conditional), (most, most), "{kind:?}");

        let patient = ForgeLimits {
            floor: Duration::from_secs(60),
            ..limits()
        };
        let patient = ForgeClient::new(address(kind, &forge.server, api), ForgeToken::new(SECRET), patient);
        let patient = patient.expect("a client");
        for _ in 0..3 {
            patient.proposal(&pin("pindeck/x"), "main").await.expect("asked");
        }
        let asked = patient.requests();
        patient.proposal(&pin("pindeck/x"), "main").await.expect("asked");
        assert_eq!(
            patient.requests(),
            asked,
            "{kind:?}: within a minute nothing is asked twice"
        );
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_an_answer_in_words() {
    fn status(status: u16) -> Reply {
        Reply::new(
            status,
            format!("{{\"message\":\"no \\u001b[31m{}\"}}", "x".repeat(5000)),
        )
    }
    type Fault = fn() -> Reply;
    let faults: [(&str, Fault, FailureKind); 14] = [
        ("401", || status(401), FailureKind::Denied),
        ("403", || status(403), FailureKind::Denied),
        (
            "403 spent",
            || status(403).with("X-RateLimit-Remaining", "0"),
            FailureKind::Unreachable,
        ),
        (
            "403 later",
            || status(403).with("Retry-After", "7"),
            FailureKind::Unreachable,
        ),
        (
            "429",
            || status(429).with("Retry-After", "99999999999"),
            FailureKind::Unreachable,
        ),
        ("404", || status(404), FailureKind::Denied),
        ("500", || status(500), FailureKind::Unreachable),
        ("503", || status(503), FailureKind::Unreachable),
        ("304 unasked", || status(304), FailureKind::Unreachable),
        ("no JSON", || Reply::new(200, "<html>"), FailureKind::Unreachable),
        ("other JSON", || Reply::new(200, "{\"a\":[]}"), FailureKind::Unreachable),
        (
            "endless",
            || Reply::Endless(b"HTTP/1.1 200 x\r\n\r\n[".to_vec()),
            FailureKind::Unreachable,
        ),
        (
            "slow",
            || Reply::Stall(b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n[".to_vec()),
            FailureKind::Unreachable,
        ),
        ("reset", || Reply::Reset, FailureKind::Unreachable),
    ];
    for (kind, _, api) in KINDS {
        for (name, fault, wanted) in faults {
            let server = Server::start(move |_| fault()).await;
            let client = client(kind, &server, api);
            let error = client.proposal(&pin("pindeck/x"), "main").await.expect_err(name);
            let failure = Failure::from(error);
            let words = failure.sentence().clean().into_string();
            assert_eq!(failure.kind, wanted, "{kind:?} {name}: {words}");
            assert!(words.contains("forge http://127.0.0.1"), "{name}: {words}");
            assert!(
                words.len() < 1000 && !words.contains('\u{1b}') && !words.contains(SECRET),
                "{words}"
            );
            let error = client.open(&new()).await.expect_err(name);
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
}

#[tokio::test]
async fn a_forge_that_has_had_enough_is_left_alone() {
    let server = Server::start(|_| Reply::new(429, "").with("Retry-After", "30")).await;
    let client = client(ForgeKind::Github, &server, "/api/v3");
    for _ in 0..5 {
        let error = client.proposal(&pin("pindeck/x"), "main").await.expect_err("limited");
        assert!(
            matches!(error, ForgeError::RateLimited { seconds: 1..=30, .. }),
            "{error:?}"
        );
    }
    assert_eq!(server.total(), 1);
}

/// Whatever a server answers, the token is sent to no other one, and nothing else is sent there either.
#[tokio::test]
async fn a_token_goes_to_no_other_server() {
    let other = Server::start(|_| Reply::new(200, "[]")).await;
    let elsewhere = [
        format!("http://{}/api/v4/projects/x", other.address),
        format!("//{}/", other.address),
        format!("http://127.0.0.1@{}/", other.address),
        format!("http://localhost:{}/", other.address.port()),
        format!("https://{}/", other.address),
        format!("http://{}\\@127.0.0.1/", other.address),
    ];
    for (kind, _, api) in KINDS {
        for status in [300, 301, 302, 303, 307, 308, 399] {
            for place in &elsewhere {
                let location = place.clone();
                let first = Server::start(move |_| Reply::new(status, "[]").with("Location", location.clone())).await;
                let client = client(kind, &first, api);
                let asked = client.proposal(&pin("pindeck/x"), "main").await;
                let opened = client.open(&new()).await;
                assert!(
                    matches!(asked, Err(ForgeError::Elsewhere { .. })),
                    "{status} {place}: {asked:?}"
                );
                assert!(opened.is_err(), "{status} {place}");
                assert_eq!((first.total(), other.total()), (2, 0), "{status} {place}");
            }
        }
    }
    // The same server may send a question on, and no request that writes.
    let moved = Server::start(|seen| match seen.path.as_str() {
        "/moved" => Reply::new(200, "[]"),
        _ => Reply::new(301, "").with("Location", "/moved"),
    })
    .await;
    let client = client(ForgeKind::Github, &moved, "/api/v3");
    assert_eq!(client.proposal(&pin("pindeck/x"), "main").await, Ok(None));
    assert!(client.open(&new()).await.is_err());
    // In a circle, it ends.
    let circle = Server::start(|_| Reply::new(302, "").with("Location", "/round")).await;
    let client = self::client(ForgeKind::Github, &circle, "/api/v3");
    assert!(client.proposal(&pin("pindeck/x"), "main").await.is_err());
    assert!(circle.total() <= 4);
}

/// Where nobody permits it, no token is sent, whoever hands one over; and nothing is opened without one.
#[tokio::test]
async fn where_no_token_may_be_sent_none_is() {
    for (kind, name, api) in KINDS {
        let forge = FakeForge::start(name).await;
        forge.knows(|known| {
            known.branch = Some("pindeck/x".to_owned());
            known.head = "b".repeat(40);
        });
        let address = ForgeAddress {
            may_send_token: false,
            ..address(kind, &forge.server, api)
        };
        let client = ForgeClient::new(address, ForgeToken::new(SECRET), limits()).expect("a client");
        assert!(client.proposal(&pin("pindeck/x"), "main").await.is_ok());
        assert!(matches!(client.open(&new()).await, Err(ForgeError::NoToken { .. })));
        let seen = forge.server.seen();
        assert!(!seen.is_empty() && seen.iter().all(|seen| seen.method == "GET"));
        assert!(
            seen.iter().all(|seen| !format!("{seen:?}").contains(SECRET)),
            "{kind:?}"
        );
    }
}

/// A pull request that is there already is the answer, and no error.
#[tokio::test]
async fn what_is_open_already_is_not_opened_twice() {
    for (kind, status) in [
        (ForgeKind::Github, 422),
        (ForgeKind::Gitlab, 409),
        (ForgeKind::Gitea, 409),
    ] {
        let body = match kind {
            ForgeKind::Gitlab => serde_json::json!({
                "iid": 41, "state": "opened", "source_branch": "pindeck/x", "source_project_id": 7,
                "target_project_id": 7, "web_url": null,
            }),
            _ => serde_json::json!({
                "number": 41, "state": "open", "html_url": null,
                "head": {"ref": "pindeck/x", "sha": null, "repo": {"full_name": "shop/gitops"}},
            }),
        };
        let server = Server::start(move |seen| match (seen.method.as_str(), kind) {
            ("POST", _) => Reply::new(status, r#"{"message":["Another open merge request already exists"]}"#),
            _ => Reply::new(200, body.to_string()),
        })
        .await;
        let client = client(kind, &server, "/api");
        assert_eq!(client.open(&new()).await.map(|there| there.number), Ok(41), "{kind:?}");
    }
}
