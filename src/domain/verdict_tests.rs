use super::*;
use crate::domain::evidence::{Format, LogEvidence, ProvenanceSummary, TestResultSummary, TimeSource};
use crate::domain::policy::{SignerRule, TestResultRule};

fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("in range")
}

fn policy(require: &[EvidenceKind]) -> Policy {
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

fn item(kind: EvidenceKind, cause: Option<CauseKind>) -> Evidence {
    Evidence {
        kind,
        predicate_type: None,
        format: Format::SigstoreBundle,
        digest: digest(50),
        attached_to: digest(1),
        subjects: vec![digest(1)],
        state: match cause {
            None => EvidenceState::Verified,
            Some(CauseKind::Unreachable) => EvidenceState::Unreachable,
            Some(CauseKind::Unsupported) => EvidenceState::Unsupported,
            Some(_) => EvidenceState::Failed,
        },
        cause,
        detail: None,
        signer: None,
        log: LogEvidence::None,
        timestamp: TimeSource::None,
        signed_at: None,
        summary: Summary::None,
        checks: Vec::new(),
    }
}

fn test_result(result: &str, at: Option<i64>) -> Evidence {
    let mut e = item(EvidenceKind::TestResult, None);
    e.summary = Summary::TestResult(TestResultSummary {
        result: result.into(),
        ..Default::default()
    });
    e.signed_at = at.map(|s| Timestamp::from_second(s).expect("in range"));
    e
}

fn run(policy: &Policy, evidence: &[Evidence]) -> Verdict {
    let facts = Facts {
        digest: digest(1),
        presence: &Presence::Present,
        evidence,
        incomplete: &[],
        source: None,
    };
    judge(policy, facts, now())
}

fn causes(v: &Verdict) -> Vec<(&'static str, CauseKind)> {
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
    let incomplete = [Untrusted::new("429")];
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
            Presence::Corrupt { actual: digest(9) },
            Outcome::Rejected,
            CauseKind::Corrupt,
        ),
        (
            Presence::Unreachable {
                detail: "timeout".into(),
            },
            Outcome::Unknown,
            CauseKind::Unreachable,
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
fn test_results_are_accepted_acknowledged_or_refused() {
    let p = policy(&[K::TestResult]);
    assert_eq!(run(&p, &[test_result("PASSED", None)]).result, Outcome::Verified);
    let warned = run(&p, &[test_result("WARNED", None)]);
    assert_eq!((warned.result, warned.causes.len()), (Outcome::Warned, 0));
    assert_eq!(
        causes(&run(&p, &[test_result("FAILED", None)])),
        [("test-result", CauseKind::PolicyFailed)]
    );
}

#[test]
fn disagreeing_results_the_newest_trusted_time_decides() {
    let p = policy(&[K::TestResult]);
    let outcome = |items: &[Evidence]| run(&p, items).result;
    assert_eq!(
        outcome(&[test_result("FAILED", Some(1)), test_result("PASSED", Some(2))]),
        Outcome::Verified
    );
    assert_eq!(
        outcome(&[test_result("PASSED", Some(1)), test_result("FAILED", Some(2))]),
        Outcome::Rejected
    );
    // A tie, or any without a trusted time: the worst wins.
    assert_eq!(
        outcome(&[test_result("PASSED", Some(2)), test_result("FAILED", Some(2))]),
        Outcome::Rejected
    );
    assert_eq!(
        outcome(&[test_result("PASSED", Some(2)), test_result("FAILED", None)]),
        Outcome::Rejected
    );
    assert_eq!(
        outcome(&[test_result("PASSED", None), test_result("FAILED", Some(1))]),
        Outcome::Rejected
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
fn source_urls_are_compared_as_repositories() {
    for (a, b) in [
        ("git+https://github.com/a/b@refs/tags/v1", "https://github.com/a/b"),
        ("https://github.com/a/b.git", "https://GITHUB.com/a/b/"),
    ] {
        assert_eq!(normal_source(a), normal_source(b));
    }
    assert_ne!(
        normal_source("https://github.com/a/B"),
        normal_source("https://github.com/a/b")
    );
    assert_ne!(
        normal_source("https://user@evil.example/a/b"),
        normal_source("https://evil.example/a/b")
    );
}

#[test]
fn age_is_limited_by_trusted_time_first() {
    let mut p = policy(&[K::VulnerabilityScan]);
    p.max_age = [(K::VulnerabilityScan, 100)].into();
    let mut e = item(K::VulnerabilityScan, None);
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Rejected);
    e.signed_at = Some(Timestamp::from_second(now().as_second() - 50).expect("in range"));
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Verified);
    e.signed_at = Some(Timestamp::from_second(now().as_second() - 150).expect("in range"));
    assert_eq!(run(&p, &[e]).result, Outcome::Rejected);
}

#[test]
fn a_passed_result_proves_nothing_while_another_may_be_hidden() {
    let p = policy(&[K::TestResult]);
    let v = run(
        &p,
        &[
            test_result("PASSED", Some(2)),
            item(K::TestResult, Some(CauseKind::Unreachable)),
        ],
    );
    assert_eq!(
        (v.result, causes(&v)),
        (Outcome::Unknown, vec![("test-result", CauseKind::Unreachable)])
    );
    let incomplete = [Untrusted::new("429")];
    let good = [test_result("PASSED", None)];
    let facts = Facts {
        digest: digest(1),
        presence: &Presence::Present,
        evidence: &good,
        incomplete: &incomplete,
        source: None,
    };
    assert_eq!(judge(&p, facts, now()).result, Outcome::Unknown);
}

#[test]
fn a_verification_summary_must_say_passed() {
    let asked = policy(&[EvidenceKind::VerificationSummary]);
    let said = |result: &str| {
        let mut e = item(EvidenceKind::VerificationSummary, None);
        e.summary = Summary::VerificationSummary(crate::domain::evidence::VsaSummary {
            result: Some(result.into()),
            ..Default::default()
        });
        run(&asked, &[e])
    };
    assert_eq!(said("PASSED").result, Outcome::Verified);
    for other in ["FAILED", "", "passed"] {
        let verdict = said(other);
        assert_eq!(
            (verdict.result, verdict.causes[0].cause),
            (Outcome::Rejected, CauseKind::PolicyFailed),
            "{other:?}"
        );
    }
}

#[test]
fn a_late_time_does_not_make_an_old_scan_young() {
    let mut asked = policy(&[EvidenceKind::VulnerabilityScan]);
    asked.max_age = [(EvidenceKind::VulnerabilityScan, 7 * 86_400)].into();
    let scanned = |finished: i64, stamped: i64| {
        let mut e = item(EvidenceKind::VulnerabilityScan, None);
        let at = |ago: i64| Timestamp::from_second(now().as_second() - ago).expect("in range");
        e.signed_at = Some(at(stamped));
        e.summary = Summary::VulnerabilityScan(crate::domain::evidence::ScanSummary {
            finished_at: Some(at(finished)),
            ..Default::default()
        });
        run(&asked, &[e]).result
    };
    assert_eq!(scanned(86_400, 3_600), Outcome::Verified);
    assert_eq!(scanned(30 * 86_400, 3_600), Outcome::Rejected);
    assert_eq!(scanned(3_600, 30 * 86_400), Outcome::Rejected);
}
