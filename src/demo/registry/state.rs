//! What a registry keeps while it runs, and how it behaves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::Fault;
use super::store::Repositories;

/// Requests that are remembered; all are counted.
const REMEMBERED: usize = 1 << 16;

/// How a registry behaves.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    /// Whether there is a referrers API (and `OCI-Subject` on a push).
    pub referrers: bool,
    /// Whether a manifest reads as unknown where `Accept` does not name its type.
    pub strict_accept: bool,
    /// Whether blobs can be mounted from another repository.
    pub mount: bool,
    /// Whether a tag that exists may not be pushed again with other bytes.
    pub immutable_tags: bool,
    /// Whether manifests, tags and blobs can be deleted.
    pub delete: bool,
    /// Entries in one page of a tag list; `None` = all at once and in no order, as docker-registry does.
    pub page: Option<usize>,
    /// Whether upload places are named by path instead of by full address.
    pub relative_locations: bool,
    /// Whether referrers are described by the type of their configuration and without annotations.
    pub plain_referrers: bool,
}

impl Ways {
    /// Debian's docker-registry 2.8: no referrers API, strict about `Accept`.
    pub fn docker_registry() -> Self {
        Self {
            referrers: false,
            strict_accept: true,
            ..Self::default()
        }
    }

    /// go-containerregistry's server: a referrers API whose descriptors say little.
    pub fn go_containerregistry() -> Self {
        Self {
            plain_referrers: true,
            ..Self::default()
        }
    }
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            referrers: true,
            strict_accept: false,
            mount: true,
            immutable_tags: false,
            delete: true,
            page: None,
            relative_locations: false,
            plain_referrers: false,
        }
    }
}

/// One request, before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// `GET`, `HEAD`, ….
    pub method: String,
    /// Path and query.
    pub path: String,
    /// How many requests came before, from 0.
    pub place: u64,
}

pub(super) type Hook = dyn Fn(&SeenRequest) -> Option<Fault> + Send + Sync;

/// The requests so far.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    pub total: u64,
    pub kept: Vec<SeenRequest>,
}

impl RequestLog {
    pub(crate) fn add(&mut self, method: String, path: String) -> SeenRequest {
        let asked = SeenRequest {
            method,
            path,
            place: self.total,
        };
        self.total += 1;
        if self.kept.len() == REMEMBERED {
            self.kept.drain(..REMEMBERED / 2);
        }
        self.kept.push(asked.clone());
        asked
    }
}

/// Uploads under way, by their ids.
pub(super) type Uploads = BTreeMap<String, Upload>;

/// A blob that is being uploaded, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub repository: String,
    pub bytes: Vec<u8>,
    /// Goes up with every step: a client must come back to the place it was last sent to.
    pub step: u64,
}

/// Everything that the requests to one registry share.
pub(super) struct Shared {
    pub ways: Ways,
    pub repositories: Mutex<Repositories>,
    pub uploads: Mutex<Uploads>,
    pub log: Mutex<RequestLog>,
    pub hook: Mutex<Option<Arc<Hook>>>,
    pub turn: AtomicU64,
}

impl Shared {
    pub(crate) fn repositories(&self) -> MutexGuard<'_, Repositories> {
        lock(&self.repositories)
    }

    /// Counts up: for ids, and for orders that are not stable.
    pub(crate) fn next(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
