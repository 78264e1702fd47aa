//! Candidates: the digest CI built and offers next, and how pins relate to it.

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

/// Relation and distance of a pinned digest, given the candidate and its versions (newest first).
/// A version list with digests not yet asked for cannot prove "other": it yields `None` then.
pub(crate) fn relation(pinned: Digest, candidate: &Candidate) -> (Relation, Option<u32>) {
    if pinned == candidate.digest {
        return (Relation::Same, Some(0));
    }
    let position = |d: Digest| candidate.versions.iter().position(|v| v.digest == Some(d));
    let current = candidate
        .versions
        .iter()
        .position(|v| v.tag == candidate.tag)
        .unwrap_or(0);
    match position(pinned) {
        Some(at) if at > current => (Relation::Behind, u32::try_from(at - current).ok()),
        Some(_) => (Relation::Ahead, None),
        None if candidate.versions.iter().any(|v| v.digest.is_none()) => (Relation::None, None),
        None => (Relation::Other, None),
    }
}

/// The same for a digest that others stand for too: an index that lists it, or what it lists. The nearest
/// place that one of them has among the versions is the pin's.
pub(crate) fn relation_of_any(
    pinned: Digest,
    same_image: impl IntoIterator<Item = Digest>,
    candidate: &Candidate,
) -> (Relation, Option<u32>) {
    let own = relation(pinned, candidate);
    if !matches!(own.0, Relation::Other | Relation::None) {
        return own;
    }
    let relations = same_image.into_iter().map(|digest| relation(digest, candidate));
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

    fn candidate(digests: &[Option<u8>]) -> Candidate {
        Candidate {
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
        }
    }

    #[test]
    fn counts_versions_between() {
        let c = candidate(&[Some(9), Some(8), Some(7)]);
        assert_eq!(relation(digest(9), &c), (Relation::Same, Some(0)));
        assert_eq!(relation(digest(7), &c), (Relation::Behind, Some(2)));
        assert_eq!(relation(digest(1), &c), (Relation::Other, None));
    }

    #[test]
    fn other_needs_every_version_known() {
        let c = candidate(&[Some(9), None]);
        assert_eq!(relation(digest(1), &c), (Relation::None, None));
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
