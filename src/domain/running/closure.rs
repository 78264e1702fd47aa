//! The closure of a digest: the names that the bytes of one image have, from manifests that were fetched and hashed.
//!
//! An index names platform manifests, and each of them a configuration. All platforms belong to the closure,
//! whatever `platforms` of an environment says: a node runs the one that fits it.

use std::collections::BTreeSet;

use crate::domain::id::Digest;

/// One platform manifest and what it says of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlatformImage {
    /// The manifest that an index lists, or that is pinned itself.
    pub manifest: Digest,
    /// Its configuration; `None` where the manifest could not be read or has none (Docker schema 1).
    pub config: Option<Digest>,
}

/// The names of one pinned or reported digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageClosure {
    digest: Digest,
    platforms: Vec<PlatformImage>,
    nested: BTreeSet<Digest>,
    is_listed: bool,
}

/// How a digest belongs to a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Membership {
    /// It is the digest of the closure itself.
    Itself,
    /// The index of the closure lists it.
    Listed,
    /// It is the configuration of one of the manifests.
    Config,
}

/// How the images of one closure relate to those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Overlap {
    /// Each image of the one is an image of the other.
    Within,
    /// Some are, and some are not or cannot be told.
    Partly,
    /// None is.
    Disjoint,
    /// Not enough of them could be read.
    Unsure,
}

impl ImageClosure {
    /// A digest of which nothing could be read.
    pub fn unread(digest: Digest) -> Self {
        Self {
            digest,
            platforms: Vec::new(),
            nested: BTreeSet::new(),
            is_listed: false,
        }
    }

    /// A manifest for one platform.
    pub fn of_manifest(image: PlatformImage) -> Self {
        Self {
            digest: image.manifest,
            platforms: vec![image],
            nested: BTreeSet::new(),
            is_listed: true,
        }
    }

    /// An index with the platform manifests that it lists, in any depth; `nested` are indexes inside of it.
    /// `is_whole` says that none is left out: all that it lists are here, read or not.
    pub fn of_index(digest: Digest, platforms: Vec<PlatformImage>, nested: BTreeSet<Digest>, is_whole: bool) -> Self {
        Self {
            digest,
            platforms,
            nested,
            is_listed: is_whole,
        }
    }

    /// An index with the closures of everything that it lists, each of them read or not.
    pub fn of_parts(digest: Digest, parts: &[Self]) -> Self {
        let mut whole = Self::of_index(digest, Vec::new(), BTreeSet::new(), true);
        for part in parts {
            let is_index = part.is_listed && !part.platforms.iter().any(|image| image.manifest == part.digest);
            if is_index {
                whole.nested.insert(part.digest);
                whole.nested.extend(&part.nested);
                whole.platforms.extend(&part.platforms);
            } else {
                let config = part.platforms.first().and_then(|image| image.config);
                whole.platforms.push(PlatformImage {
                    manifest: part.digest,
                    config,
                });
            }
        }
        whole
    }

    /// Whether its own bytes were read.
    pub fn is_read(&self) -> bool {
        self.is_listed
    }

    /// The digest that the closure is of.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether a digest is one of its names.
    pub fn contains(&self, digest: Digest) -> bool {
        self.membership(digest).is_some()
    }

    pub(super) fn membership(&self, digest: Digest) -> Option<Membership> {
        let is_manifest = |image: &PlatformImage| image.manifest == digest;
        let is_config = |image: &PlatformImage| image.config == Some(digest);
        if digest == self.digest {
            Some(Membership::Itself)
        } else if self.nested.contains(&digest) || self.platforms.iter().any(is_manifest) {
            Some(Membership::Listed)
        } else if self.platforms.iter().any(is_config) {
            Some(Membership::Config)
        } else {
            None
        }
    }

    /// Whether the configuration of every image in it is known: only then is a foreign configuration foreign.
    pub fn is_whole(&self) -> bool {
        self.is_listed && !self.platforms.is_empty() && self.platforms.iter().all(|image| image.config.is_some())
    }

    /// How its images relate to those of another closure. Configurations decide: they fix what is inside of the
    /// layers, however these are compressed.
    pub(super) fn overlap(&self, other: &Self) -> Overlap {
        let is_shared = |image: &PlatformImage| {
            let by_manifest = other.platforms.iter().any(|there| there.manifest == image.manifest);
            by_manifest || image.config.is_some_and(|config| other.membership(config).is_some())
        };
        let shared = self.platforms.iter().filter(|image| is_shared(image)).count();
        if shared == 0 {
            match self.is_whole() && other.is_whole() {
                true => Overlap::Disjoint,
                false => Overlap::Unsure,
            }
        } else if self.is_listed && shared == self.platforms.len() {
            Overlap::Within
        } else {
            Overlap::Partly
        }
    }
}
