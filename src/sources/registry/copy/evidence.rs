//! Evidence: bringing over what the destination lacks, and naming what could not be brought.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::error::{RegistryError, named};
use super::super::manifest::{self, Manifest};
use super::super::referrers::{ReferrersVia, fallback_tag};
use super::job::{Job, MissingEvidence};
use super::walk::{ImageTree, Inventory};
use crate::domain::{Digest, Untrusted, Wording};

/// Attempts at a fallback tag that somebody else writes too.
const ATTEMPTS: u32 = 4;
/// Most bytes of a fallback listing.
const LISTING_CAP: u64 = 4 << 20;

/// What bringing the evidence over came to.
#[derive(Debug, Default)]
pub(super) struct CopiedEvidence {
    pub(super) evidence: u64,
    pub(super) missing: Vec<MissingEvidence>,
}

impl CopiedEvidence {
    fn add_missing(&mut self, subject: Digest, digest: Digest, tag: Option<&str>, reason: impl Into<Untrusted>) {
        self.missing.push(MissingEvidence {
            subject,
            digest,
            tag: tag.map(str::to_owned),
            reason: reason.into(),
        });
    }
}

impl Job<'_> {
    /// Brings everything over that the destination lacks, then compares both sides.
    pub(super) async fn copy_evidence(
        &self,
        held: &Inventory,
        existing: Option<&BTreeSet<String>>,
        sent: &mut Vec<Manifest>,
    ) -> Result<CopiedEvidence, RegistryError> {
        let mut brought = CopiedEvidence::default();
        if self.request.source == self.request.destination {
            return Ok(brought);
        }
        for (subject, digests) in &held.referrers {
            self.copy_referrers(*subject, digests, existing, sent, &mut brought)
                .await?;
        }
        for (subject, tag, digest) in &held.tagged {
            self.copy_tagged(*subject, tag, *digest, existing, sent, &mut brought)
                .await?;
        }
        Ok(brought)
    }

    /// One subject's referrers. One writer per subject: its fallback tag is read, changed, written.
    async fn copy_referrers(
        &self,
        subject: Digest,
        digests: &[Digest],
        existing: Option<&BTreeSet<String>>,
        sent: &mut Vec<Manifest>,
        brought: &mut CopiedEvidence,
    ) -> Result<(), RegistryError> {
        let destination = &self.request.destination;
        let (mut there, mut via) = (BTreeSet::new(), None);
        if let Some(tags) = existing {
            let listed = self.client.referrers(destination, &subject, Some(tags)).await?;
            there.extend(listed.descriptors.iter().map(|descriptor| descriptor.digest));
            via = Some(listed.via);
        }
        let mut unlisted = Vec::new();
        let mut fresh = Vec::new();
        for digest in digests.iter().filter(|digest| !there.contains(digest)) {
            match self.copy_item(*digest, None, sent).await? {
                Ok((manifest, indexed)) => {
                    if !indexed && via != Some(ReferrersVia::Api) {
                        unlisted.push(manifest);
                    }
                    fresh.push(*digest);
                }
                Err(reason) => brought.add_missing(subject, *digest, None, reason),
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        // A registry that has the API and does not say so in its answers is asked before a
        // fallback tag is left behind in it. That costs one request, for the first subject.
        if !unlisted.is_empty() && via.is_none() {
            let listed = self
                .client
                .referrers(destination, &subject, Some(&BTreeSet::new()))
                .await?;
            if listed.via == ReferrersVia::Api {
                unlisted.clear();
            }
        }
        let now = if unlisted.is_empty() {
            let listed = self.client.referrers(destination, &subject, None).await?;
            listed.descriptors.iter().map(|descriptor| descriptor.digest).collect()
        } else {
            self.keep_listing(subject, &unlisted).await?
        };
        for digest in fresh {
            if now.contains(&digest) {
                brought.evidence += 1;
            } else {
                brought.add_missing(
                    subject,
                    digest,
                    None,
                    "it was sent, and the destination does not list it",
                );
            }
        }
        Ok(())
    }

    /// Copies what one of cosign's tags (`.sig`, `.att`, `.sbom`) points at, and sets the tag there.
    async fn copy_tagged(
        &self,
        subject: Digest,
        tag: &str,
        digest: Digest,
        existing: Option<&BTreeSet<String>>,
        sent: &mut Vec<Manifest>,
        brought: &mut CopiedEvidence,
    ) -> Result<(), RegistryError> {
        let destination = &self.request.destination;
        if existing.is_some_and(|tags| tags.contains(tag)) {
            match self.client.resolve(destination, tag).await? {
                Some(other) if other == digest => return Ok(()),
                Some(other) => match self.compare(digest, other).await? {
                    TagComparison::Enough => return Ok(()),
                    TagComparison::Less => {}
                    TagComparison::Other => {
                        let reason = format!("the destination's tag names {other}, which holds other statements");
                        brought.add_missing(subject, digest, Some(tag), reason);
                        return Ok(());
                    }
                },
                None => {}
            }
        }
        if let Err(reason) = self.copy_item(digest, Some(tag), sent).await? {
            brought.add_missing(subject, digest, Some(tag), reason);
            return Ok(());
        }
        match self.client.fetch_again(&self.access, tag, &digest, true).await {
            Ok(_) => brought.evidence += 1,
            Err(RegistryError::Corrupt { actual, .. }) => {
                let reason = format!("it was sent, and the destination's tag names {actual}");
                brought.add_missing(subject, digest, Some(tag), reason);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Brings one piece of evidence over. The inner error says why it cannot be: it is broken at
    /// the source, or the destination refuses it. The outer one is trouble on the way.
    async fn copy_item(
        &self,
        digest: Digest,
        tag: Option<&str>,
        sent: &mut Vec<Manifest>,
    ) -> Result<Result<(Manifest, bool), Untrusted>, RegistryError> {
        match self.try_item(digest, tag, sent).await {
            Ok(done) => Ok(Ok(done)),
            Err(error) => match (&error, error.cause()) {
                (RegistryError::NotWritable { detail, .. }, _) => {
                    Ok(Err(Untrusted::new(format!("the destination refuses it: {detail}"))))
                }
                (_, cause) if cause.is_open() => Err(error),
                _ => Ok(Err(Untrusted::new(error.to_string()))),
            },
        }
    }

    async fn try_item(
        &self,
        digest: Digest,
        tag: Option<&str>,
        sent: &mut Vec<Manifest>,
    ) -> Result<(Manifest, bool), RegistryError> {
        let tree = ImageTree::walk(self.client, &self.request.source, digest).await?;
        self.expect(&tree);
        for blob in tree.blobs.values() {
            self.copy_blob(blob).await?;
        }
        let mut indexed = false;
        for manifest in &tree.manifests {
            let by_digest = manifest.digest.to_string();
            let reference = tag.filter(|_| manifest.digest == digest).unwrap_or(&by_digest);
            indexed = self.put_manifest(reference, manifest).await?;
        }
        // What a tag names is read again by that tag.
        sent.extend(
            tree.manifests
                .iter()
                .filter(|m| tag.is_none() || m.digest != digest)
                .cloned(),
        );
        let root = tree
            .manifests
            .into_iter()
            .last()
            .ok_or_else(|| RegistryError::NotFound {
                what: named("manifest", &self.request.source, digest),
                authoritative: false,
            })?;
        Ok((root, indexed))
    }

    /// How the destination's manifest under an evidence tag relates to the source's.
    async fn compare(&self, ours: Digest, theirs: Digest) -> Result<TagComparison, RegistryError> {
        let ours = self.client.manifest(&self.request.source, &ours).await?;
        let theirs = self.client.manifest(&self.request.destination, &theirs).await?;
        let statements = |manifest: &Manifest| -> BTreeMap<Digest, BTreeMap<String, String>> {
            let layers = manifest.body.layers.iter();
            layers.map(|layer| (layer.digest, layer.annotations.clone())).collect()
        };
        let (ours, theirs) = (statements(&ours), statements(&theirs));
        let within = |small: &BTreeMap<_, _>, large: &BTreeMap<_, _>| {
            small
                .iter()
                .all(|(digest, annotations)| large.get(digest) == Some(annotations))
        };
        Ok(match (within(&ours, &theirs), within(&theirs, &ours)) {
            (true, _) => TagComparison::Enough,
            (_, true) => TagComparison::Less,
            _ => TagComparison::Other,
        })
    }

    /// Adds referrers to a subject's fallback tag and makes sure that they stay there: somebody
    /// else may write the same tag, and the last writer wins (distribution spec, "Referrers Tag
    /// Schema"). What the listing contains in the end.
    async fn keep_listing(&self, subject: Digest, added: &[Manifest]) -> Result<BTreeSet<Digest>, RegistryError> {
        let tag = fallback_tag(&subject);
        let mut listed = BTreeSet::new();
        for _ in 0..ATTEMPTS {
            let mut listing = self.read_listing(&tag).await?;
            let Some(entries) = listing.get_mut("manifests").and_then(Value::as_array_mut) else {
                return Err(RegistryError::NotWritable {
                    what: named("fallback tag", &self.request.destination, &tag),
                    detail: Wording::own("the tag names something that is no listing"),
                });
            };
            let lacking: Vec<Value> = added
                .iter()
                .filter(|manifest| !entries.iter().any(|entry| names(entry, &manifest.digest)))
                .map(entry)
                .collect();
            if lacking.is_empty() {
                let digests = entries
                    .iter()
                    .filter_map(|entry| entry.get("digest")?.as_str()?.parse().ok());
                listed = digests.collect();
                break;
            }
            entries.extend(lacking);
            let bytes = serde_json::to_vec(&listing).map_err(|error| RegistryError::Malformed {
                what: named("fallback tag", &self.request.destination, &tag),
                detail: Wording::of_another(error.to_string()),
            })?;
            self.put_bytes(&tag, manifest::OCI_INDEX, Bytes::from(bytes)).await?;
        }
        Ok(listed)
    }

    async fn read_listing(&self, tag: &str) -> Result<Value, RegistryError> {
        let destination = &self.request.destination;
        let url = self.client.url(destination, &format!("manifests/{tag}"))?;
        let what = named("fallback tag", destination, tag);
        let mut request = self.client.request(Method::GET, url, what, LISTING_CAP, &self.access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.client.send(&request, &self.access).await?;
        match response.status.as_u16() {
            200 => serde_json::from_slice(&response.body)
                .map_err(|_| response.protocol_error(&request, "it is no listing of referrers")),
            // What is not there is written anew. A wrong "not there" is found by reading again.
            404 => Ok(json!({"schemaVersion": 2, "mediaType": manifest::OCI_INDEX, "manifests": []})),
            _ => Err(response.refusal(&request)),
        }
    }
}

/// How two manifests under the same evidence tag relate.
enum TagComparison {
    /// The destination has all the source has.
    Enough,
    /// The source has all the destination has, and more.
    Less,
    /// Each has something the other lacks.
    Other,
}

fn names(entry: &Value, digest: &Digest) -> bool {
    entry.get("digest").and_then(Value::as_str) == Some(&digest.to_string())
}

/// A manifest as a fallback listing describes it: with its artifact type and annotations.
fn entry(manifest: &Manifest) -> Value {
    let config = manifest.body.config.as_ref().map(|config| config.media_type.clone());
    let kind = manifest.body.artifact_type.clone().or(config);
    let mut entry = json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest.to_string(),
        "size": manifest.bytes.len(),
    });
    if let (Some(kind), Some(fields)) = (kind, entry.as_object_mut()) {
        fields.insert("artifactType".to_owned(), Value::String(kind));
    }
    if let (false, Some(fields)) = (manifest.body.annotations.is_empty(), entry.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(manifest.body.annotations));
    }
    entry
}
