//! Where a registry wants an upload to be sent.

use reqwest::Url;
use reqwest::header::LOCATION;

use super::super::error::RegistryError;
use super::super::request::HttpRequest;
use super::super::response::Response;

/// Where to send an upload: absolute or relative, with the query it came with.
pub(super) fn location(request: &HttpRequest, response: &Response) -> Result<Url, RegistryError> {
    let text = response
        .header(LOCATION)
        .ok_or_else(|| response.protocol_error(request, "an upload without Location"))?;
    let url = response
        .url
        .join(text)
        .map_err(|_| response.protocol_error(request, "an upload with an unusable Location"))?;
    match (response.url.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(url),
        _ => Err(response.protocol_error(request, "an upload away from https")),
    }
}
