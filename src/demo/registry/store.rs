//! The content of the registry: one store per repository, so that nothing is there that was not pushed there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::Deserialize;

use crate::domain::id::Digest;

/// Manifests, blobs and tags of one repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct RepositoryContent {
    /// Manifests and indexes with their media types.
    pub manifests: BTreeMap<Digest, (String, Bytes)>,
    /// Tag to digest.
    pub tags: BTreeMap<String, Digest>,
    /// Everything else.
    pub blobs: BTreeMap<Digest, Bytes>,
}

/// Everything, by repository.
pub(super) type Repositories = BTreeMap<String, RepositoryContent>;

/// What a registry reads of a manifest.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ManifestShape {
    pub media_type: Option<String>,
    pub artifact_type: Option<String>,
    pub config: Option<StoredDescriptor>,
    pub layers: Vec<StoredDescriptor>,
    pub manifests: Vec<StoredDescriptor>,
    pub subject: Option<StoredDescriptor>,
    pub annotations: BTreeMap<String, String>,
}

/// A descriptor, as far as needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredDescriptor {
    pub digest: Digest,
    #[serde(default)]
    pub media_type: String,
}

impl RepositoryContent {
    /// The digest that a tag or a digest names, if it is there.
    pub(crate) fn find(&self, reference: &str) -> Option<Digest> {
        match reference.parse::<Digest>() {
            Ok(digest) => self.manifests.contains_key(&digest).then_some(digest),
            Err(_) => self.tags.get(reference).copied(),
        }
    }

    /// Drops a manifest and all tags on it; whether it was there.
    pub(crate) fn forget(&mut self, digest: &Digest) -> bool {
        self.tags.retain(|_, tagged| tagged != digest);
        self.manifests.remove(digest).is_some()
    }

    /// What a manifest names and this repository lacks.
    pub(super) fn lacking(&self, shape: &ManifestShape) -> Vec<Digest> {
        let blobs = shape.config.iter().chain(&shape.layers).map(|d| d.digest);
        let blobs = blobs.filter(|d| !self.blobs.contains_key(d));
        let children = shape.manifests.iter().map(|d| d.digest);
        let children = children.filter(|d| !self.manifests.contains_key(d));
        let all: BTreeSet<Digest> = blobs.chain(children).collect();
        all.into_iter().collect()
    }

    /// Manifests that name `subject`.
    pub(super) fn referrers(&self, subject: Digest) -> Vec<(Digest, &str, u64, ManifestShape)> {
        let about = |(digest, (media_type, bytes)): (&Digest, &'_ (String, Bytes))| {
            let shape: ManifestShape = serde_json::from_slice(bytes).ok()?;
            (shape.subject.as_ref()?.digest == subject)
                .then(|| (*digest, media_type.clone(), bytes.len() as u64, shape))
        };
        let found: Vec<_> = self.manifests.iter().filter_map(about).collect();
        let name = |digest: &Digest| {
            self.manifests
                .get(digest)
                .map_or("", |(media_type, _)| media_type.as_str())
        };
        found
            .into_iter()
            .map(|(digest, _, size, shape)| (digest, name(&digest), size, shape))
            .collect()
    }
}
