//! What a statement is about and what it says, once its signature holds.

use pindeck::domain::evidence::{CauseKind, CheckName, EvidenceKind, EvidenceState, Summary};
use pindeck::domain::failure::{Failure, FailureKind};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{Policy, SignerRule, TestResultRule};
use pindeck::domain::verdict::{Facts, Outcome, Presence, Verdict, judge};
use pindeck::sources::evidence::{Carrier, Item};

use crate::support::ask::{Ask, by_keys, fails, holds};
use crate::support::evidence_cases::item;
use crate::support::forge::*;

fn image() -> Digest {
    Digest::of(b"an image")
}

fn verdict(ask: &Ask, items: &[Item], require: EvidenceKind) -> Verdict {
    let evidence: Vec<_> = items.iter().flat_map(|i| ask.of(i)).collect();
    let policy = Policy {
        name: "p".to_owned(),
        require: vec![require],
        signer: SignerRule::default(),
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: Default::default(),
        soak: None,
        freeze: Vec::new(),
        break_glass: Default::default(),
        digest: Digest::of(b"p"),
    };
    let facts = Facts {
        digest: ask.subject,
        presence: &Presence::Present,
        evidence: &evidence,
        incomplete: &[],
        source: None,
    };
    judge(&policy, facts, jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn a_statement_speaks_of_its_subject_and_of_nothing_else() {
    let pair = Pair::p256();
    let (index, child) = (Digest::of(b"an index"), Digest::of(b"its child"));
    let about_index = signed(&pair, index, PROVENANCE, provenance());
    let about_child = signed(&pair, child, PROVENANCE, provenance());
    let mut ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    let said = ask.one(&about_index);
    fails(&said, CauseKind::WrongSubject, Some(CheckName::Subject));
    assert_eq!(said.subjects, [index], "the other digest is shown");
    // Downward only, and only where the index's verified bytes list the child.
    ask.subject = child;
    fails(
        &ask.one(&about_index),
        CauseKind::WrongSubject,
        Some(CheckName::Subject),
    );
    ask.via = Some(index);
    holds(&ask.one(&about_index), EvidenceKind::Provenance);
    holds(&ask.one(&about_child), EvidenceKind::Provenance);
    ask.subject = index;
    ask.via = None;
    fails(
        &ask.one(&about_child),
        CauseKind::WrongSubject,
        Some(CheckName::Subject),
    );
}

#[test]
fn a_simple_signature_speaks_of_the_digest_inside_it() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    let kind = "cosign container image signature";
    let other = simple(Digest::of(b"another"), kind);
    // Genuine, hung on this image.
    fails(
        &ask.one(&sig(image(), &other, &pair.sign(&other))),
        CauseKind::WrongSubject,
        Some(CheckName::Subject),
    );
    // A signature over another payload.
    let ours = simple(image(), kind);
    fails(
        &ask.one(&sig(image(), &ours, &pair.sign(&other))),
        CauseKind::OtherSigner,
        None,
    );
    let odd = simple(image(), "a promise");
    fails(
        &ask.one(&sig(image(), &odd, &pair.sign(&odd))),
        CauseKind::WrongPredicate,
        Some(CheckName::Predicate),
    );
    let item = sig(image(), b"{}", &pair.sign(b"{}"));
    fails(&ask.one(&item), CauseKind::Malformed, None);
    let mut unnamed = sig(image(), &ours, &pair.sign(&ours));
    unnamed.annotations.clear();
    fails(&ask.one(&unnamed), CauseKind::Malformed, None);
}

#[test]
fn annotations_decide_nothing() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    let payload = statement(image(), SPDX, spdx());
    let layer = att(image(), &envelope(&pair, &payload, &payload), PROVENANCE);
    let said = ask.one(&layer);
    holds(&said, EvidenceKind::Sbom);
    assert!(matches!(&said.summary, Summary::Sbom(s) if s.packages == 1));
    let said = verdict(&ask, &[layer], EvidenceKind::Provenance);
    assert_eq!(
        (said.result, said.causes[0].cause),
        (Outcome::Rejected, CauseKind::Absent)
    );
}

#[test]
fn an_sbom_signed_as_provenance_is_a_wrong_predicate() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    for (kind, predicate) in [
        (PROVENANCE, spdx()),
        (TEST_RESULT, provenance()),
        (TEST_RESULT, test_result("GREEN")),
        (TEST_RESULT, serde_json::json!({})),
        (SPDX, provenance()),
        ("https://cyclonedx.org/bom", spdx().get("packages").cloned().unwrap()),
    ] {
        let said = ask.one(&signed(&pair, image(), kind, predicate));
        fails(&said, CauseKind::WrongPredicate, Some(CheckName::Predicate));
    }
}

