//! Kustomize `images`: the image transformer's rules decide what a base's image becomes.

use super::found::DetectionRule;
use super::helm_values::{self, ImageStrings};
use super::output::{Fields, FoundBy, Output};
use super::tree::{Id, Tree};
use super::typed_scalars;
use crate::domain::pin::Style;

/// Found in a kustomization.
pub(super) const HOW: FoundBy = FoundBy {
    style: Style::Kustomize,
    kind: "kustomize/images",
    rule: DetectionRule::Kustomize,
};

/// Reads a kustomization.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    if let Some(images) = tree.get(root, "images") {
        list(tree, images, out, HOW);
    }
    for chart in tree.get(root, "helmCharts").map_or(&[][..], |id| tree.items(id)) {
        if let Some(values) = tree.get(*chart, "valuesInline") {
            let how = |kind| FoundBy { kind, ..HOW };
            helm_values::values(
                tree,
                values,
                out,
                how("kustomize/helmCharts.values/split"),
                how("kustomize/helmCharts.values/string"),
                ImageStrings::Any,
            );
        }
    }
}

/// Reads an `images` list.
pub(super) fn list(tree: &Tree<'_>, images: Id, out: &mut Output, how: FoundBy) {
    if !out.first_time(tree, images) {
        return;
    }
    for item in tree.items(images) {
        entry(tree, *item, out, how);
    }
}

/// A name without the tag and digest behind it.
fn image_name(text: &str) -> &str {
    let text = text.split('@').next().unwrap_or(text);
    let last = text.rfind('/').map_or(0, |at| at + 1);
    text[last..].find(':').map_or(text, |at| &text[..last + at])
}

/// Reads one entry `{name, newName, newTag, tagSuffix, digest}`.
pub(super) fn entry(tree: &Tree<'_>, item: Id, out: &mut Output, how: FoundBy) {
    let get = |key| tree.get(item, key);
    let filled = |key| get(key).and_then(|id| tree.filled(id));
    let new_name = get("newName").filter(|id| tree.filled(*id).is_some());
    let Some(name) = new_name.or_else(|| get("name").filter(|id| tree.filled(*id).is_some())) else {
        return;
    };
    let mut written = tree.text_of(name).unwrap_or("").to_owned();
    let is_pattern = new_name.is_none() && written.contains(['*', '+', '(', '[', '|', '^', '$', '?', '\\', '{']);
    if new_name.is_none() && !is_pattern {
        // A tag or digest in `name` says which images the entry is for; it is not what they get.
        written = image_name(&written).to_owned();
    }
    let tag = get("newTag").filter(|id| tree.filled(*id).is_some());
    let tag_has_digest = filled("newTag").is_some_and(|text| text.contains("@sha256:"));
    let tag_is_digest = filled("newTag").is_some_and(|text| text.starts_with("sha256:"));
    let digest = get("digest");
    let has_digest = filled("digest").is_some();
    let name_has_digest = written.contains('@');
    let twice = [tag_has_digest, has_digest, name_has_digest]
        .iter()
        .filter(|b| **b)
        .count()
        > 1;
    let is_number = tag.is_some_and(|id| typed_scalars::is_typed(tree, id));
    let is_refused = is_number || digest.is_some_and(|id| has_digest && typed_scalars::is_typed(tree, id));
    let reason = if tag_is_digest {
        Some("kustomize writes `newTag` after a colon, and `name:sha256:…` is no reference: it belongs into `digest`")
    } else if is_number {
        Some("kustomize refuses a number as `newTag`: it must be quoted")
    } else if is_pattern {
        Some("`name` is a regular expression here: it changes every image that it matches")
    } else if has_digest && tag.is_some() {
        None
    } else if has_digest {
        Some("`digest` alone takes the tag of the base away")
    } else if tag.is_some() && !tag_has_digest {
        Some("`newTag` alone takes the digest of the base away")
    } else if filled("tagSuffix").is_some() && tag.is_none() {
        Some("`tagSuffix` changes the base's tag and takes its digest away")
    } else {
        None
    };
    out.fields(
        tree,
        how,
        Fields {
            image: (is_pattern || tag_is_digest).then(String::new),
            written,
            name: Some(name),
            tag: tag.or_else(|| get("newTag")),
            digest,
            key: Some("digest"),
            tag_removable: true,
            read_only: (twice || tag_is_digest)
                .then(|| "two fields hold a digest: kustomize would write an invalid reference".to_owned()),
            reason: reason.map(str::to_owned),
            uncertain: is_refused.then(|| "kustomize refuses a number where a text belongs: quote it".to_owned()),
            ..Fields::default()
        },
    );
}
