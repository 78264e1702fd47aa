use super::*;
use crate::domain::evidence::{Format, ProvenanceSummary, Summary};
use crate::domain::policy::{SignerRule, TestResultRule};

pub(super) fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("in range")
}

pub(super) fn policy(require: &[EvidenceKind]) -> Policy {
    Policy {
        name: "release".to_owned(),
        require: require.to_vec(),
        signer: SignerRule::default(),
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule {
            accept: vec!["PASSED".into()],
            acknowledge: vec!["WARNED".into()],
        },
        max_age: Default::default(),
        soak: None,
        freeze: Vec::new(),
        break_glass: Default::default(),
        digest: digest(0),
    }
}

pub(super) fn item(kind: EvidenceKind, cause: Option<CauseKind>) -> Evidence {
    Evidence {
        subjects: vec![digest(1)],
        state: match cause {
            None => EvidenceState::Verified,
            Some(CauseKind::Unreachable) => EvidenceState::Unreachable,
            Some(CauseKind::Unsupported) => EvidenceState::Unsupported,
            Some(_) => EvidenceState::Failed,
        },
        cause,
        ..Evidence::new(kind, Format::SigstoreBundle, digest(50), digest(1))
    }
}

pub(super) fn run(policy: &Policy, evidence: &[Evidence]) -> Verdict {
    let facts = Facts {
        digest: digest(1),
        presence: &Presence::Present,
        evidence,
        incomplete: &[],
        source: None,
    };
    judge(policy, facts, now())
}

pub(super) fn causes(v: &Verdict) -> Vec<(&'static str, CauseKind)> {
    v.causes.iter().map(|c| (c.check.as_str(), c.cause)).collect()
}

use EvidenceKind as K;

#[test]
fn all_required_kinds_hold() {
    let v = run(
        &policy(&[K::Signature, K::Sbom]),
        &[item(K::Signature, None), item(K::Sbom, None)],
    );
    assert_eq!((v.result, v.causes.len()), (Outcome::Verified, 0));
}

#[test]
fn a_stranger_beside_a_good_statement_does_not_matter() {
    let v = run(
        &policy(&[K::Signature]),
        &[
            item(K::Signature, Some(CauseKind::OtherSigner)),
            item(K::Signature, None),
        ],
    );
    assert_eq!(v.result, Outcome::Verified);
}

#[test]
fn the_item_that_got_furthest_names_the_cause() {
    let v = run(
        &policy(&[K::Sbom]),
        &[
            item(K::Sbom, Some(CauseKind::Malformed)),
            item(K::Sbom, Some(CauseKind::WrongSubject)),
            item(K::Sbom, Some(CauseKind::OtherSigner)),
        ],
    );
    assert_eq!(causes(&v), [("sbom", CauseKind::WrongSubject)]);
    assert_eq!(v.causes[0].subject, Some(digest(1)));
}

#[test]
fn absent_only_without_any_item() {
    let v = run(
        &policy(&[K::Signature, K::Provenance]),
        &[item(K::Signature, Some(CauseKind::BadSignature))],
    );
    assert_eq!(
        causes(&v),
        [
            ("signature", CauseKind::BadSignature),
            ("provenance", CauseKind::Absent)
        ]
    );
    assert_eq!(v.result, Outcome::Rejected);
}

#[test]
fn unreachable_is_unknown_and_never_absent() {
    let p = policy(&[K::Signature]);
    let incomplete = [crate::domain::Failure::unreachable("429")];
    let facts = Facts {
        digest: digest(1),
        presence: &Presence::Present,
        evidence: &[],
        incomplete: &incomplete,
        source: None,
    };
    let v = judge(&p, facts, now());
    assert_eq!(
        (v.result, causes(&v)),
        (Outcome::Unknown, vec![("signature", CauseKind::Unreachable)])
    );
    // An item of unknown kind that could not be fetched might be the one that is missing.
    let v = run(&p, &[item(K::Other, Some(CauseKind::Unreachable))]);
    assert_eq!(v.result, Outcome::Unknown);
    // It takes nothing from what is already satisfied.
    let v = run(
        &p,
        &[item(K::Other, Some(CauseKind::Unreachable)), item(K::Signature, None)],
    );
    assert_eq!(v.result, Outcome::Verified);
}

