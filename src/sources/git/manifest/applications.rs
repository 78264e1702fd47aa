//! Objects that deploy a folder of a repository and change images on the way: Argo CD Applications,
//! Flux Kustomizations, and the files that override an Application's source.

use serde::{Deserialize, Serialize};

use super::git_generators::{self, GitGenerator, SourceTemplate};
use super::image_rules::{self, ImageRule, RuleReader};
use super::includes::{self, IncludedFiles, Origin};
use super::kustomization::{self, Kustomization, PatchSource};
use super::shape::{MissingFile, Shape, Shaper, Text, TextPlace, ValuesLayer};
use super::tree::{Id, Tree};

/// A folder that a controller applies, with what it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Which controller.
    pub kind: ApplicationKind,
    /// `metadata.name` of the object.
    pub name: String,
    /// Line, from 1.
    pub line: u32,
    /// URL of the repository; `None` where another object names it.
    pub url: Option<String>,
    /// Folder of the repository; `None` for a chart from elsewhere.
    pub path: Option<String>,
    /// The folder as written, where a part of it is put in when the object is rendered.
    pub pattern: Option<String>,
    /// What is put in, where git generators of an ApplicationSet decide it.
    pub template: Option<Box<SourceTemplate>>,
    /// Why what it makes of the folder cannot be told, if so.
    pub unread: Option<String>,
    /// What of the folder it applies, where that is no kustomization or chart.
    pub what: IncludedFiles,
    /// Names of the other cluster that it deploys to; `None` = the cluster it lives in.
    pub cluster: Option<String>,
    /// What it lays over the kustomization in that folder.
    pub overlay: Kustomization,
    /// Values for the chart in that folder, or from elsewhere.
    pub values: Vec<ValuesLayer>,
}

/// Which controller applies an [`Application`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationKind {
    /// An Application of Argo CD, or the template of an ApplicationSet.
    ArgoCd,
    /// A Kustomization or a HelmRelease of Flux.
    Flux,
}

/// What `.argocd-source.yaml` or `.argocd-source-APP.yaml` says. A list in it takes the place of the
/// Application's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOverride {
    /// `kustomize.images`, if there.
    pub images: Option<Vec<ImageRule>>,
    /// `helm.parameters`, if there.
    pub parameters: Option<Shape>,
    /// `helm.values` and `helm.valuesObject`, those that are there.
    pub values: Vec<Shape>,
}

impl Application {
    /// Calls `each` for every place in it.
    pub(crate) fn each_place(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.places(each);
    }

    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.overlay.places(each);
        self.values.iter_mut().for_each(|layer| layer.places(each));
    }
}

impl SourceOverride {
    pub(super) fn places(&mut self, each: &mut dyn FnMut(&mut TextPlace)) {
        self.images.iter_mut().flatten().for_each(|rule| each(&mut rule.at));
        self.parameters.iter_mut().for_each(|values| values.places(each));
        self.values.iter_mut().for_each(|values| values.places(each));
    }
}

/// A Flux `Kustomization`.
pub(super) fn flux(
    tree: &Tree<'_>,
    root: Id,
    rule: &RuleReader<'_>,
    inline: &dyn Fn(Id) -> PatchSource,
) -> Option<Application> {
    let spec = tree.get(root, "spec")?;
    let path = tree.text_at(spec, &["path"]).unwrap_or(".").to_owned();
    let remote = tree.at(spec, &["kubeConfig"]).is_some();
    let list = |key| tree.get(spec, key).map_or(&[][..], |id| tree.items(id));
    let words = || {
        let names: [&[&str]; 2] = [&["metadata", "name"], &["spec", "kubeConfig", "secretRef", "name"]];
        includes::words(tree, root, &names)
    };
    Some(Application {
        kind: ApplicationKind::Flux,
        name: tree.text_at(root, &["metadata", "name"]).unwrap_or_default().to_owned(),
        line: tree.node(root).line,
        url: None,
        pattern: is_pattern(&path).then(|| path.clone()),
        template: None,
        path: Some(path).filter(|path| includes::is_path(path) && !is_pattern(path)),
        unread: None,
        what: IncludedFiles::Tree,
        cluster: remote.then(words),
        overlay: Kustomization {
            components: list("components")
                .iter()
                .filter_map(|id| tree.text_of(*id).map(str::to_owned))
                .collect(),
            images: image_rules::read(tree, tree.get(spec, "images"), rule),
            patches: {
                let mut all = kustomization::patches(tree, list("patches"), inline);
                all.extend(kustomization::patches(tree, list("patchesJson6902"), inline));
                all
            },
            namespace: tree.text_at(spec, &["targetNamespace"]).unwrap_or_default().to_owned(),
            ..Kustomization::default()
        },
        values: Vec::new(),
    })
}

