//! Files and folders of the same repository that a manifest takes in: who else reads a file that is
//! about to be edited. One table for each style.

use serde::{Deserialize, Serialize};

use super::detect::{self, DocumentStyle};
use super::tree::{Id, Kind, Tree};
use super::{compose, dotenv};

/// Something that is taken in, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Include {
    /// The path as written, relative to `from`.
    pub path: String,
    /// What the path is relative to.
    pub from: Origin,
    /// What of it is taken.
    pub what: IncludedFiles,
    /// Environments that the file itself names for it (Helmfile); empty = wherever the file belongs.
    pub environments: Vec<String>,
    /// Names of the other cluster that it is taken for; `None` = wherever the file belongs.
    pub cluster: Option<String>,
}

/// What a path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The folder of the file that names it.
    Beside,
    /// The root of the repository.
    Root,
}

/// What is taken of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IncludedFiles {
    /// The file, or the kustomization in that folder.
    Named,
    /// The kustomization or chart in that folder, else the manifests that lie in it.
    Folder,
    /// The kustomization in that folder, else every manifest below it.
    Tree,
}

/// Paths in a document that contain file names; `[]` = each item, `*` = each value.
type PathFields = &'static [&'static str];

const KUSTOMIZE: PathFields = &[
    "resources.[]",
    "bases.[]",
    "components.[]",
    "crds.[]",
    "configurations.[]",
    "generators.[]",
    "transformers.[]",
    "validators.[]",
    "openapi.path",
    "patches.[].path",
    "patchesStrategicMerge.[]",
    "patchesJson6902.[].path",
    "replacements.[].path",
    "helmCharts.[].valuesFile",
    "helmCharts.[].additionalValuesFiles.[]",
    "helmChartInflationGenerator.[].values",
    "configMapGenerator.[].files.[]",
    "configMapGenerator.[].envs.[]",
    "configMapGenerator.[].env",
    "secretGenerator.[].files.[]",
    "secretGenerator.[].envs.[]",
    "secretGenerator.[].env",
];
const COMPOSE: PathFields = &[
    "include.[]",
    "include.[].path",
    "include.[].path.[]",
    "services.*.extends.file",
    "services.*.env_file",
    "services.*.env_file.[]",
    "services.*.env_file.[].path",
];
const HELMFILE: PathFields = &[
    "bases.[]",
    "helmfiles.[]",
    "helmfiles.[].path",
    "values.[]",
    "releases.[].values.[]",
    "releases.[].secrets.[]",
];
const HELM_RELEASE: PathFields = &["spec.chart.spec.valuesFile", "spec.chart.spec.valuesFiles.[]"];
const ARGOCD_SOURCE: PathFields = &["helm.valueFiles.[]", "helm.fileParameters.[].path"];

/// What keeping a name costs, in places looked at.
const KEPT: usize = 64;

/// What the documents of one file take in.
pub(super) fn read(tree: &Tree<'_>, documents: &[(Id, DocumentStyle)]) -> Vec<Include> {
    let mut out = Vec::new();
    // One document of a helmfile has the environments, another the releases.
    let helmfile = documents.iter().any(|(_, kind)| *kind == DocumentStyle::Helmfile);
    let kind = |kind| match kind {
        DocumentStyle::Values if helmfile => DocumentStyle::Helmfile,
        kind => kind,
    };
    let names: Vec<String> = documents
        .iter()
        .filter(|_| helmfile)
        .filter_map(|(root, _)| tree.get(*root, "environments"))
        .flat_map(|map| tree.entries(map))
        .filter_map(|(name, _)| tree.text_of(*name).map(str::to_owned))
        .collect();
    for (root, style) in documents {
        document(tree, *root, kind(*style), &names, &mut out);
    }
    out
}

fn document(tree: &Tree<'_>, root: Id, kind: DocumentStyle, names: &[String], out: &mut Vec<Include>) {
    let mut beside = |fields: PathFields, environments: &[String]| {
        named(tree, root, fields, Origin::Beside, &mut |include| {
            out.push(Include {
                environments: environments.to_vec(),
                ..include
            });
        });
    };
    match kind {
        DocumentStyle::Kustomize => beside(KUSTOMIZE, &[]),
        DocumentStyle::Compose => {
            beside(COMPOSE, &[]);
            if !compose::templates(tree, root).is_empty() {
                out.push(plain(dotenv::FILE, Origin::Beside, IncludedFiles::Named));
            }
        }
        DocumentStyle::Helmfile => {
            beside(HELMFILE, names);
            for (name, environment) in tree.get(root, "environments").map_or(&[][..], |map| tree.entries(map)) {
                let name = tree.text_of(*name).unwrap_or("").to_owned();
                named(
                    tree,
                    *environment,
                    &["values.[]", "secrets.[]"],
                    Origin::Beside,
                    &mut |include| {
                        out.push(Include {
                            environments: vec![name.clone()],
                            ..include
                        });
                    },
                );
            }
        }
        DocumentStyle::HelmRelease
            if tree.text_at(root, &["spec", "chart", "spec", "sourceRef", "kind"]) != Some("HelmRepository") =>
        {
            named(tree, root, HELM_RELEASE, Origin::Root, &mut |include| out.push(include));
        }
        DocumentStyle::FluxKustomization => {
            let remote = tree.at(root, &["spec", "kubeConfig"]).is_some();
            let cluster = remote.then(|| {
                words(
                    tree,
                    root,
                    &[&["metadata", "name"], &["spec", "kubeConfig", "secretRef", "name"]],
                )
            });
            let path = tree.text_at(root, &["spec", "path"]);
            out.extend(path.filter(|path| is_path(path)).map(|path| Include {
                cluster,
                ..plain(path, Origin::Root, IncludedFiles::Tree)
            }));
        }
        DocumentStyle::Argocd => {
            if let Some(spec) = tree
                .at(root, &["spec", "template", "spec"])
                .or_else(|| tree.get(root, "spec"))
            {
                application(tree, root, spec, out);
            }
        }
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let kind = detect::document("", tree, *item);
                if kind != DocumentStyle::List {
                    document(tree, *item, kind, names, out);
                }
            }
        }
        _ => {}
    }
}

