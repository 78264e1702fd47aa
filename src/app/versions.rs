//! The version of a digest, as people call it. A version that was known once stays known: a digest keeps its
//! name on the receipt of the write that replaced it.

use std::collections::BTreeMap;

use crate::domain::board::{Board, Cell, ServiceRow, Update};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::verdict::Outcome;

/// A version, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedVersion {
    /// The tag beside a pin of this digest, or the tag by which CI offers it.
    Tag(String),
    /// The version label of the image itself, whose evidence verifies.
    Label(String),
}

impl NamedVersion {
    /// The version alone.
    pub fn text(&self) -> &str {
        match self {
            Self::Tag(text) | Self::Label(text) => text,
        }
    }
}

/// Every version that this session has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownVersions(BTreeMap<ServiceId, BTreeMap<Digest, NamedVersion>>);

impl KnownVersions {
    /// Remembers a tag that stood beside a digest.
    pub fn note_tag(&mut self, service: &ServiceId, digest: Digest, tag: &str) {
        self.note(service, digest, NamedVersion::Tag(tag.to_owned()));
    }

    /// Remembers what the board says of every pinned digest, before an update replaces its rows.
    pub fn note_update(&mut self, board: &Board, update: &Update) {
        if !matches!(update, Update::Opened { .. }) {
            return;
        }
        for row in &board.services {
            for digest in row.cells.iter().filter_map(|cell| cell.pin.digest) {
                if let Some(version) = on_row(row, digest) {
                    self.note(&row.name, digest, version);
                }
            }
        }
    }

    fn note(&mut self, service: &ServiceId, digest: Digest, version: NamedVersion) {
        let known = self.0.entry(service.clone()).or_default();
        known.insert(digest, version);
    }

    fn of(&self, service: &ServiceId, digest: Digest) -> Option<&NamedVersion> {
        self.0.get(service)?.get(&digest)
    }
}

/// The versions of the digests on a board, and of those that this session has seen before.
#[derive(Debug, Clone, Copy)]
pub struct VersionNames<'a> {
    board: &'a Board,
    known: &'a KnownVersions,
}

impl<'a> VersionNames<'a> {
    /// Of these.
    pub const fn new(board: &'a Board, known: &'a KnownVersions) -> Self {
        Self { board, known }
    }

    /// The version of a digest of a service: the tag beside a pin of it, else the label of an image that
    /// verifies, else the tag by which CI offers it or offered it, else what it was called before.
    pub fn of(&self, service: &ServiceId, digest: Digest) -> Option<NamedVersion> {
        let here = self.board.row(service).and_then(|row| on_row(row, digest));
        here.or_else(|| self.known.of(service, digest).cloned())
    }
}

/// The version of a digest as its own row knows it: without a look at what the session has seen before.
pub fn on_row(row: &ServiceRow, digest: Digest) -> Option<NamedVersion> {
    let pinned = || row.cells.iter().filter(|cell| cell.pin.digest == Some(digest));
    if let Some(tag) = pinned().find_map(|cell| cell.pin.tag.clone()) {
        return Some(NamedVersion::Tag(tag));
    }
    if let Some(label) = pinned()
        .filter(|cell| verifies(cell))
        .find_map(|cell| cell.version.as_ref())
    {
        return Some(NamedVersion::Label(label.clean().into_string()));
    }
    let candidate = row.candidate.value().and_then(Option::as_ref)?;
    let offered = candidate.versions.iter().find(|version| version.digest == Some(digest));
    match offered {
        Some(version) => Some(NamedVersion::Tag(version.tag.clone())),
        None => (candidate.digest == digest).then(|| NamedVersion::Tag(candidate.tag.clone())),
    }
}

/// A label is believed only where the evidence of these bytes is.
fn verifies(cell: &Cell) -> bool {
    let verdict = cell.verdict();
    verdict.is_some_and(|verdict| matches!(verdict.result, Outcome::Verified | Outcome::Warned))
}
