//! An environment with a registry of its own: content and evidence first, judged where they arrived, and
//! only then the pin.

use std::sync::Arc;

use pindeck::domain::Digest;
use pindeck::domain::failure::Failure;
use pindeck::domain::plan::GateName;
use pindeck::domain::write::{Progress, WriteFailure, WriteState};
use tokio::sync::{mpsc, watch};

use crate::support::fake::Fake;
use crate::support::own_registry::{FROM, PAYMENTS, TO, stage, wanted};
use crate::support::server::{Reply, Seen};
use crate::support::stage::{promote, write};

/// Whether a request sets the release tag at the destination.
fn sets_tag(seen: &Seen) -> bool {
    seen.method == "PUT" && seen.path.contains("/prod/payments/manifests/1.4.0")
}

#[tokio::test(flavor = "multi_thread")]
async fn content_and_evidence_arrive_before_the_pin_changes() {
    let Some(stage) = stage().await else { return };
    let digest = wanted(&stage);
    let plan = stage
        .engine()
        .plan(promote(&["payments"], "production"))
        .await
        .expect("a plan");
    assert_eq!(plan.plans[0].copies.len(), 1);
    assert!(
        stage.places[TO].fake.content().get("prod/payments").is_none(),
        "planning writes nothing"
    );
    let done = write(&stage.engine(), promote(&["payments"], "production"))
        .await
        .expect("promoted");
    assert_eq!(done.state, WriteState::Pushed);
    assert!(
        done.missing_at_destination.is_empty(),
        "{:?}",
        done.missing_at_destination
    );
    assert!(done.copied.evidence > 0 && done.copied.blobs > 0, "{:?}", done.copied);
    let (source, destination) = (stage.places[FROM].fake.content(), stage.places[TO].fake.content());
    let (from, to) = (&source["shop/payments"], &destination["prod/payments"]);
    assert_eq!(to.manifests[&digest].1, from.manifests[&digest].1, "the same bytes");
    assert_eq!(to.tags["1.4.0"], digest);
    assert!(stage.file(PAYMENTS).contains(&digest.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_is_deleted_between_copy_and_pin_stops_the_pin() {
    let Some(stage) = stage().await else { return };
    let (digest, head) = (wanted(&stage), stage.head());
    stage.places[TO].meddle(move |seen, fake| {
        let reply = sets_tag(seen).then(|| fake.answer(seen))?;
        // Everything is there now; then the listing of the evidence goes.
        let mut content = fake.content();
        let here = content.get_mut("prod/payments")?;
        here.tags.retain(|tag, _| !tag.contains(&digest.hex()));
        Some(reply)
    });
    let failure = write(&stage.engine(), promote(&["payments"], "production"))
        .await
        .expect_err("refused");
    let WriteFailure::Refused(proposal, _) = &failure else {
        panic!("{failure:?}")
    };
    assert_eq!(proposal.plans[0].closed_gate().map(|g| g.gate), Some(GateName::Verdict));
    assert_eq!(stage.head(), head, "nothing was pushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_piece_of_evidence_tampered_with_between_copy_and_pin_stops_the_pin() {
    let Some(stage) = stage().await else { return };
    let head = stage.head();
    stage.places[TO].meddle(|seen, fake| {
        let reply = sets_tag(seen).then(|| fake.answer(seen))?;
        let mut content = fake.content();
        let here = content.get_mut("prod/payments")?;
        for bytes in here.blobs.values_mut().filter(|bytes| is_statement(bytes)) {
            let last = bytes.len() - 2;
            bytes[last] = b' ';
        }
        Some(reply)
    });
    let failure = write(&stage.engine(), promote(&["payments"], "production"))
        .await
        .expect_err("refused");
    assert!(matches!(failure, WriteFailure::Refused(..)), "{failure:?}");
    assert_eq!(stage.head(), head, "nothing was pushed");
}

fn is_statement(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("dsseEnvelope") || text.contains("payloadType")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_copy_leaves_no_tag_and_no_commit() {
    let Some(stage) = stage().await else { return };
    let head = stage.head();
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    let (stop, cancel) = watch::channel(false);
    let stop = Arc::new(stop);
    let pull = Arc::clone(&stop);
    stage.places[TO].meddle(move |seen: &Seen, _: &Fake| {
        if seen.method == "PUT" {
            let _ = pull.send(true);
        }
        None
    });
    let (tx, mut rx) = mpsc::channel::<Progress>(64);
    let failure = engine.execute(proposal, tx, cancel).await.expect_err("cancelled");
    assert_eq!(failure, WriteFailure::from(Failure::interrupted()));
    while let Some(step) = rx.recv().await {
        assert!(!matches!(step, Progress::Committing | Progress::Pushing), "{step:?}");
    }
    assert_eq!(stage.head(), head);
    let content = stage.places[TO].fake.content();
    assert!(content.get("prod/payments").is_none_or(|here| here.tags.is_empty()));
}

/// What a proxy in front of the destination may do to an answer of it.
type Mangling = (&'static str, fn(&Seen, &Fake) -> Option<Reply>);

/// The honest answer with another body.
fn with_body(seen: &Seen, fake: &Fake, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Option<Reply> {
    match fake.answer(seen) {
        Reply::Full { status, headers, body } if status < 300 => Some(Reply::Full {
            status,
            headers,
            body: change(body),
        }),
        honest => Some(honest),
    }
}

const MANGLINGS: [Mangling; 9] = [
    ("manifests get a byte more", |seen, fake| {
        (seen.method == "GET" && seen.path.contains("/manifests/"))
            .then(|| with_body(seen, fake, |body| [body, b" ".to_vec()].concat()))?
    }),
    ("manifests are cut", |seen, fake| {
        (seen.method == "GET" && seen.path.contains("/manifests/"))
            .then(|| with_body(seen, fake, |body| body[..body.len() / 2].to_vec()))?
    }),
    ("blobs get other bytes", |seen, fake| {
        let is_blob = seen.path.contains("/blobs/sha256:");
        (seen.method == "GET" && is_blob).then(|| with_body(seen, fake, |body| vec![b'x'; body.len()]))?
    }),
    ("blobs are a login page", |seen, _| {
        let is_blob = seen.path.contains("/blobs/sha256:");
        (seen.method == "GET" && is_blob)
            .then(|| Reply::new(200, "<html>log in</html>").with("Content-Type", "text/html"))
    }),
    ("every manifest is another one", |seen, fake| {
        let other = fake
            .content()
            .values()
            .find_map(|one| one.manifests.values().next().cloned());
        let (media_type, bytes) = other?;
        (seen.method == "GET" && seen.path.contains("/manifests/sha256:"))
            .then(|| Reply::new(200, bytes).with("Content-Type", &media_type))
    }),
    ("digests in headers are another's", |seen, fake| {
        let Reply::Full {
            status,
            mut headers,
            body,
        } = fake.answer(seen)
        else {
            return None;
        };
        headers.retain(|(name, _)| name != "Docker-Content-Digest");
        let other = format!("sha256:{}", "0".repeat(64));
        seen.path
            .contains("/manifests/")
            .then(|| Reply::Full { status, headers, body }.with("Docker-Content-Digest", other))
    }),
    ("uploads go to another host", |seen, _| {
        (seen.method == "POST").then(|| Reply::new(202, "").with("Location", "http://127.0.0.1:1/v2/x/blobs/uploads/y"))
    }),
    ("uploads go nowhere", |seen, _| {
        (seen.method == "POST").then(|| Reply::new(202, ""))
    }),
    ("uploads go to another scheme", |seen, _| {
        (seen.method == "POST").then(|| Reply::new(202, "").with("Location", "file:///etc/passwd"))
    }),
];

/// Whatever a proxy makes of the answers of the destination: either all that is pinned is there, or nothing is pinned.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_mangles_answers_pins_nothing_that_is_not_there() {
    for (name, mangle) in MANGLINGS {
        let Some(stage) = stage().await else { return };
        let (digest, head) = (wanted(&stage), stage.head());
        stage.places[TO].meddle(mangle);
        let done = write(&stage.engine(), promote(&["payments"], "production")).await;
        println!("{name}: {}", if done.is_ok() { "promoted" } else { "refused" });
        let content = stage.places[TO].fake.content();
        let there = content.get("prod/payments");
        if stage.head() == head {
            assert!(done.is_err(), "{name}: {done:?}");
            // A release tag comes last of what is copied: what it names is there, though the proxy hides it.
            if there.is_none_or(|one| one.tags.get("1.4.0") != Some(&digest)) {
                continue;
            }
        } else {
            assert!(stage.file(PAYMENTS).contains(&digest.to_string()), "{name}");
        }
        let (_, bytes) = &there.expect("copied").manifests[&digest];
        assert_eq!(Digest::of(bytes), digest, "{name}");
        for blob in there.expect("copied").blobs.iter() {
            assert_eq!(Digest::of(blob.1), *blob.0, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_fails_now_and_then_is_asked_again() {
    let Some(stage) = stage().await else { return };
    let mut count = 0usize;
    stage.places[TO].meddle(move |seen, _| {
        count += 1;
        // Each question once: which tries meet in time is chance, and three in a row would be a failure that lasts.
        let fails = count.is_multiple_of(5) && seen.nth == 1;
        fails.then(|| Reply::new(503, ""))
    });
    let done = write(&stage.engine(), promote(&["payments"], "production"))
        .await
        .expect("promoted");
    assert_eq!(done.state, WriteState::Pushed);
    assert_eq!(
        stage.places[TO].fake.content()["prod/payments"].tags["1.4.0"],
        wanted(&stage)
    );
}
