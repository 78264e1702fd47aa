//! From where controllers and Compose take what they apply: what is applied there is another thing as soon as one of
//! these fields says something else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::detect::DocumentStyle;
use super::tree::{Id, Tree};
use crate::domain::id::Digest;

/// Tells kind, namespace and name of an object.
pub(super) type NameOf = fn(&Tree<'_>, Id) -> Option<String>;

/// Where one object takes what it applies from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppliedSource {
    /// Kind, namespace and name; empty for a Compose file.
    pub object: String,
    /// The kind of object.
    pub kind: AppliedSourceKind,
    /// Line, from 1.
    pub line: u32,
    /// Every field that decides the source, by its path in the object.
    pub fields: BTreeMap<String, String>,
}

/// What an [`AppliedSource`] is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AppliedSourceKind {
    /// It applies a folder of a repository.
    Folder,
    /// It applies a chart, of which only the values are read.
    Chart,
    /// It stands for a repository that others apply folders or charts of.
    Repository,
    /// A Compose file that takes in others, or builds what its services run.
    Compose,
    /// A `ConfigMap` or `Secret`: its fields are its keys, for those whose objects take variables or values from it.
    Data,
}

/// Fields that are kept of one object, and nodes that are looked at for them.
const MAX_FIELDS: usize = 200;
const MAX_NODES: usize = 5_000;

/// Keys that are kept of one object's data, and the longest value that is kept as it is.
const MAX_KEYS: usize = 2_000;
const LONGEST_VALUE: usize = 200;

/// The field of a `HelmRelease` that names objects with values. It decides no source: what the objects say is read, or
/// compared where it cannot be.
pub(crate) const VALUES_FROM: &str = "valuesFrom";

/// Fields in which images, values and words for people stand: those are read elsewhere, or decide nothing.
const READ_ELSEWHERE: [&str; 12] = [
    "values",
    "valuesObject",
    "images",
    "patches",
    "parameters",
    "info",
    "metadata",
    "healthChecks",
    "healthCheckExprs",
    "ignoreDifferences",
    "destination",
    "syncPolicy",
];

/// Fields that name a source.
const SOURCES: [&str; 16] = [
    "repoURL",
    "targetRevision",
    "chart",
    "url",
    "ref",
    "sourceRef",
    "chartRef",
    "sourceHydrator",
    "plugin",
    "substitute",
    "substituteFrom",
    "bucketName",
    "endpoint",
    "include",
    "sparseCheckout",
    "ignore",
];

/// The sources of one document.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: DocumentStyle, name: NameOf, out: &mut Vec<AppliedSource>) {
    let mut fields = BTreeMap::new();
    let mut budget = MAX_NODES;
    if kind == DocumentStyle::Compose {
        if let Some(include) = tree.get(root, "include") {
            walk(tree, include, "include", true, &mut fields, &mut budget);
        }
        for (key, service) in tree.get(root, "services").map_or(&[][..], |id| tree.entries(id)) {
            let (Some(service_name), Some(extends)) = (tree.text_of(*key), tree.get(*service, "extends")) else {
                continue;
            };
            if let Some(file) = tree.text_at(extends, &["file"]) {
                fields.insert(format!("services.{service_name}.extends.file"), file.to_owned());
            }
        }
        builds(tree, root, &mut fields);
        fields.retain(|path, _| !path.ends_with(".env_file") && !path.ends_with(".project_directory"));
        if !fields.is_empty() {
            let line = tree.node(root).line;
            out.push(AppliedSource {
                object: String::new(),
                kind: AppliedSourceKind::Compose,
                line,
                fields,
            });
        }
        return;
    }
    let is_source = || {
        let group = tree.text_at(root, &["apiVersion"]).unwrap_or_default();
        group.starts_with("source.toolkit.fluxcd.io/")
    };
    if kind == DocumentStyle::Kubernetes
        && let Some(data) = data(tree, root)
    {
        out.push(data);
        return;
    }
    let source_kind = match kind {
        DocumentStyle::Argocd | DocumentStyle::FluxKustomization => AppliedSourceKind::Folder,
        DocumentStyle::HelmRelease => AppliedSourceKind::Chart,
        DocumentStyle::Kubernetes if is_source() => AppliedSourceKind::Repository,
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let kind = super::detect::document("", tree, *item);
                if kind != DocumentStyle::List {
                    read(tree, *item, kind, name, out);
                }
            }
            return;
        }
        _ => return,
    };
    let (Some(object), Some(spec)) = (name(tree, root), tree.get(root, "spec")) else {
        return;
    };
    walk(tree, spec, "", false, &mut fields, &mut budget);
    if source_kind == AppliedSourceKind::Chart
        && let Some(values) = tree.get(spec, VALUES_FROM)
    {
        walk(tree, values, VALUES_FROM, true, &mut fields, &mut budget);
    }
    // The version of a chart from elsewhere is bumped every day, and its values are read as before.
    let charts: Vec<String> = fields
        .keys()
        .filter_map(|path| path.strip_suffix("chart").map(str::to_owned))
        .collect();
    fields.retain(|path, _| {
        let is_version = path
            .strip_suffix("targetRevision")
            .is_some_and(|above| charts.iter().any(|one| one == above));
        let last = path.rsplit('.').next().unwrap_or(path);
        let is_other = matches!(last, "version" | "interval" | "reconcileStrategy") && path.starts_with("chart.spec.");
        !is_version && !is_other && !path.starts_with("chart.spec.valuesFile")
    });
    out.push(AppliedSource {
        object,
        kind: source_kind,
        line: tree.node(root).line,
        fields,
    });
}

