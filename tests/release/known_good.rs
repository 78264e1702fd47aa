//! What a revert goes back to when nobody names a digest: never what was taken back or is on hold.

use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState, Plan};
use pindeck::domain::write::{Ask, Proposal, Request, WriteFailure, WriteState};
use pindeck::domain::{Digest, Target};
use pindeck::engine::Engine;

use crate::support::peer::git;
use crate::support::repositories::{PRODUCTION, STAGING, digest_in};
use crate::support::stage::{Stage, held, path, promote_digest, revert, write};

fn gate(plan: &Plan, name: GateName) -> Option<(GateState, String)> {
    let gate = plan.gates.iter().find(|g| g.gate == name)?;
    Some((gate.state, gate.in_full().clean().into_string()))
}

async fn planned(engine: &Engine, request: Request) -> Plan {
    engine.plan(request).await.expect("a plan").plans.remove(0)
}

fn releasing(mut request: Request) -> Request {
    request.release_hold = true;
    request
}

/// The pin of payments in production goes from what the world has there to the digest of staging.
async fn promoted(stage: &Stage) -> (Digest, Digest) {
    let (old, new) = (digest_in(&stage.file(PRODUCTION)), digest_in(&stage.file(STAGING)));
    write(&stage.engine(), promote_digest("payments", "production", new))
        .await
        .expect("promoted");
    (old, new)
}

