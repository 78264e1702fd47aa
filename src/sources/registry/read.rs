//! Reading by tag and by digest, and knowing what a "404" proves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::Options;
use super::answer::{Answer, Claimed};
use super::auth::{Access, Auth, Scopes};
use super::cache::{ContentCache, Entry};
use super::client::locked;
use super::client::{Ask, Http, Limits};
use super::copy::Streams;
use super::endpoint::Endpoint;
use super::error::{RegistryError, named};
use super::manifest::{self, Manifest, ParseError};
use super::referrers::Support;
use crate::domain::reference::valid_tag;
use crate::domain::registry::RegistrySettings;
use crate::domain::{Digest, Repository, Untrusted};

/// Most bytes of a manifest (the limit that the distribution spec recommends to registries).
pub(super) const MANIFEST_CAP: u64 = 4 << 20;
/// Bytes read beyond a descriptor's size.
const OVERSIZE: u64 = 1 << 20;
/// For how long "these credentials could read that repository" is believed.
const READABLE: Duration = Duration::from_secs(300);
/// The registry's claim about what it sends.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// Everything that is shared by the clones of a registry.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) http: Http,
    auth: Auth,
    pub(super) streams: Streams,
    settings: BTreeMap<String, RegistrySettings>,
    endpoints: Mutex<HashMap<String, Endpoint>>,
    cache: Option<ContentCache>,
    offline: bool,
    support: Mutex<HashMap<String, Arc<Support>>>,
    readable: Mutex<HashMap<Repository, Instant>>,
    flights: Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>,
}

