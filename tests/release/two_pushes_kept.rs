//! A hold that landed before its pin stays known, wherever the next try is stopped; where it is not in force any more it is
//! made again; it goes where it was confirmed; and a hold that ends does so after the pin.

use std::collections::BTreeSet;

use pindeck::domain::failure::FailureKind;
use pindeck::domain::recovery::WriteStep;
use pindeck::domain::write::{Ask, Request, WriteFailure, WriteState};
use pindeck::domain::{Digest, Target};
use pindeck::engine::Engine;
use pindeck::engine::journal::JournalMoment;

use super::two_pushes::{Half, both, crash, releasing, resume};
use crate::support::git_world::hook;
use crate::support::peer::git;
use crate::support::repositories::{PRODUCTION, at_production, production, somebody_changes_production};
use crate::support::stage::{Stage, execute, held, path, revert, write};

const HALF: &str = "the hold is pushed, the pin is not";

/// The revert of payments in production is half done, and the pin's branch takes what comes from now on. Its id.
pub(super) async fn half_done(world: &Half, engine: &Engine) -> String {
    let closed = world.close();
    let request = revert("payments", "production", Some(world.old));
    let refused = write(engine, request).await.expect_err("production is closed");
    assert!(refused.what().raw().contains(HALF), "{refused:?}");
    std::fs::remove_file(closed).expect("gone");
    engine.left_behind().await.expect("readable").remove(0).id
}

pub(super) fn payments() -> Target {
    Target::new("payments", "production")
}

