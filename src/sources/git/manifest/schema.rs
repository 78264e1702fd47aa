//! Images that the schema of a CustomResourceDefinition names: defaults and examples, deployed by nobody.

use super::output::Output;
use super::reference_text;
use super::tree::{Id, Kind, Tree};

const SCHEMA: &str = "a part of a CustomResourceDefinition: it says what an object may be, and deploys nothing";

/// Lists what looks like an image in a definition.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        match &tree.node(id).kind {
            Kind::Map(entries, _) => open.extend(entries.iter().rev().map(|(_, value)| *value)),
            Kind::Seq(items) => open.extend(items.iter().rev()),
            Kind::Scalar(text, _) => {
                if is_image(tree, id, text) {
                    out.unmanaged(tree.node(id).line, text, SCHEMA);
                } else if text.contains("@sha256:") {
                    let raw = tree.text.get(tree.node(id).span.clone()).unwrap_or("");
                    for mention in reference_text::mentions(raw) {
                        let line = tree.line_at(tree.node(id).span.start + mention.digest.start);
                        out.unmanaged(line, raw.get(mention.digest).unwrap_or(""), SCHEMA);
                    }
                }
            }
            Kind::Alias(_) => {}
        }
    }
}

/// Whether a scalar is the value of an image field, or its default or example, and a reference.
fn is_image(tree: &Tree<'_>, id: Id, text: &str) -> bool {
    let field = match tree.key_of(id) {
        Some("default" | "example") => tree.parent(id).and_then(|map| tree.key_of(map)),
        key => key,
    };
    let names_image =
        |field: &str| matches!(field, "image" | "imageName") || field.ends_with("Image") || field.ends_with("-image");
    field.is_some_and(names_image) && text.contains([':', '/']) && reference_text::parse(text).is_some()
}
