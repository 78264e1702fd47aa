//! Kubernetes objects as a renderer sees them: what identifies them, and their images.

use serde::{Deserialize, Serialize};

use super::image_rules::{self, ImageRule};
use super::includes::{self, Origin};
use super::shape::{MissingFile, Shape, Shaper, TextPlace, ValuesLayer};
use super::tree::Id;

/// The key of `valuesFrom` where none is named.
pub(super) const VALUES_KEY: &str = "values.yaml";

/// One object, or a patch that looks like one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestObject {
    /// `apiVersion`, group and version: `apps/v1`.
    pub api_version: String,
    /// `kind`, for example `Deployment`.
    pub kind: String,
    /// `metadata.name`; empty where there is none.
    pub name: String,
    /// `metadata.namespace`; empty where there is none.
    pub namespace: String,
    /// `metadata.labels`.
    pub labels: Vec<(String, String)>,
    /// `metadata.annotations`.
    pub annotations: Vec<(String, String)>,
    /// What it contains, as far as it has to do with images.
    pub body: Shape,
    /// What it contains, with every field; of objects of controllers, and of patches that may be for them.
    pub whole: Option<Shape>,
    /// Of a `HelmRelease` whose chart lies in the same source: the files below its own values, lowest first.
    pub chart: Vec<ValuesLayer>,
    /// Of a `HelmRelease`: objects with values that are laid over the chart's own and under `values`, in order.
    pub values_from: Vec<ValuesReference>,
    /// Of a `ConfigMap`: the texts that are values, by key.
    pub data: Vec<(String, Shape)>,
    /// Of a `HelmRelease`: the images that its post renderers replace, in order.
    pub post_images: Vec<ImageRule>,
    /// Of a `HelmRelease`: its post renderers patch images in a way that is not followed.
    pub post_patched: bool,
}

/// An entry of a `HelmRelease`'s `valuesFrom`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuesReference {
    /// `ConfigMap` or `Secret`.
    pub kind: String,
    /// The object's name; it lies in the release's namespace.
    pub name: String,
    /// The key whose text is taken.
    pub key: String,
    /// The one value that the text is; `None` = the text is YAML with values.
    pub target_path: Option<String>,
    /// The release is rendered without it where it is not there.
    pub optional: bool,
}

impl ManifestObject {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.body.places(each);
        self.whole.iter_mut().for_each(|whole| whole.places(each));
        self.data.iter_mut().for_each(|(_, values)| values.places(each));
        self.post_images.iter_mut().for_each(|rule| each(&mut rule.at));
    }
}

/// The object at a node. Patches may leave out what identifies them.
pub(super) fn read(shaper: &Shaper<'_>, root: Id) -> ManifestObject {
    let tree = shaper.tree;
    let text = |path: &[&str]| tree.text_at(root, path).unwrap_or_default().to_owned();
    let pairs = |key| {
        let map = tree.at(root, &["metadata", key]);
        let entries = map.map_or(&[][..], |map| tree.entries(map));
        let pair = |(key, value): &(Id, Id)| Some((tree.text_of(*key)?.to_owned(), tree.text_of(*value)?.to_owned()));
        entries.iter().filter_map(pair).collect()
    };
    ManifestObject {
        api_version: text(&["apiVersion"]),
        kind: text(&["kind"]),
        name: text(&["metadata", "name"]),
        namespace: text(&["metadata", "namespace"]),
        labels: pairs("labels"),
        annotations: pairs("annotations"),
        body: shaper.shape(root),
        whole: None,
        chart: chart(shaper, root),
        values_from: values_from(shaper, root),
        data: Vec::new(),
        post_images: post_images(shaper, root),
        post_patched: post_patched(shaper, root),
    }
}

/// Whether a post renderer patches something that may be an image.
fn post_patched(shaper: &Shaper<'_>, root: Id) -> bool {
    let tree = shaper.tree;
    let list = tree
        .at(root, &["spec", "postRenderers"])
        .map_or(&[][..], |id| tree.items(id));
    let patches = ["patches", "patchesStrategicMerge", "patchesJson6902"];
    let mut all = list
        .iter()
        .flat_map(|one| patches.iter().filter_map(|key| tree.at(*one, &["kustomize", key])));
    all.any(|patches| names_an_image(shaper, patches, 0))
}

/// Whether a field or a text in a part of a document speaks of images.
fn names_an_image(shaper: &Shaper<'_>, id: Id, depth: usize) -> bool {
    let tree = shaper.tree;
    let says = |id: Id| tree.text_of(id).is_some_and(|text| text.contains("mage"));
    // What is too deep or too much to be looked through may.
    if depth > 16 || !tree.look(1) || says(id) {
        return true;
    }
    let below = |id: &Id| names_an_image(shaper, *id, depth + 1);
    tree.items(id).iter().any(below) || tree.entries(id).iter().any(|(key, value)| says(*key) || below(value))
}

fn post_images(shaper: &Shaper<'_>, root: Id) -> Vec<ImageRule> {
    let tree = shaper.tree;
    let list = tree
        .at(root, &["spec", "postRenderers"])
        .map_or(&[][..], |id| tree.items(id));
    let images = list.iter().filter_map(|one| tree.at(*one, &["kustomize", "images"]));
    images
        .flat_map(|images| image_rules::read(tree, Some(images), shaper.found))
        .collect()
}

fn values_from(shaper: &Shaper<'_>, root: Id) -> Vec<ValuesReference> {
    let tree = shaper.tree;
    let list = tree
        .at(root, &["spec", "valuesFrom"])
        .map_or(&[][..], |id| tree.items(id));
    let each = list.iter().filter_map(|one| {
        let text = |key| tree.text_at(*one, &[key]);
        Some(ValuesReference {
            kind: text("kind")?.to_owned(),
            name: text("name")?.to_owned(),
            key: text("valuesKey").unwrap_or(VALUES_KEY).to_owned(),
            target_path: text("targetPath").filter(|path| !path.is_empty()).map(str::to_owned),
            optional: text("optional") == Some("true"),
        })
    });
    each.collect()
}

fn chart(shaper: &Shaper<'_>, root: Id) -> Vec<ValuesLayer> {
    let tree = shaper.tree;
    let Some(spec) = tree.at(root, &["spec", "chart", "spec"]) else {
        return Vec::new();
    };
    if tree.text_at(spec, &["sourceRef", "kind"]) == Some("HelmRepository") {
        return Vec::new();
    }
    let folder = tree.text_at(spec, &["chart"]).filter(|path| includes::is_path(path));
    let files = tree.get(spec, "valuesFiles").map_or(&[][..], |id| tree.items(id));
    let files = files.iter().filter_map(|id| tree.text_of(*id).map(str::to_owned));
    let own = folder.map(|folder| format!("{folder}/values.yaml"));
    // Named files take the place of the chart's own.
    let named: Vec<String> = files.collect();
    let ignores = tree.text_at(spec, &["ignoreMissingValuesFiles"]) == Some("true");
    let missing = if named.is_empty() || ignores {
        MissingFile::Skipped
    } else {
        MissingFile::MayBeElsewhere
    };
    let all = if named.is_empty() {
        own.into_iter().collect()
    } else {
        named
    };
    let layer = |path| ValuesLayer::File {
        path,
        from: Origin::Root,
        url: None,
        missing,
    };
    all.into_iter().map(layer).collect()
}
