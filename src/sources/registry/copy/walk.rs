//! What there is to copy: an image with its children and blobs, and the evidence about them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::super::client::RegistryClient;
use super::super::error::{RegistryError, named};
use super::super::manifest::{Descriptor, Manifest};
use super::super::referrers::fallback_tag;
use crate::domain::{Digest, Repository, Wording};

/// Most manifests of one image, and most pieces of evidence about it.
const MAX_ITEMS: usize = 5_000;
/// How deep indexes and referrers of referrers are followed.
const MAX_DEPTH: usize = 6;
/// Listings asked for at once.
const PARALLEL: usize = 8;

/// The tag endings of cosign's layout.
pub(super) const LEGACY: [&str; 3] = ["sig", "att", "sbom"];

/// An image or index with everything it is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct ImageTree {
    /// Leaves first, the root last.
    pub(super) manifests: Vec<Manifest>,
    /// Every blob once.
    pub(super) blobs: BTreeMap<Digest, Descriptor>,
}

impl ImageTree {
    /// Reads the whole tree.
    pub(super) async fn walk(
        client: &RegistryClient,
        repository: &Repository,
        root: Digest,
    ) -> Result<Self, RegistryError> {
        let mut tree = Self::default();
        let mut read_so_far = BTreeMap::new();
        let mut seen = BTreeSet::from([root]);
        let mut levels = vec![vec![root]];
        while let Some(level) = levels.last().filter(|level| !level.is_empty()) {
            let wrong = |detail: &'static str| RegistryError::Malformed {
                what: named("manifest", repository, root),
                detail: Wording::own(detail),
            };
            if levels.len() > MAX_DEPTH {
                return Err(wrong("indexes are nested too deep"));
            }
            let read =
                stream::iter(level.clone()).map(|digest| async move { client.manifest(repository, &digest).await });
            let read: Vec<_> = read.buffered(PARALLEL).collect().await;
            let mut next = Vec::new();
            for manifest in read {
                let manifest = manifest?;
                for blob in manifest.body.config.iter().chain(&manifest.body.layers) {
                    tree.blobs.entry(blob.digest).or_insert_with(|| blob.clone());
                }
                next.extend(
                    manifest
                        .body
                        .manifests
                        .iter()
                        .map(|child| child.digest)
                        .filter(|child| seen.insert(*child)),
                );
                read_so_far.insert(manifest.digest, manifest);
            }
            if read_so_far.len() + next.len() > MAX_ITEMS {
                return Err(wrong("it has too many manifests"));
            }
            levels.push(next);
        }
        tree.manifests = leaves_first(root, read_so_far);
        Ok(tree)
    }

    /// The digests evidence may be about: the root and every child.
    pub(super) fn subjects(&self) -> Vec<Digest> {
        self.manifests.iter().rev().map(|manifest| manifest.digest).collect()
    }

    /// Number of items and bytes of blobs.
    pub(super) fn count_and_bytes(&self) -> (u64, u64) {
        let items = self.manifests.len() + self.blobs.len();
        (items as u64, self.blobs.values().map(|blob| blob.size).sum())
    }
}

/// Children before what names them: a registry refuses an index whose children it lacks. A digest
/// cannot name itself, so there is no circle.
fn leaves_first(root: Digest, mut read: BTreeMap<Digest, Manifest>) -> Vec<Manifest> {
    let mut out = Vec::with_capacity(read.len());
    let mut stack = vec![(root, false)];
    while let Some((digest, children_done)) = stack.pop() {
        let Some(manifest) = read.get(&digest) else { continue };
        if children_done {
            out.extend(read.remove(&digest));
            continue;
        }
        let children: Vec<Digest> = manifest.body.manifests.iter().map(|child| child.digest).collect();
        stack.push((digest, true));
        stack.extend(children.into_iter().rev().map(|child| (child, false)));
    }
    out
}

/// The evidence that one repository has about some subjects.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventory {
    /// Referrers (and theirs) by subject, subjects before what refers to them.
    pub(super) referrers: Vec<(Digest, Vec<Digest>)>,
    /// cosign's tags: the subject, the tag and what it names.
    pub(super) tagged: Vec<(Digest, String, Digest)>,
}

impl Inventory {
    /// Lists everything: one listing per subject, one HEAD per evidence tag that the tag list has, and one GET
    /// per evidence tag that it lacks. A tag list proves no absence: pull-through caches list only what they
    /// have been asked for, and evidence that stays behind without a word would be lost at the destination.
    pub(super) async fn take(
        client: &RegistryClient,
        repository: &Repository,
        subjects: &[Digest],
        tags: &BTreeSet<String>,
    ) -> Result<Self, RegistryError> {
        let mut inventory = Self::default();
        let mut seen: BTreeSet<Digest> = subjects.iter().copied().collect();
        let mut level = subjects.to_vec();
        for _ in 0..MAX_DEPTH {
            let listings = stream::iter(level).map(|subject| async move {
                let believed = tags.contains(&fallback_tag(&subject)).then_some(tags);
                let found = client.referrers(repository, &subject, believed).await?;
                Ok::<_, RegistryError>((subject, found.descriptors))
            });
            let listings: Vec<_> = listings.buffered(PARALLEL).collect().await;
            let mut next = Vec::new();
            for listing in listings {
                let (subject, found) = listing?;
                let digests: Vec<Digest> = found.iter().map(|descriptor| descriptor.digest).collect();
                next.extend(digests.iter().copied().filter(|digest| seen.insert(*digest)));
                if !digests.is_empty() {
                    inventory.referrers.push((subject, digests));
                }
            }
            if seen.len() > MAX_ITEMS {
                return Err(RegistryError::Malformed {
                    what: format!("the evidence in {repository}"),
                    detail: Wording::own("there are too many referrers"),
                });
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        let candidates = subjects.iter().flat_map(|subject| {
            LEGACY
                .iter()
                .map(|ending| (*subject, format!("sha256-{}.{ending}", subject.hex())))
        });
        let candidates: Vec<(Digest, String)> = candidates.collect();
        let resolved = stream::iter(candidates).map(|(subject, tag)| async move {
            let digest = if tags.contains(&tag) {
                client.resolve(repository, &tag).await?
            } else {
                unlisted(client, repository, &tag).await?
            };
            Ok::<_, RegistryError>(digest.map(|digest| (subject, tag, digest)))
        });
        let resolved: Vec<_> = resolved.buffered(PARALLEL).collect().await;
        for found in resolved {
            inventory.tagged.extend(found?);
        }
        Ok(inventory)
    }
}

/// What a tag names that the tag list lacks. One GET tells, with the registry's own words about what is not
/// there.
async fn unlisted(
    client: &RegistryClient,
    repository: &Repository,
    tag: &str,
) -> Result<Option<Digest>, RegistryError> {
    match client.tagged_manifest(repository, tag).await {
        Ok(found) => Ok(found.map(|manifest| manifest.digest)),
        Err(error) if error.cause().is_open() => Err(error),
        // It is there and cannot be read: it is brought over by its digest, and fails there by name.
        Err(_) => client.resolve(repository, tag).await,
    }
}
