//! Which time a statement has: that of its signed content, which nobody but the signer can change.

use jiff::{SignedDuration, Timestamp};
use pindeck::domain::evidence::{CauseKind, CheckName, Evidence, EvidenceKind};
use pindeck::domain::policy::{Match, Validity};
use pindeck::domain::verdict::Outcome;
use serde_json::json;

use crate::support::ask::{Ask, by_keys, fails, holds, judge_by};
use crate::support::fixtures::{all_of, bundle, by_key, by_key_in_use, by_name, subject};
use crate::support::forge::*;

fn ci() -> Ask {
    by_name(Match::Exact("ci@example.test".to_owned()))
}

/// The verdict on test results, long after the last of them.
fn outcome(evidence: &[Evidence]) -> Outcome {
    let last = evidence.iter().filter_map(|e| e.signed_at).max().expect("stamped");
    judge_by(
        evidence,
        EvidenceKind::TestResult,
        None,
        last + SignedDuration::from_hours(1),
    )
}

#[test]
fn a_stamp_puts_results_by_keys_in_no_order() {
    let ask = by_key();
    let all = all_of(&ask, &["key-passed", "key-failed", "key-restamped"]);
    for one in &all {
        holds(one, EvidenceKind::TestResult);
        assert_eq!(one.content_time, None);
    }
    assert!(all[0].signed_at < all[1].signed_at && all[1].signed_at < all[2].signed_at);
    assert_eq!(outcome(&all[..1]), Outcome::Verified);
    assert_eq!(outcome(&all), Outcome::Rejected);
    assert_eq!(outcome(&all[1..]), Outcome::Rejected);
}

#[test]
fn a_certificate_that_is_valid_for_years_is_like_a_key() {
    let all = all_of(
        &ci(),
        &["long-lived-passed", "long-lived-failed", "long-lived-restamped"],
    );
    assert!(
        all.iter().all(|one| one.cause.is_none() && one.content_time.is_none()),
        "{all:?}"
    );
    assert_eq!(outcome(&all), Outcome::Rejected);
}

#[test]
fn a_short_lived_certificate_says_when_it_was_used() {
    let ask = ci();
    let all = all_of(
        &ask,
        &["short-lived-passed", "short-lived-failed", "short-lived-restamped"],
    );
    assert!(
        all.iter().all(|one| one.cause.is_none() && one.content_time.is_some()),
        "{all:?}"
    );
    // The younger stamp changes nothing: it is the same certificate.
    assert_eq!(all[0].content_time, all[2].content_time);
    assert!(all[2].signed_at > all[1].signed_at);
    assert_eq!(outcome(&all), Outcome::Rejected);
    // Tested again by the same signer.
    let again = all_of(
        &ask,
        &["short-lived-passed", "short-lived-failed", "short-lived-tested-again"],
    );
    assert_eq!(outcome(&again), Outcome::Verified);
}

#[test]
fn a_stamp_makes_no_statement_young() {
    let limit = Some(SignedDuration::from_mins(30));
    let judge = |evidence: &[Evidence], later: SignedDuration| {
        let at = evidence[0].signed_at.expect("stamped") + later;
        judge_by(evidence, EvidenceKind::TestResult, limit, at)
    };
    let (young, old) = (SignedDuration::from_mins(5), SignedDuration::from_mins(40));
    assert_eq!(judge(&all_of(&ci(), &["short-lived-passed"]), young), Outcome::Verified);
    assert_eq!(judge(&all_of(&ci(), &["short-lived-passed"]), old), Outcome::Rejected);
    for timeless in ["long-lived-restamped", "key-restamped"] {
        let ask = if timeless.starts_with("key") { by_key() } else { ci() };
        assert_eq!(
            judge(&all_of(&ask, &[timeless]), young),
            Outcome::Rejected,
            "{timeless}"
        );
    }
}