/// What services of a Compose file are built of that name an image, too: the image that is built has its name then.
fn builds(tree: &Tree<'_>, root: Id, fields: &mut BTreeMap<String, String>) {
    for (key, service) in tree.get(root, "services").map_or(&[][..], |id| tree.entries(id)) {
        let (Some(name), Some(build)) = (tree.text_of(*key), tree.get(*service, "build")) else {
            continue;
        };
        if tree.get(*service, "image").is_none() || fields.len() >= MAX_FIELDS {
            continue;
        }
        let context = tree.text_of(build).or_else(|| tree.text_at(build, &["context"]));
        let context = context.unwrap_or(".").trim_end_matches('/');
        // The whole folder would be touched by every change.
        let context = match context {
            "." | "" => format!("a build of {name} here"),
            other => other.to_owned(),
        };
        fields.insert(format!("services.{name}.build"), context);
        for inline in ["dockerfile", "dockerfile_inline", "target"] {
            if let Some(text) = tree.text_at(build, &[inline]) {
                let digest = Digest::of(text.as_bytes()).short();
                fields.insert(
                    format!("services.{name}.build.{inline}"),
                    format!("a build of {name} ({inline} {digest})"),
                );
            }
        }
    }
}

/// The keys of a `ConfigMap` or `Secret`.
fn data(tree: &Tree<'_>, root: Id) -> Option<AppliedSource> {
    let kind = tree
        .text_at(root, &["kind"])
        .filter(|kind| matches!(*kind, "ConfigMap" | "Secret"))?;
    let name = tree.text_at(root, &["metadata", "name"])?;
    let mut fields = BTreeMap::new();
    for part in ["data", "stringData", "binaryData"] {
        for (key, value) in tree.get(root, part).map_or(&[][..], |id| tree.entries(id)) {
            let Some(key) = tree.text_of(*key).filter(|_| fields.len() < MAX_KEYS) else {
                continue;
            };
            let text = tree.text_of(*value).unwrap_or_default();
            let kept = if text.len() <= LONGEST_VALUE {
                text.to_owned()
            } else {
                Digest::of(text.as_bytes()).to_string()
            };
            fields.insert(format!("{part}.{key}"), kept);
        }
    }
    Some(AppliedSource {
        object: format!("{kind} {name}"),
        kind: AppliedSourceKind::Data,
        line: tree.node(root).line,
        fields,
    })
}

fn walk(tree: &Tree<'_>, id: Id, path: &str, is_wanted: bool, out: &mut BTreeMap<String, String>, budget: &mut usize) {
    if *budget == 0 || out.len() >= MAX_FIELDS {
        return;
    }
    *budget -= 1;
    if let Some(text) = tree.text_of(id) {
        if is_wanted || text.contains("://") {
            out.insert(path.to_owned(), text.to_owned());
        }
        return;
    }
    for (at, item) in tree.items(id).iter().enumerate() {
        walk(tree, *item, &format!("{path}[{at}]"), is_wanted, out, budget);
    }
    for (key, value) in tree.entries(id) {
        let Some(key) = tree.text_of(*key) else { continue };
        if READ_ELSEWHERE.contains(&key) {
            continue;
        }
        let below = if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        };
        walk(tree, *value, &below, is_wanted || SOURCES.contains(&key), out, budget);
    }
}