pub(super) fn assert_half(failure: &WriteFailure) {
    assert_eq!(failure.kind(), FailureKind::Failed, "{failure:?}");
    assert!(failure.what().raw().contains(HALF), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_try_that_is_killed_early_does_not_forget_the_hold() {
    for is_apart in [true, false] {
        for step in [WriteStep::Committed, WriteStep::Pushing] {
            let Some(world) = Half::start(is_apart).await else {
                return;
            };
            let engine = world.stage.engine();
            let id = half_done(&world, &engine).await;
            let hold = world.stage.head();
            crash(&world.stage, &format!("resume {id}"), step, JournalMoment::After);
            assert_eq!((world.pinned(), world.holds()), (world.new, 1), "{step:?} {is_apart}");
            let says = engine.left_behind().await.expect("readable").remove(0).says;
            assert!(says.ends_with(HALF), "{step:?} {is_apart}: {says}");
            resume(&engine, &id).await.expect("finished");
            assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{step:?} {is_apart}");
            assert_eq!(world.stage.head(), hold, "one hold, {step:?} {is_apart}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_try_does_not_forget_the_proposal_of_the_hold() {
    let Some(world) = Half::start(true).await else { return };
    world.stage.configure("production", "write = \"branch\"");
    let engine = world.stage.engine();
    let id = half_done(&world, &engine).await;
    let proposed = || {
        let refs = ["for-each-ref", "--format=%(refname)", "refs/heads/pindeck"];
        (world.stage.at_remote(refs), at_production(&world.stage, refs))
    };
    let (hold, pin) = proposed();
    assert!(hold.ends_with("-hold") && pin.is_empty(), "{hold} {pin}");
    crash(
        &world.stage,
        &format!("resume {id}"),
        WriteStep::Committed,
        JournalMoment::After,
    );
    let done = resume(&engine, &id).await.expect("finished");
    assert_eq!(done.state, WriteState::Proposed);
    assert_eq!(proposed(), (hold.clone(), hold.trim_end_matches("-hold").to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_was_ended_between_the_two_is_made_again() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let engine = world.stage.engine();
        let id = half_done(&world, &engine).await;
        let first = world.stage.head();
        let target = payments();
        write(&engine, Request::new(Ask::ReleaseHold { target }))
            .await
            .expect("released");
        assert_eq!(world.holds(), 0);
        // The pin does not go without it, and it is made anew before it is tried.
        let closed = world.close();
        assert_half(&resume(&engine, &id).await.expect_err("still closed"));
        assert_eq!((world.pinned(), world.holds()), (world.new, 1), "{is_apart}");
        std::fs::remove_file(closed).expect("gone");
        let done = resume(&engine, &id).await.expect("finished");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{is_apart}");
        assert_eq!(held(&engine).await, [world.new]);
        let now = world.stage.head();
        assert!(
            done.commits.contains(&now) && !done.commits.contains(&first),
            "{done:?}"
        );
    }
}

/// The clone of the policy is on this branch.
fn check_out(stage: &Stage, args: &[&str]) {
    let all: Vec<&str> = ["-C", path(&stage.clone), "checkout", "-q"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    git(stage.home.path(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_goes_to_the_branch_that_was_confirmed() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let stage = &world.stage;
        stage.at_remote(["branch", "other", "main"]);
        git(stage.home.path(), ["-C", path(&stage.clone), "fetch", "-q"]);
        let engine = stage.engine();
        let request = revert("payments", "production", Some(world.old));
        let proposal = engine.plan(request).await.expect("a plan");
        let before = (both(&world), stage.at_remote(["rev-parse", "other"]));
        check_out(stage, &["-b", "other", "--track", "origin/other"]);
        let moved = execute(&stage.engine(), proposal).await.expect_err("another branch");
        assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
        assert!(moved.what().raw().contains("policy and holds"), "{moved:?}");
        check_out(stage, &["main"]);
        // The same where another process finishes it.
        let to = world.old.to_string();
        crash(stage, &to, WriteStep::Pushing, JournalMoment::After);
        check_out(stage, &["other"]);
        let engine = stage.engine();
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        let moved = resume(&engine, &id).await.expect_err("another branch");
        assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
        assert_eq!((both(&world), stage.at_remote(["rev-parse", "other"])), before);
        check_out(stage, &["main"]);
        resume(&stage.engine(), &id).await.expect("finished");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{is_apart}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_after_its_pin() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let engine = world.stage.engine();
        write(&engine, revert("payments", "production", Some(world.old)))
            .await
            .expect("reverted");
        let undo = || releasing(revert("payments", "production", Some(world.new)));
        let before = both(&world);
        // The pin is refused: the digest that nobody trusts is not free.
        let closed = world.close();
        let proposal = engine.plan(undo()).await.expect("a plan");
        let said = proposal.plans[0].warnings.iter().map(|words| words.raw());
        let said = said.collect::<Vec<_>>().join("\n");
        let words = match is_apart {
            true => "the pin is pushed first and the hold ends after it",
            false => "and one that ends after it",
        };
        assert!(said.contains(words), "{said}");
        let refused = execute(&engine, proposal).await.expect_err("production is closed");
        assert_eq!(refused.kind(), FailureKind::RemoteRefused, "{refused:?}");
        assert_eq!((both(&world), world.holds()), (before, 1), "{is_apart}");
        assert!(engine.left_behind().await.expect("readable").is_empty());
        std::fs::remove_file(closed).expect("gone");
        // Its end is refused: it stands, and that is said.
        let hooks = world.stage.remote.join("hooks");
        let only = "test \"$1\" != refs/heads/main || { echo 'main is closed'; exit 1; }";
        hook(&hooks, "update", only);
        let done = write(&engine, undo()).await.expect("the pin is pushed");
        assert_eq!((world.pinned(), world.holds()), (world.new, 1), "{is_apart}");
        let notes: Vec<&str> = done.notes.iter().map(|note| note.raw()).collect();
        assert!(
            notes
                .iter()
                .any(|note| note.contains("may still stand") && note.contains("main is closed")),
            "{notes:?}"
        );
        assert_eq!(done.commits.len(), 1, "{done:?}");
        assert!(engine.left_behind().await.expect("readable").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hold_begins_before_the_pin_and_another_ends_after_it() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let engine = world.stage.engine();
        let mut hold = Request::new(Ask::Hold {
            target: payments(),
            digest: Some(world.old),
        });
        hold.reason = Some("it was slow".to_owned());
        write(&engine, hold).await.expect("held");
        let closed = world.close();
        let request = || releasing(revert("payments", "production", Some(world.old)));
        assert_half(&write(&engine, request()).await.expect_err("production is closed"));
        let both_held: BTreeSet<Digest> = held(&engine).await.into_iter().collect();
        let neither_is_free = BTreeSet::from([world.old, world.new]);
        assert_eq!(both_held, neither_is_free, "{is_apart}");
        std::fs::remove_file(closed).expect("gone");
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        let first = both(&world);
        let done = resume(&engine, &id).await.expect("finished");
        assert_eq!(world.pinned(), world.old);
        assert_eq!(held(&engine).await, [world.new], "{is_apart}");
        let now = both(&world);
        assert_eq!(done.commits, [now.1, first.0, now.0], "{is_apart}");
        let subject = ["log", "-1", "--format=%s", "main"];
        assert_eq!(world.stage.at_remote(subject), "Release hold of payments in production");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_hold_landed_nothing_else_is_a_plain_refusal() {
    let Some(world) = Half::start(true).await else { return };
    let stage = &world.stage;
    let engine = stage.engine();
    let id = half_done(&world, &engine).await;
    let hold = stage.head();
    let policy = std::fs::read_to_string(&stage.policy).expect("readable");
    stage.configure("production", "write = \"branch\"");
    assert_half(&resume(&stage.engine(), &id).await.expect_err("it moved"));
    stage.edit_policy(|_| "garbage".to_owned());
    assert_half(&resume(&stage.engine(), &id).await.expect_err("no policy"));
    stage.edit_policy(|_| policy);
    // Somebody has set the pin meanwhile: what is there of this write is its hold.
    assert!(production(stage).exists());
    let (old, new) = (world.old.to_string(), world.new.to_string());
    somebody_changes_production(stage, PRODUCTION, |text| text.replace(&new, &old));
    let done = resume(&stage.engine(), &id).await.expect("nothing is left to do");
    assert_eq!(done.state, WriteState::Already);
    let notes: Vec<&str> = done.notes.iter().map(|note| note.raw()).collect();
    assert!(notes.iter().any(|note| note.contains(&hold)), "{notes:?}");
}
