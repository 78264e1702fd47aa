//! `kill -9` just before and just after every step of a write is written down: no half a pin, no lost
//! commit, and finishing completes it, once.

use pindeck::domain::failure::FailureKind;
use pindeck::domain::recovery::WriteStep;
use pindeck::engine::journal::JournalMoment;
use pindeck::engine::{Engine, OpenOptions};
use tokio::sync::{mpsc, watch};

use crate::support::own_registry::{PAYMENTS, TO, stage, wanted};
use crate::support::stage::{Stage, path, promote, revert, write};

/// What the child process is told.
const AT: &str = "PINDECK_TEST_CRASH_AT";
const DIR: &str = "PINDECK_TEST_CRASH_DIR";
const POLICY: &str = "PINDECK_TEST_CRASH_POLICY";
const VERB: &str = "PINDECK_TEST_CRASH_VERB";

/// The child: promotes, reverts or resumes, and is killed at the step it was told. Alone, it does nothing.
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
    let options = OpenOptions {
        dir: std::env::var(DIR).expect("a folder").into(),
        config: Some(std::env::var(POLICY).expect("a file").into()),
        ..OpenOptions::default()
    };
    let engine = Engine::open_observed(options, std::sync::Arc::new(observer)).expect("a repository");
    let verb = std::env::var(VERB).expect("a verb");
    let done = match verb.strip_prefix("resume ") {
        Some(id) => Ok(resume(&engine, id).await),
        None if verb == "revert" => write(&engine, revert("payments", "production", None)).await,
        None => write(&engine, promote(&["payments"], "production")).await,
    };
    panic!("it lived: {done:?}");
}

/// The steps of a write that is one push.
fn steps() -> impl Iterator<Item = WriteStep> {
    WriteStep::ALL.into_iter().filter(|step| *step != WriteStep::HoldPushed)
}

/// Promotes in a child process that is killed at this step.
fn crash(stage: &Stage, step: WriteStep, moment: JournalMoment) {
    crash_in(stage, "promote", step, moment);
}

/// The same for another verb.
fn crash_in(stage: &Stage, verb: &str, step: WriteStep, moment: JournalMoment) {
    let me = std::env::current_exe().expect("this program");
    let out = std::process::Command::new(me)
        .args(["--exact", "release::crash::child", "--nocapture"])
        .env(AT, format!("{}:{moment:?}", step.as_str()))
        .env(DIR, path(&stage.clone))
        .env(POLICY, path(&stage.policy))
        .env(VERB, verb)
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), None, "killed at {step:?} {moment:?}: {said}");
}

