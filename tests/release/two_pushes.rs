//! A hold and its pin that cannot land at once: in two repositories, or on two branches of a remote that has no atomic
//! push. Whatever comes between the two pushes is said, nothing is lost, and `resume` finishes it.

use std::sync::Arc;

use pindeck::domain::failure::FailureKind;
use pindeck::domain::recovery::WriteStep;
use pindeck::domain::write::{Receipt, Request, WriteFailure};
use pindeck::domain::{Digest, Target};
use pindeck::engine::journal::JournalMoment;
use pindeck::engine::{Engine, OpenOptions};
use tokio::sync::{mpsc, watch};

use crate::support::git_world::hook;
use crate::support::repositories::{
    PRODUCTION, at_production, both_heads, digest_in, file_of_production, in_repositories, pindeck, production,
    promoted,
};
use crate::support::stage::{Stage, execute, held, path, promote_digest, revert, write};

/// What the child process is told.
const AT: &str = "PINDECK_TEST_TWO_PUSHES_AT";
const HOME: &str = "PINDECK_TEST_TWO_PUSHES_HOME";
const TO: &str = "PINDECK_TEST_TWO_PUSHES_TO";

/// The child: reverts or resumes, and is killed at the step it was told. Alone, it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(at) = std::env::var(AT) else { return };
    let observer = move |step: WriteStep, moment: JournalMoment| {
        if format!("{}:{moment:?}", step.as_str()) == at {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).expect("killed");
            loop {
                std::thread::park();
            }
        }
    };
    let home = std::path::PathBuf::from(std::env::var(HOME).expect("a folder"));
    let options = OpenOptions {
        dir: home.join("gitops"),
        config: Some(home.join("policy/pindeck.toml")),
        cache_dir: Some(home.join("cache")),
        cache_bytes: 1 << 28,
        ..OpenOptions::default()
    };
    let engine = Engine::open_observed(options, Arc::new(observer)).expect("a repository");
    let to = std::env::var(TO).expect("a verb");
    let back_to = |digest: &str| revert("payments", "production", digest.parse().ok());
    let done = match to.split_once(' ') {
        Some(("resume", id)) => resume(&engine, id).await,
        Some((_, digest)) => write(&engine, releasing(back_to(digest))).await,
        None => write(&engine, back_to(&to)).await,
    };
    panic!("it lived: {done:?}");
}

/// The same request, which ends the hold of its target.
pub(super) fn releasing(mut request: Request) -> Request {
    request.release_hold = true;
    request
}

/// Does this in a child process that is killed at this step: a digest is gone back to, `releasing DIGEST` ends its hold, and
/// `resume ID` goes on with what was left.
pub(super) fn crash(stage: &Stage, to: &str, step: WriteStep, moment: JournalMoment) {
    let out = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "release::two_pushes::child", "--nocapture"])
        .env(AT, format!("{}:{moment:?}", step.as_str()))
        .env(HOME, path(stage.home.path()))
        .env(TO, to)
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), None, "killed at {step:?} {moment:?}: {said}");
}

pub(super) async fn resume(engine: &Engine, id: &str) -> Result<Receipt, WriteFailure> {
    let (tx, mut rx) = mpsc::channel(64);
    let (_stop, cancel) = watch::channel(false);
    let drain = tokio::spawn(async move { while rx.recv().await.is_some() {} });
    let done = engine.resume(id, tx, cancel).await;
    drain.await.unwrap();
    done
}

/// The world with production on a branch, at a remote that takes one branch after the other only.
async fn without_atomic() -> Option<Stage> {
    let stage = Stage::start().await?;
    stage.at_remote(["branch", "env/production", "main"]);
    stage.configure("production", "branch = \"env/production\"");
    stage.at_remote(["config", "receive.advertiseAtomic", "false"]);
    Some(stage)
}

/// A world, with the pin that a revert takes back: where it is, and what stood there before.
pub(super) struct Half {
    pub stage: Stage,
    is_apart: bool,
    pub old: Digest,
    pub new: Digest,
}

