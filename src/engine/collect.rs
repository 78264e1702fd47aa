//! Finding every statement attached to a digest (docs/reference/evidence.md, "Where evidence is looked for"): the
//! referrers API or its fallback tag, cosign's `.sig`/`.att`/`.sbom` tags, and BuildKit's manifests
//! inside an index.
//!
//! What could not be listed is said in [`Collected::incomplete`]; what could not be fetched stays
//! in the list as an item with its problem. Nothing is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures_util::future::join_all;

use crate::domain::evidence::{CauseKind, Evidence, EvidenceState};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::sources::evidence::{
    Carrier, Item, ItemContent, artifact_without_statement, buildkit_layer, may_be_statement,
};
use crate::sources::github::{Attestation, GithubRepository};
use crate::sources::registry::{Descriptor, Manifest, Registry, RegistryError};

use super::once_map::OnceMap;
use super::statement_room::{StatementBlob, StatementRoom};

/// Most layers with statements that are read of what is attached to one digest. cosign puts every
/// signature and attestation of a digest into one manifest; a hundred are many.
const MAX_LAYERS: usize = 1_000;
/// Most bytes of statements that are read of what is attached to one digest.
const MAX_BYTES: u64 = 256 << 20;
/// Most bytes of annotations that the layers of one manifest take over from it.
const MAX_ANNOTATIONS: usize = 8 << 20;
/// Most attestation manifests of one index that are looked at: one for each platform that is asked for.
const MAX_INSIDE: usize = 128;

/// Reads what is attached to one digest, and counts what it costs: whoever may push may attach as much as
/// the registry takes. A blob that several layers name is read, and kept in memory, once.
struct EvidenceReader<'a> {
    registry: &'a Registry,
    room: &'a Arc<StatementRoom>,
    repository: &'a Repository,
    subject: Digest,
    layers: AtomicUsize,
    bytes: AtomicU64,
    blobs: OnceMap<(Digest, u64), Result<ItemContent, Failure>>,
}

impl<'a> EvidenceReader<'a> {
    fn new(registry: &'a Registry, room: &'a Arc<StatementRoom>, repository: &'a Repository, subject: Digest) -> Self {
        Self {
            registry,
            room,
            repository,
            subject,
            layers: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            blobs: OnceMap::default(),
        }
    }

    /// The content of a layer, or why it was not read.
    async fn content(&self, layer: &Descriptor) -> Result<ItemContent, Failure> {
        if self.layers.fetch_add(1, Ordering::Relaxed) >= MAX_LAYERS {
            let what = format!(
                "more than {MAX_LAYERS} layers with statements are attached to {}",
                self.subject
            );
            return Err(Failure::new(
                FailureKind::TooLarge,
                format!("{what}; this one was not read"),
            ));
        }
        self.blobs
            .get((layer.digest, layer.size), || async {
                let before = self.bytes.fetch_add(layer.size, Ordering::Relaxed);
                if before.saturating_add(layer.size) > MAX_BYTES {
                    let what = format!(
                        "more than {MAX_BYTES} bytes of statements are attached to {}",
                        self.subject
                    );
                    return Err(Failure::new(
                        FailureKind::TooLarge,
                        format!("{what}; this one was not read"),
                    ));
                }
                let blob = StatementBlob {
                    registry: self.registry.clone(),
                    repository: self.repository.clone(),
                    digest: layer.digest,
                    size: layer.size,
                };
                self.room.fetch(blob).await
            })
            .await
    }
}

/// Everything attached to one digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    /// Statements, fetched or with the reason why not.
    pub items: Vec<Item>,
    /// Things that carry no statement pindeck reads; listed, never counted.
    pub listed: Vec<Evidence>,
    /// What of the search failed.
    pub incomplete: Vec<Failure>,
}

impl Collected {
    pub(super) fn absorb(&mut self, other: Self) {
        self.items.extend(other.items);
        self.listed.extend(other.listed);
        self.incomplete.extend(other.incomplete);
    }

    /// A search that failed.
    fn failed(error: &RegistryError) -> Self {
        Self {
            incomplete: vec![error.clone().into()],
            ..Self::default()
        }
    }

    /// Whether nothing was found, and nothing failed.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.listed.is_empty() && self.incomplete.is_empty()
    }
}

/// Where cosign keeps what it attaches without the referrers API: the endings of its tags.
const EVIDENCE_TAGS: [(&str, Carrier); 3] = [
    ("sig", Carrier::CosignSigTag),
    ("att", Carrier::CosignAttTag),
    ("sbom", Carrier::SbomTag),
];

