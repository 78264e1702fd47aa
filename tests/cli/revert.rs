//! `pindeck revert`.

use super::served::{Served, each, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revert_brings_back_the_last_known_good_and_holds_what_it_takes_out() {
    let served = Served::start().await;
    let revert = [
        "revert",
        "checkout",
        "--env",
        "production",
        "--reason",
        "it leaks",
        "--json",
    ];
    let planned = served
        .json("pindeck/revert/v1", &[&revert[..], &["--dry-run"]].concat())
        .await;
    write(&planned);
    assert_eq!(planned["state"], "planned");
    let done = served
        .json(
            "pindeck/revert/v1",
            &[&revert[..], &["--yes", "--confirm", "production"]].concat(),
        )
        .await;
    write(&done);
    assert_eq!(done["state"], "pushed");
    let taken_out = &planned["plans"][0]["from"];
    let holds = served.json("pindeck/hold/v1", &["hold", "list", "--json"]).await;
    let held = each(&holds, "holds").iter().find(|hold| hold["digest"] == *taken_out);
    assert_eq!(held.expect("a hold")["environment"], "production");
}
