//! Plans: what a write would do, decided before anything is touched. A plan names base commit,
//! edits, digests and reasons exactly as the confirm screen shows them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::board::PinKey;
use super::hold::HoldChange;
use super::id::{Digest, EnvId, ServiceId, Target};
use super::policy::Confirm;
use super::reference::Repository;
use super::text::Untrusted;
use super::verdict::Verdict;

pub use super::gate::{Gate, GateName, GateState, Opener};
pub(crate) use super::gate::{
    PromoteFacts, RevertFacts, edit_gate, mark_waivable, pin_gates, promote_gates, read_only_gate, revert_gates, waive,
};

/// What a write is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A digest steps forward.
    Promote,
    /// A previous digest comes back.
    Revert,
    /// A pin by tag gets its digest.
    Pin,
    /// A digest is put on hold.
    Hold,
    /// A hold ends.
    ReleaseHold,
}

impl Verb {
    /// As a word before the name of a service.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Revert => "revert",
            Self::Pin => "pin",
            Self::Hold => "hold",
            Self::ReleaseHold => "release the hold of",
        }
    }
}

/// One service in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it does.
    pub verb: Verb,
    /// Name of the service, as configured or inferred.
    pub service: ServiceId,
    /// Name of the environment, as configured or inferred.
    pub environment: EnvId,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The repository the pin will name; `None` where a hold is about a service that is gone.
    pub image: Option<Repository>,
    /// The digest pinned now.
    pub from: Option<Digest>,
    /// The digest pinned afterwards.
    pub to: Digest,
    /// The commit it was planned on.
    pub base_commit: String,
    /// The policy that judged it.
    pub policy: PolicyUsed,
    /// The exact file changes.
    pub edits: Vec<FileEdit>,
    /// Content to bring to the environment's own registry first.
    pub copies: Vec<Copy>,
    /// Texts that name the old digest or tag too: taken along, or left behind.
    pub loose_copies: Vec<super::loose_copy::LooseCopy>,
    /// The holds that begin and end with it.
    pub holds: BTreeSet<HoldChange>,
    /// Every gate, open or closed.
    pub gates: Vec<Gate>,
    /// What a person should know before saying yes.
    pub warnings: Vec<Untrusted>,
    /// The verdict of `to` under today's policy.
    pub verdict: Option<Verdict>,
    /// The whole commit message.
    pub message: String,
    /// How a person confirms.
    pub confirm: Confirm,
}

/// The policy a plan was made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyUsed {
    /// Name of the policy in `pindeck.toml`.
    pub name: String,
    /// Digest of the policy and its trust profiles.
    pub digest: Digest,
    /// A commit or a file.
    pub source: String,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// Path in the repository.
    pub file: String,
    /// First changed line, from 1.
    pub line: u32,
    /// Unified diff.
    pub diff: String,
}

/// Content to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// Where it is.
    pub source: Repository,
    /// Where it must be.
    pub destination: Repository,
    /// Digest of the image or index that is copied.
    pub digest: Digest,
    /// The tag to hang on it last, if any.
    pub tag: Option<String>,
}

impl Plan {
    /// The pin that it leaves behind; `None` where it is about a service that is gone.
    pub(crate) fn key_of_result(&self) -> Option<PinKey> {
        Some(PinKey {
            target: Target::new(self.service.clone(), self.environment.clone()),
            component: self.component.clone(),
            image: self.image.clone()?,
            digest: Some(self.to),
            tag: None,
        })
    }

    /// The first closed gate.
    pub fn closed_gate(&self) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.state == GateState::Closed)
    }
}
