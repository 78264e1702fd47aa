//! Attacks on the price of looking: whoever may push must not make a status expensive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pindeck::domain::Digest;
use pindeck::domain::evidence::CauseKind;
use pindeck::domain::verdict::Outcome;
use pindeck::engine::statement_room::StatementBytes;
use pindeck::sources::registry::{Options, Registry};

use super::presence::{production, serve};
use crate::support::fake::{Fake, IMAGE, INDEX, Ways, index_text};
use crate::support::server::{Reply, Server};
use crate::support::signed_world::{API, Clone, Key};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "three-thousand-children",
        tries: "an index of 3,000 platform manifests makes a status send thousands of requests",
        attempt: || on_a_runtime(three_thousand_children()),
    },
    Attack {
        name: "one-blob-fifty-layers",
        tries: "fifty layers that name one large blob have it fetched and kept fifty times",
        attempt: || on_a_runtime(one_blob_fifty_layers()),
    },
    Attack {
        name: "statements-of-a-pass",
        tries: "large statements of several digests are all kept in memory until the end of a status",
        attempt: statements_in_a_process_of_their_own,
    },
    Attack {
        name: "annotations-times-layers",
        tries: "the annotations of one manifest are copied for each of its thousands of layers",
        attempt: || on_a_runtime(annotations_times_layers()),
    },
    Attack {
        name: "compressed-answer",
        tries: "a small compressed answer that nobody asked for fills the memory",
        attempt: || on_a_runtime(compressed_answer()),
    },
];

async fn three_thousand_children() {
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let list: Vec<String> = (0..3_000u32)
        .map(|n| {
            let digest = Digest::of(&n.to_be_bytes());
            format!(r#"{{"mediaType":"{IMAGE}","digest":"{digest}","size":500}}"#)
        })
        .collect();
    let index = fake.manifest(API, INDEX, index_text(&list));
    fake.tag(API, "keep", index);
    key.sign(&fake, API, index);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), index)], "");
    let board = clone.engine("cache").board().await.expect("a status");
    let requests = server.total();
    println!("an index of 3,000 platform manifests: {requests} requests");
    assert!(requests <= 16, "{requests} requests");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    let verdicts: Vec<_> = cells
        .filter_map(|cell| cell.assessment.fresh()?.verdict.clone())
        .collect();
    assert_eq!(verdicts[0].result, Outcome::Rejected);
    assert_eq!(verdicts[0].causes[0].cause, CauseKind::Unsupported);
    let words = verdicts[0].causes[0].detail.clean().to_string();
    assert!(words.contains("128 platform manifests"), "{words}");
}

async fn one_blob_fifty_layers() {
    const SIZE: usize = 8 << 20;
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let image = fake.image(API, "linux", None);
    key.sign(&fake, API, image);
    let blob = fake.blob(API, vec![b'x'; SIZE]);
    let config = fake.blob(API, "{}");
    let layer = format!(r#"{{"mediaType":"application/vnd.dsse.envelope.v1+json","digest":"{blob}","size":{SIZE}}}"#);
    let layers = vec![layer; 50].join(",");
    let subject = fake.descriptor(API, image);
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"a/b","digest":"{config}","size":2}},"layers":[{layers}],"subject":{subject}}}"#
    );
    fake.manifest(API, IMAGE, text);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), image)], "");
    let before = peak_memory();
    let board = clone.engine("cache").board().await.expect("a status");
    println!(
        "50 layers of one blob of {} MiB: {} MiB more at the peak",
        SIZE >> 20,
        (peak_memory() - before) >> 10
    );
    let blobs = server
        .seen()
        .iter()
        .filter(|seen| seen.path.ends_with(&blob.to_string()))
        .count();
    assert_eq!(blobs, 1);
    // And what anybody may attach rejects no good image.
    assert_eq!(production(&board).0, Some(Outcome::Verified));
}

/// What the process that counts is told.
const ALONE: &str = "PINDECK_TEST_STATEMENTS";

