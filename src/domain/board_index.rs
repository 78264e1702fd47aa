//! Where each row and each cell of a board stands, so that an update finds its own without a look at the others.
//! Pure.
//!
//! Positions are found by hash, under a key that is drawn anew for each board: nobody who writes names into a
//! repository can make them collide. A hash only leads to a place; what stands there is compared before it is used.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::candidate::VersionPlaces;
use super::id::{Digest, ServiceId};
use super::pin::Pin;
use super::reference::Repository;

/// What identifies a cell, borrowed from a key or from a pin: service, environment, component, image, digest, and the
/// tag where there is no digest.
pub(super) type CellIdentity<'a> = (
    &'a ServiceId,
    &'a str,
    Option<&'a str>,
    &'a Repository,
    Option<Digest>,
    Option<&'a str>,
);

/// Positions of the rows and cells of a board, as they were when it was opened.
#[derive(Debug, Clone, Default)]
pub(super) struct BoardIndex {
    hasher: RandomState,
    rows: HashMap<u64, RowPlace>,
    /// Row and cell.
    cells: HashMap<u64, (u32, u32)>,
    /// How many rows there were.
    len: usize,
    /// Where digests stand among the versions of each row's candidate, by the row's name.
    versions: HashMap<u64, VersionPlaces>,
    /// Rows and cells that were compared in search of one.
    pub(super) compared: u64,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowPlace {
    /// Its position.
    pub(super) at: u32,
    /// How many cells it had.
    pub(super) cells: usize,
}

/// An index says nothing that its rows do not say.
impl PartialEq for BoardIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What identifies the cell of a pin.
pub(super) fn identity_of(pin: &Pin) -> CellIdentity<'_> {
    let tag = pin.tag.as_deref().filter(|_| pin.digest.is_none());
    let target = &pin.target;
    (
        &target.service,
        target.environment.as_str(),
        pin.component.as_deref(),
        &pin.image,
        pin.digest,
        tag,
    )
}

impl BoardIndex {
    /// Counts one more row, with the pins of its cells, in their order.
    pub(super) fn push<'p>(&mut self, name: &ServiceId, pins: impl Iterator<Item = &'p Pin>) {
        let at = u32::try_from(self.len).unwrap_or(u32::MAX);
        let mut cells = 0;
        for (pin, place) in pins.zip(0u32..) {
            let identity = self.hasher.hash_one(identity_of(pin));
            self.cells.entry(identity).or_insert((at, place));
            cells += 1;
        }
        let place = RowPlace { at, cells };
        self.rows.entry(self.hasher.hash_one(name)).or_insert(place);
        self.len += 1;
    }

    /// How many rows there were.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the row of a service should be.
    pub(super) fn row(&self, service: &ServiceId) -> Option<RowPlace> {
        self.rows.get(&self.hasher.hash_one(service)).copied()
    }

    /// Where a cell should be: row and cell.
    pub(super) fn cell(&self, identity: CellIdentity<'_>) -> Option<(usize, usize)> {
        let (row, cell) = self.cells.get(&self.hasher.hash_one(identity)).copied()?;
        Some((row as usize, cell as usize))
    }

    /// Where digests stand among the versions of a service's candidate.
    pub(super) fn versions(&self, service: &ServiceId) -> Option<&VersionPlaces> {
        self.versions.get(&self.hasher.hash_one(service))
    }

    /// Remembers where they stand; `None` = there is no candidate.
    pub(super) fn keep_versions(&mut self, service: &ServiceId, places: Option<VersionPlaces>) {
        let service = self.hasher.hash_one(service);
        match places {
            Some(places) => self.versions.insert(service, places),
            None => self.versions.remove(&service),
        };
    }
}
