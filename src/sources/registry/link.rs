//! Pages of a listing: the `Link` header (RFC 8288), followed on the same origin only.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::LINK;

use super::endpoint::same_origin;
use super::error::RegistryError;
use super::request::HttpRequest;
use super::response::Response;

/// Most pages of one listing.
const MAX_PAGES: usize = 1_000;

/// The pages seen so far.
#[derive(Debug)]
pub(super) struct Pages {
    seen: HashSet<Url>,
    begun: Instant,
    limit: Duration,
}

impl Pages {
    /// No page seen yet, and so much time for all of them.
    pub(super) fn within(limit: Duration) -> Self {
        Self {
            seen: HashSet::new(),
            begun: Instant::now(),
            limit,
        }
    }

    /// Where the next page is, if there is one. A page seen before, another host or too many pages
    /// make the listing an error: it would be incomplete.
    pub(super) fn next(&mut self, request: &HttpRequest, response: &Response) -> Result<Option<Url>, RegistryError> {
        self.seen.insert(request.url.clone());
        let mut next = None;
        for header in response.headers.get_all(LINK) {
            let text = header
                .to_str()
                .map_err(|_| response.protocol_error(request, "its Link header is not text"))?;
            match links(text) {
                Ok(Some(target)) => {
                    next = Some(target);
                    break;
                }
                Ok(None) => {}
                // A page that cannot be found would be left out.
                Err(UnreadableLink) => return Err(response.protocol_error(request, "its Link header cannot be read")),
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
        if self.begun.elapsed() > self.limit {
            let what = format!("its pages take more than {} s", self.limit.as_secs());
            return Err(response.protocol_error(request, what));
        }
        if self.seen.len() >= MAX_PAGES {
            return Err(response.protocol_error(request, "it has too many pages"));
        }
        Ok(Some(url))
    }
}

/// A `Link` header that names no target or no relation.
#[derive(Debug, PartialEq, Eq)]
struct UnreadableLink;

/// The target of the link whose relation is `next`, if there is one. Some registries leave out the angle
/// brackets around the target.
fn links(header: &str) -> Result<Option<String>, UnreadableLink> {
    let mut rest = header.trim();
    let mut next = None;
    while !rest.is_empty() {
        let (target, after) = match rest.strip_prefix('<') {
            Some(inner) => inner.split_once('>').ok_or(UnreadableLink)?,
            None => rest.split_at(rest.find(';').ok_or(UnreadableLink)?),
        };
        // Parameters end where the next link begins; a quoted text may contain a comma.
        let mut quoted = false;
        let end = after.find(|c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        let parameters = &after[..end.unwrap_or(after.len())];
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("rel")
                .then(|| value.trim().trim_matches('"'))
        });
        let relation = relation.ok_or(UnreadableLink)?;
        let is_next = relation
            .split_ascii_whitespace()
            .any(|rel| rel.eq_ignore_ascii_case("next"));
        if is_next && next.is_none() {
            next = Some(target.trim().to_owned()).filter(|target| !target.is_empty());
            if next.is_none() {
                return Err(UnreadableLink);
            }
        }
        rest = end.map_or("", |end| after[end + 1..].trim_start());
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        for (header, expected) in [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Ok(Some("/v2/a/tags/list?last=b&n=2")),
            ),
            (r#"<x>;REL=next"#, Ok(Some("x"))),
            (r#"<a>; rel="prev", <b>; title="x, y"; rel="last next""#, Ok(Some("b"))),
            (r#"<a,b>; rel=next"#, Ok(Some("a,b"))),
            (r#"<a>; rel="prev""#, Ok(None)),
            (
                r#"/v2/a/tags/list?last=b; rel="next""#,
                Ok(Some("/v2/a/tags/list?last=b")),
            ),
            (r#"a; rel=prev, b; rel=next"#, Ok(Some("b"))),
            ("", Ok(None)),
            ("<a", Err(UnreadableLink)),
            ("<a>", Err(UnreadableLink)),
            ("a", Err(UnreadableLink)),
            ("<>; rel=next", Err(UnreadableLink)),
            (r#"<a>; title="next""#, Err(UnreadableLink)),
        ] {
            let found = links(header);
            assert_eq!(
                found.as_ref().map(Option::as_deref),
                expected.as_ref().map(|t| *t),
                "{header}"
            );
        }
    }
}
