//! What checking one statement found, check by check, as it is being found.

use crate::domain::evidence::{
    CauseKind, Check, CheckName, CheckState, Evidence, EvidenceKind, EvidenceState, Format, Signer,
};
use crate::domain::text::Untrusted;

use super::item::{Carrier, Item};

/// Why a statement is not verified: the check that failed first, the cause, and a sentence.
#[derive(Debug)]
pub(super) struct Refusal {
    pub check: CheckName,
    pub cause: CauseKind,
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(check: CheckName, cause: CauseKind, detail: impl Into<String>) -> Self {
        Self {
            check,
            cause,
            detail: detail.into(),
        }
    }
}

const ORDER: [CheckName; 10] = [
    CheckName::Signature,
    CheckName::Chain,
    CheckName::Sct,
    CheckName::LogPromise,
    CheckName::InclusionProof,
    CheckName::Timestamp,
    CheckName::Identity,
    CheckName::Issuer,
    CheckName::Subject,
    CheckName::Predicate,
];

/// An [`Evidence`] while its checks run. It begins with every check not reached.
pub(super) struct Report {
    evidence: Evidence,
}

impl Report {
    /// What is said of a statement without a signature.
    pub(crate) const UNSIGNED: &'static str = "carries no signature: shown, never counted";

    pub(crate) fn new(item: &Item, format: Format) -> Self {
        let checks = ORDER.map(|check| Check {
            check,
            state: CheckState::NotChecked,
            detail: Untrusted::from("not reached"),
        });
        Self {
            evidence: Evidence {
                checks: checks.to_vec(),
                ..Evidence::new(EvidenceKind::Other, format, item.digest, item.attached_to)
            },
        }
    }

    pub(crate) fn evidence(&mut self) -> &mut Evidence {
        &mut self.evidence
    }

    pub(crate) fn kind(&self) -> EvidenceKind {
        self.evidence.kind
    }

    pub(crate) fn signed_by(&mut self, signer: Signer) {
        self.evidence.signer = Some(signer);
    }

    pub(crate) fn set(&mut self, check: CheckName, state: CheckState, detail: impl Into<Untrusted>) {
        if let Some(known) = self.evidence.checks.iter_mut().find(|c| c.check == check) {
            known.state = state;
            known.detail = detail.into();
        }
    }

    pub(crate) fn passed(&mut self, check: CheckName, detail: impl Into<Untrusted>) {
        self.set(check, CheckState::Passed, detail);
    }

    pub(crate) fn not_present(&mut self, check: CheckName, detail: impl Into<Untrusted>) {
        self.set(check, CheckState::NotPresent, detail);
    }

    pub(crate) fn not_checked(&mut self, check: CheckName, detail: impl Into<Untrusted>) {
        self.set(check, CheckState::NotChecked, detail);
    }

    /// Ends with a cause.
    pub(crate) fn refuse(mut self, refusal: Refusal) -> Evidence {
        let detail = Untrusted::new(refusal.detail);
        self.set(refusal.check, CheckState::Failed, detail.clone());
        self.end(refusal.cause, detail)
    }

    /// Ends with a cause that no single check found (nothing could be read at all).
    pub(crate) fn end(mut self, cause: CauseKind, detail: impl Into<Untrusted>) -> Evidence {
        self.evidence.state = match cause {
            CauseKind::Unreachable => EvidenceState::Unreachable,
            CauseKind::NotChecked => EvidenceState::NotChecked,
            CauseKind::Unsupported => EvidenceState::Unsupported,
            _ => EvidenceState::Failed,
        };
        self.evidence.cause = Some(cause);
        self.evidence.detail = Some(detail.into());
        self.evidence
    }

    /// Ends as unsigned: shown, never counted.
    pub(crate) fn unsigned(mut self) -> Evidence {
        for check in ORDER {
            if check != CheckName::Predicate {
                self.not_present(check, "carries no signature");
            }
        }
        self.evidence.state = EvidenceState::Unsigned;
        self.evidence.detail = Some(Self::UNSIGNED.into());
        self.evidence
    }

    /// Ends as verified: every check has been set by now.
    pub(crate) fn verified(mut self) -> Evidence {
        self.evidence.state = EvidenceState::Verified;
        self.evidence
    }
}

/// The kind of an item whose content could not be read, from its annotations: it names what fails and
/// makes nothing pass.
pub(super) fn named_kind(item: &Item) -> (EvidenceKind, Option<String>) {
    const KEYS: [&str; 3] = [
        "predicateType",
        "dev.sigstore.bundle.predicateType",
        "in-toto.io/predicate-type",
    ];
    let simple = item.media_type.starts_with("application/vnd.dev.cosign.simplesigning");
    if simple || item.carrier == Carrier::CosignSigTag {
        return (EvidenceKind::Signature, None);
    }
    if let Some(named) = KEYS.iter().find_map(|key| item.annotations.get(*key)) {
        return (EvidenceKind::of_predicate(named), Some(named.clone()));
    }
    let sbom =
        item.carrier == Carrier::SbomTag || ["spdx", "cyclonedx"].iter().any(|name| item.media_type.contains(name));
    if sbom {
        return (EvidenceKind::Sbom, None);
    }
    if item.media_type.contains("cncf.notary") {
        return (EvidenceKind::Signature, None);
    }
    if item.annotations.get("dev.sigstore.bundle.content").map(String::as_str) == Some("message-signature") {
        return (EvidenceKind::Signature, None);
    }
    (EvidenceKind::Other, None)
}
