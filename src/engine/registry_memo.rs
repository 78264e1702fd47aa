//! One pass over the registries: every question is asked once and its answer shared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::github::GithubRepository;
use crate::sources::registry::{Head, Manifest, Place, Present, Registry, RegistryError};

use super::collect::{self, Collected};
use super::once_map::OnceMap;
use super::statement_room::StatementRoom;
use super::verdict_cache::VerdictCache;

/// The tag list of a repository, or why there is none.
pub(crate) type TagList = Result<Arc<BTreeSet<String>>, Failure>;

/// What a tag points at; `Ok(None)` = there is no such tag.
pub(crate) type TagAnswer = Result<Option<Digest>, Failure>;

/// A manifest that a registry has now: its bytes, and the proof.
#[derive(Debug, Clone)]
pub(crate) struct LocatedManifest {
    /// Its bytes, parsed; they hash to the digest that was asked for.
    pub manifest: Arc<Manifest>,
    /// The registry has it at this place.
    pub present: Present,
    /// A registry was asked for its bytes in this pass: they were not kept from before.
    pub is_new: bool,
}

/// The bytes of a digest as the first who asked for them got them, and where; with the proof that they are there, if a
/// registry brought them.
type FirstRead = (Place, Result<(Arc<Manifest>, Option<Present>), RegistryError>);

/// Whether something is at a place; `Ok(None)` = it is not, for certain.
type PresenceAnswer = Result<Option<Present>, RegistryError>;

/// Shared questions of one pass. Two kinds of question never answer for each other: what bytes a digest
/// names (any registry may have served them, now or last week), and whether a repository has them now
/// ([`Place`]), which only that repository can say.
pub(crate) struct RegistryMemo {
    /// The door to all registries.
    pub registry: Registry,
    /// Checked evidence from earlier runs.
    pub verdicts: Option<VerdictCache>,
    /// What was signed travels with the evidence. It may be as large as the statements are, so only a question that
    /// shows it asks for it, and then every statement is checked anew.
    pub carries_content: bool,
    tags: OnceMap<Repository, TagList>,
    resolved: OnceMap<(Repository, String), TagAnswer>,
    /// Digests that tags pointed at, with the answers.
    answered: Mutex<BTreeMap<Place, Head>>,
    manifests: OnceMap<Place, PresenceAnswer>,
    blobs: OnceMap<Place, PresenceAnswer>,
    /// Of each digest, by whoever is first.
    read: OnceMap<Digest, FirstRead>,
    /// What configurations say of the version.
    pub(super) labels: OnceMap<(Place, u64), Result<Option<Untrusted>, RegistryError>>,
    located: OnceMap<Place, Result<Option<LocatedManifest>, RegistryError>>,
    statements: Arc<StatementRoom>,
    /// What is attached to a digest, however many policies judge it.
    attached: OnceMap<Place, Arc<Collected>>,
    /// What the tag list of the repository did not tell of.
    unlisted: OnceMap<Place, Arc<Collected>>,
    inside: OnceMap<Place, Arc<Collected>>,
    /// What GitHub's attestation API has about a digest.
    attestations: OnceMap<(GithubRepository, Digest), Arc<Collected>>,
}

impl RegistryMemo {
    /// Begins with no answer known.
    pub(crate) fn new(registry: Registry, verdicts: Option<VerdictCache>) -> Self {
        Self {
            registry,
            verdicts,
            carries_content: false,
            tags: OnceMap::default(),
            resolved: OnceMap::default(),
            answered: Mutex::default(),
            manifests: OnceMap::default(),
            blobs: OnceMap::default(),
            read: OnceMap::default(),
            labels: OnceMap::default(),
            located: OnceMap::default(),
            statements: Arc::default(),
            attached: OnceMap::default(),
            unlisted: OnceMap::default(),
            inside: OnceMap::default(),
            attestations: OnceMap::default(),
        }
    }

    /// What is attached to a digest, by the referrers and the tags that the repository lists. `is_new`: the image itself
    /// had to be read in this pass, so that nothing of its evidence is likely to be kept, either.
    pub(crate) async fn attached(&self, place: &Place, is_new: bool) -> Arc<Collected> {
        let ask = || async {
            let tags = self.tags(&place.repository).await.ok();
            let found = collect::attached(
                &self.registry,
                &self.statements,
                &place.repository,
                (place.digest, is_new),
                tags.as_deref(),
            );
            Arc::new(found.await)
        };
        self.attached.get(place.clone(), ask).await
    }

    /// What is attached to a digest by tags that the repository does not list; nothing where there is no list,
    /// for [`RegistryMemo::attached`] has asked for every tag then.
    pub(crate) async fn attached_unlisted(&self, place: &Place) -> Arc<Collected> {
        let ask = || async {
            let Ok(tags) = self.tags(&place.repository).await else {
                return Arc::default();
            };
            let found =
                collect::asked_directly(&self.registry, &self.statements, &place.repository, place.digest, &tags);
            Arc::new(found.await)
        };
        self.unlisted.get(place.clone(), ask).await
    }

    /// What GitHub's attestation API has about a digest.
    pub(crate) async fn attestations(&self, source: &GithubRepository, digest: Digest) -> Arc<Collected> {
        let ask = || async { Arc::new(collect::attested(&self.registry, source, digest).await) };
        self.attestations.get((source.clone(), digest), ask).await
    }

    /// What an index at this place has inside it.
    pub(crate) async fn in_index(&self, place: &Place, index: &Manifest) -> Arc<Collected> {
        let ask = || async { Arc::new(collect::in_index(&self.registry, &place.repository, index).await) };
        self.inside.get(place.clone(), ask).await
    }

