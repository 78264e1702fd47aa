//! Documents that are no content of a registry: read through the same way out, with the same limits, and never with
//! credentials that nobody handed over for that very address.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::endpoint::{authority, is_loopback};
use super::error::RegistryError;
use super::request::{HttpRequest, Redirects};
use super::transport::{Limits, Transport};

/// Reads documents by their address.
#[derive(Debug, Default)]
pub struct Documents {
    transport: Transport,
}

/// A whole answer.
#[derive(Debug)]
pub struct FetchedDocument {
    /// The status, which is none that says nothing (429 and most of 5xx are errors).
    pub status: u16,
    /// The body, to the cap at most.
    pub body: Vec<u8>,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct DocumentRequest<'a> {
    /// The address: https, or http of this machine.
    pub url: &'a str,
    /// What it is, as errors name it.
    pub what: String,
    /// Most bytes of a good answer.
    pub cap: u64,
    /// Header names and values.
    pub headers: &'a [(&'static str, String)],
    /// A token, sent to the origin of `url` and nowhere else.
    pub token: Option<&'a str>,
    /// Whether a redirect to another origin is followed, without the token.
    pub elsewhere: bool,
}

impl Documents {
    /// A reader with limits of its own.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            transport: Transport::new(limits),
        }
    }

    /// Reads one document.
    ///
    /// # Errors
    /// If the address is none that may be asked, or nothing answers within the limits.
    pub(crate) async fn get(&self, request: DocumentRequest<'_>) -> Result<FetchedDocument, RegistryError> {
        let url = address(request.url)?;
        let wrong = |detail: &str| RegistryError::Settings {
            registry: authority(&url),
            detail: detail.to_owned(),
        };
        let mut asked = HttpRequest::new(Method::GET, url.clone(), request.what, request.cap);
        if !request.elsewhere {
            asked.redirects = Redirects::SameOrigin;
        }
        for (name, value) in request.headers {
            let value = HeaderValue::from_str(value).map_err(|_| wrong("a header cannot be sent"))?;
            asked.headers.push((HeaderName::from_static(name), value));
        }
        let token = request.token.map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| wrong("the token contains characters that cannot be sent"))?;
            value.set_sensitive(true);
            Ok::<_, RegistryError>(value)
        });
        let token = token.transpose()?;
        debug_assert!(!asked.headers.iter().any(|(name, _)| name == AUTHORIZATION));
        let response = self.transport.exchange(&asked, token.as_ref()).await?;
        Ok(FetchedDocument {
            status: response.status.as_u16(),
            body: response.body.to_vec(),
        })
    }
}

/// An address that may be asked: https, or plain HTTP on this machine, without credentials in it.
///
/// # Errors
/// If it is none.
pub(crate) fn address(text: &str) -> Result<Url, RegistryError> {
    let wrong = |detail: String| RegistryError::Settings {
        registry: text.to_owned(),
        detail,
    };
    let url = Url::parse(text).map_err(|error| wrong(format!("it is not a URL: {error}")))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => {
            return Err(wrong(
                "only https is asked (plain HTTP on this machine alone)".to_owned(),
            ));
        }
    }
    if !url.username().is_empty() || url.password().is_some() || url.host_str().is_none() {
        return Err(wrong("credentials do not belong into an address".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine_is_asked() {
        for good in [
            "https://tuf.example/x",
            "http://127.0.0.1:8080",
            "http://[::1]:1/",
            "http://localhost/x",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://tuf.example",
            "ftp://x",
            "file:///etc/passwd",
            "nonsense",
            "https://u:p@x",
            "https://u@x",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
