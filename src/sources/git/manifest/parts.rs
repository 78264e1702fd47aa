//! What a file contributes to a render: objects, kustomizations, applications and values, in the order
//! of its documents, with the references that only count once other files are laid over or under them.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::applications::{self, Application, SourceOverride};
use super::detect::{self, DocumentStyle};
use super::embedded::{self, EmbeddedText, EmbeddedTexts, VALUES_PART};
use super::found::{DetectionRule, Found};
use super::helm_values;
use super::includes::{self, Origin};
use super::kustomization::{self, FieldSpec, Kustomization, Operation, Replacement};
use super::objects::{self, ManifestObject};
use super::output::{FoundBy, Output};
use super::shape::{Handle, MissingFile, Shape, Shaper, TextPlace, ValuesLayer};
use super::tree::{Id, Tree};
use super::variables::Variable;
use super::{compose, parameters};
use crate::domain::pin::Style;

/// One document's contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentPart {
    /// An object, or a patch that looks like one.
    Object(Box<ManifestObject>),
    /// JSON 6902 operations.
    Operations(Vec<Operation>),
    /// A kustomization, with everything in it that can change an image.
    Kustomization(Box<Kustomization>),
    /// An object of a controller that applies folders or charts. Those follow it, each by itself.
    Controller(Box<ManifestObject>),
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
    /// A document that says nothing that a renderer is known to take.
    Nothing,
}

/// An image of a Compose file as it is written, with `$` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplatedImage {
    /// The text as it is written.
    pub template: String,
    /// The reference that was made of it, with defaults put in.
    pub at: TextPlace,
}

impl DocumentPart {
    /// Calls `each` for every place.
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        match self {
            Self::Object(object) | Self::Controller(object) => object.places(each),
            Self::Operations(all) => all.iter_mut().for_each(|one| one.places(each)),
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
                        file: None,
                    };
                    each(&mut place);
                    if let Some(moved) = place.found {
                        *handle = moved;
                    }
                }
            }
            Self::Compose(all) => all.iter_mut().for_each(|one| each(&mut one.at)),
            Self::Fields(_) | Self::Replacements(_) | Self::Variables(_) | Self::Nothing => {}
        }
    }
}

/// What a file contributes.
pub(super) struct FileParts {
    /// Its documents' contributions, in order.
    pub parts: Vec<DocumentPart>,
    /// What YAML in texts of controllers' objects says.
    pub embedded: Vec<EmbeddedText>,
    /// The references that only these know of.
    pub layered: Vec<Found>,
}

/// The contributions of a file.
pub(super) fn read(path: &str, tree: &Tree<'_>, documents: &[(Id, DocumentStyle)], out: &Output) -> FileParts {
    let layered = RefCell::new(Output::for_file(path));
    let reader = PartReader {
        tree,
        out,
        texts: EmbeddedTexts::new(tree, &layered),
        layered: &layered,
    };
    let mut parts = Vec::new();
    for (root, kind) in documents {
        reader.document(*root, *kind, &mut parts);
    }
    let embedded = reader.texts.into_all();
    FileParts {
        parts,
        embedded,
        layered: layered.into_inner().found,
    }
}

struct PartReader<'a> {
    tree: &'a Tree<'a>,
    /// What the file's styles found.
    out: &'a Output,
    /// Texts that are YAML themselves.
    texts: EmbeddedTexts<'a>,
    /// What counts only together with other files.
    layered: &'a RefCell<Output>,
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
            inside: &|id, key| self.texts.of(id, key),
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
                parts.push(DocumentPart::Object(Box::new(self.whole_object(root))));
            }
            DocumentStyle::Kustomize => {
                let mut read = kustomization::read(tree, root, &|id| self.handle(id), &|id| self.texts.inline(id));
                read.charts = self.charts(root);
                parts.push(DocumentPart::Kustomization(Box::new(read)));
            }
            DocumentStyle::FluxKustomization => {
                parts.push(DocumentPart::Controller(Box::new(self.whole_object(root))));
                let read = applications::flux(tree, root, &|id| self.handle(id), &|id| self.texts.inline(id));
                parts.extend(read.map(|one| DocumentPart::Application(Box::new(one))));
            }
            DocumentStyle::Argocd => {
                self.argocd_parts(
                    tree.at(root, &["spec", "template", "spec"])
                        .or_else(|| tree.get(root, "spec")),
                );
                parts.push(DocumentPart::Controller(Box::new(self.whole_object(root))));
                let block = |id| self.texts.block(id);
                let inline = |id| self.texts.inline(id);
                let read = self.with_shaper(true, |s| applications::argocd(s, root, &inline, &block));
                parts.extend(read.into_iter().map(|one| DocumentPart::Application(Box::new(one))));
            }
            DocumentStyle::ArgocdSource => {
                self.source_parts(root);
                let block = |id| self.texts.block(id);
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
                    embedded::operations_founds(tree, root, &mut self.layered.borrow_mut());
                    let read = self.with_shaper(true, |s| kustomization::operations(s, root));
                    parts.extend(read.map(DocumentPart::Operations));
                } else {
                    parts.push(DocumentPart::Nothing);
                }
            }
            DocumentStyle::Compose => {
                let image = |(id, template): (Id, &str)| TemplatedImage {
                    template: template.to_owned(),
                    at: TextPlace {
                        line: tree.node(id).line,
                        found: self.handle(tree.resolve(id)),
                        file: None,
                    },
                };
                let all: Vec<TemplatedImage> = compose::templates(tree, root).into_iter().map(image).collect();
                parts.extend((!all.is_empty()).then_some(DocumentPart::Compose(all)));
            }
            DocumentStyle::Nothing | DocumentStyle::Chart => {}
        }
    }

    /// An object of which every field counts.
    fn whole_object(&self, root: Id) -> ManifestObject {
        self.with_shaper(true, |shaper| {
            let mut object = objects::read(shaper, root);
            object.whole = shaper.whole(root, "");
            object
        })
    }

    /// A values file, or one of Kustomize's own files, which look the same.
    fn values(&self, root: Id, parts: &mut Vec<DocumentPart>) {
        let tree = self.tree;
        // A patch whose target is named beside it needs no `apiVersion`.
        if tree.text_at(root, &["kind"]).is_some() && tree.at(root, &["metadata", "name"]).is_some() {
            parts.push(DocumentPart::Object(Box::new(self.whole_object(root))));
            return;
        }
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
        parts.push(match shape {
            Shape::Other => DocumentPart::Nothing,
            shape => DocumentPart::Values(shape),
        });
    }

    /// Items of a list of values: names of files, and values.
    fn layers(&self, items: &[Id]) -> Vec<ValuesLayer> {
        let each = items.iter().filter_map(|item| match self.tree.text_of(*item) {
            Some(path) if includes::is_path(path) => Some(ValuesLayer::File {
                path: path.to_owned(),
                from: Origin::Beside,
                url: None,
                missing: MissingFile::MayBeElsewhere,
            }),
            Some("") => None,
            Some(path) => Some(ValuesLayer::Unread(format!(
                "the values file {path} may change it: it comes from elsewhere, or a part of its name is put in"
            ))),
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
            Some((key.to_owned(), self.texts.values(*value, names)?))
        });
        each.collect()
    }
}
