//! Loose copies of an image: texts outside of every field that is known to name one (`RELATED_IMAGE_…`, arguments,
//! a ConfigMap), and files that are no manifests.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::Digest;
use crate::domain::reference::Repository;

use super::detect::{self, DocumentStyle};
use super::events;
use super::found::Found;
use super::reference_text::{self, Parts};
use super::scanner::is_manifest;
use super::tree::{Kind, Tree};

/// Endings of files that are no manifests and that deployments read.
const TEXT_FILES: [&str; 8] = [".cfg", ".conf", ".env", ".ini", ".properties", ".sh", ".toml", ".txt"];

/// What copies are of.
#[derive(Debug, Clone)]
pub(crate) struct CopiedImage<'a> {
    /// The repositories.
    pub images: BTreeSet<&'a Repository>,
    /// Digests that they are pinned to.
    pub digests: BTreeSet<Digest>,
    /// Tags that they are pinned to, or that stand beside those digests.
    pub tags: BTreeSet<&'a str>,
}

/// A text that names an image outside of every known field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mentioned {
    /// Line, from 1.
    pub line: u32,
    /// The reference as written.
    pub reference: String,
    /// What an edit would change; `None` where none can: it has no digest, or the file is no manifest.
    pub found: Option<Found>,
    /// Whether it names the digest; else it has only the tag.
    pub has_digest: bool,
}

/// Whether a file may contain copies, by its name.
pub(crate) fn may_contain_copies(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    is_manifest(path) || TEXT_FILES.iter().any(|end| name.ends_with(end))
}

/// The copies in a file, in the order of its lines. What a comment says is none.
pub(crate) fn copies_in(path: &str, bytes: &[u8], of: &CopiedImage<'_>) -> Vec<Mentioned> {
    let Ok(text) = events::text(bytes) else {
        return Vec::new();
    };
    let last_part = |image: &&Repository| text.contains(image.path().rsplit('/').next().unwrap_or_default());
    if !of.images.iter().any(last_part) {
        return Vec::new();
    }
    let mut out: BTreeMap<(u32, String), Mentioned> = BTreeMap::new();
    let mut add = |one: Mentioned| {
        out.entry((one.line, one.reference.clone())).or_insert(one);
    };
    if super::is_variables(path) {
        // A variable whose value is the image is a pin where a Compose file reads it.
        let scan = super::scan(path, bytes);
        let is_of = |found: &&Found| found.repository.as_ref().is_some_and(|image| of.images.contains(image));
        let known: BTreeSet<u32> = scan.all().filter(is_of).map(|found| found.line).collect();
        lines(text, 0, of, &mut |one| {
            if !known.contains(&one.line) {
                add(one);
            }
        });
    } else if is_manifest(path) {
        manifest(path, bytes, text, of, &mut add);
    } else {
        lines(text, 0, of, &mut add);
    }
    out.into_values().collect()
}

fn manifest(path: &str, bytes: &[u8], text: &str, of: &CopiedImage<'_>, add: &mut dyn FnMut(Mentioned)) {
    let scan = super::scan(path, bytes);
    let is_of = |found: &&Found| found.repository.as_ref().is_some_and(|image| of.images.contains(image));
    for found in scan.all().filter(is_of).filter(|found| found.rule.is_loose()) {
        if found.digest.is_some_and(|digest| of.digests.contains(&digest)) {
            add(Mentioned {
                line: found.line,
                reference: found.reference(),
                found: Some(found.clone()),
                has_digest: true,
            });
        }
    }
    // Fields that are known to name the image are pins, or were laid over.
    let known: BTreeSet<u32> = scan
        .all()
        .filter(is_of)
        .filter(|found| !found.rule.is_loose())
        .map(|found| found.line)
        .collect();
    let tree = Tree::read(text);
    for root in &tree.roots {
        if detect::document(path, &tree, *root) == DocumentStyle::Nothing {
            continue;
        }
        let mut open = vec![*root];
        while let Some(id) = open.pop() {
            let node = tree.node(id);
            match &node.kind {
                Kind::Map(entries, _) => open.extend(entries.iter().map(|(_, value)| *value)),
                Kind::Seq(items) => open.extend(items),
                Kind::Scalar(..) => {
                    let raw = text.get(node.span.clone()).unwrap_or("");
                    for (at, reference) in tagged(raw, of) {
                        let line = tree.line_at(node.span.start + at);
                        if !known.contains(&line) {
                            add(by_tag(line, reference));
                        }
                    }
                }
                Kind::Alias(_) => {}
            }
        }
    }
    if let Some(stopped) = &tree.stopped {
        let rest = text.get(stopped.document_at..).unwrap_or("");
        let before = text[..text.len() - rest.len()].bytes().filter(|b| *b == b'\n').count();
        lines(rest, before, of, &mut |one| {
            // Those with a digest the scan has found.
            if !one.has_digest && !known.contains(&one.line) {
                add(one);
            }
        });
    }
}

