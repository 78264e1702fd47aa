//! `pindeck running`, against an API server of the test.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api_server::{ApiServer, list, pod, reach};
use super::home::{Home, Said, deployment, digest, finish};

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
    reach(home, &server.address);
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
    // What is missing of a namespace is said once, and what was not counted has no numbers.
    let text = run(&home, &forbidden, &["running"]);
    assert_eq!(text.out.matches("forbidden").count(), 1, "{text:?}");
    assert!(!text.out.contains("0/0"), "{text:?}");
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
fn credentials_are_those_of_the_kubeconfigs_or_it_is_said_why_not() {
    let home = Home::new();
    let server = ApiServer::start(|kind| match kind {
        "pods" => list(&[pod("web-1", &image('a'), &image('a'))]),
        _ => list(&[]),
    });
    assert_eq!(run(&home, &server, &["running"]).status, 0);
    let asked = server.heard.lock().expect("no test panics").len();
    let cluster = format!("clusters: [{{name: c, cluster: {{server: '{}'}}}}]\n", server.address);
    let context = "contexts: [{name: eu-viewer, context: {cluster: c, user: u}}]\n";
    let with = |first: &str, second: &str| {
        home.write("first", first);
        home.write("second", second);
        let both = std::env::join_paths([home.path("first"), home.path("second")]).expect("paths");
        let mut command = home.command(&home.path("gitops"), &["running"]);
        command
            .env("PINDECK_CONFIG", home.path("mine.toml"))
            .env("KUBECONFIG", both);
        finish(command)
    };
    // Two files are one configuration, and of two users of one name the first counts.
    let users = format!("{context}users: [{{name: u, user: {{token: t}}}}]\n");
    let said = with(&cluster, &users);
    assert!(said.status == 0 && said.out.contains("same"), "{said:?}");
    let more = server.heard.lock().expect("no test panics").len();
    assert!(more > asked);
    let exec = |how: &str| {
        format!(
            "{context}users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: ./login{how}}}}}}}]\n"
        )
    };
    for (first, second, words) in [
        (exec(", interactiveMode: Always"), cluster.clone(), "asks a person"),
        (exec(""), cluster.clone(), "./login"),
        (context.to_owned(), String::new(), "no cluster 'c'"),
        (cluster.clone(), String::new(), "no context 'eu-viewer'"),
    ] {
        let said = with(&first, &second);
        assert!(said.status == 6 && said.out.contains(words), "{words}: {said:?}");
    }
    assert_eq!(
        server.heard.lock().expect("no test panics").len(),
        more,
        "nothing was sent"
    );
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

/// The commit at HEAD of a repository, or an ancestor of it.
fn commit_at(repository: &Path, revision: &str) -> String {
    let out = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["rev-parse", revision])
        .output()
        .expect("git runs");
    String::from_utf8(out.stdout).expect("an id").trim().to_owned()
}

fn application(revision: &str, phase: &str, message: &str) -> Value {
    json!({
        "metadata": { "name": "shop", "namespace": "argocd" },
        "spec": { "destination": { "namespace": "shop" }, "source": { "path": "prod" },
            "syncPolicy": { "automated": {} } },
        "status": {
            "sync": { "status": if phase == "Succeeded" { "Synced" } else { "OutOfSync" }, "revision": revision },
            "operationState": { "phase": phase, "message": message, "syncResult": { "revision": revision } },
            "resources": [{ "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web" }],
        },
    })
}

