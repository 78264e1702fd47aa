//! Statements that have a result or an age: what counts where two disagree, and what was not read.

use super::tests::{causes, item, now, policy, run};
use super::*;
use crate::domain::evidence::EvidenceKind as K;
use crate::domain::evidence::{Summary, TestResultSummary, VsaSummary};

fn test_result(result: &str, at: Option<i64>) -> Evidence {
    let mut e = item(EvidenceKind::TestResult, None);
    e.summary = Summary::TestResult(TestResultSummary {
        result: result.into(),
        ..Default::default()
    });
    e.content_time = at.map(|s| Timestamp::from_second(s).expect("in range"));
    e
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
fn of_disagreeing_results_the_youngest_content_decides() {
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
    // A tie, or a statement whose content has no time: the worst wins.
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
fn age_is_that_of_the_signed_content() {
    let mut p = policy(&[K::VulnerabilityScan]);
    p.max_age = [(K::VulnerabilityScan, 100)].into();
    let mut e = item(K::VulnerabilityScan, None);
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Rejected);
    // A stamp that anybody can add proves no youth.
    e.signed_at = Some(Timestamp::from_second(now().as_second() - 50).expect("in range"));
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Rejected);
    e.content_time = Some(Timestamp::from_second(now().as_second() - 50).expect("in range"));
    assert_eq!(run(&p, std::slice::from_ref(&e)).result, Outcome::Verified);
    e.content_time = Some(Timestamp::from_second(now().as_second() - 150).expect("in range"));
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
    let incomplete = [crate::domain::Failure::unreachable("429")];
    let good = [test_result("PASSED", None)];
    let facts = Facts {
        digest: Digest::from_bytes([1; 32]),
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
        e.summary = Summary::VerificationSummary(VsaSummary {
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
fn a_stamp_makes_no_old_scan_young() {
    let mut asked = policy(&[K::VulnerabilityScan]);
    asked.max_age = [(K::VulnerabilityScan, 7 * 86_400)].into();
    let at = |ago: i64| Timestamp::from_second(now().as_second() - ago).expect("in range");
    let scanned = |content: Option<i64>, stamped: i64| {
        let mut e = item(K::VulnerabilityScan, None);
        e.signed_at = Some(at(stamped));
        e.content_time = content.map(at);
        run(&asked, &[e]).result
    };
    assert_eq!(scanned(Some(86_400), 3_600), Outcome::Verified);
    assert_eq!(scanned(Some(30 * 86_400), 3_600), Outcome::Rejected);
    assert_eq!(scanned(None, 3_600), Outcome::Rejected);
    // A time in the future is nobody's time.
    assert_eq!(scanned(Some(-86_400), 3_600), Outcome::Rejected);
}

#[test]
fn a_stamp_puts_no_results_in_order() {
    // The same old PASSED, stamped again after a FAILED: no time is the content's own, so the worse counts.
    let p = policy(&[K::TestResult]);
    let stamped = |result, at| {
        let mut e = test_result(result, None);
        e.signed_at = Some(Timestamp::from_second(at).expect("in range"));
        e
    };
    let both = [stamped("PASSED", 1), stamped("FAILED", 2), stamped("PASSED", 3)];
    let v = run(&p, &both);
    assert_eq!(
        (v.result, causes(&v)),
        (Outcome::Rejected, vec![("test-result", CauseKind::PolicyFailed)])
    );
    // A time in the future is the newest for ever: it puts nothing in order either.
    let ahead = now().as_second() + 86_400;
    let both = [test_result("PASSED", Some(ahead)), test_result("FAILED", Some(2))];
    assert_eq!(run(&p, &both).result, Outcome::Rejected);
}

fn summary(result: &str, at: Option<i64>) -> Evidence {
    let mut e = item(K::VerificationSummary, None);
    e.summary = Summary::VerificationSummary(VsaSummary {
        result: Some(result.into()),
        ..Default::default()
    });
    e.content_time = at.map(|s| Timestamp::from_second(s).expect("in range"));
    e
}

#[test]
fn two_verification_summaries_that_disagree_are_decided_like_test_results() {
    let p = policy(&[K::VerificationSummary]);
    for (items, result) in [
        (
            vec![summary("PASSED", None), summary("FAILED", None)],
            Outcome::Rejected,
        ),
        (
            vec![summary("FAILED", None), summary("PASSED", None)],
            Outcome::Rejected,
        ),
        (
            vec![summary("PASSED", Some(1)), summary("FAILED", Some(2))],
            Outcome::Rejected,
        ),
        (
            vec![summary("FAILED", Some(1)), summary("PASSED", Some(2))],
            Outcome::Verified,
        ),
        (
            vec![summary("FAILED", None), summary("PASSED", Some(2))],
            Outcome::Rejected,
        ),
    ] {
        assert_eq!(run(&p, &items).result, result, "{items:?}");
    }
}

fn unread(kind: EvidenceKind, cause: CauseKind) -> Evidence {
    let mut e = item(kind, Some(cause));
    e.unread = true;
    e.detail = Some("no bytes".into());
    e
}

#[test]
fn what_was_not_read_may_be_the_failed_result_whatever_it_is_called() {
    for (required, good) in [
        (K::TestResult, test_result("PASSED", Some(2))),
        (K::VerificationSummary, summary("PASSED", Some(2))),
    ] {
        let p = policy(&[K::Signature, required]);
        for called in K::ALL {
            for (cause, result) in [
                (CauseKind::Unreachable, Outcome::Unknown),
                (CauseKind::Corrupt, Outcome::Rejected),
                (CauseKind::Malformed, Outcome::Rejected),
                (CauseKind::Unsupported, Outcome::Rejected),
            ] {
                let v = run(&p, &[item(K::Signature, None), good.clone(), unread(called, cause)]);
                assert_eq!(
                    (v.result, causes(&v)),
                    (result, vec![(required.as_str(), cause)]),
                    "{called} {cause}"
                );
            }
        }
        // What was read and is broken, or a stranger's, contradicts nothing.
        for cause in [CauseKind::Malformed, CauseKind::Unsupported, CauseKind::OtherSigner] {
            let v = run(
                &p,
                &[item(K::Signature, None), good.clone(), item(required, Some(cause))],
            );
            assert_eq!(v.result, Outcome::Verified, "{cause}");
        }
    }
    // Where no kind with a result is asked for, it could turn nothing.
    let v = run(
        &policy(&[K::Signature]),
        &[item(K::Signature, None), unread(K::TestResult, CauseKind::Corrupt)],
    );
    assert_eq!(v.result, Outcome::Verified);
    // It is blamed once: where it is the reason of a refusal already, it is no second one.
    let v = run(
        &policy(&[K::Sbom, K::TestResult]),
        &[test_result("PASSED", None), unread(K::Sbom, CauseKind::Corrupt)],
    );
    assert_eq!(causes(&v), [("sbom", CauseKind::Corrupt)]);
}

#[test]
fn nothing_is_absent_while_something_could_not_be_fetched() {
    let v = run(&policy(&[K::Signature]), &[unread(K::Sbom, CauseKind::Unreachable)]);
    assert_eq!(
        (v.result, causes(&v)),
        (Outcome::Unknown, vec![("signature", CauseKind::Unreachable)])
    );
}
