//! `pindeck running`, against an API server of the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::home::{Home, Said, deployment, digest, finish};

/// An API server that answers every list by its kind, and remembers what it was asked.
struct ApiServer {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl ApiServer {
    fn start(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let first = lines.next().and_then(Result::ok).unwrap_or_default();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                all.lock().expect("no test panics").push(first.clone());
                let path = first.split([' ', '?']).nth(1).unwrap_or_default();
                let (status, body) = answer(path.rsplit('/').next().unwrap_or_default());
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { address, heard }
    }
}

fn list(items: &[Value]) -> (u16, Value) {
    (200, json!({ "metadata": { "resourceVersion": "1" }, "items": items }))
}

fn pod(name: &str, asked: &str, image_id: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "web", "image": asked }] },
        "status": { "phase": "Running", "containerStatuses": [{
            "name": "web", "image": "x:v1", "imageID": image_id, "containerID": "containerd://1", "ready": true,
            "state": { "running": { "startedAt": "2026-11-29T10:00:00Z" } },
        }] },
    })
}

const POLICY: &str = "version = 1\n[[clusters]]\nname = \"eu\"\n[[environments]]\nname = \"prod\"\npaths = [\"prod/**\"]\nrunning = [{ cluster = \"eu\", namespaces = [\"shop\"] }]\n";

/// The image whose digest is pinned; nobody listens at its registry.
fn image(digit: char) -> String {
    format!("127.0.0.1:1/shop/web@{}", digest(digit))
}

fn run(home: &Home, server: &ApiServer, args: &[&str]) -> Said {
    let repository = home.path("gitops");
    if !repository.exists() {
        home.repository(
            "gitops",
            &[("pindeck.toml", POLICY), ("prod/web.yaml", &deployment(&image('a')))],
        );
    }
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: eu-viewer, context: {{cluster: c, user: u}}}}]\n",
        server.address
    );
    home.write("kubeconfig", &kubeconfig);
    home.write("mine.toml", "[clusters.eu]\ncontext = \"eu-viewer\"\n");
    run_with(home, &repository, args)
}

fn run_with(home: &Home, repository: &Path, args: &[&str]) -> Said {
    let mut command = home.command(repository, args);
    command
        .env("PINDECK_CONFIG", home.path("mine.toml"))
        .env("KUBECONFIG", home.path("kubeconfig"));
    finish(command)
}

fn pin(said: &Said) -> Value {
    let document = said.json();
    assert_eq!(document["schema"], "pindeck/running/v1");
    document["services"][0]["pins"][0].clone()
}

