//! SBOMs: SPDX 2.x and 3.0, CycloneDX 1.x, in JSON, tag-value and XML, plain or compressed. Packages
//! are handed to the caller one by one and never kept.

mod entry;
mod json;
mod tag_value;
mod xml;

use std::borrow::Cow;
use std::io::Read as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::time::time;
use crate::domain::evidence::SbomSummary;
use crate::domain::text::{Untrusted, quoted};
use entry::{Header, PackageSink};

/// Most that a compressed SBOM may unpack to, in bytes.
const UNPACKED_CAP: u64 = 64 << 20;
/// Most packages of one SBOM that are listed.
const MAX_PACKAGES: usize = 500_000;

/// A package that an SBOM lists, as a diff compares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SbomPackage {
    /// Package URL without its version, else the plain name.
    pub purl: Untrusted,
    /// Version as written.
    pub version: Untrusted,
}

/// Whether content claims to be an SBOM: enough to choose the parser, not to believe it.
pub(super) fn looks_like(content: &[u8]) -> bool {
    let text = content.trim_ascii_start();
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    is_compressed(content)
        || match text.first() {
            Some(b'{') => json::looks_like(text),
            Some(b'<') => true,
            _ => tag_value::looks_like(text),
        }
}

/// Whether content is compressed by a method that is unpacked here.
pub(crate) fn is_compressed(content: &[u8]) -> bool {
    content.starts_with(ZSTD) || content.starts_with(BZIP2)
}

/// Counts a whole document.
pub(super) fn document(content: &[u8]) -> Result<SbomSummary, String> {
    let mut packages = 0u32;
    let header = read(content, &mut |_| packages = packages.saturating_add(1))?;
    Ok(SbomSummary {
        format: header.format.to_owned(),
        version: Untrusted::new(header.version),
        packages,
        created: time(header.created.as_deref()),
    })
}

/// Counts an SBOM inside a predicate: the document itself, or cosign's wrapper around it.
pub(super) fn embedded(predicate: &str) -> Result<SbomSummary, String> {
    document(unwrap(predicate).as_bytes())
}

/// Every package of a document or predicate, in its order. `None` if it is no SBOM that can be read, or
/// lists more than can be compared.
pub fn list(content: &[u8]) -> Option<Vec<SbomPackage>> {
    let mut all = Vec::new();
    let inner = std::str::from_utf8(content).ok().map(unwrap);
    let content = inner.as_ref().map_or(content, |text| text.as_bytes());
    let mut too_many = false;
    read(content, &mut |entry| {
        if all.len() == MAX_PACKAGES {
            too_many = true;
            return;
        }
        let (purl, version) = match entry.purl {
            Some(purl) => split_purl(purl, entry.version),
            None => (entry.name, entry.version),
        };
        all.push(SbomPackage {
            purl: purl.into(),
            version: version.into(),
        });
    })
    .ok()?;
    (!too_many).then_some(all)
}

/// A package URL without version, qualifiers and subpath, and the version it names.
fn split_purl<'a>(purl: &'a str, version: &'a str) -> (&'a str, &'a str) {
    let bare = purl.split(['?', '#']).next().unwrap_or(purl);
    // `@` may also begin a scope (`pkg:npm/@scope/name`): a version follows the last path segment.
    let at = bare.rfind('/').unwrap_or(0);
    match bare[at..].rfind('@').map(|i| at + i).filter(|i| *i > at + 1) {
        Some(i) if version.is_empty() => (&bare[..i], &bare[i + 1..]),
        Some(i) => (&bare[..i], version),
        None => (bare, version),
    }
}

/// Takes off what cosign puts around a document: `{"Data": document or its text, "Timestamp": …}`, or the
/// document's text as one JSON string (`cosign attest --type spdx`).
fn unwrap(predicate: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Wrapper<'a> {
        #[serde(rename = "Data", borrow)]
        data: &'a RawValue,
    }
    if json::looks_like(predicate.as_bytes()) {
        return Cow::Borrowed(predicate);
    }
    if predicate.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(predicate)
    {
        return Cow::Owned(text);
    }
    match serde_json::from_str::<Wrapper<'_>>(predicate) {
        Ok(wrapper) => match serde_json::from_str::<String>(wrapper.data.get()) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Borrowed(wrapper.data.get()),
        },
        Err(_) => Cow::Borrowed(predicate),
    }
}

const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BZIP2: &[u8] = b"BZh";

fn read(content: &[u8], sink: &mut PackageSink<'_>) -> Result<Header, String> {
    if content.starts_with(ZSTD) {
        let reader =
            ruzstd::decoding::StreamingDecoder::new(content).map_err(|e| format!("no zstd: {}", quoted(&e)))?;
        return read_plain(&unpack(reader)?, sink);
    }
    if content.starts_with(BZIP2) {
        return read_plain(&unpack(bzip2_rs::DecoderReader::new(content))?, sink);
    }
    read_plain(content, sink)
}

fn unpack(reader: impl std::io::Read) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    reader
        .take(UNPACKED_CAP + 1)
        .read_to_end(&mut out)
        .map_err(|e| format!("it cannot be unpacked: {}", quoted(&e)))?;
    if out.len() as u64 > UNPACKED_CAP {
        return Err(format!("it unpacks to more than {} MiB", UNPACKED_CAP >> 20));
    }
    Ok(out)
}

fn read_plain(content: &[u8], sink: &mut PackageSink<'_>) -> Result<Header, String> {
    let text = std::str::from_utf8(content).map_err(|_| "the SBOM is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    match text.as_bytes().first() {
        Some(b'{') => json::read(text, sink),
        Some(b'<') => xml::read(text, sink),
        _ => tag_value::read(text, sink),
    }
}

#[cfg(test)]
#[path = "sbom_tests.rs"]
mod tests;
