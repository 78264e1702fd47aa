//! Manifests: the bytes as they are, and the few fields that walking needs.
//!
//! Nothing is ever serialised again: a digest names bytes, not meanings.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::error::RegistryError;
use crate::domain::platform::Platform;
use crate::domain::{Digest, Wording};

/// Most bytes of a manifest (the limit that the distribution spec recommends to registries).
pub(super) const MANIFEST_CAP: u64 = 4 << 20;

/// OCI image index (image spec, "Image Index").
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image manifest (image spec, "Image Manifest").
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The OCI artifact manifest of the image spec's 1.1 release candidates; still found in registries.
pub(crate) const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// Docker's manifest list.
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's image manifest, schema 2.
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The `Accept` of every manifest request. The whole list, always: docker-registry 2.8 answers
/// MANIFEST_UNKNOWN for an OCI manifest when the OCI types are missing.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.artifact.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// Whether a media type is that of a single image, so certainly not of an index.
pub(super) fn is_image_type(media_type: &str) -> bool {
    let base = media_type.split(';').next().unwrap_or("").trim();
    base == "application/vnd.oci.image.manifest.v1+json"
        || base == "application/vnd.docker.distribution.manifest.v2+json"
}

/// More children, layers or annotations than this in one manifest is no honest manifest.
const MAX_ENTRIES: usize = 10_000;

/// A manifest or index, with the bytes that hash to its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The digest the bytes hash to.
    pub digest: Digest,
    /// The media type to push it with.
    pub media_type: String,
    /// The bytes as the registry served them.
    pub bytes: Bytes,
    /// What walking needs of it.
    pub body: ManifestBody,
}

/// The fields of a manifest or index that pindeck reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManifestBody {
    /// What kind of artifact it says it is.
    pub artifact_type: Option<String>,
    /// The config blob of an image manifest.
    pub config: Option<Descriptor>,
    /// The layers of an image manifest (the blobs of an artifact manifest).
    pub layers: Vec<Descriptor>,
    /// The children of an index.
    pub manifests: Vec<Descriptor>,
    /// What this manifest refers to.
    pub subject: Option<Descriptor>,
    /// `annotations`: keys and values that whoever made it wrote; nothing checks them.
    pub annotations: BTreeMap<String, String>,
    index: bool,
}

/// A pointer to content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What the content says it is.
    pub media_type: String,
    /// The digest that the content must hash to.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What kind of artifact it says it is.
    pub artifact_type: Option<String>,
    /// `annotations`: keys and values that whoever made it wrote; nothing checks them.
    pub annotations: BTreeMap<String, String>,
    /// The platform of an index's child.
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// Whether it says that it names an index (or Docker manifest list).
    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_INDEX | DOCKER_LIST)
    }

    /// Whether it names a layer that its publisher does not allow to be distributed; registries need not
    /// have it.
    pub(crate) fn is_foreign(&self) -> bool {
        self.media_type.contains(".foreign.") || self.media_type.contains("nondistributable")
    }
}

impl ManifestBody {
    /// Whether this is an index (or Docker manifest list).
    pub(crate) const fn is_index(&self) -> bool {
        self.index
    }
}

impl Manifest {
    /// Reads manifest bytes that did not come through a registry (an OCI layout).
    ///
    /// # Errors
    /// If they are no manifest that can be used.
    pub fn from_bytes(bytes: Bytes, media_type: Option<&str>) -> Result<Self, UnreadableManifest> {
        match parse(&bytes, media_type) {
            Ok((media_type, body)) => Ok(Self {
                digest: Digest::of(&bytes),
                media_type,
                bytes,
                body,
            }),
            Err(ParseError::Malformed(detail)) => Err(UnreadableManifest {
                recognised: looks_like_manifest(&bytes),
                detail,
            }),
            Err(ParseError::Schema1) => Err(UnreadableManifest {
                recognised: true,
                detail: Wording::own("Docker schema 1 is not read"),
            }),
        }
    }

    /// Whether this is an index (or Docker manifest list).
    pub const fn is_index(&self) -> bool {
        self.body.is_index()
    }

    /// Checks the size that a descriptor gives for it.
    ///
    /// # Errors
    /// [`RegistryError::WrongSize`].
    pub(crate) fn check_size(&self, expected: u64) -> Result<(), RegistryError> {
        let actual = self.bytes.len() as u64;
        if expected == actual {
            return Ok(());
        }
        Err(RegistryError::WrongSize {
            what: format!("manifest {}", self.digest),
            expected,
            actual: Some(actual),
        })
    }
}

/// Why bytes cannot be used as a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableManifest {
    /// They are a manifest of a kind that is known, but not one that can be used.
    pub recognised: bool,
    /// What is wrong.
    pub detail: Wording,
}

/// Whether bytes say of themselves that they are a manifest, whatever is wrong inside.
fn looks_like_manifest(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ManifestMarkers {
        schema_version: u64,
        media_type: String,
    }
    let says: Result<ManifestMarkers, _> = serde_json::from_slice(bytes);
    says.is_ok_and(|s| s.schema_version == 2 && is_manifest_type(&s.media_type))
}

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParseError {
    /// Not what it claims to be.
    Malformed(Wording),
    /// Docker schema 1.
    Schema1,
}

