//! Sending a large body once: it cannot be repeated, so its only limit is standing still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Url};

use super::answer::Answer;
use super::client::{Ask, Http};
use super::error::RegistryError;

/// A body that is sent as it comes.
pub(super) struct Flow {
    pub(super) body: Body,
    /// Its length in bytes.
    pub(super) length: u64,
    /// Bytes handed over so far.
    pub(super) sent: Arc<AtomicU64>,
}

impl Http {
    /// Waits until a host may be asked, for a client that sends by itself.
    pub(super) async fn admit(&self, url: &Url, what: &str) -> Result<(), RegistryError> {
        self.host(url, None).admit(what).await
    }

    /// Sends a body once. Ok: any answer but 429 and server errors.
    pub(super) async fn upload(
        &self,
        ask: &Ask,
        authorization: Option<&HeaderValue>,
        flow: Flow,
    ) -> Result<Answer, RegistryError> {
        let host = self.host(&ask.url, None);
        let _place = host.place(&ask.what).await?;
        host.admit(&ask.what).await?;
        let mut request = self
            .client(&ask.url, ask.ca.as_ref())?
            .request(ask.method.clone(), ask.url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, flow.length)
            .body(flow.body);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.meter.count(&ask.method);
        let mut sending = Box::pin(self.transfer(ask, &host, &ask.url, request));
        loop {
            let before = flow.sent.load(Ordering::Relaxed);
            match tokio::time::timeout(self.limits.idle, &mut sending).await {
                Ok(result) => return result.map_err(|fault| fault.into_error()),
                Err(_) if flow.sent.load(Ordering::Relaxed) != before => {}
                Err(_) => {
                    self.meter.tally(&host.name, &ask.method, 0);
                    return Err(RegistryError::Timeout {
                        host: host.name.clone(),
                        what: ask.what.clone(),
                        seconds: self.limits.idle.as_secs(),
                    });
                }
            }
        }
    }
}
