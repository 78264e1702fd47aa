//! Bytes that nobody meant: nothing panics, and nothing that was changed is believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pindeck::domain::evidence::{EvidenceKind, EvidenceState};
use pindeck::domain::id::Digest;
use pindeck::sources::evidence::{Carrier, Item, predicate};
use proptest::prelude::*;

use crate::support::ask::{Ask, by_keys};
use crate::support::evidence_cases::{cases, corpus, item};
use crate::support::forge::*;

pub fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("base64")
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

const CARRIERS: [(&str, Carrier); 5] = [
    (BUNDLE, Carrier::Referrer),
    ("application/vnd.dsse.envelope.v1+json", Carrier::CosignAttTag),
    (
        "application/vnd.dev.cosign.simplesigning.v1+json",
        Carrier::CosignSigTag,
    ),
    ("application/vnd.in-toto+json", Carrier::Referrer),
    ("text/spdx+json", Carrier::SbomTag),
];

/// A small generator: which bytes change is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(3) {
        if bytes.is_empty() {
            return;
        }
        let at = dice.roll(bytes.len());
        match dice.roll(5) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes[at] = b"{}[]\",:0 \\"[dice.roll(10)],
            2 => bytes.truncate(at),
            3 => {
                let to = (at + 1 + dice.roll(40)).min(bytes.len());
                bytes.drain(at..to);
            }
            _ => {
                let to = (at + 1 + dice.roll(40)).min(bytes.len());
                let copy = bytes[at..to].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

#[test]
fn changed_evidence_of_the_corpus_never_panics() {
    let folder = corpus();
    let mut dice = Dice(7);
    let mut runs = 0;
    for case in cases(&folder) {
        if !matches!(
            case.kind.as_str(),
            "bundle-dsse" | "bundle-msgsig" | "statement" | "sbom"
        ) {
            continue;
        }
        let bytes = case.evidence_bytes();
        if bytes.len() > 60_000 {
            continue;
        }
        let Ok(asked) = case.ask(Some(&bytes)) else { continue };
        for _ in 0..4 {
            let mut changed = bytes.clone();
            mutate(&mut changed, &mut dice);
            let (media_type, carrier) = CARRIERS[dice.roll(CARRIERS.len())];
            let _ = predicate::list(&changed);
            let said = case.check(&asked, &[item(asked.subject, media_type, carrier, changed)]);
            for evidence in &said.evidence {
                assert_eq!(evidence.checks.len(), 10);
                assert_eq!(
                    evidence.state == EvidenceState::Verified,
                    evidence.cause.is_none() && evidence.state != EvidenceState::Unsigned
                );
            }
            runs += 1;
        }
    }
    println!("{runs} changed items checked");
}

#[test]
fn no_single_changed_byte_of_a_payload_or_signature_passes() {
    let pair = Pair::p256();
    let subject = Digest::of(b"an image");
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject);
    let payload = statement(subject, TEST_RESULT, test_result("PASSED"));
    let good = envelope(&pair, &payload, &payload);
    let signature = decode(good["signatures"][0]["sig"].as_str().expect("text"));
    for at in 0..payload.len() {
        let mut changed = payload.clone();
        changed[at] ^= 0x01;
        let mut forged = good.clone();
        forged["payload"] = encode(&changed).into();
        let said = ask.one(&bundle_item(subject, &bundle(&pair.hint(), &forged)));
        assert_ne!(said.state, EvidenceState::Verified, "byte {at}");
    }
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 0x01;
        let mut forged = good.clone();
        forged["signatures"][0]["sig"] = encode(&changed).into();
        let said = ask.one(&bundle_item(subject, &bundle(&pair.hint(), &forged)));
        assert_ne!(said.state, EvidenceState::Verified, "byte {at} of the signature");
    }
}

#[test]
fn depth_and_size_cost_an_error() {
    let ask = Ask::new(by_keys(&[("k", Pair::p256().pem())]), Digest::of(b"x"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":{}}}"#,
        r#"[{"components":"#.repeat(50_000)
    );
    let xml = format!(
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\">{}",
        "<a>".repeat(100_000)
    );
    for text in [deep, nested, xml] {
        for (media_type, carrier) in CARRIERS {
            for said in ask.of(&item(ask.subject, media_type, carrier, text.clone().into_bytes())) {
                assert_ne!(said.state, EvidenceState::Verified);
                assert_ne!(said.kind, EvidenceKind::Provenance);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0usize..5) {
        let ask = Ask::new(by_keys(&[]), Digest::of(b"x"));
        let (media_type, carrier) = CARRIERS[which];
        let item: Item = item(ask.subject, media_type, carrier, bytes.clone());
        for said in ask.of(&item) {
            prop_assert_ne!(said.state, EvidenceState::Verified);
        }
        let _ = predicate::list(&bytes);
    }
}
