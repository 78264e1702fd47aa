//! Which style a document is written in.

use super::tree::{Id, Kind, Tree};

/// The style of one document, in the order in which the rules are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentStyle {
    /// Nothing in it is a pin: CustomResourceDefinitions describe images, they name none.
    Nothing,
    /// Image-promoter lists.
    Promoter,
    /// A `Kustomization` of Flux (`kustomize.toolkit.fluxcd.io`), not of Kustomize.
    FluxKustomization,
    /// Flux `HelmRelease`.
    HelmRelease,
    /// Flux `OCIRepository`.
    OciRepository,
    /// `Kustomization` or `Component`, by kind or by file name.
    Kustomize,
    /// Argo CD `Application` or `ApplicationSet`.
    Argocd,
    /// `.argocd-source.yaml` or `.argocd-source-APP.yaml`.
    ArgocdSource,
    /// Any other object with apiVersion and kind.
    Kubernetes,
    /// A Kubernetes list: each item is a document.
    List,
    /// A Helmfile, known by its file name or by `releases`.
    Helmfile,
    /// A Compose file, known by its file name or by `services`.
    Compose,
    /// A Helm values file, or any other mapping.
    Values,
    /// `Chart.yaml`.
    Chart,
    /// A document whose root is no mapping.
    Other,
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Tells the style of the document at `root`.
pub(super) fn document(path: &str, tree: &Tree<'_>, root: Id) -> DocumentStyle {
    if super::promoter::matches(tree, root) {
        return DocumentStyle::Promoter;
    }
    if !matches!(tree.node(root).kind, Kind::Map(..)) {
        let is_map = |id: &Id| matches!(tree.node(tree.resolve(*id)).kind, Kind::Map(..));
        let items = tree.items(root);
        let is_list = !items.is_empty() && items.iter().all(is_map) && !path.ends_with(".json");
        let is_patch = || {
            items
                .iter()
                .all(|item| tree.get(*item, "op").is_some() && tree.get(*item, "path").is_some())
        };
        return if is_list && !is_patch() {
            DocumentStyle::Values
        } else {
            DocumentStyle::Other
        };
    }
    let text = |key| tree.get(root, key).and_then(|id| tree.filled(id));
    let name = file_name(path);
    if let (Some(api), Some(kind)) = (text("apiVersion"), text("kind")) {
        return object(tree, root, api, kind);
    }
    if matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
        || matches!(text("kind"), Some("Kustomization" | "Component")) && tree.get(root, "images").is_some()
    {
        return DocumentStyle::Kustomize;
    }
    if path.ends_with(".json") && !compose_name(name) && !values_name(name) {
        // package.json and its kind have `repository` and `version` of another meaning.
        return DocumentStyle::Other;
    }
    if name.starts_with(".argocd-source") {
        return DocumentStyle::ArgocdSource;
    }
    if name == "Chart.yaml" {
        return DocumentStyle::Chart;
    }
    if is_helmfile(tree, root, name) {
        return DocumentStyle::Helmfile;
    }
    if is_compose(tree, root, name) {
        return DocumentStyle::Compose;
    }
    DocumentStyle::Values
}

fn object(tree: &Tree<'_>, root: Id, api: &str, kind: &str) -> DocumentStyle {
    let group = api.split('/').next().unwrap_or(api);
    match (group, kind) {
        (_, "CustomResourceDefinition") => DocumentStyle::Nothing,
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => DocumentStyle::FluxKustomization,
        ("helm.toolkit.fluxcd.io", "HelmRelease") => DocumentStyle::HelmRelease,
        ("source.toolkit.fluxcd.io", "OCIRepository") => DocumentStyle::OciRepository,
        ("kustomize.config.k8s.io", _) => DocumentStyle::Kustomize,
        ("argoproj.io", "Application" | "ApplicationSet") => DocumentStyle::Argocd,
        (_, kind) if kind.ends_with("List") && tree.get(root, "items").is_some() => DocumentStyle::List,
        _ => DocumentStyle::Kubernetes,
    }
}

/// JSON files that contain values: a chart's, or those of a generator of an ApplicationSet.
fn values_name(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or("");
    stem == "config"
        || ["values", "images"].iter().any(|base| {
            let rest = stem.strip_prefix(base);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        })
        || stem.ends_with("-values")
        || stem.ends_with(".values")
}

fn is_helmfile(tree: &Tree<'_>, root: Id, name: &str) -> bool {
    let releases = tree.get(root, "releases").map_or(&[][..], |id| tree.items(id));
    releases.iter().any(|r| tree.get(*r, "chart").is_some())
        || name.starts_with("helmfile") && (!releases.is_empty() || tree.get(root, "helmfiles").is_some())
}

fn compose_name(name: &str) -> bool {
    let stem = name
        .strip_suffix(".yaml")
        .or_else(|| name.strip_suffix(".yml"))
        .or_else(|| name.strip_suffix(".json"))
        .unwrap_or("");
    ["compose", "docker-compose", "podman-compose"].iter().any(|base| {
        stem == *base
            || stem
                .strip_prefix(base)
                .is_some_and(|rest| rest.starts_with(['.', '-', '_']))
    }) || stem.ends_with(".compose")
}

fn is_compose(tree: &Tree<'_>, root: Id, name: &str) -> bool {
    let Some(services) = tree.get(root, "services") else {
        return compose_name(name) && tree.entries(root).iter().any(|(k, _)| is_extension(tree, *k));
    };
    let entries = tree.entries(services);
    if entries.is_empty() {
        return false;
    }
    let service = |id: Id| matches!(tree.node(tree.resolve(id)).kind, Kind::Map(..));
    compose_name(name) && entries.iter().any(|(_, v)| service(*v))
        || entries.iter().all(|(_, v)| service(*v))
            && entries.iter().any(|(_, v)| {
                let image = tree.get(*v, "image").and_then(|id| tree.text_of(id)).is_some();
                image || tree.get(*v, "build").is_some()
            })
            && tree.entries(root).iter().all(|(k, _)| {
                let key = tree.text_of(*k).unwrap_or("");
                matches!(
                    key,
                    "services"
                        | "version"
                        | "name"
                        | "volumes"
                        | "networks"
                        | "configs"
                        | "secrets"
                        | "include"
                        | "models"
                ) || is_extension(tree, *k)
            })
}

/// Compose ignores top-level keys that begin with `x-`; they contain fragments for anchors.
pub(super) fn is_extension(tree: &Tree<'_>, key: Id) -> bool {
    tree.text_of(key).is_some_and(|text| text.starts_with("x-"))
}