async fn resume(engine: &Engine, id: &str) -> pindeck::domain::write::Receipt {
    let (tx, mut rx) = mpsc::channel(64);
    let (_stop, cancel) = watch::channel(false);
    let drain = tokio::spawn(async move { while rx.recv().await.is_some() {} });
    let done = engine.resume(id, tx, cancel).await.expect("finished");
    drain.await.unwrap();
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_can_be_the_last_and_is_finished_afterwards() {
    for step in steps() {
        for moment in [JournalMoment::Before, JournalMoment::After] {
            let Some(stage) = stage().await else { return };
            let (digest, head) = (wanted(&stage), stage.head());
            crash(&stage, step, moment);

            // Nothing or everything: one commit at most, and content before the pin.
            let now = stage.head();
            if now != head {
                assert_eq!(stage.at_remote(["rev-parse", "main^"]), head, "{step:?} {moment:?}");
                assert_eq!(stage.places[TO].fake.content()["prod/payments"].tags["1.4.0"], digest);
            }
            let engine = stage.engine();
            let left = engine.left_behind().await.expect("readable");
            let expected = match (step, moment) {
                (WriteStep::Planned, JournalMoment::Before) | (WriteStep::Done, JournalMoment::After) => 0,
                _ => 1,
            };
            assert_eq!(left.len(), expected, "{step:?} {moment:?}: {left:?}");
            for one in left {
                let status = one.status.expect("nobody is at it");
                let words = status.says();
                assert_eq!(words.ends_with(", pushed"), now != head, "{step:?} {moment:?}: {words}");
                let done = resume(&engine, &one.id).await;
                assert!(done.commits.contains(&stage.head()), "{step:?} {moment:?}: {done:?}");
                assert!(engine.left_behind().await.expect("readable").is_empty());
                // Finishing twice is harmless.
                assert!(engine.forget_left(&one.id).is_err());
            }
            if expected == 1 {
                assert!(
                    stage.file(PAYMENTS).contains(&digest.to_string()),
                    "{step:?} {moment:?}"
                );
                assert_eq!(
                    stage.at_remote(["rev-parse", "main^"]),
                    head,
                    "one commit, {step:?} {moment:?}"
                );
            }
        }
    }
}

/// A revert and the hold that it makes are one commit: whenever it is killed, both are there or neither is.
#[tokio::test(flavor = "multi_thread")]
async fn a_revert_killed_at_any_step_takes_the_digest_out_and_holds_it_or_does_nothing() {
    // A revert copies nothing.
    let is_taken = |step: &WriteStep| !matches!(step, WriteStep::Copying | WriteStep::Copied);
    for step in steps().filter(is_taken) {
        for moment in [JournalMoment::Before, JournalMoment::After] {
            let Some(stage) = Stage::start().await else { return };
            let (before, head) = (stage.file(PAYMENTS), stage.head());
            let bad = before[before.find("sha256:").expect("a digest")..][..71].to_owned();
            crash_in(&stage, "revert", step, moment);
            let whole = |what: &str| {
                let holds = stage.at_remote(["ls-tree", "--name-only", "main", "pindeck-holds.toml"]);
                let is_held = !holds.is_empty() && stage.file("pindeck-holds.toml").contains(&bad);
                let is_out = !stage.file(PAYMENTS).contains(&bad);
                assert_eq!(
                    (is_held, is_out),
                    (stage.head() != head, stage.head() != head),
                    "{what}"
                );
            };
            whole(&format!("{step:?} {moment:?}"));
            let engine = stage.engine();
            let left = engine.left_behind().await.expect("readable");
            for one in &left {
                resume(&engine, &one.id).await;
                assert!(engine.left_behind().await.expect("readable").is_empty());
            }
            whole(&format!("{step:?} {moment:?}, resumed"));
            if !left.is_empty() {
                assert_eq!(
                    stage.at_remote(["rev-parse", "main^"]),
                    head,
                    "one commit, {step:?} {moment:?}"
                );
                assert_eq!(stage.file("pindeck-holds.toml").matches(&bad).count(), 1);
            }
        }
    }
}

/// Finishing may be killed, too, as often as one likes: the next one finishes.
#[tokio::test(flavor = "multi_thread")]
async fn a_resume_killed_at_any_step_is_finished_by_the_next() {
    for step in steps() {
        for moment in [JournalMoment::Before, JournalMoment::After] {
            let Some(stage) = stage().await else { return };
            let (digest, head) = (wanted(&stage), stage.head());
            crash(&stage, WriteStep::Copying, JournalMoment::After);
            let engine = stage.engine();
            let id = engine.left_behind().await.expect("readable").remove(0).id;
            // What was reached before is not written down again, so such a step kills nobody.
            if step <= WriteStep::Copying {
                continue;
            }
            crash_in(&stage, &format!("resume {id}"), step, moment);
            let left = engine.left_behind().await.expect("readable");
            for one in left {
                assert_eq!(one.id, id, "it is the same write");
                resume(&engine, &one.id).await;
            }
            assert!(
                engine.left_behind().await.expect("readable").is_empty(),
                "{step:?} {moment:?}"
            );
            assert!(
                stage.file(PAYMENTS).contains(&digest.to_string()),
                "{step:?} {moment:?}"
            );
            assert_eq!(
                stage.at_remote(["rev-parse", "main^"]),
                head,
                "one commit, {step:?} {moment:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_remote_has_is_no_failure_when_the_journal_breaks_afterwards() {
    let Some(stage) = Stage::start().await else { return };
    let journal = stage.clone.join(".git/pindeck/journal");
    let observer = move |step: WriteStep, moment: JournalMoment| {
        if (step, moment) == (WriteStep::Pushed, JournalMoment::Before) {
            std::fs::remove_dir_all(&journal).expect("there to be broken");
        }
    };
    let options = OpenOptions {
        dir: stage.clone.clone(),
        config: Some(stage.policy.clone()),
        ..OpenOptions::default()
    };
    let engine = Engine::open_observed(options, std::sync::Arc::new(observer)).expect("a repository");
    let done = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("it landed");
    assert_eq!(done.commits, [stage.head()]);
    let words: Vec<&str> = done.remote_words.iter().map(|w| w.raw()).collect();
    assert!(words.iter().any(|w| w.contains("journal")), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_under_another_policy_is_not_finished() {
    let Some(stage) = stage().await else { return };
    let head = stage.head();
    crash(&stage, WriteStep::Copied, JournalMoment::After);
    stage.edit_policy(|text| text.replace("[policies.release]\n", "[policies.release]\nsoak = \"1s\"\n"));
    let engine = stage.engine();
    let left = engine.left_behind().await.expect("readable");
    let (tx, _rx) = mpsc::channel(64);
    let (_stop, cancel) = watch::channel(false);
    let said = engine.resume(&left[0].id, tx, cancel).await.expect_err("moved");
    assert_eq!(said.kind(), FailureKind::Conflict, "{said:?}");
    assert!(said.what().raw().contains("policy"), "{said:?}");
    assert_eq!(stage.head(), head);
    assert_eq!(engine.left_behind().await.expect("readable").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_landed_is_finished_though_the_policy_cannot_be_read_any_more() {
    let Some(stage) = stage().await else { return };
    crash(&stage, WriteStep::Pushed, JournalMoment::Before);
    let landed = stage.head();
    stage.edit_policy(|_| "this is no policy".to_owned());
    for place in stage.places.values() {
        place.meddle(|_, _| Some(crate::support::server::Reply::new(503, "")));
    }
    let engine = stage.engine();
    let left = engine.left_behind().await.expect("readable").remove(0);
    assert!(left.says.ends_with(", pushed"), "{}", left.says);
    let done = resume(&engine, &left.id).await;
    assert_eq!(done.commits, [landed]);
    assert!(engine.left_behind().await.expect("readable").is_empty());
}
