//! `pindeck diff`.

use super::served::{Served, has, pinned_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_digests_are_compared_in_every_part() {
    let served = Served::start().await;
    let status = served.json("pindeck/status/v1", &["status", "--json"]).await;
    let (a, b) = (pinned_with(&status, "verified").0, pinned_with(&status, "rejected").0);
    let (a, b) = (a.as_str(), b.as_str());
    let document = served.json("pindeck/diff/v1", &["diff", a, b, "--json"]).await;
    has(
        &document,
        "a b platforms config layers packages provenance tests missing",
    );
    has(&document["a"], "image digest");
    has(&document["layers"], "shared added removed");
    has(&document["packages"], "added removed changed");
    has(&document["provenance"], "a b commits");
    assert_eq!(served.run(&["diff", a, b, "--exit-code"]).await.status, 3);
    assert_eq!(served.run(&["diff", a, a, "--exit-code"]).await.status, 0);
}
