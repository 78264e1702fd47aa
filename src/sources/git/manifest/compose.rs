//! Compose: `services.*.image` and the fragments under `x-*`, with interpolation looked through.

use super::detect::is_extension;
use super::found::DetectionRule;
use super::output::{FoundBy, Output};
use super::reference_text::{self, Parts};
use super::tree::{Id, Kind, Tree};
use crate::domain::pin::Style;

const HOW: FoundBy = FoundBy {
    style: Style::Compose,
    kind: "compose/service",
    rule: DetectionRule::HelmfileOrCompose,
};

/// Reads a Compose file: `services.*.image` and the fragments under `x-*`.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    for (key, value) in tree.entries(root) {
        if is_extension(tree, *key) {
            fragment(tree, *value, out);
        }
    }
    for (_, service) in tree.get(root, "services").map_or(&[][..], |id| tree.entries(id)) {
        if !out.first_time(tree, *service) {
            continue;
        }
        // Through merges only what the service itself writes: the rest is found at its anchor.
        for (key, value) in tree.entries(*service) {
            if tree.text_of(*key) == Some("image") {
                image(tree, *value, out);
            }
        }
    }
}

/// The images in whose texts variables stand, wherever [`read`] looks for images.
pub(super) fn templates<'t>(tree: &'t Tree<'_>, root: Id) -> Vec<(Id, &'t str)> {
    let mut images = Vec::new();
    for (key, value) in tree.entries(root) {
        if is_extension(tree, *key) || tree.text_of(*key) == Some("services") {
            image_nodes(tree, *value, &mut images);
        }
    }
    let text = |id: Id| Some((id, tree.filled(id).filter(|text| text.contains('$'))?));
    images.into_iter().filter_map(text).collect()
}

fn image_nodes(tree: &Tree<'_>, id: Id, out: &mut Vec<Id>) {
    match &tree.node(id).kind {
        Kind::Map(entries, _) => {
            for (key, value) in entries {
                if tree.text_of(*key) == Some("image") && tree.text_of(*value).is_some() {
                    out.push(*value);
                } else {
                    image_nodes(tree, *value, out);
                }
            }
        }
        Kind::Seq(items) => items.iter().for_each(|item| image_nodes(tree, *item, out)),
        Kind::Scalar(..) | Kind::Alias(_) => {}
    }
}

fn fragment(tree: &Tree<'_>, id: Id, out: &mut Output) {
    match &tree.node(id).kind {
        Kind::Map(entries, _) => {
            for (key, value) in entries {
                if tree.text_of(*key) == Some("image") && tree.text_of(*value).is_some() {
                    image(tree, *value, out);
                } else {
                    fragment(tree, *value, out);
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                fragment(tree, *item, out);
            }
        }
        Kind::Scalar(..) | Kind::Alias(_) => {}
    }
}

fn image(tree: &Tree<'_>, value: Id, out: &mut Output) {
    let Some(written) = tree.filled(value) else { return };
    let base = tree.verbatim(tree.resolve(value)).map(|v| v.start);
    let Some(plain) = defaults(written) else {
        return interpolated(tree, value, written, out);
    };
    let Some(parts) = reference_text::parse(&plain.text) else {
        return out.unmanaged(
            tree.node(value).line,
            written,
            reference_text::why_not_a_reference(written),
        );
    };
    // What is appended joins the reference: inside the default if the name stands there.
    let end = match (plain.raw.first(), plain.raw.last()) {
        (Some(1..), Some(last)) => last + 1,
        _ => written.len(),
    };
    let raw = |offset: usize| plain.raw.get(offset).copied().unwrap_or(end);
    out.within(tree, value, HOW, &plain.text, &parts, base, raw, None, None);
}

/// A text with its `${VAR:-default}` replaced by the defaults.
struct InterpolatedText {
    text: String,
    /// Where each byte of `text` stands in the original.
    raw: Vec<usize>,
}

fn defaults(written: &str) -> Option<InterpolatedText> {
    let mut plain = InterpolatedText {
        text: String::new(),
        raw: Vec::new(),
    };
    let mut at = 0;
    while at < written.len() {
        let rest = &written[at..];
        if let Some(variable) = rest.strip_prefix("${") {
            let (inner, value_at) = default_of(variable)?;
            for (offset, _) in inner.bytes().enumerate() {
                plain.raw.push(at + 2 + value_at + offset);
            }
            plain.text.push_str(inner);
            at += 2 + value_at + inner.len() + 1;
        } else if rest.starts_with('$') {
            return None;
        } else {
            let c = rest.chars().next()?;
            plain.raw.extend(at..at + c.len_utf8());
            plain.text.push(c);
            at += c.len_utf8();
        }
    }
    Some(plain)
}

/// The default in `VAR:-default}…`, and where it begins.
fn default_of(text: &str) -> Option<(&str, usize)> {
    let name = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|at| *at > 0)?;
    let operator = [":-", "-"].into_iter().find(|op| text[name..].starts_with(op))?;
    let start = name + operator.len();
    let end = start + text[start..].find('}')?;
    let inner = &text[start..end];
    (!inner.contains('$')).then_some((inner, start))
}

fn interpolated(tree: &Tree<'_>, value: Id, written: &str, out: &mut Output) {
    let last = written.rfind('/').map_or(0, |at| at + 1);
    let name_end = written[last..].find([':', '@']).map_or(written.len(), |at| last + at);
    // A variable in front of the last `/` leaves the rest as it is written, unless its default has that `/`.
    let is_split = written[..last].contains("${") && written[last..].contains(['$', '{', '}']);
    let name_end = if is_split { written.len() } else { name_end };
    let parts = Parts {
        name: 0..name_end,
        tag: (written.get(name_end..=name_end) == Some(":") && name_end + 1 < written.len())
            .then_some(name_end + 1..written.len()),
        digest: None,
    };
    let read_only = "the environment that Compose runs in decides a part of it".to_owned();
    let base = tree.verbatim(tree.resolve(value)).map(|v| v.start);
    out.within(tree, value, HOW, written, &parts, base, |o| o, None, Some(read_only));
}
