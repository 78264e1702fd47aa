//! Pages of a listing: the `Link` header (RFC 8288), followed on the same origin only.

use std::collections::HashSet;

use reqwest::Url;
use reqwest::header::LINK;

use super::endpoint::same_origin;
use super::error::RegistryError;
use super::request::HttpRequest;
use super::response::Response;

/// Most pages of one listing.
const MAX_PAGES: usize = 1_000;

/// The pages seen so far.
#[derive(Debug, Default)]
pub(super) struct Pages {
    seen: HashSet<Url>,
}

impl Pages {
    /// Where the next page is, if there is one. A page seen before, another host or too many pages
    /// make the listing an error: it would be incomplete.
    pub(super) fn next(&mut self, request: &HttpRequest, response: &Response) -> Result<Option<Url>, RegistryError> {
        self.seen.insert(request.url.clone());
        let mut next = None;
        for header in response.headers.get_all(LINK) {
            let text = header
                .to_str()
                .map_err(|_| response.protocol_error(request, "its Link header is not text"))?;
            if let Some(target) = target(text) {
                next = Some(target);
                break;
            }
        }
        let Some(next) = next else { return Ok(None) };
        let url = response
            .url
            .join(&next)
            .map_err(|_| response.protocol_error(request, "its Link header holds no URL"))?;
        if !same_origin(&url, &response.url) {
            return Err(response.protocol_error(request, "its next page is on another host"));
        }
        if self.seen.contains(&url) {
            return Err(response.protocol_error(request, "its pages go in a circle"));
        }
        if self.seen.len() >= MAX_PAGES {
            return Err(response.protocol_error(request, "it has too many pages"));
        }
        Ok(Some(url))
    }
}

/// The target of the link whose relation is `next`.
fn target(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(open) = rest.find('<') {
        let close = open + rest[open..].find('>')?;
        let url = &rest[open + 1..close];
        let parameters = &rest[close + 1..];
        // Parameters end where the next link begins; a quoted text may hold a comma.
        let mut quoted = false;
        let end = parameters
            .find(|c: char| {
                quoted ^= c == '"';
                c == ',' && !quoted
            })
            .unwrap_or(parameters.len());
        let is_next = parameters[..end].split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else {
                return false;
            };
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .split_ascii_whitespace()
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(url.to_owned());
        }
        rest = &parameters[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        for (header, expected) in [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Some("/v2/a/tags/list?last=b&n=2"),
            ),
            (r#"<x>;REL=next"#, Some("x")),
            (r#"<a>; rel="prev", <b>; title="x, y"; rel="last next""#, Some("b")),
            (r#"<a,b>; rel=next"#, Some("a,b")),
            (r#"<a>; rel="prev""#, None),
            ("<a", None),
            ("", None),
            ("nonsense; rel=next", None),
        ] {
            assert_eq!(target(header).as_deref(), expected, "{header}");
        }
    }
}
