//! What a kustomization says about images: what it takes in, how it patches it, and which images it
//! replaces. The render itself is the engine's.

use serde::{Deserialize, Serialize};

use super::image_rules::{self, ImageRule, RuleReader};
use super::objects::{self, ManifestObject};
use super::shape::{Shape, Shaper, TextPlace, ValuesLayer};
use super::tree::{Id, Kind, Tree};

/// A `Kustomization` or `Component`, or what another tool hands to Kustomize.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kustomization {
    /// It is a `Component`: it changes what its user has.
    pub component: bool,
    /// `configMapGenerator`, as far as it is made of files.
    pub config_maps: Vec<GeneratedConfigMap>,
    /// `resources` and `bases`, as written.
    pub resources: Vec<String>,
    /// `components`, as written.
    pub components: Vec<String>,
    /// `images`, in order.
    pub images: Vec<ImageRule>,
    /// `patchesStrategicMerge`, `patches` and `patchesJson6902`, in the order in which they count.
    pub patches: Vec<PatchRule>,
    /// `replacements`, as far as they write images.
    pub replacements: Vec<Replacement>,
    /// Paths of the files that `replacements` names, as written.
    pub replacement_files: Vec<String>,
    /// Files of `configurations`.
    pub configurations: Vec<String>,
    /// `transformers`: files or folders of plug-ins.
    pub transformers: Vec<String>,
    /// `namePrefix`, put in front of the names of objects; empty where there is none.
    pub name_prefix: String,
    /// `nameSuffix`, put behind the names of objects; empty where there is none.
    pub name_suffix: String,
    /// `namespace`, given to all objects; empty where there is none.
    pub namespace: String,
    /// Labels that it gives to every object.
    pub labels: Vec<(String, String)>,
    /// Annotations that it gives to every object.
    pub annotations: Vec<(String, String)>,
    /// Values of each of its `helmCharts`, lowest first.
    pub charts: Vec<Vec<ValuesLayer>>,
    /// It makes objects that no file of the repository shows: charts, generators.
    pub generates: bool,
    /// What makes them: files and folders of generators, and charts, each by its name and where it is from.
    pub generated: Vec<GeneratedFrom>,
    /// It brings a schema of its own (`openapi`), which decides how lists are merged.
    pub has_schema: bool,
}

/// What makes objects that no file of the repository shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedFrom {
    /// Its name and where it is from, as written.
    pub name: String,
    /// The file or folder, as far as it lies beside the kustomization.
    pub path: Option<String>,
}

/// A patch and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchRule {
    /// Its target; without one a patch names its object itself.
    pub target: Option<PatchTarget>,
    /// What it changes.
    pub from: PatchSource,
}

/// A `ConfigMap` that a kustomization makes of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedConfigMap {
    /// Its name, before a hash of its content is put behind it.
    pub name: String,
    /// Its namespace, empty where none is written.
    pub namespace: String,
    /// Its keys are put to those of one that is there already.
    pub merges: bool,
    /// Each key with the path of its file, as written.
    pub files: Vec<(String, String)>,
}

/// Where a patch stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatchSource {
    /// In this file, as written.
    File(String),
    /// In the kustomization itself.
    Inline(Vec<Patch>),
    /// In the kustomization itself, in a way that cannot be read.
    Unread,
}

/// A patch, by the way in which it says what to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Patch {
    /// A strategic merge.
    Merge(Box<ManifestObject>),
    /// JSON 6902 operations.
    Operations(Vec<Operation>),
}

/// One JSON 6902 operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// `add`, `replace`, `remove`, `copy`, `move` or `test`.
    pub op: String,
    /// The path, taken apart, escapes undone.
    pub path: Vec<String>,
    /// Of `copy` and `move`: where from.
    pub from: Vec<String>,
    /// The new value, as far as it has to do with images.
    pub value: Shape,
    /// The new value with everything in it; `None` where it is too large, or where there is none.
    pub whole: Option<Shape>,
}

/// Which objects a patch or a replacement is for. Empty = any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PatchTarget {
    /// API group, as a regular expression; empty = any.
    pub group: String,
    /// API version, as a regular expression; empty = any.
    pub version: String,
    /// Kind of the objects, as a regular expression; empty = any.
    pub kind: String,
    /// A regular expression for the name.
    pub name: String,
    /// A regular expression for the namespace.
    pub namespace: String,
    /// A label selector.
    pub labels: String,
    /// A selector of annotations.
    pub annotations: String,
}

