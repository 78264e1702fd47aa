//! Any Kubernetes object: image fields at any depth.

use granit_parser::ScalarStyle;

use super::found::DetectionRule;
use super::output::{FoundBy, Output};
use super::reference_text;
use super::tree::{Id, Kind, Tree};
use crate::domain::pin::Style;
use crate::domain::reference::Repository;

const fn how(kind: &'static str) -> FoundBy {
    FoundBy {
        style: Style::Kubernetes,
        kind,
        rule: DetectionRule::KubernetesObject,
    }
}

/// Reads one object.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    if tree.get(root, "kind").and_then(|id| tree.text_of(id)) == Some("ImageTagTransformer") {
        for key in ["imageTag", "imageTags"] {
            if let Some(entry) = tree.get(root, key) {
                super::kustomize::entry(tree, entry, out, super::kustomize::HOW);
            }
        }
    }
    walk(tree, root, out);
}

fn walk(tree: &Tree<'_>, id: Id, out: &mut Output) {
    match &tree.node(id).kind {
        Kind::Map(entries, _) => {
            several_fields(tree, id, out);
            for (key, value) in entries {
                let name = tree.text_of(*key).unwrap_or("");
                if is_scalar(tree, *value) {
                    field(tree, name, *value, out);
                } else {
                    walk(tree, *value, out);
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                walk(tree, *item, out);
            }
        }
        Kind::Scalar(..) | Kind::Alias(_) => {}
    }
}

/// `{repository, tag}` is for the object's own controller to put together: shown, not managed.
fn several_fields(tree: &Tree<'_>, map: Id, out: &mut Output) {
    let text = |key| tree.get(map, key).and_then(|id| tree.filled(id));
    let Some(repository) = text("repository").filter(|r| Repository::parse(r).is_ok()) else {
        return;
    };
    let Some((field, version)) = ["digest", "tag"].iter().find_map(|key| Some((key, text(key)?))) else {
        return;
    };
    let line = tree
        .get(map, field)
        .map_or(tree.node(map).line, |id| tree.node(id).line);
    let image = match text("registry") {
        Some(registry) => format!("{registry}/{repository} {version}"),
        None => format!("{repository} {version}"),
    };
    out.unmanaged(
        line,
        &image,
        "this kind of object puts its image together from several fields",
    );
}

fn is_scalar(tree: &Tree<'_>, id: Id) -> bool {
    matches!(tree.node(tree.resolve(id)).kind, Kind::Scalar(..))
}

fn field(tree: &Tree<'_>, name: &str, value: Id, out: &mut Output) {
    let kind = match name {
        "image" if in_containers(tree, value) => "k8s/container",
        "image" | "imageName" => "k8s/image-field",
        "reference" if is_image_volume(tree, value) => "k8s/image-volume",
        _ if name.ends_with("Image") || name.ends_with("-image") => {
            // `useImage: yes` and `backgroundImage: photo` are no references; a name with a
            // separator is.
            match tree.filled(value) {
                Some(text) if text.contains(['/', ':', '@']) => "k8s/image-field",
                _ => return,
            }
        }
        _ => return,
    };
    if is_literal(tree, value) {
        return;
    }
    if !out.reference(tree, value, how(kind))
        && kind == "k8s/container"
        && let Some(text) = tree.filled(value)
        && !out.is_claimed(tree.resolve(value))
    {
        out.unmanaged(tree.node(value).line, text, reference_text::why_not_a_reference(text));
        if text.contains("{{") || text.contains('$') {
            // What is written in it is not what is deployed: no loose text either.
            out.claim(tree.resolve(value));
        }
    }
}

/// Plain booleans and numbers are not texts.
fn is_literal(tree: &Tree<'_>, id: Id) -> bool {
    match &tree.node(tree.resolve(id)).kind {
        Kind::Scalar(value, ScalarStyle::Plain) => {
            matches!(value.as_ref(), "true" | "false" | "True" | "False") || tree.is_number(id)
        }
        _ => false,
    }
}

fn in_containers(tree: &Tree<'_>, value: Id) -> bool {
    let list = tree.parent(value).and_then(|map| tree.parent(map));
    list.is_some_and(|list| {
        matches!(tree.node(list).kind, Kind::Seq(_))
            && matches!(
                tree.key_of(list),
                Some("containers" | "initContainers" | "ephemeralContainers")
            )
    })
}

/// `volumes[].image.reference` (Kubernetes 1.31 and later).
fn is_image_volume(tree: &Tree<'_>, value: Id) -> bool {
    let Some(image) = tree.parent(value).filter(|map| tree.key_of(*map) == Some("image")) else {
        return false;
    };
    let list = tree.parent(image).and_then(|volume| tree.parent(volume));
    list.is_some_and(|list| tree.key_of(list) == Some("volumes"))
}
