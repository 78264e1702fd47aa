//! One pass over the registries: every question is asked once and its answer shared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::registry::{Registry, RegistryError};

use super::once_map::OnceMap;
use super::verdict_cache::VerdictCache;

/// A failure as it is remembered and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The registry says with authority that it is not there.
    pub absent: bool,
    /// What happened.
    pub detail: Untrusted,
}

impl From<&RegistryError> for Failed {
    fn from(error: &RegistryError) -> Self {
        Self {
            absent: error.cause() == crate::domain::evidence::CauseKind::Absent,
            detail: error.to_string().into(),
        }
    }
}

/// The tag list of a repository, or why there is none.
pub type TagList = Result<Arc<BTreeSet<String>>, Failed>;

/// What a tag points at; `Ok(None)` = there is no such tag.
pub type Resolved = Result<Option<Digest>, Failed>;

/// Shared questions of one pass.
pub struct RegistryMemo {
    /// The registries.
    pub registry: Registry,
    /// Checked evidence from earlier runs.
    pub verdicts: Option<VerdictCache>,
    tags: OnceMap<Repository, TagList>,
    resolved: OnceMap<(Repository, String), Resolved>,
    /// Digests that tags pointed at, and whether the answer said that it is a single image.
    answered: Mutex<BTreeMap<(Repository, Digest), bool>>,
}

impl RegistryMemo {
    /// A pass with nothing asked yet.
    pub fn new(registry: Registry, verdicts: Option<VerdictCache>) -> Self {
        Self {
            registry,
            verdicts,
            tags: OnceMap::default(),
            resolved: OnceMap::default(),
            answered: Mutex::default(),
        }
    }

    /// All tags of a repository.
    pub async fn tags(&self, repository: &Repository) -> TagList {
        self.tags
            .get(repository.clone(), || async {
                match self.registry.tags(repository).await {
                    Ok(tags) => Ok(Arc::new(tags.into_iter().collect())),
                    Err(error) => Err(Failed::from(&error)),
                }
            })
            .await
    }

    /// What a tag points at now. A tag that the list does not hold costs nothing.
    pub async fn resolve(&self, repository: &Repository, tag: &str) -> Resolved {
        if let Ok(known) = self.tags(repository).await
            && !known.contains(tag)
        {
            return Ok(None);
        }
        let key = (repository.clone(), tag.to_owned());
        self.resolved
            .get(key, || async {
                let answer = self.registry.head(repository, tag).await;
                if let Ok(Some(claimed)) = &answer {
                    self.answered()
                        .insert((repository.clone(), claimed.digest), claimed.is_image);
                }
                answer
                    .map(|claimed| claimed.map(|claimed| claimed.digest))
                    .map_err(|error| Failed::from(&error))
            })
            .await
    }

    /// What is already known about a tag in this pass.
    pub fn known(&self, repository: &Repository, tag: &str) -> Option<Resolved> {
        self.resolved.peek(&(repository.clone(), tag.to_owned()))
    }

    /// Whether a tag answered with this digest in this pass: its presence needs no HEAD of its own.
    pub fn is_answered(&self, repository: &Repository, digest: &Digest) -> bool {
        self.answered().contains_key(&(repository.clone(), *digest))
    }

    /// Digests that tags of this repository pointed at in this pass, and that may be an index.
    pub fn tagged_indexes(&self, repository: &Repository) -> Vec<Digest> {
        self.answered()
            .iter()
            .filter(|((r, _), is_image)| r == repository && !**is_image)
            .map(|((_, d), _)| *d)
            .collect()
    }

    /// Whether the answer about this digest said that it is a single image, and so no index.
    pub fn is_image(&self, repository: &Repository, digest: &Digest) -> bool {
        self.answered()
            .get(&(repository.clone(), *digest))
            .copied()
            .unwrap_or(false)
    }

    fn answered(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Repository, Digest), bool>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
