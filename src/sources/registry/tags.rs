//! The tags of a repository (OCI distribution spec, "Listing Tags").

use std::collections::BTreeSet;

use reqwest::{Method, header};

use super::auth::Access;
use super::client::RegistryClient;
use super::error::RegistryError;
use super::link::Pages;
use crate::domain::Repository;
use crate::domain::reference::valid_tag;

/// Most bytes of one page. A repository of a build farm has some 100,000 tags.
const PAGE_CAP: u64 = 16 << 20;
/// Most tags that are kept.
const MAX_TAGS: usize = 500_000;

#[derive(serde::Deserialize)]
struct WireTags {
    // A repository without tags answers `null`.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// All tags, sorted. `n` and `last` are never guessed: docker-registry ignores the one and does
    /// not sort, so the other would skip tags.
    pub(super) async fn tags(&self, repository: &Repository) -> Result<Vec<String>, RegistryError> {
        self.tags_with(&self.pull(repository)?).await
    }

    /// The same list, asked for with the credentials and scopes of `access`.
    pub(super) async fn tags_with(&self, access: &Access) -> Result<Vec<String>, RegistryError> {
        let repository = &access.repository;
        let what = format!("the tags of {repository}");
        let url = self.url(repository, "tags/list")?;
        let mut request = self.request(Method::GET, url, what, PAGE_CAP, access);
        request
            .headers
            .push((header::ACCEPT, header::HeaderValue::from_static("application/json")));
        let mut pages = Pages::within(self.transport.limits.listing);
        let mut tags = BTreeSet::new();
        loop {
            let response = self.send(&request, access).await?;
            match response.status.as_u16() {
                200 => {}
                404 => {
                    return Err(RegistryError::NotFound {
                        what: request.what,
                        authoritative: false,
                    });
                }
                _ => return Err(response.refusal(&request)),
            }
            let page: WireTags = serde_json::from_slice(&response.body)
                .map_err(|_| response.protocol_error(&request, "it is no tag list"))?;
            // What is no tag can neither be asked for nor shown as one.
            tags.extend(page.tags.into_iter().flatten().filter(|tag| valid_tag(tag)));
            if tags.len() > MAX_TAGS {
                return Err(response.protocol_error(&request, "it lists too many tags"));
            }
            match pages.next(&request, &response)? {
                Some(next) => request.url = next,
                None => break,
            }
        }
        self.note_readable(repository);
        Ok(tags.into_iter().collect())
    }
}
