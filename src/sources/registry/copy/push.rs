//! Bringing one blob or manifest to the destination, with as few requests as it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Url};

use super::super::auth::Access;
use super::super::client::RegistryClient;
use super::super::endpoint::same_origin;
use super::super::error::{RegistryError, named};
use super::super::lock::locked;
use super::super::manifest::{Descriptor, Manifest};
use super::super::request::HttpRequest;
use super::super::response::Response;
use super::super::upload::UploadFlow;
use super::job::Job;
use super::resume;
use super::source::BrokenStream;
use super::upload_location::location;
use crate::domain::{Digest, Repository, Wording};

/// Sending a blob up to this size costs less than asking whether it is there.
const TINY: u64 = 16 << 10;
/// How often the progress of one upload is told.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Whole attempts at one blob.
const ATTEMPTS: u32 = 3;
/// Most bytes of an answer to a write.
const ANSWER_CAP: u64 = 64 << 10;

/// Why one attempt at a blob failed.
enum BlobFailure {
    /// Another attempt from the beginning may succeed.
    Again(RegistryError),
    Final(RegistryError),
}

impl From<RegistryError> for BlobFailure {
    fn from(error: RegistryError) -> Self {
        Self::Final(error)
    }
}

impl Job<'_> {
    /// Brings a blob to the destination, unless it is there.
    pub(super) async fn copy_blob(&self, blob: &Descriptor) -> Result<(), RegistryError> {
        let mut attempt = 0;
        let mut broken_off = None;
        loop {
            attempt += 1;
            match self.try_blob(blob, &mut broken_off).await {
                Ok(()) => {
                    self.learn(blob.digest);
                    self.done();
                    return Ok(());
                }
                Err(BlobFailure::Again(error)) if attempt < ATTEMPTS => {
                    tracing::debug!(%error, "sending a blob again");
                    tokio::time::sleep(self.client.transport.limits.pause * attempt).await;
                }
                Err(BlobFailure::Again(error) | BlobFailure::Final(error)) => return Err(error),
            }
        }
    }

    /// One attempt. `broken_off` is the upload that the attempt before left unfinished, and then the one that this leaves.
    async fn try_blob(&self, blob: &Descriptor, broken_off: &mut Option<Url>) -> Result<(), BlobFailure> {
        let (source, destination) = (&self.request.source, &self.request.destination);
        if source == destination || self.knows(&blob.digest) {
            self.advance(blob.size);
            return Ok(());
        }
        let part = match broken_off.take() {
            Some(upload) => self.part_of(blob, &upload).await,
            None => None,
        };
        if part.is_none() && !self.same_registry && blob.size > TINY && self.probe.worth() {
            let there = self.client.blob_there(&self.access, blob).await?;
            self.probe.learn(there);
            if there {
                self.advance(blob.size);
                return Ok(());
            }
        }
        let (location, arrived) = match part {
            Some(part) => part,
            None => match self.begin(blob).await? {
                Some(location) => (location, 0),
                None => {
                    self.counts.blobs.fetch_add(1, Ordering::Relaxed);
                    self.advance(blob.size);
                    return Ok(());
                }
            },
        };
        let upload = location.clone();
        let mut request = self.write(Method::PUT, location, named("blob", destination, blob.digest));
        request
            .url
            .query_pairs_mut()
            .append_pair("digest", &blob.digest.to_string());
        let small = self.client.transport.limits.stream_above;
        let response = if blob.size <= small {
            let bytes = self
                .client
                .blob(source, &blob.digest, Some(blob.size), small)
                .await
                .map_err(|error| {
                    let name = named("blob", source, blob.digest);
                    BlobFailure::Final(if blob.is_foreign() { foreign(name) } else { error })
                })?;
            self.put_small(&mut request, bytes).await?
        } else {
            let sent = self.put_large(&mut request, blob, arrived).await;
            // Who answered does not want the rest of it.
            use RegistryError::{Connection, Timeout};
            if let Err(BlobFailure::Again(Connection { .. } | Timeout { .. })) = &sent {
                *broken_off = Some(upload);
            }
            sent?
        };
        match response.status.as_u16() {
            200..=204 => {}
            // The session is gone, or the bytes did not arrive as they left: from the beginning.
            status if arrived > 0 || matches!(status, 400 | 401 | 404 | 408 | 416) => {
                return Err(BlobFailure::Again(refused(&request, &response)));
            }
            _ => return Err(BlobFailure::Final(refused(&request, &response))),
        }
        self.counts.blobs.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(blob.size, Ordering::Relaxed);
        self.advance(blob.size);
        Ok(())
    }

    /// Opens an upload, or mounts the blob from the source: then there is nothing to send.
    async fn begin(&self, blob: &Descriptor) -> Result<Option<Url>, BlobFailure> {
        let destination = &self.request.destination;
        let mut url = self.client.url(destination, "blobs/uploads/")?;
        if self.same_registry {
            url.query_pairs_mut()
                .append_pair("mount", &blob.digest.to_string())
                .append_pair("from", self.request.source.path());
        }
        let request = self.write(Method::POST, url, named("blob", destination, blob.digest));
        let response = self.client.send(&request, &self.access).await?;
        match response.status.as_u16() {
            201 if self.same_registry => Ok(None),
            // Not mounted: the session it opened instead is the one to use.
            202 => location(&request, &response).map(Some).map_err(BlobFailure::Final),
            _ => Err(BlobFailure::Final(refused(&request, &response))),
        }
    }

    async fn put_small(&self, request: &mut HttpRequest, bytes: Bytes) -> Result<Response, BlobFailure> {
        request.body = bytes;
        request
            .headers
            .push((CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")));
        let header = self.header_for(&request.url).await?;
        self.client
            .transport
            .exchange(request, header.as_ref())
            .await
            .map_err(again_or_not)
    }

    /// Sends a blob but for its first bytes, which have arrived. It is read whole, for that is how it is hashed.
    async fn put_large(
        &self,
        request: &mut HttpRequest,
        blob: &Descriptor,
        arrived: u64,
    ) -> Result<Response, BlobFailure> {
        if let Some(header) = resume::content_range(arrived, blob.size) {
            request.headers.push((CONTENT_RANGE, header));
        }
        // All that may take a while comes before the source is opened: it does not wait for ever.
        let header = self.header_for(&request.url).await?;
        let host = self.client.transport.host(&request.url, None);
        let _permit = host.acquire(&request.what).await?;
        host.throttle(&request.what, None).await?;
        let opened = self.stream.open(self.client, blob).await;
        let content = opened.map_err(|error| match error {
            RegistryError::NotFound { what, .. } if blob.is_foreign() => BlobFailure::Final(foreign(what)),
            RegistryError::NotFound { .. } => BlobFailure::Final(error),
            error => BlobFailure::Again(error),
        })?;
        let of_source = |broken: BrokenStream| {
            let what = named("blob", &self.request.source, blob.digest);
            match broken.actual {
                Some(actual) => BlobFailure::Final(RegistryError::Corrupt { what, actual }),
                None => BlobFailure::Again(RegistryError::Connection {
                    host: self.request.source.registry().to_owned(),
                    what,
                    detail: Wording::of_another(broken.why),
                }),
            }
        };
        let content = resume::rest(content, arrived).await.map_err(of_source)?;
        let sent = Arc::new(AtomicU64::new(0));
        let broken = Arc::new(std::sync::Mutex::new(None));
        let (counter, note) = (Arc::clone(&sent), Arc::clone(&broken));
        let content = content.map(move |chunk| match chunk {
            Ok(chunk) => {
                counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                Ok(chunk)
            }
            Err(broken) => {
                let why = broken.why.clone();
                *locked(&note) = Some(broken);
                Err(std::io::Error::other(why))
            }
        });
        let flow = UploadFlow {
            body: Body::wrap_stream(content),
            length: blob.size - arrived,
            sent: Arc::clone(&sent),
        };
        let sending = self.client.transport.upload(&*request, header.as_ref(), flow);
        let response = self.watch(sending, &sent).await;
        // A source that breaks off looks like a broken upload: say which side it was.
        if let Some(broken) = locked(&broken).take() {
            return Err(of_source(broken));
        }
        response.map_err(again_or_not)
    }

    /// Tells progress while an upload runs. What was told is taken back at the end: the caller
    /// counts the blob as a whole, or tries it again.
    async fn watch<T>(&self, sending: impl Future<Output = T>, sent: &AtomicU64) -> T {
        let mut sending = std::pin::pin!(sending);
        let mut told = 0;
        loop {
            match tokio::time::timeout(TELL_EVERY, &mut sending).await {
                Ok(result) => {
                    self.counts.done_bytes.fetch_sub(told, Ordering::Relaxed);
                    return result;
                }
                Err(_) => {
                    let now = sent.load(Ordering::Relaxed);
                    self.advance(now - told);
                    told = now;
                }
            }
        }
    }

    /// Sends a manifest as it is. Whether the registry indexed its subject (`OCI-Subject`).
    pub(super) async fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<bool, RegistryError> {
        let indexed = self
            .put_bytes(reference, &manifest.media_type, manifest.bytes.clone())
            .await?;
        self.counts.manifests.fetch_add(1, Ordering::Relaxed);
        self.done();
        Ok(indexed)
    }

    /// Sends manifest bytes with their media type.
    pub(super) async fn put_bytes(
        &self,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<bool, RegistryError> {
        let destination = &self.request.destination;
        let url = self.client.url(destination, &format!("manifests/{reference}"))?;
        let mut request = self.write(Method::PUT, url, named("manifest", destination, reference));
        let media_type = HeaderValue::from_str(media_type).map_err(|_| RegistryError::Malformed {
            what: request.what.clone(),
            detail: Wording::own("its media type is no header value"),
        })?;
        request.headers.push((CONTENT_TYPE, media_type));
        let expected = Digest::of(&bytes);
        request.body = bytes;
        let response = self.client.send(&request, &self.access).await?;
        if !matches!(response.status.as_u16(), 200..=202) {
            return Err(refused(&request, &response));
        }
        let stored = response
            .header("docker-content-digest")
            .and_then(|text| text.parse::<Digest>().ok());
        match stored {
            Some(actual) if actual != expected => Err(RegistryError::Corrupt {
                what: request.what,
                actual,
            }),
            _ => Ok(response.headers.contains_key("oci-subject")),
        }
    }

    pub(super) fn write(&self, method: Method, url: Url, what: String) -> HttpRequest {
        self.client.request(method, url, what, ANSWER_CAP, &self.access)
    }

    /// The authorization for an upload location: none if it is not the registry's own origin.
    pub(super) async fn header_for(&self, url: &Url) -> Result<Option<HeaderValue>, RegistryError> {
        let own = self.client.url(&self.request.destination, "")?;
        if !same_origin(&own, url) {
            return Ok(None);
        }
        self.client.authorization(&self.access).await
    }
}

impl RegistryClient {
    async fn blob_there(&self, access: &Access, blob: &Descriptor) -> Result<bool, RegistryError> {
        let repository: &Repository = &access.repository;
        let url = self.url(repository, &format!("blobs/{}", blob.digest))?;
        let request = self.request(Method::HEAD, url, named("blob", repository, blob.digest), 0, access);
        let response = self.send(&request, access).await?;
        match response.status.as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(response.refusal(&request)),
        }
    }
}

/// The error for a write that was answered with no.
pub(super) fn refused(request: &HttpRequest, response: &Response) -> RegistryError {
    match response.status.as_u16() {
        401 | 403 => response.refusal(request),
        status => {
            let mut detail = response.message();
            if detail.is_empty() {
                detail = Wording::own(format!("status {status}"));
            }
            RegistryError::NotWritable {
                what: request.what.clone(),
                detail,
            }
        }
    }
}

/// Trouble on the way deserves another attempt; what was tried three times already does not.
fn again_or_not(error: RegistryError) -> BlobFailure {
    match error {
        RegistryError::Connection { .. } | RegistryError::Timeout { .. } | RegistryError::Status { .. } => {
            BlobFailure::Again(error)
        }
        RegistryError::RateLimited { .. } => BlobFailure::Again(error),
        error => BlobFailure::Final(error),
    }
}

fn foreign(what: String) -> RegistryError {
    RegistryError::Unsupported {
        what,
        format: "a foreign layer that the source does not hold",
    }
}
