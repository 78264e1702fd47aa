//! Signatures by keys, in every layout and with every kind of key.

use aws_lc_rs::signature as algorithms;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pindeck::domain::evidence::{CauseKind, CheckName, CheckState, EvidenceKind};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::LogRule;
use serde_json::json;

use crate::support::ask::{Ask, by_keys, fails, holds, state};
use crate::support::forge::*;

const COSIGN: &str = "cosign container image signature";

fn subject() -> Digest {
    Digest::of(b"an image")
}

fn kinds() -> Vec<(&'static str, Pair)> {
    vec![
        ("P-256", Pair::p256()),
        ("P-384", Pair::ecdsa(&algorithms::ECDSA_P384_SHA384_ASN1_SIGNING)),
        ("P-521", Pair::ecdsa(&algorithms::ECDSA_P521_SHA512_ASN1_SIGNING)),
        (
            "P-521, plain",
            Pair::ecdsa(&algorithms::ECDSA_P521_SHA512_FIXED_SIGNING),
        ),
        (
            "P-256, plain",
            Pair::ecdsa(&algorithms::ECDSA_P256_SHA256_FIXED_SIGNING),
        ),
        ("Ed25519", Pair::ed25519()),
        ("RSA PKCS#1", Pair::rsa(&algorithms::RSA_PKCS1_SHA256)),
        ("RSA PSS", Pair::rsa(&algorithms::RSA_PSS_SHA256)),
    ]
}

#[test]
fn every_kind_of_key_in_every_layout() {
    for (name, pair) in kinds() {
        let ask = Ask::new(by_keys(&[(name, pair.pem())]), subject());
        holds(
            &ask.one(&signed(&pair, subject(), PROVENANCE, provenance())),
            EvidenceKind::Provenance,
        );
        let payload = statement(subject(), TEST_RESULT, test_result("PASSED"));
        let layer = att(subject(), &envelope(&pair, &payload, &payload), TEST_RESULT);
        holds(&ask.one(&layer), EvidenceKind::TestResult);
        let payload = simple(subject(), COSIGN);
        holds(
            &ask.one(&sig(subject(), &payload, &pair.sign(&payload))),
            EvidenceKind::Signature,
        );
        // Another key of the same kind, and a byte changed.
        let mut broken = pair.sign(&payload);
        broken[20] ^= 1;
        fails(
            &ask.one(&sig(subject(), &payload, &broken)),
            CauseKind::OtherSigner,
            None,
        );
    }
}

#[test]
fn a_hint_tells_a_broken_signature_from_a_strangers() {
    let (ours, theirs) = (Pair::p256(), Pair::p256());
    let ask = Ask::new(by_keys(&[("release.pub", ours.pem())]), subject());
    let good = statement(subject(), TEST_RESULT, test_result("FAILED"));
    let changed = statement(subject(), TEST_RESULT, test_result("PASSED"));
    let tampered = envelope(&ours, &changed, &good);
    let check = Some(CheckName::Signature);
    fails(
        &ask.one(&bundle_item(subject(), &bundle(&ours.hint(), &tampered))),
        CauseKind::BadSignature,
        check,
    );
    for hint in ["", "somebody", &theirs.hint()] {
        let item = bundle_item(subject(), &bundle(hint, &tampered));
        fails(&ask.one(&item), CauseKind::OtherSigner, Some(CheckName::Identity));
    }
    let strangers = envelope(&theirs, &good, &good);
    let item = bundle_item(subject(), &bundle(&theirs.hint(), &strangers));
    let said = ask.one(&item);
    fails(&said, CauseKind::OtherSigner, Some(CheckName::Identity));
    assert_eq!(
        said.kind,
        EvidenceKind::TestResult,
        "it is still named from its payload"
    );
    // A stranger who borrows our hint signs badly; a hint makes nothing pass.
    let item = bundle_item(subject(), &bundle(&ours.hint(), &strangers));
    fails(&ask.one(&item), CauseKind::BadSignature, check);
    // Ours under a wrong hint is ours.
    let fine = envelope(&ours, &good, &good);
    holds(
        &ask.one(&bundle_item(subject(), &bundle(&theirs.hint(), &fine))),
        EvidenceKind::TestResult,
    );
}

