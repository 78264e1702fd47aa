//! A hold that waits in a proposal of its own, and what becomes of it before its pin is proposed.

use pindeck::domain::failure::FailureKind;
use pindeck::domain::write::WriteState;
use pindeck::engine::Engine;

use super::two_pushes::{Half, resume};
use super::two_pushes_kept::half_done;
use crate::support::repositories::at_production;
use crate::support::stage::Stage;

/// A revert whose hold is proposed and whose pin is not: the engine, the id, and the commit of the hold.
async fn hold_proposed() -> Option<(Half, Engine, String, String)> {
    let world = Half::start(true).await?;
    world.stage.configure("production", "write = \"branch\"");
    let engine = world.stage.engine();
    let id = half_done(&world, &engine).await;
    let refs = ["for-each-ref", "--format=%(objectname)", "refs/heads/pindeck"];
    let hold = world.stage.at_remote(refs);
    Some((world, engine, id, hold))
}

/// Somebody commits this tree on `main` of the policy's repository.
fn on_main(stage: &Stage, tree: &str) {
    let (name, mail) = ("user.name=Them", "user.email=them@example.test");
    let commit = [
        "-c",
        name,
        "-c",
        mail,
        "commit-tree",
        "-p",
        "main",
        "-m",
        "theirs",
        tree,
    ];
    let commit = stage.at_remote(commit);
    stage.at_remote(["update-ref", "refs/heads/main", &commit]);
}

async fn assert_not_proposed(world: &Half, engine: &Engine, id: &str, words: &str) {
    let refused = resume(engine, id).await.expect_err(words);
    assert!(refused.what().raw().contains(words), "{refused:?}");
    assert_eq!(refused.kind(), FailureKind::Failed, "the hold was pushed: {refused:?}");
    let proposed = at_production(&world.stage, ["for-each-ref", "refs/heads/pindeck"]);
    assert!(proposed.is_empty(), "{proposed}");
    assert_eq!(engine.left_behind().await.expect("readable").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_not_proposed_once_its_hold_was_merged_and_ended() {
    // As the commit that it is, and as one of another name.
    for is_squashed in [false, true] {
        let Some((world, engine, id, hold)) = hold_proposed().await else {
            return;
        };
        let stage = &world.stage;
        let before = stage.at_remote(["rev-parse", "main^{tree}"]);
        match is_squashed {
            false => {
                stage.at_remote(["update-ref", "refs/heads/main", &hold]);
            }
            true => on_main(stage, &format!("{hold}^{{tree}}")),
        }
        assert_eq!(world.holds(), 1);
        on_main(stage, &before);
        assert_not_proposed(&world, &engine, &id, "has ended since").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_not_proposed_once_the_proposal_of_its_hold_is_gone() {
    let Some((world, engine, id, hold)) = hold_proposed().await else {
        return;
    };
    let stage = &world.stage;
    // The forge remembers it; nobody merged it.
    stage.at_remote(["update-ref", "refs/pull/1/head", &hold]);
    let branch = stage.at_remote(["for-each-ref", "--format=%(refname)", "refs/heads/pindeck"]);
    stage.at_remote(["update-ref", "-d", &branch]);
    assert_not_proposed(&world, &engine, &id, "is gone, and was not merged").await;
    // While it waits, other changes of the holds are nobody's end of it.
    stage.at_remote(["update-ref", &branch, &hold]);
    let done = resume(&engine, &id).await.expect("proposed");
    assert_eq!(done.state, WriteState::Proposed);
}
