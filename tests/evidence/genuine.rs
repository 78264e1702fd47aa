//! Genuine evidence of the shared corpus, hung elsewhere, rewritten or taken apart. Each test skips
//! loudly without the corpus.

use pindeck::domain::evidence::{CauseKind, CheckName, CheckState, EvidenceKind, LogEvidence};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{LogRule, SignatureFormat, TimeRule};
use pindeck::sources::evidence::{Item, ItemContent};
use serde_json::{Value, json};

use crate::support::ask::{fails, holds, state};
use crate::support::evidence_cases::corpus;
use crate::support::genuine::{as_item, bundle, layout};

const REKOR: &str = "dev.sigstore.cosign/bundle";

/// The layer again, with other bytes (and so another name).
fn with_content(layer: &Item, bytes: Vec<u8>) -> Item {
    Item {
        digest: Digest::of(&bytes),
        content: Ok(ItemContent::Kept(bytes.into())),
        ..layer.clone()
    }
}

fn text(layer: &Item) -> String {
    let Ok(ItemContent::Kept(bytes)) = &layer.content else {
        panic!("no content");
    };
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn a_genuine_keyless_signature_on_another_image() {
    let Some((mut ask, items)) = layout("containers-image/fulcio-rekor") else {
        return;
    };
    let genuine = &items[0];
    let said = ask.one(genuine);
    holds(&said, EvidenceKind::Signature);
    assert_eq!(said.log, LogEvidence::Set);
    let (mine, other) = (ask.subject, Digest::of(b"another image"));
    ask.subject = other;
    let said = ask.one(genuine);
    fails(&said, CauseKind::WrongSubject, Some(CheckName::Subject));
    assert_eq!(said.subjects, [mine]);
    // The payload rewritten for the other image, under the genuine annotations.
    let rewritten = text(genuine).replace(&mine.hex(), &other.hex());
    let said = ask.one(&with_content(genuine, rewritten.into_bytes()));
    fails(&said, CauseKind::BadSignature, None);
}

#[test]
fn genuine_keyless_attestations_on_another_image() {
    for id in [
        "slsa-verifier/container/v2.1.0/valid",
        "slsa-verifier/container/v1.4.0/valid",
    ] {
        let Some((mut ask, items)) = layout(id) else { return };
        let genuine = &items[0];
        holds(&ask.one(genuine), EvidenceKind::Provenance);
        let (mine, other) = (ask.subject, Digest::of(b"another image"));
        ask.subject = other;
        let said = ask.one(genuine);
        fails(&said, CauseKind::WrongSubject, Some(CheckName::Subject));
        assert!(said.subjects.contains(&mine), "{id}");
        // The payload rewritten for the other image, under the genuine signature and annotations.
        let mut envelope: Value = serde_json::from_str(&text(genuine)).expect("an envelope");
        let payload = super::hostile::decode(envelope["payload"].as_str().expect("text"));
        let payload = String::from_utf8(payload)
            .expect("text")
            .replace(&mine.hex(), &other.hex());
        envelope["payload"] = super::hostile::encode(payload.as_bytes()).into();
        let said = ask.one(&with_content(genuine, envelope.to_string().into_bytes()));
        fails(&said, CauseKind::BadSignature, None);
    }
}

#[test]
fn a_log_entry_of_another_signature() {
    let (Some((sig, sigs)), Some((att, atts)), Some((_, others))) = (
        layout("containers-image/fulcio-rekor"),
        layout("slsa-verifier/container/v2.1.0/valid"),
        layout("slsa-verifier/container/v1.10.0/valid"),
    ) else {
        return;
    };
    let (Some((_, keyed)), Some((old, olds))) = (
        layout("containers-image/key-rekor"),
        layout("slsa-verifier/container/v1.4.0/valid"),
    ) else {
        return;
    };
    let swap = |layer: &Item, from: &Item| {
        let mut swapped = layer.clone();
        swapped
            .annotations
            .insert(REKOR.to_owned(), from.annotations[REKOR].clone());
        swapped
    };
    // The same kind of entry, and one of another kind.
    for said in [
        sig.one(&swap(&sigs[0], &keyed[0])),
        att.one(&swap(&atts[0], &others[0])),
        old.one(&swap(&olds[0], &others[0])),
    ] {
        assert!(
            matches!(said.cause, Some(CauseKind::BadSignature)),
            "{:?} {:?}",
            said.cause,
            said.detail
        );
    }
    let said = sig.one(&swap(&sigs[0], &atts[0]));
    assert!(said.cause.is_some());
    let said = att.one(&swap(&atts[0], &olds[0]));
    assert!(said.cause.is_some(), "{said:?}");
}

#[test]
fn an_old_intoto_entry_is_bound_to_its_envelope() {
    let Some((ask, items)) = layout("slsa-verifier/container/v1.4.0/valid") else {
        return;
    };
    let genuine = &items[0];
    let said = ask.one(genuine);
    holds(&said, EvidenceKind::Provenance);
    for check in [
        CheckName::Chain,
        CheckName::Sct,
        CheckName::LogPromise,
        CheckName::Timestamp,
    ] {
        assert_eq!(state(&said, check), CheckState::Passed, "{check:?}");
    }
    // The same envelope in other bytes is not what was logged.
    let said = ask.one(&with_content(genuine, format!("{} ", text(genuine)).into_bytes()));
    fails(&said, CauseKind::BadSignature, Some(CheckName::LogPromise));
    // A promise that was never signed.
    let mut forged = genuine.clone();
    let mut rekor: Value = serde_json::from_str(&forged.annotations[REKOR]).expect("JSON");
    rekor["Payload"]["integratedTime"] = json!(rekor["Payload"]["integratedTime"].as_i64().expect("a time") + 1);
    forged.annotations.insert(REKOR.to_owned(), rekor.to_string());
    fails(&ask.one(&forged), CauseKind::BadSignature, Some(CheckName::LogPromise));
}

#[test]
fn a_bundle_rewritten_to_an_older_format_without_its_proof() {
    for id in [
        "conformance/happy-path-v0.3",
        "conformance/happy-path-intoto-in-dsse-v3",
    ] {
        let Some((mut ask, genuine)) = bundle(id) else { return };
        ask.profile.transparency_log = LogRule::InclusionProof;
        let said = ask.one(&as_item(&ask, &genuine));
        assert_eq!(
            (said.cause, said.log),
            (None, LogEvidence::InclusionProof),
            "{id}: {:?}",
            said.detail
        );
        let mut rewritten = genuine.clone();
        rewritten["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
        let entry = &mut rewritten["verificationMaterial"]["tlogEntries"][0];
        entry.as_object_mut().expect("an entry").remove("inclusionProof");
        let certificate = rewritten["verificationMaterial"]["certificate"].take();
        if !certificate.is_null() {
            let material = rewritten["verificationMaterial"].as_object_mut().expect("material");
            material.remove("certificate");
            material.insert(
                "x509CertificateChain".to_owned(),
                json!({ "certificates": [certificate] }),
            );
        }
        let item = as_item(&ask, &rewritten);
        fails(
            &ask.one(&item),
            CauseKind::BadSignature,
            Some(CheckName::InclusionProof),
        );
        // Where only the log's word is asked for, that word is still genuine.
        ask.profile.transparency_log = LogRule::Required;
        let said = ask.one(&item);
        assert_eq!(
            (said.cause, said.log),
            (None, LogEvidence::Set),
            "{id}: {:?}",
            said.detail
        );
        assert_eq!(state(&said, CheckName::InclusionProof), CheckState::NotPresent);
        // A gate that looks for the other way of storing, or for another type exactly, does not find it.
        ask.profile.signature_format = Some(SignatureFormat::Legacy);
        let refused = ask.one(&item);
        fails(&refused, CauseKind::PolicyFailed, Some(CheckName::Signature));
        ask.profile.signature_format = Some(SignatureFormat::Bundle);
        if let Some(found) = &said.predicate_type {
            ask.profile.predicate_types = vec!["https://example.com/another".to_owned()];
            let refused = ask.one(&item);
            fails(&refused, CauseKind::WrongPredicate, Some(CheckName::Predicate));
            ask.profile.predicate_types.push(found.raw().to_owned());
        }
        assert_eq!(ask.one(&item).cause, None, "{id}");
        ask.profile.demands.bundle_version = Some((0, 3));
        fails(&ask.one(&item), CauseKind::Unsupported, None);
    }
}

#[test]
fn an_expired_certificate_needs_a_time_at_which_it_was_valid() {
    let Some((mut ask, items)) = layout("containers-image/fulcio-rekor") else {
        return;
    };
    let mut timeless = items[0].clone();
    timeless.annotations.remove(REKOR);
    for rule in [LogRule::Required, LogRule::InclusionProof, LogRule::NotRequired] {
        ask.profile.transparency_log = rule;
        fails(&ask.one(&timeless), CauseKind::BadSignature, None);
    }
    ask.profile.transparency_log = LogRule::Required;
    ask.profile.timestamp = TimeRule::Rfc3161;
    fails(&ask.one(&items[0]), CauseKind::BadSignature, Some(CheckName::Timestamp));
    ask.profile.timestamp = TimeRule::Rekor;
    holds(&ask.one(&items[0]), EvidenceKind::Signature);
}

#[test]
fn a_certificate_is_its_owners_and_nobody_elses() {
    use pindeck::domain::policy::Match;
    let Some((mut ask, items)) = layout("containers-image/fulcio-rekor") else {
        return;
    };
    let genuine = &items[0];
    let exact = ask.profile.identities[0].clone();
    for (san, issuer, check) in [
        (
            Match::Exact("mitr@redhat.co".to_owned()),
            exact.issuer.clone(),
            CheckName::Identity,
        ),
        // Anchored at both ends, whatever the pattern says.
        (
            Match::Regex("mitr@redhat".to_owned()),
            exact.issuer.clone(),
            CheckName::Identity,
        ),
        (
            Match::Regex("redhat.com".to_owned()),
            exact.issuer.clone(),
            CheckName::Identity,
        ),
        (
            Match::Regex("mitr|x".to_owned()),
            exact.issuer.clone(),
            CheckName::Identity,
        ),
        (
            Match::Exact("{service}@redhat.com".to_owned()),
            exact.issuer.clone(),
            CheckName::Identity,
        ),
        (
            exact.san.clone(),
            Some(Match::Exact("https://github.com".to_owned())),
            CheckName::Issuer,
        ),
        (exact.san.clone(), None, CheckName::Issuer),
    ] {
        ask.profile.identities[0].san = san;
        ask.profile.identities[0].issuer = issuer;
        let said = ask.one(genuine);
        fails(&said, CauseKind::OtherSigner, Some(check));
        assert_eq!(state(&said, CheckName::Chain), CheckState::Passed);
    }
    ask.profile.identities[0] = exact;
    ask.profile.identities[0].san = Match::Exact("{service}@redhat.com".to_owned());
    ask.service = Some("mitr");
    holds(&ask.one(genuine), EvidenceKind::Signature);
    ask.profile.identities[0].san = Match::Regex("(mitr|x)@red.+".to_owned());
    holds(&ask.one(genuine), EvidenceKind::Signature);
    ask.profile.identities[0]
        .claims
        .insert("source_ref".to_owned(), "refs/heads/main".to_owned());
    fails(&ask.one(genuine), CauseKind::OtherSigner, Some(CheckName::Identity));
}

#[test]
fn an_unknown_log_or_authority_is_unsupported() {
    let Some((mut ask, items)) = layout("containers-image/fulcio-rekor") else {
        return;
    };
    let folder = corpus();
    for root in ["github", "staging"] {
        let json = std::fs::read_to_string(folder.join(format!("trusted-roots/{root}.json"))).expect("a root");
        ask.profile.root = Some(pindeck::domain::policy::TrustRoot::File {
            name: root.to_owned(),
            json,
        });
        fails(&ask.one(&items[0]), CauseKind::Unsupported, None);
    }
    ask.profile.root = Some(pindeck::domain::policy::TrustRoot::PublicGood);
    holds(&ask.one(&items[0]), EvidenceKind::Signature);
}

#[test]
fn a_dsse_entry_is_bound_by_hand_where_the_verifier_cannot_read_the_statement() {
    let (Some((ask, genuine)), Some((_, other))) = (
        bundle("carabiner/public-good"),
        bundle("conformance/happy-path-intoto-in-dsse-v3"),
    ) else {
        return;
    };
    let said = ask.one(&as_item(&ask, &genuine));
    holds(&said, EvidenceKind::Other);
    assert_eq!(said.log, LogEvidence::InclusionProof);
    // A genuine entry of somebody else's signature.
    let mut swapped = genuine.clone();
    swapped["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    fails(&ask.one(&as_item(&ask, &swapped)), CauseKind::BadSignature, None);
    // Somebody else's envelope under the genuine entry.
    let mut swapped = genuine.clone();
    swapped["dsseEnvelope"] = other["dsseEnvelope"].clone();
    fails(&ask.one(&as_item(&ask, &swapped)), CauseKind::BadSignature, None);
    // Another payload under the genuine signature and entry.
    let mut changed = genuine;
    let payload = super::hostile::decode(changed["dsseEnvelope"]["payload"].as_str().expect("text"));
    let payload = String::from_utf8(payload)
        .expect("text")
        .replace("Unknown Author", "Known Author");
    changed["dsseEnvelope"]["payload"] = super::hostile::encode(payload.as_bytes()).into();
    fails(
        &ask.one(&as_item(&ask, &changed)),
        CauseKind::BadSignature,
        Some(CheckName::Signature),
    );
}

#[test]
fn a_large_statement_with_a_log_entry_is_judged_like_a_small_one() {
    // No genuine one of several MB is at hand: a large forgery must be refused for its signature, by the
    // same path that reads a large genuine one.
    let Some((ask, mut genuine)) = bundle("conformance/happy-path-intoto-in-dsse-v3") else {
        return;
    };
    let payload = super::hostile::decode(genuine["dsseEnvelope"]["payload"].as_str().expect("text"));
    let mut statement: Value = serde_json::from_slice(&payload).expect("a statement");
    statement["predicate"]["padding"] = "x".repeat(2 << 20).into();
    genuine["dsseEnvelope"]["payload"] = super::hostile::encode(statement.to_string().as_bytes()).into();
    fails(
        &ask.one(&as_item(&ask, &genuine)),
        CauseKind::BadSignature,
        Some(CheckName::Signature),
    );
}
