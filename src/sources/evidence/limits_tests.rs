//! What one digest's evidence may cost, at most.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::domain::evidence::EvidenceState;
use crate::domain::id::Digest;
use crate::domain::policy::SignerRule;

fn item(content: impl Into<Bytes>) -> Item {
    let content = content.into();
    Item {
        attached_to: Digest::of(b"an image"),
        manifest: Digest::of(b"a manifest"),
        digest: Digest::of(&content),
        media_type: "application/vnd.in-toto+json".to_owned(),
        annotations: BTreeMap::new(),
        carrier: Carrier::Referrer,
        content: Ok(content.into()),
    }
}

fn ask(items: &[Item]) -> Vec<Evidence> {
    let (trust, signer) = (Trust::default(), SignerRule::default());
    let question = Question {
        subject: Digest::of(b"an image"),
        also_known_as: &[],
        via: None,
        manifest_bytes: None,
        service: None,
        signer: &signer,
        service_signer: None,
        trust: &trust,
        keep_content: false,
    };
    check_all(items, &question)
}

fn beyond(evidence: &Evidence, limit: &str) {
    assert_eq!(
        (evidence.state, evidence.cause, evidence.unread),
        (EvidenceState::Unsupported, Some(CauseKind::Unsupported), true)
    );
    let detail = evidence.detail.as_ref().map_or("", |detail| detail.raw());
    assert!(detail.contains(limit), "{detail}");
}

#[test]
fn a_layer_of_a_million_lines_costs_one_entry() {
    let found = ask(&[item("{}\n".repeat(1_000_000))]);
    assert_eq!(found.len(), 1);
    beyond(&found[0], "more than 256 statements are in one layer");
    assert_eq!(ask(&[item("{}\n".repeat(256))]).len(), 256);
}

#[test]
fn items_statements_and_bytes_of_one_digest_are_limited() {
    let many: Vec<Item> = (0..600).map(|n| item(format!("{{\"n\":{n}}}"))).collect();
    let found = ask(&many);
    assert_eq!(found.len(), 600, "each of them is named");
    assert_eq!(found[511].state, EvidenceState::Unsigned);
    beyond(&found[512], "more than 512 items are attached");

    let layers: Vec<Item> = (0..5).map(|_| item("{}\n".repeat(250))).collect();
    let found = ask(&layers);
    assert_eq!(found.len(), 4 * 250 + 1);
    beyond(&found[1000], "more than 1024 statements are attached");

    let compressed: Vec<Item> = (0..9).map(|_| item(&b"BZh9 and no more"[..])).collect();
    let found = ask(&compressed);
    assert_eq!(found[7].cause, Some(CauseKind::Malformed));
    beyond(&found[8], "more than 8 compressed documents are attached");

    let megabytes = format!("{{\"text\":\"{}\"}}", "x".repeat(60 << 20));
    let large: Vec<Item> = std::iter::repeat_n(item(megabytes), 5).collect();
    let found = ask(&large);
    assert_eq!(found[3].state, EvidenceState::Unsigned);
    beyond(&found[4], "more than 256 MiB are attached");
}

#[test]
fn statements_of_one_layer_have_ids_of_their_own() {
    let found = ask(&[item("{\"a\":1}\n{\"b\":2}\nno json\n")]);
    let ids: std::collections::BTreeSet<_> = found.iter().map(Evidence::id).collect();
    assert_eq!((found.len(), ids.len()), (3, 3));
    let digest = found[0].digest;
    assert_eq!(found[1].id().to_string(), format!("{digest}#1"));
    assert_eq!(
        ask(&[item("{\"a\":1}")])[0].id().to_string(),
        Digest::of(b"{\"a\":1}").to_string()
    );
}