/// The sources of an Argo CD Application (or of a set's template) that deploy something. `block` reads
/// values that are written as a text.
pub(super) fn argocd(
    shaper: &Shaper<'_>,
    root: Id,
    inline: &dyn Fn(Id) -> PatchSource,
    block: &dyn Fn(Id) -> Option<Shape>,
) -> Vec<Application> {
    let tree = shaper.tree;
    let spec = tree
        .at(root, &["spec", "template", "spec"])
        .or_else(|| tree.get(root, "spec"));
    let Some(spec) = spec else { return Vec::new() };
    let one = tree.get(spec, "source").into_iter();
    let many = tree.get(spec, "sources").map_or(&[][..], |id| tree.items(id));
    let sources: Vec<Id> = one.chain(many.iter().copied()).collect();
    let text = |id: Id, key| tree.get(id, key).and_then(|id| tree.filled(id)).map(str::to_owned);
    let each = sources.iter().filter_map(|&source| {
        let written = text(source, "path");
        let pattern = written.clone().filter(|path| is_pattern(path));
        let path = written.filter(|path| includes::is_path(path) && !is_pattern(path));
        if path.is_none() && pattern.is_none() && tree.get(source, "helm").is_none() {
            return None;
        }
        let recurse = tree.text_at(source, &["directory", "recurse"]) == Some("true");
        let mut values = value_files(tree, source, path.as_deref(), &sources);
        values.extend(
            inline_values(shaper, source, block)
                .into_iter()
                .map(ValuesLayer::Values),
        );
        values.extend(parameters(shaper, source).map(ValuesLayer::Values));
        let kustomize = tree.get(source, "kustomize");
        let list = |key| {
            kustomize
                .and_then(|id| tree.get(id, key))
                .map_or(&[][..], |id| tree.items(id))
        };
        Some(Application {
            kind: ApplicationKind::ArgoCd,
            name: tree.text_at(root, &["metadata", "name"]).unwrap_or_default().to_owned(),
            line: tree.node(source).line,
            url: text(source, "repoURL"),
            what: if recurse {
                IncludedFiles::Tree
            } else {
                IncludedFiles::Folder
            },
            template: template(tree, root, source, &sources).map(Box::new),
            path,
            pattern,
            unread: unread(tree, root, source, block),
            cluster: includes::cluster(tree, root, spec),
            overlay: Kustomization {
                components: list("components")
                    .iter()
                    .filter_map(|id| tree.text_of(*id).map(str::to_owned))
                    .collect(),
                images: images(shaper, list("images")),
                patches: kustomization::patches(tree, list("patches"), inline),
                name_prefix: kustomize.and_then(|id| text(id, "namePrefix")).unwrap_or_default(),
                name_suffix: kustomize.and_then(|id| text(id, "nameSuffix")).unwrap_or_default(),
                namespace: kustomize.and_then(|id| text(id, "namespace")).unwrap_or_default(),
                ..Kustomization::default()
            },
            values,
        })
    });
    each.collect()
}

/// What git generators put into a source.
fn template(tree: &Tree<'_>, root: Id, source: Id, sources: &[Id]) -> Option<SourceTemplate> {
    let path = tree.text_at(source, &["path"]).filter(|path| is_pattern(path))?;
    let files = tree
        .at(source, &["helm", "valueFiles"])
        .map_or(&[][..], |id| tree.items(id));
    let spec = tree.at(root, &["spec", "template", "spec"])?;
    Some(SourceTemplate {
        generators: git_generators::of_set(tree, root)?,
        name: tree
            .text_at(root, &["spec", "template", "metadata", "name"])
            .unwrap_or_default()
            .to_owned(),
        path: path.to_owned(),
        value_files: files
            .iter()
            .filter_map(|id| includes::value_file(tree, tree.text_of(*id)?, Some(path), sources))
            .collect(),
        missing: missing_file(tree, source),
        cluster: includes::cluster(tree, root, spec),
    })
}

