//! Helm values: `{registry, repository, tag, digest}` in its many spellings, and `image` strings.

use std::collections::HashSet;

use super::found::{DetectionRule, Found};
use super::output::{Fields, FoundBy, Output};
use super::reference_text;
use super::tree::{Id, Kind, Tree};
use super::typed_scalars;
use crate::domain::pin::Style;

/// Which `image: text` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageStrings {
    /// With a tag or a digest: any file may have a key `image`.
    Versioned,
    /// Any reference with a path, tag or digest.
    Any,
}

/// Reads a values file.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let how = |kind| FoundBy {
        style: Style::HelmValues,
        kind,
        rule: DetectionRule::HelmValues,
    };
    values(
        tree,
        root,
        out,
        how("helm-values/split"),
        how("helm-values/string"),
        ImageStrings::Versioned,
    );
}

/// Reads all values of a release.
pub(super) fn values(
    tree: &Tree<'_>,
    root: Id,
    out: &mut Output,
    split: FoundBy,
    string: FoundBy,
    strings: ImageStrings,
) {
    let from = out.found.len();
    walk(tree, root, out, split, string, strings);
    for path in [&["global", "imageRegistry"][..], &["global", "image", "registry"]] {
        if let Some(id) = tree.at(root, path)
            && let Some(text) = tree.filled(id)
        {
            global_registry(text, &mut out.found[from..]);
            out.unmanaged(
                tree.node(id).line,
                text,
                "the chart decides which images this registry is put in front of",
            );
        }
    }
}