/// The copies in lines of a text, of which no line is a comment.
fn lines(text: &str, before: usize, of: &CopiedImage<'_>, add: &mut dyn FnMut(Mentioned)) {
    for (number, line) in (before + 1..).zip(text.lines()) {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let with_digest = reference_text::mentions(line).into_iter().filter_map(|one| one.parts);
        for parts in with_digest {
            let digest = parts
                .digest
                .clone()
                .and_then(|range| reference_text::digest(&line[range]));
            if is_of(line, &parts, of) && digest.is_some_and(|digest| of.digests.contains(&digest)) {
                let end = parts.digest.map_or(parts.name.end, |range| range.end);
                add(Mentioned {
                    line: number,
                    reference: line[parts.name.start..end].to_owned(),
                    found: None,
                    has_digest: true,
                });
            }
        }
        for (_, reference) in tagged(line, of) {
            add(by_tag(number, reference));
        }
    }
}

fn by_tag(line: u32, reference: String) -> Mentioned {
    Mentioned {
        line,
        reference,
        found: None,
        has_digest: false,
    }
}

fn is_of(text: &str, parts: &Parts, of: &CopiedImage<'_>) -> bool {
    Repository::parse(&text[parts.name.clone()]).is_ok_and(|image| of.images.contains(&image))
}

/// References of the image by one of its tags and without a digest, with the place of each in the text.
fn tagged(text: &str, of: &CopiedImage<'_>) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for tag in &of.tags {
        for parts in reference_text::tag_mentions(text, tag) {
            if is_of(text, &parts, of) {
                let end = parts.tag.as_ref().map_or(parts.name.end, |range| range.end);
                out.push((parts.name.start, text[parts.name.start..end].to_owned()));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Vec<(u32, String, bool)> {
        let image = Repository::parse("r.example/shop/api").expect("a repository");
        let of = CopiedImage {
            images: BTreeSet::from([&image]),
            digests: BTreeSet::from([Digest::from_bytes([0xaa; 32])]),
            tags: BTreeSet::from(["v1"]),
        };
        copies_in(path, text.as_bytes(), &of)
            .into_iter()
            .map(|one| (one.line, one.reference, one.found.is_some()))
            .collect()
    }

    #[test]
    fn texts_that_name_the_old_digest_or_tag() {
        let (old, new) = ("aa".repeat(32), "bb".repeat(32));
        let digest = format!("r.example/shop/api@sha256:{old}");
        for (text, expected) in [
            // Environment variables, arguments, texts of a ConfigMap, the images of an operator.
            (
                format!(
                    "spec: {{containers: [{{image: other:v1, env: [{{name: RELATED_IMAGE_API, value: '{digest}'}}]}}]}}"
                ),
                1,
            ),
            (
                format!("spec: {{containers: [{{image: other:v1, args: ['--image={digest}']}}]}}"),
                1,
            ),
            (format!("data:\n  a: |\n    one={digest}\n    two={digest}"), 2),
            (
                format!("spec: {{relatedImages: [{{name: api, image2: '{digest}'}}]}}"),
                1,
            ),
            (format!("data: {{a: 'r.example/shop/api:v1@sha256:{old}'}}"), 1),
            ("data: {a: 'r.example/shop/api:v1'}".to_owned(), 1),
            ("data:\n  a: |\n    use r.example/shop/api:v1, please".to_owned(), 1),
            // Another digest, tag, image, or a longer name; a pin; a comment; a name of a key.
            (format!("data: {{a: 'r.example/shop/api@sha256:{new}'}}"), 0),
            (format!("data: {{a: 'r.example/shop/api:v1@sha256:{new}'}}"), 0),
            (format!("data: {{a: 'r.example/shop/apis@sha256:{old}'}}"), 0),
            (format!("data: {{a: 'other/r.example/shop/api@sha256:{old}'}}"), 0),
            (
                "data: {a: 'r.example/shop/api:v1.2', b: 'r.example/shop/api:v12'}".to_owned(),
                0,
            ),
            (format!("spec: {{containers: [{{image: '{digest}'}}]}}"), 0),
            ("spec: {containers: [{image: 'r.example/shop/api:v1'}]}".to_owned(), 0),
            (format!("data: {{a: b}} # {digest} r.example/shop/api:v1"), 0),
        ] {
            let text = format!("apiVersion: v1\nkind: Any\n{text}\n");
            let found = said("a.yaml", &text);
            assert_eq!(found.len(), expected, "{found:?}\n{text}");
            for (_, reference, can_be_edited) in found {
                assert_eq!(can_be_edited, reference.contains('@'), "{reference}");
            }
        }
    }

    #[test]
    fn files_that_are_no_manifests_are_read_and_not_edited() {
        let text = format!(
            "# api=r.example/shop/api:v1\napi=r.example/shop/api@sha256:{}\nold=r.example/shop/api:v1\n",
            "aa".repeat(32)
        );
        let found = said("params.env", &text);
        let lines: Vec<(u32, bool)> = found.iter().map(|(line, _, edited)| (*line, *edited)).collect();
        assert_eq!(lines, [(2, false), (3, false)]);
        for (path, may) in [
            ("a/params.env", true),
            ("x.properties", true),
            ("README.md", false),
            ("a.yaml", true),
            ("logo.png", false),
        ] {
            assert_eq!(may_contain_copies(path), may, "{path}");
        }
    }
}
