//! YAML in the texts of other documents: values of a chart, and patches.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::detect::{self, DocumentStyle};
use super::found::DetectionRule;
use super::helm_values::{self, ImageStrings};
use super::kustomization::{self, Patch, PatchSource};
use super::kustomize;
use super::nested::Mapping;
use super::output::{FoundBy, Output};
use super::shape::{Handle, Shape, Shaper, TextPlace, nothing_inside};
use super::tree::{Id, Kind, Tree};
use super::{argocd, kubernetes};
use crate::domain::pin::Style;

/// How a reference in a patch was found.
const PATCH: FoundBy = FoundBy {
    style: Style::Kustomize,
    kind: "kustomize/patch",
    rule: DetectionRule::Kustomize,
};
/// How a part of an image in values was found.
pub(super) const VALUES_PART: FoundBy = FoundBy {
    style: Style::HelmValues,
    kind: "helm-values/part",
    rule: DetectionRule::HelmValues,
};

/// What a text says that is YAML itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmbeddedText {
    /// Values of a chart.
    Values(Shape),
    /// Merges and operations, in the order in which they are written.
    Patches(Vec<Patch>),
    /// It cannot be read.
    Unread,
}

impl EmbeddedText {
    /// Calls `each` for every place.
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        match self {
            Self::Values(values) => values.places(each),
            Self::Patches(patches) => patches.iter_mut().for_each(|patch| patch.places(each)),
            Self::Unread => {}
        }
    }
}

/// The texts of a file that are YAML themselves, each read once.
pub(super) struct EmbeddedTexts<'a> {
    tree: &'a Tree<'a>,
    layered: &'a RefCell<Output>,
    known: RefCell<HashMap<Id, u32>>,
    all: RefCell<Vec<EmbeddedText>>,
}

impl<'a> EmbeddedTexts<'a> {
    pub(crate) fn new(tree: &'a Tree<'a>, layered: &'a RefCell<Output>) -> Self {
        Self {
            tree,
            layered,
            known: RefCell::default(),
            all: RefCell::default(),
        }
    }

    /// Everything that was read.
    pub(crate) fn into_all(self) -> Vec<EmbeddedText> {
        self.all.into_inner()
    }

    /// The number of what a text says that stands under a key, where that is YAML.
    pub(crate) fn of(&self, id: Id, key: &str) -> Option<u32> {
        let is_in = |above: &str| {
            let parent = self.tree.parent(id);
            parent.is_some_and(|parent| self.tree.key_of(parent) == Some(above))
        };
        match key {
            "values" if is_in("helm") || self.tree.key_of(id) == Some("value") => Some(self.number(id, |texts| {
                texts.read_block(id).map_or(EmbeddedText::Unread, EmbeddedText::Values)
            })),
            "patch" => Some(self.number(id, |texts| texts.read_inline(id))),
            _ => None,
        }
    }

    fn number(&self, id: Id, read: impl FnOnce(&Self) -> EmbeddedText) -> u32 {
        let id = self.tree.resolve(id);
        if let Some(known) = self.known.borrow().get(&id) {
            return *known;
        }
        let text = read(self);
        let mut all = self.all.borrow_mut();
        let number = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.push(text);
        self.known.borrow_mut().insert(id, number);
        number
    }

    fn at(&self, number: u32) -> EmbeddedText {
        let all = self.all.borrow();
        all.get(number as usize).cloned().unwrap_or(EmbeddedText::Unread)
    }

    /// Values that are written as a text of an Argo CD object; `None` where they cannot be read.
    pub(crate) fn block(&self, id: Id) -> Option<Shape> {
        let number = self.number(id, |texts| {
            texts.read_block(id).map_or(EmbeddedText::Unread, EmbeddedText::Values)
        });
        match self.at(number) {
            EmbeddedText::Values(values) => Some(values),
            EmbeddedText::Patches(_) | EmbeddedText::Unread => None,
        }
    }