#[test]
fn whoever_reconciles_says_whether_the_commit_has_arrived() {
    let home = Home::new();
    let policy = POLICY.replace("name = \"eu\"\n", "name = \"eu\"\nreconcilers = [\"argocd\"]\n");
    let repository = home.repository(
        "gitops",
        &[("pindeck.toml", &policy), ("prod/web.yaml", &deployment(&image('b')))],
    );
    let before = commit_at(&repository, "HEAD");
    home.write("gitops/prod/web.yaml", &deployment(&image('a')));
    super::home::commit(&repository, "second");
    home.write("gitops/README.md", "x");
    super::home::commit(&repository, "third");
    let (pinned, later) = (commit_at(&repository, "HEAD~1"), commit_at(&repository, "HEAD"));
    let answer: Arc<Mutex<Value>> = Arc::default();
    let shown = Arc::clone(&answer);
    let server = ApiServer::start(move |kind| match kind {
        "pods" => list(&[pod("web-1", &image('a'), &image('a'))]),
        "deployments" => list(&[json!({
            "metadata": { "name": "web", "namespace": "shop", "generation": 1 },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": image('a') }] } } },
            "status": { "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 },
        })]),
        "applications" => match shown.lock().expect("no test panics").clone() {
            Value::Null => (403, json!({ "kind": "Status", "message": "forbidden" })),
            application => list(&[application]),
        },
        "kustomizations" | "helmreleases" => (404, json!("404 page not found")),
        _ => list(&[]),
    });
    let gate = "admission webhook \"policy.sigstore.dev\" denied the request: no \u{1b}[2Jsignature";
    for (revision, phase, message, reached, state) in [
        (pinned.as_str(), "Succeeded", "", json!(true), "applied"),
        (&later, "Succeeded", "", json!(true), "applied"),
        (&before, "Succeeded", "", json!(false), "waiting"),
        (&later, "Running", "", json!(false), "syncing"),
        (&later, "Failed", gate, json!(false), "failed"),
        (&"f".repeat(40), "Succeeded", "", Value::Null, "unknown"),
    ] {
        *answer.lock().expect("no test panics") = application(revision, phase, message);
        let said = run(&home, &server, &["running", "--json"]);
        let running = &pin(&said)["running"]["clusters"][0];
        let owner = &running["reconciler"];
        assert_eq!(
            (&owner["kind"], &owner["name"], &owner["revision"]),
            (&json!("argo"), &json!("argocd/shop"), &json!(revision)),
            "{running}"
        );
        assert_eq!(
            (&owner["reached"], owner["state"].as_str()),
            (&reached, Some(state)),
            "{owner}"
        );
        let is_refused = running["blocked"].as_array().is_some_and(|all| !all.is_empty());
        assert_eq!(is_refused, phase == "Failed", "{running}");
        let text = run(&home, &server, &["running"]);
        assert!(
            text.out.contains("argocd/shop") && !text.out.contains('\u{1b}'),
            "{text:?}"
        );
    }
    // Without permission the rest still counts, and what is missing is named.
    *answer.lock().expect("no test panics") = Value::Null;
    let said = run(&home, &server, &["running", "--json"]);
    let running = pin(&said)["running"].clone();
    assert_eq!((said.status, &running["state"]), (0, &json!("same")), "{running}");
    assert_eq!(running["clusters"][0]["reconciler"], Value::Null);
    assert_eq!(
        running["clusters"][0]["missing"],
        json!(["applications in argocd: forbidden in cluster eu"])
    );
    let heard = server.heard.lock().expect("no test panics").clone();
    assert!(
        heard
            .iter()
            .any(|line| line.contains("/namespaces/argocd/applications"))
    );
    assert!(!heard.iter().any(|line| line.contains("/namespaces/argocd/pods")));
}

#[test]
fn watching_says_what_runs_and_then_every_change() {
    use std::io::{BufRead as _, BufReader};
    let home = Home::new();
    let looks = Arc::new(Mutex::new(0));
    let count = Arc::clone(&looks);
    let server = ApiServer::start(move |kind| {
        match kind {
            "pods" => {}
            // Who may not watch looks every second.
            "watch" => return (403, json!({ "kind": "Status", "message": "no watching" })),
            _ => return list(&[]),
        }
        let mut looks = count.lock().expect("no test panics");
        *looks += 1;
        match *looks {
            1..=2 => list(&[pod("web-1", &image('a'), &image('a'))]),
            3 => list(&[]),
            4 => (403, json!({ "kind": "Status", "message": "no\u{1b}[2J" })),
            _ => list(&[pod("web-2", &image('a'), &image('a'))]),
        }
    });
    // Writes the repository and the configuration.
    run(&home, &server, &["running"]);
    *looks.lock().expect("no test panics") = 0;
    let mut command = home.command(
        &home.path("gitops"),
        &["running", "--watch", "--interval", "1s", "--json"],
    );
    command
        .env("PINDECK_CONFIG", home.path("mine.toml"))
        .env("KUBECONFIG", home.path("kubeconfig"))
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let lines: Vec<String> = lines.take(4).map(|line| line.expect("a line")).collect();
    child.kill().expect("killed");
    child.wait().expect("an end");
    let states: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("one document a line"))
        .map(|line| {
            assert_eq!(line["schema"], "pindeck/running-event/v1", "{line}");
            assert_eq!(
                (&line["service"], &line["environment"]),
                (&json!("web"), &json!("prod"))
            );
            line["running"]["state"].clone()
        })
        .collect();
    assert_eq!(states, ["same", "none", "unknown", "same"], "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
}
