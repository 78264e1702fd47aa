//! What runs images, by the names that tell one from the other.

use super::detect::DocumentStyle;
use super::file_scan::Workload;
use super::tree::{Id, Tree};

/// Workloads that are kept of one file: more than any has, and few enough to look through for each reference.
const MAX_WORKLOADS: usize = 20_000;

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
            }));
        }
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let name = object(tree, *item);
                out.extend(name.map(|name| Workload {
                    document,
                    name,
                    path: tree.path(*item),
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

fn object(tree: &Tree<'_>, id: Id) -> Option<String> {
    let text = |path: &[&str]| tree.text_at(id, path).filter(|text| !text.is_empty());
    let (kind, name) = (text(&["kind"])?, text(&["metadata", "name"])?);
    Some(match text(&["metadata", "namespace"]) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}