impl Application {
    /// The Application for one folder or file of a generator; `None` where it is not known what is put in.
    pub(crate) fn generated(&self, generator: &GitGenerator, place: &str) -> Option<Self> {
        let template = self.template.as_deref()?;
        let fill = |text: &str| generator.fill(text, place);
        let path = fill(&template.path)?;
        let files: Option<Vec<ValuesLayer>> = template
            .value_files
            .iter()
            .map(|file| {
                Some(ValuesLayer::File {
                    path: fill(file)?,
                    from: Origin::Root,
                    url: None,
                    missing: template.missing,
                })
            })
            .collect();
        let mut values = files?;
        let inline = self
            .values
            .iter()
            .filter(|layer| matches!(layer, ValuesLayer::Values(_)));
        values.extend(inline.cloned());
        Some(Self {
            name: fill(&template.name).unwrap_or_else(|| self.name.clone()),
            path: Some(path),
            pattern: None,
            template: None,
            cluster: template
                .cluster
                .as_deref()
                .map(|words| fill(words).unwrap_or_else(|| words.to_owned())),
            values,
            ..self.clone()
        })
    }
}

/// Whether a part of a path is put in when the object is rendered.
fn is_pattern(path: &str) -> bool {
    path.contains("{{") || path.contains("${")
}

/// What of a source decides images in a way that is not followed.
fn unread(tree: &Tree<'_>, root: Id, source: Id, block: &dyn Fn(Id) -> Option<Shape>) -> Option<String> {
    let name = tree.text_at(root, &["metadata", "name"]).unwrap_or_default();
    let generators = tree.at(root, &["spec", "generators"]);
    // `valuesObject` wins over the text, as a whole.
    let text = tree
        .at(source, &["helm", "values"])
        .filter(|id| tree.filled(*id).is_some());
    let text = text.filter(|_| tree.at(source, &["helm", "valuesObject"]).is_none());
    let what = if tree.get(source, "plugin").is_some() {
        "a plug-in renders it"
    } else if text.is_some_and(|id| block(id).is_none()) {
        "its values are a text that cannot be read"
    } else if tree.at(source, &["helm", "fileParameters"]).is_some() {
        "files decide some of its parameters"
    } else if tree.at(root, &["spec", "templatePatch"]).is_some() {
        "its templatePatch may change it"
    } else if generators.is_some_and(|list| has_template(tree, list, 0)) {
        "the template of a generator may change it"
    } else {
        return None;
    };
    Some(format!("{what} (Argo CD's {name})"))
}

/// Whether a generator of a list, or one inside it, brings a template of its own that says something.
fn has_template(tree: &Tree<'_>, list: Id, depth: usize) -> bool {
    let generators = tree.items(list).iter().flat_map(|one| tree.entries(*one));
    depth < 4
        && generators.map(|(_, generator)| *generator).any(|generator| {
            let spec = tree.at(generator, &["template", "spec"]);
            spec.is_some_and(|spec| !tree.entries(spec).is_empty())
                || tree
                    .get(generator, "generators")
                    .is_some_and(|inner| has_template(tree, inner, depth + 1))
        })
}

/// A file that overrides an Application's source.
pub(super) fn source_override(shaper: &Shaper<'_>, root: Id, block: &dyn Fn(Id) -> Option<Shape>) -> SourceOverride {
    let tree = shaper.tree;
    SourceOverride {
        images: tree
            .at(root, &["kustomize", "images"])
            .map(|list| images(shaper, tree.items(list))),
        parameters: parameters(shaper, root),
        values: inline_values(shaper, root, block),
    }
}