/// A target of `replacements`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Which objects.
    pub target: PatchTarget,
    /// The fields that it writes, as written.
    pub fields: Vec<String>,
    /// Whether one of them may be an image of a workload.
    pub writes_images: bool,
}

/// A field that a `configurations` file adds to what `images` changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// API group; empty = any.
    pub group: String,
    /// API version; empty = any.
    pub version: String,
    /// Kind; empty = any.
    pub kind: String,
    /// The path; `[]` after a name stands for each item.
    pub path: Vec<String>,
}

impl Kustomization {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.images.iter_mut().for_each(|rule| each(&mut rule.at));
        self.charts.iter_mut().flatten().for_each(|layer| layer.places(each));
        for patch in &mut self.patches {
            if let PatchSource::Inline(patches) = &mut patch.from {
                patches.iter_mut().for_each(|patch| patch.places(each));
            }
        }
    }
}

impl Patch {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        match self {
            Self::Merge(object) => object.places(each),
            Self::Operations(all) => all.iter_mut().for_each(|one| one.places(each)),
        }
    }
}

impl Operation {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.value.places(each);
        self.whole.iter_mut().for_each(|whole| whole.places(each));
    }
}

/// A generator or a chart.
fn generated(tree: &Tree<'_>, id: Id) -> GeneratedFrom {
    if let Some(path) = tree.text_of(id) {
        return GeneratedFrom {
            name: path.to_owned(),
            path: (!path.contains('\n')).then(|| path.to_owned()),
        };
    }
    let text = |key| tree.text_at(id, &[key]).unwrap_or_default();
    let name = format!(
        "{}{} {}{}",
        text("name"),
        text("chartName"),
        text("repo"),
        text("chartRepoUrl")
    );
    let is_local = text("repo").is_empty() && text("chartRepoUrl").is_empty();
    GeneratedFrom {
        path: is_local.then(|| format!("charts/{}{}", text("name"), text("chartName"))),
        name: name.trim().to_owned(),
    }
}

/// Reads a kustomization. `inline` reads the text of a patch.
pub(super) fn read(
    tree: &Tree<'_>,
    root: Id,
    rule: &RuleReader<'_>,
    inline: &dyn Fn(Id) -> PatchSource,
) -> Kustomization {
    let list = |key| tree.get(root, key).map_or(&[][..], |id| tree.items(id));
    let texts = |key| -> Vec<String> {
        let all = list(key).iter().filter_map(|id| tree.text_of(*id));
        all.map(str::to_owned).collect()
    };
    let text = |key| tree.text_at(root, &[key]).unwrap_or_default().to_owned();
    let generators = ["generators", "helmCharts", "helmChartInflationGenerator"];
    let mut resources = texts("resources");
    resources.extend(texts("bases"));
    let replacements = list("replacements");
    let mut out = Kustomization {
        component: tree.text_at(root, &["kind"]) == Some("Component"),
        config_maps: list("configMapGenerator")
            .iter()
            .map(|one| config_map(tree, *one))
            .collect(),
        resources,
        components: texts("components"),
        images: image_rules::read(tree, tree.get(root, "images"), rule),
        patches: Vec::new(),
        replacements: replacements
            .iter()
            .flat_map(|one| self::replacements(tree, *one))
            .collect(),
        replacement_files: replacements
            .iter()
            .filter_map(|one| tree.text_at(*one, &["path"]).map(str::to_owned))
            .collect(),
        configurations: texts("configurations"),
        transformers: texts("transformers"),
        name_prefix: text("namePrefix"),
        name_suffix: text("nameSuffix"),
        namespace: text("namespace"),
        labels: labels(tree, root),
        annotations: tree
            .get(root, "commonAnnotations")
            .map_or_else(Vec::new, |map| pairs(tree, map)),
        charts: Vec::new(),
        generates: generators.iter().any(|key| !list(key).is_empty()),
        generated: generators
            .iter()
            .flat_map(|key| list(key).iter().map(|one| generated(tree, *one)))
            .collect(),
        has_schema: tree.at(root, &["openapi", "path"]).is_some(),
    };
    for id in list("patchesStrategicMerge") {
        let from = match tree.text_of(*id) {
            Some(path) if !path.contains('\n') => PatchSource::File(path.to_owned()),
            _ => inline(*id),
        };
        out.patches.push(PatchRule { target: None, from });
    }
    out.patches.extend(patches(tree, list("patches"), inline));
    out.patches.extend(patches(tree, list("patchesJson6902"), inline));
    if is_miswritten(tree, root, 0) {
        let (target, from) = (None, PatchSource::Unread);
        out.patches.push(PatchRule { target, from });
    }
    out
}