impl Core {
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
            http: Http::new(limits),
            auth: Auth::new(options.credentials),
            streams: Streams::default(),
            settings: options.settings,
            endpoints: Mutex::new(endpoints),
            cache: options.cache,
            offline: options.offline,
            support: Mutex::default(),
            readable: Mutex::default(),
            flights: Mutex::default(),
        })
    }

    /// Sends one request on behalf of a repository, answering a challenge at most once.
    pub(super) async fn send(&self, ask: &Ask, access: &Access) -> Result<Answer, RegistryError> {
        if self.offline {
            return Err(RegistryError::Offline { what: ask.what.clone() });
        }
        let header = self.auth.header(&self.http, access).await?;
        let mut answer = self.http.exchange(ask, header.as_ref()).await?;
        // Another host's challenge (after a redirect) is none of ours.
        if answer.status == 401 && answer.own {
            let header = self
                .auth
                .answer(&self.http, access, &answer, ask, header.as_ref())
                .await?;
            answer = self.http.exchange(ask, Some(&header)).await?;
        }
        match answer.status.as_u16() {
            401 | 403 => Err(answer.refusal(ask)),
            _ => Ok(answer),
        }
    }

    /// The header that would be sent now, for a client that sends by itself.
    pub(super) async fn authorization(&self, access: &Access) -> Result<Option<HeaderValue>, RegistryError> {
        self.auth.header(&self.http, access).await
    }

    /// A request to a registry under its settings.
    pub(super) fn ask(&self, method: Method, url: Url, what: String, cap: u64, access: &Access) -> Ask {
        let mut ask = Ask::new(method, url, what, cap);
        let settings = self.settings.get(access.repository.registry());
        ask.requests_per_second = settings.and_then(|s| s.requests_per_second);
        ask.ca = access.ca.clone();
        ask
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
            ca: settings.and_then(|s| s.ca.as_deref()).map(Arc::from),
        })
    }

    pub(super) fn url(&self, repository: &Repository, tail: &str) -> Result<Url, RegistryError> {
        let name = repository.registry();
        let mut endpoints = locked(&self.endpoints);
        if let Some(endpoint) = endpoints.get(name) {
            return endpoint.url(repository, tail);
        }
        let endpoint = Endpoint::of(name, None)?;
        let url = endpoint.url(repository, tail);
        endpoints.insert(name.to_owned(), endpoint);
        url
    }

    pub(super) fn support(&self, registry: &str) -> Arc<Support> {
        Arc::clone(locked(&self.support).entry(registry.to_owned()).or_default())
    }

    /// What a tag points at, by the registry's word. `None`: there is no such tag, for certain.
    pub(super) async fn resolve(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        Ok(self.claimed(repository, tag).await?.map(|claimed| claimed.digest))
    }

    /// The same, with what the answer says of its kind.
    pub(super) async fn claimed(&self, repository: &Repository, tag: &str) -> Result<Option<Claimed>, RegistryError> {
        let what = named("tag", repository, tag);
        if !valid_tag(tag) {
            return Err(RegistryError::Malformed {
                what,
                detail: Untrusted::new("that is no tag"),
            });
        }
        self.head(repository, tag, what).await
    }

    /// Whether a manifest is there now.
    pub(super) async fn presence(&self, repository: &Repository, digest: &Digest) -> Result<bool, RegistryError> {
        let what = named("manifest", repository, digest);
        match self.head(repository, &digest.to_string(), what.clone()).await? {
            Some(claimed) if claimed.digest == *digest => Ok(true),
            Some(claimed) => Err(RegistryError::Corrupt {
                what,
                actual: claimed.digest,
            }),
            None => Ok(false),
        }
    }

    async fn head(
        &self,
        repository: &Repository,
        reference: &str,
        what: String,
    ) -> Result<Option<Claimed>, RegistryError> {
        let access = self.pull(repository)?;
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut ask = self.ask(Method::HEAD, url, what, MANIFEST_CAP, &access);
        ask.accept = Some(manifest::ACCEPT);
        let mut answer = self.send(&ask, &access).await?;
        let claimed = answer.header(CONTENT_DIGEST).map(str::to_owned);
        let is_image = answer.header(CONTENT_TYPE).is_some_and(manifest::is_image_type);
        match answer.status.as_u16() {
            200 => {
                if let Some(digest) = claimed.and_then(|text| text.parse().ok()) {
                    self.note_readable(repository);
                    return Ok(Some(Claimed { digest, is_image }));
                }
            }
            // A bare 404 is the registry's; a page in HTML is somebody else's, so let them say it.
            404 if !answer
                .header(CONTENT_TYPE)
                .is_some_and(|kind| kind.starts_with("text/html")) =>
            {
                self.prove_missing(repository, &ask, &answer).await?;
                return Ok(None);
            }
            // Some registries do not know HEAD, or leave out the header.
            404 | 405 | 501 => {}
            _ => return Err(answer.refusal(&ask)),
        }
        ask.method = Method::GET;
        answer = self.send(&ask, &access).await?;
        match answer.status.as_u16() {
            200 => {
                self.note_readable(repository);
                Ok(Some(Claimed {
                    digest: Digest::of(&answer.body),
                    is_image: answer.header(CONTENT_TYPE).is_some_and(manifest::is_image_type),
                }))
            }
            404 => {
                self.prove_missing(repository, &ask, &answer).await?;
                Ok(None)
            }
            _ => Err(answer.refusal(&ask)),
        }
    }

    /// Ok if a 404 means "gone": the registry says so, and the same credentials read something
    /// else of that repository. A private repository answers 404 too.
    pub(super) async fn prove_missing(
        &self,
        repository: &Repository,
        ask: &Ask,
        answer: &Answer,
    ) -> Result<(), RegistryError> {
        let unproven = || RegistryError::NotFound {
            what: ask.what.clone(),
            authoritative: false,
        };
        let own_word = ask.method == Method::HEAD
            || answer.has_code("MANIFEST_UNKNOWN")
            || answer.has_code("BLOB_UNKNOWN")
            || answer.has_code("NOT_FOUND");
        if !own_word {
            return Err(unproven());
        }
        if self.is_readable(repository) {
            return Ok(());
        }
        match self.tags(repository).await {
            Ok(tags) => {
                // The listing and the answer contradict each other: neither proves anything.
                let listed = ask
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

    /// A manifest whose bytes hash to `digest`.
    pub(super) async fn manifest(&self, repository: &Repository, digest: &Digest) -> Result<Manifest, RegistryError> {
        let what = named("manifest", repository, digest);
        let flight = self.flight(digest);
        let _one = flight.lock().await;
        let entry = match self.cached(digest).await {
            Some(entry) => entry,
            None => {
                let access = self.pull(repository)?;
                let url = self.url(repository, &format!("manifests/{digest}"))?;
                let mut ask = self.ask(Method::GET, url, what.clone(), MANIFEST_CAP, &access);
                ask.accept = Some(manifest::ACCEPT);
                let answer = self.content(&ask, &access, digest).await?;
                let media_type = answer.header(CONTENT_TYPE).unwrap_or_default().to_owned();
                self.keep(digest, &media_type, &answer.body).await;
                Entry {
                    media_type,
                    bytes: answer.body,
                }
            }
        };
        read_manifest(*digest, entry, what)
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
        let flight = self.flight(digest);
        let _one = flight.lock().await;
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
        let mut ask = self.ask(Method::GET, url, what, most, &access);
        ask.headers
            .push((reqwest::header::ACCEPT, HeaderValue::from_static("*/*")));
        let answer = self.content(&ask, &access, digest).await?;
        self.keep(digest, "", &answer.body).await;
        fitting(answer.body, size, ask.what)
    }

    /// GETs content by digest and hashes it.
    async fn content(&self, ask: &Ask, access: &Access, digest: &Digest) -> Result<Answer, RegistryError> {
        let answer = self.send(ask, access).await?;
        match answer.status.as_u16() {
            200 => {}
            404 => {
                self.prove_missing(&access.repository, ask, &answer).await?;
                return Err(RegistryError::NotFound {
                    what: ask.what.clone(),
                    authoritative: true,
                });
            }
            _ => return Err(answer.refusal(ask)),
        }
        let actual = Digest::of(&answer.body);
        if actual != *digest {
            return Err(RegistryError::Corrupt {
                what: ask.what.clone(),
                actual,
            });
        }
        self.note_readable(&access.repository);
        Ok(answer)
    }

    /// One request at a time for the same content: the second finds it in the cache.
    fn flight(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = locked(&self.flights);
        if let Some(flight) = flights.get(digest).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::default();
        flights.insert(*digest, Arc::downgrade(&flight));
        flight
    }

    pub(super) async fn cached(&self, digest: &Digest) -> Option<Entry> {
        let (cache, digest) = (self.cache.clone()?, *digest);
        let entry = tokio::task::spawn_blocking(move || cache.read(&digest))
            .await
            .ok()
            .flatten();
        if entry.is_some() {
            self.http.meter.cache_hit();
        }
        entry
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
    match size {
        Some(size) if size != bytes.len() as u64 => Err(RegistryError::Malformed {
            what,
            detail: Untrusted::new(format!("its descriptor says {size} bytes, it has {}", bytes.len())),
        }),
        _ => Ok(bytes),
    }
}

fn read_manifest(digest: Digest, entry: Entry, what: String) -> Result<Manifest, RegistryError> {
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
