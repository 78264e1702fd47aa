//! `pindeck hold`.

use super::served::{Served, each, has, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_added_listed_and_released() {
    let served = Served::start().await;
    let list = || async { served.json("pindeck/hold/v1", &["hold", "list", "--json"]).await };
    let before = list().await;
    each(&before, "holds")
        .iter()
        .for_each(|hold| has(hold, "service environment digest reason"));
    let at = ["checkout", "--env", "staging"];
    let add = [&["hold", "add"], &at[..], &["--reason", "it leaks", "--yes", "--json"]].concat();
    let added = served.json("pindeck/hold/v1", &add).await;
    write(&added);
    assert_eq!(added["state"], "pushed");
    assert_eq!(each(&list().await, "holds").len(), each(&before, "holds").len() + 1);
    let promote = [
        "promote",
        "checkout",
        "--to",
        "production",
        "--yes",
        "--confirm",
        "production",
    ];
    assert_eq!(
        served.run(&promote).await.status,
        4,
        "a hold closes the later environments too"
    );
    let release = [&["hold", "release"], &at[..], &["--yes", "--json"]].concat();
    write(&served.json("pindeck/hold/v1", &release).await);
    assert_eq!(each(&list().await, "holds").len(), each(&before, "holds").len());
}