/// `kustomize.images`: each is what `kustomize edit set image` takes.
fn images(shaper: &Shaper<'_>, list: &[Id]) -> Vec<ImageRule> {
    let each = list.iter().filter_map(|item| {
        let text = shaper.tree.filled(*item)?;
        let (old, new) = text.split_once('=').map_or((None, text), |(old, new)| (Some(old), new));
        let (rest, digest) = new.split_once('@').unwrap_or((new, ""));
        let last = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[last..].split_once(':') {
            Some((name, tag)) => (&rest[..last + name.len()], tag),
            None => (rest, ""),
        };
        Some(ImageRule {
            name: old.unwrap_or(name).to_owned(),
            new_name: old
                .map(|_| name)
                .filter(|name| *name != "*")
                .unwrap_or_default()
                .to_owned(),
            new_tag: tag.to_owned(),
            digest: digest.to_owned(),
            tag_suffix: String::new(),
            at: shaper.place(*item),
        })
    });
    each.collect()
}

/// What becomes of a source whose value file is not there.
fn missing_file(tree: &Tree<'_>, source: Id) -> MissingFile {
    match tree.text_at(source, &["helm", "ignoreMissingValueFiles"]) {
        Some("true") => MissingFile::Skipped,
        _ => MissingFile::Fails,
    }
}

/// The value files of a source, lowest first, as paths from the repository's root.
fn value_files(tree: &Tree<'_>, source: Id, folder: Option<&str>, sources: &[Id]) -> Vec<ValuesLayer> {
    let list = tree
        .at(source, &["helm", "valueFiles"])
        .map_or(&[][..], |id| tree.items(id));
    let missing = missing_file(tree, source);
    let each = list.iter().filter_map(|id| {
        let written = tree.text_of(*id)?;
        let unread = |why: &str| {
            Some(ValuesLayer::Unread(format!(
                "the values file {written} may change it: {why}"
            )))
        };
        if !includes::is_path(written) || written.contains('*') {
            return unread("it comes from elsewhere, or a part of its name is put in");
        }
        let Some(path) = includes::value_file(tree, written, folder, sources) else {
            return unread("it lies with the chart, which is not in this repository");
        };
        let named = written.strip_prefix('$').and_then(|rest| rest.split_once('/'));
        let of = named.and_then(|(name, _)| sources.iter().find(|s| tree.text_at(**s, &["ref"]) == Some(name)));
        let url = tree.get(*of.unwrap_or(&source), "repoURL");
        Some(ValuesLayer::File {
            path,
            from: Origin::Root,
            url: url.and_then(|id| tree.filled(id)).map(str::to_owned),
            missing,
        })
    });
    each.collect()
}

/// `helm.values`, and `helm.valuesObject`, which wins over it.
fn inline_values(shaper: &Shaper<'_>, source: Id, block: &dyn Fn(Id) -> Option<Shape>) -> Vec<Shape> {
    let at = |key| shaper.tree.at(source, &["helm", key]);
    match (at("values"), at("valuesObject")) {
        (_, Some(object)) => vec![shaper.shape(object)],
        (Some(text), None) if shaper.tree.filled(text).is_some() => block(text).into_iter().collect(),
        (Some(_), None) => Vec::new(),
        (None, None) => Vec::new(),
    }
}

/// `helm.parameters` as values.
fn parameters(shaper: &Shaper<'_>, source: Id) -> Option<Shape> {
    let tree = shaper.tree;
    let list = tree.at(source, &["helm", "parameters"])?;
    let mut out = Shape::Map(Vec::new());
    for item in tree.items(list) {
        let (Some(name), Some(value)) = (tree.text_at(*item, &["name"]), tree.get(*item, "value")) else {
            continue;
        };
        if let Some(text) = tree.text_of(value) {
            let text = Shape::Text(Text {
                value: text.to_owned(),
                at: shaper.place(value),
                inside: None,
            });
            insert(&mut out, &name.split('.').collect::<Vec<_>>(), text);
        }
    }
    Some(out)
}

/// Puts a value at a path of keys, making the mappings in between.
fn insert(into: &mut Shape, path: &[&str], value: Shape) {
    let Some((key, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    if !matches!(into, Shape::Map(_)) {
        *into = Shape::Map(Vec::new());
    }
    let Shape::Map(entries) = into else { return };
    let at = match entries.iter().position(|(known, _)| known == key) {
        Some(at) => at,
        None => {
            entries.push(((*key).to_owned(), Shape::Other));
            entries.len() - 1
        }
    };
    insert(&mut entries[at].1, rest, value);
}