    /// All tags of a repository.
    pub(crate) async fn tags(&self, repository: &Repository) -> TagList {
        self.tags
            .get(repository.clone(), || async {
                match self.registry.tags(repository).await {
                    Ok(tags) => Ok(Arc::new(tags.into_iter().collect())),
                    Err(error) => Err(Failure::from(&error)),
                }
            })
            .await
    }

    /// What a tag points at now. The tag list is not asked: a cache that lists only what it has already
    /// would hide tags.
    pub(crate) async fn resolve(&self, repository: &Repository, tag: &str) -> TagAnswer {
        let key = (repository.clone(), tag.to_owned());
        self.resolved
            .get(key, || async {
                let head = match self.registry.head(repository, tag).await {
                    Ok(Some(head)) => head,
                    Ok(None) => return Ok(None),
                    Err(error) => return Err(Failure::from(error)),
                };
                let digest = head.digest();
                self.answered().insert(head.present.place().clone(), head);
                Ok(Some(digest))
            })
            .await
    }

    /// What is already known about a tag in this pass.
    pub(crate) fn known(&self, repository: &Repository, tag: &str) -> Option<TagAnswer> {
        self.resolved.peek(&(repository.clone(), tag.to_owned()))
    }

    /// Whether a manifest is at a place now. A tag that answered with it there, or a GET that brought it
    /// from there, saves the HEAD.
    ///
    /// # Errors
    /// As [`Registry::presence`].
    pub(crate) async fn presence(&self, place: &Place, size: Option<u64>) -> PresenceAnswer {
        if let Some(present) = self.answered_by_tag(place) {
            return Ok(Some(present));
        }
        if self.located.has_begun(place) {
            return Ok(self.locate(place).await?.map(|located| located.present));
        }
        self.head(place, size).await
    }

    async fn head(&self, place: &Place, size: Option<u64>) -> PresenceAnswer {
        self.manifests
            .get(place.clone(), || self.registry.presence(place, size))
            .await
    }

    /// The proof that a tag of this pass gave, if one did.
    fn answered_by_tag(&self, place: &Place) -> Option<Present> {
        self.answered().get(place).map(|head| head.present.clone())
    }

    /// Whether a configuration or layer is at a place now.
    ///
    /// # Errors
    /// As [`Registry::blob_presence`].
    pub(crate) async fn blob_presence(&self, place: &Place, size: u64) -> PresenceAnswer {
        self.blobs
            .get(place.clone(), || self.registry.blob_presence(place, size))
            .await
    }

    /// A manifest that is at a place now, with its bytes; `Ok(None)` = it is not there, for certain.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub(crate) async fn locate(&self, place: &Place) -> Result<Option<LocatedManifest>, RegistryError> {
        self.located
            .get(place.clone(), || async {
                let read = self.read(place).await;
                let (manifest, proof) = match read {
                    Ok(found) => found,
                    Err(error) if error.is_absent() => return Ok(None),
                    Err(error) => return Err(error),
                };
                let is_new = proof.is_some();
                let proof = proof.filter(|present| present.place() == place);
                let present = match proof.or_else(|| self.answered_by_tag(place)) {
                    Some(present) => Some(present),
                    None => self.head(place, None).await?,
                };
                Ok(present.map(|present| LocatedManifest {
                    manifest,
                    present,
                    is_new,
                }))
            })
            .await
    }

    /// A manifest that was kept from before; `None` where a registry had to be asked for it, or it could not be had.
    pub(crate) async fn kept(&self, place: &Place) -> Option<Arc<Manifest>> {
        let (_, read) = self.read.get(place.digest, || self.read_at(place)).await;
        read.ok()
            .filter(|(_, proof)| proof.is_none())
            .map(|(manifest, _)| manifest)
    }

    /// The bytes of a digest as whoever asked first got them, wherever that was: they hash to it. Where nothing is kept, as
    /// before a write, each place is read itself.
    pub(super) async fn read(&self, place: &Place) -> Result<(Arc<Manifest>, Option<Present>), RegistryError> {
        if !self.registry.keeps_content() {
            return self.read_at(place).await.1;
        }
        let (first, read) = self.read.get(place.digest, || self.read_at(place)).await;
        // Another place that could not bring it says nothing of this one.
        if first == *place || read.is_ok() {
            return read;
        }
        self.read_at(place).await.1
    }

    async fn read_at(&self, place: &Place) -> FirstRead {
        let read = self.registry.manifest_at(place).await;
        (place.clone(), read.map(|(manifest, proof)| (Arc::new(manifest), proof)))
    }

    /// Whether a tag answered with this digest in this pass.
    pub(crate) fn is_answered(&self, place: &Place) -> bool {
        self.answered().contains_key(place)
    }

    /// Digests that tags of this repository pointed at in this pass, and that may be an index.
    pub(crate) fn tagged_indexes(&self, repository: &Repository) -> Vec<Digest> {
        // Places are ordered by repository, so its own stand together.
        let from = Place::new(repository, Digest::from_bytes([0; 32]));
        self.answered()
            .range(from..)
            .take_while(|(place, _)| place.repository == *repository)
            .filter(|(_, head)| !head.is_image)
            .map(|(place, _)| place.digest)
            .collect()
    }

    /// Whether the answer about this digest said that it is a single image, and so no index.
    pub(crate) fn is_image(&self, place: &Place) -> bool {
        self.answered().get(place).is_some_and(|head| head.is_image)
    }

    fn answered(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, Head>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
