//! Attacks through the journal of writes: to have something finished that nobody confirmed.

use pindeck::domain::write::{Request, Source};
use pindeck::engine::Engine;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::support::stage::{Stage, promote};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "forged-journal-entry",
        tries: "an entry of the journal claims that a promotion of a rejected digest was verified and confirmed",
        attempt: || on_a_runtime(forged_entry()),
    },
    Attack {
        name: "journal-id-of-another-file",
        tries: "a journal id with folders in it has a file outside of the journal finished or dropped",
        attempt: || on_a_runtime(id_of_another_file()),
    },
];

const ID: &str = "20260101T000000Z-abc";

/// Puts an entry into the journal of the clone that looks as if pindeck had been killed after a confirmation.
fn forge(stage: &Stage, request: &Request, write: &serde_json::Value) {
    let entry = json!({
        "schema": "pindeck/journal/v1", "id": ID, "started": "2026-01-01T00:00:00Z", "step": "planned",
        "reached": "2026-01-01T00:00:00Z", "request": request, "base": stage.head(), "remote": "origin",
        "branch": "main", "new_branch": false, "commits": [], "writes": [write],
    });
    let folder = stage.clone.join(".git/pindeck/journal");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{ID}.json")), entry.to_string()).unwrap();
}

async fn resume(engine: &Engine, id: &str) -> bool {
    let (tx, mut rx) = mpsc::channel(64);
    let (_stop, cancel) = watch::channel(false);
    let drain = tokio::spawn(async move { while rx.recv().await.is_some() {} });
    let done = engine.resume(id, tx, cancel).await;
    drain.await.unwrap();
    done.is_ok()
}

async fn forged_entry() {
    let Some(stage) = Stage::start().await else { return };
    let head = stage.head();
    // Its own plan names everything truly but for the verdict and the gates.
    let request = promote(&["search"], "integration");
    let plan = stage
        .engine()
        .plan(request.clone())
        .await
        .expect("a plan")
        .plans
        .remove(0);
    assert!(
        plan.closed_gate().is_some(),
        "the attack needs a digest that is refused"
    );
    let gates = ["verdict", "hold", "after", "soak", "freeze", "read-only"];
    let write = json!({
        "verb": plan.verb, "service": "search", "environment": "integration", "from": plan.from, "to": plan.to,
        "edits": plan.edits, "copies": [],
        "terms": {"image": plan.image.as_ref().expect("an image").to_string(), "policy": plan.policy.name, "policy_digest": plan.policy.digest,
            "verdict": {"result": "verified", "causes": []},
            "gates": gates.map(|gate| (gate, "open")), "type_name": false},
    });
    forge(&stage, &request, &write);
    let engine = stage.engine();
    let left = engine.left_behind().await.expect("readable");
    assert!(left[0].entry.is_some(), "the forged entry is not even read: {left:?}");
    assert!(!resume(&engine, ID).await, "it was finished");
    // The same with the digest named outright.
    let mut named = request;
    if let pindeck::domain::write::Ask::Promote { from, .. } = &mut named.ask {
        *from = Some(Source::Digest(plan.to));
    }
    forge(&stage, &named, &write);
    assert!(!resume(&stage.engine(), ID).await, "it was finished");
    assert_eq!(stage.head(), head, "something was pushed");
}

async fn id_of_another_file() {
    let Some(stage) = Stage::start().await else { return };
    let head = stage.head();
    std::fs::create_dir_all(stage.clone.join(".git/pindeck/journal")).unwrap();
    let victims = [
        stage.clone.join(".git/config"),
        stage.clone.join(".git/pindeck/precious.json"),
    ];
    std::fs::write(&victims[1], "{}").unwrap();
    let engine = stage.engine();
    for id in [
        "../precious",
        "../../config",
        "../precious.json",
        "..",
        "",
        "/etc/passwd",
        "a/../../precious",
    ] {
        assert!(!resume(&engine, id).await, "{id:?} was finished");
        assert!(engine.forget_left(id).is_err(), "{id:?} was dropped");
    }
    for victim in victims {
        assert!(victim.is_file(), "{} is gone", victim.display());
    }
    assert_eq!(stage.head(), head, "something was pushed");
}