/// `global.imageRegistry` moves every image of many charts to another registry; where it is read
/// is the chart's secret. So only an image that is written with that very registry is known.
fn global_registry(registry: &str, found: &mut [Found]) {
    let registry = registry.trim_end_matches('/');
    let inside = |found: &Found| {
        let rest = found.written.strip_prefix(registry);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    for found in found.iter_mut().filter(|f| f.in_values_fields && !inside(f)) {
        found.repository = None;
        found.reason = Some(format!(
            "the chart may put the registry {registry} of `global` in front of it, so its repository is not known"
        ));
    }
}

/// Walks values at any depth.
pub(super) fn walk(tree: &Tree<'_>, id: Id, out: &mut Output, split: FoundBy, string: FoundBy, strings: ImageStrings) {
    match &tree.node(id).kind {
        Kind::Map(entries, _) if out.first_time(tree, id) => {
            let image = map(tree, id, out, split);
            for (key, value) in entries {
                if tree.text_of(*key) == Some("image") && tree.text_of(*value).is_some() {
                    if image != Some(tree.resolve(*value)) {
                        text(tree, *value, out, string, strings);
                    }
                } else {
                    walk(tree, *value, out, split, string, strings);
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                walk(tree, *item, out, split, string, strings);
            }
        }
        Kind::Map(..) | Kind::Scalar(..) | Kind::Alias(_) => {}
    }
}

fn text(tree: &Tree<'_>, value: Id, out: &mut Output, how: FoundBy, strings: ImageStrings) {
    let Some(text) = tree.filled(value) else { return };
    match reference_text::parse(text) {
        Some(parts) => {
            let versioned = parts.tag.is_some() || parts.digest.is_some();
            if versioned || strings == ImageStrings::Any && text.contains('/') {
                out.reference(tree, value, how);
            }
        }
        None if text.contains("{{") || text.contains("${") => {
            out.unmanaged(tree.node(value).line, text, reference_text::why_not_a_reference(text));
        }
        None => {}
    }
}

/// A mapping that names an image in several fields. Returns the `image` scalar it used.
fn map(tree: &Tree<'_>, id: Id, out: &mut Output, how: FoundBy) -> Option<Id> {
    let scalar = |key| tree.get(id, key).filter(|v| tree.text_of(*v).is_some());
    let digest = scalar("digest").or_else(|| scalar("sha"));
    let tag = scalar("tag").or_else(|| scalar("version"));
    let named = |key| scalar(key).filter(|v| tree.filled(*v).is_some_and(is_name));
    if let Some(name) = named("imageName").or_else(|| named("imageRepository")) {
        prefixed(tree, name, scalar("imageTag"), scalar("imageDigest"), out, how);
    }
    let (name, from_image) = match named("repository") {
        Some(name) => (name, None),
        None => {
            let image = scalar("image")?;
            // `image` beside `tag` or `digest`, not an image string that says it all.
            scalar("tag").or(scalar("digest"))?;
            reference_text::parse(tree.filled(image)?).filter(|p| p.tag.is_none() && p.digest.is_none())?;
            (image, Some(tree.resolve(image)))
        }
    };
    if digest.is_none() && tag.is_none() {
        let written = tree.filled(name).unwrap_or("");
        if from_image.is_none()
            && tree
                .key_of(id)
                .is_some_and(|key| key.to_ascii_lowercase().ends_with("image"))
        {
            out.unmanaged(tree.node(name).line, written, CHART_DECIDES);
        }
        return None;
    }
    // What is merged in whole was found where it is defined.
    let own = |v: &Id| tree.entry_of(*v).is_some_and(|(map, _)| map == id);
    if ![Some(name), tag, digest].iter().flatten().any(own) {
        return from_image;
    }
    let repository = tree.filled(name)?;
    let written = match scalar("registry").and_then(|v| tree.filled(v)) {
        Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
        None => repository.to_owned(),
    };
    let templated = [Some(name), tag, digest]
        .into_iter()
        .flatten()
        .filter_map(|v| tree.text_of(v))
        .any(|text| text.contains("{{") || text.contains("${"));
    let in_version = scalar("tag").is_none() && scalar("version").is_some();
    out.fields(
        tree,
        how,
        Fields {
            written,
            name: Some(name),
            tag,
            digest,
            key: (!in_version).then_some("digest"),
            embed: in_version,
            read_only: templated.then(|| "part of it is put in when the values are rendered".to_owned()),
            reason: match tag.or(digest).filter(|_| !written_version(tree, tag, digest)) {
                Some(_) => Some(CHART_DECIDES.to_owned()),
                None => tag.and_then(|id| number(tree, id)),
            },
            uncertain: changed(tree, tag, digest),
            in_values_fields: true,
            ..Fields::default()
        },
    );
    from_image
}

/// Finds the images of which only the tag or the digest is written: other values name the repository.
pub(super) fn parts(tree: &Tree<'_>, root: Id, out: &mut Output, how: FoundBy, is_known: &dyn Fn(Id) -> bool) {
    let mut seen = HashSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        match &tree.node(id).kind {
            Kind::Map(entries, _) if seen.insert(id) => {
                let scalar = |key| tree.get(id, key).filter(|v| tree.text_of(*v).is_some());
                let digest = scalar("digest").or_else(|| scalar("sha"));
                let tag = scalar("tag").or_else(|| scalar("version"));
                let known = |v: Option<Id>| {
                    v.map(|v| tree.resolve(v))
                        .is_some_and(|v| is_known(v) || out.is_claimed(v))
                };
                if (tag.is_some() || digest.is_some()) && !known(tag) && !known(digest) {
                    fields_of_part(tree, tag, digest, scalar("tag").is_none(), out, how);
                }
                open.extend(entries.iter().rev().map(|(_, value)| *value));
            }
            Kind::Seq(items) => open.extend(items.iter().rev()),
            Kind::Map(..) | Kind::Scalar(..) | Kind::Alias(_) => {}
        }
    }
}

/// One scalar that is the tag or the digest of an image named elsewhere.
pub(super) fn part(tree: &Tree<'_>, value: Id, field: &str, out: &mut Output, how: FoundBy) {
    let is_digest = matches!(field, "digest" | "sha");
    let (tag, digest) = if is_digest {
        (None, Some(value))
    } else {
        (Some(value), None)
    };
    fields_of_part(tree, tag, digest, true, out, how);
}

fn fields_of_part(tree: &Tree<'_>, tag: Option<Id>, digest: Option<Id>, embed: bool, out: &mut Output, how: FoundBy) {
    let templated = [tag, digest]
        .into_iter()
        .flatten()
        .filter_map(|v| tree.text_of(v))
        .any(|text| text.contains("{{") || text.contains("${"));
    out.fields(
        tree,
        how,
        Fields {
            image: Some(String::new()),
            tag,
            digest,
            key: (!embed).then_some("digest"),
            embed,
            read_only: templated.then(|| "part of it is put in when the values are rendered".to_owned()),
            reason: tag.and_then(|id| number(tree, id)),
            uncertain: changed(tree, tag, digest),
            ..Fields::default()
        },
    );
}

/// `imageName` (or `imageRepository`) with `imageTag` and `imageDigest` beside it.
fn prefixed(tree: &Tree<'_>, name: Id, tag: Option<Id>, digest: Option<Id>, out: &mut Output, how: FoundBy) {
    if tag.is_none() && digest.is_none() {
        return;
    }
    let written = tree.filled(name).unwrap_or_default().to_owned();
    let templated = [Some(name), tag, digest]
        .into_iter()
        .flatten()
        .filter_map(|v| tree.text_of(v))
        .any(|text| text.contains("{{") || text.contains("${"));
    out.fields(
        tree,
        how,
        Fields {
            written,
            name: Some(name),
            tag,
            digest,
            key: Some("imageDigest"),
            read_only: templated.then(|| "part of it is put in when the values are rendered".to_owned()),
            reason: tag.and_then(|id| number(tree, id)),
            uncertain: changed(tree, tag, digest),
            in_values_fields: true,
            ..Fields::default()
        },
    );
}

const CHART_DECIDES: &str = "no tag is written here: the chart's own, most often its appVersion, decides";

fn written_version(tree: &Tree<'_>, tag: Option<Id>, digest: Option<Id>) -> bool {
    [tag, digest].into_iter().flatten().any(|id| tree.filled(id).is_some())
}

/// Chart dependencies have a `repository` too: a URL, or `@name` of one.
fn is_name(text: &str) -> bool {
    !text.contains("://") && !text.starts_with('@') && !text.starts_with("alias:")
}

/// Why Helm makes another text of a tag than is written, if it does.
fn number(tree: &Tree<'_>, id: Id) -> Option<String> {
    typed_scalars::changed_by_helm(tree, id)
}

/// The same of the field that decides: the digest, else the tag.
fn changed(tree: &Tree<'_>, tag: Option<Id>, digest: Option<Id>) -> Option<String> {
    let filled = |id: &Id| tree.filled(*id).is_some();
    number(tree, digest.filter(filled).or(tag)?)
}