fn config_map(tree: &Tree<'_>, one: Id) -> GeneratedConfigMap {
    let text = |key| tree.text_at(one, &[key]).unwrap_or_default().to_owned();
    let files = tree.get(one, "files").map_or(&[][..], |id| tree.items(id));
    let file = |id: &Id| {
        let written = tree.text_of(*id)?;
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let keyed = written
            .split_once('=')
            .map(|(key, path)| (key.to_owned(), path.to_owned()));
        Some(keyed.unwrap_or_else(|| (name(written), written.to_owned())))
    };
    GeneratedConfigMap {
        name: text("name"),
        namespace: text("namespace"),
        merges: tree.text_at(one, &["behavior"]) == Some("merge"),
        files: files.iter().filter_map(file).collect(),
    }
}

/// The labels that a kustomization gives to every object.
fn labels(tree: &Tree<'_>, root: Id) -> Vec<(String, String)> {
    let common = tree.get(root, "commonLabels").into_iter();
    let each = tree.get(root, "labels").map_or(&[][..], |id| tree.items(id));
    let each = each.iter().filter_map(|one| tree.get(*one, "pairs"));
    common.chain(each).flat_map(|map| pairs(tree, map)).collect()
}

/// The entries of a mapping of texts.
fn pairs(tree: &Tree<'_>, map: Id) -> Vec<(String, String)> {
    let entries = tree.entries(map).iter();
    let pair = |(key, value): &(Id, Id)| Some((tree.text_of(*key)?.to_owned(), tree.text_of(*value)?.to_owned()));
    entries.filter_map(pair).collect()
}

/// Fields that decide what becomes of images.
const DECIDING: [&str; 23] = [
    "resources",
    "bases",
    "components",
    "images",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "replacements",
    "configurations",
    "transformers",
    "generators",
    "helmCharts",
    "name",
    "newName",
    "newTag",
    "digest",
    "tagSuffix",
    "target",
    "targets",
    "path",
    "patch",
    "select",
    "kind",
];

/// Whether a field that decides what becomes of images is written in another case. Kustomize takes it all the
/// same; read here, it would say nothing.
fn is_miswritten(tree: &Tree<'_>, id: Id, depth: usize) -> bool {
    if depth > 4 || !tree.look(1) {
        return false;
    }
    let below = |id: &Id| is_miswritten(tree, *id, depth + 1);
    tree.items(id).iter().any(below)
        || tree.entries(id).iter().any(|(key, value)| {
            let key = tree.text_of(*key).unwrap_or_default();
            let is_other_case = |known: &&str| known.eq_ignore_ascii_case(key) && **known != *key;
            DECIDING.iter().any(is_other_case) || DECIDING.contains(&key) && below(value)
        })
}

/// Reads a list of `{target, path}` and `{target, patch}`.
pub(super) fn patches(tree: &Tree<'_>, list: &[Id], inline: &dyn Fn(Id) -> PatchSource) -> Vec<PatchRule> {
    let each = list.iter().filter_map(|one| {
        let from = match (tree.text_at(*one, &["path"]), tree.get(*one, "patch")) {
            (Some(path), _) if !path.is_empty() => PatchSource::File(path.to_owned()),
            (_, Some(id)) => inline(id),
            _ => return None,
        };
        let target = tree.get(*one, "target").map(|id| target(tree, id));
        Some(PatchRule { target, from })
    });
    each.collect()
}

fn target(tree: &Tree<'_>, id: Id) -> PatchTarget {
    let text = |key| tree.text_at(id, &[key]).unwrap_or_default().to_owned();
    PatchTarget {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        name: text("name"),
        namespace: text("namespace"),
        labels: text("labelSelector"),
        annotations: text("annotationSelector"),
    }
}

