//! Objects as they pass through kustomizations.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

use crate::sources::git::manifest::{self, ImageRule, PatchTarget, ValuesLayer, ValuesReference};

use super::node::RenderNode;
use super::units::ValuesSource;

/// A Kubernetes object while kustomizations are applied to it.
#[derive(Debug, Clone)]
pub(super) struct RenderedObject {
    pub group: String,
    pub version: String,
    pub kind: String,
    /// Name and namespace: as written, and as each kustomization made them.
    pub ids: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
    pub body: RenderNode,
    /// A patch changed its labels or annotations in a way that is not followed.
    pub relabelled: bool,
    /// The kustomizations that it passed through.
    pub through: Vec<u32>,
    /// Of a `HelmRelease`: the layers below its values.
    pub chart: Vec<ValuesLayer>,
    /// Of a `HelmRelease`: objects with values that lie over those layers and under its own values.
    pub values_from: Vec<ValuesReference>,
    /// Of a `ConfigMap`: the values in it, by key.
    pub data: Vec<(String, ValuesSource)>,
    /// Of a `HelmRelease`: images that its post renderers replace, and the file that says so.
    pub post_images: (u32, Vec<ImageRule>),
    /// Of a `HelmRelease`: its post renderers patch images.
    pub post_patched: bool,
    /// Of an object that applies folders or charts: its file, and which of that file's parts it is.
    pub origin: Option<(u32, usize)>,
    /// Every field of it is there, not only those that have to do with images.
    pub is_whole: bool,
    /// Something changed it since it was written.
    pub is_changed: bool,
    /// Why what it says cannot be decided, if so.
    pub unclear: Option<String>,
}

