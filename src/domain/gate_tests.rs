use super::*;
use crate::domain::id::Digest;
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

fn hold_in(environment: &str) -> Hold {
    Hold {
        service: "payments".into(),
        environment: environment.into(),
        digest: Digest::from_bytes([7; 32]),
        reason: "leaks".into(),
        since: None,
        by: None,
    }
}

/// Name, state and detail of each gate of a revert in production.
fn reverting(
    outcome: Outcome,
    acknowledged: Option<bool>,
    holds: Result<&[&Hold], &Untrusted>,
    release_hold: bool,
) -> Vec<(GateName, GateState, String)> {
    let gates = revert_gates(RevertFacts {
        verdict: &verdict(outcome, &[]),
        acknowledged,
        environment: &"production".into(),
        holds,
        release_hold,
        read_only: None,
    });
    let told = gates
        .into_iter()
        .map(|g| (g.gate, g.state, g.in_full().raw().to_owned()));
    told.collect()
}

#[test]
fn a_revert_knows_no_order_time_or_freeze() {
    let gates = reverting(Outcome::Verified, None, Ok(&[]), false);
    let names: Vec<GateName> = gates.iter().map(|(gate, ..)| *gate).collect();
    assert_eq!(names, [GateName::Presence, GateName::Verdict, GateName::ReadOnly]);
}

/// The gates of a revert to a digest of this verdict that no hold names.
fn revert_to(verdict: &Verdict) -> Vec<Gate> {
    revert_gates(RevertFacts {
        verdict,
        acknowledged: None,
        environment: &"production".into(),
        holds: Ok(&[]),
        release_hold: false,
        read_only: None,
    })
}

#[test]
fn an_image_that_is_not_there_closes_presence_and_nothing_opens_it() {
    let part = Digest::of(b"part");
    let mut absent = verdict(Outcome::Rejected, &[(CheckOf::Digest, CauseKind::Absent)]);
    absent.causes[0].subject = Some(part);
    let mut gates = revert_to(&absent);
    assert_eq!(closed_ones(&gates), [GateName::Presence, GateName::Verdict]);
    let everything = [Waivable::Evidence, Waivable::Unknown, Waivable::Order].into();
    waive(&mut gates, &everything, &absent, &[]);
    assert_eq!(closed_ones(&gates), [GateName::Presence, GateName::Verdict]);
    let unknown = verdict(Outcome::Unknown, &[(CheckOf::Digest, CauseKind::Unreachable)]);
    assert_eq!(
        closed_ones(&revert_to(&unknown)),
        [GateName::Presence, GateName::Verdict]
    );
    // A policy that asks for nothing verifies nothing; the image is there all the same.
    let asks_nothing = verdict(Outcome::Rejected, &[(CheckOf::Digest, CauseKind::PolicyFailed)]);
    assert_eq!(closed_ones(&revert_to(&asks_nothing)), [GateName::Verdict]);
}

#[test]
fn the_default_target_of_a_revert_waits_for_an_acknowledgement_and_a_named_one_does_not() {
    let acknowledge = |acknowledged| {
        let gates = reverting(Outcome::Warned, acknowledged, Ok(&[]), false);
        gates
            .iter()
            .find(|(gate, ..)| *gate == GateName::Acknowledge)
            .map(|(_, state, _)| *state)
    };
    assert_eq!(acknowledge(Some(false)), Some(GateState::Closed));
    assert_eq!(acknowledge(Some(true)), Some(GateState::Acknowledged));
    assert_eq!(acknowledge(None), None);
}

#[test]
fn a_revert_to_a_held_digest_waits_for_that_hold() {
    let (here, before) = (hold_in("production"), hold_in("staging"));
    let problem = Untrusted::new("the holds cannot be read");
    let gate = |holds: Result<&[&Hold], &Untrusted>, release| {
        let gates = reverting(Outcome::Verified, None, holds, release);
        let (_, state, detail) = gates
            .into_iter()
            .find(|(gate, ..)| *gate == GateName::Hold)
            .expect("a hold gate");
        (state, detail)
    };
    let (state, detail) = gate(Ok(&[&here]), false);
    assert_eq!(state, GateState::Closed);
    assert!(detail.contains("--release-hold"), "{detail}");
    assert_eq!(gate(Ok(&[&here]), true).0, GateState::Open);
    for release in [false, true] {
        let (state, detail) = gate(Ok(&[&before]), release);
        assert_eq!(state, GateState::Closed);
        assert!(
            detail.contains("`pindeck hold release payments --env staging`"),
            "{detail}"
        );
        assert_eq!(gate(Ok(&[&before, &here]), release).0, GateState::Closed);
        assert_eq!(gate(Ok(&[&here, &before]), release).0, GateState::Closed);
        assert_eq!(
            gate(Err(&problem), release).0,
            GateState::Closed,
            "holds that cannot be read close everything"
        );
    }
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

#[test]
fn only_the_command_line_is_told_of_options() {
    let warned = verdict(Outcome::Warned, &[]);
    let p = policy(None);
    let hold = hold_in("staging");
    let mut held = facts(&p, &warned, &[]);
    held.hold = Ok(Some(&hold));
    let closed: Vec<Gate> = promote_gates(held)
        .into_iter()
        .filter(|gate| gate.state == GateState::Closed)
        .collect();
    assert_eq!(closed.len(), 2);
    for gate in closed {
        let (here, full) = (gate.detail.clean().into_string(), gate.in_full().clean().into_string());
        assert!(!here.contains("--") && !here.contains('`'), "{here}");
        assert!(full.starts_with(&here) && full.contains("--"), "{full}");
        assert!(gate.opener.is_some());
    }
}
