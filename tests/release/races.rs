//! Somebody else pushes while a write is under way.

use std::sync::atomic::{AtomicBool, Ordering};

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::write::{WriteFailure, WriteState};
use pindeck::engine::Engine;

use crate::support::stage::{Stage, execute, path, promote, promote_digest, write};

const PAYMENTS: &str = "apps/payments/overlays/production/kustomization.yaml";

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_moved_after_the_plan_is_a_conflict_with_a_new_plan() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    stage.somebody_changes(PAYMENTS, |text| {
        let at = text.find("sha256:").expect("a digest");
        format!("{}sha256:{}{}", &text[..at], "0".repeat(64), &text[at + 71..])
    });
    let theirs = stage.head();
    let failure = execute(&engine, proposal).await.expect_err("a conflict");
    assert_eq!(failure.kind(), FailureKind::Conflict);
    let WriteFailure::Conflict(new, _) = failure else {
        panic!("no new plan")
    };
    assert_eq!(new.plans[0].from.map(|d| d.hex()), Some("0".repeat(64)));
    assert_eq!(stage.head(), theirs, "nothing was pushed");
    // The new plan is one that can be confirmed.
    assert_eq!(
        execute(&engine, *new).await.expect("promoted").state,
        WriteState::Pushed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_commit_is_never_lost() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    stage.somebody_changes("README.md", |text| format!("{text}\nmore\n"));
    let theirs = stage.head();
    let done = execute(&engine, proposal).await.expect("promoted on top of theirs");
    assert_eq!(done.state, WriteState::Pushed);
    assert_eq!(stage.at_remote(["rev-parse", "main^"]), theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_comes_second_is_planned_again() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    // The remote takes somebody else's commit right after the writer has fetched: the first question
    // to a registry comes after that.
    let stage = std::sync::Arc::new(stage);
    let (other, done_once) = (std::sync::Arc::clone(&stage), AtomicBool::new(false));
    let (asked, wait) = std::sync::mpsc::channel::<()>();
    stage.places["127.0.0.1:5812"].meddle(move |_, _| {
        if !done_once.swap(true, Ordering::SeqCst) {
            let other = std::sync::Arc::clone(&other);
            let asked = asked.clone();
            std::thread::spawn(move || {
                other.somebody_changes("README.md", |text| format!("{text}\nmore\n"));
                asked.send(()).expect("somebody waits");
            })
            .join()
            .expect("pushed");
        }
        None
    });
    let done = execute(&engine, proposal).await.expect("promoted");
    wait.recv().expect("somebody pushed");
    assert_eq!(done.state, WriteState::Pushed);
    let log = stage.at_remote(["log", "-2", "--format=%s", "main"]);
    assert_eq!(
        log.lines().collect::<Vec<_>>(),
        ["Promote payments to production", "something of theirs"]
    );
    assert!(stage.clone.exists() && !path(&stage.clone).is_empty());
}

/// One of two promoters: flips a service in dev between two digests. Its commits, and the digest that it
/// pinned last.
async fn promoter(
    engine: Engine,
    service: &'static str,
    digests: [Digest; 2],
    rounds: usize,
) -> (Vec<String>, Option<Digest>) {
    let (mut commits, mut last) = (Vec::new(), None);
    for round in 0..rounds {
        let digest = digests[round % 2];
        match write(&engine, promote_digest(service, "dev", digest)).await {
            Ok(done) => {
                commits.extend(done.commits);
                last = Some(digest);
            }
            // Who never gets a turn is told so, and has written nothing.
            Err(failure) => assert_eq!(failure.kind(), FailureKind::Conflict, "{failure:?}"),
        }
    }
    (commits, last)
}

/// How often each promotes; the issue asks for 50, which takes a while.
fn rounds() -> usize {
    let asked = std::env::var("PINDECK_RACE_ROUNDS").ok();
    asked.map_or(8, |n| n.parse().expect("a number"))
}

fn digest(hex: &str) -> Digest {
    format!("sha256:{hex}").parse().expect("a digest")
}

fn payments() -> [Digest; 2] {
    [
        digest("6f3b4ee375db7dcf69e893fc706e58325e87143bdb08afef91206163b876d1f6"),
        digest("27cbe49e2ff105994950a493c7f51736b47e911b43325d9a9e1a88e062aa586b"),
    ]
}

fn checkout() -> [Digest; 2] {
    [
        digest("57ee21ae4701c133d054b92348551f45386e8634eaa0cfe235e1f03b5ea590b9"),
        digest("7841f8f8e3d99a0f5fb3e38483fde0fe34088ef87c92079aae278bcfb37663d9"),
    ]
}

/// Every commit that was reported is on the branch, in one line, with nothing else.
fn nothing_is_lost(stage: &Stage, before: &str, reported: &[String]) {
    let log = stage.at_remote(["log", "--format=%H %P", "main"]);
    let ours: Vec<&str> = log.lines().take_while(|line| !line.starts_with(before)).collect();
    assert!(
        ours.iter().all(|line| line.split(' ').count() == 2),
        "one line of commits: {ours:?}"
    );
    let mut on_branch: Vec<String> = ours.iter().map(|line| line[..40].to_owned()).collect();
    let mut reported = reported.to_vec();
    on_branch.sort();
    reported.sort();
    assert_eq!(on_branch, reported);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_promoters_of_different_services_lose_nothing() {
    let Some(stage) = Stage::start().await else { return };
    let before = stage.head();
    let (one, two) = (stage.engine(), stage.another_engine("second"));
    let a = tokio::spawn(promoter(one, "payments", payments(), rounds()));
    let b = tokio::spawn(promoter(two, "checkout", checkout(), rounds()));
    let ((mut commits, last_payments), (more, last_checkout)) = (a.await.unwrap(), b.await.unwrap());
    assert!(!commits.is_empty() && !more.is_empty(), "both got somewhere");
    commits.extend(more);
    nothing_is_lost(&stage, &before, &commits);
    for (file, last) in [
        ("apps/payments/overlays/dev/kustomization.yaml", last_payments),
        ("apps/checkout/dev/checkout.yaml", last_checkout),
    ] {
        assert!(stage.file(file).contains(&last.expect("pinned").to_string()), "{file}");
    }
}

/// Two windows of one person: the same clone, the same cache, the same journal.
#[tokio::test(flavor = "multi_thread")]
async fn two_promoters_in_one_clone_with_one_cache_lose_nothing() {
    let Some(stage) = Stage::start().await else { return };
    let before = stage.head();
    let (one, two) = (stage.engine(), stage.engine());
    let a = tokio::spawn(promoter(one, "payments", payments(), rounds()));
    let b = tokio::spawn(promoter(two, "checkout", checkout(), rounds()));
    let ((mut commits, last_payments), (more, last_checkout)) = (a.await.unwrap(), b.await.unwrap());
    assert!(!commits.is_empty() && !more.is_empty(), "both got somewhere");
    commits.extend(more);
    nothing_is_lost(&stage, &before, &commits);
    for (file, last) in [
        ("apps/payments/overlays/dev/kustomization.yaml", last_payments),
        ("apps/checkout/dev/checkout.yaml", last_checkout),
    ] {
        assert!(stage.file(file).contains(&last.expect("pinned").to_string()), "{file}");
    }
    // Neither takes the other's write for one that a crash left.
    assert!(stage.engine().left_behind().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_promoters_of_the_same_service_agree_on_an_order() {
    let Some(stage) = Stage::start().await else { return };
    let before = stage.head();
    let (one, two) = (stage.engine(), stage.another_engine("second"));
    let [x, y] = payments();
    let a = tokio::spawn(promoter(one, "payments", [x, y], rounds()));
    let b = tokio::spawn(promoter(two, "payments", [y, x], rounds()));
    let ((mut commits, _), (more, _)) = (a.await.unwrap(), b.await.unwrap());
    commits.extend(more);
    nothing_is_lost(&stage, &before, &commits);
    // Each commit says what it changed from, and that is what the one before left.
    let log = stage.at_remote([
        "log",
        "--reverse",
        "--format=%(trailers:key=Pindeck-From,valueonly,separator=) %(trailers:key=Pindeck-To,valueonly,separator=)",
        "main",
    ]);
    let steps: Vec<(&str, &str)> = log.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    assert_eq!(steps.len(), commits.len());
    assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0), "{steps:?}");
}
