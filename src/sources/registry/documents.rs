//! Documents that are no content of a registry: read through the same way out, with the same limits, and never with
//! credentials that nobody handed over for that very address.

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};

use super::endpoint::{authority, is_loopback};
use super::error::RegistryError;
use super::handle::Registry;
use super::link::Pages;
use super::request::{HttpRequest, Redirects};
use super::response::Response;
use super::transport::{Limits, Transport};

/// Reads documents by their address.
#[derive(Debug, Default)]
pub struct Documents {
    transport: Transport,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct FetchedDocument {
    /// The status, which is none that says nothing (429 and most of 5xx are errors).
    pub status: u16,
    /// The body, to the cap at most.
    pub body: Vec<u8>,
    request: HttpRequest,
    response: Response,
}

impl FetchedDocument {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// Who answered, as errors name it.
    pub(crate) fn host(&self) -> String {
        authority(&self.response.url)
    }

    /// The error for an answer that does not answer.
    pub(crate) fn refusal(&self) -> RegistryError {
        self.response.refusal(&self.request)
    }

    /// The error for an answer that is not what was asked for.
    pub(crate) fn broken(&self, detail: &str) -> RegistryError {
        self.response.protocol_error(&self.request, detail)
    }
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
    /// What is accepted, where the server has to be told.
    pub accept: Option<&'static str>,
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
        one(&self.transport, &mut prepared(&request)?, &token(&request)?).await
    }
}

impl Registry {
    /// Reads one document through the connections, the limits and the budget of the registries.
    ///
    /// # Errors
    /// As [`Documents::get`]; also with `--offline`.
    pub(crate) async fn document(&self, request: DocumentRequest<'_>) -> Result<FetchedDocument, RegistryError> {
        self.client.online(&request.what)?;
        one(&self.client.transport, &mut prepared(&request)?, &token(&request)?).await
    }

    /// Reads a listing, page by page by its `Link` headers on the same origin, until a page that is none.
    ///
    /// # Errors
    /// As [`Registry::document`]; also if there are more than `most` pages, or they lead in a circle.
    pub(crate) async fn listing(
        &self,
        request: DocumentRequest<'_>,
        most: usize,
    ) -> Result<Vec<FetchedDocument>, RegistryError> {
        self.client.online(&request.what)?;
        let mut asked = prepared(&request)?;
        let token = token(&request)?;
        let transport = &self.client.transport;
        let mut pages = Pages::within(transport.limits.listing);
        let mut all = Vec::new();
        loop {
            let page = one(transport, &mut asked, &token).await?;
            let next = match page.status {
                200 => pages.next(&asked, &page.response)?,
                _ => None,
            };
            let full = all.len() + 1 >= most;
            match next {
                Some(_) if full => return Err(page.broken("it has too many pages")),
                Some(next) => asked.url = next,
                None => {
                    all.push(page);
                    return Ok(all);
                }
            }
            all.push(page);
        }
    }
}

async fn one(
    transport: &Transport,
    request: &mut HttpRequest,
    token: &Option<HeaderValue>,
) -> Result<FetchedDocument, RegistryError> {
    let response = transport.exchange(request, token.as_ref()).await?;
    Ok(FetchedDocument {
        status: response.status.as_u16(),
        body: response.body.to_vec(),
        request: request.clone(),
        response,
    })
}

fn prepared(request: &DocumentRequest<'_>) -> Result<HttpRequest, RegistryError> {
    let url = address(request.url)?;
    let mut asked = HttpRequest::new(Method::GET, url, request.what.clone(), request.cap);
    asked.accept = request.accept;
    if !request.elsewhere {
        asked.redirects = Redirects::SameOrigin;
    }
    Ok(asked)
}

fn token(request: &DocumentRequest<'_>) -> Result<Option<HeaderValue>, RegistryError> {
    let header = |token: &str| {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| RegistryError::Settings {
            registry: request.url.to_owned(),
            detail: "the token contains characters that cannot be sent".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(value)
    };
    request.token.map(header).transpose()
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
