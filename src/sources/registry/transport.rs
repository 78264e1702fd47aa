//! The one place a request leaves: limits, retries, redirects, caps and counting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::budget::Meter;
use super::endpoint::{authority, is_loopback, same_origin};
use super::error::RegistryError;
use super::headers::retry_after;
use super::host::{Host, HostFailure};
use super::lock::locked;
use super::request::{HttpRequest, Redirects};
use super::response::Response;
use crate::domain::{Wording, quoted};
use crate::sources::error_text::with_causes;

/// Redirects followed for one request.
const MAX_HOPS: u32 = 5;
/// Bytes of an error answer that are read for its words.
const ERROR_CAP: u64 = 64 << 10;

/// However long a host asks to be left alone, it is tried again after this.
const LONGEST_SHUT: Duration = Duration::from_secs(300);

/// Times and limits. The defaults keep a run over a dead registry well under a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sendings of one request, the first included.
    pub tries: u32,
    /// Total time of one metadata request with its retries, not counting the queue.
    pub deadline: Duration,
    /// Total time of one listing with all its pages: one registry must not keep a whole refresh waiting.
    pub listing: Duration,
    /// Time to connect.
    pub connect: Duration,
    /// Pause before the first retry; three times as long before the next.
    pub pause: Duration,
    /// How long a transfer of a large blob may make no progress.
    pub idle: Duration,
    /// Blobs above this many bytes are copied as streams; others are read whole, and kept.
    pub stream_above: u64,
    /// The longest `Retry-After` that is waited for; a longer one fails at once.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tries: 3,
            deadline: Duration::from_secs(20),
            listing: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            pause: Duration::from_millis(300),
            idle: Duration::from_secs(30),
            stream_above: 1 << 20,
            longest_pause: Duration::from_secs(8),
        }
    }
}

/// Sends requests: one for all registries of a run, so that everything is counted and limited here.
#[derive(Debug, Default)]
pub(super) struct Transport {
    pub(super) limits: Limits,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    clients: Mutex<HashMap<ClientKind, reqwest::Client>>,
    pub(super) meter: Meter,
}

/// Connections are shared between hosts that need the same kind of client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClientKind {
    plain: bool,
    loopback: bool,
    ca: Option<Arc<str>>,
}

/// Why one sending failed.
pub(super) struct AttemptFailure {
    error: RegistryError,
    /// Whether sending again may help; with the wait the host asks for.
    again: Option<Option<Duration>>,
    /// Which host failed, as far as its breaker cares.
    host: Option<(Arc<Host>, HostFailure)>,
}

