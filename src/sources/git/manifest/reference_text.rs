//! Texts that are image references: name, tag and digest with their places in the text.

use std::ops::Range;

use crate::domain::id::Digest;
use crate::domain::reference::{Repository, valid_tag};

/// A reference taken apart; ranges are bytes of the text it was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// `registry/path`.
    pub name: Range<usize>,
    /// The tag without its colon.
    pub tag: Option<Range<usize>>,
    /// `sha256:…`, 71 bytes.
    pub digest: Option<Range<usize>>,
}

/// Why a text in an image field is not a reference.
pub(super) fn why_not_a_reference(text: &str) -> &'static str {
    if text.contains("{{") || text.contains('$') {
        "the image is put in when the manifest is rendered"
    } else if text.contains('@') {
        "what follows `@` is not a sha256 digest"
    } else {
        "this is not an image reference"
    }
}

/// Takes a whole text apart. `None` if any part of it is not well formed.
pub(super) fn parse(text: &str) -> Option<Parts> {
    let parts = split(text)?;
    Repository::parse(&text[parts.name.clone()]).ok()?;
    Some(parts)
}

/// Takes a text apart by its separators; the name may be anything (a template).
pub(super) fn split(text: &str) -> Option<Parts> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => {
            digest.parse::<Digest>().ok()?;
            (rest, Some(rest.len() + 1..text.len()))
        }
        None => (text, None),
    };
    // Never at the first colon: `host:5000/app` has a port, not a tag.
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last..].split_once(':') {
        Some((name, tag)) => {
            let at = last + name.len();
            valid_tag(tag).then_some(())?;
            (0..at, Some(at + 1..rest.len()))
        }
        None => (0..rest.len(), None),
    };
    (!name.is_empty()).then_some(Parts { name, tag, digest })
}

/// What a `tag`, `newTag`, `digest`, `sha` or `version` value contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionParts {
    /// The tag part.
    pub tag: Option<Range<usize>>,
    /// The digest part: 71 bytes, or 64 where only the hexadecimal digits are written.
    pub digest: Option<Range<usize>>,
}

/// Takes the value of a version field apart: `v1`, `v1@sha256:…`, `sha256:…`, `@sha256:…`, 64 hex.
pub(super) fn parse_version(text: &str) -> VersionParts {
    let tag_only = || VersionParts {
        tag: (!text.is_empty()).then_some(0..text.len()),
        digest: None,
    };
    if text.parse::<Digest>().is_ok() || Digest::from_hex(text).is_ok() {
        return VersionParts {
            tag: None,
            digest: Some(0..text.len()),
        };
    }
    match text.split_once('@') {
        Some((tag, digest)) if digest.parse::<Digest>().is_ok() => VersionParts {
            tag: (!tag.is_empty()).then_some(0..tag.len()),
            digest: Some(tag.len() + 1..text.len()),
        },
        _ => tag_only(),
    }
}

/// The digest that 71 or 64 characters name.
pub(super) fn digest(text: &str) -> Option<Digest> {
    text.parse().ok().or_else(|| Digest::from_hex(text).ok())
}

/// A digest written somewhere in a longer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// The reference before `@`, if there is one.
    pub parts: Option<Parts>,
    /// The 71 bytes.
    pub digest: Range<usize>,
}

/// Finds every `sha256:` and exactly 64 lowercase hexadecimal digits, with the reference in front.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("sha256:").map(|at| from + at) {
        let end = at + Digest::TEXT_LEN;
        from = at + 7;
        let Some(Ok(_)) = text.get(at..end).map(str::parse::<Digest>) else {
            continue;
        };
        if bytes.get(end).is_some_and(u8::is_ascii_hexdigit) || at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        from = end;
        let parts = (at > 0 && bytes[at - 1] == b'@')
            .then(|| before(text, at - 1))
            .flatten();
        out.push(Mention {
            parts: parts.map(|mut parts| {
                parts.digest = Some(at..end);
                parts
            }),
            digest: at..end,
        });
    }
    out
}

/// The `name[:tag]` that ends at `end`, however it is embedded: `docker-pullable://alpine`.
fn before(text: &str, end: usize) -> Option<Parts> {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':');
    let mut start = text[..end].bytes().rposition(|b| !word(b)).map_or(0, |at| at + 1);
    if let Some(scheme) = text[start..end].rfind("//") {
        start += scheme + 2;
    }
    let shift = |range: Range<usize>| range.start + start..range.end + start;
    let parts = split(&text[start..end])?;
    text[shift(parts.name.clone())]
        .starts_with(|c: char| c.is_ascii_alphanumeric())
        .then_some(Parts {
            name: shift(parts.name),
            tag: parts.tag.map(shift),
            digest: None,
        })
}

#[cfg(test)]
#[path = "reference_text_tests.rs"]
mod tests;
