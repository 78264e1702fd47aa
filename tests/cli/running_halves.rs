//! What only a part of is known: half a list, and one namespace of several. What is known stays, the rest has its own
//! words, and the board of pins is whole.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::api_server::{Answered, ApiServer, checkout, clustered, list, pod, reach, run_served};
use super::home::{Home, Said, deployment, digest, finish};
use super::served::Served;

/// The image whose digest is pinned; nobody listens at its registry.
fn image(digit: char) -> String {
    format!("127.0.0.1:1/shop/web@{}", digest(digit))
}

/// A repository that runs `prod` in these namespaces, and `staging` in one that is always answered.
fn repository(home: &Home, namespaces: &str) {
    let policy = format!(
        "version = 1\n[[clusters]]\nname = \"eu\"\n[[environments]]\nname = \"staging\"\npaths = [\"staging/**\"]\nrunning = [{{ cluster = \"eu\", namespaces = [\"shop-staging\"] }}]\n[[environments]]\nname = \"prod\"\npaths = [\"prod/**\"]\nrunning = [{{ cluster = \"eu\", namespaces = [{namespaces}] }}]\n"
    );
    let web = deployment(&image('a'));
    home.repository(
        "gitops",
        &[
            ("pindeck.toml", &policy),
            ("prod/web.yaml", &web),
            ("staging/web.yaml", &web),
        ],
    );
}

fn run(home: &Home, args: &[&str]) -> Said {
    let mut command = home.command(&home.path("gitops"), args);
    command
        .env("PINDECK_CONFIG", home.path("mine.toml"))
        .env("KUBECONFIG", home.path("kubeconfig"));
    finish(command)
}

/// What runs of the pin of an environment.
fn running(document: &Value, environment: &str) -> Value {
    let services = document["services"].as_array().expect("services").iter();
    let mut pins = services.flat_map(|service| service["pins"].as_array().expect("pins"));
    let pin = pins.find(|pin| pin["environment"] == environment);
    let pin = pin.unwrap_or_else(|| panic!("no pin of {environment}: {document:#}"));
    assert_eq!(pin["digest"], digest('a'));
    pin["running"].clone()
}

fn good(name: &str) -> Value {
    pod(name, &image('a'), &image('a'))
}

/// A first page that has a second one.
fn first_page() -> Answered {
    let metadata = json!({ "resourceVersion": "7", "continue": "more", "remainingItemCount": 1 });
    (200, json!({ "metadata": metadata, "items": [good("web-1")] })).into()
}

/// Both environments in the documents of `running` and of `status`: the one that fails in its own words, and the other one as
/// if nothing were.
fn told(home: &Home, state: &str, words: &str) -> Value {
    let said = run(home, &["running", "--json"]);
    assert_eq!(said.status, if state == "unknown" { 6 } else { 0 }, "{said:?}");
    let document = said.json();
    let prod = running(&document, "prod");
    assert_eq!(prod["state"], state, "{prod:#}");
    assert!(prod.to_string().contains(words), "{words}: {prod:#}");
    assert_eq!(running(&document, "staging")["state"], "same");
    let staging = run(home, &["running", "--env", "staging"]);
    assert_eq!(staging.status, 0, "{staging:?}");
    // The board is whole. That nobody answers for its registry is another matter, and the only one that it speaks of.
    let said = run(home, &["status", "--json"]);
    let document = said.json();
    assert!(!said.err.contains("cluster") && !said.err.contains("pods"), "{said:?}");
    assert_eq!(running(&document, "prod")["state"], state);
    assert_eq!(running(&document, "staging")["state"], "same");
    let drift = document["drift"].as_array().expect("drift");
    assert!(!drift.iter().any(|one| one["kind"] == "running-differs"), "{drift:?}");
    for args in [&["status"][..], &["running"]] {
        let text = run(home, args);
        assert!(
            text.out.contains(words) && !text.out.contains('\u{1b}'),
            "{words}: {text:?}"
        );
    }
    prod
}

/// How the second page of the Pods of `shop` is answered; it may be asked for several times.
fn second_page(name: &str) -> Option<Answered> {
    Some(match name {
        "torn" => Answered::Half(json!({ "metadata": {}, "items": [good("web-2"), good("web-3")] })),
        "expired" => (410, json!({ "kind": "Status", "reason": "Expired", "message": "The provided continue parameter is too old", "code": 410 })).into(),
        "broken" => (500, json!({ "kind": "Status", "message": "etcdserver:\u{1b}[2J request timed out", "code": 500 })).into(),
        "forbidden" => (403, json!({ "kind": "Status", "message": "pods is forbidden", "code": 403 })).into(),
        "no list" => (200, json!({ "metadata": {}, "items": 7 })).into(),
        _ => return None,
    })
}