#[test]
fn a_payload_may_have_a_time_of_its_own() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let now: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let at = |n: u32| format!("2026-01-{n:02}T00:00:00Z");
    for (kind, predicate_type, predicate) in [
        (
            EvidenceKind::TestResult,
            TEST_RESULT,
            json!({ "result": "PASSED", "finishedOn": at(5) }),
        ),
        (
            EvidenceKind::VulnerabilityScan,
            "https://in-toto.io/attestation/vulns/v0.1",
            json!({ "scanner": { "uri": "x", "result": [] }, "metadata": { "scanFinishedOn": at(5) } }),
        ),
        (
            EvidenceKind::VerificationSummary,
            "https://slsa.dev/verification_summary/v1",
            json!({ "verifier": { "id": "x" }, "verificationResult": "PASSED", "timeVerified": at(5) }),
        ),
        (
            EvidenceKind::Sbom,
            SPDX,
            json!({ "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "creationInfo": { "created": at(5) } }),
        ),
        (
            EvidenceKind::Sbom,
            "https://cyclonedx.org/bom",
            json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": { "timestamp": at(5) } }),
        ),
    ] {
        let said = ask.one(&signed(&pair, subject(), predicate_type, predicate));
        holds(&said, kind);
        assert_eq!(said.content_time, Some(at(5).parse().unwrap()), "{predicate_type}");
        let within = |days: i64| {
            judge_by(
                std::slice::from_ref(&said),
                kind,
                Some(SignedDuration::from_hours(24 * days)),
                now,
            )
        };
        assert_eq!(
            (within(30), within(20)),
            (Outcome::Verified, Outcome::Rejected),
            "{kind}"
        );
    }
    // Two results with times: the younger counts, whichever comes first.
    let result = |result: &str, day: u32| {
        ask.one(&signed(
            &pair,
            subject(),
            TEST_RESULT,
            json!({ "result": result, "finishedOn": at(day) }),
        ))
    };
    let judge = |evidence: &[Evidence]| judge_by(evidence, EvidenceKind::TestResult, None, now);
    assert_eq!(judge(&[result("FAILED", 1), result("PASSED", 2)]), Outcome::Verified);
    assert_eq!(judge(&[result("FAILED", 2), result("PASSED", 1)]), Outcome::Rejected);
}

#[test]
fn authorities_are_counted_not_tokens() {
    let mut ask = by_key();
    for (wanted, name, enough) in [
        (1, "key-passed", true),
        (2, "key-passed", false),
        (2, "key-one-authority-twice", false),
        (2, "key-two-authorities", true),
        (3, "key-two-authorities", false),
    ] {
        ask.profile.demands.times = wanted;
        let said = ask.one(&bundle(name));
        if enough {
            holds(&said, EvidenceKind::TestResult);
        } else {
            fails(&said, CauseKind::BadSignature, Some(CheckName::Timestamp));
        }
    }
}

#[test]
fn a_key_counts_while_it_was_in_use() {
    let stamped = by_key().one(&bundle("key-passed")).signed_at.expect("stamped");
    let hour = SignedDuration::from_hours(1);
    let window = |from: Option<Timestamp>, until: Option<Timestamp>| by_key_in_use(Validity { from, until });
    let (before, after) = (stamped - hour, stamped + hour);
    for (ask, counts) in [
        (window(Some(before), Some(after)), true),
        (window(None, Some(after)), true),
        (window(Some(stamped), Some(stamped)), true),
        (window(None, Some(before)), false),
        (window(Some(after), None), false),
    ] {
        let said = ask.one(&bundle("key-passed"));
        if counts {
            holds(&said, EvidenceKind::TestResult);
        } else {
            fails(&said, CauseKind::BadSignature, Some(CheckName::Timestamp));
        }
    }
    // A second, younger stamp does not move it; and without a trusted time nobody knows.
    let between = stamped + SignedDuration::from_secs(2);
    holds(
        &window(None, Some(between)).one(&bundle("key-one-authority-twice")),
        EvidenceKind::TestResult,
    );
    fails(
        &window(None, Some(between)).one(&bundle("key-restamped")),
        CauseKind::BadSignature,
        Some(CheckName::Timestamp),
    );
    let mut timeless = window(Some(before), Some(after));
    timeless.profile.root = None;
    fails(
        &timeless.one(&bundle("key-passed")),
        CauseKind::BadSignature,
        Some(CheckName::Timestamp),
    );
}