/// The bytes are those of a whole process, and other attacks run beside this one.
fn statements_in_a_process_of_their_own() {
    let me = std::env::current_exe().expect("this program");
    let out = std::process::Command::new(me)
        .args(["--exact", "attacks::presence_costs::statements_alone", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let told = said.lines().find(|line| line.contains("statements of"));
    println!("{}", told.expect(&said));
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
}

/// The process that counts. Among other tests it does nothing.
#[test]
fn statements_alone() {
    if std::env::var(ALONE).is_ok() {
        on_a_runtime(statements_of_a_pass());
    }
}

async fn statements_of_a_pass() {
    const SIZE: usize = 18 << 20;
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let names = ["one", "two", "three", "four", "five"];
    let images = names.map(|name| fake.image(API, name, None));
    for image in images {
        // Signed, and so large that not all of them are kept: those that are read again verify all the same.
        let signature = key.padded_signature(&fake, API, image, SIZE);
        fake.tag(API, &format!("sha256-{}.sig", image.hex()), signature);
    }
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let pins: Vec<(&str, &str, Digest)> = names
        .iter()
        .zip(images)
        .map(|(name, image)| (*name, host.as_str(), image))
        .collect();
    let clone = Clone::new(&key, &pins, "");
    let before = StatementBytes::now();
    assert_eq!((before.kept, before.held), (0, 0));
    let board = clone.engine("cache").board().await.expect("a status");
    let after = StatementBytes::now();
    println!(
        "5 statements of {} MiB: at most {} MiB kept, {} MiB held at once",
        SIZE >> 20,
        after.most_kept >> 20,
        after.most_held >> 20
    );
    // Three of the five fit into the 64 MiB that are kept; at most 64 MiB more are in use at once.
    let kept = after.most_kept as usize;
    assert!(
        (3 * SIZE..4 * SIZE).contains(&kept) && kept - 3 * SIZE < 1 << 10,
        "{kept} bytes"
    );
    assert!(after.most_held <= 128 << 20, "{} bytes", after.most_held);
    assert_eq!((after.kept, after.held), (0, 0), "given back with the pass");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    let verdicts = cells.map(|cell| {
        cell.assessment
            .fresh()
            .and_then(|it| it.verdict.as_ref())
            .map(|v| v.result)
    });
    assert_eq!(verdicts.collect::<Vec<_>>(), vec![Some(Outcome::Verified); names.len()]);
}

async fn annotations_times_layers() {
    let (key, fake) = (Key::new(), Fake::new(Ways::default()));
    let image = fake.image(API, "linux", None);
    key.sign(&fake, API, image);
    let blob = fake.blob(API, "{}");
    let layer = format!(r#"{{"mediaType":"application/vnd.dsse.envelope.v1+json","digest":"{blob}","size":2}}"#);
    let layers = vec![layer; 9_000].join(",");
    let (subject, note) = (fake.descriptor(API, image), "x".repeat(2 << 20));
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"a/b","digest":"{blob}","size":2}},"layers":[{layers}],"subject":{subject},"annotations":{{"a":"{note}"}}}}"#
    );
    fake.manifest(API, IMAGE, text);
    let server = serve(&fake).await;
    let host = server.address.to_string();
    let clone = Clone::new(&key, &[("production", host.as_str(), image)], "");
    let before = peak_memory();
    let board = clone.engine("cache").board().await.expect("a status");
    let more = (peak_memory() - before) >> 10;
    println!("9,000 layers and 2 MiB of annotations: {more} MiB more at the peak");
    assert!(more < 1_024, "{more} MiB");
    assert_eq!(production(&board).0, Some(Outcome::Verified));
}

/// The largest resident memory of this process so far, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

async fn compressed_answer() {
    let asked = Arc::new(AtomicBool::new(false));
    let seen_plain = Arc::clone(&asked);
    let server = Server::start(move |seen| {
        let plain = seen.headers.get("accept-encoding").is_some_and(|e| e == "identity");
        seen_plain.store(plain, Ordering::SeqCst);
        Reply::new(200, vec![0x1f, 0x8b, 8, 0]).with("Content-Encoding", "gzip")
    })
    .await;
    let registry = Registry::new(Options::default()).expect("valid options");
    let error = registry
        .manifest(&server.repository(API), &Digest::of(b"x"))
        .await
        .expect_err("not what was asked for");
    // Neither corrupt nor absent: nobody has seen the bytes.
    assert_eq!(error.cause(), CauseKind::Unreachable);
    assert!(error.to_string().contains("gzip"), "{error}");
    assert!(asked.load(Ordering::SeqCst), "plain bytes were not asked for");
}
