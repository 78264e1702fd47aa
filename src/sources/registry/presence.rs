//! Whether something is there: a tag, a manifest, a blob. Asked anew each time, never cached, and
//! always about one repository; a "404" proves an absence only under conditions.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use tokio::time::Instant;

use super::client::RegistryClient;
use super::error::{RegistryError, named};
use super::lock::locked;
use super::manifest::{self, MANIFEST_CAP};
use super::request::HttpRequest;
use super::response::Response;
use crate::domain::reference::valid_tag;
use crate::domain::{Digest, Repository, Wording};

/// For how long "these credentials could read that repository" is believed.
const READABLE: Duration = Duration::from_secs(300);
/// Most bytes that are read of an answer that is asked for its status alone.
const ERROR_CAP: u64 = 64 << 10;
/// The registry's claim about what it sends.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// One digest in one repository of one registry: what a question about presence is about.
///
/// The same bytes in another repository are another place. Content is asked for by [`Digest`] alone and
/// may come from anywhere; nothing that is known about content answers a question about a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The registry and the path in it.
    pub repository: Repository,
    /// The digest of a manifest or a blob.
    pub digest: Digest,
}

impl Place {
    /// A digest in a repository.
    pub fn new(repository: &Repository, digest: Digest) -> Self {
        Self {
            repository: repository.clone(),
            digest,
        }
    }
}

/// Proof that a registry has something at a place now. Only an answer of that registry for that very
/// repository makes one: a successful HEAD, or a GET whose bytes hash to the digest. The cache never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    place: Place,
}

impl Present {
    /// The place that answered.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Made from an answer of `repository` for `digest`, and from nothing else.
    pub(super) fn answered(repository: &Repository, digest: Digest) -> Self {
        Self {
            place: Place::new(repository, digest),
        }
    }
}

/// What a tag points at, by the registry's word. Nothing is proven about the bytes before they are hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The registry has a manifest of this digest in that repository: it just answered with it.
    pub present: Present,
    /// The answer's media type is that of a single image, not of an index.
    pub is_image: bool,
}

impl Head {
    /// The digest that the tag names.
    pub(crate) const fn digest(&self) -> Digest {
        self.present.place.digest
    }
}

/// What a HEAD for a manifest says.
struct ManifestHead {
    digest: Digest,
    is_image: bool,
    /// Size in bytes, where the answer tells one.
    size: Option<u64>,
}

impl RegistryClient {
    /// What a tag points at, by the registry's word. `None`: there is no such tag, for certain.
    pub(super) async fn resolve(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        Ok(self.head(repository, tag).await?.map(|head| head.digest()))
    }

    /// The same, with what the answer says of its kind.
    pub(super) async fn head(&self, repository: &Repository, tag: &str) -> Result<Option<Head>, RegistryError> {
        let what = named("tag", repository, tag);
        if !valid_tag(tag) {
            return Err(RegistryError::Malformed {
                what,
                detail: Wording::own("that is no tag"),
            });
        }
        let head = self.manifest_head(repository, tag, what).await?;
        Ok(head.map(|head| Head {
            present: Present::answered(repository, head.digest),
            is_image: head.is_image,
        }))
    }

    /// Whether a manifest is at a place now. `size` is that of the descriptor that names it, if one does;
    /// a manifest of another size is not the one that was named.
    pub(super) async fn presence(&self, place: &Place, size: Option<u64>) -> Result<Option<Present>, RegistryError> {
        let (repository, digest) = (&place.repository, place.digest);
        let what = named("manifest", repository, digest);
        let Some(head) = self
            .manifest_head(repository, &digest.to_string(), what.clone())
            .await?
        else {
            return Ok(None);
        };
        if head.digest != digest {
            return Err(RegistryError::Corrupt {
                what,
                actual: head.digest,
            });
        }
        if let (Some(expected), Some(claimed)) = (size, head.size)
            && expected != claimed
        {
            // A header may be wrong about a length; the bytes are not.
            let (manifest, _) = self.manifest_at(place).await?;
            check_size(what, expected, manifest.bytes.len() as u64)?;
        }
        Ok(Some(Present::answered(repository, digest)))
    }

