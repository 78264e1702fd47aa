//! A write that was left behind goes on only where it was confirmed to go, and only where the person still lets it.

use std::path::PathBuf;

use pindeck::domain::failure::FailureKind;
use pindeck::domain::recovery::WriteStep;
use pindeck::domain::write::{Ask, Request};
use pindeck::engine::Engine;
use pindeck::engine::journal::JournalMoment;
use serde_json::Value;

use super::two_pushes::{Half, both, crash, resume};
use super::two_pushes_kept::{assert_half, half_done, payments};
use crate::support::peer::git;
use crate::support::repositories::{
    approve, at_production, both_heads, copied, in_repositories, pindeck, production, with_own_policy,
};
use crate::support::stage::{Stage, execute, path, promote, revert, write};

/// Points a remote of a clone to another place.
fn lead(stage: &Stage, clone: &std::path::Path, to: &std::path::Path) {
    let all = ["-C", path(clone), "remote", "set-url", "origin", path(to)];
    git(stage.home.path(), all);
}

/// Another repository with the same branches.
fn twin(stage: &Stage, of: &std::path::Path) -> PathBuf {
    let twin = stage.home.path().join("twin.git");
    std::fs::create_dir_all(&twin).expect("made");
    copied(of, &twin);
    twin
}

/// What the journal says is left, and nothing else is.
async fn says(engine: &Engine) -> String {
    let left = engine.left_behind().await.expect("readable");
    assert_eq!(left.len(), 1, "{left:?}");
    left[0].says.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_whose_approval_was_taken_away_is_not_touched() {
    let Some(stage) = in_repositories().await else { return };
    with_own_policy(&stage);
    approve(&stage, &[&production(&stage)]);
    let new = ["promote", "payments", "--to", "production", "--yes"];
    let out = pindeck(&stage, true, &new).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    crate::support::git_world::hook(&production(&stage).join("hooks"), "update", "exit 1");
    let back = ["revert", "payments", "--env", "production", "--yes"];
    let out = pindeck(&stage, true, &back).await;
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    std::fs::remove_file(production(&stage).join("hooks/update")).expect("gone");
    let before = both_heads(&stage);
    // The person thinks better of it, and the clone is gone.
    approve(&stage, &[]);
    let clones = stage.home.path().join("program-cache/repositories");
    std::fs::remove_dir_all(&clones).expect("there");
    for args in [["resume", "--json"].as_slice(), &["resume", "--yes", "--json"]] {
        let out = pindeck(&stage, true, args).await;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(out.status.code(), Some(1), "{said}");
        let document: Value = serde_json::from_str(&said).expect("a document");
        let one = &document["entries"][0];
        assert_eq!(
            (&one["action"], &one["pushed"]),
            (&Value::from("failed"), &Value::Null),
            "{one}"
        );
        assert_eq!(one["committed"], true, "it is here, and nobody looked: {one}");
        let says = one["says"].as_str().expect("words");
        assert!(says.contains("the hold is pushed, the pin perhaps"), "{says}");
        assert!(
            says.contains("is not read before you approve it") && says.contains("approved_repositories"),
            "{says}"
        );
        assert!(
            one["next"]
                .as_str()
                .is_some_and(|next| next.contains("approved_repositories")),
            "{one}"
        );
        assert!(!clones.exists(), "nothing was cloned");
    }
    assert_eq!(both_heads(&stage), before);
    approve(&stage, &[&production(&stage)]);
    let out = pindeck(&stage, true, &["resume", "--yes"]).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(at_production(&stage, ["rev-parse", "main^"]), before.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_leads_elsewhere_is_another_place() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    let twin = twin(&stage, &stage.remote);
    let head = stage.head();
    lead(&stage, &stage.clone, &twin);
    let moved = execute(&engine, proposal).await.expect_err("another place");
    assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
    assert!(moved.what().raw().contains("leads to another address"), "{moved:?}");
    let at_twin = git(stage.home.path(), ["-C", path(&twin), "rev-parse", "main"]);
    assert_eq!((at_twin.trim_end(), stage.head()), (head.as_str(), head.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_does_not_go_to_another_address() {
    for is_apart in [true, false] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let stage = &world.stage;
        let twin = twin(stage, &stage.remote);
        let at_twin = || git(stage.home.path(), ["-C", path(&twin), "for-each-ref"]);
        let before = (both(&world), at_twin());
        // Nothing landed, and then only the hold did.
        crash(stage, &world.old.to_string(), WriteStep::Pushing, JournalMoment::After);
        lead(stage, &stage.clone, &twin);
        let engine = stage.engine();
        let said = says(&engine).await;
        assert!(said.contains("leads to another address than when"), "{said}");
        // Of the pin alone the other remote can tell.
        assert_eq!(said.contains(", not pushed"), is_apart, "{said}");
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        let moved = resume(&engine, &id).await.expect_err("another place");
        assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
        assert_eq!((both(&world), at_twin()), before);
        let seen = engine.left_behind().await.expect("readable").remove(0).seen();
        assert!(seen.ask.is_none(), "it is not offered: {seen:?}");
        lead(stage, &stage.clone, &stage.remote);
        resume(&stage.engine(), &id).await.expect("finished");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{is_apart}");
    }
}

/// The same where the other repository is a clone in which somebody works.
#[tokio::test(flavor = "multi_thread")]
async fn the_remote_of_somebodys_clone_is_compared_too() {
    let Some(stage) = in_repositories().await else { return };
    let theirs = stage.home.path().join("at-production");
    git(
        stage.home.path(),
        ["clone", "-q", path(&production(&stage)), path(&theirs)],
    );
    for (key, value) in [("user.name", "Bea"), ("user.email", "bea@example.com")] {
        git(stage.home.path(), ["-C", path(&theirs), "config", key, value]);
    }
    stage.edit_policy(|text| text.replace("../production.git", "../at-production"));
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    let (twin, before) = (twin(&stage, &production(&stage)), both_heads(&stage));
    lead(&stage, &theirs, &twin);
    let moved = execute(&engine, proposal).await.expect_err("another place");
    assert!(
        moved.what().raw().contains("at-production leads to another address"),
        "{moved:?}"
    );
    assert_eq!(both_heads(&stage), before);
    assert_eq!(
        git(stage.home.path(), ["-C", path(&twin), "rev-parse", "main"]).trim_end(),
        before.1
    );
}

/// Takes out of the note of the journal what an earlier pindeck did not write.
fn as_before(stage: &Stage) {
    let journal = stage.clone.join(".git/pindeck/journal");
    let notes = std::fs::read_dir(journal)
        .expect("a journal")
        .flatten()
        .map(|one| one.path());
    let note = notes
        .into_iter()
        .find(|one| one.extension().is_some_and(|ext| ext == "json"));
    let note = note.expect("a note");
    let mut entry: Value = serde_json::from_slice(&std::fs::read(&note).expect("readable")).expect("a note");
    for field in ["holds_on", "remote_at"] {
        assert!(
            entry.as_object_mut().expect("fields").remove(field).is_some(),
            "{field}"
        );
    }
    std::fs::write(note, entry.to_string()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_pindeck_left_is_dropped_and_says_why() {
    for hold_landed in [false, true] {
        let Some(world) = Half::start(true).await else { return };
        let stage = &world.stage;
        let engine = stage.engine();
        match hold_landed {
            true => {
                half_done(&world, &engine).await;
            }
            false => crash(
                stage,
                &world.old.to_string(),
                WriteStep::Committed,
                JournalMoment::After,
            ),
        }
        as_before(stage);
        let before = both(&world);
        let said = says(&engine).await;
        for words in [
            "an earlier pindeck began this write",
            "pindeck resume --drop",
            "plan it again",
        ] {
            assert!(said.contains(words), "{said}");
        }
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        let refused = resume(&engine, &id).await.expect_err("nobody knows");
        match hold_landed {
            true => assert_half(&refused),
            false => assert_eq!(refused.kind(), FailureKind::Conflict, "{refused:?}"),
        }
        assert_eq!(both(&world), before);
        engine.forget_left(&id).expect("dropped");
        let again = revert("payments", "production", Some(world.old));
        write(&engine, again).await.expect("planned again");
        assert_eq!((world.pinned(), world.holds()), (world.old, 1), "{hold_landed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_hold_still_stands_is_looked_up() {
    let ends_it = "still stands: `pindeck hold release payments --env production";
    for (is_apart, ended, words) in [
        (true, Some(false), ends_it),
        (false, Some(false), ends_it),
        (true, Some(true), "has ended"),
        (true, None, "may still stand"),
    ] {
        let Some(world) = Half::start(is_apart).await else {
            return;
        };
        let stage = &world.stage;
        let engine = stage.engine();
        let first = revert("payments", "production", Some(world.old));
        write(&engine, first).await.expect("reverted");
        let undo = format!("releasing {}", world.new);
        crash(stage, &undo, WriteStep::Pushed, JournalMoment::After);
        assert_eq!((world.pinned(), world.holds()), (world.new, 1));
        if ended == Some(true) {
            let target = payments();
            let release = Request::new(Ask::ReleaseHold { target });
            write(&engine, release).await.expect("released");
        }
        let away = stage.home.path().join("away.git");
        if ended.is_none() {
            std::fs::rename(&stage.remote, &away).expect("moved");
        }
        let id = engine.left_behind().await.expect("readable").remove(0).id;
        let done = resume(&stage.engine(), &id).await.expect("it landed");
        let notes: Vec<&str> = done.notes.iter().map(|note| note.raw()).collect();
        assert!(
            notes.len() == 1 && notes[0].contains(words),
            "{ended:?} {is_apart}: {notes:?}"
        );
        if ended.is_none() {
            std::fs::rename(&away, &stage.remote).expect("back");
        }
        assert_eq!(world.holds(), usize::from(ended != Some(true)), "nothing was pushed");
    }
}