    fn read_block(&self, id: Id) -> Option<Shape> {
        let how = |kind| FoundBy {
            style: Style::Argocd,
            kind,
            rule: DetectionRule::ArgoCd,
        };
        self.values(id, (how("argocd/helm.values/split"), how("argocd/helm.values/string")))
    }

    /// Values that are written as a text, each image found as one in several fields or in one.
    pub(crate) fn values(&self, id: Id, (split, string): (FoundBy, FoundBy)) -> Option<Shape> {
        let (text, mapping) = Mapping::of(self.tree, id)?;
        let inner = Tree::read(text);
        if inner.stopped.is_some() || inner.roots.len() > 1 {
            return None;
        }
        // Nothing but comments says nothing.
        let Some(root) = inner.roots.first().copied() else {
            return Some(Shape::Other);
        };
        let mut shape = None;
        self.layered.borrow_mut().within_text(mapping, |out| {
            helm_values::values(&inner, root, out, split, string, ImageStrings::Any);
            helm_values::parts(&inner, root, out, VALUES_PART, &|_| false);
            shape = Some(nested_shaper(&inner, out, |shaper| shaper.shape(root)));
        });
        shape.filter(|_| !inner.is_exhausted())
    }

    /// A patch that is written in a text.
    pub(crate) fn inline(&self, id: Id) -> PatchSource {
        match self.at(self.number(id, |texts| texts.read_inline(id))) {
            EmbeddedText::Patches(patches) => PatchSource::Inline(patches),
            EmbeddedText::Values(_) | EmbeddedText::Unread => PatchSource::Unread,
        }
    }

    fn read_inline(&self, id: Id) -> EmbeddedText {
        if let Some((text, mapping)) = Mapping::of(self.tree, id) {
            let inner = Tree::read(text);
            if inner.stopped.is_some() {
                return EmbeddedText::Unread;
            }
            let mut patches = Vec::new();
            self.layered.borrow_mut().within_text(mapping, |out| {
                patch_founds(&inner, out);
                patches = nested_shaper(&inner, out, kustomization::patch_documents);
            });
            if inner.is_exhausted() {
                return EmbeddedText::Unread;
            }
            return EmbeddedText::Patches(patches);
        }
        let Some(text) = self.tree.text_of(id) else {
            return EmbeddedText::Unread;
        };
        let inner = Tree::read(text);
        if inner.stopped.is_some() {
            return EmbeddedText::Unread;
        }
        let line = self.tree.node(id).line;
        // Its bytes are escaped or folded: what it says counts, and nothing in it can be edited.
        let patches = kustomization::patch_documents(&Shaper {
            tree: &inner,
            found: &|_| None,
            line: &|_| line,
            values: true,
            inside: &nothing_inside,
        });
        if inner.is_exhausted() {
            return EmbeddedText::Unread;
        }
        EmbeddedText::Patches(patches)
    }
}

/// Shapes a text inside a block scalar, whose references are in `out`.
fn nested_shaper<T>(inner: &Tree<'_>, out: &Output, then: impl FnOnce(&Shaper<'_>) -> T) -> T {
    let index = |at: usize| Handle::Layered(u32::try_from(at).unwrap_or(u32::MAX));
    then(&Shaper {
        tree: inner,
        found: &|id| out.found_at(id).map(index),
        line: &|line| out.line(line),
        values: true,
        inside: &nothing_inside,
    })
}