/// The targets of one replacement.
pub(super) fn replacements(tree: &Tree<'_>, one: Id) -> Vec<Replacement> {
    let targets = tree.get(one, "targets").map_or(&[][..], |id| tree.items(id));
    let each = targets.iter().map(|id| {
        let paths = tree.get(*id, "fieldPaths").map_or(&[][..], |id| tree.items(id));
        let fields: Vec<String> = paths
            .iter()
            .filter_map(|path| tree.text_of(*path).map(str::to_owned))
            .collect();
        let is_image = |path: &String| {
            let path = path.to_ascii_lowercase();
            path.contains("image") || path.contains("containers") || is_above_containers(&path)
        };
        Replacement {
            target: tree
                .get(*id, "select")
                .map(|select| target(tree, select))
                .unwrap_or_default(),
            writes_images: fields.iter().any(is_image),
            fields,
        }
    });
    each.collect()
}

/// Whether a field path names a part of an object that its containers are in.
fn is_above_containers(path: &str) -> bool {
    path.split('.')
        .all(|step| matches!(step, "spec" | "template" | "jobtemplate" | "*"))
}

/// A list of JSON 6902 operations, if the node is one.
pub(super) fn operations(shaper: &Shaper<'_>, root: Id) -> Option<Vec<Operation>> {
    let tree = shaper.tree;
    let items = tree.items(root);
    if items.is_empty() || !items.iter().all(|item| is_operation(tree, *item)) {
        return None;
    }
    let each = items.iter().map(|item| {
        let path = pointer(tree.text_at(*item, &["path"]).unwrap_or_default());
        let last = path.last().cloned().unwrap_or_default();
        let value = match tree.get(*item, "value") {
            None => Shape::Other,
            Some(id) if tree.text_of(id).is_some() && !matches!(last.as_str(), "name" | "namespace") => {
                match tree.filled(id) {
                    Some(text) => Shape::Text(super::shape::Text {
                        value: text.to_owned(),
                        at: shaper.place(id),
                        inside: None,
                    }),
                    None => Shape::Null,
                }
            }
            Some(id) => shaper.shape(id),
        };
        Operation {
            op: tree.text_at(*item, &["op"]).unwrap_or_default().to_owned(),
            from: pointer(tree.text_at(*item, &["from"]).unwrap_or_default()),
            whole: tree.get(*item, "value").and_then(|id| shaper.whole(id, &last)),
            path,
            value,
        }
    });
    Some(each.collect())
}

/// Whether a node is a JSON 6902 operation.
pub(super) fn is_operation(tree: &Tree<'_>, item: Id) -> bool {
    matches!(tree.node(tree.resolve(item)).kind, Kind::Map(..))
        && tree.text_at(item, &["path"]).is_some_and(|path| path.starts_with('/'))
        && matches!(
            tree.text_at(item, &["op"]),
            Some("add" | "replace" | "remove" | "copy" | "move" | "test")
        )
}

/// A JSON pointer, taken apart.
fn pointer(text: &str) -> Vec<String> {
    let steps = text.split('/').skip(1);
    steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// The patches of a text or file: merges and operations.
pub(super) fn patch_documents(shaper: &Shaper<'_>) -> Vec<Patch> {
    let each = shaper.tree.roots.iter().map(|root| match operations(shaper, *root) {
        Some(operations) => Patch::Operations(operations),
        None => {
            let mut object = objects::read(shaper, *root);
            object.whole = shaper.whole(*root, "");
            Patch::Merge(Box::new(object))
        }
    });
    each.collect()
}

/// The fields that a `configurations` file adds for images.
pub(super) fn field_specs(tree: &Tree<'_>, root: Id) -> Vec<FieldSpec> {
    let items = tree.get(root, "images").map_or(&[][..], |id| tree.items(id));
    let each = items.iter().filter_map(|item| {
        let text = |key| tree.text_at(*item, &[key]).unwrap_or_default().to_owned();
        let path = Some(text("path")).filter(|path| !path.is_empty())?;
        Some(FieldSpec {
            group: text("group"),
            version: text("version"),
            kind: text("kind"),
            path: path.split('/').map(str::to_owned).collect(),
        })
    });
    each.collect()
}
