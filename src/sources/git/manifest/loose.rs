//! The last resort in a document that parses: references by digest in any other scalar.

use granit_parser::ScalarStyle;

use super::found::DetectionRule;
use super::output::{FoundBy, Output};
use super::reference_text;
use super::tree::{Id, Kind, Tree};
use crate::domain::pin::Style;

/// Looks through every scalar of a document that no style has claimed.
pub(super) fn document(tree: &Tree<'_>, root: Id, out: &mut Output, kubernetes: bool) {
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        match &tree.node(id).kind {
            Kind::Map(entries, _) => {
                for (key, value) in entries.iter().rev() {
                    open.push(*value);
                    open.push(*key);
                }
            }
            Kind::Seq(items) => open.extend(items.iter().rev()),
            Kind::Scalar(value, style) => {
                if value.contains("sha256:") && !out.is_claimed(id) {
                    scalar(tree, id, value, *style, out, kubernetes);
                }
            }
            Kind::Alias(_) => {}
        }
    }
}

fn scalar(tree: &Tree<'_>, id: Id, value: &str, style: ScalarStyle, out: &mut Output, kubernetes: bool) {
    let node = tree.node(id);
    let raw = tree.text.get(node.span.clone()).unwrap_or("");
    // The bytes themselves are searched, so that spans are exact whatever the layout; only
    // escapes make them differ from the value in a way that matters.
    let escaped = style == ScalarStyle::DoubleQuoted && raw.contains('\\');
    let (text, base) = if escaped {
        (value, None)
    } else {
        (raw, Some(node.span.start))
    };
    let whole = reference_text::parse(value).is_some();
    let kind = match style {
        ScalarStyle::Literal | ScalarStyle::Folded if value.trim().contains('\n') => "loose/in-block-scalar",
        _ if kubernetes && whole && is_env_value(tree, id) => "k8s/env-value",
        _ if kubernetes && whole => "k8s/other-scalar",
        _ => "loose/at-digest",
    };
    for mention in reference_text::mentions(text) {
        let Some(parts) = mention.parts.filter(|_| !tree.is_key(id)) else {
            let line = tree.line_at(node.span.start + mention.digest.start);
            out.unmanaged(
                line,
                &text[mention.digest],
                "a digest under a field that names no image",
            );
            continue;
        };
        let how = FoundBy {
            style: Style::Loose,
            kind,
            rule: DetectionRule::LooseText,
        };
        out.within(tree, id, how, text, &parts, base, |offset| offset, None, None);
    }
}

fn is_env_value(tree: &Tree<'_>, id: Id) -> bool {
    let list = tree.parent(id).and_then(|map| tree.parent(map));
    tree.key_of(id) == Some("value") && list.is_some_and(|list| tree.key_of(list) == Some("env"))
}
