//! Candidates: the digest CI built and offers next, and how pins relate to it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::id::Digest;
use super::reference::Repository;

/// The digest offered next for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The repository CI pushes to.
    pub image: Repository,
    /// The tag that led there.
    pub tag: String,
    /// What the tag points at now.
    pub digest: Digest,
    /// Versions in candidate order, newest first, with the digest where it is known.
    pub versions: Vec<Version>,
}

/// One version in candidate order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The tag of that version, without its colon.
    pub tag: String,
    /// What the tag points at, if asked.
    pub digest: Option<Digest>,
    /// When the image was created, if asked.
    pub created: Option<Timestamp>,
}

/// How a pinned digest stands to the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same digest.
    Same,
    /// An older version; the count is how many steps.
    Behind,
    /// A newer version than the candidate.
    Ahead,
    /// None of the known versions.
    Other,
    /// Nothing to compare (no candidate, or pinned by tag).
    #[default]
    None,
}

/// Where digests stand among the versions of a candidate. Each pin of a service asks, so the versions are gone
/// through once and not for each.
#[derive(Debug, Clone)]
pub(super) struct VersionPlaces {
    candidate: Digest,
    /// Place of the candidate's own tag.
    current: usize,
    /// The first place of each digest.
    places: HashMap<Digest, usize>,
    /// Some version's digest was not asked for.
    is_open: bool,
}

impl VersionPlaces {
    pub(super) fn of(candidate: &Candidate) -> Self {
        let mut places = HashMap::new();
        for (at, digest) in candidate.versions.iter().map(|version| version.digest).enumerate() {
            if let Some(digest) = digest {
                places.entry(digest).or_insert(at);
            }
        }
        let mut versions = candidate.versions.iter();
        Self {
            candidate: candidate.digest,
            current: versions.position(|v| v.tag == candidate.tag).unwrap_or(0),
            places,
            is_open: candidate.versions.iter().any(|version| version.digest.is_none()),
        }
    }

    /// Relation and distance of a pinned digest (the newest version comes first). A version list with digests not yet
    /// asked for cannot prove "other": it yields `None` then.
    fn relation(&self, pinned: Digest) -> (Relation, Option<u32>) {
        if pinned == self.candidate {
            return (Relation::Same, Some(0));
        }
        match self.places.get(&pinned).copied() {
            Some(at) if at > self.current => (Relation::Behind, u32::try_from(at - self.current).ok()),
            Some(_) => (Relation::Ahead, None),
            None if self.is_open => (Relation::None, None),
            None => (Relation::Other, None),
        }
    }
}

/// The same for a digest that others stand for too: an index that lists it, or what it lists. The nearest
/// place that one of them has among the versions is the pin's.
pub(super) fn relation_of_any(
    pinned: Digest,
    same_image: impl IntoIterator<Item = Digest>,
    versions: &VersionPlaces,
) -> (Relation, Option<u32>) {
    let own = versions.relation(pinned);
    if !matches!(own.0, Relation::Other | Relation::None) {
        return own;
    }
    let relations = same_image.into_iter().map(|digest| versions.relation(digest));
    let known = relations.filter(|(relation, _)| !matches!(relation, Relation::Other | Relation::None));
    known
        .min_by_key(|(relation, behind)| (*relation != Relation::Same, *behind))
        .unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Digest {
        Digest::from_bytes([n; 32])
    }

    fn candidate(digests: &[Option<u8>]) -> VersionPlaces {
        VersionPlaces::of(&Candidate {
            image: Repository::parse("r.example/x").expect("valid"),
            tag: "v0".to_owned(),
            digest: digest(digests[0].expect("newest")),
            versions: digests
                .iter()
                .enumerate()
                .map(|(i, d)| Version {
                    tag: format!("v{i}"),
                    digest: d.map(digest),
                    created: None,
                })
                .collect(),
        })
    }

    #[test]
    fn counts_versions_between() {
        let c = candidate(&[Some(9), Some(8), Some(7)]);
        assert_eq!(c.relation(digest(9)), (Relation::Same, Some(0)));
        assert_eq!(c.relation(digest(7)), (Relation::Behind, Some(2)));
        assert_eq!(c.relation(digest(1)), (Relation::Other, None));
    }

    #[test]
    fn other_needs_every_version_known() {
        let c = candidate(&[Some(9), None]);
        assert_eq!(c.relation(digest(1)), (Relation::None, None));
    }

    #[test]
    fn an_index_places_its_platform_manifests() {
        let c = candidate(&[Some(9), Some(8), Some(7)]);
        let of = |same_image: &[u8]| relation_of_any(digest(1), same_image.iter().map(|n| digest(*n)), &c);
        assert_eq!(of(&[]), (Relation::Other, None));
        assert_eq!(of(&[3]), (Relation::Other, None));
        assert_eq!(of(&[3, 7]), (Relation::Behind, Some(2)));
        assert_eq!(of(&[7, 8]), (Relation::Behind, Some(1)));
        assert_eq!(of(&[7, 9]), (Relation::Same, Some(0)));
        assert_eq!(relation_of_any(digest(7), [digest(9)], &c), (Relation::Behind, Some(2)));
    }
}
