use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::server_tests::{Heard, Reply, Server, folder, page, status};
use super::*;
use crate::domain::failure::{Failure, FailureKind};

async fn pods(client: &ClusterClient) -> ListedObjects<Value> {
    client.list(Listed::Pods, "shop").await
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let server = Server::start(|at, _| match at {
        0 => page(&[json!(1), json!(2)], "a&b"),
        _ => page(&[json!(3)], ""),
    })
    .await;
    let folder = folder();
    let listed = pods(&server.client("token: abc", folder.path(), ClusterLimits::default())).await;
    assert_eq!(listed.items, [json!(1), json!(2), json!(3)]);
    assert_eq!(listed.unfinished, None);
    let lines: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/shop/pods?limit=500 HTTP/1.1",
            "GET /api/v1/namespaces/shop/pods?limit=500&continue=a%26b HTTP/1.1",
        ]
    );
    assert!(
        server
            .heard()
            .iter()
            .all(|heard| heard.authorization.as_deref() == Some("Bearer abc"))
    );
}

#[tokio::test]
async fn a_list_whose_pages_expire_is_begun_anew_once() {
    let server = Server::start(|at, _| match at {
        0 | 2 => page(&[json!(1)], "next"),
        1 => status(410, "Expired", "The provided continue parameter is too old"),
        _ => page(&[json!(2)], ""),
    })
    .await;
    let folder = folder();
    let client = server.client("token: abc", folder.path(), ClusterLimits::default());
    let listed = pods(&client).await;
    assert_eq!((listed.items, listed.unfinished), (vec![json!(1), json!(2)], None));
    let server = Server::start(|at, _| match at % 2 {
        0 => page(&[json!(1)], "next"),
        _ => status(410, "Expired", "The provided continue parameter is too old"),
    })
    .await;
    let listed = pods(&server.client("token: abc", folder.path(), ClusterLimits::default())).await;
    assert!(
        matches!(listed.unfinished, Some(ClusterError::Cut { .. })),
        "{:?}",
        listed.unfinished
    );
    assert_eq!(server.heard().len(), 4);
}