#[test]
fn of_two_trusted_results_without_a_time_the_worse_counts() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    let result = |result: &str| signed(&pair, image(), TEST_RESULT, test_result(result));
    let said = verdict(&ask, &[result("PASSED")], EvidenceKind::TestResult);
    assert_eq!(said.result, Outcome::Verified);
    let said = verdict(
        &ask,
        &[result("PASSED"), result("FAILED"), result("PASSED")],
        EvidenceKind::TestResult,
    );
    assert_eq!(
        (said.result, said.causes[0].cause),
        (Outcome::Rejected, CauseKind::PolicyFailed)
    );
}

#[test]
fn a_stranger_neither_blocks_nor_hides() {
    let (ours, theirs) = (Pair::p256(), Pair::p256());
    let ask = Ask::new(by_keys(&[("k", ours.pem())]), image());
    let good = signed(&ours, image(), TEST_RESULT, test_result("PASSED"));
    let noise = [
        signed(&theirs, image(), TEST_RESULT, test_result("FAILED")),
        signed(&ours, Digest::of(b"another"), TEST_RESULT, test_result("FAILED")),
        bundle_item(image(), &serde_json::json!({ "mediaType": BUNDLE })),
        item(image(), BUNDLE, Carrier::Referrer, b"\xff\xfe".to_vec()),
    ];
    let mut all = noise.to_vec();
    all.push(good);
    let said = verdict(&ask, &all, EvidenceKind::TestResult);
    assert_eq!(said.result, Outcome::Verified, "{:?}", said.causes);
    assert_eq!(
        all.iter().map(|i| ask.of(i).len()).sum::<usize>(),
        5,
        "all of it is shown"
    );
    let said = verdict(&ask, &noise, EvidenceKind::TestResult);
    assert_eq!(
        (said.result, said.causes[0].cause),
        (Outcome::Rejected, CauseKind::WrongSubject)
    );
}

#[test]
fn what_carries_no_signature_is_unsigned_wherever_it_hangs() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), image());
    let bare = statement(image(), PROVENANCE, provenance());
    let sbom = spdx().to_string().into_bytes();
    for (carrier, media_type, bytes, kind) in [
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            bare.clone(),
            EvidenceKind::Provenance,
        ),
        (
            Carrier::BuildkitInIndex,
            "application/vnd.in-toto+json",
            bare,
            EvidenceKind::Provenance,
        ),
        (Carrier::SbomTag, "text/spdx+json", sbom.clone(), EvidenceKind::Sbom),
        (Carrier::Referrer, "application/spdx+json", sbom, EvidenceKind::Sbom),
    ] {
        let said = ask.one(&item(image(), media_type, carrier, bytes));
        assert_eq!(
            (said.state, said.kind, said.cause),
            (EvidenceState::Unsigned, kind, None)
        );
        assert_ne!(said.summary, Summary::None, "{media_type}");
    }
    // A good signature counts for nothing where nothing is ever signed.
    let mut hidden = signed(&pair, image(), PROVENANCE, provenance());
    hidden.carrier = Carrier::BuildkitInIndex;
    assert_eq!(ask.one(&hidden).state, EvidenceState::Unsigned);
}

#[test]
fn content_that_is_not_there_keeps_its_reason_and_its_name() {
    let ask = Ask::new(by_keys(&[("k", Pair::p256().pem())]), image());
    for (problem, cause) in [
        (Failure::unreachable("429"), CauseKind::Unreachable),
        (
            Failure::new(FailureKind::Corrupt, format!("its bytes hash to {}", image())),
            CauseKind::Corrupt,
        ),
        (Failure::new(FailureKind::TooLarge, "65 MiB"), CauseKind::Unsupported),
        (
            Failure::new(FailureKind::Malformed, "no manifest"),
            CauseKind::Malformed,
        ),
    ] {
        let mut layer = att(image(), &serde_json::json!({}), PROVENANCE);
        layer.content = Err(problem);
        let said = ask.one(&layer);
        assert_eq!((said.cause, said.kind), (Some(cause), EvidenceKind::Provenance));
        assert_ne!(said.state, EvidenceState::Verified);
    }
}

#[test]
fn several_signatures_are_enough_if_one_holds() {
    let (ours, theirs) = (Pair::p256(), Pair::p256());
    let ask = Ask::new(by_keys(&[("k", ours.pem())]), image());
    let payload = statement(image(), PROVENANCE, provenance());
    let mut both = envelope(&theirs, &payload, &payload);
    let good = envelope(&ours, &payload, &payload)["signatures"][0].clone();
    both["signatures"].as_array_mut().unwrap().push(good);
    holds(&ask.one(&att(image(), &both, PROVENANCE)), EvidenceKind::Provenance);
    both["signatures"] = serde_json::json!([]);
    assert_eq!(ask.one(&att(image(), &both, PROVENANCE)).state, EvidenceState::Unsigned);
}
