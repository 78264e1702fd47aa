//! The order of a copy, from reading the source to the release tag.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Method;
use tokio::sync::mpsc;

use super::super::auth::Access;
use super::super::client::RegistryClient;
use super::super::error::{self, RegistryError};
use super::super::handle::Registry;
use super::super::manifest::{self, MANIFEST_CAP, Manifest};
use super::super::pace::AT_ONCE_AT_LEAST;
use super::job::{CopyProgress, CopyReport, CopyRequest, Job};
use super::preflight::Preflight;
use super::walk::{ImageTree, Inventory};
use crate::domain::{Digest, Wording};

/// Blobs in flight. Each has one connection to either side and a few buffers.
const PARALLEL_BLOBS: usize = AT_ONCE_AT_LEAST - 1;
/// Manifests read again at once.
const PARALLEL_MANIFESTS: usize = 8;

impl Registry {
    /// Copies an image or index with all its evidence. See the module for order and guarantees.
    ///
    /// Dropping the future stops it; nothing names what is incomplete, and a repeat goes on.
    ///
    /// # Errors
    /// If the image itself cannot be brought over whole, or either side cannot be asked. Evidence
    /// that is broken at the source or refused at the destination is no error: it is named.
    pub async fn copy(
        &self,
        request: &CopyRequest,
        progress: Option<mpsc::Sender<CopyProgress>>,
    ) -> Result<CopyReport, RegistryError> {
        let job = Job::new(&self.client, request, progress)?;
        job.run().await
    }

    /// What can be known about a copy before it begins; writes nothing that stays.
    ///
    /// # Errors
    /// If the destination cannot be asked or refuses.
    pub async fn preflight(&self, request: &CopyRequest) -> Result<Preflight, RegistryError> {
        Job::new(&self.client, request, None)?.preflight().await
    }
}

