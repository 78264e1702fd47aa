//! One copy under way: what it is asked for, what it knows, how far it is.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::super::auth::{Access, Scopes};
use super::super::client::RegistryClient;
use super::super::error::RegistryError;
use super::super::lock::locked;
use super::push_probe::Probe;
use super::source::BlobSource;
use super::walk::ImageTree;
use crate::domain::{Digest, Repository, Untrusted};

/// What to copy where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// The repository that has it.
    pub source: Repository,
    /// The repository that it is copied to.
    pub destination: Repository,
    /// Digest of the image or index to copy, with everything below it.
    pub digest: Digest,
    /// The release tag to set at the destination, last of all.
    pub tag: Option<String>,
    /// Whether the tag may be taken from another digest.
    pub move_tag: bool,
}

/// What a copy did, and what it could not bring over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyReport {
    /// Manifests and indexes sent, those of evidence included.
    pub manifests: u64,
    /// Blobs sent or mounted.
    pub blobs: u64,
    /// Bytes of blobs sent; mounted ones cost none.
    pub bytes: u64,
    /// Pieces of evidence brought over.
    pub evidence: u64,
    /// Evidence that the source has and the destination lacks. The tag is not set if there is any.
    pub missing: Vec<MissingEvidence>,
    /// Whether the release tag names the digest at the destination now.
    pub tagged: bool,
}

/// One piece of evidence that the destination lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingEvidence {
    /// The image or index it is attached to.
    pub subject: Digest,
    /// Digest of the manifest of that piece of evidence.
    pub digest: Digest,
    /// The tag that carries it, for evidence in cosign's tag layout.
    pub tag: Option<String>,
    /// Why it is missing; may quote the registry.
    pub reason: Untrusted,
}

/// How far a copy is. Sent often; only the newest counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyProgress {
    /// Items (blobs and manifests) done.
    pub items: u64,
    /// Items there are, as far as known.
    pub of_items: u64,
    /// Bytes of blobs done, those that were there already included.
    pub bytes: u64,
    /// Bytes of blobs there are, as far as known.
    pub of_bytes: u64,
}

/// One copy under way.
pub(super) struct Job<'a> {
    pub(super) client: &'a RegistryClient,
    pub(super) request: &'a CopyRequest,
    /// Reading and writing the destination (and reading the source, where one token can do both).
    pub(super) access: Access,
    pub(super) same_registry: bool,
    pub(super) counts: Counts,
    pub(super) probe: Probe,
    /// Blobs known to be at the destination.
    pub(super) at_destination: std::sync::Mutex<BTreeSet<Digest>>,
    pub(super) stream: BlobSource,
    pub(super) progress: Option<mpsc::Sender<CopyProgress>>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) manifests: AtomicU64,
    pub(super) blobs: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) items: AtomicU64,
    pub(super) of_items: AtomicU64,
    pub(super) done_bytes: AtomicU64,
    pub(super) of_bytes: AtomicU64,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        client: &'a RegistryClient,
        request: &'a CopyRequest,
        progress: Option<mpsc::Sender<CopyProgress>>,
    ) -> Result<Self, RegistryError> {
        let (source, destination) = (&request.source, &request.destination);
        let same_registry = source.registry() == destination.registry();
        let mut scopes = Scopes::default().with(destination, &["pull", "push"]);
        if same_registry {
            scopes = scopes.with(source, &["pull"]);
        }
        Ok(Self {
            client,
            request,
            access: client.access(destination, scopes)?,
            same_registry,
            counts: Counts::default(),
            probe: Probe::default(),
            at_destination: std::sync::Mutex::default(),
            stream: BlobSource::new(client, source)?,
            progress,
        })
    }

    /// More to do has become known.
    pub(super) fn expect(&self, tree: &ImageTree) {
        let (items, bytes) = tree.count_and_bytes();
        self.counts.of_items.fetch_add(items, Ordering::Relaxed);
        self.counts.of_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// One item is done, sent or not.
    pub(super) fn done(&self) {
        self.counts.items.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.counts.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// Tells how far it is; a reader that is behind misses some, not the copy its time.
    pub(super) fn tell(&self) {
        let Some(progress) = &self.progress else { return };
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let _ = progress.try_send(CopyProgress {
            items: load(&self.counts.items),
            of_items: load(&self.counts.of_items),
            bytes: load(&self.counts.done_bytes),
            of_bytes: load(&self.counts.of_bytes),
        });
    }

    pub(super) fn knows(&self, blob: &Digest) -> bool {
        locked(&self.at_destination).contains(blob)
    }

    pub(super) fn learn(&self, blob: Digest) {
        locked(&self.at_destination).insert(blob);
    }
}
