//! What an image says of itself: its version and when it was created.

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::registry::{Manifest, Place, RegistryError};

use super::collect;
use super::image_presence::PresenceScope;
use super::registry_memo::RegistryMemo;

/// The label that names a version (OCI image spec, "Annotations").
const VERSION: &str = "org.opencontainers.image.version";
/// Largest image configuration that is read for its labels.
const CONFIG_CAP: u64 = 4 << 20;

/// The label of an image could not be asked for, so that nobody knows whether it has one.
pub(super) struct UnreadLabel;

/// The version label: the annotation of the index or manifest, else the label of the configuration (of the
/// first platform that counts). `None` = it has none.
///
/// # Errors
/// If what would contain it cannot be read.
pub(super) async fn version(
    memo: &RegistryMemo,
    place: &Place,
    manifest: &Manifest,
    extent: &PresenceScope,
) -> Result<Option<Untrusted>, UnreadLabel> {
    let repository = &place.repository;
    if let Some(version) = collect::annotation(&manifest.body.annotations, VERSION) {
        return Ok(Some(version.into()));
    }
    let first = collect::platforms(manifest).find(|child| extent.platforms.includes(child.platform.as_ref()));
    let located = match first {
        Some(child) => {
            let found = memo.locate(&Place::new(repository, child.digest)).await;
            let Some(found) = found.map_err(|_| UnreadLabel)? else {
                return Ok(None);
            };
            Some(found)
        }
        None => None,
    };
    let image = located.as_ref().map_or(manifest, |located| &located.manifest);
    if let Some(version) = collect::annotation(&image.body.annotations, VERSION) {
        return Ok(Some(version.into()));
    }
    let Some(config) = image.body.config.as_ref() else {
        return Ok(None);
    };
    let bytes = memo
        .registry
        .blob(repository, &config.digest, Some(config.size), CONFIG_CAP)
        .await
        .map_err(|_| UnreadLabel)?;
    Ok(label(&bytes, VERSION))
}

fn label(config: &[u8], name: &str) -> Option<Untrusted> {
    #[derive(serde::Deserialize)]
    struct Config {
        config: Option<Inner>,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        #[serde(rename = "Labels")]
        labels: Option<std::collections::BTreeMap<String, String>>,
    }
    let config: Config = serde_json::from_slice(config).ok()?;
    let version = config.config?.labels?.remove(name)?;
    (!version.is_empty()).then(|| version.into())
}

/// When the content was created, by its own word: the index's annotation, else the configuration's
/// `created`.
///
/// # Errors
/// If the content could not be reached; "no creation time" is `Ok(None)`.
pub(crate) async fn created(
    memo: &RegistryMemo,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<Timestamp>, Failure> {
    const CREATED: &str = "org.opencontainers.image.created";
    let failed = |e: RegistryError| Failure::from(e);
    let manifest = memo.registry.manifest(repository, digest).await.map_err(failed)?;
    if let Some(at) = collect::annotation(&manifest.body.annotations, CREATED).and_then(|t| t.parse().ok()) {
        return Ok(Some(at));
    }
    let first = collect::platforms(&manifest).next().map(|child| child.digest);
    let image = match first {
        Some(child) => memo.registry.manifest(repository, &child).await.map_err(failed)?,
        None => manifest,
    };
    let Some(config) = &image.body.config else {
        return Ok(None);
    };
    let bytes = memo
        .registry
        .blob(repository, &config.digest, Some(config.size), CONFIG_CAP)
        .await
        .map_err(failed)?;
    #[derive(serde::Deserialize)]
    struct Created {
        created: Option<Timestamp>,
    }
    Ok(serde_json::from_slice::<Created>(&bytes).ok().and_then(|c| c.created))
}