impl RenderedObject {
    pub(crate) fn new(object: &manifest::ManifestObject, file: u32) -> Self {
        let (group, version) = object.api_version.split_once('/').unwrap_or(("", &object.api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: object.kind.clone(),
            ids: vec![(object.name.clone(), object.namespace.clone())],
            labels: object.labels.clone(),
            annotations: object.annotations.clone(),
            body: RenderNode::of(&object.body, file),
            through: Vec::new(),
            chart: object.chart.clone(),
            values_from: object.values_from.clone(),
            data: object
                .data
                .iter()
                .map(|(key, values)| (key.clone(), ValuesSource::Inline(file, values.clone())))
                .collect(),
            post_images: (file, object.post_images.clone()),
            post_patched: object.post_patched,
            relabelled: false,
            origin: None,
            is_whole: false,
            is_changed: false,
            unclear: None,
        }
    }

    /// An object that counts with every field: a release, or one that applies folders or charts.
    pub(crate) fn whole(object: &manifest::ManifestObject, file: u32) -> Self {
        let mut out = Self::new(object, file);
        match &object.whole {
            Some(whole) => {
                out.body = RenderNode::of(whole, file);
                out.is_whole = true;
            }
            None => out.unclear = Some("the object is too large to be followed".to_owned()),
        }
        out
    }

    /// An object whose references nothing changes; it is carried along for its place in the render.
    pub(crate) fn plain(body: RenderNode) -> Self {
        Self {
            group: String::new(),
            version: String::new(),
            kind: String::new(),
            ids: Vec::new(),
            labels: Vec::new(),
            annotations: Vec::new(),
            body,
            through: Vec::new(),
            chart: Vec::new(),
            values_from: Vec::new(),
            data: Vec::new(),
            post_images: (0, Vec::new()),
            post_patched: false,
            relabelled: false,
            origin: None,
            is_whole: false,
            is_changed: false,
            unclear: None,
        }
    }

    /// A `ConfigMap` that a kustomization makes of files.
    pub(crate) fn config_map(name: &str, namespace: &str, data: Vec<(String, ValuesSource)>) -> Self {
        Self {
            version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            ids: vec![(name.to_owned(), namespace.to_owned())],
            data,
            ..Self::plain(RenderNode::Other)
        }
    }

    /// Whether an object in the namespace of this one means the other by a name that it has or had.
    pub(crate) fn means(&self, name: &str, other: &Self) -> bool {
        let own = self
            .ids
            .last()
            .map(|(_, namespace)| namespace.as_str())
            .unwrap_or_default();
        let mut ids = other.ids.iter();
        ids.any(|(known, space)| known == name && (own.is_empty() || space.is_empty() || own == space))
    }

    /// Whether a patch that names its object itself means this one.
    pub(crate) fn is_named_by(&self, patch: &Self) -> bool {
        let Some((name, namespace)) = patch.ids.first() else {
            return false;
        };
        (&self.group, &self.version, &self.kind) == (&patch.group, &patch.version, &patch.kind)
            && self
                .ids
                .iter()
                .any(|(own, space)| own == name && namespace_or_default(space) == namespace_or_default(namespace))
    }

    /// Whether lists of containers are merged by name: kustomize knows the schema.
    pub(crate) fn is_builtin(&self) -> bool {
        !self.group.contains('.') || self.group.ends_with(".k8s.io")
    }

    /// Gives it labels and annotations.
    pub(crate) fn label(&mut self, labels: &[(String, String)], annotations: &[(String, String)]) {
        for (own, new) in [(&mut self.labels, labels), (&mut self.annotations, annotations)] {
            for (key, value) in new {
                own.retain(|(known, _)| known != key);
                own.push((key.clone(), value.clone()));
            }
        }
    }

    /// Takes over the labels and annotations of a patch that looks like the object.
    pub(crate) fn label_by(&mut self, patch: &Self) {
        self.label(&patch.labels, &patch.annotations);
    }

    pub(crate) fn rename(&mut self, prefix: &str, suffix: &str, namespace: &str) {
        let Some((name, space)) = self.ids.last().cloned() else {
            return;
        };
        let name = format!("{prefix}{name}{suffix}");
        let space = if namespace.is_empty() {
            space
        } else {
            namespace.to_owned()
        };
        self.is_changed = true;
        self.ids.push((name, space));
    }

    /// The name that it has in the end.
    pub(crate) fn name(&self) -> &str {
        self.ids.last().map_or("", |(name, _)| name.as_str())
    }
}

/// Says of these objects, and of every image in them, that it cannot be decided what they are.
pub(super) fn mark<'o>(objects: impl Iterator<Item = &'o mut RenderedObject>, why: &str) {
    for object in objects {
        object.is_changed = true;
        object.unclear.get_or_insert_with(|| why.to_owned());
        object.body.texts_mut(&mut |text| {
            text.uncertain.get_or_insert_with(|| why.to_owned());
        });
    }
}

/// Whether an object is a release of Flux.
pub(super) fn is_helm_release(object: &RenderedObject) -> bool {
    object.kind == "HelmRelease" && object.group == "helm.toolkit.fluxcd.io"
}

fn namespace_or_default(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// Expressions that targets have for names, each compiled once: the same few stand in every kustomization of a repository, and
/// compiling one costs more than rendering a folder. `None` = one that does not compile.
#[derive(Default)]
pub(super) struct CompiledExpressions(RefCell<HashMap<String, Option<Regex>>>);

impl CompiledExpressions {
    /// The expression for a whole name.
    fn get(&self, written: &str) -> Option<Regex> {
        if let Some(known) = self.0.borrow().get(written) {
            return known.clone();
        }
        let compiled = Regex::new(&format!("^(?:{written})$")).ok();
        self.0.borrow_mut().insert(written.to_owned(), compiled.clone());
        compiled
    }
}

/// The target of a patch or a replacement.
pub(super) struct TargetSelector<'a> {
    target: &'a PatchTarget,
    group: NamePattern<'a>,
    version: NamePattern<'a>,
    kind: NamePattern<'a>,
    name: NamePattern<'a>,
    namespace: NamePattern<'a>,
}