#[tokio::test]
async fn each_refusal_has_its_own_words() {
    let folder = folder();
    for (reply, words, kind) in [
        (
            status as fn(u16, &str, &str) -> Reply,
            (401, "Unauthorized", "Unauthorized"),
            FailureKind::Denied,
        ),
        (
            status,
            (403, "Forbidden", "pods is forbidden: User \"ada\" cannot list"),
            FailureKind::Denied,
        ),
        (
            |_, _, _| Reply::Is(404, "", "404 page not found\n".to_owned()),
            (404, "", ""),
            FailureKind::Unsupported,
        ),
        (
            status,
            (500, "InternalError", "etcd: \u{1b}[2J"),
            FailureKind::Unreachable,
        ),
        (
            status,
            (503, "ServiceUnavailable", "shutting down"),
            FailureKind::Unreachable,
        ),
        (
            |_, _, _| Reply::Is(200, "", "<html>log in</html>".to_owned()),
            (200, "", ""),
            FailureKind::Unreachable,
        ),
        (
            |_, _, _| Reply::Is(200, "", "{\"items\":7}".to_owned()),
            (200, "", ""),
            FailureKind::Unreachable,
        ),
        (
            |_, _, _| Reply::Is(302, "Location: http://evil.example/\r\n", String::new()),
            (302, "", ""),
            FailureKind::Unreachable,
        ),
        (
            |_, _, _| Reply::Is(429, "Retry-After: 900\r\n", String::new()),
            (429, "", ""),
            FailureKind::Unreachable,
        ),
    ] {
        let (code, reason, message) = words;
        let server = Server::start(move |_, _| reply(code, reason, message)).await;
        let listed = pods(&server.client("token: abc", folder.path(), ClusterLimits::default())).await;
        let failure = Failure::from(listed.unfinished.expect("refused"));
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert_eq!(server.heard().len(), 1, "{failure:?}");
        assert!(
            failure.what.raw().contains("eu") && !failure.to_string().contains('\u{1b}'),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_asked_again() {
    let server = Server::start(|at, _| match at {
        0 => Reply::Is(429, "Retry-After: 0\r\n", String::new()),
        _ => page(&[json!(1)], ""),
    })
    .await;
    let folder = folder();
    let listed = pods(&server.client("token: abc", folder.path(), ClusterLimits::default())).await;
    assert_eq!((listed.items.len(), listed.unfinished), (1, None));
}

#[tokio::test]
async fn a_list_that_is_too_long_late_or_torn_is_not_whole() {
    let folder = folder();
    let of = |limits: ClusterLimits, script: fn(usize, &Heard) -> Reply| {
        let folder = folder.path().to_owned();
        async move {
            let server = Server::start(script).await;
            pods(&server.client("token: abc", &folder, limits)).await
        }
    };
    let few = ClusterLimits {
        objects: 3,
        ..ClusterLimits::default()
    };
    let listed = of(few, |_, _| page(&[json!(1), json!(2)], "more")).await;
    assert_eq!(listed.items.len(), 3);
    assert!(matches!(listed.unfinished, Some(ClusterError::Cut { .. })));
    let small = ClusterLimits {
        bytes: 1000,
        ..ClusterLimits::default()
    };
    let listed = of(small, |_, _| page(&[json!("x".repeat(300))], "more")).await;
    assert!(!listed.items.is_empty() && matches!(listed.unfinished, Some(ClusterError::Cut { .. })));
    let quick = ClusterLimits {
        list: Duration::from_millis(200),
        ..ClusterLimits::default()
    };
    let listed = of(quick, |at, _| {
        if at == 0 {
            page(&[json!(1)], "more")
        } else {
            Reply::Silence
        }
    })
    .await;
    assert_eq!(listed.items.len(), 1);
    assert!(matches!(listed.unfinished, Some(ClusterError::Timeout { .. })));
    let listed = of(ClusterLimits::default(), |_, _| {
        Reply::Broken("{\"items\":[1,".to_owned())
    })
    .await;
    assert!(matches!(listed.unfinished, Some(ClusterError::Connection { .. })));
}

/// A program for credentials beside the kubeconfig.
fn plugin(folder: &std::path::Path, script: &str) -> PathBuf {
    let file = folder.join("login");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("runnable");
    file
}

const EXEC: &str =
    "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [a], env: [{name: WHO, value: ada}]}";

#[tokio::test]
async fn a_program_gives_a_token_and_gives_another_when_it_is_refused() {
    let folder = folder();
    // It reads its input to the end: there must be one that ends.
    let script = r#"cat >/dev/null; echo run >> "$(dirname "$0")/runs"; echo noise >&2
case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 1;; esac
echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$WHO-$1-$(wc -l < "$(dirname "$0")/runs" | tr -d ' ')\"}}""#;
    plugin(folder.path(), script);
    let server = Server::start(|_, heard| match heard.authorization.as_deref() {
        Some("Bearer ada-a-2") => page(&[json!(1)], ""),
        _ => status(401, "Unauthorized", "Unauthorized"),
    })
    .await;
    let client = server.client(EXEC, folder.path(), ClusterLimits::default());
    let listed = pods(&client).await;
    assert_eq!((listed.items.len(), listed.unfinished), (1, None));
    // Once per client, not once per request.
    let _ = pods(&client).await;
    let runs = std::fs::read_to_string(folder.path().join("runs")).expect("it ran");
    assert_eq!(runs.lines().count(), 2);
}

#[tokio::test]
async fn a_program_that_hangs_fails_or_asks_is_named_and_nothing_is_sent() {
    let folder = folder();
    let server = Server::start(|_, _| page(&[], "")).await;
    let limits = ClusterLimits {
        plugin: Duration::from_millis(500),
        ..ClusterLimits::default()
    };
    let asks = EXEC.replace("args: [a]", "interactiveMode: Always");
    for (user, script, words) in [
        (EXEC, "sleep 600 & sleep 600", "did not end within"),
        (EXEC, "echo 'session \u{1b}[31mexpired' >&2; exit 3", "expired"),
        (EXEC, "echo hello", "no ExecCredential"),
        (EXEC, "echo '{\"status\":{}}'", "neither a token nor a certificate"),
        (asks.as_str(), "touch \"$(dirname \"$0\")/asked\"", "asks a person"),
    ] {
        plugin(folder.path(), script);
        let listed = pods(&server.client(user, folder.path(), limits)).await;
        let failure = Failure::from(listed.unfinished.expect("no credentials"));
        assert_eq!(failure.kind, FailureKind::Denied);
        assert!(failure.what.raw().contains(words), "{failure:?}");
        assert!(
            failure.next().as_str().contains("kubectl get pods --context x"),
            "{failure:?}"
        );
        assert!(!failure.to_string().contains('\u{1b}'));
    }
    assert!(server.heard().is_empty() && !folder.path().join("asked").exists());
}

#[tokio::test]
async fn credentials_that_expire_under_a_watch_are_asked_for_again() {
    let folder = folder();
    let script = r#"echo run >> "$(dirname "$0")/runs"
echo "{\"status\":{\"token\":\"$(wc -l < "$(dirname "$0")/runs" | tr -d ' ')\"}}""#;
    plugin(folder.path(), script);
    let has_expired = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let expired = std::sync::Arc::clone(&has_expired);
    let server = Server::start(move |_, heard| {
        use std::sync::atomic::Ordering::SeqCst;
        let is_watch = heard.line.contains("watch=true");
        // The first watch comes when the first token has just expired.
        let is_expired = expired.load(SeqCst) || is_watch && !expired.swap(true, SeqCst);
        match (is_expired, heard.authorization.as_deref()) {
            (true, Some("Bearer 1")) => status(401, "Unauthorized", "Unauthorized"),
            (_, _) if is_watch => Reply::Is(200, "", "{\"type\":\"ADDED\",\"object\":{}}\n".to_owned()),
            (_, _) => page(&[], ""),
        }
    })
    .await;
    let client = server.client(EXEC, folder.path(), ClusterLimits::default());
    let see = super::super::seen::see;
    assert_eq!(see(&client, "shop").await.unfinished, None);
    let watched = client.changed("shop", Duration::from_secs(5)).await;
    let failure = Failure::from(watched.expect_err("the token has expired"));
    assert_eq!(failure.kind, FailureKind::Denied, "{failure:?}");
    assert!(failure.what.raw().contains("credentials"), "{failure:?}");
    // The next look brings another token, with which the watch goes on.
    assert_eq!(see(&client, "shop").await.unfinished, None);
    assert_eq!(client.changed("shop", Duration::from_secs(5)).await, Ok(()));
    let runs = std::fs::read_to_string(folder.path().join("runs")).expect("it ran");
    assert_eq!(runs.lines().count(), 2);
}
