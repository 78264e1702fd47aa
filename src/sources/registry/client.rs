//! What all requests to registries share: settings, credentials and the one way to send.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::auth::{Access, Auth, Scopes};
use super::blob_streams::Streams;
use super::cache::ContentCache;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::lock::locked;
use super::options::Options;
use super::referrers_support::Support;
use super::request::HttpRequest;
use super::response::Response;
use super::transport::{Limits, Transport};
use crate::domain::registry::RegistrySettings;
use crate::domain::{Digest, Repository};

/// Everything that is shared by the clones of a registry.
#[derive(Debug)]
pub(super) struct RegistryClient {
    pub(super) transport: Transport,
    auth: Auth,
    pub(super) streams: Streams,
    settings: BTreeMap<String, RegistrySettings>,
    endpoints: Mutex<HashMap<String, Endpoint>>,
    pub(super) cache: Option<ContentCache>,
    offline: bool,
    /// Where what is remembered from run to run is kept.
    memory: Option<PathBuf>,
    support: Mutex<HashMap<String, Arc<Support>>>,
    pub(super) readable: Mutex<HashMap<Repository, Instant>>,
    /// Repositories whose registry refuses to say what refers to anything in them.
    pub(super) unlisted: Mutex<HashSet<Repository>>,
    /// One lock for each content that is fetched now, so that it is fetched once.
    pub(super) fetch_locks: Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>,
}

impl RegistryClient {
    pub(super) fn new(options: Options, limits: Limits) -> Result<Self, RegistryError> {
        let mut endpoints = HashMap::new();
        for (name, settings) in &options.settings {
            endpoints.insert(name.clone(), Endpoint::of(name, Some(settings))?);
            if let Some(pem) = &settings.ca {
                let read = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
                if read.is_ok_and(|list| list.is_empty()) || !pem.contains("BEGIN CERTIFICATE") {
                    return Err(RegistryError::Settings {
                        registry: name.clone(),
                        detail: "`ca` holds no PEM certificate".to_owned(),
                    });
                }
            }
        }
        Ok(Self {
            transport: Transport::new(limits),
            auth: Auth::new(options.credentials),
            streams: Streams::default(),
            settings: options.settings,
            endpoints: Mutex::new(endpoints),
            cache: options.cache,
            offline: options.offline,
            memory: options.memory,
            support: Mutex::default(),
            readable: Mutex::default(),
            unlisted: Mutex::default(),
            fetch_locks: Mutex::default(),
        })
    }

    /// Sends one request on behalf of a repository, answering a challenge at most once.
    pub(super) async fn send(&self, request: &HttpRequest, access: &Access) -> Result<Response, RegistryError> {
        if self.offline {
            return Err(RegistryError::Offline {
                what: request.what.clone(),
            });
        }
        let header = self.auth.header(&self.transport, access).await?;
        let mut response = self.transport.exchange(request, header.as_ref()).await?;
        // Another host's challenge (after a redirect) is none of ours.
        if response.status == 401 && response.own {
            let header = self
                .auth
                .answer_challenge(&self.transport, access, &response, request, header.as_ref())
                .await?;
            response = self.transport.exchange(request, Some(&header)).await?;
        }
        match response.status.as_u16() {
            401 | 403 => Err(response.refusal(request)),
            _ => Ok(response),
        }
    }

    /// Whether anything may be asked.
    pub(super) fn online(&self, what: &str) -> Result<(), RegistryError> {
        match self.offline {
            true => Err(RegistryError::Offline { what: what.to_owned() }),
            false => Ok(()),
        }
    }

    /// The header that would be sent now, for a client that sends by itself.
    pub(super) async fn authorization(&self, access: &Access) -> Result<Option<HeaderValue>, RegistryError> {
        self.auth.header(&self.transport, access).await
    }

    /// A request to a registry under its settings.
    pub(super) fn request(&self, method: Method, url: Url, what: String, cap: u64, access: &Access) -> HttpRequest {
        let mut request = HttpRequest::new(method, url, what, cap);
        let settings = self.settings.get(access.repository.registry());
        request.requests_per_second = settings.and_then(|s| s.requests_per_second);
        request.ca = access.ca.clone();
        request
    }

    /// Reading one repository.
    pub(super) fn pull(&self, repository: &Repository) -> Result<Access, RegistryError> {
        self.access(repository, Scopes::pull(repository))
    }

    pub(super) fn access(&self, repository: &Repository, scopes: Scopes) -> Result<Access, RegistryError> {
        let settings = self.settings.get(repository.registry());
        Ok(Access {
            repository: repository.clone(),
            scopes,
            anonymous: settings.is_some_and(|s| s.anonymous),
            mirrored: settings.is_some_and(|s| s.endpoint.is_some()),
            ca: settings.and_then(|s| s.ca.as_deref()).map(Arc::from),
        })
    }

    pub(super) fn url(&self, repository: &Repository, tail: &str) -> Result<Url, RegistryError> {
        self.endpoint(repository.registry())?.url(repository, tail)
    }

    /// What is known about a registry's referrers API.
    pub(super) fn support(&self, registry: &str) -> Result<Arc<Support>, RegistryError> {
        let address = self.endpoint(registry)?.address().to_owned();
        let mut known = locked(&self.support);
        let support = known.entry(registry.to_owned()).or_insert_with(|| {
            let folder = self.memory.as_ref().map(|folder| folder.join("referrers"));
            Arc::new(Support::remembered(folder.as_deref(), &address))
        });
        Ok(Arc::clone(support))
    }

    fn endpoint(&self, registry: &str) -> Result<Endpoint, RegistryError> {
        let mut endpoints = locked(&self.endpoints);
        if let Some(endpoint) = endpoints.get(registry) {
            return Ok(endpoint.clone());
        }
        let endpoint = Endpoint::of(registry, None)?;
        endpoints.insert(registry.to_owned(), endpoint.clone());
        Ok(endpoint)
    }
}
