//! GitHub's attestation API: bundles about a digest that a workflow left there and not in a registry.
//!
//! What comes is evidence like any other, checked by [`super::evidence`]. Here is only how it is asked for: page by page,
//! with a token that goes to its own host alone, and with "there is none" kept apart from "nobody could be asked".

mod snappy;

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::id::Digest;
use crate::sources::registry::{DocumentRequest, FetchedDocument, Registry, RegistryError};

/// Most bytes of one page.
const PAGE_CAP: u64 = 32 << 20;
/// Most bytes of one bundle, packed or not.
const BUNDLE_CAP: u64 = 16 << 20;
/// Most pages of one answer; a page has up to a hundred bundles.
const MAX_PAGES: usize = 20;
/// Most bundles of one digest.
const MAX_BUNDLES: usize = 512;
/// What a bundle is where it does not say so.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A repository on GitHub, or on a server of GitHub's make.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GithubRepository {
    /// The address of the API, without a slash at its end.
    pub api: String,
    /// `OWNER/NAME`.
    pub name: String,
    /// A token for that host, if it may be sent there.
    pub token: Option<String>,
}

impl fmt::Debug for GithubRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "(secret)");
        let mut shown = f.debug_struct("GithubRepository");
        shown
            .field("api", &self.api)
            .field("name", &self.name)
            .field("token", &token)
            .finish()
    }
}

/// One bundle, or why it was not read.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// What the bundle says that it is.
    pub media_type: String,
    /// The digest of its bytes; of its address, where they could not be read.
    pub digest: Digest,
    /// Its bytes.
    pub bundle: Result<Bytes, RegistryError>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    attestations: Vec<ListedAttestation<'a>>,
}

#[derive(Deserialize)]
struct ListedAttestation<'a> {
    #[serde(borrow, default)]
    bundle: Option<&'a RawValue>,
    #[serde(default)]
    bundle_url: Option<String>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

impl GithubRepository {
    /// The address of the API of a host: `github.com`, a server of a company's own, or an address with its scheme, which is
    /// taken as it is.
    pub(crate) fn api_of(host: &str) -> String {
        let host = host.trim_end_matches('/');
        if host.contains("://") {
            return host.to_owned();
        }
        let name = host.split(':').next().unwrap_or(host);
        match name {
            "github.com" | "api.github.com" => "https://api.github.com".to_owned(),
            // A tenant of GitHub's own cloud.
            tenant if tenant.ends_with(".ghe.com") => format!("https://api.{tenant}"),
            "localhost" | "127.0.0.1" => format!("http://{host}"),
            _ => format!("https://{host}/api/v3"),
        }
    }

    /// The token for a host, from the variables that GitHub's own program reads: one for GitHub's cloud, another for
    /// every other server.
    pub(crate) fn token_of(host: &str) -> Option<String> {
        let api = Self::api_of(host);
        let is_cloud = api == "https://api.github.com" || host.ends_with(".ghe.com");
        let names = match is_cloud {
            true => ["GH_TOKEN", "GITHUB_TOKEN"],
            false => ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
        };
        let mut found = names.iter().filter_map(|name| std::env::var(name).ok());
        found
            .find(|token| !token.trim().is_empty())
            .map(|token| token.trim().to_owned())
    }

    /// Where it is asked, as people are told.
    pub(crate) fn place(&self) -> String {
        format!("{}/repos/{}/attestations", self.api, self.name)
    }

    /// Every bundle that the repository has about a digest. An empty list is an answer: there is none.
    ///
    /// # Errors
    /// If the API could not be asked, or answers with what is no list: then nobody knows whether there is one.
    pub(crate) async fn attestations(
        &self,
        registry: &Registry,
        digest: Digest,
    ) -> Result<Vec<Attestation>, RegistryError> {
        let what = format!("attestations of {} about {digest}", self.name);
        let url = format!("{}/{digest}?per_page=100", self.place());
        let request = DocumentRequest {
            url: &url,
            what: what.clone(),
            cap: PAGE_CAP,
            accept: Some("application/vnd.github+json"),
            token: self.token.as_deref(),
            elsewhere: false,
        };
        let pages = registry.listing(request, MAX_PAGES).await?;
        let mut found = Vec::new();
        for (at, page) in pages.iter().enumerate() {
            if page.status == 404 && at == 0 {
                return Ok(Vec::new());
            }
            if page.status != 200 {
                return Err(refused(page, &what));
            }
            let wire: Page<'_> =
                serde_json::from_slice(&page.body).map_err(|_| page.broken("it is no list of attestations"))?;
            for entry in wire.attestations {
                if found.len() >= MAX_BUNDLES {
                    return Err(page.broken("it lists more attestations than pindeck reads"));
                }
                found.push(match (entry.bundle, entry.bundle_url) {
                    (Some(bundle), _) => attestation(bundle.get().as_bytes().to_vec()),
                    (None, Some(elsewhere)) => fetched(registry, &elsewhere, &what).await,
                    (None, None) => return Err(page.broken("an attestation has neither a bundle nor its address")),
                });
            }
        }
        Ok(found)
    }
}

/// The error of a status that lists nothing: GitHub answers 403 when its limit of requests is reached.
fn refused(page: &FetchedDocument, what: &str) -> RegistryError {
    let retry_after = page.header("retry-after").and_then(|text| text.parse().ok());
    let spent = page.header("x-ratelimit-remaining") == Some("0") || retry_after.is_some();
    match page.status {
        403 if spent => RegistryError::RateLimited {
            host: page.host(),
            what: what.to_owned(),
            retry_after,
        },
        _ => page.refusal(),
    }
}

/// A bundle that the API keeps elsewhere, packed with Snappy. The address has a permission of its own in it; the token stays.
async fn fetched(registry: &Registry, url: &str, what: &str) -> Attestation {
    let request = DocumentRequest {
        url,
        what: what.to_owned(),
        cap: BUNDLE_CAP,
        accept: None,
        token: None,
        elsewhere: true,
    };
    let unread = |error| Attestation {
        media_type: BUNDLE.to_owned(),
        digest: Digest::of(url.split('?').next().unwrap_or(url).as_bytes()),
        bundle: Err(error),
    };
    let document = match registry.document(request).await {
        Ok(document) if document.status == 200 => document,
        Ok(document) => return unread(document.refusal()),
        Err(error) => return unread(error),
    };
    if document.body.first() == Some(&b'{') && document.header("content-type") != Some("application/x-snappy") {
        return attestation(document.body);
    }
    match snappy::unpacked(&document.body, usize::try_from(BUNDLE_CAP).unwrap_or(usize::MAX)) {
        Some(bytes) => attestation(bytes),
        None => unread(document.broken("a bundle is packed in a way that cannot be read")),
    }
}

fn attestation(bytes: Vec<u8>) -> Attestation {
    let typed = serde_json::from_slice::<Typed>(&bytes)
        .ok()
        .and_then(|typed| typed.media_type);
    Attestation {
        media_type: typed
            .filter(|text| text.contains("sigstore.bundle"))
            .unwrap_or_else(|| BUNDLE.to_owned()),
        digest: Digest::of(&bytes),
        bundle: Ok(bytes.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_api() {
        for (host, api) in [
            ("github.com", "https://api.github.com"),
            ("acme.ghe.com", "https://api.acme.ghe.com"),
            ("git.example", "https://git.example/api/v3"),
            ("git.example:8443", "https://git.example:8443/api/v3"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://git.example/api/v3", "https://git.example/api/v3"),
        ] {
            assert_eq!(GithubRepository::api_of(host), api, "{host}");
        }
    }
}
