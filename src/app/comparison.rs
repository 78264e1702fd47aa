//! Comparing two digests: what is compared, and how far the comparison is.

use jiff::Timestamp;

use super::cursor::ScreenSubject;
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::plan::Plan;
use crate::domain::reference::Repository;

/// The comparison of two digests, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComparisonState {
    /// Nobody has asked yet.
    NotAsked,
    /// Being read.
    Running,
    /// There is no old digest, or it is the same.
    Nothing,
    /// The answer.
    Known(Box<DigestDiff>),
    /// It could not be read.
    Failed(Failure),
}

/// The screen that compares two digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffScreen {
    /// Whose bytes.
    pub subject: ScreenSubject,
    /// What they can be compared with; never empty.
    pub pairs: Vec<DigestPair>,
    /// Which of them is shown.
    pub at: usize,
    /// The comparison.
    pub compared: ComparisonState,
    /// Since when it runs.
    pub since: Timestamp,
    /// First line shown.
    pub top: u16,
}

/// Two digests with what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestPair {
    /// The old side.
    pub a: PlacedDigest,
    /// The new side.
    pub b: PlacedDigest,
}

/// A digest with the place it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedDigest {
    /// The service whose digest it is.
    pub service: ServiceId,
    /// What it is: `pinned in staging`, `what CI offers`.
    pub what: String,
    /// Where it lives.
    pub image: Repository,
    /// Which.
    pub digest: Digest,
}

/// Old and new digest of a plan, each where its content is.
pub fn plan_pair(plan: &Plan) -> Option<DigestPair> {
    let from = plan.from.filter(|from| *from != plan.to)?;
    let pulled = plan.image.as_ref()?;
    let image = plan.copies.first().map_or(pulled, |copy| &copy.source);
    Some(DigestPair {
        a: PlacedDigest {
            service: plan.service.clone(),
            what: format!("pinned in {}", plan.environment),
            image: pulled.clone(),
            digest: from,
        },
        b: PlacedDigest {
            service: plan.service.clone(),
            what: "the plan's".to_owned(),
            image: image.clone(),
            digest: plan.to,
        },
    })
}
