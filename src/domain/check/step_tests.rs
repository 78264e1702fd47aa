use std::collections::BTreeSet;

use jiff::Timestamp;

use super::finding::{CheckFinding, FindingKind as K, FindingLevel, PinVersion};
use super::place::PinnedPlace;
use super::step::{Direction, StepFacts, by_tag, findings, mismatch};
use crate::domain::board::Hold;
use crate::domain::evidence::{CauseKind, EvidenceKind};
use crate::domain::id::{Digest, EnvId, Target};
use crate::domain::policy::{Freeze, Policy, SignerRule, TestResultRule, Waivable};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Cause, CheckOf, Outcome, Verdict};

const NOW: i64 = 1_000_000;

fn policy() -> Policy {
    Policy {
        name: "release".to_owned(),
        require: vec![EvidenceKind::Signature],
        signer: SignerRule::default(),
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: Default::default(),
        soak: None,
        freeze: Vec::new(),
        break_glass: BTreeSet::new(),
        digest: Digest::of(b"policy"),
    }
}

fn always_frozen() -> Vec<Freeze> {
    let window = |from: (jiff::civil::Weekday, jiff::civil::Time), to| Freeze {
        from,
        to,
        zone: "UTC".to_owned(),
    };
    use jiff::civil::{Weekday, time};
    vec![
        window(
            (Weekday::Monday, time(0, 0, 0, 0)),
            (Weekday::Sunday, time(23, 59, 0, 0)),
        ),
        window(
            (Weekday::Sunday, time(23, 0, 0, 0)),
            (Weekday::Monday, time(1, 0, 0, 0)),
        ),
    ]
}

fn verdict(result: Outcome) -> Verdict {
    let cause = |cause| Cause {
        check: CheckOf::Evidence(EvidenceKind::Signature),
        cause,
        detail: "said by a stranger\u{1b}[31m".into(),
        subject: None,
    };
    let causes = match result {
        Outcome::Rejected => vec![cause(CauseKind::Absent)],
        Outcome::Unknown => vec![cause(CauseKind::Unreachable)],
        Outcome::Verified | Outcome::Warned => Vec::new(),
    };
    Verdict {
        result,
        policy: "release".to_owned(),
        policy_digest: Digest::of(b"policy"),
        at: Timestamp::UNIX_EPOCH,
        causes,
    }
}

fn place() -> PinnedPlace {
    PinnedPlace {
        target: Target::new("payments", "production"),
        component: None,
        image: Repository::parse("reg.example/shop/payments").expect("valid"),
        tag: Some("1.4.0".to_owned()),
        digest: Some(Digest::from_bytes([7; 32])),
        file: "prod.yaml".to_owned(),
        line: 9,
        entry: String::new(),
        workloads: BTreeSet::new(),
        slots: BTreeSet::new(),
        uncertain: None,
    }
}

struct Facts {
    policy: Policy,
    result: Outcome,
    acknowledged: bool,
    hold: Option<Hold>,
    unreadable: bool,
    after: Vec<(EnvId, Option<Timestamp>)>,
    back: bool,
    reverted: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            policy: policy(),
            result: Outcome::Verified,
            acknowledged: false,
            hold: None,
            unreadable: false,
            after: since(Some(0)),
            back: false,
            reverted: false,
        }
    }
}

/// Pinned in staging since so many seconds; `None` = not pinned there.
fn since(seconds: Option<i64>) -> Vec<(EnvId, Option<Timestamp>)> {
    let at = seconds.map(|ago| Timestamp::from_second(NOW - ago).expect("a time"));
    vec![("staging".into(), at)]
}

impl Facts {
    fn found(&self) -> Vec<CheckFinding> {
        let (place, verdict) = (place(), verdict(self.result));
        let holds: Vec<&Hold> = self.hold.iter().collect();
        let problem = Untrusted::from("the holds cannot be read");
        let by = crate::domain::pin::PinnedBy {
            commit: "c0ffee".to_owned(),
            author: "Ada".into(),
            at: Timestamp::UNIX_EPOCH,
            subject: "Revert \"x\"\n::error::".into(),
        };
        findings(&StepFacts {
            place: &place,
            from: None,
            policy: &self.policy,
            verdict: &verdict,
            evidence: &[],
            acknowledged: self.acknowledged,
            holds: if self.unreadable { Err(&problem) } else { Ok(&holds) },
            direction: if self.back {
                Direction::Back
            } else {
                Direction::Forward(&self.after)
            },
            reverted: self.reverted.then_some(&by),
            now: Timestamp::from_second(NOW).expect("a time"),
        })
    }

    fn kinds(&self) -> Vec<K> {
        self.found().iter().map(|finding| finding.kind).collect()
    }
}