impl Transport {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Sends until there is an answer. Ok: 2xx, 3xx that is not followed, 401 and other 4xx.
    /// Err: everything that answers nothing.
    pub(super) async fn exchange(
        &self,
        request: &HttpRequest,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let host = self.host(&request.url, request.requests_per_second);
        let _place = host.acquire(&request.what).await?;
        let mut deadline = None;
        let mut tries = 0;
        loop {
            tries += 1;
            let failure = match self.once(request, authorization, &mut deadline).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let left = deadline.map_or(self.limits.deadline, |at: Instant| {
                at.saturating_duration_since(Instant::now())
            });
            let wait = match failure.again {
                Some(asked) if tries < self.limits.tries => {
                    let wait = asked.unwrap_or_else(|| self.pause(tries));
                    (wait <= self.limits.longest_pause && wait < left).then_some((wait, asked.is_some()))
                }
                _ => None,
            };
            let Some((wait, for_all)) = wait else {
                if let Some((host, kind)) = failure.host {
                    host.failed(kind, short(&failure.error));
                }
                return Err(failure.error);
            };
            tracing::debug!(what = %request.what, ?wait, "sending again");
            if let (true, Some((host, _))) = (for_all, &failure.host) {
                host.pause(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends once, following redirects.
    async fn once(
        &self,
        request: &HttpRequest,
        authorization: Option<&HeaderValue>,
        deadline: &mut Option<Instant>,
    ) -> Result<Response, AttemptFailure> {
        let mut url = request.url.clone();
        let asked = self.host(&url, request.requests_per_second);
        for _ in 0..=MAX_HOPS {
            let own = same_origin(&url, &request.url);
            let host = self.host(&url, request.requests_per_second.filter(|_| own));
            // The time is one for all hops: whoever was asked used it up, not whom it leads to.
            // The place at the asked host is taken already. Waiting for another one has an end: two
            // hosts that redirect to each other must not wait for each other.
            let place = match (own, *deadline) {
                (false, Some(until)) => {
                    let waited = tokio::time::timeout_at(until, host.acquire(&request.what)).await;
                    let waited = waited.unwrap_or_else(|_| Err(host.too_late(&request.what)));
                    Some(waited.map_err(AttemptFailure::last)?)
                }
                _ => None,
            };
            let turn = host.throttle(&request.what, *deadline).await;
            turn.map_err(AttemptFailure::last)?;
            let until = *deadline.get_or_insert_with(|| Instant::now() + self.limits.deadline);
            let builder = self.builder(request, &url, authorization.filter(|_| own))?;
            self.meter.count(&request.method);
            let began = Instant::now();
            let sent = tokio::time::timeout_at(until, self.transfer(request, &host, &url, builder)).await;
            drop(place);
            let mut response = match sent {
                Ok(result) => result?,
                Err(_) => {
                    host.overloaded(began);
                    return Err(self.late(request, &asked));
                }
            };
            response.own = own;
            let broken = |detail: &'static str| {
                AttemptFailure::last(RegistryError::Protocol {
                    host: host.name.clone(),
                    what: request.what.clone(),
                    detail: Wording::own(detail),
                })
            };
            if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                // A login page says nothing about content: not that it is there, and not what it hashes to.
                return match is_web_page(request, &response) {
                    true => Err(broken(
                        "it answered with a web page; a login or a proxy stands in the way",
                    )),
                    false => Ok(response),
                };
            }
            let target = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let target = target
                .and_then(|text| url.join(text).ok())
                .ok_or_else(|| broken("a redirect without a usable Location"))?;
            if request.redirects == Redirects::SameOrigin && !same_origin(&target, &url) {
                return Ok(response);
            }
            if !matches!(request.method, Method::GET | Method::HEAD) {
                return Err(broken("a redirect of a write"));
            }
            match (url.scheme(), target.scheme()) {
                (_, "https") | ("http", "http") => url = target,
                _ => return Err(broken("a redirect away from https")),
            }
        }
        Err(AttemptFailure::last(RegistryError::Protocol {
            host: authority(&request.url),
            what: request.what.clone(),
            detail: Wording::own("too many redirects"),
        }))
    }

    fn late(&self, request: &HttpRequest, host: &Arc<Host>) -> AttemptFailure {
        AttemptFailure {
            error: RegistryError::Timeout {
                host: host.name.clone(),
                what: request.what.clone(),
                seconds: self.limits.deadline.as_secs(),
            },
            again: None,
            host: Some((Arc::clone(host), HostFailure::Silent)),
        }
    }

    fn builder(
        &self,
        request: &HttpRequest,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<reqwest::RequestBuilder, AttemptFailure> {
        let client = self.client(url, request.ca.as_ref()).map_err(AttemptFailure::last)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        // Some proxies compress what nobody asked them to: digests and sizes are about the plain bytes.
        builder = builder.header(ACCEPT_ENCODING, "identity");
        if let Some(accept) = request.accept {
            builder = builder.header(ACCEPT, accept);
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if !request.body.is_empty() || matches!(request.method, Method::PUT | Method::POST) {
            builder = builder.body(request.body.clone());
        }
        Ok(builder)
    }

    pub(super) async fn transfer(
        &self,
        request: &HttpRequest,
        host: &Arc<Host>,
        url: &Url,
        builder: reqwest::RequestBuilder,
    ) -> Result<Response, AttemptFailure> {
        let broken = |error: reqwest::Error| {
            // Whatever broke, nothing was answered: sending a replayable request again is safe.
            AttemptFailure {
                error: RegistryError::Connection {
                    host: host.name.clone(),
                    what: request.what.clone(),
                    detail: Wording::of_another(with_causes(&error.without_url())),
                },
                again: Some(None),
                host: Some((Arc::clone(host), HostFailure::Silent)),
            }
        };
        let began = Instant::now();
        let mut reply = builder.send().await.map_err(broken)?;
        let after = began.elapsed();
        let status = reply.status();
        let cap = if status.is_success() { request.cap } else { ERROR_CAP };
        if status.is_success()
            && request.method != Method::HEAD
            && !request.truncate
            && reply.content_length().is_some_and(|n| n > cap)
        {
            self.meter.note_status(status.as_u16());
            return Err(too_large(request));
        }
        let mut body = BytesMut::new();
        if request.method != Method::HEAD {
            while let Some(chunk) = reply.chunk().await.map_err(broken)? {
                if body.len() as u64 + chunk.len() as u64 > cap {
                    if status.is_success() && !request.truncate {
                        self.meter.note_status(status.as_u16());
                        return Err(too_large(request));
                    }
                    break;
                }
                body.extend_from_slice(&chunk);
            }
        }
        self.meter.note_status(status.as_u16());
        let headers = std::mem::take(reply.headers_mut());
        if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|_| status.is_success())
            && request.method != Method::HEAD
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            // Decoding what was not asked for would be a way to fill the memory from a small answer.
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            return Err(AttemptFailure::last(RegistryError::Protocol {
                host: host.name.clone(),
                what: request.what.clone(),
                detail: Wording::own(format!(
                    "it is compressed as {}, although that was not asked for",
                    quoted(&encoding)
                )),
            }));
        }
        let response = Response {
            status,
            headers,
            body: body.freeze(),
            url: url.clone(),
            own: true,
        };
        self.judge(request, host, response, (began, after))
    }

    /// Turns statuses that answer nothing into faults.
    fn judge(
        &self,
        request: &HttpRequest,
        host: &Arc<Host>,
        response: Response,
        (began, after): (Instant, Duration),
    ) -> Result<Response, AttemptFailure> {
        let status = response.status.as_u16();
        // 501 is an answer: this server does not have that method or interface.
        if (status < 500 && status != 429) || status == 501 {
            host.succeeded(began, after);
            return Ok(response);
        }
        let retry_after = response.headers.get(RETRY_AFTER).and_then(retry_after);
        if status == 429 {
            host.refused(began);
            // Without a Retry-After the host still wants less, not the same a moment later.
            let wait = retry_after.unwrap_or(self.limits.pause * 3);
            return Err(AttemptFailure {
                error: RegistryError::RateLimited {
                    host: host.name.clone(),
                    what: request.what.clone(),
                    retry_after: retry_after.map(|wait| wait.as_secs()),
                },
                again: Some(Some(wait)),
                host: Some((Arc::clone(host), HostFailure::Limited(wait.min(LONGEST_SHUT)))),
            });
        }
        if status == 503 {
            host.overloaded(began);
        }
        Err(AttemptFailure {
            error: response.refusal(request),
            again: matches!(status, 502..=504).then_some(retry_after),
            host: Some(match retry_after {
                Some(wait) => (Arc::clone(host), HostFailure::Limited(wait.min(LONGEST_SHUT))),
                None => (Arc::clone(host), HostFailure::Server),
            }),
        })
    }

    fn pause(&self, tries: u32) -> Duration {
        let base = self.limits.pause * 3u32.pow(tries.saturating_sub(1).min(3));
        // Up to a quarter more, so that parallel requests don't come back in step.
        let spread = self.meter.budget().requests % 8;
        base + base / 32 * u32::try_from(spread).unwrap_or(0)
    }

    pub(super) fn host(&self, url: &Url, requests_per_second: Option<u32>) -> Arc<Host> {
        let key = format!("{}://{}", url.scheme(), authority(url));
        let mut hosts = locked(&self.hosts);
        let host = hosts.entry(key).or_insert_with(|| Arc::new(Host::new(authority(url))));
        // Whoever came first may have been led there by somebody else.
        if let Some(most) = requests_per_second {
            host.limit(most);
        }
        Arc::clone(host)
    }

    /// Clients are made on first use: one for plain HTTP never reads the system's certificates.
    pub(super) fn client(&self, url: &Url, ca: Option<&Arc<str>>) -> Result<reqwest::Client, RegistryError> {
        let kind = ClientKind {
            plain: url.scheme() == "http",
            loopback: is_loopback(url),
            ca: ca.filter(|_| url.scheme() != "http").cloned(),
        };
        let mut clients = locked(&self.clients);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let wrong = |detail: String| RegistryError::Settings {
            registry: authority(url),
            detail,
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pindeck/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.limits.connect);
        if kind.loopback {
            builder = builder.no_proxy();
        }
        if kind.plain {
            builder = builder.tls_certs_only([]);
        }
        if let Some(pem) = &kind.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| wrong(format!("`ca` is not a PEM certificate: {error}")))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder
            .build()
            .map_err(|error| wrong(format!("no TLS: {}", with_causes(&error))))?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

impl AttemptFailure {
    /// The error of an attempt after which nothing is sent again.
    pub(super) fn into_error(self) -> RegistryError {
        self.error
    }

    fn last(error: RegistryError) -> Self {
        Self {
            error,
            again: None,
            host: None,
        }
    }
}

fn too_large(request: &HttpRequest) -> AttemptFailure {
    AttemptFailure::last(RegistryError::TooLarge {
        what: request.what.clone(),
        cap: request.cap,
    })
}

/// A failure in a word or two, for those who are refused because of it.
fn short(error: &RegistryError) -> Wording {
    match error {
        RegistryError::Timeout { seconds, .. } => Wording::own(format!("no answer within {seconds} s")),
        RegistryError::RateLimited { .. } => Wording::own("it limits requests (429)"),
        RegistryError::Status { status, .. } => Wording::own(format!("status {status}")),
        RegistryError::Connection { detail, .. } => detail.clone(),
        other => Wording::own(other.to_string()),
    }
}

/// Whether a page for people came where a registry was asked for content.
fn is_web_page(request: &HttpRequest, response: &Response) -> bool {
    let media_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_html = media_type.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("text/html"));
    response.status.is_success() && request.url.path().contains("/v2/") && is_html
}
