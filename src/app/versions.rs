//! The version of a digest, as people call it.

use super::state::{CockpitState, Screen};
use crate::domain::id::{Digest, ServiceId};

/// A version, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedVersion {
    /// The tag beside a pin of this digest, or the tag by which CI offers it.
    Tag(String),
    /// The version label of the image itself.
    Label(String),
}

/// The version of a digest of a service: the tag beside a pin of it, else the tag by which CI offers it or
/// offered it, else the label of the image.
pub fn version_of(state: &CockpitState, service: &ServiceId, digest: Digest) -> Option<NamedVersion> {
    let row = state.board.row(service)?;
    let pinned = || row.cells.iter().filter(|cell| cell.pin.digest == Some(digest));
    if let Some(tag) = pinned().find_map(|cell| cell.pin.tag.clone()) {
        return Some(NamedVersion::Tag(tag));
    }
    let earlier = state.screens.iter().find_map(|screen| match screen {
        Screen::Revert(revert) if revert.target.service == *service => {
            let row = revert.rows.iter().find(|row| row.earlier.digest == digest)?;
            row.earlier.tag.clone()
        }
        _ => None,
    });
    if let Some(tag) = earlier {
        return Some(NamedVersion::Tag(tag));
    }
    if let Some(label) = pinned().find_map(|cell| cell.version.as_ref()) {
        return Some(NamedVersion::Label(label.clean().into_string()));
    }
    let candidate = row.candidate.value().and_then(Option::as_ref)?;
    let offered = candidate.versions.iter().find(|version| version.digest == Some(digest));
    match offered {
        Some(version) => Some(NamedVersion::Tag(version.tag.clone())),
        None => (candidate.digest == digest).then(|| NamedVersion::Tag(candidate.tag.clone())),
    }
}
