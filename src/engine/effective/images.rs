//! Kustomize's image transformer, as kustomize 5 has it: which names an entry matches, and what it makes
//! of name, tag and digest.

use std::cell::OnceCell;

use regex::Regex;

use crate::sources::git::manifest::{FieldSpec, ImageRule};

use super::node::{RenderNode, RenderedText, SourceSite};
use super::objects::RenderedObject;

/// An entry of an `images` list that is applied.
pub(super) struct Rule {
    rule: ImageRule,
    site: SourceSite,
    /// Entries of the same name that it took the place of.
    replaced: Vec<SourceSite>,
    pattern: ImagePattern,
}

/// Which texts an entry's name matches: kustomize puts the name into a regular expression as it is written.
struct ImagePattern {
    /// The name, where a dot, which stands for any character, is all that is special about it.
    plain: Option<String>,
    /// The expression of any other name, `None` where it does not compile.
    regex: OnceCell<Option<Regex>>,
}

impl ImagePattern {
    fn new(name: &str) -> Self {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':' | b'.');
        Self {
            plain: name.bytes().all(is_plain).then(|| name.to_owned()),
            regex: OnceCell::new(),
        }
    }

    fn matches(&self, name: &str, text: &str) -> bool {
        if let Some(plain) = &self.plain {
            let mut rest = text.chars();
            let is_same = |wanted| {
                rest.next()
                    .is_some_and(|own| wanted == own || wanted == '.' && own != '\n')
            };
            return plain.chars().all(is_same) && is_tag_and_digest(rest.as_str());
        }
        let regex = self.regex.get_or_init(|| {
            // Tags and digests as kustomize's own expression has them.
            Regex::new(&format!(
                "^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"
            ))
            .ok()
        });
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// Whether a text is what may follow a name: a tag, a digest, both or nothing, in the characters of kustomize's expression.
fn is_tag_and_digest(text: &str) -> bool {
    let is_of_value = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-');
    let after_tag = text
        .strip_prefix(':')
        .map_or(text, |tag| tag.trim_start_matches(is_of_value));
    match after_tag.strip_prefix("@sha256:") {
        Some(digest) => digest.chars().all(is_of_value),
        None => after_tag.is_empty(),
    }
}

/// Fields that every kustomization changes besides the lists of containers at any depth.
const FIELDS: [&[&str]; 4] = [
    &["spec", "containers[]", "image"],
    &["spec", "initContainers[]", "image"],
    &["spec", "template", "spec", "containers[]", "image"],
    &["spec", "template", "spec", "initContainers[]", "image"],
];

impl Rule {
    pub(crate) fn new(rule: &ImageRule, file: u32) -> Self {
        Self {
            rule: rule.clone(),
            site: SourceSite::new(file, rule.at),
            replaced: Vec::new(),
            pattern: ImagePattern::new(&rule.name),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.rule.name
    }

    pub(crate) fn site(&self) -> SourceSite {
        self.site
    }

    /// Notes entries that it takes the place of.
    pub(crate) fn replace(&mut self, others: impl Iterator<Item = SourceSite>) {
        self.replaced.extend(others);
    }

    /// Takes the place of another entry of the same name; `*` keeps its new name.
    pub(crate) fn take_over(&mut self, other: Self) {
        if self.rule.new_name == "*" {
            self.rule.new_name = other.rule.new_name;
        }
        self.replaced.push(other.site);
        self.replaced.extend(other.replaced);
    }

    /// Applies the entry to an object. Tells whether it matched anything.
    pub(crate) fn apply(&self, object: &mut RenderedObject, more: &[FieldSpec]) -> bool {
        if object.kind == "CustomResourceDefinition" {
            return false;
        }
        let mut matched = false;
        containers(&mut object.body, &mut |text| matched |= self.change(text));
        for path in FIELDS {
            field(&mut object.body, path, &mut |text| matched |= self.change(text));
        }
        let is_for = |spec: &&FieldSpec| {
            (spec.group.is_empty() || spec.group == object.group)
                && (spec.version.is_empty() || spec.version == object.version)
                && (spec.kind.is_empty() || spec.kind == object.kind)
        };
        for spec in more.iter().filter(is_for) {
            let path: Vec<&str> = spec.path.iter().map(String::as_str).collect();
            field(&mut object.body, &path, &mut |text| matched |= self.change(text));
        }
        matched
    }

    /// Applies the entry to one image. Tells whether it matched.
    pub(crate) fn change(&self, text: &mut RenderedText) -> bool {
        if !self.pattern.matches(&self.rule.name, &text.value) {
            return false;
        }
        let rule = &self.rule;
        let (name, tag, digest) = split(&text.value);
        let (mut name, mut tag, mut digest) = (name.to_owned(), tag.to_owned(), digest.to_owned());
        let again = text.version == self.site || text.names.contains(&self.site);
        let mut decides = false;
        if !rule.new_name.is_empty() && rule.new_name != "*" {
            name.clone_from(&rule.new_name);
            decides = has_version(&name);
            if !again {
                text.decide_name(self.site);
            }
        }
        match (!rule.new_tag.is_empty(), !rule.digest.is_empty()) {
            (true, true) => (tag, digest) = (rule.new_tag.clone(), rule.digest.clone()),
            (true, false) => (tag, digest) = (rule.new_tag.clone(), String::new()),
            (false, true) => (tag, digest) = (String::new(), rule.digest.clone()),
            (false, false) if !rule.tag_suffix.is_empty() => {
                tag.push_str(&rule.tag_suffix);
                digest.clear();
                text.read_only = Some("its tag is put together with a `tagSuffix`".to_owned());
                decides = true;
            }
            (false, false) => {}
        }
        decides |= !rule.new_tag.is_empty() || !rule.digest.is_empty();
        if decides {
            if rule.tag_suffix.is_empty() || !rule.new_tag.is_empty() || !rule.digest.is_empty() {
                text.read_only = None;
            }
            if !again || text.version != self.site {
                text.decide_version(self.site);
            }
        }
        text.overridden.extend(&self.replaced);
        text.overridden.retain(|site| *site != self.site);
        text.value = name;
        if !tag.is_empty() {
            text.value.push(':');
            text.value.push_str(&tag);
        }
        if !digest.is_empty() {
            text.value.push('@');
            text.value.push_str(&digest);
        }
        true
    }
}

/// Name, tag and digest as kustomize takes them apart.
fn split(image: &str) -> (&str, &str, &str) {
    let from = image.find('/').filter(|at| *at > 0).unwrap_or(0);
    let at = |c| image[from..].find(c).map(|at| at + from);
    match (at(':'), at('@')) {
        (None, None) => (image, "", ""),
        (colon, Some(sign)) if colon.is_none_or(|colon| sign < colon) => (&image[..sign], "", &image[sign + 1..]),
        (Some(colon), Some(sign)) => (&image[..colon], &image[colon + 1..sign], &image[sign + 1..]),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
        (None, Some(sign)) => (&image[..sign], "", &image[sign + 1..]),
    }
}

fn has_version(name: &str) -> bool {
    let (_, tag, digest) = split(name);
    !tag.is_empty() || !digest.is_empty()
}

/// The image of each item of `containers` and `initContainers`, at any depth.
fn containers(node: &mut RenderNode, each: &mut dyn FnMut(&mut RenderedText)) {
    match node {
        RenderNode::Map(entries) => {
            for (key, value) in entries {
                containers(value, each);
                if let (RenderNode::List(items), "containers" | "initContainers") = (value, key.as_str()) {
                    for item in items {
                        if let Some(RenderNode::Text(text)) = item.get_mut("image") {
                            each(text);
                        }
                    }
                }
            }
        }
        RenderNode::List(items) => items.iter_mut().for_each(|item| containers(item, each)),
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => {}
    }
}

/// The texts at a path; `[]` after a name stands for each item.
fn field(node: &mut RenderNode, path: &[&str], each: &mut dyn FnMut(&mut RenderedText)) {
    let Some((step, rest)) = path.split_first() else {
        if let RenderNode::Text(text) = node {
            each(text);
        }
        return;
    };
    let (key, items) = step.strip_suffix("[]").map_or((*step, false), |key| (key, true));
    match node.get_mut(key) {
        Some(RenderNode::List(list)) if items => list.iter_mut().for_each(|item| field(item, rest, each)),
        Some(RenderNode::List(list)) => list.iter_mut().for_each(|item| field(item, rest, each)),
        Some(value) if !items => field(value, rest, each),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is read by hand matches what the expression matches.
        #[test]
        fn a_name_matches_what_its_expression_matches(
            name in "[ab./:-]{1,5}|[ab.*+?|()]{1,5}",
            text in "[ab./:@\n-]{0,9}|[ab.]{1,3}(:[ab]?)?(@sha256:[a{}]*)?:?",
            version in "|:b|@sha256:ab",
            from_name in any::<bool>(),
        ) {
            let text = if from_name { format!("{name}{version}") } else { text };
            let whole = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
            let expected = Regex::new(&whole).is_ok_and(|regex| regex.is_match(&text));
            prop_assert_eq!(ImagePattern::new(&name).matches(&name, &text), expected);
        }
    }
}