fn hold() -> Option<Hold> {
    Some(crate::domain::hold::sample("staging", 7))
}

#[test]
fn each_gate_says_its_own_and_nothing_is_said_twice() {
    let of = |change: &dyn Fn(&mut Facts)| {
        let mut facts = Facts::default();
        change(&mut facts);
        facts.kinds()
    };
    assert_eq!(of(&|_| {}), []);
    assert_eq!(of(&|f| f.after = Vec::new()), [], "the first environment");
    assert_eq!(of(&|f| f.result = Outcome::Rejected), [K::PinRejected]);
    assert_eq!(of(&|f| f.result = Outcome::Unknown), [K::PinUnknown]);
    assert_eq!(of(&|f| f.result = Outcome::Warned), [K::PinWarned]);
    let acknowledged = |f: &mut Facts| (f.result, f.acknowledged) = (Outcome::Warned, true);
    assert_eq!(of(&acknowledged), []);
    assert_eq!(of(&|f| f.hold = hold()), [K::HoldViolated]);
    assert_eq!(of(&|f| f.unreadable = true), [K::HoldViolated]);
    assert_eq!(of(&|f| f.after = since(None)), [K::OrderSkipped]);
    assert_eq!(of(&|f| f.policy.soak = Some(60)), [K::Soak]);
    let long = |f: &mut Facts| (f.policy.soak, f.after) = (Some(60), since(Some(61)));
    assert_eq!(of(&long), []);
    let skipped = |f: &mut Facts| (f.policy.soak, f.after) = (Some(60), since(None));
    assert_eq!(of(&skipped), [K::OrderSkipped], "what is not there has no time there");
    assert_eq!(of(&|f| f.policy.freeze = always_frozen()), [K::Freeze]);
    assert_eq!(of(&|f| f.reverted = true), [K::RevertedDigest]);
}

#[test]
fn a_step_back_is_stopped_by_the_verdict_and_by_holds_only() {
    let back = |change: &dyn Fn(&mut Facts)| {
        let mut facts = Facts {
            back: true,
            after: since(None),
            ..Facts::default()
        };
        facts.policy.soak = Some(60);
        facts.policy.freeze = always_frozen();
        change(&mut facts);
        facts.kinds()
    };
    assert_eq!(back(&|_| {}), []);
    assert_eq!(back(&|f| f.result = Outcome::Rejected), [K::PinRejected]);
    assert_eq!(back(&|f| f.result = Outcome::Unknown), [K::PinUnknown]);
    assert_eq!(back(&|f| f.result = Outcome::Warned), [K::PinWarned]);
    assert_eq!(back(&|f| f.hold = hold()), [K::HoldViolated]);
    assert_eq!(back(&|f| f.unreadable = true), [K::HoldViolated]);
}

#[test]
fn only_what_nobody_can_say_is_unknown_and_every_finding_is_complete() {
    for (result, level) in [
        (Outcome::Rejected, FindingLevel::Error),
        (Outcome::Unknown, FindingLevel::Unknown),
    ] {
        let facts = Facts {
            result,
            hold: hold(),
            after: since(None),
            reverted: true,
            ..Facts::default()
        };
        let all = facts.found();
        assert_eq!(all[0].level, level);
        for finding in &all {
            assert_eq!((finding.file.as_deref(), finding.line), (Some("prod.yaml"), Some(9)));
            assert!(
                finding.verdict.is_some() && !finding.message.raw().is_empty() && !finding.next.as_str().is_empty()
            );
            assert!(finding.message.clean().into_string().chars().all(|c| !c.is_control()));
        }
    }
}

#[test]
fn what_the_policy_lets_a_person_waive_is_named_and_not_waived() {
    let mut facts = Facts {
        after: since(None),
        ..Facts::default()
    };
    facts.policy.break_glass = BTreeSet::from([Waivable::Order]);
    let all = facts.found();
    assert_eq!((all.len(), all[0].level), (1, FindingLevel::Error));
    assert!(all[0].message.raw().contains("--break-glass"), "{:?}", all[0].message);
}

#[test]
fn tags_without_and_beside_digests() {
    let mut place = place();
    let names = Digest::from_bytes([9; 32]);
    assert_eq!(mismatch(&place, None, names, true).level, FindingLevel::Error);
    assert_eq!(mismatch(&place, None, names, false).level, FindingLevel::Warning);
    let from = PinVersion {
        tag: None,
        digest: place.digest.take(),
    };
    let became = by_tag(&place, Some(&from));
    assert_eq!((became.kind, became.level), (K::PinByTag, FindingLevel::Error));
    assert!(became.message.raw().starts_with("the digest became tag \"1.4.0\""));
    assert!(by_tag(&place, None).message.raw().starts_with("a new pin by tag"));
}