impl Half {
    pub(super) async fn start(is_apart: bool) -> Option<Self> {
        let stage = match is_apart {
            true => in_repositories().await?,
            false => without_atomic().await?,
        };
        let engine = stage.engine();
        let (old, new) = match is_apart {
            true => promoted(&stage, &engine).await,
            false => {
                let old = digest_in(&stage.at_remote(["show", &format!("env/production:{PRODUCTION}")]));
                let staging = "apps/payments/overlays/staging/kustomization.yaml";
                let new = digest_in(&stage.at_remote(["show", &format!("main:{staging}")]));
                write(&engine, promote_digest("payments", "production", new))
                    .await
                    .expect("promoted");
                (old, new)
            }
        };
        Some(Self {
            stage,
            is_apart,
            old,
            new,
        })
    }

    pub(super) fn pinned(&self) -> Digest {
        digest_in(&match self.is_apart {
            true => file_of_production(&self.stage, PRODUCTION),
            false => self.stage.at_remote(["show", &format!("env/production:{PRODUCTION}")]),
        })
    }

    /// Holds of the digest that is taken out.
    pub(super) fn holds(&self) -> usize {
        let there = self
            .stage
            .at_remote(["ls-tree", "--name-only", "main", "pindeck-holds.toml"]);
        match there.is_empty() {
            true => 0,
            false => self
                .stage
                .file("pindeck-holds.toml")
                .matches(&self.new.to_string())
                .count(),
        }
    }

