//! A small OCI registry in this process, over real HTTP on a loopback port (OCI distribution
//! specification 1.1: pull, push, tags, referrers). The demo runs on it, and tests do.
//!
//! It keeps everything in memory, per repository. How it behaves where real registries differ is set by
//! [`Ways`].

mod dump;
mod fault;
mod listener;
mod request;
mod response;
mod routes;
mod state;
mod store;
mod upload;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::domain::id::Digest;
pub use dump::{Dump, DumpError, FrozenRepository};
pub use fault::Fault;
use listener::{ConnectionCut, CuttableListener};
use request::RegistryRequest;
use state::{RequestLog, Shared, lock};
pub use state::{SeenRequest, Ways};
pub(crate) use store::RepositoryContent;

/// Largest request body that is taken, in bytes.
const BODY_CAP: usize = 512 << 20;

/// A running registry. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct DemoRegistry {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl DemoRegistry {
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
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let router = router.into_make_service_with_connect_info::<ConnectionCut>();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(CuttableListener(listener), router).await {
                tracing::warn!(%error, "the embedded registry ended");
            }
        });
        Ok(Self { address, shared })
    }

    /// `HOST:PORT`, as in references.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Its whole content, by repository.
    pub(crate) fn content(&self) -> MutexGuard<'_, BTreeMap<String, RepositoryContent>> {
        self.shared.repositories()
    }

    /// Puts a blob there.
    pub(crate) fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.put_blob_as(repository, digest, bytes);
        digest
    }

    /// Puts bytes under a digest that they may not hash to.
    pub(crate) fn put_blob_as(&self, repository: &str, digest: Digest, bytes: impl Into<Bytes>) {
        let mut all = self.content();
        all.entry(repository.to_owned())
            .or_default()
            .blobs
            .insert(digest, bytes.into());
    }

    /// Puts a manifest there, whatever it names.
    pub(crate) fn put_manifest(&self, repository: &str, media_type: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        let mut all = self.content();
        let content = all.entry(repository.to_owned()).or_default();
        content.manifests.insert(digest, (media_type.to_owned(), bytes));
        digest
    }

    /// Hangs a tag on a digest.
    pub(crate) fn tag(&self, repository: &str, tag: &str, digest: Digest) {
        let mut all = self.content();
        all.entry(repository.to_owned())
            .or_default()
            .tags
            .insert(tag.to_owned(), digest);
    }

    /// Asked before every answer; a fault it names is answered instead.
    pub fn hook(&self, hook: impl Fn(&SeenRequest) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.shared.hook) = Some(Arc::new(hook));
    }

    /// Answers honestly again.
    pub fn unhook(&self) {
        *lock(&self.shared.hook) = None;
    }

    /// Puts everything there that a dump contains: spoilt bytes stay under the name they had.
    ///
    /// # Errors
    /// If a file that the dump's index names is missing.
    pub fn load(&self, dump: &Dump) -> Result<(), DumpError> {
        let content = dump.content()?;
        self.content().extend(content);
        Ok(())
    }

    /// Every request since the start or the last [`DemoRegistry::forget`]; of very many, the last ones.
    pub fn requests(&self) -> Vec<SeenRequest> {
        lock(&self.shared.log).kept.clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        *lock(&self.shared.log) = RequestLog::default();
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<ConnectionCut>,
    request: Request,
) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let asked = lock(&shared.log).add(request.method().to_string(), path);
    let hook = lock(&shared.hook).clone();
    let fault = hook.and_then(|hook| hook(&asked));
    match fault {
        Some(fault) if fault.is_instead() => fault.instead(&cut),
        Some(fault) => fault.spoil(honest(&shared, request).await, &cut).await,
        None => honest(&shared, request).await,
    }
}

async fn honest(shared: &Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_CAP).await else {
        return response::status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let request = RegistryRequest {
        method: parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or(""),
        headers: &parts.headers,
        body,
    };
    routes::respond(shared, request)
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