/// Runs git in somebody's clone, at the remote's newest commit, and pushes.
fn somebody(stage: &Stage, script: &str) {
    let folder = stage.home.path().join("somebody");
    if !folder.exists() {
        git(stage.home.path(), ["clone", "-q", path(&stage.remote), path(&folder)]);
    }
    let all = format!(
        "cd '{}' && export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.com \
         && git pull -q --ff-only && {script} && git push -q origin HEAD:main",
        path(&folder)
    );
    let ran = std::process::Command::new("/bin/sh")
        .args(["-ec", &all])
        .output()
        .expect("sh");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn words(proposal: &Proposal) -> String {
    let plans = proposal.plans.iter().flat_map(|plan| &plan.warnings);
    plans.map(|w| w.clean().into_string()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plain_git_revert_took_out_is_not_chosen() {
    for merged in [false, true] {
        let Some(stage) = Stage::start().await else { return };
        let (old, new) = promoted(&stage).await;
        let script = if merged {
            // As a forge does it: the merge commit bears the title of the pull request and no more.
            "git checkout -q -b back && git revert --no-edit HEAD >/dev/null && git checkout -q main \
             && git merge -q --no-ff -m 'Merge pull request #7 from shop/back' back && git branch -q -D back"
        } else {
            "git revert --no-edit HEAD >/dev/null"
        };
        somebody(&stage, script);
        assert_eq!(digest_in(&stage.file(PRODUCTION)), old);
        let engine = stage.engine();
        let answer = engine.plan(revert("payments", "production", None)).await;
        let (chosen, told) = match &answer {
            Ok(proposal) => (proposal.plans.first().map(|plan| plan.to), words(proposal)),
            Err(failure @ WriteFailure::Refused(proposal, words)) => {
                assert_eq!((failure.kind(), proposal.plans.len()), (FailureKind::Refused, 0));
                (None, words.clean().into_string())
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_ne!(chosen, Some(new), "merged: {merged}");
        assert!(
            told.contains(&new.to_string()) && told.contains("taken out by the revert"),
            "merged: {merged}: {told}"
        );
        // Whoever names it gets it, with a warning and without a hold: a plain revert makes none.
        let plan = planned(&engine, revert("payments", "production", Some(new))).await;
        assert_eq!(gate(&plan, GateName::Hold), None);
        assert!(
            plan.warnings
                .iter()
                .any(|w| w.raw().contains("was reverted here before"))
        );
        let earlier = engine.earlier_digests(&Target::new("payments", "production")).await;
        let earlier = earlier.expect("readable");
        let first = earlier.first().expect("an earlier digest");
        assert_eq!((first.digest, first.ended_by_revert, &first.hold), (new, true, &None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_revert_releases_its_hold_and_makes_none() {
    let Some(stage) = Stage::start().await else { return };
    let (old, new) = promoted(&stage).await;
    let engine = stage.engine();
    write(&engine, revert("payments", "production", Some(old)))
        .await
        .expect("reverted");
    let held = held(&engine).await;
    assert_eq!(held, [new]);

    let undo = || revert("payments", "production", Some(new));
    let plan = planned(&engine, undo()).await;
    let (state, detail) = gate(&plan, GateName::Hold).expect("it is on hold");
    assert!(
        state == GateState::Closed && detail.contains("--release-hold"),
        "{detail}"
    );
    assert_eq!(
        write(&engine, undo()).await.expect_err("held").kind(),
        FailureKind::Refused
    );

    let proposal = engine.plan(releasing(undo())).await.expect("a plan");
    assert!(proposal.command.contains("--release-hold"), "{}", proposal.command);
    let done = write(&engine, releasing(undo())).await.expect("undone");
    assert_eq!((done.state, done.commits.len()), (WriteState::Pushed, 1));
    assert_eq!(digest_in(&stage.file(PRODUCTION)), new);
    assert_eq!(
        engine.holds().await.expect("readable"),
        [],
        "released, and nothing new is held"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_an_earlier_environment_stays_closed_and_names_its_release() {
    let Some(stage) = Stage::start().await else { return };
    let (old, _) = promoted(&stage).await;
    stage.somebody_changes("pindeck-holds.toml", |_| {
        let hold = |env: &str, digest: &Digest| {
            format!(
                "[[hold]]\nservice = \"payments\"\nenvironment = \"{env}\"\ndigest = \"{digest}\"\nreason = \"leaks\"\n"
            )
        };
        let other = Digest::of(b"another");
        format!(
            "version = 1\n{}{}{}",
            hold("staging", &old),
            hold("production", &old),
            hold("production", &other)
        )
    });
    let engine = stage.engine();
    let plan = planned(&engine, releasing(revert("payments", "production", Some(old)))).await;
    let (state, detail) = gate(&plan, GateName::Hold).expect("it is on hold");
    assert_eq!(state, GateState::Closed);
    assert!(
        detail.contains("pindeck hold release payments --env staging"),
        "{detail}"
    );
    // By itself it is not chosen.
    match engine.plan(revert("payments", "production", None)).await {
        Ok(proposal) => {
            assert_ne!(proposal.plans[0].to, old);
            assert!(words(&proposal).contains(&old.to_string()));
        }
        Err(failure) => assert!(failure.what().raw().contains(&old.to_string()), "{failure:?}"),
    }
    // Once the earlier hold is released, only this environment's hold of this digest ends with the revert.
    let target = Target::new("payments", "staging");
    write(&engine, Request::new(Ask::ReleaseHold { target }))
        .await
        .expect("released");
    write(&engine, releasing(revert("payments", "production", Some(old))))
        .await
        .expect("reverted");
    let left = held(&engine).await;
    assert!(
        !left.contains(&old) && left.contains(&Digest::of(b"another")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_does_not_end_with_a_pull_request() {
    let Some(stage) = Stage::start().await else { return };
    stage.configure("production", "write = \"branch\"");
    let request = releasing(revert("payments", "production", None));
    let failure = stage.engine().plan(request).await.expect_err("refused");
    assert_eq!(failure.kind(), FailureKind::Usage);
    assert!(
        failure
            .next()
            .as_str()
            .contains("pindeck hold release payments --env production"),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_within_the_hour_is_offered_with_that_time() {
    let Some(stage) = Stage::start().await else { return };
    let (old, new) = promoted(&stage).await;
    // A commit of somebody's own that says nothing of a revert.
    stage.somebody_changes(PRODUCTION, |text| text.replace(&new.to_string(), &old.to_string()));
    let proposal = stage
        .engine()
        .plan(revert("payments", "production", None))
        .await
        .expect("a plan");
    assert_eq!(proposal.plans[0].to, new);
    assert!(words(&proposal).contains("stood here for only"), "{}", words(&proposal));
}
