//! What runs, on the board: its words, its drift, and that a cluster does it no harm.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api_server::{ApiServer, checkout, clustered, list, pod, run_served};
use super::served::Served;

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
    clustered(&served, &server, &["shop"]);
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
    clustered(&served, &gone, &["shop"]);
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
