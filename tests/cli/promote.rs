//! `pindeck promote`.

use super::served::{Served, each, sane, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_writes_nothing_and_a_promotion_pushes_one_commit_once() {
    let served = Served::start().await;
    let promote = ["promote", "checkout", "--to", "production", "--json"];
    let planned = served
        .json("pindeck/promote/v1", &[&promote[..], &["--dry-run"]].concat())
        .await;
    write(&planned);
    assert_eq!((&planned["state"], &planned["pushed"]), (&"planned".into(), &().into()));
    assert_eq!(each(&planned, "plans").len(), 1);

    let confirmed = [&promote[..], &["--yes", "--confirm", "production"]].concat();
    let done = served.json("pindeck/promote/v1", &confirmed).await;
    write(&done);
    assert_eq!(
        (&done["state"], &done["pushed"]),
        (&"pushed".into(), &"refs/heads/main".into())
    );
    assert_eq!(each(&done, "commits").len(), 1);
    assert_eq!(done["plans"][0]["to"], planned["plans"][0]["to"]);

    let again = served.json("pindeck/promote/v1", &confirmed).await;
    write(&again);
    assert_eq!(again["state"], "already");
    assert_eq!(each(&again, "commits").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_refuses_ends_with_4_and_names_the_gate() {
    let served = Served::start().await;
    let args = ["promote", "search", "--to", "staging", "--yes", "--json"];
    let said = served.run(&args).await;
    assert_eq!(said.status, 4, "{said:?}");
    let error = said.error();
    sane(&error, "$");
    let gates = each(&error["plans"][0], "gates");
    assert!(
        gates
            .iter()
            .any(|gate| gate["gate"] == "verdict" && gate["state"] == "closed"),
        "{error}"
    );
}
