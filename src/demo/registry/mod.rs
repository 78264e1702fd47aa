//! A small OCI registry in this process, over real HTTP on a loopback port (OCI distribution
//! specification 1.1: pull, push, tags, referrers). The demo runs on it, and tests do.
//!
//! It keeps everything in memory, per repository. How it behaves where real registries differ is set by
//! [`Ways`].

mod answer;
mod store;
mod upload;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::domain::id::Digest;
pub use answer::Fault;
pub use store::Content;
use store::Repositories;

/// Largest request body that is taken, in bytes.
const BODY_CAP: usize = 512 << 20;

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
    /// Entries in one page of a tag list; `None` = all at once.
    pub page: Option<usize>,
    /// Whether referrers are described by the type of their configuration and without annotations.
    pub plain_referrers: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            referrers: true,
            strict_accept: false,
            mount: true,
            immutable_tags: false,
            page: None,
            plain_referrers: false,
        }
    }
}

/// One request, before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, `HEAD`, ….
    pub method: String,
    /// Path and query.
    pub path: String,
    /// How many requests came before, from 0.
    pub place: u64,
}

type Hook = dyn Fn(&Asked) -> Option<Fault> + Send + Sync;

/// A running registry. It ends with the runtime it was started on, or when told to.
#[derive(Clone)]
pub struct Registry {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: Arc<tokio::sync::watch::Sender<bool>>,
}

pub(super) struct Shared {
    ways: Ways,
    repositories: Mutex<Repositories>,
    uploads: Mutex<BTreeMap<String, Vec<u8>>>,
    log: Mutex<Vec<Asked>>,
    hook: Mutex<Option<Arc<Hook>>>,
    turn: AtomicU64,
}

impl Registry {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(ways: Ways) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ways,
            repositories: Mutex::default(),
            uploads: Mutex::default(),
            log: Mutex::default(),
            hook: Mutex::default(),
            turn: AtomicU64::new(0),
        });
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        tokio::spawn(async move {
            let ended = async move {
                // An error means that nobody is left who could stop it.
                if stopped.wait_for(|stop| *stop).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ended).await {
                tracing::warn!(%error, "the embedded registry ended");
            }
        });
        Ok(Self {
            address,
            shared,
            stop: Arc::new(stop),
        })
    }

    /// `HOST:PORT`, as in references.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Takes no new connection any more.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Everything it holds, by repository.
    pub fn content(&self) -> MutexGuard<'_, BTreeMap<String, Content>> {
        self.shared.repositories()
    }

    /// Puts a blob there.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.put_blob_as(repository, digest, bytes);
        digest
    }

    /// Puts bytes under a digest that they may not hash to.
    pub fn put_blob_as(&self, repository: &str, digest: Digest, bytes: impl Into<Bytes>) {
        let mut all = self.content();
        all.entry(repository.to_owned())
            .or_default()
            .blobs
            .insert(digest, bytes.into());
    }

    /// Puts a manifest there, whatever it names.
    pub fn put_manifest(&self, repository: &str, media_type: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        let mut all = self.content();
        let content = all.entry(repository.to_owned()).or_default();
        content.manifests.insert(digest, (media_type.to_owned(), bytes));
        digest
    }

    /// Hangs a tag on a digest.
    pub fn tag(&self, repository: &str, tag: &str, digest: Digest) {
        let mut all = self.content();
        all.entry(repository.to_owned())
            .or_default()
            .tags
            .insert(tag.to_owned(), digest);
    }

    /// Asked before every answer; a fault it names is answered instead.
    pub fn hook(&self, hook: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.shared.hook) = Some(Arc::new(hook));
    }

    /// Answers honestly again.
    pub fn unhook(&self) {
        *lock(&self.shared.hook) = None;
    }

    /// Every request since the start or the last [`Registry::forget`].
    pub fn requests(&self) -> Vec<Asked> {
        lock(&self.shared.log).clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.shared.log).clear();
    }
}

impl Shared {
    fn repositories(&self) -> MutexGuard<'_, Repositories> {
        lock(&self.repositories)
    }

    /// Counts up: for ids, and for orders that are not stable.
    fn next(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let asked = {
        let mut log = lock(&shared.log);
        let asked = Asked {
            method: request.method().to_string(),
            path,
            place: log.len() as u64,
        };
        log.push(asked.clone());
        asked
    };
    let hook = lock(&shared.hook).clone();
    if let Some(fault) = hook.and_then(|hook| hook(&asked)) {
        return fault.response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_CAP).await else {
        return answer::status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let accept: Vec<&str> = parts
        .headers
        .get_all(axum::http::header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let content_type = parts
        .headers
        .get(axum::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let question = answer::Question {
        method: parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or(""),
        accept: accept.join(","),
        content_type,
        body,
    };
    let response: Response<Body> = answer::answer(&shared, question);
    response
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
