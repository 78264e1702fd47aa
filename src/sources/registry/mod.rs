//! OCI registries: tags, manifests, blobs and referrers, with as few requests as possible.
//!
//! Every metadata request leaves through one place (`client`), so limits, retries, credentials and
//! counting hold everywhere. An error is never turned into "there is none", and what a registry
//! claims is not taken for what its bytes hash to.

mod answer;
mod auth;
mod budget;
mod cache;
mod challenge;
mod client;
mod copy;
mod credentials;
mod endpoint;
mod error;
mod headers;
mod host;
mod link;
pub mod manifest;
mod read;
mod referrers;
mod tags;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

pub use answer::Claimed;
pub use budget::Traffic;
pub use cache::{CacheSize, ContentCache};
pub use client::Limits;
pub use copy::{CopyProgress, CopyReport, CopyRequest, Missing, Preflight};
pub use credentials::Credentials;
pub use error::RegistryError;
pub use host::RateLimit;
pub use manifest::{Descriptor, Manifest, ManifestBody, Platform};
pub use referrers::{Referrers, ReferrersVia};

use crate::domain::registry::{Budget, RegistrySettings};
use crate::domain::{Digest, Repository};

/// What a [`Registry`] needs to know.
#[derive(Debug, Default)]
pub struct Options {
    /// Settings by registry name, as in `[registries."…"]`.
    pub settings: BTreeMap<String, RegistrySettings>,
    /// Where credentials come from.
    pub credentials: Credentials,
    /// Content by digest on disk; `None` keeps nothing.
    pub cache: Option<ContentCache>,
    /// Answer from the cache only.
    pub offline: bool,
}

/// All registries a run talks to. Cloning is cheap and shares everything.
#[derive(Debug, Clone)]
pub struct Registry {
    core: Arc<read::Core>,
}

impl Registry {
    /// Prepares to talk; sends nothing.
    ///
    /// # Errors
    /// [`RegistryError::Settings`] if an endpoint or CA cannot be used.
    pub fn new(options: Options) -> Result<Self, RegistryError> {
        Self::with_limits(options, Limits::default())
    }

    /// As [`Registry::new`], with other times and limits.
    ///
    /// # Errors
    /// As [`Registry::new`].
    pub fn with_limits(options: Options, limits: Limits) -> Result<Self, RegistryError> {
        Ok(Self {
            core: Arc::new(read::Core::new(options, limits)?),
        })
    }

    /// All tags of a repository, sorted: every page.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] (not authoritative) if there is no such repository.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>, RegistryError> {
        self.core.tags(repository).await
    }

    /// What a tag points at now: one HEAD. `None` is an authoritative "no such tag". The digest is
    /// the registry's claim until [`Registry::manifest`] has hashed the bytes.
    ///
    /// # Errors
    /// Anything else than an answer.
    pub async fn resolve(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        self.core.resolve(repository, tag).await
    }

    /// The same, with what the answer says of its kind.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub async fn claimed(&self, repository: &Repository, tag: &str) -> Result<Option<Claimed>, RegistryError> {
        self.core.claimed(repository, tag).await
    }

    /// Whether a manifest is there now: one HEAD, never cached. `false` only with authority
    /// (CONTRACT "missing-from-registry").
    ///
    /// # Errors
    /// Anything else than an answer, an unproven 404 too.
    pub async fn presence(&self, repository: &Repository, digest: &Digest) -> Result<bool, RegistryError> {
        self.core.presence(repository, digest).await
    }

    /// Whether content is in the cache, whole: then [`Registry::manifest`] asks nobody, and presence
    /// is still to be asked for.
    pub async fn is_cached(&self, digest: &Digest) -> bool {
        self.core.cached(digest).await.is_some()
    }

    /// A manifest by digest, hashed; from the cache where it is there.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Manifest, RegistryError> {
        self.core.manifest(repository, digest).await
    }

    /// A blob by digest, hashed; from the cache where it is there. `size` is the descriptor's, `cap`
    /// the limit in bytes.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: Option<u64>,
        cap: u64,
    ) -> Result<Bytes, RegistryError> {
        self.core.blob(repository, digest, size, cap).await
    }

    /// What refers to a manifest, by API or fallback tag. `tags` is the repository's tag list where
    /// it is known: then a fallback tag that is not in it costs no request.
    ///
    /// # Errors
    /// Any [`RegistryError`]; a partial listing is an error.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        tags: Option<&BTreeSet<String>>,
    ) -> Result<Referrers, RegistryError> {
        self.core.referrers(repository, subject, tags).await
    }

    /// What this run has cost so far.
    pub fn budget(&self) -> Budget {
        self.core.http.meter.budget()
    }

    /// The same by host, method and status.
    pub fn traffic(&self) -> Vec<Traffic> {
        self.core.http.meter.traffic()
    }

    /// What each host last said about its own limits.
    pub fn rate_limits(&self) -> BTreeMap<String, RateLimit> {
        self.core.http.rate_limits()
    }
}