#[test]
fn what_runs_stands_beside_what_is_pinned() {
    let home = Home::new();
    let server = ApiServer::start(|kind| match kind {
        "pods" => list(&[pod(
            "web-1",
            &image('a'),
            &format!("elsewhere.example/x@{}", digest('a')),
        )]),
        _ => list(&[]),
    });
    let said = run(&home, &server, &["running", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    let pin = pin(&said);
    assert_eq!(
        (&pin["environment"], &pin["digest"]),
        (&json!("prod"), &json!(digest('a')))
    );
    assert_eq!(pin["running"]["state"], "same", "{pin}");
    let cluster = &pin["running"]["clusters"][0];
    assert_eq!(
        (&cluster["cluster"], &cluster["namespace"]),
        (&json!("eu"), &json!("shop"))
    );
    let row = &cluster["digests"][0];
    assert_eq!(
        (&row["match"], &row["pods"], &row["ready"]),
        (&json!("exact"), &json!(1), &json!(1))
    );
    let text = run(&home, &server, &["running", "web", "--env", "prod"]);
    assert_eq!(text.status, 0, "{text:?}");
    let row = text.out.lines().find(|line| line.starts_with("web")).expect("a row");
    assert!(
        row.contains("aaaaaaaa") && row.contains("same") && row.contains("1/1"),
        "{text:?}"
    );
    let heard = server.heard.lock().expect("no test panics").clone();
    assert!(heard.iter().all(|line| line.starts_with("GET /")), "{heard:?}");
    let wrong = run(&home, &server, &["running", "wbe"]);
    assert!(wrong.status == 2 && wrong.err.contains("web"), "{wrong:?}");
    let offline = run(&home, &server, &["running", "--offline", "--json"]);
    assert_eq!(
        (offline.status, self::pin(&offline)["running"]["state"].as_str()),
        (0, Some("unknown"))
    );
}

#[test]
fn what_cannot_be_told_is_unknown_with_its_reason() {
    let home = Home::new();
    let forbidden = ApiServer::start(|_| {
        (
            403,
            json!({ "kind": "Status", "message": "pods is forbidden", "code": 403 }),
        )
    });
    let said = run(&home, &forbidden, &["running", "--json"]);
    assert_eq!(said.status, 6, "{said:?}");
    let running = &pin(&said)["running"];
    assert_eq!(running["state"], "unknown");
    let missing = running["clusters"][0]["missing"][0].to_string();
    assert!(
        missing.contains("pods in shop: forbidden") && missing.contains("config rbac"),
        "{missing}"
    );
    // Another digest that nobody can read proves nothing: it may be another index of the same image.
    let other = ApiServer::start(|kind| match kind {
        "pods" => list(&[pod("web-1", &image('b'), &image('b'))]),
        _ => list(&[]),
    });
    let said = run(&home, &other, &["running", "--json"]);
    assert_eq!(
        (said.status, pin(&said)["running"]["state"].as_str()),
        (6, Some("unknown")),
        "{said:?}"
    );
    // A team's file names a cluster; without the person's word nobody is asked.
    let asked = other.heard.lock().expect("no test panics").len();
    home.write("mine.toml", "");
    let said = run_with(&home, &home.path("gitops"), &["running"]);
    assert!(said.status == 6 && said.out.contains("[clusters.eu]"), "{said:?}");
    assert_eq!(other.heard.lock().expect("no test panics").len(), asked);
    let check = run_with(&home, &home.path("gitops"), &["config", "check"]);
    assert!(check.err.contains("cluster eu is not asked"), "{check:?}");
}

#[test]
fn a_refusal_is_named_and_reaches_no_terminal_raw() {
    let home = Home::new();
    let server = ApiServer::start(|kind| match kind {
        "pods" => list(&[]),
        "replicasets" => list(&[json!({
            "metadata": { "name": "web" },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": image('a') }] } } },
            "status": { "conditions": [{ "type": "ReplicaFailure", "status": "True",
                "message": "admission webhook \"policy\u{1b}[31m.sigstore.dev\" denied the request: no \u{202e}signature\u{7}" }] },
        })]),
        _ => list(&[]),
    });
    let said = run(&home, &server, &["running"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("blocked") && said.out.contains("gate denied by \"policy"),
        "{said:?}"
    );
    let is_hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!said.out.contains(is_hostile), "{said:?}");
    let said = run(&home, &server, &["running", "--json"]);
    assert!(!said.out.contains(is_hostile), "{said:?}");
    assert_eq!(
        pin(&said)["running"]["clusters"][0]["blocked"][0]["what"],
        "gate-denied"
    );
}

#[test]
fn the_roles_are_lists_alone() {
    let home = Home::new();
    let repository = home.repository(
        "gitops",
        &[("pindeck.toml", POLICY), ("prod/web.yaml", &deployment(&image('a')))],
    );
    let said = home.run(&repository, &["config", "rbac"]);
    assert!(
        said.status == 0 && said.out.contains("namespace: \"shop\"") && !said.out.contains("secrets\""),
        "{said:?}"
    );
    let wrong = home.run(&repository, &["config", "rbac", "ue"]);
    assert!(wrong.status == 2 && wrong.err.contains("eu"), "{wrong:?}");
    let without = home.repository("plain", &[("prod/web.yaml", &deployment(&image('a')))]);
    for args in [&["config", "rbac"][..], &["running"]] {
        let said = home.run(&without, args);
        assert!(said.status == 2 && said.err.contains("[[clusters]]"), "{said:?}");
    }
}