/// Collects what is attached to `subject` in `repository`. `tags` is the repository's tag list, if
/// it could be had: tags that it lacks cost nothing, and [`asked_directly`] asks for them before anybody
/// says that something is absent. A listed tag of a subject that is new is read at once; of any other its manifest is
/// likely to be kept, and a HEAD tells whether it still is that one.
pub(crate) async fn attached(
    registry: &Registry,
    room: &Arc<StatementRoom>,
    repository: &Repository,
    (subject, is_new): (Digest, bool),
    tags: Option<&BTreeSet<String>>,
) -> Collected {
    // A repository that has content and lists no tag at all is a cache that lists what it has been asked for.
    let tags = tags.filter(|tags| !tags.is_empty());
    let reading = EvidenceReader::new(registry, room, repository, subject);
    let listed = async {
        match registry.referrers(repository, &subject, tags).await {
            Ok(listing) => referrers(&reading, listing.descriptors).await,
            Err(error) => Collected::failed(&error),
        }
    };
    let asks = |tag: String| match tags {
        Some(tags) if !tags.contains(&tag) => None,
        Some(_) if !is_new => Some((tag, TagReading::Head)),
        _ => Some((tag, TagReading::Get)),
    };
    let legacy = (EVIDENCE_TAGS.iter())
        .filter_map(|(ending, carrier)| Some((asks(evidence_tag(subject, ending))?, *carrier)))
        .map(|((tag, how), carrier)| legacy_tag(&reading, tag, carrier, how));
    let (mut all, legacy) = futures_util::future::join(listed, join_all(legacy)).await;
    for found in legacy {
        all.absorb(found);
    }
    all
}

/// Asks for the evidence tags that a tag list lacks, each by its name. A tag list proves no absence:
/// pull-through caches list only what they have been asked for before.
pub(crate) async fn asked_directly(
    registry: &Registry,
    room: &Arc<StatementRoom>,
    repository: &Repository,
    subject: Digest,
    tags: &BTreeSet<String>,
) -> Collected {
    let mut all = Collected::default();
    if tags.is_empty() {
        // Then nothing was left out because of the list.
        return all;
    }
    let reading = EvidenceReader::new(registry, room, repository, subject);
    let fallback = async {
        if tags.contains(&format!("sha256-{}", subject.hex())) {
            return Collected::default();
        }
        match registry.fallback_referrers(repository, &subject).await {
            Ok(descriptors) => referrers(&reading, descriptors).await,
            Err(error) => Collected::failed(&error),
        }
    };
    let unlisted = EVIDENCE_TAGS
        .iter()
        .filter(|(ending, _)| !tags.contains(&evidence_tag(subject, ending)))
        .map(|(ending, carrier)| legacy_tag(&reading, evidence_tag(subject, ending), *carrier, TagReading::Get));
    let (listed, legacy) = futures_util::future::join(fallback, join_all(unlisted)).await;
    all.absorb(listed);
    for found in legacy {
        all.absorb(found);
    }
    all
}

fn evidence_tag(subject: Digest, ending: &str) -> String {
    format!("sha256-{}.{ending}", subject.hex())
}

