//! Verification of evidence: synchronous, offline, pure CPU.
//!
//! One [`Item`] (a blob some artifact manifest names) goes in, [`Evidence`] comes out: one entry a
//! statement, each with its state, its cause and every check on its own. Whether the *policy* is
//! satisfied is decided by [`crate::domain::verdict::judge`], never here.
//!
//! Everything fails closed: what is not understood is *unsupported* or *malformed*, what could not be
//! fetched is *unreachable*, and only a statement whose signature, identity and subject all hold is
//! *verified*.

mod item;
pub mod predicate;

pub use item::{Carrier, Item, ItemProblem, Question};
pub use trust::{Trust, TrustError};

mod trust;

use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Format};

/// Checks one item against the question. Never panics; a jsonl item may hold several statements.
pub fn check(item: &Item, question: &Question<'_>) -> Vec<Evidence> {
    let _ = question;
    vec![Evidence {
        kind: EvidenceKind::Other,
        predicate_type: None,
        format: Format::SigstoreBundle,
        digest: item.digest,
        attached_to: item.attached_to,
        subjects: Vec::new(),
        state: EvidenceState::Unsupported,
        cause: Some(CauseKind::Unsupported),
        detail: None,
        signer: None,
        log: Default::default(),
        timestamp: Default::default(),
        signed_at: None,
        summary: Default::default(),
        checks: Vec::new(),
    }]
}
