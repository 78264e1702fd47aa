//! Who applies the repository: Argo CD Applications, Flux Kustomizations and their sources. They
//! tell whether a write to a file would ever arrive.

use super::detect::{self, DocumentStyle};
use super::tree::{Id, Tree};

/// A controller's object that reads a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Which kind of object.
    pub kind: ControllerKind,
    /// `metadata.name` of the object.
    pub name: String,
    /// Line, from 1.
    pub line: u32,
    /// The repository's URL; `None` where it is named through another object.
    pub url: Option<String>,
    /// Name of the Flux source it reads.
    pub source: Option<String>,
    /// The folder that it applies, `None` = not about a folder.
    pub path: Option<String>,
    /// The branch, tag, range or commit it reads; `None` = the default branch.
    pub revision: Option<String>,
    /// Whether that revision can never be a branch (a commit, a tag, a version range).
    pub fixed: bool,
    /// Whether it is suspended.
    pub suspended: bool,
}

/// Which object of which controller a [`Controller`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerKind {
    /// Argo CD Application (or a set's template).
    Application,
    /// Flux Kustomization.
    Kustomization,
    /// Flux GitRepository.
    GitRepository,
}

/// What one document says.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: DocumentStyle, out: &mut Vec<Controller>) {
    let text = |from: Id, path: &[&str]| tree.text_at(from, path).map(str::to_owned);
    let name = text(root, &["metadata", "name"]).unwrap_or_default();
    let suspended = text(root, &["spec", "suspend"]).as_deref() == Some("true");
    let line = tree.node(root).line;
    match kind {
        DocumentStyle::Argocd => {
            let spec = tree
                .at(root, &["spec", "template", "spec"])
                .or_else(|| tree.get(root, "spec"));
            let Some(spec) = spec else { return };
            let one = tree.get(spec, "source").into_iter();
            let many = tree.get(spec, "sources").map_or(&[][..], |id| tree.items(id));
            for source in one.chain(many.iter().copied()) {
                let (Some(url), Some(path)) = (text(source, &["repoURL"]), text(source, &["path"])) else {
                    continue;
                };
                let revision = text(source, &["targetRevision"]).filter(|r| r != "HEAD" && !r.is_empty());
                out.push(Controller {
                    kind: ControllerKind::Application,
                    name: name.clone(),
                    line,
                    fixed: revision.as_deref().is_some_and(is_commit),
                    url: Some(url),
                    source: None,
                    path: Some(path),
                    revision,
                    suspended: false,
                });
            }
        }
        DocumentStyle::FluxKustomization => out.push(Controller {
            kind: ControllerKind::Kustomization,
            name,
            line,
            url: None,
            source: text(root, &["spec", "sourceRef", "name"]),
            path: Some(text(root, &["spec", "path"]).unwrap_or_default()),
            revision: None,
            fixed: false,
            suspended,
        }),
        DocumentStyle::Kubernetes if is_git_repository(tree, root) => {
            let fixed = ["commit", "name", "semver", "tag"]
                .iter()
                .find_map(|key| text(root, &["spec", "ref", key]));
            out.push(Controller {
                kind: ControllerKind::GitRepository,
                source: Some(name.clone()),
                name,
                line,
                url: text(root, &["spec", "url"]),
                path: None,
                fixed: fixed.is_some(),
                revision: fixed.or_else(|| text(root, &["spec", "ref", "branch"])),
                suspended,
            });
        }
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let kind = detect::document("", tree, *item);
                if kind != DocumentStyle::List {
                    read(tree, *item, kind, out);
                }
            }
        }
        _ => {}
    }
}

fn is_git_repository(tree: &Tree<'_>, root: Id) -> bool {
    tree.text_at(root, &["kind"]) == Some("GitRepository")
        && tree
            .text_at(root, &["apiVersion"])
            .is_some_and(|api| api.starts_with("source.toolkit.fluxcd.io/"))
}

/// A full or abbreviated commit id.
fn is_commit(revision: &str) -> bool {
    (7..=40).contains(&revision.len())
        && revision.bytes().all(|b| b.is_ascii_hexdigit())
        && revision.bytes().any(|b| b.is_ascii_digit())
}

/// Why a write of `file` on `branch` of the repository at `remote` would not arrive, by all
/// controllers of the repository. `remote` unknown: Applications and sources count as readers of it
/// only through their own suspension.
pub(crate) fn disregards_edit(
    file: &str,
    branch: &str,
    remote: Option<&str>,
    controllers: &[Controller],
) -> Vec<String> {
    let mut out = Vec::new();
    let reads_here =
        |c: &Controller| matches!((&c.url, remote), (Some(url), Some(remote)) if is_same_repository(url, remote));
    for controller in controllers {
        let Controller { name, path, .. } = controller;
        if !path.as_deref().is_some_and(|folder| holds(folder, file)) {
            continue;
        }
        match controller.kind {
            ControllerKind::Application => {
                if let (true, Some(revision)) = (reads_here(controller), &controller.revision)
                    && revision != branch
                {
                    out.push(elsewhere(
                        &format!("Application {name}"),
                        revision,
                        controller.fixed,
                        branch,
                    ));
                }
            }
            ControllerKind::Kustomization => {
                if controller.suspended {
                    out.push(format!(
                        "Flux Kustomization {name}, which applies this file, is suspended"
                    ));
                }
                let source = controllers
                    .iter()
                    .find(|c| c.kind == ControllerKind::GitRepository && c.source == controller.source);
                let Some(source) = source.filter(|s| reads_here(s)) else {
                    continue;
                };
                if source.suspended {
                    out.push(format!(
                        "Flux GitRepository {}, which brings this file, is suspended",
                        source.name
                    ));
                }
                if let Some(revision) = source.revision.as_ref().filter(|r| *r != branch) {
                    let who = format!("Flux GitRepository {}", source.name);
                    out.push(elsewhere(&who, revision, source.fixed, branch));
                }
            }
            ControllerKind::GitRepository => {}
        }
    }
    out.sort();
    out.dedup();
    out
}

fn elsewhere(who: &str, revision: &str, fixed: bool, branch: &str) -> String {
    if fixed {
        format!("{who} reads this repository at the fixed revision {revision}: the edit does not reach it")
    } else {
        format!("{who} reads {revision}, not {branch}: the edit does not reach it until it is there")
    }
}

/// Whether a folder, as controllers write it, contains a file.
fn holds(folder: &str, file: &str) -> bool {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    folder.is_empty() || folder == "." || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether two URLs name the same repository, whatever the protocol.
pub(crate) fn is_same_repository(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn normal(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (host, path) = rest.split_at(rest.find(['/', ':']).unwrap_or(rest.len()));
    // A port does not make it another repository; `host:path` is ssh's short form.
    let path = path
        .trim_start_matches(':')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}/{}", host.to_ascii_lowercase(), path.trim_matches('/'))
}

#[cfg(test)]
#[path = "controllers_tests.rs"]
mod tests;
