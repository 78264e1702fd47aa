//! The places that decide pins in one commit, as a comparison of two commits needs them.

use std::collections::BTreeSet;

use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;

use super::finding::PinVersion;

/// A workload as it is told from others: by kind and name, wherever its file lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorkloadPlace {
    /// The file that it is written in.
    pub file: String,
    /// Kind, namespace and name.
    pub name: String,
}

/// Where in a workload, or where there is none in a file, an image stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ImageSlot {
    /// The workload; one without a name is the file itself.
    pub workload: WorkloadPlace,
    /// The container or field, by names.
    pub name: String,
    /// The path in the file, which only counts: what stands below or above it changes it.
    pub path: String,
}

/// One place that decides what an environment runs of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PinnedPlace {
    /// Whose it is.
    pub target: Target,
    /// Which variant of the image, where there are several.
    pub component: Option<String>,
    /// The repository that is deployed.
    pub image: Repository,
    /// The tag that is written there.
    pub tag: Option<String>,
    /// The bytes; `None` = by tag only.
    pub digest: Option<Digest>,
    /// Path in the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// The mapping in the file that it stands in.
    pub entry: String,
    /// The workloads that run it, as far as they have names.
    pub workloads: BTreeSet<WorkloadPlace>,
    /// Everywhere that what is decided here runs: in those workloads, else in the file.
    pub slots: BTreeSet<ImageSlot>,
    /// Why it cannot be decided what is deployed, if so.
    pub uncertain: Option<String>,
}

/// What pins are compared by: all places of one key are one pin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PinOf {
    /// Service and environment.
    pub target: Target,
    /// Which variant of the image, where there are several.
    pub component: Option<String>,
}

impl PinnedPlace {
    /// Which pin it is a place of.
    pub(crate) fn pin(&self) -> PinOf {
        PinOf {
            target: self.target.clone(),
            component: self.component.clone(),
        }
    }

    /// What is written there.
    pub(crate) fn version(&self) -> PinVersion {
        PinVersion {
            tag: self.tag.clone(),
            digest: self.digest,
        }
    }

    /// Whether the same image, tag and digest stand at both places, as certainly as before.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.image == other.image
            && self.tag == other.tag
            && self.digest == other.digest
            && (self.uncertain.is_none() || other.uncertain.is_some())
    }

    /// Whether a workload of the same name runs what stands at both places.
    pub(crate) fn shares_workload(&self, other: &Self) -> bool {
        let mut own = self.workloads.iter();
        own.any(|one| other.workloads.iter().any(|another| one.name == another.name))
    }

    /// Whether the same workloads, or on both sides none that has a name, run what stands at both places.
    pub(crate) fn runs_in_the_same(&self, other: &Self) -> bool {
        self.shares_workload(other) || self.workloads.is_empty() && other.workloads.is_empty()
    }

    /// Whether these very bytes of this repository stand there.
    pub(crate) fn names(&self, image: &Repository, digest: Digest) -> bool {
        self.image == *image && self.digest == Some(digest)
    }
}