/// Finds the images that patches write.
fn patch_founds(tree: &Tree<'_>, out: &mut Output) {
    for root in &tree.roots {
        if tree.items(*root).is_empty() {
            match detect::document("", tree, *root) {
                DocumentStyle::FluxKustomization => {
                    if let Some(images) = tree.at(*root, &["spec", "images"]) {
                        kustomize::list(tree, images, out, PATCH);
                    }
                }
                DocumentStyle::HelmRelease => {
                    let renderers = tree.at(*root, &["spec", "postRenderers"]);
                    for one in renderers.map_or(&[][..], |id| tree.items(id)) {
                        if let Some(images) = tree.at(*one, &["kustomize", "images"]) {
                            kustomize::list(tree, images, out, PATCH);
                        }
                    }
                    if let Some(values) = tree.at(*root, &["spec", "values"]) {
                        let how = |kind| FoundBy { kind, ..PATCH };
                        let (split, string) = (how("kustomize/patch/split"), how("kustomize/patch/string"));
                        helm_values::values(tree, values, out, split, string, ImageStrings::Any);
                        helm_values::parts(tree, values, out, PATCH, &|_| false);
                    }
                }
                DocumentStyle::Argocd => argocd::read(tree, *root, out),
                _ => kubernetes::read(tree, *root, out),
            }
        } else {
            operations_founds(tree, *root, out);
        }
    }
}

/// Finds the images that JSON 6902 operations write.
pub(super) fn operations_founds(tree: &Tree<'_>, root: Id, out: &mut Output) {
    for item in tree.items(root) {
        let (Some(path), Some(value)) = (tree.text_at(*item, &["path"]), tree.get(*item, "value")) else {
            continue;
        };
        let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match &tree.node(tree.resolve(value)).kind {
            // Entries of Argo CD's and Flux's lists, whole lists of them too.
            Kind::Scalar(..) if path.contains("/kustomize/images/") => argocd::image(tree, value, out),
            Kind::Seq(items) if path.ends_with("/kustomize/images") => {
                items.iter().for_each(|item| argocd::image(tree, *item, out));
            }
            Kind::Seq(_) if path.ends_with("/images") => kustomize::list(tree, value, out, PATCH),
            Kind::Map(..) if path.contains("/images/") => kustomize::entry(tree, value, out, PATCH),
            Kind::Scalar(..) if path.contains("/helm/parameters/") && last == "value" => parameter(tree, value, out),
            Kind::Map(..) if path.contains("/helm/parameters/") => {
                if let Some(value) = tree.get(value, "value") {
                    parameter(tree, value, out);
                }
            }
            Kind::Scalar(..) if last.contains("image") || last == "reference" => {
                out.reference(tree, value, PATCH);
            }
            Kind::Scalar(..) if matches!(last.as_str(), "tag" | "digest" | "sha" | "version") => {
                helm_values::part(tree, value, &last, out, PATCH);
            }
            Kind::Scalar(..) => {}
            _ => {
                if last == "source" {
                    argocd::source(tree, value, out);
                }
                argocd::read(tree, value, out);
                lists(tree, value, &last, out, 0);
                kubernetes::read(tree, value, out);
            }
        }
    }
}

/// A parameter of a chart whose name a patch does not say: its version, where the parameter is an image.
fn parameter(tree: &Tree<'_>, value: Id, out: &mut Output) {
    let is_digest = tree.filled(value).is_some_and(|text| text.starts_with("sha256:"));
    helm_values::part(tree, value, if is_digest { "digest" } else { "tag" }, out, PATCH);
}

/// Lists of images inside what a patch writes under a key: Kustomize's, Flux's and Argo CD's.
fn lists(tree: &Tree<'_>, id: Id, key: &str, out: &mut Output, depth: usize) {
    if depth > 8 || !tree.look(1) {
        return;
    }
    for item in tree.items(id) {
        lists(tree, *item, "", out, depth + 1);
    }
    for (name, value) in tree.entries(id) {
        let is_list = !tree.items(*value).is_empty();
        match tree.text_of(*name) {
            Some("images") if is_list && tree.items(*value).iter().all(|item| tree.text_of(*item).is_some()) => {
                let items = tree.items(*value).iter().filter(|_| key == "kustomize");
                items.for_each(|item| argocd::image(tree, *item, out));
            }
            Some("images") if is_list => kustomize::list(tree, *value, out, PATCH),
            Some(name) => lists(tree, *value, name, out, depth + 1),
            None => {}
        }
    }
}