    /// The branch of the pin takes nothing.
    pub(super) fn close(&self) -> std::path::PathBuf {
        let (folder, script) = match self.is_apart {
            true => (
                production(&self.stage),
                "echo 'production is closed'; exit 1".to_owned(),
            ),
            false => {
                let only = "test \"$1\" != refs/heads/env/production || { echo 'production is closed'; exit 1; }";
                (self.stage.remote.clone(), only.to_owned())
            }
        };
        hook(&folder.join("hooks"), "update", &script);
        folder.join("hooks/update")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_second_push_leaves_the_hold_and_says_so() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let engine = world.stage.engine();
        let closed = world.close();
        let proposal = engine
            .plan(revert("payments", "production", Some(world.old)))
            .await
            .expect("a plan");
        let refused = execute(&engine, proposal).await.expect_err("production is closed");
        let words = refused.what().raw().to_owned();
        assert_eq!(refused.kind(), FailureKind::Failed, "something landed: {refused:?}");
        assert!(
            words.contains("the hold is pushed, the pin is not") && words.contains("production is closed"),
            "{words}"
        );
        assert_eq!((world.pinned(), world.holds()), (world.new, 1));
        let left = engine.left_behind().await.expect("readable");
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(
            left[0].says.ends_with("the hold is pushed, the pin is not"),
            "{}",
            left[0].says
        );
        // Still closed: it stays.
        let again = resume(&engine, &left[0].id).await.expect_err("still closed");
        assert!(
            again.what().raw().contains("the hold is pushed, the pin is not"),
            "{again:?}"
        );
        assert_eq!(engine.left_behind().await.expect("readable").len(), 1);
        std::fs::remove_file(closed).expect("gone");
        let done = resume(&engine, &left[0].id).await.expect("finished");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1));
        assert!(done.commits.contains(&world.stage.head()), "the hold's too: {done:?}");
        assert!(engine.left_behind().await.expect("readable").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_two_is_found_and_finished() {
    // What was begun is finished by the next one, wherever it was killed.
    let steps = [
        (WriteStep::Committed, JournalMoment::After, 0),
        (WriteStep::Pushing, JournalMoment::After, 0),
        (WriteStep::HoldPushed, JournalMoment::Before, 1),
        (WriteStep::HoldPushed, JournalMoment::After, 1),
        (WriteStep::Pushed, JournalMoment::Before, 1),
    ];
    for is_apart in [true, false] {
        for (step, moment, holds) in steps {
            let Some(world) = Half::start(is_apart).await else {
                return;
            };
            let what = format!("{step:?} {moment:?} {is_apart}");
            crash(&world.stage, &world.old.to_string(), step, moment);
            let is_over = step == WriteStep::Pushed;
            let expected = if is_over { world.old } else { world.new };
            assert_eq!((world.pinned(), world.holds()), (expected, holds), "{what}");
            let engine = world.stage.engine();
            let left = engine.left_behind().await.expect("readable");
            assert_eq!(left.len(), 1, "{what}");
            let says = &left[0].says;
            let half = "the hold is pushed, the pin is not";
            assert_eq!(says.ends_with(half), holds == 1 && !is_over, "{what}: {says}");
            assert_eq!(says.ends_with(", pushed"), is_over, "{what}: {says}");
            let before = both(&world);
            resume(&engine, &left[0].id).await.expect("finished");
            assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{what}");
            assert!(engine.left_behind().await.expect("readable").is_empty(), "{what}");
            assert_eq!(held(&engine).await, [world.new], "{what}");
            let moved = (before.0 != both(&world).0, before.1 != both(&world).1);
            assert_eq!(moved, (holds == 0, !is_over), "one commit each, {what}");
        }
    }
}

/// Where the policy's branch and the pin's are.
pub(super) fn both(world: &Half) -> (String, String) {
    match world.is_apart {
        true => both_heads(&world.stage),
        false => (
            world.stage.head(),
            world.stage.at_remote(["rev-parse", "env/production"]),
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_killed_between_the_two_is_finished_by_the_next() {
    for (step, moment) in [
        (WriteStep::HoldPushed, JournalMoment::Before),
        (WriteStep::HoldPushed, JournalMoment::After),
    ] {
        let Some(world) = Half::start(true).await else { return };
        crash(
            &world.stage,
            &world.old.to_string(),
            WriteStep::Committed,
            JournalMoment::After,
        );
        let engine = world.stage.engine();
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        crash(&world.stage, &format!("resume {id}"), step, moment);
        assert_eq!((world.pinned(), world.holds()), (world.new, 1), "{step:?} {moment:?}");
        resume(&engine, &id).await.expect("finished");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{step:?} {moment:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pushes_between_the_two_is_not_overrun() {
    let Some(world) = Half::start(true).await else { return };
    let stage = &world.stage;
    // The moment that the hold has landed, somebody else's commit lands in production.
    let theirs = format!(
        "unset $(git rev-parse --local-env-vars); cd '{}' && test ! -e raced || exit 0; : > raced; \
         commit=$(git -c user.name=Them -c user.email=them@example.test commit-tree -p main -m theirs 'main^{{tree}}') \
         && git update-ref refs/heads/main $commit",
        path(&production(stage))
    );
    hook(&stage.remote.join("hooks"), "post-receive", &theirs);
    let engine = stage.engine();
    let done = write(&engine, revert("payments", "production", Some(world.old)))
        .await
        .expect("reverted");
    assert!(production(stage).join("raced").exists(), "there was a race");
    assert_eq!((world.pinned(), world.holds()), (world.old, 1));
    let heads = both_heads(stage);
    assert_eq!(done.commits, [heads.1, heads.0]);
    assert_eq!(at_production(stage, ["log", "-1", "--format=%s", "main^"]), "theirs");
    assert!(engine.left_behind().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_gone_between_the_two_is_waited_for() {
    let Some(world) = Half::start(true).await else { return };
    let stage = &world.stage;
    crash(
        stage,
        &world.old.to_string(),
        WriteStep::HoldPushed,
        JournalMoment::After,
    );
    let (there, away) = (production(stage), stage.home.path().join("away.git"));
    std::fs::rename(&there, &away).expect("moved");
    let engine = stage.engine();
    let left = engine.left_behind().await.expect("readable").remove(0);
    assert!(
        left.says.contains("the hold is pushed, the pin perhaps"),
        "{}",
        left.says
    );
    let waits = resume(&engine, &left.id).await.expect_err("nobody knows");
    assert_eq!(waits.kind(), FailureKind::Unreachable, "{waits:?}");
    std::fs::rename(&away, &there).expect("back");
    // The person may also leave it at that: the hold stays, and ends as any other.
    engine.forget_left(&left.id).expect("dropped");
    assert_eq!((world.pinned(), world.holds()), (world.new, 1));
    let out = pindeck(
        stage,
        false,
        &["hold", "release", "payments", "--env", "production", "--yes"],
    )
    .await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(world.holds(), 0);
    let target = Target::new("payments", "production");
    assert!(engine.history(&target, Some(1), false).await.is_ok());
}
