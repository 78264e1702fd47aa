//! Attacks on credentials: to be sent what was meant for somebody else.

use pindeck::sources::registry::{Options, Registry};

use crate::support::server::{Reply, Server};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[Attack {
    name: "redirect-with-token",
    tries: "a registry redirects a blob to another host, to be sent the token there",
    attempt: || on_a_runtime(redirect_with_token()),
}];

async fn redirect_with_token() {
    let thief = Server::start(|_| Reply::new(200, "content")).await;
    let target = format!("http://{}/stolen", thief.address);
    let server = Server::start(move |seen| {
        if seen.path.starts_with("/token") {
            return Reply::new(200, r#"{"token":"secret"}"#);
        }
        if !seen.headers.contains_key("authorization") {
            let realm = format!(
                r#"Bearer realm="http://{}/token",service="registry",scope="repository:a:pull""#,
                seen.headers["host"]
            );
            return Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", realm);
        }
        Reply::new(307, "").with("Location", target.clone())
    })
    .await;
    let registry = Registry::new(Options::default()).expect("valid options");
    let digest = pindeck::domain::Digest::of(b"content");
    let _ = registry.blob(&server.repository("a"), &digest, Some(7), 100).await;
    assert!(
        server
            .seen()
            .iter()
            .any(|seen| seen.headers.contains_key("authorization")),
        "the registry itself was never sent the token: the attack was not carried out"
    );
    for seen in thief.seen() {
        assert!(
            !seen.headers.contains_key("authorization"),
            "the thief was sent {seen:?}"
        );
    }
}
