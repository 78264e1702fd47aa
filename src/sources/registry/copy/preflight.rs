//! What can be known before a copy: better said now than halfway.

use std::collections::BTreeSet;

use reqwest::Method;

use super::super::error::{RegistryError, named};
use super::job::Job;
use super::walk::LEGACY;
use crate::domain::Digest;

/// What a copy will meet at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// Whether the repository exists; a registry may still make it with the first upload.
    pub repository_exists: bool,
    /// What the release tag names there now, if it names anything.
    pub tag: Option<Digest>,
    /// Whether the image or index is there already.
    pub present: bool,
    /// Evidence tags of the image itself that exist there: with immutable tags they cannot be
    /// extended.
    pub evidence_tags: Vec<String>,
    /// Why the destination takes no uploads, in its own words; `None` if it does.
    pub refused: Option<RegistryError>,
}

impl Job<'_> {
    pub(super) async fn preflight(&self) -> Result<Preflight, RegistryError> {
        let existing = self.destination_tags().await?;
        let mut found = Preflight {
            repository_exists: existing.is_some(),
            ..Preflight::default()
        };
        if let Some(tags) = existing {
            if let Some(tag) = self.request.tag.as_ref().filter(|tag| tags.contains(*tag)) {
                found.tag = self.client.claim(&self.access, tag).await?;
            }
            found.present = self
                .client
                .claim(&self.access, &self.request.digest.to_string())
                .await?
                .is_some();
            found.evidence_tags = self.evidence_tags(&tags);
        }
        found.refused = self.try_upload().await?;
        Ok(found)
    }

    fn evidence_tags(&self, tags: &BTreeSet<String>) -> Vec<String> {
        let hex = self.request.digest.hex();
        let names = LEGACY.iter().map(|ending| format!("sha256-{hex}.{ending}"));
        names.filter(|tag| tags.contains(tag)).collect()
    }

    /// Opens an upload and drops it: only this tells a missing repository, a proxy cache and
    /// missing rights.
    async fn try_upload(&self) -> Result<Option<RegistryError>, RegistryError> {
        let destination = &self.request.destination;
        let url = self.client.url(destination, "blobs/uploads/")?;
        let request = self.write(Method::POST, url, named("upload", destination, "(a trial)"));
        let response = match self.client.send(&request, &self.access).await {
            Ok(response) => response,
            Err(error @ RegistryError::Denied { .. }) => return Ok(Some(error)),
            Err(error) => return Err(error),
        };
        if response.status != 202 {
            return Ok(Some(super::push::refused(&request, &response)));
        }
        if let Ok(location) = super::upload_location::location(&request, &response) {
            let drop = self.write(Method::DELETE, location, request.what);
            // A registry that cannot drop uploads drops them by age.
            if let Ok(header) = self.header_for(&drop.url).await {
                let _ = self.client.transport.exchange(&drop, header.as_ref()).await;
            }
        }
        Ok(None)
    }
}