/// Parses manifest bytes. `content_type` is the registry's word, used only where the manifest has
/// no `mediaType` of its own.
pub(super) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<(String, ManifestBody), ParseError> {
    let malformed = |detail: String| ParseError::Malformed(Wording::own(detail));
    let wire: WireManifest =
        serde_json::from_slice(bytes).map_err(|error| ParseError::Malformed(Wording::of_another(error.to_string())))?;
    let content_type =
        content_type.map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let claimed = wire
        .media_type
        .clone()
        .or_else(|| content_type.filter(|value| is_manifest_type(value)));
    if wire.schema_version == Some(1) {
        return Err(ParseError::Schema1);
    }
    // One document read as two things is how an index once passed for an image (CVE-2021-41190).
    if wire.manifests.is_some() && (wire.layers.is_some() || wire.config.is_some() || wire.blobs.is_some()) {
        return Err(malformed("it has both `manifests` and `layers` or `config`".to_owned()));
    }
    let media_type = match claimed {
        Some(claimed) => claimed,
        None if wire.manifests.is_some() => OCI_INDEX.to_owned(),
        None if wire.layers.is_some() || wire.config.is_some() => OCI_MANIFEST.to_owned(),
        None => {
            return Err(malformed(
                "it has no media type, no `manifests` and no `layers`".to_owned(),
            ));
        }
    };
    let (index, artifact) = match media_type.as_str() {
        OCI_INDEX | DOCKER_LIST => (true, false),
        OCI_MANIFEST | DOCKER_MANIFEST => (false, false),
        OCI_ARTIFACT => (false, true),
        other => return Err(malformed(format!("media type {other:?} is no manifest"))),
    };
    if !artifact && wire.schema_version != Some(2) {
        return Err(malformed("schemaVersion is not 2".to_owned()));
    }
    if index && (wire.layers.is_some() || wire.config.is_some()) || !index && wire.manifests.is_some() {
        return Err(malformed(format!("its fields are not those of {media_type}")));
    }
    if !index && !artifact && wire.config.is_none() {
        return Err(malformed("an image manifest has a config".to_owned()));
    }
    let layers = if artifact { wire.blobs } else { wire.layers };
    let body = ManifestBody {
        artifact_type: wire.artifact_type.filter(|value| !value.is_empty()),
        config: wire.config,
        layers: layers.map(|l| l.0).unwrap_or_default(),
        manifests: wire.manifests.map(|l| l.0).unwrap_or_default(),
        subject: wire.subject,
        annotations: wire.annotations.map(|a| a.0).unwrap_or_default(),
        index,
    };
    Ok((media_type, body))
}

fn is_manifest_type(value: &str) -> bool {
    matches!(
        value,
        OCI_INDEX | OCI_MANIFEST | OCI_ARTIFACT | DOCKER_LIST | DOCKER_MANIFEST
    )
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<CappedDescriptors>,
    blobs: Option<CappedDescriptors>,
    manifests: Option<CappedDescriptors>,
    subject: Option<Descriptor>,
    annotations: Option<Annotations>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    media_type: Option<String>,
    #[serde(deserialize_with = "in_any_case")]
    digest: Digest,
    size: u64,
    artifact_type: Option<String>,
    annotations: Option<Annotations>,
    platform: Option<WirePlatform>,
}

/// A digest whose digits some tools write in upper case.
fn in_any_case<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(from)?;
    let lower = text
        .strip_prefix("sha256:")
        .map(|hex| format!("sha256:{}", hex.to_ascii_lowercase()));
    lower.as_deref().unwrap_or(&text).parse().map_err(de::Error::custom)
}

#[derive(serde::Deserialize)]
struct WirePlatform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = WireDescriptor::deserialize(from)?;
        if wire.size > i64::MAX as u64 {
            return Err(de::Error::custom("absurd size"));
        }
        Ok(Self {
            media_type: wire.media_type.unwrap_or_default(),
            digest: wire.digest,
            size: wire.size,
            artifact_type: wire.artifact_type.filter(|value| !value.is_empty()),
            annotations: wire.annotations.map(|a| a.0).unwrap_or_default(),
            platform: wire.platform.map(|p| Platform {
                os: p.os.unwrap_or_default(),
                architecture: p.architecture.unwrap_or_default(),
                variant: p.variant.filter(|value| !value.is_empty()),
            }),
        })
    }
}

/// A list of descriptors with a limit.
struct CappedDescriptors(Vec<Descriptor>);

impl<'de> Deserialize<'de> for CappedDescriptors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = Vec::<Descriptor>::deserialize(from)?;
        if list.len() > MAX_ENTRIES {
            return Err(de::Error::custom("too many entries"));
        }
        Ok(Self(list))
    }
}

/// A map of strings in which every key comes once.
struct Annotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Annotations;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if out.len() >= MAX_ENTRIES {
                        return Err(de::Error::custom("too many annotations"));
                    }
                    if out.insert(key, value).is_some() {
                        return Err(de::Error::custom("an annotation is given twice"));
                    }
                }
                Ok(Annotations(out))
            }
        }
        from.deserialize_map(Once)
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
