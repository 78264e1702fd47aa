//! What a file contributes to a render: objects, kustomizations, applications and values, in the order
//! of its documents, with the references that only count once other files are laid over or under them.

use std::cell::RefCell;

use super::applications::{self, Application, SourceOverride};
use super::detect::{self, DocumentStyle};
use super::found::{DetectionRule, Found};
use super::helm_values::{self, ImageStrings};
use super::includes::{self, Origin};
use super::kustomization::{self, FieldSpec, Kustomization, Operation, PatchSource, Replacement};
use super::nested::Mapping;
use super::objects::{self, ManifestObject};
use super::output::{FoundBy, Output};
use super::shape::{Handle, Shape, Shaper, TextPlace, ValuesLayer};
use super::tree::{Id, Kind, Tree};
use super::variables::Variable;
use super::{argocd, compose, kubernetes, parameters};
use crate::domain::pin::Style;

/// One document's contribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentPart {
    /// An object, or a patch that looks like one.
    Object(Box<ManifestObject>),
    /// JSON 6902 operations.
    Operations(Vec<Operation>),
    /// A kustomization, with everything in it that can change an image.
    Kustomization(Box<Kustomization>),
    /// A folder that a controller deploys.
    Application(Box<Application>),
    /// What overrides an Application's source.
    SourceOverride(Box<SourceOverride>),
    /// A chart's values.
    Values(Shape),
    /// Releases with their values, lowest layer first.
    Releases(Vec<Vec<ValuesLayer>>),
    /// What a `configurations` file says about images.
    Fields(Vec<FieldSpec>),
    /// A file of `replacements`.
    Replacements(Vec<Replacement>),
    /// References that nothing else changes.
    Plain(Vec<Handle>),
    /// Images of a Compose file in whose texts variables stand.
    Compose(Vec<TemplatedImage>),
    /// The variables of a `.env` file.
    Variables(Vec<Variable>),
}

/// An image of a Compose file as it is written, with `$` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatedImage {
    /// The text as it is written.
    pub template: String,
    /// The reference that was made of it, with defaults put in.
    pub at: TextPlace,
}

/// How a reference in a patch was found.
const PATCH: FoundBy = FoundBy {
    style: Style::Kustomize,
    kind: "kustomize/patch",
    rule: DetectionRule::Kustomize,
};
/// How a part of an image in values was found.
const VALUES_PART: FoundBy = FoundBy {
    style: Style::HelmValues,
    kind: "helm-values/part",
    rule: DetectionRule::HelmValues,
};

impl DocumentPart {
    /// Calls `each` for every place.
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        match self {
            Self::Object(object) => object.places(each),
            Self::Operations(all) => all.iter_mut().for_each(|one| one.value.places(each)),
            Self::Kustomization(one) => one.places(each),
            Self::Application(one) => one.places(each),
            Self::SourceOverride(one) => one.places(each),
            Self::Values(values) => values.places(each),
            Self::Releases(all) => all.iter_mut().flatten().for_each(|layer| layer.places(each)),
            Self::Plain(handles) => {
                for handle in handles {
                    let mut place = TextPlace {
                        line: 0,
                        found: Some(*handle),
                    };
                    each(&mut place);
                    if let Some(moved) = place.found {
                        *handle = moved;
                    }
                }
            }
            Self::Compose(all) => all.iter_mut().for_each(|one| each(&mut one.at)),
            Self::Fields(_) | Self::Replacements(_) | Self::Variables(_) => {}
        }
    }
}

/// The contributions of a file, and the references that only they know of.
pub(super) fn read(
    path: &str,
    tree: &Tree<'_>,
    documents: &[(Id, DocumentStyle)],
    out: &Output,
) -> (Vec<DocumentPart>, Vec<Found>) {
    let reader = PartReader {
        tree,
        out,
        layered: RefCell::new(Output::for_file(path)),
    };
    let mut parts = Vec::new();
    for (root, kind) in documents {
        reader.document(*root, *kind, &mut parts);
    }
    (parts, reader.layered.into_inner().found)
}

