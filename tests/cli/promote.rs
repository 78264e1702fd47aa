//! `pindeck promote`.

use super::home::finish;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_renders_twice_whatever_the_number_of_its_services() {
    let served = Served::start().await;
    let log = served.home.path(".local/state/pindeck/pindeck.log");
    let renders = |services: &[&str]| {
        let _ = std::fs::remove_file(&log);
        let args = [&["promote"], services, &["--to", "production", "--dry-run", "--json"]].concat();
        let mut command = served.home.command(&served.world.clone_dir(), &args);
        command.env("PINDECK_LOG", "debug");
        let log = log.clone();
        async move {
            let said = tokio::task::spawn_blocking(move || finish(command))
                .await
                .expect("finished");
            let planned = each(&said.json(), "plans").len();
            let log = std::fs::read_to_string(log).expect("a log");
            (planned, log.matches("a commit was rendered").count())
        }
    };
    let (planned, one) = renders(&["checkout"]).await;
    assert_eq!((planned, one), (1, 2), "the commit as it is, and with the edit");
    let (planned, set) = renders(&["checkout", "catalog", "payments"]).await;
    assert!(planned > 1, "{planned}");
    assert_eq!(set, 2, "once with all edits");
}
