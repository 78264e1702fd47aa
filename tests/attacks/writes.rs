//! Attacks on a write: to have something pinned that nobody confirmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::id::Target;
use pindeck::domain::write::{Ask, Request};
use pindeck::engine::{Engine, OpenOptions};

use crate::support::own_registry::{FROM, PAYMENTS, TO, stage, wanted};
use crate::support::stage::{Stage, execute, promote, revert, write};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "tag-moved-during-promotion",
        tries: "a registry moves the release tag to other content at one of the requests of a promotion",
        attempt: || on_a_runtime(tag_moved_during_promotion()),
    },
    Attack {
        name: "hold-released-unseen",
        tries: "a hold that came after the plan ends together with the one that was shown",
        attempt: || on_a_runtime(hold_released_unseen()),
    },
    Attack {
        name: "revert-without-the-hold-it-showed",
        tries: "commits after the plan make a revert leave out the hold that was shown",
        attempt: || on_a_runtime(revert_without_the_hold_it_showed()),
    },
];

/// `pindeck-holds.toml` with holds of payments in production.
fn held(digests: &[Digest]) -> String {
    let each = digests.iter().map(|digest| {
        format!("\n[[hold]]\nservice = \"payments\"\nenvironment = \"production\"\ndigest = \"{digest}\"\nreason = \"it leaks\"\n")
    });
    format!("version = 1\n{}", each.collect::<String>())
}

async fn hold_released_unseen() {
    let Some(stage) = Stage::start().await else { return };
    let (shown, worse) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    stage.somebody_changes("pindeck-holds.toml", |_| held(&[shown]));
    let engine = stage.engine();
    let target = Target::new("payments", "production");
    let proposal = engine.plan(Request::new(Ask::ReleaseHold { target })).await;
    let proposal = proposal.expect("a plan");
    stage.somebody_changes("pindeck-holds.toml", |_| held(&[shown, worse]));
    let head = stage.head();
    let ended = execute(&engine, proposal).await;
    assert_eq!(stage.head(), head, "{ended:?}");
    let failure = ended.expect_err("what was confirmed is not what would be written");
    assert_eq!(failure.kind(), FailureKind::Conflict);
    assert!(stage.file("pindeck-holds.toml").contains(&worse.to_string()));
}

async fn revert_without_the_hold_it_showed() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let proposal = engine
        .plan(revert("payments", "production", None))
        .await
        .expect("a plan");
    let plan = &proposal.plans[0];
    let (bad, good) = (plan.from.expect("pinned by digest"), plan.to);
    assert!(
        plan.edits.iter().any(|edit| edit.file == "pindeck-holds.toml"),
        "{plan:?}"
    );
    // Back and forth again: what is pinned is the same, and the newest commit calls itself a revert.
    let file = plan.edits.iter().find(|edit| edit.file != "pindeck-holds.toml");
    let file = file.expect("the pin's file").file.clone();
    let put = |from: Digest, to: Digest, message: &str| {
        stage.somebody_commits(&file, message, |text| text.replace(&from.to_string(), &to.to_string()));
    };
    put(bad, good, "back");
    let back = stage.head();
    put(good, bad, &format!("Revert \"back\"\n\nThis reverts commit {back}.\n"));
    let head = stage.head();
    let ended = execute(&engine, proposal).await;
    match ended {
        Ok(_) => {
            let holds = stage.file("pindeck-holds.toml");
            assert!(
                holds.contains(&bad.to_string()),
                "the hold that was shown is not there:\n{holds}"
            );
        }
        Err(failure) => {
            assert_eq!(failure.kind(), FailureKind::Conflict);
            assert_eq!(stage.head(), head);
        }
    }
}

/// An engine without a cache, so that every run asks the same requests.
fn engine(stage: &Stage) -> Engine {
    let options = OpenOptions {
        dir: stage.clone.clone(),
        config: Some(stage.policy.clone()),
        ..OpenOptions::default()
    };
    Engine::open(options).expect("a repository")
}

/// Moves every tag of the source but those of evidence at the request of this number; counts the requests.
fn move_tags_at(stage: &Stage, at: Option<usize>, to: Digest) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    stage.places[FROM].meddle(move |_, fake| {
        if Some(counted.fetch_add(1, Ordering::SeqCst)) == at {
            let mut content = fake.content();
            let tags = &mut content.get_mut("shop/payments").expect("payments").tags;
            let releases = tags.iter_mut().filter(|(tag, _)| !tag.starts_with("sha256-"));
            releases.for_each(|(_, digest)| *digest = to);
        }
        None
    });
    count
}

async fn tag_moved_during_promotion() {
    let Some(stage) = stage().await else { return };
    let (digest, head) = (wanted(&stage), stage.head());
    let source = stage.places[FROM].fake.content().clone();
    let destination = stage.places[TO].fake.content().clone();
    let other = *source["shop/payments"]
        .tags
        .values()
        .find(|other| **other != digest)
        .expect("another release");
    let count = move_tags_at(&stage, None, other);
    write(&engine(&stage), promote(&["payments"], "production"))
        .await
        .expect("promoted while nobody attacks");
    for at in 0..count.load(Ordering::SeqCst) {
        *stage.places[FROM].fake.content() = source.clone();
        *stage.places[TO].fake.content() = destination.clone();
        stage.at_remote(["update-ref", "refs/heads/main", head.as_str()]);
        move_tags_at(&stage, Some(at), other);
        let ended = write(&engine(&stage), promote(&["payments"], "production")).await;
        let pinned = stage.file(PAYMENTS);
        assert!(
            stage.head() == head || pinned.contains(&digest.to_string()),
            "request {at}: {ended:?} pinned something else:\n{pinned}"
        );
        let content = stage.places[TO].fake.content();
        let tagged = content.get("prod/payments").and_then(|here| here.tags.get("1.4.0"));
        assert!(
            tagged.is_none_or(|tagged| *tagged == digest),
            "request {at}: {tagged:?}"
        );
    }
}