impl Job<'_> {
    pub(super) async fn run(&self) -> Result<CopyReport, RegistryError> {
        let CopyRequest {
            source,
            destination,
            digest,
            ..
        } = self.request;
        let tree = ImageTree::walk(self.client, source, *digest).await?;
        let same = source == destination;
        let source_tags: BTreeSet<String> = self.client.tags(source).await?.into_iter().collect();
        let held = Inventory::take(self.client, source, &tree.subjects(), &source_tags).await?;
        let existing = if same {
            Some(source_tags.clone())
        } else {
            self.destination_tags().await?
        };
        let named = self.check_tag(existing.as_ref()).await?;
        // A repository with nothing in it has no blob worth asking for.
        self.probe.set(existing.is_some());
        let whole = existing.is_some()
            && self
                .client
                .fetch_again(&self.access, &digest.to_string(), digest, false)
                .await?;
        let mut sent = Vec::new();
        if !whole {
            self.expect(&tree);
            self.send_tree(&tree, &mut sent).await?;
        }
        let brought = self.copy_evidence(&held, existing.as_ref(), &mut sent).await?;
        self.read_again(&sent).await?;
        let mut report = CopyReport {
            manifests: self.counts.manifests.load(Ordering::Relaxed),
            blobs: self.counts.blobs.load(Ordering::Relaxed),
            bytes: self.counts.bytes.load(Ordering::Relaxed),
            evidence: brought.evidence,
            missing: brought.missing,
            tagged: false,
        };
        if report.missing.is_empty() {
            report.tagged = self.set_tag(&tree, named).await?;
        }
        Ok(report)
    }

    /// The destination's tags; `None` where there is no repository yet.
    pub(super) async fn destination_tags(&self) -> Result<Option<BTreeSet<String>>, RegistryError> {
        match self.client.tags_with(&self.access).await {
            Ok(tags) => Ok(Some(tags.into_iter().collect())),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the release tag names now. Another digest's tag is not taken silently.
    async fn check_tag(&self, existing: Option<&BTreeSet<String>>) -> Result<Option<Digest>, RegistryError> {
        let Some(tag) = &self.request.tag else { return Ok(None) };
        if !existing.is_some_and(|tags| tags.contains(tag)) {
            return Ok(None);
        }
        match self.client.claim(&self.access, tag).await? {
            Some(other) if other != self.request.digest && !self.request.move_tag => Err(RegistryError::NotWritable {
                what: error::named("tag", &self.request.destination, tag),
                detail: Wording::own(format!("it names {other} already")),
            }),
            named => Ok(named),
        }
    }

    /// Sends blobs, then manifests from the leaves to the root.
    async fn send_tree(&self, tree: &ImageTree, sent: &mut Vec<Manifest>) -> Result<(), RegistryError> {
        // Collected first: a closure that lives across an await would keep the copy on one thread.
        let uploads: Vec<_> = tree.blobs.values().map(|blob| self.copy_blob(blob)).collect();
        let mut uploads = stream::iter(uploads).buffer_unordered(PARALLEL_BLOBS);
        while let Some(done) = uploads.next().await {
            done?;
        }
        for manifest in &tree.manifests {
            self.put_manifest(&manifest.digest.to_string(), manifest).await?;
            sent.push(manifest.clone());
        }
        Ok(())
    }

    /// Reads what was sent once more, past every cache, and hashes it.
    async fn read_again(&self, sent: &[Manifest]) -> Result<(), RegistryError> {
        let checks: Vec<_> = sent
            .iter()
            .map(|manifest| async move {
                let reference = manifest.digest.to_string();
                self.client
                    .fetch_again(&self.access, &reference, &manifest.digest, true)
                    .await
            })
            .collect();
        let mut checks = stream::iter(checks).buffer_unordered(PARALLEL_MANIFESTS);
        while let Some(done) = checks.next().await {
            done?;
        }
        Ok(())
    }

    /// Sets the release tag, unless it is right already, and reads it back.
    async fn set_tag(&self, tree: &ImageTree, named: Option<Digest>) -> Result<bool, RegistryError> {
        let (Some(tag), Some(root)) = (&self.request.tag, tree.manifests.last()) else {
            return Ok(false);
        };
        if named == Some(root.digest) {
            return Ok(true);
        }
        self.put_bytes(tag, &root.media_type, root.bytes.clone()).await?;
        self.client.fetch_again(&self.access, tag, &root.digest, true).await
    }
}

impl RegistryClient {
    /// Whether a reference names exactly this content now, read past every cache. With `must`,
    /// "not there" is an error: it was just sent.
    pub(super) async fn fetch_again(
        &self,
        access: &Access,
        reference: &str,
        digest: &Digest,
        must: bool,
    ) -> Result<bool, RegistryError> {
        let repository = &access.repository;
        let what = error::named("manifest", repository, reference);
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut request = self.request(Method::GET, url, what.clone(), MANIFEST_CAP, access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.send(&request, access).await?;
        match response.status.as_u16() {
            200 => {}
            404 if !must => return Ok(false),
            _ => return Err(response.refusal(&request)),
        }
        let actual = Digest::of(&response.body);
        if actual != *digest {
            return Err(RegistryError::Corrupt { what, actual });
        }
        self.note_readable(repository);
        Ok(true)
    }

    /// What a tag names by the registry's word, under the rights of a copy; `None` for any 404.
    pub(super) async fn claim(&self, access: &Access, tag: &str) -> Result<Option<Digest>, RegistryError> {
        let repository = &access.repository;
        let url = self.url(repository, &format!("manifests/{tag}"))?;
        let mut request = self.request(Method::HEAD, url, error::named("tag", repository, tag), 0, access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.send(&request, access).await?;
        match response.status.as_u16() {
            200 => Ok(response
                .header("docker-content-digest")
                .and_then(|text| text.parse().ok())),
            404 => Ok(None),
            _ => Err(response.refusal(&request)),
        }
    }
}
