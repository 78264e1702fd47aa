//! Finding every statement attached to a digest (docs/reference/evidence.md, "Where evidence is looked for"): the
//! referrers API or its fallback tag, cosign's `.sig`/`.att`/`.sbom` tags, and BuildKit's manifests
//! inside an index.
//!
//! What could not be listed is said in [`Collected::incomplete`]; what could not be fetched stays
//! in the list as an item with its problem. Nothing is dropped.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use crate::domain::evidence::{CauseKind, Evidence, EvidenceState};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::sources::evidence::{Carrier, Item, artifact_without_statement, buildkit_layer, may_be_statement};
use crate::sources::registry::{Descriptor, Manifest, Registry, RegistryError};

/// Largest statement that is fetched (docs/reference/registries.md, "One way out").
pub const STATEMENT_CAP: u64 = 64 << 20;

/// Everything attached to one digest.
#[derive(Debug, Default)]
pub struct Collected {
    /// Statements, fetched or with the reason why not.
    pub items: Vec<Item>,
    /// Things that carry no statement pindeck reads; listed, never counted.
    pub listed: Vec<Evidence>,
    /// What of the search failed.
    pub incomplete: Vec<Failure>,
}

impl Collected {
    fn absorb(&mut self, other: Self) {
        self.items.extend(other.items);
        self.listed.extend(other.listed);
        self.incomplete.extend(other.incomplete);
    }
}

/// Collects what is attached to `subject` in `repository`. `tags` is the repository's tag list, if
/// it could be had: tags that it does not hold cost nothing.
pub async fn attached(
    registry: &Registry,
    repository: &Repository,
    subject: Digest,
    tags: Option<&BTreeSet<String>>,
) -> Collected {
    let referrers = referrers(registry, repository, subject, tags);
    let legacy = [
        ("sig", Carrier::CosignSigTag),
        ("att", Carrier::CosignAttTag),
        ("sbom", Carrier::SbomTag),
    ]
    .map(|(suffix, carrier)| legacy_tag(registry, repository, subject, suffix, carrier, tags));
    let (mut all, legacy) = futures_util::future::join(referrers, join_all(legacy)).await;
    for found in legacy {
        all.absorb(found);
    }
    all
}

async fn referrers(
    registry: &Registry,
    repository: &Repository,
    subject: Digest,
    tags: Option<&BTreeSet<String>>,
) -> Collected {
    let mut all = Collected::default();
    let listing = match registry.referrers(repository, &subject, tags).await {
        Ok(listing) => listing,
        Err(error) => {
            all.incomplete.push(error.into());
            return all;
        }
    };
    let fetched = join_all(listing.descriptors.into_iter().map(|descriptor| async move {
        match registry.manifest(repository, &descriptor.digest).await {
            Ok(manifest) => layers(registry, repository, subject, &manifest, Carrier::Referrer).await,
            Err(error) => {
                let named = descriptor
                    .artifact_type
                    .clone()
                    .unwrap_or_else(|| descriptor.media_type.clone());
                let item = broken(
                    subject,
                    descriptor.digest,
                    named,
                    descriptor.annotations,
                    Carrier::Referrer,
                    &error,
                );
                Collected {
                    items: vec![item],
                    ..Collected::default()
                }
            }
        }
    }))
    .await;
    for found in fetched {
        all.absorb(found);
    }
    all
}

async fn legacy_tag(
    registry: &Registry,
    repository: &Repository,
    subject: Digest,
    suffix: &str,
    carrier: Carrier,
    tags: Option<&BTreeSet<String>>,
) -> Collected {
    let tag = format!("sha256-{}.{suffix}", subject.hex());
    let mut all = Collected::default();
    if tags.is_some_and(|known| !known.contains(&tag)) {
        return all;
    }
    let digest = match registry.resolve(repository, &tag).await {
        Ok(Some(digest)) => digest,
        Ok(None) => return all,
        Err(error) => {
            all.incomplete.push(error.into());
            return all;
        }
    };
    match registry.manifest(repository, &digest).await {
        Ok(manifest) => layers(registry, repository, subject, &manifest, carrier).await,
        Err(error) => {
            all.items
                .push(broken(subject, digest, tag, BTreeMap::new(), carrier, &error));
            all
        }
    }
}

