//! What an image says of itself: its version and when it was created.

use jiff::Timestamp;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::Presence;
use crate::sources::registry::{Descriptor, Manifest, Place, RegistryError};

use super::collect;
use super::image_presence::PresenceScope;
use super::registry_memo::RegistryMemo;

/// The label that names a version (OCI image spec, "Annotations").
const VERSION: &str = "org.opencontainers.image.version";
/// Largest image configuration that is read for its labels.
const CONFIG_CAP: u64 = 4 << 20;

/// What an image says its version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionLabel {
    /// It says nothing of it.
    None,
    /// The version, in the words of whoever built it.
    Says(Untrusted),
    /// Nobody knows: what contains the label was not had, for this reason.
    Unread(Failure),
}

impl VersionLabel {
    /// What it says, if it was read and says anything.
    pub(crate) const fn said(&self) -> Option<&Untrusted> {
        match self {
            Self::Says(version) => Some(version),
            Self::None | Self::Unread(_) => None,
        }
    }

    /// Whether nobody knows what it says.
    pub(super) const fn is_unread(&self) -> bool {
        matches!(self, Self::Unread(_))
    }

    /// The tag that it names, of those that the repository lists: the version itself, or a `v` before it. Where the
    /// repository lists none, both are asked for. `Ok(None)` = it names none that there is.
    ///
    /// # Errors
    /// If it was not read, or the tags could not be asked for: which tag is meant, nobody knows then.
    pub(super) async fn tag(&self, memo: &RegistryMemo, repository: &Repository) -> Result<Option<String>, Failure> {
        let version = match self {
            Self::None => return Ok(None),
            Self::Unread(failure) => return Err(failure.clone()),
            Self::Says(version) => version.raw(),
        };
        let named = tags_named(version);
        if let Ok(listed) = memo.tags(repository).await {
            return Ok(named.into_iter().find(|tag| listed.contains(tag)));
        }
        for tag in named {
            match memo.resolve(repository, &tag).await {
                Ok(Some(_)) => return Ok(Some(tag)),
                Ok(None) => {}
                // No tag can be called that.
                Err(failure) if failure.kind == FailureKind::Malformed => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }
}

/// The tags that a version names: itself, or a `v` before it.
pub(super) fn tags_named(version: &str) -> [String; 2] {
    [version.to_owned(), format!("v{version}")]
}

impl From<&Presence> for VersionLabel {
    /// The label of an image whose manifest was not had.
    fn from(presence: &Presence) -> Self {
        match presence {
            Presence::Present => Self::None,
            // Nothing was asked, so what was known of its tag stays as it was.
            Presence::Absent { .. } => Self::Unread(Failure::new(FailureKind::NotChecked, "the image is gone")),
            Presence::Failed(failure) if is_final(failure.kind) => Self::None,
            Presence::Failed(failure) => Self::Unread(failure.clone()),
        }
    }
}

impl From<Option<Untrusted>> for VersionLabel {
    fn from(said: Option<Untrusted>) -> Self {
        said.map_or(Self::None, Self::Says)
    }
}

/// The version label: the annotation of the index or manifest, else the label of the configuration (of the
/// first platform that counts).
pub(super) async fn version(
    memo: &RegistryMemo,
    place: &Place,
    manifest: &Manifest,
    extent: &PresenceScope,
) -> VersionLabel {
    match read_version(memo, place, manifest, extent).await.map_err(Failure::from) {
        Ok(said) => said.into(),
        // It was read, or is known to be gone: whatever the bytes are, they say no version.
        Err(failure) if is_final(failure.kind) => VersionLabel::None,
        Err(failure) => VersionLabel::Unread(failure),
    }
}

const fn is_final(kind: FailureKind) -> bool {
    use FailureKind::{Absent, Corrupt, Malformed, Unsupported};
    matches!(kind, Absent | Corrupt | Malformed | Unsupported)
}

async fn read_version(
    memo: &RegistryMemo,
    place: &Place,
    manifest: &Manifest,
    extent: &PresenceScope,
) -> Result<Option<Untrusted>, RegistryError> {
    let repository = &place.repository;
    if let Some(version) = collect::annotation(&manifest.body.annotations, VERSION) {
        return Ok(Some(version.into()));
    }
    let located = match first_platform(manifest, extent) {
        Some(child) => {
            let Some(found) = memo.locate(&Place::new(repository, child.digest)).await? else {
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
    let Some(config) = image.body.config.as_ref().filter(|config| config.size <= CONFIG_CAP) else {
        return Ok(None);
    };
    let read = || async {
        let (digest, size) = (&config.digest, Some(config.size));
        let bytes = memo.registry.blob(repository, digest, size, CONFIG_CAP).await?;
        Ok(label(&bytes, VERSION))
    };
    // With the size, which decides about the answer, too: another image may name the same configuration wrongly.
    memo.labels
        .get((Place::new(repository, config.digest), config.size), read)
        .await
}

/// Asks what the tag points at that an image's version label names, where the image is kept from before: the answer says
/// whether it is there, too, so that one question does for both.
pub(super) async fn ask_tag_of_kept(memo: &RegistryMemo, place: &Place, extent: &PresenceScope) {
    if memo.tags(&place.repository).await.is_err()
        || memo.is_answered(place)
        || !memo.registry.is_kept(&place.digest).await
    {
        return;
    }
    let Some(manifest) = memo.kept(place).await else { return };
    let label = version(memo, place, &manifest, extent).await;
    if let Ok(Some(tag)) = label.tag(memo, &place.repository).await {
        // Whoever needs the answer asks again, and is told the same.
        let _ = memo.resolve(&place.repository, &tag).await;
    }
}

/// The first platform manifest that counts.
fn first_platform<'a>(index: &'a Manifest, extent: &PresenceScope) -> Option<&'a Descriptor> {
    collect::platforms(index).find(|child| extent.platforms.includes(child.platform.as_ref()))
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
    let read = async |digest| {
        let read = memo.read(&Place::new(repository, digest)).await;
        read.map(|(manifest, _)| manifest).map_err(failed)
    };
    let manifest = read(*digest).await?;
    if let Some(at) = collect::annotation(&manifest.body.annotations, CREATED).and_then(|t| t.parse().ok()) {
        return Ok(Some(at));
    }
    let first = collect::platforms(&manifest).next().map(|child| child.digest);
    let image = match first {
        Some(child) => read(child).await?,
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