    /// Whether a blob is at a place now, with the size that its descriptor says.
    pub(super) async fn blob_presence(&self, place: &Place, size: u64) -> Result<Option<Present>, RegistryError> {
        let (repository, digest) = (&place.repository, place.digest);
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("blobs/{digest}"))?;
        let mut request = self.request(Method::HEAD, url, named("blob", repository, digest), ERROR_CAP, &access);
        let mut response = self.send(&request, &access).await?;
        if matches!(response.status.as_u16(), 404 | 405 | 501) {
            // A HEAD has no words, and some registries do not know it: one byte by GET tells which it is.
            request.method = Method::GET;
            request.headers.push((RANGE, HeaderValue::from_static("bytes=0-0")));
            request.truncate = true;
            response = self.send(&request, &access).await?;
        }
        match response.status.as_u16() {
            200 | 206 => {
                self.note_readable(repository);
                if let Some(claimed) = blob_size(&response) {
                    check_size(request.what, size, claimed)?;
                }
                Ok(Some(Present::answered(repository, digest)))
            }
            // An empty blob has no first byte.
            416 if size == 0 => Ok(Some(Present::answered(repository, digest))),
            404 => {
                self.prove_missing(repository, &request, &response).await?;
                Ok(None)
            }
            _ => Err(response.refusal(&request)),
        }
    }

    async fn manifest_head(
        &self,
        repository: &Repository,
        reference: &str,
        what: String,
    ) -> Result<Option<ManifestHead>, RegistryError> {
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut request = self.request(Method::HEAD, url, what, MANIFEST_CAP, &access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.send(&request, &access).await?;
        match response.status.as_u16() {
            200 => {
                if let Some(digest) = response.header(CONTENT_DIGEST).and_then(digest_of_header) {
                    self.note_readable(repository);
                    return Ok(Some(ManifestHead {
                        digest,
                        is_image: is_image(&response),
                        size: blob_size(&response),
                    }));
                }
            }
            // A HEAD has no words: whether a 404 is the registry's own, only a GET can tell. Some
            // registries do not know HEAD at all, and caches answer it for what they have already.
            404 | 405 | 501 => {}
            _ => return Err(response.refusal(&request)),
        }
        request.method = Method::GET;
        let response = self.send(&request, &access).await?;
        match response.status.as_u16() {
            200 => {
                self.note_readable(repository);
                Ok(Some(ManifestHead {
                    digest: Digest::of(&response.body),
                    is_image: is_image(&response),
                    size: Some(response.body.len() as u64),
                }))
            }
            404 => {
                self.prove_missing(repository, &request, &response).await?;
                Ok(None)
            }
            _ => Err(response.refusal(&request)),
        }
    }

    /// Ok if a 404 means "gone": the registry says so, and the same credentials read something
    /// else of that repository. A private repository answers 404 too.
    pub(super) async fn prove_missing(
        &self,
        repository: &Repository,
        request: &HttpRequest,
        response: &Response,
    ) -> Result<(), RegistryError> {
        let unproven = || RegistryError::NotFound {
            what: request.what.clone(),
            authoritative: false,
        };
        let own_word = response.has_code("MANIFEST_UNKNOWN")
            || response.has_code("BLOB_UNKNOWN")
            || response.has_code("NOT_FOUND");
        if !own_word {
            return Err(unproven());
        }
        if self.is_readable(repository) {
            return Ok(());
        }
        match self.tags(repository).await {
            Ok(tags) => {
                // The listing and the answer contradict each other: neither proves anything.
                let listed = request
                    .url
                    .path()
                    .rsplit('/')
                    .next()
                    .is_some_and(|tag| tags.iter().any(|t| t == tag));
                if listed { Err(unproven()) } else { Ok(()) }
            }
            Err(RegistryError::NotFound { .. }) => Err(unproven()),
            Err(error) => Err(error),
        }
    }

    /// Something of the repository was read just now.
    pub(super) fn note_readable(&self, repository: &Repository) {
        locked(&self.readable).insert(repository.clone(), Instant::now());
    }

    pub(super) fn is_readable(&self, repository: &Repository) -> bool {
        locked(&self.readable)
            .get(repository)
            .is_some_and(|at| at.elapsed() < READABLE)
    }
}

/// A digest as a header claims it. Some registries write its digits in upper case.
pub(super) fn digest_of_header(text: &str) -> Option<Digest> {
    text.trim().to_ascii_lowercase().parse().ok()
}

fn is_image(response: &Response) -> bool {
    response.header(CONTENT_TYPE).is_some_and(manifest::is_image_type)
}

/// The size of the whole content by the headers of an answer. A length of 0 to a HEAD tells nothing:
/// some servers write it for every HEAD.
fn blob_size(response: &Response) -> Option<u64> {
    if let Some(range) = response.header(CONTENT_RANGE) {
        return range.rsplit('/').next()?.trim().parse().ok();
    }
    let length: u64 = response.header(CONTENT_LENGTH)?.trim().parse().ok()?;
    (length > 0).then_some(length)
}

/// Ok if content has as many bytes as the descriptor that names it says.
pub(super) fn check_size(what: String, expected: u64, actual: u64) -> Result<(), RegistryError> {
    if expected == actual {
        return Ok(());
    }
    Err(RegistryError::WrongSize {
        what,
        expected,
        actual: Some(actual),
    })
}
