//! What follows from contents and commits of the past alone, kept from earlier runs: what a content refers to, and what a
//! commit changed. Whose pins they are is decided by today's rules, each time anew.

use std::sync::Arc;

use super::past_reference::{PastReference, PastReferences};
use crate::engine::compact;
use crate::engine::packed_facts::PackedFacts;
use crate::sources::git::{KnownChanges, RecordedCommit};

/// References of contents from earlier runs, and those for later ones.
#[derive(Debug)]
pub(crate) struct KeptReferences(PackedFacts);

impl KeptReferences {
    /// The kind of these facts.
    pub(crate) const KIND: &'static str = "references";

    pub(crate) fn new(facts: PackedFacts) -> Self {
        Self(facts)
    }

    /// What a content refers to in a file of this name.
    pub(super) fn get(&self, name: &str, oid: &str) -> Option<PastReferences> {
        let found: Vec<PastReference> = self.0.read(&key(name, oid), compact::decode)?;
        Some(Arc::from(found))
    }

    /// Keeps it: all that the content refers to, whatever was asked.
    pub(super) fn add(&self, name: &str, oid: &str, found: &PastReferences) {
        let key = key(name, oid);
        if self.0.read(&key, |_| Some(())).is_none()
            && let Some(value) = compact::encode(&**found)
        {
            self.0.add(key, value);
        }
    }

    pub(super) fn save(&self) {
        self.0.save();
    }
}

/// What references follow from.
fn key(name: &str, oid: &str) -> Vec<u8> {
    [oid, name].join("\0").into_bytes()
}

/// What commits changed, from earlier runs and for later ones.
#[derive(Debug)]
pub(crate) struct KeptChanges(PackedFacts);

impl KeptChanges {
    /// The kind of these facts.
    pub(crate) const KIND: &'static str = "changes";

    pub(crate) fn new(facts: PackedFacts) -> Self {
        Self(facts)
    }

    pub(super) fn save(&self) {
        self.0.save();
    }
}

impl KnownChanges for KeptChanges {
    fn get(&self, commit: &str) -> Option<RecordedCommit> {
        self.0.read(commit.as_bytes(), compact::decode)
    }

    fn add(&self, commit: &str, recorded: &RecordedCommit) {
        if let Some(value) = compact::encode(recorded) {
            self.0.add(commit.as_bytes().to_vec(), value);
        }
    }
}