async fn referrers(reading: &EvidenceReader<'_>, descriptors: Vec<Descriptor>) -> Collected {
    let mut all = Collected::default();
    let fetched = join_all(descriptors.into_iter().map(|descriptor| async move {
        let found = reading.registry.manifest(reading.repository, &descriptor.digest).await;
        let found = found.and_then(|manifest| manifest.check_size(descriptor.size).map(|()| manifest));
        match found {
            Ok(manifest) => layers(reading, &manifest, Carrier::Referrer).await,
            // A listing may outlive what it lists. What is gone for good has nothing to say, and waiting
            // for it would leave the verdict open for ever.
            Err(error) if error.is_absent() => Collected {
                listed: vec![gone(reading.subject, &descriptor, &error)],
                ..Collected::default()
            },
            Err(error) => {
                let named = descriptor.artifact_type.unwrap_or(descriptor.media_type);
                Collected {
                    items: vec![broken(
                        reading.subject,
                        descriptor.digest,
                        named,
                        descriptor.annotations,
                        Carrier::Referrer,
                        &error,
                    )],
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

/// A referrer that is listed and no longer there.
fn gone(subject: Digest, descriptor: &Descriptor, error: &RegistryError) -> Evidence {
    let named = descriptor.artifact_type.as_deref().unwrap_or(&descriptor.media_type);
    let mut item = artifact_without_statement(subject, descriptor.digest, &[named]);
    item.state = EvidenceState::Failed;
    item.cause = Some(CauseKind::Absent);
    item.detail = Some(format!("it is listed, and no longer there: {error}").into());
    item
}

/// How an evidence tag is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagReading {
    /// By what it points at: the manifest is likely to be kept.
    Head,
    /// At once: it is likely that there is no such tag, or that nothing of it is kept.
    Get,
}

async fn legacy_tag(reading: &EvidenceReader<'_>, tag: String, carrier: Carrier, how: TagReading) -> Collected {
    let EvidenceReader {
        registry,
        repository,
        subject,
        ..
    } = reading;
    if how == TagReading::Get {
        // Where it is not known whether there is such a tag, this tells, with the registry's own words.
        match registry.tagged_manifest(repository, &tag).await {
            Ok(None) => return Collected::default(),
            Ok(Some(manifest)) => return layers(reading, &manifest, carrier).await,
            Err(error) if error.cause() == CauseKind::Unreachable => return Collected::failed(&error),
            // It is there and cannot be read: below it is named by its digest.
            Err(_) => {}
        }
    }
    let digest = match registry.resolve(repository, &tag).await {
        Ok(Some(digest)) => digest,
        Ok(None) => return Collected::default(),
        Err(error) => return Collected::failed(&error),
    };
    match registry.manifest(repository, &digest).await {
        Ok(manifest) => layers(reading, &manifest, carrier).await,
        Err(error) => Collected {
            items: vec![broken(*subject, digest, tag, BTreeMap::new(), carrier, &error)],
            ..Collected::default()
        },
    }
}

/// Fetches the layers of one evidence manifest that contain statements.
async fn layers(reading: &EvidenceReader<'_>, manifest: &Manifest, carrier: Carrier) -> Collected {
    let attached_to = reading.subject;
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
    let mut statements = statements;
    let beyond = statements.split_off(statements.len().min(MAX_LAYERS));
    // The manifest's annotations count for each of its layers.
    let annotated: usize = manifest
        .body
        .annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if annotated.saturating_mul(statements.len()) > MAX_ANNOTATIONS {
        let what = format!(
            "the annotations of {} are too large for so many layers",
            manifest.digest
        );
        all.items
            .push(not_read(attached_to, manifest, statements[0], carrier, what));
        return all;
    }
    if let Some(first) = beyond.first() {
        let what = format!("{} has more than {MAX_LAYERS} layers with statements", manifest.digest);
        all.items.push(not_read(attached_to, manifest, first, carrier, what));
    }
    let read = join_all(statements.into_iter().map(|layer| async move {
        let content = reading.content(layer).await;
        let mut annotations = manifest.body.annotations.clone();
        annotations.extend(layer.annotations.clone());
        Item {
            attached_to,
            manifest: manifest.digest,
            digest: layer.digest,
            media_type: layer.media_type.clone(),
            annotations,
            carrier,
            content,
        }
    }))
    .await;
    all.items.extend(read);
    all
}

/// A layer that stands for all that were not read.
fn not_read(attached_to: Digest, manifest: &Manifest, layer: &Descriptor, carrier: Carrier, what: String) -> Item {
    Item {
        attached_to,
        manifest: manifest.digest,
        digest: layer.digest,
        media_type: layer.media_type.clone(),
        annotations: BTreeMap::new(),
        carrier,
        content: Err(Failure::new(
            FailureKind::TooLarge,
            format!("{what}; they were not read"),
        )),
    }
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

/// What GitHub's attestation API has about a digest.
pub(crate) async fn attested(registry: &Registry, source: &GithubRepository, subject: Digest) -> Collected {
    let found = match source.attestations(registry, subject).await {
        Ok(found) => found,
        Err(error) => return Collected::failed(&error),
    };
    let item = |one: Attestation| Item {
        attached_to: subject,
        manifest: one.digest,
        digest: one.digest,
        media_type: one.media_type,
        annotations: BTreeMap::new(),
        carrier: Carrier::GithubApi,
        content: one.bundle.map(ItemContent::Kept).map_err(Failure::from),
    };
    Collected {
        items: found.into_iter().map(item).collect(),
        ..Collected::default()
    }
}

/// BuildKit's attestation manifests inside an index: unsigned, shown, never counted. They are named
/// from their annotations; nothing is fetched but the small manifest.
pub(crate) async fn in_index(registry: &Registry, repository: &Repository, index: &Manifest) -> Collected {
    let mut all = Collected::default();
    let (looked_at, beyond) = {
        let mut inside: Vec<&Descriptor> = index.body.manifests.iter().filter(|d| is_attestation(d)).collect();
        let beyond = inside.split_off(inside.len().min(MAX_INSIDE));
        (inside, beyond)
    };
    if let Some(first) = beyond.first() {
        let mut item = buildkit_layer(index.digest, first.digest, None);
        item.state = EvidenceState::Unsupported;
        item.cause = Some(CauseKind::Unsupported);
        let what = format!("the index has more than {MAX_INSIDE} attestation manifests; the others were not looked at");
        item.detail = Some(what.into());
        all.listed.push(item);
    }
    let answers = join_all(
        looked_at
            .iter()
            .map(|descriptor| registry.manifest(repository, &descriptor.digest)),
    )
    .await;
    for (descriptor, answer) in looked_at.into_iter().zip(answers) {
        let about = descriptor
            .annotations
            .get("vnd.docker.reference.digest")
            .and_then(|d| d.parse().ok());
        let attached_to = about.unwrap_or(index.digest);
        match answer {
            Ok(manifest) => {
                let room = MAX_LAYERS.saturating_sub(all.listed.len());
                for layer in manifest.body.layers.iter().take(room) {
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
pub(crate) fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor
        .annotations
        .get("vnd.docker.reference.type")
        .is_some_and(|t| t == "attestation-manifest")
}

/// The platform manifests of an index, attestation manifests left out.
pub(crate) fn platforms(index: &Manifest) -> impl Iterator<Item = &Descriptor> {
    index.body.manifests.iter().filter(|d| !is_attestation(d))
}

/// The annotations of a manifest, for callers that look for labels.
pub(crate) fn annotation<'a>(annotations: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    annotations
        .get(key)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}
