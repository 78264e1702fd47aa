//! Sending a large body once: it cannot be repeated, so its only limit is standing still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Url};

use super::error::RegistryError;
use super::request::HttpRequest;
use super::response::Response;
use super::transport::Transport;

/// A body that is sent as it comes.
pub(super) struct UploadFlow {
    pub(super) body: Body,
    /// Its length in bytes.
    pub(super) length: u64,
    /// Bytes handed over so far.
    pub(super) sent: Arc<AtomicU64>,
}

impl Transport {
    /// Waits until a host may be asked, for a client that sends by itself.
    pub(super) async fn throttle(&self, url: &Url, what: &str) -> Result<(), RegistryError> {
        self.host(url, None).throttle(what, None).await
    }

    /// Sends a body once, with a permit of the host and a turn that the caller has. Ok: any answer but 429 and server errors.
    pub(super) async fn upload(
        &self,
        request: &HttpRequest,
        authorization: Option<&HeaderValue>,
        flow: UploadFlow,
    ) -> Result<Response, RegistryError> {
        let host = self.host(&request.url, None);
        let mut builder = self
            .client(&request.url, request.ca.as_ref())?
            .request(request.method.clone(), request.url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, flow.length)
            .body(flow.body);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        self.meter.count(&request.method);
        let mut sending = Box::pin(self.transfer(request, &host, &request.url, builder));
        loop {
            let before = flow.sent.load(Ordering::Relaxed);
            match tokio::time::timeout(self.limits.idle, &mut sending).await {
                Ok(result) => return result.map_err(|failure| failure.into_error()),
                Err(_) if flow.sent.load(Ordering::Relaxed) != before => {}
                Err(_) => {
                    return Err(RegistryError::Timeout {
                        host: host.name.clone(),
                        what: request.what.clone(),
                        seconds: self.limits.idle.as_secs(),
                    });
                }
            }
        }
    }
}
