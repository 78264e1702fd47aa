//! Evidence of our own making, and genuine evidence that was tampered with: what holds, what does not, and
//! for which cause.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it saw, and ends loudly"
)]

#[path = "../support/evidence_cases.rs"]
mod evidence_cases;
mod forge;
mod genuine;
mod hostile;
mod keys;
mod statements;

use std::collections::BTreeMap;

use pindeck::domain::evidence::{CauseKind, CheckName, CheckState, Evidence, EvidenceKind, EvidenceState};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{Demands, LogRule, SignerRule, TimeRule, TrustProfile, TrustedKey};
use pindeck::sources::evidence::{Item, Question, Trust, check};

/// A profile that believes these keys, without a log.
pub(crate) fn by_keys(keys: &[(&str, String)]) -> TrustProfile {
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
    }
}

/// Asks about one digest under one profile.
pub(crate) struct Ask {
    pub(crate) profile: TrustProfile,
    pub(crate) subject: Digest,
    pub(crate) via: Option<Digest>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) service: Option<&'static str>,
}

impl Ask {
    pub(crate) fn new(profile: TrustProfile, subject: Digest) -> Self {
        Self {
            profile,
            subject,
            via: None,
            bytes: None,
            service: None,
        }
    }

    pub(crate) fn of(&self, item: &Item) -> Vec<Evidence> {
        let trust = Trust::new(&BTreeMap::from([("test".to_owned(), self.profile.clone())])).expect("a usable profile");
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
            trust: &trust,
            keep_content: true,
        };
        check(item, &question)
    }

    pub(crate) fn one(&self, item: &Item) -> Evidence {
        let mut all = self.of(item);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// It holds.
#[track_caller]
pub(crate) fn holds(evidence: &Evidence, kind: EvidenceKind) {
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
pub(crate) fn fails(evidence: &Evidence, cause: CauseKind, check: Option<CheckName>) {
    assert_eq!(evidence.cause, Some(cause), "{:?}", evidence.detail);
    assert_ne!(evidence.state, EvidenceState::Verified);
    if let Some(check) = check {
        assert_eq!(state(evidence, check), CheckState::Failed, "{:?}", evidence.checks);
    }
}

pub(crate) fn state(evidence: &Evidence, check: CheckName) -> CheckState {
    evidence
        .checks
        .iter()
        .find(|c| c.check == check)
        .expect("every check is there")
        .state
}
