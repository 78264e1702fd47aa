//! What earlier runs found out of contents and commits, for boards and histories: opened when it is asked for first.

use std::sync::{Arc, OnceLock};

use super::file_scans::{BelievedScans, ScanCache};
use super::kept_folders::sealed;
use super::kept_scans::{self, KeptScans};
use super::options::OpenOptions;
use super::packed_facts::PackedFacts;
use super::pin_states::{BelievedPast, BlobReferences, KeptChanges, KeptReferences};
use crate::sources::git::GitRepo;

/// The facts about a repository that are kept between runs.
#[derive(Default)]
pub(super) struct KeptFacts {
    scans: OnceLock<Option<Arc<BelievedScans>>>,
    past: OnceLock<Option<Arc<BelievedPast>>>,
}

/// Whose facts they are.
#[derive(Clone, Copy)]
pub(super) struct FactsOf<'a> {
    pub options: &'a OpenOptions,
    pub repo: &'a GitRepo,
}

impl FactsOf<'_> {
    fn open(self, kind: &str) -> Option<PackedFacts> {
        let (cache, key) = sealed(self.options)?;
        let repository = self.repo.common_dir().to_string_lossy();
        Some(PackedFacts::open(cache, key, kind, &repository))
    }
}

impl KeptFacts {
    /// The same scans that believe what earlier runs kept. Nothing but boards and histories is made of them.
    pub(super) fn believed(&self, scans: &ScanCache, of: FactsOf<'_>) -> ScanCache {
        let open = || of.open(kept_scans::KIND).map(KeptScans::new);
        let kept = self.scans.get_or_init(|| open().map(BelievedScans::new).map(Arc::new));
        scans.believing(kept.clone())
    }

    /// The same of the references of contents of the past, and of what commits changed.
    pub(super) fn believed_past(&self, references: &BlobReferences, of: FactsOf<'_>) -> BlobReferences {
        let open = || {
            let references = KeptReferences::new(of.open(KeptReferences::KIND)?);
            let changes = KeptChanges::new(of.open(KeptChanges::KIND)?);
            Some(Arc::new(BelievedPast::new(references, changes)))
        };
        references.believing(self.past.get_or_init(open).clone())
    }

    /// Writes what was found out since.
    pub(super) fn save(&self) {
        if let Some(Some(past)) = self.past.get() {
            past.save();
        }
        if let Some(Some(scans)) = self.scans.get() {
            scans.save();
        }
    }
}
