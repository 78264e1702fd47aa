//! Attacks on a write: to have something pinned that nobody confirmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::Digest;
use pindeck::engine::{Engine, OpenOptions};

use crate::support::own_registry::{FROM, PAYMENTS, TO, stage, wanted};
use crate::support::stage::{Stage, promote, write};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[Attack {
    name: "tag-moved-during-promotion",
    tries: "a registry moves the release tag to other content at one of the requests of a promotion",
    attempt: || on_a_runtime(tag_moved_during_promotion()),
}];

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
