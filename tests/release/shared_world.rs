//! The sequence a release lead and an on-call engineer go through, on the frozen world.

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::GateName;
use pindeck::domain::write::{Ask, WriteFailure, WriteState};
use pindeck::domain::{Outcome, Target};

use crate::support::stage::{Stage, path, promote, promote_digest, revert, write};

const PAYMENTS: &str = "apps/payments/overlays/production/kustomization.yaml";

fn digest(text: &str) -> Digest {
    text.parse().expect("a digest")
}

/// The closed gates of what was refused.
fn refused(failure: &WriteFailure) -> Vec<GateName> {
    match failure {
        WriteFailure::Refused(proposal, _) => proposal
            .plans
            .iter()
            .filter_map(|plan| plan.closed_gate())
            .map(|gate| gate.gate)
            .collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promote_revert_hold_release_promote() {
    let Some(stage) = Stage::start().await else { return };
    std::fs::write(stage.clone.join("README.md"), "somebody is editing this\n").unwrap();
    std::fs::write(stage.clone.join("untracked.txt"), "and this is new\n").unwrap();
    let dirty = crate::support::peer::git(
        stage.home.path(),
        ["-C", path(&stage.clone), "status", "--porcelain=v2"],
    );
    let engine = stage.engine();
    let (before, head) = (stage.file(PAYMENTS), stage.head());

    let done = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("promoted");
    assert_eq!((done.state, done.commits.len()), (WriteState::Pushed, 1));
    assert_eq!(done.pushed.as_deref(), Some("refs/heads/main"));
    assert_eq!(stage.head(), done.commits[0]);
    assert_eq!(
        stage.at_remote(["rev-parse", "main^"]),
        head,
        "one commit on the remote's head"
    );
    let after = stage.file(PAYMENTS);
    let staging = stage.file(&PAYMENTS.replace("production", "staging"));
    let pinned = |text: &str| text[text.find("sha256:").expect("a digest")..][..71].to_owned();
    assert_eq!(pinned(&after), pinned(&staging));
    assert_eq!(stage.at_remote(["diff", "--name-only", "main^", "main"]), PAYMENTS);
    let message = stage.at_remote(["log", "-1", "--format=%B", "main"]) + "\n";
    assert!(message.starts_with("Promote payments to production\n"), "{message}");
    for trailer in [
        "Action: promote",
        "Service: payments",
        "Environment: production",
        "Verdict: verified",
    ] {
        assert!(
            message.contains(&format!("\nPindeck-{trailer}\n")),
            "{trailer} is not in {message}"
        );
    }

    let again = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("nothing to do");
    assert_eq!(again.state, WriteState::Already);

    let done = write(&engine, revert("payments", "production", None))
        .await
        .expect("reverted");
    assert_eq!(stage.file(PAYMENTS), before, "byte for byte as before");
    let message = stage.at_remote(["log", "-1", "--format=%B", "main"]) + "\n";
    assert!(
        message.contains(&format!(
            "This reverts commit {}.",
            stage.at_remote(["rev-parse", "main^"])
        )),
        "{message}"
    );
    let touched = stage.at_remote(["diff", "--name-only", "main^", "main"]);
    assert_eq!(touched.lines().collect::<Vec<_>>(), [PAYMENTS, "pindeck-holds.toml"]);
    assert_eq!(done.commits, [stage.head()]);

    let held = write(&engine, promote(&["payments"], "production"))
        .await
        .expect_err("held");
    assert_eq!(
        (refused(&held), held.kind()),
        (vec![GateName::Hold], FailureKind::Refused)
    );

    let target = Target::new("payments", "production");
    let release = pindeck::domain::write::Request::new(Ask::ReleaseHold { target });
    write(&engine, release).await.expect("released");
    let done = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("promoted again");
    assert_eq!(done.state, WriteState::Pushed);
    assert_eq!(stage.file(PAYMENTS), after);
    let now = crate::support::peer::git(
        stage.home.path(),
        ["-C", path(&stage.clone), "status", "--porcelain=v2"],
    );
    assert_eq!(now, dirty, "the working tree is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_verify_does_not_move() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let head = stage.head();
    for (service, to, gate) in [
        ("catalog", "production", GateName::Acknowledge),
        ("search", "integration", GateName::Verdict),
        ("checkout", "production", GateName::Verdict),
    ] {
        let failure = write(&engine, promote(&[service], to)).await.expect_err(service);
        assert_eq!(
            (refused(&failure), failure.kind()),
            (vec![gate], FailureKind::Refused),
            "{service}"
        );
    }
    let gone = digest("sha256:19d9711f94e9d0b6a8391f35771c3ca58c2188285c8d95b0e3df3074eb112463");
    let failure = write(&engine, revert("frontend", "production", Some(gone)))
        .await
        .expect_err("gone");
    assert_eq!(
        (refused(&failure), failure.kind()),
        (vec![GateName::Presence], FailureKind::Refused)
    );
    assert_eq!(stage.head(), head, "nothing was pushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_promoted_whole_or_not_at_all() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let head = stage.head();
    let failure = write(&engine, promote(&["payments", "checkout"], "production")).await;
    assert_eq!(
        failure.expect_err("one of them is rejected").kind(),
        FailureKind::Refused
    );
    assert_eq!(stage.head(), head);
    let done = write(&engine, promote(&["payments", "frontend"], "staging"))
        .await
        .expect("both");
    assert_eq!(done.state, WriteState::Pushed);
    // payments is there already; frontend gets its commit.
    assert_eq!(done.plans.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_that_does_not_verify_is_not_chosen_and_those_that_do_are_named() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    // Production goes on from the deleted digest; then that is what an ordinary revert would bring back.
    let gone = digest("sha256:19d9711f94e9d0b6a8391f35771c3ca58c2188285c8d95b0e3df3074eb112463");
    let good = digest("sha256:039291d4608dc0ab1edd7931c9738b01e50528b22db646f73ccb90f500e6d285");
    let mut request = promote_digest("frontend", "production", good);
    request.break_glass = Some("production runs what nobody can pull".into());
    write(&engine, request).await.expect("promoted");
    let proposal = engine
        .plan(revert("frontend", "production", None))
        .await
        .expect("a plan");
    assert_eq!(proposal.plans[0].to, gone);
    let refusal = proposal.refusal().expect("refused");
    assert_eq!(
        (refused(&refusal), refusal.kind()),
        (vec![GateName::Presence], FailureKind::Refused)
    );
    for other in &proposal.alternatives {
        assert!(matches!(other.verdict.result, Outcome::Verified | Outcome::Warned));
    }
    let named: Vec<Digest> = proposal.alternatives.iter().map(|other| other.digest).collect();
    assert!(
        !named.is_empty() && !named.contains(&gone) && !named.contains(&good),
        "{named:?}"
    );
    // A registry that cannot be asked makes no verdict: unknown, and nothing moves.
    stage.places["127.0.0.1:5811"].meddle(|_, _| Some(crate::support::server::Reply::new(503, "")));
    let failure = write(&stage.engine(), revert("frontend", "production", Some(named[0]))).await;
    assert_eq!(failure.expect_err("nobody answers").kind(), FailureKind::Unreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_wants_pull_requests_gets_a_branch_of_its_own() {
    let Some(stage) = Stage::start().await else { return };
    stage.configure("production", "write = \"branch\"");
    let head = stage.head();
    let engine = stage.engine();
    let done = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("proposed");
    assert_eq!(done.state, WriteState::Proposed);
    let branch = done.pushed.expect("a ref");
    assert!(
        branch.starts_with("refs/heads/pindeck/promote-payments-production-"),
        "{branch}"
    );
    assert_eq!(stage.at_remote(["rev-parse", &branch]), done.commits[0]);
    assert_eq!(stage.head(), head, "the release branch stays");
    assert!(engine.left_behind().await.expect("readable").is_empty());
}
