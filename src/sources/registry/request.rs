//! A request before it is sent.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// All but https to http; `Authorization` stays with its origin.
    Follow,
    /// Only to the same origin; another one is handed to the caller as it is.
    SameOrigin,
}

/// One request, which may be sent several times: every one of them can be repeated harmlessly.
#[derive(Debug, Clone)]
pub(super) struct HttpRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What is asked for, as errors name it.
    pub(super) what: String,
    pub(super) accept: Option<&'static str>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// Most bytes of a good answer that are read.
    pub(super) cap: u64,
    /// Whether a good answer longer than the cap is cut there instead of being an error.
    pub(super) truncate: bool,
    pub(super) redirects: Redirects,
    /// PEM of the registry's own CA.
    pub(super) ca: Option<Arc<str>>,
    pub(super) requests_per_second: Option<u32>,
}

impl HttpRequest {
    pub(super) fn new(method: Method, url: Url, what: String, cap: u64) -> Self {
        Self {
            method,
            url,
            what,
            accept: None,
            headers: Vec::new(),
            body: Bytes::new(),
            cap,
            truncate: false,
            redirects: Redirects::Follow,
            ca: None,
            requests_per_second: None,
        }
    }
}