/// Fetches the layers of one evidence manifest that hold statements.
async fn layers(
    registry: &Registry,
    repository: &Repository,
    attached_to: Digest,
    manifest: &Manifest,
    carrier: Carrier,
) -> Collected {
    let mut all = Collected::default();
    let (statements, others): (Vec<&Descriptor>, Vec<&Descriptor>) = manifest
        .body
        .layers
        .iter()
        .partition(|layer| may_be_statement(&layer.media_type));
    if statements.is_empty() {
        let body = &manifest.body;
        let config = body.config.as_ref().map(|config| config.media_type.as_str());
        let layers = others.iter().map(|layer| layer.media_type.as_str());
        let names: Vec<&str> = body
            .artifact_type
            .as_deref()
            .into_iter()
            .chain(layers)
            .chain(config)
            .collect();
        all.listed
            .push(artifact_without_statement(attached_to, manifest.digest, &names));
        return all;
    }
    all.items = join_all(statements.into_iter().map(|layer| async move {
        let content = registry
            .blob(repository, &layer.digest, Some(layer.size), STATEMENT_CAP)
            .await;
        let mut annotations = manifest.body.annotations.clone();
        annotations.extend(layer.annotations.clone());
        Item {
            attached_to,
            manifest: manifest.digest,
            digest: layer.digest,
            media_type: layer.media_type.clone(),
            annotations,
            carrier,
            content: content.map_err(Failure::from),
        }
    }))
    .await;
    all
}

fn broken(
    attached_to: Digest,
    digest: Digest,
    media_type: String,
    annotations: BTreeMap<String, String>,
    carrier: Carrier,
    error: &RegistryError,
) -> Item {
    Item {
        attached_to,
        manifest: digest,
        digest,
        media_type,
        annotations,
        carrier,
        content: Err(error.into()),
    }
}

/// BuildKit's attestation manifests inside an index: unsigned, shown, never counted. They are named
/// from their annotations; nothing is fetched but the small manifest.
pub async fn in_index(registry: &Registry, repository: &Repository, index: &Manifest) -> Collected {
    let mut all = Collected::default();
    for descriptor in index.body.manifests.iter().filter(|d| is_attestation(d)) {
        let about = descriptor
            .annotations
            .get("vnd.docker.reference.digest")
            .and_then(|d| d.parse().ok());
        let attached_to = about.unwrap_or(index.digest);
        match registry.manifest(repository, &descriptor.digest).await {
            Ok(manifest) => {
                for layer in &manifest.body.layers {
                    let predicate = layer.annotations.get("in-toto.io/predicate-type").cloned();
                    all.listed.push(buildkit_layer(attached_to, layer.digest, predicate));
                }
            }
            Err(error) => {
                // What could not be read is not unsigned: nobody knows what it is.
                let mut item = buildkit_layer(attached_to, descriptor.digest, None);
                (item.state, item.cause) = match error.cause() {
                    cause @ CauseKind::Unsupported => (EvidenceState::Unsupported, Some(cause)),
                    cause @ (CauseKind::Corrupt | CauseKind::Malformed) => (EvidenceState::Failed, Some(cause)),
                    cause @ CauseKind::NotChecked => (EvidenceState::NotChecked, Some(cause)),
                    _ => (EvidenceState::Unreachable, Some(CauseKind::Unreachable)),
                };
                item.detail = Some(Failure::from(&error).sentence());
                all.listed.push(item);
            }
        }
    }
    all
}

/// Whether a descriptor in an index is BuildKit's attestation manifest.
pub fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor
        .annotations
        .get("vnd.docker.reference.type")
        .is_some_and(|t| t == "attestation-manifest")
}

/// The platform manifests of an index, attestation manifests left out.
pub fn platforms(index: &Manifest) -> impl Iterator<Item = &Descriptor> {
    index.body.manifests.iter().filter(|d| !is_attestation(d))
}

/// The annotations of a manifest, for callers that look for labels.
pub fn annotation<'a>(annotations: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    annotations
        .get(key)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}
