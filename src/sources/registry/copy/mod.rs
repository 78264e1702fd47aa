//! The promotion copy: the same bytes with all their evidence, at the destination.
//!
//! Everything is addressed by digest; nothing is serialised again. Order: blobs, children, the
//! image or index itself, its evidence, and the release tag last, so that a tag never names what
//! is not all there. What is there already is not sent, so a repeat finishes what a first run left.

mod evidence;
mod preflight;
mod push;
mod source;
mod walk;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Method;
use tokio::sync::mpsc;

use super::Registry;
use super::auth::{Access, Scopes};
use super::client::locked;
use super::error::{self, RegistryError};
use super::manifest::{self, Manifest};
use super::read::Core;
use crate::domain::{Digest, Repository, Untrusted};
pub use preflight::Preflight;
pub(super) use source::Streams;
use walk::{Inventory, Tree};

/// Blobs in flight. Each holds one connection to either side and a few buffers.
const PARALLEL_BLOBS: usize = 4;
/// Manifests read again at once.
const PARALLEL_MANIFESTS: usize = 8;

/// What to copy where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// Where it is.
    pub source: Repository,
    /// Where it goes.
    pub destination: Repository,
    /// The image or index.
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
    pub missing: Vec<Missing>,
    /// Whether the release tag names the digest at the destination now.
    pub tagged: bool,
}

/// One piece of evidence that the destination lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The image or index it is attached to.
    pub subject: Digest,
    /// Its manifest.
    pub digest: Digest,
    /// The tag that carries it, for evidence in cosign's tag layout.
    pub tag: Option<String>,
    /// Why.
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
        let job = Job::new(&self.core, request, progress)?;
        job.run().await
    }

    /// What can be known about a copy before it begins; writes nothing that stays.
    ///
    /// # Errors
    /// If the destination cannot be asked or refuses.
    pub async fn preflight(&self, request: &CopyRequest) -> Result<Preflight, RegistryError> {
        Job::new(&self.core, request, None)?.preflight().await
    }
}

/// One copy under way.
struct Job<'a> {
    core: &'a Core,
    request: &'a CopyRequest,
    /// Reading and writing the destination (and reading the source, where one token can do both).
    access: Access,
    same_registry: bool,
    counts: Counts,
    probe: push::Probe,
    /// Blobs known to be at the destination.
    there: std::sync::Mutex<BTreeSet<Digest>>,
    stream: source::Source,
    progress: Option<mpsc::Sender<CopyProgress>>,
}

#[derive(Debug, Default)]
struct Counts {
    manifests: AtomicU64,
    blobs: AtomicU64,
    bytes: AtomicU64,
    items: AtomicU64,
    of_items: AtomicU64,
    done_bytes: AtomicU64,
    of_bytes: AtomicU64,
}

