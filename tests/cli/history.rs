//! `pindeck history`.

use super::served::{Served, each, has, verdict};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_are_judged_only_when_asked_for() {
    let served = Served::start().await;
    let args = [
        "history",
        "checkout",
        "--env",
        "production",
        "--json",
        "--verify",
        "--limit",
        "2",
    ];
    let document = served.json("pindeck/history/v1", &args).await;
    has(&document, "service environment entries");
    assert_eq!(each(&document, "entries").len(), 2);
    for entry in each(&document, "entries") {
        has(
            entry,
            "commit author at subject action reverts from to tag break_glass verdict",
        );
        verdict(&entry["verdict"]);
    }
    let plain = ["history", "checkout", "--env", "production", "--json"];
    let document = served.json("pindeck/history/v1", &plain).await;
    assert!(each(&document, "entries").iter().all(|e| e["verdict"].is_null()));
}
