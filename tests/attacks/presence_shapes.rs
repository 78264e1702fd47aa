//! Attacks on presence by the shape of an index: in an index there may be indexes, or nothing at all.

use pindeck::domain::Digest;
use pindeck::domain::evidence::CauseKind;
use pindeck::domain::verdict::{CheckOf, Outcome, Verdict};

use super::presence::serve;
use crate::support::fake::{Fake, INDEX, Ways, index_text};
use crate::support::signed_world::{API, Clone, Key};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "empty-index",
        tries: "a signed index that lists nothing, or nothing but attestations, is verified",
        attempt: || on_a_runtime(empty_index()),
    },
    Attack {
        name: "nested-index",
        tries: "an image is hidden in an index within an index, so that nobody asks whether it is there",
        attempt: || on_a_runtime(nested_index()),
    },
];

/// The verdict of a signed digest that production pins.
async fn verdict(fake: &Fake, key: &Key, pinned: Digest) -> Verdict {
    fake.tag(API, "keep", fake.image(API, "another", None));
    key.sign(fake, API, pinned);
    let server = serve(fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(key, &[("production", host.as_str(), pinned)], "");
    let board = clone.engine("cache").board().await.expect("a status");
    let mut cells = board.services.iter().flat_map(|row| &row.cells);
    cells.next().expect("a pin").verdict().expect("judged").clone()
}

/// The verdict is a refusal by the check of the image itself, about this part of it.
fn must_be(found: &Verdict, cause: CauseKind, part: Option<Digest>, words: &str, how: &str) {
    assert_eq!(found.result, Outcome::Rejected, "{how}");
    let [only] = found.causes.as_slice() else {
        panic!("{how}: {:?}", found.causes);
    };
    assert_eq!((only.check, only.cause), (CheckOf::Digest, cause), "{how}: {only:?}");
    assert!(part.is_none() || only.subject == part, "{how}: {only:?}");
    assert!(only.detail.raw().contains(words), "{how}: {only:?}");
}

fn forget(fake: &Fake, digest: Digest) {
    let mut content = fake.content();
    content.get_mut(API).expect("the repository").manifests.remove(&digest);
}

async fn empty_index() {
    let key = Key::new();
    let words = "lists no platform manifest";
    for shape in ["nothing", "attestation", "within"] {
        let fake = Fake::new(Ways::default());
        let list = match shape {
            "attestation" => {
                let of = fake.descriptor(API, fake.image(API, "statements", None));
                let marked = r#","annotations":{"vnd.docker.reference.type":"attestation-manifest"}}"#;
                vec![format!("{}{marked}", of.strip_suffix('}').expect("a descriptor"))]
            }
            _ => Vec::new(),
        };
        let mut index = fake.manifest(API, INDEX, index_text(&list));
        if shape == "within" {
            index = fake.index(API, &[index]);
        }
        must_be(
            &verdict(&fake, &key, index).await,
            CauseKind::Absent,
            None,
            words,
            shape,
        );
    }
}

async fn nested_index() {
    let key = Key::new();
    // Everything is there: the same image as without the outer index.
    for depth in 1..=3 {
        let fake = Fake::new(Ways::default());
        let image = fake.image(API, "linux", None);
        let mut levels = vec![image];
        for _ in 0..depth {
            let inner = *levels.last().expect("a level");
            levels.push(fake.index(API, &[inner]));
        }
        let pinned = levels.pop().expect("the outermost");
        assert_eq!(verdict(&fake, &key, pinned).await.result, Outcome::Verified, "{depth}");
        // Any level below that is gone makes it impossible to pull.
        for lost in levels {
            let fake = {
                let copy = Fake::new(Ways::default());
                *copy.content() = fake.content().clone();
                copy
            };
            forget(&fake, lost);
            let found = verdict(&fake, &key, pinned).await;
            must_be(
                &found,
                CauseKind::Absent,
                Some(lost),
                "no longer has",
                &format!("{depth} {lost}"),
            );
        }
    }
    // Nobody builds indexes this deep; whoever does is not followed, and not believed.
    let fake = Fake::new(Ways::default());
    let mut pinned = fake.image(API, "linux", None);
    for _ in 0..6 {
        pinned = fake.index(API, &[pinned]);
    }
    let found = verdict(&fake, &key, pinned).await;
    must_be(&found, CauseKind::Unsupported, None, "deeper than", "six levels");
}