impl<'a> TargetSelector<'a> {
    pub(crate) fn new(target: &'a PatchTarget, compiled: &CompiledExpressions) -> Self {
        let pattern = |written: &'a String| NamePattern::new(written, compiled);
        Self {
            target,
            group: pattern(&target.group),
            version: pattern(&target.version),
            kind: pattern(&target.kind),
            name: pattern(&target.name),
            namespace: pattern(&target.namespace),
        }
    }

    /// Whether the target means this object, by any name that it had on its way.
    pub(crate) fn selects(&self, object: &RenderedObject) -> bool {
        self.selects_by_name(object)
            && selects(&self.target.labels, &object.labels)
            && selects(&self.target.annotations, &object.annotations)
    }

    /// Whether it may mean an object, by labels or annotations that a patch changed in a way that is not followed, or
    /// by an expression that cannot be read.
    pub(crate) fn may_select(&self, object: &RenderedObject) -> bool {
        let is_unknown = || self.patterns().iter().any(|pattern| pattern.is_unknown());
        (object.relabelled && self.selects_by_name(object) || is_unknown()) && !self.selects(object)
    }

    fn patterns(&self) -> [&NamePattern<'a>; 5] {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace]
    }

    fn selects_by_name(&self, object: &RenderedObject) -> bool {
        let one = |pattern: &NamePattern<'_>, own: &str| pattern.matches_any(std::iter::once(own));
        !object.kind.is_empty()
            && one(&self.group, &object.group)
            && one(&self.version, &object.version)
            && one(&self.kind, &object.kind)
            && self.name.matches_any(object.ids.iter().map(|(name, _)| name.as_str()))
            && self
                .namespace
                .matches_any(object.ids.iter().map(|(_, namespace)| namespace_or_default(namespace)))
    }
}

/// What a target says of a name: kustomize reads it as a regular expression for the whole name.
enum NamePattern<'a> {
    /// Nothing is said: every name matches.
    Any,
    /// A text without special characters matches itself only.
    Exact(&'a str),
    /// Anything else; `None` where it does not compile, so that it matches its own text only.
    Expression(&'a str, Option<Regex>),
}

impl<'a> NamePattern<'a> {
    fn new(written: &'a str, compiled: &CompiledExpressions) -> Self {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if written.is_empty() {
            Self::Any
        } else if written.bytes().all(is_plain) {
            Self::Exact(written)
        } else {
            Self::Expression(written, compiled.get(written))
        }
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Expression(_, None))
    }

    fn matches_any<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(written) => names.any(|name| name == *written),
            Self::Expression(written, regex) => {
                names.any(|name| name == *written || regex.as_ref().is_some_and(|regex| regex.is_match(name)))
            }
        }
    }
}

/// A selector of labels: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b)`.
fn selects(selector: &str, labels: &[(String, String)]) -> bool {
    let own = |key: &str| {
        labels
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    };
    terms(selector).iter().all(|term| {
        let term = term.trim();
        let set = |text: &str| -> Vec<String> {
            let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
            inner.split(',').map(|value| value.trim().to_owned()).collect()
        };
        if let Some((key, values)) = term.split_once(" notin ") {
            return own(key.trim()).is_none_or(|value| !set(values).iter().any(|one| one == value));
        }
        if let Some((key, values)) = term.split_once(" in ") {
            return own(key.trim()).is_some_and(|value| set(values).iter().any(|one| one == value));
        }
        if let Some((key, value)) = term.split_once("!=") {
            return own(key.trim()) != Some(value.trim());
        }
        if let Some((key, value)) = term.split_once('=') {
            return own(key.trim()) == Some(value.trim_start_matches('=').trim());
        }
        match term.strip_prefix('!') {
            Some(key) => own(key.trim()).is_none(),
            None => term.is_empty() || own(term).is_some(),
        }
    })
}

/// The terms of a selector: commas inside parentheses separate values.
fn terms(selector: &str) -> Vec<String> {
    let mut depth = 0;
    let mut out = vec![String::new()];
    for c in selector.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}
