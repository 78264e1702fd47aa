//! A request as the registry reads it.

use axum::http::{HeaderMap, Method};
use bytes::Bytes;

pub(super) const UPLOADS: &str = "/blobs/uploads/";
const PARTS: [&str; 5] = [UPLOADS, "/manifests/", "/blobs/", "/tags/list", "/referrers/"];

/// One request, taken apart.
pub(super) struct RegistryRequest<'a> {
    pub method: Method,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

impl RegistryRequest<'_> {
    /// A parameter of the query, percent-decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let found = self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })?;
        Some(percent_decoded(found))
    }

    /// A header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether `Accept` names a media type in so many words: `*/*` names none.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        let values = self.headers.get_all("accept").iter().filter_map(|v| v.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|one| one.split(';').next().unwrap_or_default().trim() == media_type)
    }

    /// The repository it is about and what it wants of it: `/v2/NAME/PART/REFERENCE`.
    pub(crate) fn place(&self) -> Option<(&str, &'static str, &str)> {
        let rest = self.path.strip_prefix("/v2/")?;
        PARTS.iter().find_map(|part| {
            // A repository may itself be called like a part: the last one counts.
            let (name, reference) = rest.rsplit_once(part)?;
            (!name.is_empty() && (*part == UPLOADS || !reference.contains('/'))).then_some((name, *part, reference))
        })
    }
}

/// The text with each `%` and its two hexadecimal digits replaced by the byte that they name.
pub(super) fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
