//! `pindeck evidence`.

use super::served::{Served, each, evidence, has};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_comes_with_every_check() {
    let served = Served::start().await;
    let document = served
        .json(
            "pindeck/evidence/v1",
            &["evidence", "checkout", "--env", "production", "--json"],
        )
        .await;
    has(&document, "image digest evidence");
    let statements = each(&document, "evidence");
    assert!(!statements.is_empty());
    for one in statements {
        evidence(one);
        for check in each(one, "checks") {
            has(check, "check state detail");
        }
    }
    let text = served.run(&["evidence", "checkout", "--env", "production"]).await;
    assert!(text.out.contains("passed") && text.out.contains("verified"), "{text:?}");
}