#[test]
fn half_a_list_is_unknown_and_never_what_its_half_says() {
    for (name, words) in [
        ("torn", "cannot be reached for pods in shop"),
        (
            "expired",
            "could not be listed to the end: its pages expired while it was read",
        ),
        ("broken", "500 Internal Server Error: etcdserver"),
        ("forbidden", "pods in shop: forbidden in cluster eu"),
        ("no list", "something that is no list"),
    ] {
        let home = Home::new();
        repository(&home, "\"shop\"");
        let server = ApiServer::answering(move |line| match line {
            line if !line.contains("/pods?") => list(&[]).into(),
            line if line.contains("/shop-staging/") => list(&[good("web-1")]).into(),
            line if line.contains("continue=") => second_page(name).expect("a page"),
            _ => first_page(),
        });
        reach(&home, &server.address);
        let prod = told(&home, "unknown", words);
        let cluster = &prod["clusters"][0];
        assert_eq!(cluster["state"], "unknown", "{name}: {cluster:#}");
        assert_eq!(
            cluster["missing"].as_array().map(Vec::len),
            Some(1),
            "{name}: {cluster:#}"
        );
    }
}

#[test]
fn a_page_that_is_too_old_once_is_no_trouble() {
    let home = Home::new();
    repository(&home, "\"shop\"");
    let expired = Mutex::new(0);
    let server = ApiServer::answering(move |line| match line {
        line if !line.contains("/pods?") => list(&[]).into(),
        line if line.contains("/shop-staging/") => list(&[good("web-1")]).into(),
        line if line.contains("continue=") => {
            let mut expired = expired.lock().expect("no test panics");
            *expired += 1;
            match *expired {
                1 => second_page("expired").expect("a page"),
                _ => list(&[good("web-2")]).into(),
            }
        }
        _ => first_page(),
    });
    reach(&home, &server.address);
    let said = run(&home, &["running", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    let prod = running(&said.json(), "prod");
    assert_eq!(
        (&prod["state"], &prod["clusters"][0]["digests"][0]["pods"]),
        (&json!("same"), &json!(2)),
        "{prod:#}"
    );
}

#[test]
fn a_forbidden_namespace_beside_an_allowed_one_has_its_own_words() {
    for (name, words) in [
        ("forbidden", "pods in closed: forbidden in cluster eu"),
        ("broken", "500 Internal Server Error: etcdserver"),
    ] {
        let home = Home::new();
        repository(&home, "\"shop\", \"closed\"");
        let server = ApiServer::answering(move |line| match line {
            line if line.contains("/closed/") => second_page(name).expect("an answer"),
            line if line.contains("/pods?") => list(&[good("web-1")]).into(),
            _ => list(&[]).into(),
        });
        reach(&home, &server.address);
        let prod = told(&home, "unknown", words);
        let clusters = prod["clusters"].as_array().expect("clusters").iter();
        let states: Vec<(&str, &str)> = clusters
            .map(|one| {
                (
                    one["namespace"].as_str().expect("a name"),
                    one["state"].as_str().expect("a word"),
                )
            })
            .collect();
        assert_eq!(states, [("shop", "same"), ("closed", "unknown")], "{prod:#}");
        // What is known of the one stays known: only who reconciles is missing, of whom either namespace may have one.
        let shop = &prod["clusters"][0];
        assert_eq!(shop["digests"][0]["pods"], 1, "{shop:#}");
        assert!(!shop["missing"].to_string().contains("pods"), "{shop:#}");
        let text = run(&home, &["running", "--env", "prod"]);
        let rows: Vec<&str> = text.out.lines().filter(|line| line.contains("aaaaaaaa")).collect();
        assert!(
            rows.iter().any(|row| row.contains("same") && row.contains("1/1"))
                && rows.iter().any(|row| row.contains("unknown") && !row.contains("0/0")),
            "{text:?}"
        );
        // Whose Pods cannot be listed is not asked what makes them.
        let heard = server.heard.lock().expect("no test panics").clone();
        let more = heard
            .iter()
            .filter(|line| line.contains("/closed/") && line.contains("/apis/apps/"));
        assert_eq!(more.count(), 0, "{heard:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_with_its_registry_ends_well_and_only_who_asks_what_runs_learns_by_the_status() {
    let served = Served::start().await;
    for (name, words) in [
        ("torn", "cannot be reached for pods in shop"),
        ("expired", "its pages expired while it was read"),
        ("forbidden", "pods in closed: forbidden in cluster eu"),
    ] {
        let server = ApiServer::answering(move |line| match line {
            line if line.contains("/closed/") && name == "forbidden" => second_page(name).expect("an answer"),
            line if !line.contains("/pods?") || line.contains("/closed/") || name == "forbidden" => list(&[]).into(),
            line if line.contains("continue=") => second_page(name).expect("a page"),
            _ => first_page(),
        });
        clustered(&served, &server, &["shop", "closed"]);
        let said = run_served(&served, &["status", "--json"]).await;
        assert_eq!(said.status, 0, "{name}: {said:?}");
        let pin = checkout(&said.json(), "production");
        assert_eq!(pin["verdict"]["result"], "verified", "{name}: {pin:#}");
        assert_eq!(pin["running"]["state"], "unknown", "{name}: {pin:#}");
        assert!(pin["running"].to_string().contains(words), "{name}: {pin:#}");
        let drift = run_served(&served, &["drift", "--json"]).await;
        assert!(!drift.out.contains("running-differs"), "{name}: {drift:?}");
        let asked = run_served(&served, &["running", "--env", "production"]).await;
        assert_eq!(asked.status, 6, "{name}: {asked:?}");
    }
}
