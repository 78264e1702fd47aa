//! What runs images, by the names that tell one from the other.

use super::detect::DocumentStyle;
use super::file_scan::Workload;
use super::tree::{Id, Tree};

/// Workloads that are kept of one file: more than any has, and few enough to look through for each reference.
const MAX_WORKLOADS: usize = 20_000;

/// Containers that are kept of one workload.
const MAX_CONTAINERS: usize = 200;

/// The workloads of one document.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: DocumentStyle, document: u32, out: &mut Vec<Workload>) {
    of_document(tree, root, kind, document, out);
    out.truncate(MAX_WORKLOADS);
}

fn of_document(tree: &Tree<'_>, root: Id, kind: DocumentStyle, document: u32, out: &mut Vec<Workload>) {
    match kind {
        DocumentStyle::Kubernetes
        | DocumentStyle::HelmRelease
        | DocumentStyle::Argocd
        | DocumentStyle::OciRepository => {
            let name = object(tree, root);
            out.extend(name.map(|name| Workload {
                document,
                name,
                path: String::new(),
                containers: containers(tree, root),
            }));
        }
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let name = object(tree, *item);
                out.extend(name.map(|name| Workload {
                    document,
                    name,
                    path: tree.path(*item),
                    containers: containers(tree, *item),
                }));
            }
        }
        DocumentStyle::Compose => {
            for (key, value) in tree.get(root, "services").map_or(&[][..], |id| tree.entries(id)) {
                let name = tree.text_of(*key);
                out.extend(name.map(|name| Workload {
                    document,
                    name: format!("service {name}"),
                    path: tree.path(*value),
                    containers: Vec::new(),
                }));
            }
        }
        DocumentStyle::Nothing
        | DocumentStyle::Promoter
        | DocumentStyle::FluxKustomization
        | DocumentStyle::Kustomize
        | DocumentStyle::ArgocdSource
        | DocumentStyle::Helmfile
        | DocumentStyle::Values
        | DocumentStyle::Chart
        | DocumentStyle::Other => {}
    }
}

/// The containers of an object that have names, wherever its kind keeps the template of its pods.
fn containers(tree: &Tree<'_>, id: Id) -> Vec<(String, String)> {
    const TEMPLATES: [&[&str]; 4] = [
        &["spec"],
        &["spec", "template", "spec"],
        &["spec", "jobTemplate", "spec", "template", "spec"],
        &["template", "spec"],
    ];
    const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
    let mut out = Vec::new();
    for template in TEMPLATES {
        let Some(spec) = tree.at(id, template) else { continue };
        for list in LISTS {
            for item in tree.get(spec, list).map_or(&[][..], |list| tree.items(list)) {
                let name = tree.text_at(*item, &["name"]).filter(|name| !name.is_empty());
                out.extend(name.map(|name| (tree.path(*item), name.to_owned())));
                if out.len() >= MAX_CONTAINERS {
                    return out;
                }
            }
        }
    }
    out
}

/// Kind, namespace and name of an object.
pub(super) fn object(tree: &Tree<'_>, id: Id) -> Option<String> {
    let text = |path: &[&str]| tree.text_at(id, path).filter(|text| !text.is_empty());
    let (kind, name) = (text(&["kind"])?, text(&["metadata", "name"])?);
    Some(match text(&["metadata", "namespace"]) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}
