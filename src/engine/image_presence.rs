//! Whether an image is there, all of it: what a node needs to pull it.
//!
//! An index whose platform manifests are gone, or a manifest whose configuration or layers are gone,
//! cannot be pulled, whatever is signed about it. Registries lose such parts: clean-up jobs delete
//! untagged manifests, those of living indexes too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::platform::PlatformFilter;
use crate::domain::verdict::Presence;
use crate::sources::registry::{Descriptor, Manifest, Place, RegistryError};

use super::collect;
use super::registry_memo::RegistryMemo;

/// Most manifests of one image that are asked for. The largest images that are published for many
/// platforms have about sixty.
pub(super) const MAX_MANIFESTS: usize = 128;
/// Most configurations and layers of one image that are asked for.
const MAX_BLOBS: usize = 4_096;
/// How deep indexes within indexes are followed.
const MAX_DEPTH: usize = 4;

/// How much of an image must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum ImageDepth {
    /// The image and its platform manifests: one request each, in every refresh.
    #[default]
    Manifests,
    /// Their configurations and layers too: for what is about to be written, and for `verify`.
    Everything,
}

/// Which parts of an image must be there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct PresenceScope {
    /// How deep to look.
    pub depth: ImageDepth,
    /// Which platforms count.
    pub platforms: PlatformFilter,
}

/// What is known about the parts of an image.
#[derive(Debug, Default)]
struct ImageParts {
    /// A part that the registry says is not there.
    absent: Option<Digest>,
    /// A part that is there with other bytes than it must have.
    broken: Option<Failure>,
    /// A part that could not be asked for.
    open: Option<Failure>,
    /// Configurations and layers by digest, with the size that their descriptor says.
    blobs: BTreeMap<Digest, u64>,
}

/// Whether every part of an image that counts is in its repository now. The image's own manifest was
/// located by the caller.
pub(super) async fn whole(
    memo: &RegistryMemo,
    place: &Place,
    image: &Arc<Manifest>,
    extent: &PresenceScope,
) -> Presence {
    let mut parts = ImageParts::default();
    let mut seen = BTreeSet::from([place.digest]);
    let mut level = vec![Arc::clone(image)];
    let mut is_whole = false;
    for _ in 0..MAX_DEPTH {
        let mut children: Vec<Descriptor> = Vec::new();
        for manifest in &level {
            let platforms = needed(manifest, &extent.platforms);
            if manifest.is_index() && collect::platforms(manifest).next().is_none() {
                let detail = format!(
                    "{} lists no platform manifest: there is nothing to pull",
                    manifest.digest
                );
                return Presence::Absent {
                    detail: detail.into(),
                    part: None,
                };
            }
            if manifest.is_index() && platforms.is_empty() && collect::platforms(manifest).next().is_some() {
                let wanted = extent.platforms.names();
                let detail = format!("{} lists no manifest for {wanted}", manifest.digest);
                return Presence::Absent {
                    detail: detail.into(),
                    part: None,
                };
            }
            children.extend(platforms.into_iter().filter(|child| seen.insert(child.digest)).cloned());
            if extent.depth == ImageDepth::Everything {
                parts.note_blobs(manifest);
            }
        }
        if seen.len() > MAX_MANIFESTS {
            return too_much(format!(
                "it lists more than {MAX_MANIFESTS} platform manifests, and pindeck does not ask for so many; name those that count with `platforms`"
            ));
        }
        if children.is_empty() {
            is_whole = true;
            break;
        }
        level = parts.ask_for_manifests(memo, place, &children, extent.depth).await;
    }
    if !is_whole && !level.is_empty() {
        return too_much(format!(
            "it has indexes within indexes deeper than {MAX_DEPTH} levels, and pindeck does not follow them further"
        ));
    }
    if parts.blobs.len() > MAX_BLOBS {
        return too_much(format!(
            "it has more than {MAX_BLOBS} layers, and pindeck does not ask for so many"
        ));
    }
    parts.ask_for_blobs(memo, place).await;
    parts.conclude(place)
}

/// The platform manifests of an index that an environment needs.
fn needed<'a>(index: &'a Manifest, filter: &PlatformFilter) -> Vec<&'a Descriptor> {
    collect::platforms(index)
        .filter(|child| filter.includes(child.platform.as_ref()))
        .collect()
}

impl ImageParts {
    /// Asks for manifests; those whose own parts must be looked at come back.
    async fn ask_for_manifests(
        &mut self,
        memo: &RegistryMemo,
        image: &Place,
        children: &[Descriptor],
        depth: ImageDepth,
    ) -> Vec<Arc<Manifest>> {
        let answers = join_all(children.iter().map(|child| async move {
            let place = Place::new(&image.repository, child.digest);
            if depth == ImageDepth::Manifests && !child.is_index() {
                let answer = memo.presence(&place, Some(child.size)).await;
                return answer.map(|present| present.map(|_| None));
            }
            let located = memo.locate(&place).await?;
            if let Some(located) = &located {
                located.manifest.check_size(child.size)?;
            }
            Ok(located.map(|located| Some(located.manifest)))
        }));
        let mut found = Vec::new();
        for (child, answer) in children.iter().zip(answers.await) {
            match answer {
                Ok(Some(manifest)) => found.extend(manifest),
                Ok(None) => self.absent = self.absent.or(Some(child.digest)),
                Err(error) => self.failed(child.digest, &error),
            }
        }
        found
    }

    fn note_blobs(&mut self, manifest: &Manifest) {
        let body = &manifest.body;
        let blobs = body.config.iter().chain(&body.layers);
        for blob in blobs.filter(|blob| !blob.is_foreign()) {
            self.blobs.entry(blob.digest).or_insert(blob.size);
        }
    }

    async fn ask_for_blobs(&mut self, memo: &RegistryMemo, image: &Place) {
        let blobs = std::mem::take(&mut self.blobs);
        let answers = join_all(blobs.iter().map(|(digest, size)| async move {
            let place = Place::new(&image.repository, *digest);
            memo.blob_presence(&place, *size).await
        }));
        for (digest, answer) in blobs.keys().zip(answers.await) {
            match answer {
                Ok(Some(_)) => {}
                Ok(None) => self.absent = self.absent.or(Some(*digest)),
                Err(error) => self.failed(*digest, &error),
            }
        }
    }

    fn failed(&mut self, part: Digest, error: &RegistryError) {
        let failure = Failure::from(error);
        if failure.is_absent() {
            self.absent = self.absent.or(Some(part));
        } else if failure.kind.cause().is_open() {
            self.open.get_or_insert(failure);
        } else {
            self.broken.get_or_insert(failure);
        }
    }

    /// What is certain comes before what could not be asked for.
    fn conclude(self, place: &Place) -> Presence {
        if let Some(part) = self.absent {
            let repository = &place.repository;
            let detail = format!("{repository} no longer has {part}, a part of {}", place.digest);
            return Presence::Absent {
                detail: detail.into(),
                part: Some(part),
            };
        }
        match self.broken.or(self.open) {
            Some(failure) => Presence::Failed(failure),
            None => Presence::Present,
        }
    }
}

fn too_much(detail: String) -> Presence {
    Presence::Failed(Failure::new(FailureKind::TooLarge, detail))
}

/// What an error about the content of a digest means for its presence.
pub(super) fn failure(error: &RegistryError) -> Presence {
    let failure = Failure::from(error);
    if failure.is_absent() {
        return Presence::Absent {
            detail: failure.what,
            part: None,
        };
    }
    Presence::Failed(failure)
}
