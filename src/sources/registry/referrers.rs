//! Referrers: what points at a manifest (OCI distribution spec, "Listing Referrers").
//!
//! Three answers and an error, never mixed: the API's, the fallback tag's, and "this registry has
//! neither". A listing that could not be read to its end is an error.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde::de::IgnoredAny;

use super::auth::Access;
use super::client::RegistryClient;
use super::endpoint::authority;
use super::error::{RegistryError, named};
use super::link::Pages;
use super::lock::locked;
use super::manifest::{self, Descriptor};
use super::referrers_support::{ReferrersStatus, Support, meaning};
use super::request::{HttpRequest, Redirects};
use super::response::Response;
use crate::domain::{Digest, Repository};

/// Most bytes of one page.
const PAGE_CAP: u64 = 4 << 20;
/// Most referrers of one subject. Each costs requests; an honest image has a few dozen at most.
const MAX_REFERRERS: usize = 2_000;

/// How referrers were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferrersVia {
    /// The registry's referrers API.
    Api,
    /// The `sha256-<hex>` fallback tag.
    FallbackTag,
    /// The registry has no API, and there is no fallback tag: nothing refers to it.
    Unsupported,
}

/// All referrers of one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    /// How they were found.
    pub via: ReferrersVia,
    /// Their descriptors, sorted by digest. Annotations and artifact types here are the registry's word; only
    /// the manifest itself counts.
    pub descriptors: Vec<Descriptor>,
}

/// The tag under which registries without the API keep a subject's referrers.
pub(super) fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

