//! Questions about one digest under one trust profile, and what their answers must be.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use pindeck::domain::evidence::{CauseKind, CheckName, CheckState, Evidence, EvidenceKind, EvidenceState};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{
    Demands, LogRule, Policy, SignerRule, TestResultRule, TimeRule, TrustProfile, TrustedKey,
};
use pindeck::domain::verdict::{Facts, Outcome, Presence, judge};
use pindeck::sources::evidence::{Item, Question, Trust, check};

/// A profile that believes these keys, without a log.
pub fn by_keys(keys: &[(&str, String)]) -> TrustProfile {
    TrustProfile {
        name: "test".to_owned(),
        keys: keys
            .iter()
            .map(|(name, pem)| TrustedKey {
                name: (*name).to_owned(),
                pem: pem.clone(),
                validity: Default::default(),
            })
            .collect(),
        root: None,
        identities: Vec::new(),
        transparency_log: LogRule::NotRequired,
        sct: true,
        timestamp: TimeRule::Any,
        demands: Demands::default(),
        signature_format: None,
        predicate_types: Vec::new(),
    }
}

/// Asks about one digest under one profile.
pub struct Ask {
    pub profile: TrustProfile,
    pub subject: Digest,
    pub via: Option<Digest>,
    pub bytes: Option<Vec<u8>>,
    pub service: Option<&'static str>,
}

impl Ask {
    pub fn new(profile: TrustProfile, subject: Digest) -> Self {
        Self {
            profile,
            subject,
            via: None,
            bytes: None,
            service: None,
        }
    }

    pub fn of(&self, item: &Item) -> Vec<Evidence> {
        let trust = Trust::new(&BTreeMap::from([("test".to_owned(), self.profile.clone())])).expect("a usable profile");
        self.under(&trust, item)
    }

    /// The same under a trust that is ready.
    pub fn under(&self, trust: &Trust, item: &Item) -> Vec<Evidence> {
        let signer = SignerRule {
            default: Some("test".to_owned()),
            per_kind: BTreeMap::new(),
        };
        let question = Question {
            subject: self.subject,
            also_known_as: &[],
            via: self.via,
            manifest_bytes: self.bytes.as_deref(),
            service: self.service,
            signer: &signer,
            service_signer: None,
            trust,
            keep_content: true,
        };
        check(item, &question)
    }

    pub fn one(&self, item: &Item) -> Evidence {
        let mut all = self.of(item);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// It holds.
#[track_caller]
pub fn holds(evidence: &Evidence, kind: EvidenceKind) {
    assert_eq!(
        (evidence.state, evidence.cause, evidence.kind),
        (EvidenceState::Verified, None, kind),
        "{:?}",
        evidence.detail
    );
    let failed = evidence.checks.iter().find(|c| c.state == CheckState::Failed);
    assert_eq!(failed, None, "verified with a failed check");
    assert_eq!(state(evidence, CheckName::Signature), CheckState::Passed);
    assert_eq!(state(evidence, CheckName::Subject), CheckState::Passed);
}

/// It does not, for this cause, found by this check.
#[track_caller]
pub fn fails(evidence: &Evidence, cause: CauseKind, check: Option<CheckName>) {
    assert_eq!(evidence.cause, Some(cause), "{:?}", evidence.detail);
    assert_ne!(evidence.state, EvidenceState::Verified);
    if let Some(check) = check {
        assert_eq!(state(evidence, check), CheckState::Failed, "{:?}", evidence.checks);
    }
}

pub fn state(evidence: &Evidence, check: CheckName) -> CheckState {
    evidence
        .checks
        .iter()
        .find(|c| c.check == check)
        .expect("every check is there")
        .state
}

/// The verdict of a policy that requires one kind, with a limit of its age if there is one.
pub fn judge_by(
    evidence: &[Evidence],
    required: EvidenceKind,
    max_age: Option<SignedDuration>,
    now: Timestamp,
) -> Outcome {
    let policy = Policy {
        name: "test".to_owned(),
        require: vec![required],
        signer: SignerRule::default(),
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: max_age.map(|limit| (required, limit.as_secs())).into_iter().collect(),
        soak: None,
        freeze: Vec::new(),
        break_glass: Default::default(),
        digest: Digest::of(b"a policy"),
    };
    let facts = Facts {
        digest: Digest::of(b"an image"),
        presence: &Presence::Present,
        evidence,
        incomplete: &[],
        source: None,
    };
    judge(&policy, facts, now).result
}