struct PartReader<'a> {
    tree: &'a Tree<'a>,
    /// What the file's styles found.
    out: &'a Output,
    /// What counts only together with other files.
    layered: RefCell<Output>,
}

impl PartReader<'_> {
    fn handle(&self, id: Id) -> Option<Handle> {
        let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let found = self.out.found_at(id);
        let is_whole = |at: &usize| {
            let found = self.out.found.get(*at);
            found.is_some_and(|found| !found.written.is_empty() && !found.rule.is_loose())
        };
        let whole = found.filter(is_whole).map(|at| Handle::Found(index(at)));
        let part = || self.layered.borrow().found_at(id).map(|at| Handle::Layered(index(at)));
        whole.or_else(part).or(found.map(|at| Handle::Found(index(at))))
    }

    fn with_shaper<T>(&self, values: bool, then: impl FnOnce(&Shaper<'_>) -> T) -> T {
        then(&Shaper {
            tree: self.tree,
            found: &|id| self.handle(id),
            line: &|line| line,
            values,
        })
    }

    fn document(&self, root: Id, kind: DocumentStyle, parts: &mut Vec<DocumentPart>) {
        let tree = self.tree;
        match kind {
            DocumentStyle::Kubernetes => {
                let mut object = self.with_shaper(false, |s| objects::read(s, root));
                if object.kind == "ConfigMap" {
                    object.data = self.config_map_values(root);
                }
                parts.push(DocumentPart::Object(Box::new(object)));
            }
            DocumentStyle::HelmRelease => {
                self.values_parts(tree.at(root, &["spec", "values"]));
                let object = self.with_shaper(true, |s| objects::read(s, root));
                parts.push(DocumentPart::Object(Box::new(object)));
            }
            DocumentStyle::Kustomize => {
                let mut read = kustomization::read(tree, root, &|id| self.handle(id), &|id| self.inline(id));
                read.charts = self.charts(root);
                parts.push(DocumentPart::Kustomization(Box::new(read)));
            }
            DocumentStyle::FluxKustomization => {
                let read = applications::flux(tree, root, &|id| self.handle(id), &|id| self.inline(id));
                parts.extend(read.map(|one| DocumentPart::Application(Box::new(one))));
            }
            DocumentStyle::Argocd => {
                self.argocd_parts(
                    tree.at(root, &["spec", "template", "spec"])
                        .or_else(|| tree.get(root, "spec")),
                );
                let block = |id| self.block(id);
                let read = self.with_shaper(true, |s| applications::argocd(s, root, &|id| self.inline(id), &block));
                parts.extend(read.into_iter().map(|one| DocumentPart::Application(Box::new(one))));
            }
            DocumentStyle::ArgocdSource => {
                self.source_parts(root);
                let block = |id| self.block(id);
                let read = self.with_shaper(true, |s| applications::source_override(s, root, &block));
                parts.push(DocumentPart::SourceOverride(Box::new(read)));
            }
            DocumentStyle::List => {
                for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                    let kind = detect::document("", tree, *item);
                    if kind != DocumentStyle::List {
                        self.document(*item, kind, parts);
                    }
                }
            }
            DocumentStyle::Values => self.values(root, parts),
            DocumentStyle::Helmfile => {
                let releases = tree.get(root, "releases").map_or(&[][..], |id| tree.items(id));
                let layers = |release: &Id| {
                    let list = tree.get(*release, "values").map_or(&[][..], |id| tree.items(id));
                    self.layers(list)
                };
                parts.push(DocumentPart::Releases(releases.iter().map(layers).collect()));
            }
            DocumentStyle::OciRepository | DocumentStyle::Promoter => {
                let index = tree.document_of(root);
                let all = (0u32..).zip(&self.out.found);
                let mine = all.filter(|(_, found)| found.site.document == index);
                parts.push(DocumentPart::Plain(mine.map(|(at, _)| Handle::Found(at)).collect()));
            }
            DocumentStyle::Other => {
                let items = tree.items(root);
                if !items.is_empty() && items.iter().all(|item| kustomization::is_operation(tree, *item)) {
                    operations_founds(tree, root, &mut self.layered.borrow_mut());
                    let read = self.with_shaper(true, |s| kustomization::operations(s, root));
                    parts.extend(read.map(DocumentPart::Operations));
                }
            }
            DocumentStyle::Compose => {
                let image = |(id, template): (Id, &str)| TemplatedImage {
                    template: template.to_owned(),
                    at: TextPlace {
                        line: tree.node(id).line,
                        found: self.handle(tree.resolve(id)),
                    },
                };
                let all: Vec<TemplatedImage> = compose::templates(tree, root).into_iter().map(image).collect();
                parts.extend((!all.is_empty()).then_some(DocumentPart::Compose(all)));
            }
            DocumentStyle::Nothing | DocumentStyle::Chart => {}
        }
    }

    /// A values file, or one of Kustomize's own files, which look the same.
    fn values(&self, root: Id, parts: &mut Vec<DocumentPart>) {
        let tree = self.tree;
        if tree.get(root, "source").is_some() && tree.get(root, "targets").is_some() {
            parts.push(DocumentPart::Replacements(kustomization::replacements(tree, root)));
            return;
        }
        let fields = kustomization::field_specs(tree, root);
        if !fields.is_empty() {
            parts.push(DocumentPart::Fields(fields));
            return;
        }
        self.values_parts(Some(root));
        let shape = self.with_shaper(true, |shaper| shaper.shape(root));
        if shape != Shape::Other {
            parts.push(DocumentPart::Values(shape));
        }
    }

    /// Items of a list of values: names of files, and values.
    fn layers(&self, items: &[Id]) -> Vec<ValuesLayer> {
        let each = items.iter().filter_map(|item| match self.tree.text_of(*item) {
            Some(path) if includes::is_path(path) => Some(ValuesLayer::File {
                path: path.to_owned(),
                from: Origin::Beside,
            }),
            Some(_) => None,
            None => {
                self.values_parts(Some(*item));
                Some(ValuesLayer::Values(
                    self.with_shaper(true, |shaper| shaper.shape(*item)),
                ))
            }
        });
        each.collect()
    }

    /// `helmCharts`: the file, what is written in place over it, and then more files.
    fn charts(&self, root: Id) -> Vec<Vec<ValuesLayer>> {
        let charts = self
            .tree
            .get(root, "helmCharts")
            .map_or(&[][..], |id| self.tree.items(id));
        let each = charts.iter().map(|chart| {
            let get = |key| self.tree.get(*chart, key);
            let mut layers = self.layers(get("valuesFile").as_slice());
            layers.extend(self.layers(get("valuesInline").as_slice()));
            layers.extend(self.layers(get("additionalValuesFiles").map_or(&[][..], |id| self.tree.items(id))));
            layers
        });
        each.collect()
    }

    /// Finds images in values of which only the tag or digest is written here.
    fn values_parts(&self, values: Option<Id>) {
        if let Some(values) = values {
            let mut layered = self.layered.borrow_mut();
            helm_values::parts(self.tree, values, &mut layered, VALUES_PART, &|id| {
                self.out.is_claimed(id)
            });
        }
    }

    fn argocd_parts(&self, spec: Option<Id>) {
        let Some(spec) = spec else { return };
        let one = self.tree.get(spec, "source").into_iter();
        let many = self.tree.get(spec, "sources").map_or(&[][..], |id| self.tree.items(id));
        one.chain(many.iter().copied())
            .for_each(|source| self.source_parts(source));
    }

    fn source_parts(&self, source: Id) {
        self.values_parts(self.tree.at(source, &["helm", "valuesObject"]));
        if let Some(list) = self.tree.at(source, &["helm", "parameters"]) {
            let how = FoundBy {
                style: Style::Argocd,
                ..VALUES_PART
            };
            let mut aside = self.layered.borrow_mut();
            parameters::read(self.tree, list, &mut aside, how, true);
        }
    }

    /// The texts of a ConfigMap that a release may take its values from, by their names.
    fn config_map_values(&self, root: Id) -> Vec<(String, Shape)> {
        let tree = self.tree;
        let data = tree.get(root, "data").map_or(&[][..], |id| tree.entries(id));
        let how = |kind| FoundBy {
            style: Style::Flux,
            kind,
            rule: DetectionRule::FluxSource,
        };
        let names = (how("flux/values-from/split"), how("flux/values-from/string"));
        let each = data.iter().filter_map(|(key, value)| {
            let key = tree.text_of(*key).filter(|key| key.contains("values"))?;
            Some((key.to_owned(), self.values_text(*value, names)?))
        });
        each.collect()
    }

    /// Values that are written as a text of an Argo CD object.
    fn block(&self, id: Id) -> Option<Shape> {
        let how = |kind| FoundBy {
            style: Style::Argocd,
            kind,
            rule: DetectionRule::ArgoCd,
        };
        self.values_text(id, (how("argocd/helm.values/split"), how("argocd/helm.values/string")))
    }

    /// Values that are written as a text, each image found as one in several fields or in one.
    fn values_text(&self, id: Id, (split, string): (FoundBy, FoundBy)) -> Option<Shape> {
        let (text, mapping) = Mapping::of(self.tree, id)?;
        let inner = Tree::read(text);
        let root = *inner.roots.first().filter(|_| inner.stopped.is_none())?;
        let mut shape = None;
        self.layered.borrow_mut().within_text(mapping, |out| {
            helm_values::values(&inner, root, out, split, string, ImageStrings::Any);
            helm_values::parts(&inner, root, out, VALUES_PART, &|_| false);
            shape = Some(nested_shaper(&inner, out, |shaper| shaper.shape(root)));
        });
        shape
    }

    /// A patch that is written in a text.
    fn inline(&self, id: Id) -> PatchSource {
        if let Some((text, mapping)) = Mapping::of(self.tree, id) {
            let inner = Tree::read(text);
            if inner.stopped.is_some() {
                return PatchSource::Unread;
            }
            let mut patches = Vec::new();
            self.layered.borrow_mut().within_text(mapping, |out| {
                patch_founds(&inner, out);
                patches = nested_shaper(&inner, out, kustomization::patch_documents);
            });
            return PatchSource::Inline(patches);
        }
        let Some(text) = self.tree.text_of(id) else {
            return PatchSource::Unread;
        };
        let inner = Tree::read(text);
        if inner.stopped.is_some() {
            return PatchSource::Unread;
        }
        let line = self.tree.node(id).line;
        // Its bytes are escaped or folded: what it says counts, and nothing in it can be edited.
        PatchSource::Inline(kustomization::patch_documents(&Shaper {
            tree: &inner,
            found: &|_| None,
            line: &|_| line,
            values: true,
        }))
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
    })
}

/// Finds the images that patches write.
fn patch_founds(tree: &Tree<'_>, out: &mut Output) {
    for root in &tree.roots {
        if tree.items(*root).is_empty() {
            match detect::document("", tree, *root) {
                DocumentStyle::HelmRelease => {
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

fn operations_founds(tree: &Tree<'_>, root: Id, out: &mut Output) {
    for item in tree.items(root) {
        let (Some(path), Some(value)) = (tree.text_at(*item, &["path"]), tree.get(*item, "value")) else {
            continue;
        };
        let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match &tree.node(tree.resolve(value)).kind {
            Kind::Scalar(..) if last.contains("image") || last == "reference" => {
                out.reference(tree, value, PATCH);
            }
            Kind::Scalar(..) if matches!(last.as_str(), "tag" | "digest" | "sha" | "version") => {
                helm_values::part(tree, value, &last, out, PATCH);
            }
            Kind::Scalar(..) => {}
            _ => kubernetes::read(tree, value, out),
        }
    }
}
