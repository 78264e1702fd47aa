//! Content by digest: the same bytes wherever they come from, so they are fetched once and cached.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::auth::Access;
use super::cache::CacheEntry;
use super::client::RegistryClient;
use super::error::{RegistryError, named};
use super::lock::locked;
use super::manifest::{self, MANIFEST_CAP, Manifest, ParseError};
use super::presence::{Place, Present, check_size};
use super::request::HttpRequest;
use super::response::Response;
use crate::domain::{Digest, Repository};

/// Bytes read beyond a descriptor's size.
const OVERSIZE: u64 = 1 << 20;

impl RegistryClient {
    /// A manifest whose bytes hash to `digest`, from the cache or from this repository.
    pub(super) async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Manifest, RegistryError> {
        Ok(self.manifest_at(&Place::new(repository, *digest)).await?.0)
    }

    /// The same, with the proof that it is at this place now, if this very call got the bytes from there.
    /// What came from the cache, or was put there by another call meanwhile, proves nothing about a place.
    pub(super) async fn manifest_at(&self, place: &Place) -> Result<(Manifest, Option<Present>), RegistryError> {
        let (repository, digest) = (&place.repository, &place.digest);
        let what = named("manifest", repository, digest);
        let fetch_lock = self.fetch_lock(digest);
        let _one = fetch_lock.lock().await;
        if let Some(entry) = self.cached(digest).await {
            return Ok((read_manifest(*digest, entry, what)?, None));
        }
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("manifests/{digest}"))?;
        let mut request = self.request(Method::GET, url, what.clone(), MANIFEST_CAP, &access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.content(&request, &access, digest).await?;
        let media_type = response.header(CONTENT_TYPE).unwrap_or_default().to_owned();
        self.keep(digest, &media_type, &response.body).await;
        let entry = CacheEntry {
            media_type,
            bytes: response.body,
        };
        let manifest = read_manifest(*digest, entry, what)?;
        Ok((manifest, Some(Present::answered(repository, *digest))))
    }

    /// The manifest that a tag names; `None` = there is no such tag, for certain.
    pub(super) async fn tagged_manifest(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Option<Manifest>, RegistryError> {
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("manifests/{tag}"))?;
        let what = named("tag", repository, tag);
        let mut request = self.request(Method::GET, url, what.clone(), MANIFEST_CAP, &access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.send(&request, &access).await?;
        match response.status.as_u16() {
            200 => {}
            404 => {
                self.prove_missing(repository, &request, &response).await?;
                return Ok(None);
            }
            _ => return Err(response.refusal(&request)),
        }
        let digest = Digest::of(&response.body);
        self.note_readable(repository);
        let media_type = response.header(CONTENT_TYPE).unwrap_or_default().to_owned();
        self.keep(&digest, &media_type, &response.body).await;
        let entry = CacheEntry {
            media_type,
            bytes: response.body,
        };
        read_manifest(digest, entry, what).map(Some)
    }

    /// A blob whose bytes hash to `digest`.
    pub(super) async fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: Option<u64>,
        cap: u64,
    ) -> Result<Bytes, RegistryError> {
        let what = named("blob", repository, digest);
        if size.is_some_and(|size| size > cap) {
            return Err(RegistryError::TooLarge { what, cap });
        }
        let fetch_lock = self.fetch_lock(digest);
        let _one = fetch_lock.lock().await;
        if let Some(entry) = self.cached(digest).await {
            if entry.bytes.len() as u64 > cap {
                return Err(RegistryError::TooLarge { what, cap });
            }
            return fitting(entry.bytes, size, what);
        }
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("blobs/{digest}"))?;
        // A little more than the descriptor says is read, to tell corrupt from endless.
        let most = size.map_or(cap, |size| cap.min(size.saturating_add(OVERSIZE)));
        let mut request = self.request(Method::GET, url, what, most, &access);
        request
            .headers
            .push((reqwest::header::ACCEPT, HeaderValue::from_static("*/*")));
        let response = self
            .content(&request, &access, digest)
            .await
            .map_err(|error| match (error, size) {
                // Not read to its end, and longer already than its descriptor says.
                (RegistryError::TooLarge { what, .. }, Some(expected)) if most > expected => RegistryError::WrongSize {
                    what,
                    expected,
                    actual: None,
                },
                (error, _) => error,
            })?;
        self.keep(digest, "", &response.body).await;
        fitting(response.body, size, request.what)
    }

    /// GETs content by digest and hashes it.
    async fn content(
        &self,
        request: &HttpRequest,
        access: &Access,
        digest: &Digest,
    ) -> Result<Response, RegistryError> {
        let response = self.send(request, access).await?;
        match response.status.as_u16() {
            200 => {}
            404 => {
                self.prove_missing(&access.repository, request, &response).await?;
                return Err(RegistryError::NotFound {
                    what: request.what.clone(),
                    authoritative: true,
                });
            }
            _ => return Err(response.refusal(request)),
        }
        let actual = Digest::of(&response.body);
        if actual != *digest {
            return Err(RegistryError::Corrupt {
                what: request.what.clone(),
                actual,
            });
        }
        self.note_readable(&access.repository);
        Ok(response)
    }

    /// The lock under which content is fetched: who waits for it finds the content in the cache.
    fn fetch_lock(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetch_locks = locked(&self.fetch_locks);
        if let Some(fetch_lock) = fetch_locks.get(digest).and_then(Weak::upgrade) {
            return fetch_lock;
        }
        fetch_locks.retain(|_, fetch_lock| fetch_lock.strong_count() > 0);
        let fetch_lock = Arc::default();
        fetch_locks.insert(*digest, Arc::downgrade(&fetch_lock));
        fetch_lock
    }

    pub(super) async fn cached(&self, digest: &Digest) -> Option<CacheEntry> {
        let (cache, digest) = (self.cache.clone()?, *digest);
        let entry = tokio::task::spawn_blocking(move || cache.read(&digest))
            .await
            .ok()
            .flatten();
        if entry.is_some() {
            self.transport.meter.cache_hit();
        }
        entry
    }

    pub(super) async fn is_kept(&self, digest: &Digest) -> bool {
        let (Some(cache), digest) = (self.cache.clone(), *digest) else {
            return false;
        };
        let asked = tokio::task::spawn_blocking(move || cache.contains(&digest)).await;
        asked.unwrap_or(false)
    }

    async fn keep(&self, digest: &Digest, media_type: &str, bytes: &Bytes) {
        let Some(cache) = self.cache.clone() else { return };
        let (digest, media_type, bytes) = (*digest, media_type.to_owned(), bytes.clone());
        // A cache that cannot be written costs requests, not answers.
        let _ = tokio::task::spawn_blocking(move || cache.write(&digest, &media_type, &bytes)).await;
    }
}

/// The bytes, if they are as many as the descriptor says.
fn fitting(bytes: Bytes, size: Option<u64>, what: String) -> Result<Bytes, RegistryError> {
    if let Some(size) = size {
        check_size(what, size, bytes.len() as u64)?;
    }
    Ok(bytes)
}

fn read_manifest(digest: Digest, entry: CacheEntry, what: String) -> Result<Manifest, RegistryError> {
    match manifest::parse(&entry.bytes, Some(&entry.media_type)) {
        Ok((media_type, body)) => Ok(Manifest {
            digest,
            media_type,
            bytes: entry.bytes,
            body,
        }),
        Err(ParseError::Malformed(detail)) => Err(RegistryError::Malformed { what, detail }),
        Err(ParseError::Schema1) => Err(RegistryError::Unsupported {
            what,
            format: "a Docker schema 1 manifest",
        }),
    }
}