/// An Application's sources: their folders, and value files relative to them or to another source.
fn application(tree: &Tree<'_>, root: Id, spec: Id, out: &mut Vec<Include>) {
    let one = tree.get(spec, "source").into_iter();
    let many = tree.get(spec, "sources").map_or(&[][..], |id| tree.items(id));
    let sources: Vec<Id> = one.chain(many.iter().copied()).collect();
    let text = |source: Id, key| tree.get(source, key).and_then(|id| tree.filled(id));
    let cluster = cluster(tree, root, spec);
    let mut add = |include: Include| {
        out.push(Include {
            cluster: cluster.clone(),
            ..include
        });
    };
    for &source in &sources {
        let folder = text(source, "path").filter(|path| is_path(path));
        if let Some(path) = folder {
            let recurse = tree.text_at(source, &["directory", "recurse"]) == Some("true");
            add(plain(
                path,
                Origin::Root,
                if recurse {
                    IncludedFiles::Tree
                } else {
                    IncludedFiles::Folder
                },
            ));
        }
        named(tree, source, ARGOCD_SOURCE, Origin::Root, &mut |include| {
            let path = value_file(tree, &include.path, folder, &sources);
            if let Some(path) = path {
                add(Include { path, ..include });
            }
        });
    }
}

/// A value file of an Application's source, from the root of the repository: relative to the source's folder,
/// or to another source (`$name/`).
pub(super) fn value_file(tree: &Tree<'_>, path: &str, folder: Option<&str>, sources: &[Id]) -> Option<String> {
    let other = path.strip_prefix('$').and_then(|rest| rest.split_once('/'));
    match (other, folder) {
        (Some((name, path)), _) => {
            let known = sources.iter().any(|s| tree.text_at(*s, &["ref"]) == Some(name));
            known.then(|| path.to_owned())
        }
        (None, Some(folder)) if !path.starts_with('/') => Some(format!("{folder}/{path}")),
        (None, Some(_)) => Some(path.to_owned()),
        (None, None) => None,
    }
}

/// Names of the other cluster that an Application deploys to; `None` = the cluster it lives in.
pub(super) fn cluster(tree: &Tree<'_>, root: Id, spec: Id) -> Option<String> {
    let here = tree.text_at(spec, &["destination", "server"]) == Some("https://kubernetes.default.svc")
        || tree.text_at(spec, &["destination", "name"]) == Some("in-cluster");
    (!here && tree.get(spec, "destination").is_some()).then(|| {
        let names: [&[&str]; 4] = [
            &["destination", "name"],
            &["destination", "server"],
            &["destination", "namespace"],
            &["project"],
        ];
        let mut words = words(tree, spec, &names);
        words.push_str(tree.text_at(root, &["metadata", "name"]).unwrap_or(""));
        words
    })
}

/// Texts that say which cluster something goes to.
pub(super) fn words(tree: &Tree<'_>, from: Id, paths: &[&[&str]]) -> String {
    let texts = paths.iter().filter_map(|path| tree.text_at(from, path));
    texts.flat_map(|text| [text, " "]).collect()
}

fn plain(path: &str, from: Origin, what: IncludedFiles) -> Include {
    Include {
        path: path.to_owned(),
        from,
        what,
        environments: Vec::new(),
        cluster: None,
    }
}

/// Every file name under these fields.
fn named(tree: &Tree<'_>, root: Id, fields: PathFields, from: Origin, add: &mut dyn FnMut(Include)) {
    for field in fields {
        let steps: Vec<&str> = field.split('.').collect();
        each(tree, root, &steps, &mut |id| {
            let Some(text) = tree.text_of(id) else { return };
            // Generators name a key for the file's content.
            let path = text.split_once('=').map_or(text, |(_, path)| path);
            if is_path(path) && tree.look(KEPT) {
                add(plain(path, from, IncludedFiles::Named));
            }
        });
    }
}

fn each(tree: &Tree<'_>, id: Id, steps: &[&str], found: &mut dyn FnMut(Id)) {
    // Aliases of large lists multiply what there is to see.
    if !tree.look(1) {
        return;
    }
    match steps {
        [] => {
            if matches!(tree.node(tree.resolve(id)).kind, Kind::Scalar(..)) {
                found(id);
            }
        }
        ["[]", rest @ ..] => {
            for item in tree.items(id) {
                each(tree, *item, rest, found);
            }
        }
        ["*", rest @ ..] => {
            for (_, value) in tree.entries(id) {
                each(tree, *value, rest, found);
            }
        }
        [key, rest @ ..] => {
            if let Some(value) = tree.get(id, key) {
                each(tree, value, rest, found);
            }
        }
    }
}

/// No URL, no template, no text of several lines.
pub(super) fn is_path(text: &str) -> bool {
    !text.is_empty()
        && !text.contains("://")
        && !text.contains("?ref=")
        && !text.contains("{{")
        && !text.contains(['\n', '\r'])
}