#[test]
fn a_key_without_a_log_counts_only_where_the_profile_says_so() {
    let pair = Pair::p256();
    let mut profile = by_keys(&[("release.pub", pair.pem())]);
    profile.root = Some(pindeck::domain::policy::TrustRoot::PublicGood);
    for (rule, check) in [
        (LogRule::Required, CheckName::LogPromise),
        (LogRule::InclusionProof, CheckName::InclusionProof),
    ] {
        profile.transparency_log = rule;
        let ask = Ask::new(profile.clone(), subject());
        let payload = simple(subject(), COSIGN);
        let item = sig(subject(), &payload, &pair.sign(&payload));
        fails(&ask.one(&item), CauseKind::BadSignature, Some(check));
        let item = signed(&pair, subject(), PROVENANCE, provenance());
        let said = ask.one(&item);
        fails(&said, CauseKind::BadSignature, Some(check));
        assert_eq!(
            state(&said, CheckName::Signature),
            CheckState::Passed,
            "each check is on its own"
        );
    }
}

#[test]
fn a_message_signature_is_over_the_manifest() {
    let manifest = b"{\"the\": \"manifest\"}".to_vec();
    let digest = Digest::of(&manifest);
    let message = |pair: &Pair, declared: Option<Digest>| {
        let mut signature = json!({ "signature": STANDARD.encode(pair.sign(&manifest)) });
        if let Some(digest) = declared {
            signature["messageDigest"] =
                json!({ "algorithm": "SHA2_256", "digest": STANDARD.encode(digest.as_bytes()) });
        }
        bundle_item(
            digest,
            &json!({
                "mediaType": BUNDLE,
                "verificationMaterial": { "publicKey": { "hint": pair.hint() } },
                "messageSignature": signature,
            }),
        )
    };
    for pair in [
        Pair::p256(),
        Pair::ed25519(),
        Pair::ecdsa(&algorithms::ECDSA_P384_SHA384_ASN1_SIGNING),
    ] {
        for declared in [None, Some(digest)] {
            let mut ask = Ask::new(by_keys(&[("k", pair.pem())]), digest);
            ask.bytes = Some(manifest.clone());
            let said = ask.one(&message(&pair, declared));
            holds(&said, EvidenceKind::Signature);
            assert_eq!(said.subjects, [digest]);
        }
    }
    // P-256 needs only the digest; Ed25519 signs the bytes themselves.
    let (p256, ed25519) = (Pair::p256(), Pair::ed25519());
    let ask = Ask::new(by_keys(&[("k", p256.pem())]), digest);
    holds(&ask.one(&message(&p256, None)), EvidenceKind::Signature);
    let ask = Ask::new(by_keys(&[("k", ed25519.pem())]), digest);
    fails(
        &ask.one(&message(&ed25519, None)),
        CauseKind::Unsupported,
        Some(CheckName::Signature),
    );
    // About other content: proven first, then refused for what it is about.
    let other = Digest::of(b"another image");
    let mut ask = Ask::new(by_keys(&[("k", p256.pem())]), other);
    let said = ask.one(&message(&p256, Some(digest)));
    fails(&said, CauseKind::WrongSubject, Some(CheckName::Subject));
    assert_eq!(said.subjects, [digest]);
    // A digest that is declared and was not signed.
    ask.subject = other;
    fails(
        &ask.one(&message(&p256, Some(other))),
        CauseKind::BadSignature,
        Some(CheckName::Signature),
    );
}

#[test]
fn key_files_of_other_kinds_are_refused_when_they_are_read() {
    use pindeck::sources::evidence::{Trust, TrustError};
    use std::collections::BTreeMap;
    let pair = Pair::p256();
    let certificate = pem("CERTIFICATE", &pair.der());
    for broken in [
        certificate,
        pem("PUBLIC KEY", b"no key"),
        pair.pem().replace("-----END", "-----FIN"),
        "nothing".to_owned(),
    ] {
        let profile = by_keys(&[("k", broken)]);
        let refused = Trust::new(&BTreeMap::from([("test".to_owned(), profile)]));
        assert!(matches!(refused, Err(TrustError::Key { .. })), "{refused:?}");
    }
}
