//! `pindeck running`, against an API server of the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::home::{Home, Said, deployment, digest, finish, git};
use super::served::Served;

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

/// Lets the embedded world's production run in namespace `shop` of cluster `eu`, which is that server.
fn clustered(served: &Served, server: &ApiServer) {
    let clone = served.world.clone_dir();
    let policy = std::fs::read_to_string(clone.join("pindeck.toml")).expect("a policy");
    let named = "name = \"production\"\n";
    assert!(policy.contains(named));
    let runs = format!("{named}running = [{{ cluster = \"eu\", namespaces = [\"shop\"] }}]\n");
    let policy = policy.replacen(named, &runs, 1) + "\n[[clusters]]\nname = \"eu\"\n";
    std::fs::write(clone.join("pindeck.toml"), policy).expect("written");
    git(&clone, &["commit", "-q", "-am", "Name the cluster"]);
    git(&clone, &["push", "-q"]);
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: eu-viewer, context: {{cluster: c, user: u}}}}]\n",
        server.address
    );
    served.home.write("kubeconfig", &kubeconfig);
    served
        .home
        .write("mine.toml", "[clusters.eu]\ncontext = \"eu-viewer\"\n");
}

async fn run_served(served: &Served, args: &[&str]) -> Said {
    let mut command = served.home.command(&served.world.clone_dir(), args);
    command
        .env("PINDECK_CONFIG", served.home.path("mine.toml"))
        .env("KUBECONFIG", served.home.path("kubeconfig"));
    tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished")
}

/// The pin of `checkout` in an environment.
fn checkout(status: &Value, environment: &str) -> Value {
    let services = status["services"].as_array().expect("services");
    let service = services
        .iter()
        .find(|one| one["name"] == "checkout")
        .expect("a service");
    let pins = service["pins"].as_array().expect("pins");
    let pin = pins.iter().find(|pin| pin["environment"] == environment);
    pin.expect("a pin").clone()
}

fn differing(status: &Value) -> Vec<Value> {
    let drift = status["drift"].as_array().expect("drift").iter();
    drift.filter(|one| one["kind"] == "running-differs").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_says_what_runs_and_what_differs() {
    let served = Served::start().await;
    let asks: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let pods = Arc::clone(&asks);
    let server = ApiServer::start(move |kind| match kind {
        "pods" => {
            let pods = pods.lock().expect("no test panics");
            let each = pods.iter().enumerate();
            let pods: Vec<Value> = each
                .map(|(at, (asked, id))| pod(&format!("pod-{at}"), asked, id))
                .collect();
            list(&pods)
        }
        _ => list(&[]),
    });
    clustered(&served, &server);
    let nothing = run_served(&served, &["status", "--json"]).await;
    assert_eq!(nothing.status, 0, "{nothing:?}");
    let nothing = nothing.json();
    let pinned = checkout(&nothing, "production");
    assert_eq!(pinned["running"]["state"], "none", "{}", pinned["running"]);
    assert_eq!(checkout(&nothing, "dev")["running"], Value::Null);
    let name = |pin: &Value, of: &Value| {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        format!("{}@{}", text(&pin["image"]), text(&of["digest"]))
    };
    let good = name(&pinned, &pinned);
    *asks.lock().expect("no test panics") = vec![(good.clone(), good.clone())];
    let same = run_served(&served, &["status", "--json"]).await.json();
    assert_eq!(checkout(&same, "production")["running"]["state"], "same");
    assert_eq!(differing(&same), [] as [Value; 0]);
    // What integration pins was built later: other images, all of which can be read.
    let newer = checkout(&nothing, "dev");
    assert_ne!(newer["digest"], pinned["digest"]);
    let bad = (name(&pinned, &newer), name(&newer, &newer));
    *asks.lock().expect("no test panics") = vec![bad];
    let said = run_served(&served, &["status", "--json", "--exit-code"]).await;
    assert_eq!(said.status, 3, "{said:?}");
    let differs = said.json();
    let running = &checkout(&differs, "production")["running"];
    assert_eq!(running["state"], "differs", "{running}");
    let [drift] = differing(&differs).try_into().expect("one drift");
    assert_eq!(
        (&drift["service"], &drift["environment"]),
        (&json!("checkout"), &json!("production"))
    );
    assert_eq!(
        (&drift["expected"], &drift["found"]),
        (&pinned["digest"], &newer["digest"])
    );
    assert!(!drift.to_string().contains("pod-0"), "{drift}");
    // The journal knows since when; the id is the same from run to run.
    let again = run_served(&served, &["drift", "--json"]).await.json();
    let [again] = differing(&again).try_into().expect("one drift");
    assert_eq!((&again["id"], &again["since"]), (&drift["id"], &drift["since"]));
    let text = run_served(&served, &["status", "--service", "checkout"]).await.out;
    let short = newer["digest"].as_str().expect("a digest")[7..15].to_owned();
    assert!(
        text.contains("RUNNING") && text.contains(&format!("differs: {short} runs")),
        "{text}"
    );
    assert!(text.contains("running differs"), "{text}");
    let plain = run_served(&served, &["--plain"]).await;
    assert!(plain.out.contains("running differs in production"), "{plain:?}");
    // Nothing is asked offline, and nothing is drift then.
    let heard = server.heard.lock().expect("no test panics").len();
    let offline = run_served(&served, &["status", "--json", "--offline"]).await;
    assert_eq!(offline.status, 0, "{offline:?}");
    let offline = offline.json();
    assert!(differing(&offline).is_empty());
    let running = &checkout(&offline, "production")["running"];
    assert_eq!(
        (&running["state"], &running["clusters"][0]["missing"]),
        (&json!("unknown"), &json!(["not checked"]))
    );
    let text = run_served(&served, &["status", "--offline"]).await.out;
    assert!(text.contains("not checked"), "{text}");
    assert_eq!(server.heard.lock().expect("no test panics").len(), heard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_fails_does_no_harm_to_the_board() {
    let served = Served::start().await;
    let gone = ApiServer::start(|_| (500, json!({ "message": "etcd is\u{1b}[2J gone" })));
    clustered(&served, &gone);
    let whole = served.run(&["status", "--json", "--offline"]).await.json();
    for (address, words) in [
        (gone.address.as_str(), "500 Internal Server Error"),
        ("http://127.0.0.1:1", "cannot be reached"),
    ] {
        let kubeconfig = std::fs::read_to_string(served.home.path("kubeconfig")).expect("a kubeconfig");
        served
            .home
            .write("kubeconfig", &kubeconfig.replace(&gone.address, address));
        let said = run_served(&served, &["status", "--json"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        let status = said.json();
        assert_eq!(
            status["services"].as_array().map(Vec::len),
            whole["services"].as_array().map(Vec::len)
        );
        let running = &checkout(&status, "production")["running"];
        assert_eq!(running["state"], "unknown", "{running}");
        assert!(
            running["clusters"][0]["missing"][0].to_string().contains(words),
            "{running}"
        );
        assert_eq!(checkout(&status, "production")["verdict"]["result"], "verified");
        assert!(differing(&status).is_empty());
        let text = run_served(&served, &["status"]).await;
        assert_eq!(text.status, 0, "{text:?}");
        assert!(text.out.contains(words) && !text.out.contains('\u{1b}'), "{text:?}");
        // Who asks for what runs wants to know that nobody can tell.
        let asked = run_served(&served, &["running"]).await;
        assert_eq!(asked.status, 6, "{asked:?}");
    }
}
