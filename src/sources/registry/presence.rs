//! Whether something is there: a tag, a manifest, a blob. Asked anew each time, never cached, and
//! always about one repository; a "404" proves an absence only under conditions.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::client::RegistryClient;
use super::content::MANIFEST_CAP;
use super::error::{RegistryError, named};
use super::lock::locked;
use super::manifest;
use super::request::Request;
use super::response::{Head, Response};
use crate::domain::reference::valid_tag;
use crate::domain::{Digest, Repository, Untrusted};

/// For how long "these credentials could read that repository" is believed.
const READABLE: Duration = Duration::from_secs(300);
/// The registry's claim about what it sends.
const CONTENT_DIGEST: &str = "docker-content-digest";

impl RegistryClient {
    /// What a tag points at, by the registry's word. `None`: there is no such tag, for certain.
    pub(super) async fn resolve(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        Ok(self.head(repository, tag).await?.map(|claimed| claimed.digest))
    }

    /// The same, with what the answer says of its kind.
    pub(super) async fn head(&self, repository: &Repository, tag: &str) -> Result<Option<Head>, RegistryError> {
        let what = named("tag", repository, tag);
        if !valid_tag(tag) {
            return Err(RegistryError::Malformed {
                what,
                detail: Untrusted::new("that is no tag"),
            });
        }
        self.ask_head(repository, tag, what).await
    }

    /// Whether a manifest is there now.
    pub(super) async fn presence(&self, repository: &Repository, digest: &Digest) -> Result<bool, RegistryError> {
        let what = named("manifest", repository, digest);
        match self.ask_head(repository, &digest.to_string(), what.clone()).await? {
            Some(claimed) if claimed.digest == *digest => Ok(true),
            Some(claimed) => Err(RegistryError::Corrupt {
                what,
                actual: claimed.digest,
            }),
            None => Ok(false),
        }
    }

    async fn ask_head(
        &self,
        repository: &Repository,
        reference: &str,
        what: String,
    ) -> Result<Option<Head>, RegistryError> {
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut request = self.request(Method::HEAD, url, what, MANIFEST_CAP, &access);
        request.accept = Some(manifest::ACCEPT);
        let mut response = self.send(&request, &access).await?;
        let claimed = response.header(CONTENT_DIGEST).map(str::to_owned);
        let is_image = response.header(CONTENT_TYPE).is_some_and(manifest::is_image_type);
        match response.status.as_u16() {
            200 => {
                if let Some(digest) = claimed.and_then(|text| text.parse().ok()) {
                    self.note_readable(repository);
                    return Ok(Some(Head { digest, is_image }));
                }
            }
            // A bare 404 is the registry's; a page in HTML is somebody else's, so let them say it.
            404 if !response
                .header(CONTENT_TYPE)
                .is_some_and(|kind| kind.starts_with("text/html")) =>
            {
                self.prove_missing(repository, &request, &response).await?;
                return Ok(None);
            }
            // Some registries do not know HEAD, or leave out the header.
            404 | 405 | 501 => {}
            _ => return Err(response.refusal(&request)),
        }
        request.method = Method::GET;
        response = self.send(&request, &access).await?;
        match response.status.as_u16() {
            200 => {
                self.note_readable(repository);
                Ok(Some(Head {
                    digest: Digest::of(&response.body),
                    is_image: response.header(CONTENT_TYPE).is_some_and(manifest::is_image_type),
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
        request: &Request,
        response: &Response,
    ) -> Result<(), RegistryError> {
        let unproven = || RegistryError::NotFound {
            what: request.what.clone(),
            authoritative: false,
        };
        let own_word = request.method == Method::HEAD
            || response.has_code("MANIFEST_UNKNOWN")
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

    fn is_readable(&self, repository: &Repository) -> bool {
        locked(&self.readable)
            .get(repository)
            .is_some_and(|at| at.elapsed() < READABLE)
    }
}
