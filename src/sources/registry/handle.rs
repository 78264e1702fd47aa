//! The handle by which the rest of the program asks registries.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::client::RegistryClient;
use super::error::RegistryError;
use super::manifest::{Descriptor, Manifest};
use super::options::Options;
use super::presence::{Head, Place, Present};
use super::referrers::Referrers;

use super::transport::Limits;
use crate::domain::registry::Budget;
use crate::domain::{Digest, Repository};

/// All registries a run talks to. Cloning is cheap and shares everything.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(super) client: Arc<RegistryClient>,
}

impl Registry {
    /// Reads credentials and settings. No request is sent.
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
            client: Arc::new(RegistryClient::new(options, limits)?),
        })
    }

    /// All tags of a repository, sorted: every page.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] (not authoritative) if there is no such repository.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>, RegistryError> {
        self.client.tags(repository).await
    }

    /// What a tag points at now: one HEAD. `None` is an authoritative "no such tag". The digest is
    /// the registry's claim until [`Registry::manifest`] has hashed the bytes.
    ///
    /// # Errors
    /// Anything else than an answer.
    pub async fn resolve(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        self.client.resolve(repository, tag).await
    }

    /// The same, with what the answer says of its kind.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub(crate) async fn head(&self, repository: &Repository, tag: &str) -> Result<Option<Head>, RegistryError> {
        self.client.head(repository, tag).await
    }

    /// Whether a manifest is at a place now: one HEAD, never cached. `None` only with authority: the
    /// registry says that it does not know the manifest while the same credentials read something else of
    /// that repository. `size` is that of the descriptor that names it, if one does.
    ///
    /// # Errors
    /// Anything else than an answer, an unproven 404 too.
    pub async fn presence(&self, place: &Place, size: Option<u64>) -> Result<Option<Present>, RegistryError> {
        self.client.presence(place, size).await
    }

    /// The same for a blob: a configuration or a layer.
    ///
    /// # Errors
    /// As [`Registry::presence`].
    pub async fn blob_presence(&self, place: &Place, size: u64) -> Result<Option<Present>, RegistryError> {
        self.client.blob_presence(place, size).await
    }

    /// A manifest by digest, hashed; and the proof that it is at this place now, if this very call got it
    /// from there. Without that proof the bytes came from the cache, and presence is still to be asked for.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub(crate) async fn manifest_at(&self, place: &Place) -> Result<(Manifest, Option<Present>), RegistryError> {
        self.client.manifest_at(place).await
    }

    /// A manifest by digest, hashed; from the cache where it is there.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Manifest, RegistryError> {
        self.client.manifest(repository, digest).await
    }

    /// Whether content is kept at all.
    pub(crate) fn keeps_content(&self) -> bool {
        self.client.cache.is_some()
    }

    /// Whether content of this digest seems to be kept; reading it will tell. Nothing is asked.
    pub(crate) async fn is_kept(&self, digest: &Digest) -> bool {
        self.client.is_kept(digest).await
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
        self.client.blob(repository, digest, size, cap).await
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
        self.client.referrers(repository, subject, tags).await
    }

    /// What the fallback tag of a manifest lists, asked for whatever a tag list says. Empty where the
    /// registry has the referrers API.
    ///
    /// # Errors
    /// As [`Registry::referrers`].
    pub(crate) async fn fallback_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        self.client.fallback_referrers(repository, subject).await
    }

    /// The manifest that a tag names, hashed; `None` = there is no such tag, for certain. One GET.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub(crate) async fn tagged_manifest(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Option<Manifest>, RegistryError> {
        self.client.tagged_manifest(repository, tag).await
    }

    /// What this run has cost so far.
    pub fn budget(&self) -> Budget {
        self.client.transport.meter.budget()
    }
}