#[test]
fn a_definite_refusal_beats_unreachable() {
    let v = run(
        &policy(&[K::Signature, K::Sbom]),
        &[
            item(K::Signature, Some(CauseKind::OtherSigner)),
            item(K::Sbom, Some(CauseKind::Unreachable)),
        ],
    );
    assert_eq!(v.result, Outcome::Rejected);
    assert_eq!(
        causes(&v),
        [("signature", CauseKind::OtherSigner), ("sbom", CauseKind::Unreachable)]
    );
}

#[test]
fn missing_or_corrupt_content_is_the_only_cause() {
    let p = policy(&[K::Signature]);
    for (presence, result, cause) in [
        (
            Presence::Absent {
                detail: "gone".into(),
                part: None,
            },
            Outcome::Rejected,
            CauseKind::Absent,
        ),
        (
            Presence::Failed(crate::domain::Failure::new(
                crate::domain::FailureKind::Corrupt,
                "other bytes",
            )),
            Outcome::Rejected,
            CauseKind::Corrupt,
        ),
        (
            Presence::Failed(crate::domain::Failure::unreachable("timeout")),
            Outcome::Unknown,
            CauseKind::Unreachable,
        ),
        (
            Presence::Failed(crate::domain::Failure::new(
                crate::domain::FailureKind::TooLarge,
                "5 MiB",
            )),
            Outcome::Rejected,
            CauseKind::Unsupported,
        ),
        (
            Presence::Failed(crate::domain::Failure::new(
                crate::domain::FailureKind::NotChecked,
                "--offline",
            )),
            Outcome::Unknown,
            CauseKind::NotChecked,
        ),
    ] {
        let good = [item(K::Signature, None)];
        let v = judge(
            &p,
            Facts {
                digest: digest(1),
                presence: &presence,
                evidence: &good,
                incomplete: &[],
                source: None,
            },
            now(),
        );
        assert_eq!((v.result, causes(&v)), (result, vec![("digest", cause)]));
    }
}

#[test]
fn a_policy_that_requires_nothing_verifies_nothing() {
    assert_eq!(run(&policy(&[]), &[item(K::Signature, None)]).result, Outcome::Rejected);
}

#[test]
fn unsigned_never_counts() {
    let mut unsigned = item(K::Sbom, None);
    unsigned.state = EvidenceState::Unsigned;
    assert_eq!(
        causes(&run(&policy(&[K::Sbom]), &[unsigned])),
        [("sbom", CauseKind::Absent)]
    );
}

#[test]
fn builder_and_source_must_match_when_asked() {
    let mut p = policy(&[K::Provenance]);
    p.builder = vec!["https://builder.example".into()];
    p.source = true;
    let mut e = item(K::Provenance, None);
    e.summary = Summary::Provenance(ProvenanceSummary {
        builder: Some("https://builder.example".into()),
        source: Some("git+https://GitHub.com/example/app.git@refs/heads/main".into()),
        ..Default::default()
    });
    let facts = |source| Facts {
        digest: digest(1),
        presence: &Presence::Present,
        evidence: std::slice::from_ref(&e),
        incomplete: &[],
        source,
    };
    assert_eq!(
        judge(&p, facts(Some("https://github.com/example/app")), now()).result,
        Outcome::Verified
    );
    assert_eq!(
        judge(&p, facts(Some("https://github.com/example/app2")), now()).result,
        Outcome::Rejected
    );
    assert_eq!(judge(&p, facts(None), now()).result, Outcome::Rejected);
}

#[test]
fn absent_says_that_no_signed_statement_is_there() {
    // BuildKit's own provenance is shown beside the verdict: "none is attached" would contradict it.
    let v = run(&policy(&[K::Provenance]), &[]);
    assert_eq!(v.causes[0].detail.raw(), "there is no provenance that is signed");
    let mut unsigned = item(K::Provenance, None);
    unsigned.state = EvidenceState::Unsigned;
    let v = run(&policy(&[K::Provenance]), &[unsigned]);
    assert_eq!(
        v.causes[0].detail.raw(),
        "there is no provenance that is signed; an unsigned one is attached"
    );
}

#[test]
fn a_field_that_provenance_leaves_out_fails_only_a_policy_that_asks_for_it() {
    let mut e = item(K::Provenance, None);
    e.summary = Summary::Provenance(ProvenanceSummary::default());
    let mut p = policy(&[K::Provenance]);
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Verified);
    p.builder = vec!["https://builder.example".into()];
    let v = run(&p, std::slice::from_ref(&e));
    assert_eq!(causes(&v), [("provenance", CauseKind::PolicyFailed)]);
    assert_eq!(v.causes[0].detail.raw(), "the provenance does not name its builder");
}
