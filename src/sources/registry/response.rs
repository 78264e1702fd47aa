//! A complete answer, and what it says when it does not answer.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use super::endpoint::authority;
use super::error::RegistryError;
use super::request::HttpRequest;
use crate::domain::Wording;

/// A complete answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Where it came from, after redirects.
    pub(super) url: Url,
    /// Whether it came from the origin that was asked.
    pub(super) own: bool,
}

impl Response {
    /// A header as text.
    pub(super) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The registry's own words: the first message of an OCI error answer, and no HTML.
    pub(super) fn message(&self) -> Wording {
        let Some(errors) = self.errors() else {
            return Wording::default();
        };
        let mut text = String::new();
        for error in errors.into_iter().take(3) {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(error.code.as_deref().unwrap_or("error"));
            if let Some(message) = error.message.filter(|m| !m.is_empty()) {
                text.push_str(": ");
                text.extend(message.chars().take(300));
            }
        }
        Wording::of_another(text)
    }

    /// Whether an OCI error answer contains this code.
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.errors()
            .is_some_and(|errors| errors.iter().any(|error| error.code.as_deref() == Some(code)))
    }

    fn errors(&self) -> Option<Vec<WireError>> {
        #[derive(serde::Deserialize)]
        struct WireErrors {
            errors: Vec<WireError>,
        }
        serde_json::from_slice::<WireErrors>(&self.body)
            .ok()
            .map(|wire| wire.errors)
    }

    /// The error for an answer that does not answer.
    pub(super) fn refusal(&self, request: &HttpRequest) -> RegistryError {
        let host = authority(&self.url);
        let what = request.what.clone();
        let detail = self.message();
        match self.status.as_u16() {
            401 | 403 => RegistryError::Denied { host, what, detail },
            status => RegistryError::Status {
                host,
                what,
                status,
                detail,
            },
        }
    }

    /// An error for an answer that breaks the protocol.
    pub(super) fn protocol_error(&self, request: &HttpRequest, detail: impl Into<Box<str>>) -> RegistryError {
        RegistryError::Protocol {
            host: authority(&self.url),
            what: request.what.clone(),
            detail: Wording::own(detail),
        }
    }
}

#[derive(serde::Deserialize)]
struct WireError {
    code: Option<String>,
    message: Option<String>,
}
