//! Referrers: what points at a manifest (OCI distribution spec, "Listing Referrers").
//!
//! Three answers and an error, never mixed: the API's, the fallback tag's, and "this registry has
//! neither". A listing that could not be read to its end is an error.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;

use super::auth::Access;
use super::client::RegistryClient;
use super::error::{RegistryError, named};
use super::link::Pages;
use super::manifest::{self, Descriptor};
use super::referrers_support::{API, NO_API, Support, UNKNOWN};
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
    /// Them, sorted by digest. Annotations and artifact types here are the registry's word; only
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
        let support = self.support(repository.registry());
        let mut found = BTreeMap::new();
        let by_api = match support.get() {
            NO_API => false,
            API => self.by_api(&access, subject, &support, &mut found).await?,
            _ => {
                let first = support.finding_out.lock().await;
                if support.get() == UNKNOWN {
                    self.by_api(&access, subject, &support, &mut found).await?
                } else {
                    drop(first);
                    support.get() == API && self.by_api(&access, subject, &support, &mut found).await?
                }
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
        let mut pages = Pages::default();
        let mut first = true;
        loop {
            let response = self.send(&request, access).await?;
            match response.status.as_u16() {
                200 => {}
                // "No such repository" says nothing about the registry's other repositories.
                404 if first && response.has_code("NAME_UNKNOWN") => return Ok(false),
                404 | 301..=303 | 307 | 308 if first => {
                    support.learn(NO_API);
                    return Ok(false);
                }
                _ => return Err(response.refusal(&request)),
            }
            collect(&request, &response, found)?;
            if first {
                support.learn(API);
                first = false;
            }
            match pages.next(&request, &response)? {
                Some(next) => request.url = next,
                None => return Ok(true),
            }
        }
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
    let content_type = response.header(reqwest::header::CONTENT_TYPE);
    let (_, body) = manifest::parse(&response.body, content_type)
        .map_err(|_| response.protocol_error(request, "it is no listing of referrers"))?;
    if !body.is_index() {
        return Err(response.protocol_error(request, "it is no listing of referrers"));
    }
    for descriptor in body.manifests {
        found.insert(descriptor.digest, descriptor);
    }
    if found.len() > MAX_REFERRERS {
        return Err(response.protocol_error(request, format!("it lists more than {MAX_REFERRERS} referrers")));
    }
    Ok(())
}