impl<'a> Job<'a> {
    fn new(
        core: &'a Core,
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
            core,
            request,
            access: core.access(destination, scopes)?,
            same_registry,
            counts: Counts::default(),
            probe: push::Probe::default(),
            there: std::sync::Mutex::default(),
            stream: source::Source::new(core, source)?,
            progress,
        })
    }

    async fn run(&self) -> Result<CopyReport, RegistryError> {
        let CopyRequest {
            source,
            destination,
            digest,
            ..
        } = self.request;
        let tree = Tree::walk(self.core, source, *digest).await?;
        let same = source == destination;
        let source_tags: BTreeSet<String> = self.core.tags(source).await?.into_iter().collect();
        let held = Inventory::take(self.core, source, &tree.subjects(), &source_tags).await?;
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
                .core
                .fetch_again(&self.access, &digest.to_string(), digest, false)
                .await?;
        let mut sent = Vec::new();
        if !whole {
            self.expect(&tree);
            self.send_tree(&tree, &mut sent).await?;
        }
        let brought = self.bring_evidence(&held, existing.as_ref(), &mut sent).await?;
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
    async fn destination_tags(&self) -> Result<Option<BTreeSet<String>>, RegistryError> {
        match self.core.tags_with(&self.access).await {
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
        match self.core.claim(&self.access, tag).await? {
            Some(other) if other != self.request.digest && !self.request.move_tag => Err(RegistryError::NotWritable {
                what: error::named("tag", &self.request.destination, tag),
                detail: Untrusted::new(format!("it names {other} already")),
            }),
            named => Ok(named),
        }
    }

    /// Sends blobs, then manifests from the leaves to the root.
    async fn send_tree(&self, tree: &Tree, sent: &mut Vec<Manifest>) -> Result<(), RegistryError> {
        // Collected first: a closure that lives across an await would keep the copy on one thread.
        let uploads: Vec<_> = tree.blobs.values().map(|blob| self.bring_blob(blob)).collect();
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
                self.core
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
    async fn set_tag(&self, tree: &Tree, named: Option<Digest>) -> Result<bool, RegistryError> {
        let (Some(tag), Some(root)) = (&self.request.tag, tree.manifests.last()) else {
            return Ok(false);
        };
        if named == Some(root.digest) {
            return Ok(true);
        }
        self.put_bytes(tag, &root.media_type, root.bytes.clone()).await?;
        self.core.fetch_again(&self.access, tag, &root.digest, true).await
    }

    /// More to do has become known.
    fn expect(&self, tree: &Tree) {
        let (items, bytes) = tree.weight();
        self.counts.of_items.fetch_add(items, Ordering::Relaxed);
        self.counts.of_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// One item is done, sent or not.
    fn done(&self) {
        self.counts.items.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn advance(&self, bytes: u64) {
        self.counts.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// Tells how far it is; a reader that is behind misses some, not the copy its time.
    fn tell(&self) {
        let Some(progress) = &self.progress else { return };
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let _ = progress.try_send(CopyProgress {
            items: load(&self.counts.items),
            of_items: load(&self.counts.of_items),
            bytes: load(&self.counts.done_bytes),
            of_bytes: load(&self.counts.of_bytes),
        });
    }

    fn knows(&self, blob: &Digest) -> bool {
        locked(&self.there).contains(blob)
    }

    fn learn(&self, blob: Digest) {
        locked(&self.there).insert(blob);
    }
}

impl Core {
    /// Whether a reference holds exactly this content now, read past every cache. With `must`,
    /// "not there" is an error: it was just sent.
    async fn fetch_again(
        &self,
        access: &Access,
        reference: &str,
        digest: &Digest,
        must: bool,
    ) -> Result<bool, RegistryError> {
        let repository = &access.repository;
        let what = error::named("manifest", repository, reference);
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut ask = self.ask(Method::GET, url, what.clone(), super::read::MANIFEST_CAP, access);
        ask.accept = Some(manifest::ACCEPT);
        let answer = self.send(&ask, access).await?;
        match answer.status.as_u16() {
            200 => {}
            404 if !must => return Ok(false),
            _ => return Err(answer.refusal(&ask)),
        }
        let actual = Digest::of(&answer.body);
        if actual != *digest {
            return Err(RegistryError::Corrupt { what, actual });
        }
        self.note_readable(repository);
        Ok(true)
    }

    /// What a tag names by the registry's word, under the rights of a copy; `None` for any 404.
    async fn claim(&self, access: &Access, tag: &str) -> Result<Option<Digest>, RegistryError> {
        let repository = &access.repository;
        let url = self.url(repository, &format!("manifests/{tag}"))?;
        let mut ask = self.ask(Method::HEAD, url, error::named("tag", repository, tag), 0, access);
        ask.accept = Some(manifest::ACCEPT);
        let answer = self.send(&ask, access).await?;
        match answer.status.as_u16() {
            200 => Ok(answer
                .header("docker-content-digest")
                .and_then(|text| text.parse().ok())),
            404 => Ok(None),
            _ => Err(answer.refusal(&ask)),
        }
    }
}
