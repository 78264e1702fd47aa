//! The embedded world with its cluster: what is promoted rolls out, what is reverted comes back, and the gate is named.

use pindeck::demo::{DemoOptions, World};
use serde_json::{Value, json};

use super::home::{Home, Said, finish};
use super::served::Served;

async fn start() -> Served {
    let options = DemoOptions {
        cluster: true,
        ..DemoOptions::default()
    };
    let served = Served {
        home: Home::new(),
        world: World::start(options).await.expect("a world"),
    };
    let kubeconfig = served.world.folder().join("kubeconfig");
    let mine = format!(
        "[clusters.demo]\ncontext = \"demo\"\nkubeconfig = {:?}\n",
        kubeconfig.display().to_string()
    );
    served.home.write("mine.toml", &mine);
    served
}

async fn run(served: &Served, args: &[&str]) -> Said {
    let mut command = served.home.command(&served.world.clone_dir(), args);
    command.env("PINDECK_CONFIG", served.home.path("mine.toml"));
    tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished")
}

fn cluster(said: &Said) -> Value {
    said.json()["services"][0]["pins"][0]["running"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_rolls_out_and_a_revert_comes_back() {
    let served = start().await;
    let status = run(&served, &["status", "--json"]).await;
    assert_eq!(status.status, 0, "{status:?}");
    let status = status.json();
    let pins = status["services"].as_array().expect("services").iter();
    let pins = pins.flat_map(|service| service["pins"].as_array().expect("pins"));
    for pin in pins.filter(|pin| !pin["digest"].is_null()) {
        assert_eq!(pin["running"]["state"], "same", "{pin}");
    }
    let promote = [
        "promote",
        "checkout",
        "--to",
        "production",
        "--confirm",
        "production",
        "--wait=80s",
        "--json",
    ];
    let said = run(&served, &promote).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.json()["wait"]["outcome"], "runs");
    assert!(
        said.err.contains("rolling") && said.err.contains("runs 4/4"),
        "{said:?}"
    );
    let said = run(&served, &["running", "checkout", "--env", "production", "--json"]).await;
    let running = cluster(&said);
    assert_eq!(running["state"], "same", "{running}");
    let owner = &running["clusters"][0]["reconciler"];
    assert_eq!(
        (&owner["name"], &owner["reached"], &owner["state"]),
        (&json!("argocd/production"), &json!(true), &json!("applied"))
    );
    let revert = [
        "revert",
        "checkout",
        "--env",
        "production",
        "--confirm",
        "production",
        "--wait=80s",
    ];
    let said = run(&served, &revert).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("Runs, after"), "{said:?}");
    assert_eq!(served.world.cluster_methods(), ["GET"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_refuses_is_named_and_the_old_digest_still_serves() {
    let served = start().await;
    let promote = [
        "promote",
        "notifier",
        "--to",
        "staging",
        "--yes",
        "--wait=80s",
        "--json",
    ];
    let said = run(&served, &promote).await;
    assert_eq!(said.status, 8, "{said:?}");
    let document = said.json();
    assert_eq!(
        (&document["state"], &document["wait"]["outcome"]),
        (&json!("pushed"), &json!("gate-denied")),
        "{document}"
    );
    let said = run(&served, &["running", "notifier", "--env", "staging", "--json"]).await;
    let running = cluster(&said);
    assert_eq!(running["state"], "blocked", "{running}");
    let blocked = &running["clusters"][0]["blocked"][0];
    assert_eq!(
        (&blocked["what"], &blocked["by"]),
        (&json!("gate-denied"), &json!("policy.sigstore.dev")),
        "{running}"
    );
    assert_eq!(blocked["digest"], document["plans"][0]["to"]);
    let served_still = &running["clusters"][0]["digests"];
    assert_eq!(served_still[0]["digest"], document["plans"][0]["from"], "{running}");
    // Blocked is a state and no drift; the way back runs.
    let drift = run(&served, &["drift", "--json"]).await;
    assert!(!drift.out.contains("running-differs"), "{drift:?}");
    let said = run(
        &served,
        &["revert", "notifier", "--env", "staging", "--yes", "--wait=80s"],
    )
    .await;
    assert_eq!(said.status, 0, "{said:?}");
}