impl RegistryClient {
    /// All referrers of a subject, by the API where there is one.
    pub(super) async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        tags: Option<&BTreeSet<String>>,
    ) -> Result<Referrers, RegistryError> {
        let access = self.pull(repository)?;
        let support = self.support(repository.registry())?;
        let mut found = BTreeMap::new();
        // One host may lead to several registries: what one repository has no API for, another one may list.
        let has_none = || locked(&self.unlisted).contains(repository) && !support.has_listed();
        let by_api = if has_none() {
            false
        } else if support.has_listed() {
            self.by_api(&access, subject, &support, &mut found).await?
        } else {
            let first = support.finding_out.lock().await;
            if has_none() {
                false
            } else if support.has_listed() {
                drop(first);
                self.by_api(&access, subject, &support, &mut found).await?
            } else {
                self.by_api(&access, subject, &support, &mut found).await?
            }
        };
        // With the API the fallback tag is read only where it is known to exist: it was copied
        // there, or it is from before an upgrade, and leaving it out would lose evidence.
        let tag = fallback_tag(subject);
        let listed = tags.map(|tags| tags.contains(&tag));
        let by_tag = match (by_api, listed) {
            (_, Some(false)) | (true, None) => false,
            _ => self.by_tag(&access, subject, &tag, &mut found).await?,
        };
        let via = match (by_api, by_tag) {
            (true, _) => ReferrersVia::Api,
            (false, true) => ReferrersVia::FallbackTag,
            (false, false) => ReferrersVia::Unsupported,
        };
        Ok(Referrers {
            via,
            descriptors: found.into_values().collect(),
        })
    }

    /// Whether the registry has the API; its whole listing in `found`.
    async fn by_api(
        &self,
        access: &Access,
        subject: &Digest,
        support: &Support,
        found: &mut BTreeMap<Digest, Descriptor>,
    ) -> Result<bool, RegistryError> {
        let repository = &access.repository;
        let what = named("referrers of", repository, subject);
        let url = self.url(repository, &format!("referrers/{subject}"))?;
        let mut request = self.request(Method::GET, url, what, PAGE_CAP, access);
        request.accept = Some(manifest::OCI_INDEX);
        // GHCR redirects to its website: that is no listing, and nobody else's may count.
        request.redirects = Redirects::SameOrigin;
        let mut pages = Pages::within(self.transport.limits.listing);
        let mut first = true;
        loop {
            let response = match self.send(&request, access).await {
                Ok(response) => response,
                Err(refusal @ RegistryError::Denied { .. }) if first => {
                    let itself = authority(&request.url);
                    // A token service that refuses says nothing about the registry's interfaces.
                    if !matches!(&refusal, RegistryError::Denied { host, .. } if *host == itself) {
                        return Err(refusal);
                    }
                    return self.refused(access, support, refusal).await;
                }
                Err(error) => return Err(error),
            };
            let status = response.status.as_u16();
            match meaning(status, support.has_listed()) {
                ReferrersStatus::Listing => {}
                // "No such repository", or something wrong with this one request, says nothing about the
                // registry's other repositories.
                ReferrersStatus::NoApi if first => {
                    if matches!(status, 400 | 406) {
                        return self.refused(access, support, response.refusal(&request)).await;
                    }
                    if !response.has_code("NAME_UNKNOWN") {
                        locked(&self.unlisted).insert(repository.clone());
                    }
                    return Ok(false);
                }
                _ => return Err(response.refusal(&request)),
            }
            collect(&request, &response, found)?;
            if first {
                support.note_listing();
                first = false;
            }
            match pages.next(&request, &response)? {
                Some(next) => request.url = next,
                None => return Ok(true),
            }
        }
    }

    /// `Ok(false)` if a refusal (400, 401, 403 or 406) means that there is no API for this repository, and
    /// the refusal itself if it does not. The same credentials must read something else of the repository,
    /// and the question about a digest that nothing refers to must be refused too: a registry that lists has
    /// an empty listing for it, and then it was this one subject that somebody did not want to be listed.
    async fn refused(&self, access: &Access, support: &Support, refusal: RegistryError) -> Result<bool, RegistryError> {
        let repository = &access.repository;
        if meaning(403, support.has_listed()) != ReferrersStatus::NoApiIfReadable {
            return Err(refusal);
        }
        if !self.is_readable(repository) && self.tags(repository).await.is_err() {
            return Err(refusal);
        }
        let nothing = Digest::of(b"");
        let url = self.url(repository, &format!("referrers/{nothing}"))?;
        let what = named("referrers of", repository, nothing);
        let mut request = self.request(Method::GET, url, what, PAGE_CAP, access);
        request.accept = Some(manifest::OCI_INDEX);
        request.redirects = Redirects::SameOrigin;
        let answer = match self.send(&request, access).await {
            Ok(response) => meaning(response.status.as_u16(), support.has_listed()),
            Err(RegistryError::Denied { .. }) => meaning(403, support.has_listed()),
            Err(_) => ReferrersStatus::Unreachable,
        };
        match answer {
            ReferrersStatus::NoApi | ReferrersStatus::NoApiIfReadable => {
                locked(&self.unlisted).insert(repository.clone());
                Ok(false)
            }
            ReferrersStatus::Listing => {
                support.note_listing();
                Err(refusal)
            }
            ReferrersStatus::Unreachable => Err(refusal),
        }
    }

    /// What the fallback tag lists, for a caller who does not believe a tag list that lacks it. Empty where
    /// the registry has the API: its listing is whole.
    pub(super) async fn fallback_referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut found = BTreeMap::new();
        if self.support(repository.registry())?.has_listed() {
            return Ok(Vec::new());
        }
        let access = self.pull(repository)?;
        self.by_tag(&access, subject, &fallback_tag(subject), &mut found)
            .await?;
        Ok(found.into_values().collect())
    }

    /// Whether there is a fallback tag; its listing in `found`.
    async fn by_tag(
        &self,
        access: &Access,
        subject: &Digest,
        tag: &str,
        found: &mut BTreeMap<Digest, Descriptor>,
    ) -> Result<bool, RegistryError> {
        let repository = &access.repository;
        let what = named("fallback tag of", repository, subject);
        let url = self.url(repository, &format!("manifests/{tag}"))?;
        let mut request = self.request(Method::GET, url, what, PAGE_CAP, access);
        request.accept = Some(manifest::ACCEPT);
        let response = self.send(&request, access).await?;
        match response.status.as_u16() {
            200 => {
                collect(&request, &response, found)?;
                self.note_readable(repository);
                Ok(true)
            }
            404 => {
                self.prove_missing(repository, &request, &response).await?;
                Ok(false)
            }
            _ => Err(response.refusal(&request)),
        }
    }
}

/// Adds one page to what was found.
fn collect(
    request: &HttpRequest,
    response: &Response,
    found: &mut BTreeMap<Digest, Descriptor>,
) -> Result<(), RegistryError> {
    let listing: Listing = serde_json::from_slice(&response.body)
        .map_err(|_| response.protocol_error(request, "it is no listing of referrers"))?;
    if !listing.is_one() {
        return Err(response.protocol_error(request, "it is no listing of referrers"));
    }
    for descriptor in listing.manifests.unwrap_or_default() {
        found.insert(descriptor.digest, descriptor);
    }
    if found.len() > MAX_REFERRERS {
        return Err(response.protocol_error(request, format!("it lists more than {MAX_REFERRERS} referrers")));
    }
    Ok(())
}

/// A listing of referrers as registries write it: an index, whose list may be empty, `null` or left out.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    errors: Option<IgnoredAny>,
}

impl Listing {
    /// Whether it is an index, and not an image or an error that came with status 200.
    fn is_one(&self) -> bool {
        let of_an_index = matches!(
            self.media_type.as_deref(),
            None | Some("" | manifest::OCI_INDEX | manifest::DOCKER_LIST)
        );
        of_an_index && self.config.is_none() && self.layers.is_none() && self.errors.is_none()
    }
}
