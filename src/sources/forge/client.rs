//! The requests to a forge: few, bounded, conditional where the forge allows it, and to that one server alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::address::{ForgeAddress, is_loopback};
use super::error::ForgeError;
use super::token::ForgeToken;
use crate::domain::Wording;
use crate::domain::proposal::ForgeKind;

/// Redirects of one question, all to the same server.
const HOPS: usize = 3;

/// How much of a forge's words is repeated.
const WORDS_CAP: usize = 300;

/// The longest that a forge may ask not to be asked.
const LONGEST_PAUSE: u64 = 3600;

/// Limits of one question. The defaults are those of docs/reference/proposals.md, "What a forge is asked".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgeLimits {
    /// Time to connect.
    pub connect: Duration,
    /// Time for one whole answer.
    pub answer: Duration,
    /// Bytes of one answer.
    pub bytes: usize,
    /// How long an answer is good for: the same is not asked again before.
    pub floor: Duration,
}

impl Default for ForgeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            bytes: 2 << 20,
            floor: Duration::from_secs(60),
        }
    }
}

/// An answer that is kept, to be asked about by its tag.
pub(super) struct KeptAnswer {
    tag: Option<HeaderValue>,
    status: StatusCode,
    body: Vec<u8>,
    at: Instant,
}

/// What came back.
pub(super) struct ForgeReply {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

/// One repository of a forge, as it is asked.
pub struct ForgeClient {
    address: ForgeAddress,
    token: Option<ForgeToken>,
    limits: ForgeLimits,
    http: reqwest::Client,
    kept: Mutex<BTreeMap<String, KeptAnswer>>,
    /// Pull requests by their branches: whoever has a number asks for it alone.
    numbers: Mutex<BTreeMap<String, u64>>,
    /// The forge asked not to be asked before.
    paused: Mutex<Option<Instant>>,
    requests: AtomicU64,
}

#[derive(Deserialize)]
struct ForgeMessage {
    message: Option<Value>,
}

impl ForgeClient {
    /// A client for one repository. Without a token it is asked as anybody may.
    ///
    /// # Errors
    /// If there is no TLS.
    pub fn new(address: ForgeAddress, token: Option<ForgeToken>, limits: ForgeLimits) -> Result<Self, ForgeError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pindeck/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect);
        let server = address.api.split("://").nth(1).unwrap_or_default();
        if is_loopback(server.split('/').next().unwrap_or_default()) {
            builder = builder.no_proxy();
        }
        if address.api.starts_with("http://") {
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ForgeError::Connection {
            host: address.host.clone(),
            what: "anything".to_owned(),
            detail: Wording::of_another(reasons(&error)),
        })?;
        Ok(Self {
            // Whatever is given, it goes nowhere that it may not be sent to.
            token: token.filter(|_| address.may_send_token),
            address,
            limits,
            http,
            kept: Mutex::default(),
            numbers: Mutex::default(),
            paused: Mutex::default(),
            requests: AtomicU64::new(0),
        })
    }

    /// The repository that is asked about.
    pub fn address(&self) -> &ForgeAddress {
        &self.address
    }

    /// Whether it has a token.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Asks for one document. What was answered a moment ago is not asked again, and what has not changed since is
    /// not sent again.
    pub(super) async fn get(&self, path: &str, what: &str) -> Result<ForgeReply, ForgeError> {
        let tag = match self.kept().get(path) {
            Some(kept) if kept.at.elapsed() < self.limits.floor => {
                return Ok(ForgeReply {
                    status: kept.status,
                    body: kept.body.clone(),
                });
            }
            kept => kept.and_then(|kept| kept.tag.clone()),
        };
        let (reply, new_tag) = self.send(Method::GET, path, None, tag, what).await?;
        let mut all = self.kept();
        if reply.status == StatusCode::NOT_MODIFIED {
            let Some(kept) = all.get_mut(path) else {
                return Err(self.broken(what, Wording::own("that nothing changed, and nothing was known")));
            };
            kept.at = Instant::now();
            return Ok(ForgeReply {
                status: kept.status,
                body: kept.body.clone(),
            });
        }
        if !matches!(reply.status, StatusCode::OK | StatusCode::NOT_FOUND) {
            return Err(self.refusal(what, &reply));
        }
        let kept = KeptAnswer {
            tag: new_tag,
            status: reply.status,
            body: reply.body.clone(),
            at: Instant::now(),
        };
        all.insert(path.to_owned(), kept);
        Ok(reply)
    }

    /// The document of a question that must have one.
    pub(super) async fn document(&self, path: &str, what: &str) -> Result<Vec<u8>, ForgeError> {
        let reply = self.get(path, what).await?;
        if reply.status == StatusCode::OK {
            return Ok(reply.body);
        }
        Err(self.refusal(what, &reply))
    }

    /// Sends one request, to this server and to no other.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        keys: Option<&Value>,
        tag: Option<HeaderValue>,
        what: &str,
    ) -> Result<(ForgeReply, Option<HeaderValue>), ForgeError> {
        if let Some(until) = *self.paused() {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(self.limited(what, left.as_secs().max(1)));
            }
        }
        let wrong = || self.broken(what, Wording::own("at no address"));
        let mut url = Url::parse(&format!("{}{path}", self.address.api)).map_err(|_| wrong())?;
        let server = url.origin();
        let sent = async {
            for _ in 0..=HOPS {
                let mut request = self.http.request(method.clone(), url.clone()).headers(self.headers());
                if let Some(tag) = &tag {
                    request = request.header(IF_NONE_MATCH, tag);
                }
                if let Some(keys) = keys {
                    request = request
                        .header(reqwest::header::CONTENT_TYPE, "application/json")
                        .body(keys.to_string());
                }
                self.requests.fetch_add(1, Ordering::Relaxed);
                let response = request.send().await.map_err(|error| self.connection(what, &error))?;
                if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                    return self.whole(response, what).await;
                }
                let next = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let next = next.and_then(|next| url.join(next).ok());
                // A request that writes is sent on by nobody; a question only by the same server.
                match next.filter(|next| next.origin() == server && method == Method::GET) {
                    Some(next) => url = next,
                    None => {
                        return Err(ForgeError::Elsewhere {
                            host: self.address.host.clone(),
                            what: what.to_owned(),
                        });
                    }
                }
            }
            Err(self.broken(what, Wording::own("with one redirect after the other")))
        };
        match tokio::time::timeout(self.limits.answer, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(ForgeError::Timeout {
                host: self.address.host.clone(),
                what: what.to_owned(),
                seconds: self.limits.answer.as_secs(),
            }),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let (accept, scheme) = match self.address.kind {
            ForgeKind::Github => ("application/vnd.github+json", "Bearer"),
            ForgeKind::Gitlab => ("application/json", "Bearer"),
            ForgeKind::Forgejo | ForgeKind::Gitea => ("application/json", "token"),
        };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if self.address.kind == ForgeKind::Github {
            headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        }
        let value = self.token.as_ref().map(|token| format!("{scheme} {}", token.secret()));
        if let Some(mut value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    /// Reads an answer to its end, within bounds.
    async fn whole(
        &self,
        mut response: reqwest::Response,
        what: &str,
    ) -> Result<(ForgeReply, Option<HeaderValue>), ForgeError> {
        let status = response.status();
        let headers = response.headers().clone();
        let mut body: Vec<u8> = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.connection(what, &error))? {
            if body.len() + chunk.len() > self.limits.bytes {
                let words = format!("with more than {} bytes", self.limits.bytes);
                return Err(self.broken(what, Wording::own(words)));
            }
            body.extend_from_slice(&chunk);
        }
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let after = number(RETRY_AFTER.as_str());
        let is_spent = number("x-ratelimit-remaining") == Some(0);
        let is_limit =
            status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::FORBIDDEN && (is_spent || after.is_some());
        if is_limit {
            let reset = number("x-ratelimit-reset").and_then(|at| at.checked_sub(now()));
            let seconds = after.or(reset).unwrap_or(60).clamp(1, LONGEST_PAUSE);
            *self.paused() = Some(Instant::now() + Duration::from_secs(seconds));
            return Err(self.limited(what, seconds));
        }
        Ok((ForgeReply { status, body }, headers.get(ETAG).cloned()))
    }

    /// The error of a status that answers nothing.
    pub(super) fn refusal(&self, what: &str, reply: &ForgeReply) -> ForgeError {
        let (host, what) = (self.address.host.clone(), what.to_owned());
        let said = serde_json::from_slice::<ForgeMessage>(&reply.body).ok();
        let said = said.and_then(|said| said.message).map(|said| match said {
            Value::String(text) => text,
            other => other.to_string(),
        });
        let detail = match said {
            Some(said) => {
                let said = &said[..said.floor_char_boundary(WORDS_CAP)];
                Wording::of_another(format!("{}: {said}", reply.status))
            }
            None => Wording::own(reply.status.to_string()),
        };
        match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ForgeError::Denied { host, what, detail },
            StatusCode::NOT_FOUND => ForgeError::NotFound { host, what },
            _ => ForgeError::Answer { host, what, detail },
        }
    }

    /// An answer that cannot be understood.
    pub(super) fn broken(&self, what: &str, detail: Wording) -> ForgeError {
        ForgeError::Answer {
            host: self.address.host.clone(),
            what: what.to_owned(),
            detail,
        }
    }

    fn connection(&self, what: &str, error: &reqwest::Error) -> ForgeError {
        ForgeError::Connection {
            host: self.address.host.clone(),
            what: what.to_owned(),
            detail: Wording::of_another(reasons(error)),
        }
    }

    fn limited(&self, what: &str, seconds: u64) -> ForgeError {
        ForgeError::RateLimited {
            host: self.address.host.clone(),
            what: what.to_owned(),
            seconds,
        }
    }

    pub(super) fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, KeptAnswer>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn numbers(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

/// An error with what is behind it: the outermost says only that a request failed. No address is in it.
fn reasons(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        words.push(inner.to_string());
        source = inner.source();
    }
    if words.is_empty() {
        words.push("the request failed".to_owned());
    }
    words.join(": ")
}
