use super::*;
use crate::domain::policy::{SignerRule, TestResultRule};
use crate::domain::verdict::{Cause, CheckOf};

fn policy(soak: Option<i64>) -> Policy {
    Policy {
        name: "release".into(),
        require: Vec::new(),
        signer: SignerRule::default(),
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: Default::default(),
        soak,
        freeze: Vec::new(),
        break_glass: Default::default(),
        digest: Digest::from_bytes([0; 32]),
    }
}

fn verdict(result: Outcome, causes: &[(CheckOf, CauseKind)]) -> Verdict {
    Verdict {
        result,
        policy: "release".into(),
        policy_digest: Digest::from_bytes([0; 32]),
        at: Timestamp::UNIX_EPOCH,
        causes: causes
            .iter()
            .map(|(check, cause)| Cause {
                check: *check,
                cause: *cause,
                detail: "why".into(),
                subject: None,
            })
            .collect(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn facts<'a>(policy: &'a Policy, verdict: &'a Verdict, after: &'a [(EnvId, Option<Timestamp>)]) -> PromoteFacts<'a> {
    PromoteFacts {
        policy,
        verdict,
        acknowledged: false,
        hold: Ok(None),
        after,
        read_only: None,
        now: at(10_000),
    }
}

fn closed_ones(gates: &[Gate]) -> Vec<GateName> {
    gates
        .iter()
        .filter(|g| g.state == GateState::Closed)
        .map(|g| g.gate)
        .collect()
}

#[test]
fn a_verified_digest_pinned_before_may_step_forward() {
    let (p, v) = (policy(Some(100)), verdict(Outcome::Verified, &[]));
    let after = [(EnvId::from("staging"), Some(at(9_000)))];
    assert_eq!(closed_ones(&promote_gates(facts(&p, &v, &after))), []);
}

#[test]
fn each_gate_closes_by_itself() {
    let (p, v) = (policy(Some(2_000)), verdict(Outcome::Verified, &[]));
    let young = [(EnvId::from("staging"), Some(at(9_000)))];
    assert_eq!(closed_ones(&promote_gates(facts(&p, &v, &young))), [GateName::Soak]);
    let elsewhere = [(EnvId::from("staging"), None)];
    assert_eq!(
        closed_ones(&promote_gates(facts(&p, &v, &elsewhere))),
        [GateName::After, GateName::Soak]
    );
    let mut read_only = facts(&p, &v, &[]);
    read_only.read_only = Some("this run is read-only");
    assert_eq!(closed_ones(&promote_gates(read_only)), [GateName::ReadOnly]);
    let problem = Untrusted::new("pindeck-holds.toml cannot be read");
    let mut unreadable = facts(&p, &v, &[]);
    unreadable.hold = Err(&problem);
    assert_eq!(closed_ones(&promote_gates(unreadable)), [GateName::Hold]);
    for bad in [Outcome::Rejected, Outcome::Unknown] {
        let v = verdict(bad, &[]);
        assert_eq!(closed_ones(&promote_gates(facts(&p, &v, &[]))), [GateName::Verdict]);
    }
}

#[test]
fn warned_must_be_acknowledged() {
    let (p, v) = (policy(None), verdict(Outcome::Warned, &[]));
    assert_eq!(closed_ones(&promote_gates(facts(&p, &v, &[]))), [GateName::Acknowledge]);
    let mut yes = facts(&p, &v, &[]);
    yes.acknowledged = true;
    let gates = promote_gates(yes);
    assert_eq!(closed_ones(&gates), []);
    assert!(gates.iter().any(|g| g.state == GateState::Acknowledged));
}

#[test]
fn a_revert_knows_no_order_time_or_freeze() {
    let names: Vec<GateName> = revert_gates(&verdict(Outcome::Verified, &[]), None)
        .iter()
        .map(|g| g.gate)
        .collect();
    assert_eq!(names, [GateName::Presence, GateName::Verdict, GateName::ReadOnly]);
}

#[test]
fn an_image_that_is_not_there_closes_presence_and_nothing_opens_it() {
    let part = Digest::of(b"part");
    let mut absent = verdict(Outcome::Rejected, &[(CheckOf::Digest, CauseKind::Absent)]);
    absent.causes[0].subject = Some(part);
    let mut gates = revert_gates(&absent, None);
    assert_eq!(closed_ones(&gates), [GateName::Presence, GateName::Verdict]);
    let everything = [Waivable::Evidence, Waivable::Unknown, Waivable::Order].into();
    waive(&mut gates, &everything, &absent, &[]);
    assert_eq!(closed_ones(&gates), [GateName::Presence, GateName::Verdict]);
    let unknown = verdict(Outcome::Unknown, &[(CheckOf::Digest, CauseKind::Unreachable)]);
    assert_eq!(
        closed_ones(&revert_gates(&unknown, None)),
        [GateName::Presence, GateName::Verdict]
    );
    // A policy that asks for nothing verifies nothing; the image is there all the same.
    let asks_nothing = verdict(Outcome::Rejected, &[(CheckOf::Digest, CauseKind::PolicyFailed)]);
    assert_eq!(closed_ones(&revert_gates(&asks_nothing, None)), [GateName::Verdict]);
}

#[test]
fn break_glass_waives_only_what_is_listed_and_never_broken_content() {
    use crate::domain::evidence::EvidenceKind::Sbom;
    let all: BTreeSet<Waivable> = Waivable::ALL.into();
    let waived = |v: &Verdict, allowed: &BTreeSet<Waivable>| {
        let p = policy(None);
        let mut gates = promote_gates(facts(&p, v, &[]));
        waive(&mut gates, allowed, v, &[]);
        closed_ones(&gates).is_empty()
    };
    let absent = verdict(Outcome::Rejected, &[(CheckOf::Evidence(Sbom), CauseKind::Absent)]);
    assert!(waived(&absent, &all));
    assert!(!waived(&absent, &[Waivable::Soak].into()));
    for never in [
        (CheckOf::Evidence(Sbom), CauseKind::Corrupt),
        (CheckOf::Evidence(Sbom), CauseKind::BadSignature),
        (CheckOf::Digest, CauseKind::Absent),
        (CheckOf::Digest, CauseKind::Corrupt),
    ] {
        assert!(!waived(&verdict(Outcome::Rejected, &[never]), &all), "{never:?}");
    }
    // Holds, acknowledgement and read-only are not among what can be waived.
    let warned = verdict(Outcome::Warned, &[]);
    assert!(!waived(&warned, &all));
}

#[test]
fn broken_evidence_is_not_waived_behind_another_cause() {
    use crate::domain::evidence::{Evidence, EvidenceKind, EvidenceState, Format};
    let (blob, image) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    let broken = Evidence {
        state: EvidenceState::Failed,
        cause: Some(CauseKind::BadSignature),
        ..Evidence::new(EvidenceKind::Sbom, Format::SigstoreBundle, blob, image)
    };
    let all: BTreeSet<Waivable> = Waivable::ALL.into();
    let sbom = CheckOf::Evidence(EvidenceKind::Sbom);
    let closed = |result, cause, evidence: &[Evidence]| {
        let (p, v) = (policy(None), verdict(result, &[cause]));
        let mut gates = promote_gates(facts(&p, &v, &[]));
        waive(&mut gates, &all, &v, evidence);
        !closed_ones(&gates).is_empty()
    };
    // A stranger's statement beside a broken one hides it from the verdict, not from here.
    let hidden = (sbom, CauseKind::OtherSigner);
    assert!(!closed(Outcome::Rejected, hidden, &[]));
    assert!(closed(Outcome::Rejected, hidden, std::slice::from_ref(&broken)));
    let unreachable = (sbom, CauseKind::Unreachable);
    assert!(!closed(Outcome::Unknown, unreachable, &[]));
    assert!(closed(Outcome::Unknown, unreachable, &[broken]));
    assert!(closed(Outcome::Unknown, (CheckOf::Digest, CauseKind::Unreachable), &[]));
}
