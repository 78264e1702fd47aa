//! Who applies the repository: Argo CD Applications, Flux Kustomizations and their sources. They
//! tell whether a write to a file would ever arrive.

use serde::{Deserialize, Serialize};

use super::application_sets::SetParameters;
use super::detect::{self, DocumentStyle};
use super::includes;
use super::planned_edit::{PlacedObject, PlannedEdit, WrittenBranch};
use super::tree::{Id, Tree};

/// Annotations of Argo CD Image Updater begin with it.
const UPDATER: &str = "argocd-image-updater.argoproj.io/";

/// A controller's object that reads a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// Which kind of object.
    pub kind: ControllerKind,
    /// `metadata.name` of the object; of a set's Application, with `*` for what is not known.
    pub name: String,
    /// `metadata.namespace`, if written.
    pub namespace: Option<String>,
    /// `metadata.labels`.
    pub labels: Vec<(String, String)>,
    /// First and last line of the object, from 1.
    pub lines: (u32, u32),
    /// The repository's URL; `None` where it is named through another object.
    pub url: Option<String>,
    /// Name of the Flux source it reads.
    pub source: Option<String>,
    /// The folder (or a value file) that it applies, `None` = not about a folder.
    pub path: Option<String>,
    /// The branch, tag, range or commit it reads; `None` = the default branch, or not known.
    pub revision: Option<String>,
    /// Whether that revision can never be a branch (a commit, a tag, a version range).
    pub fixed: bool,
    /// Whether it is suspended.
    pub suspended: bool,
    /// The images that Argo CD Image Updater changes by the object's annotations.
    pub updated: Option<UpdaterAnnotations>,
}

impl Controller {
    /// Whether it may read this branch: it names it, or another object does for it.
    pub(crate) fn may_read(&self, branch: &str) -> bool {
        self.kind == ControllerKind::Kustomization || self.revision.as_deref() == Some(branch)
    }
}

/// Annotations with which an Application asks Argo CD Image Updater to change its images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdaterAnnotations {
    /// Line of the list of images, from 1.
    pub line: u32,
    /// The images, each perhaps with a version range behind it.
    pub images: Vec<String>,
    /// Whether it commits them to git; else it sets them on the Application in the cluster.
    pub to_git: bool,
}

/// Which object of which controller a [`Controller`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControllerKind {
    /// Argo CD Application (or a set's template).
    Application,
    /// Flux Kustomization.
    Kustomization,
    /// Flux GitRepository.
    GitRepository,
}

/// What one document says; `last` is its last line.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: DocumentStyle, last: u32, out: &mut Vec<Controller>) {
    let text = |from: Id, path: &[&str]| tree.text_at(from, path).map(str::to_owned);
    let plain = Controller {
        kind: ControllerKind::Application,
        name: text(root, &["metadata", "name"]).unwrap_or_default(),
        namespace: text(root, &["metadata", "namespace"]),
        labels: texts(tree, root, &["metadata", "labels"]),
        lines: (tree.node(root).line, last),
        url: None,
        source: None,
        path: None,
        revision: None,
        fixed: false,
        suspended: text(root, &["spec", "suspend"]).as_deref() == Some("true"),
        updated: None,
    };
    match kind {
        DocumentStyle::Argocd => applications(tree, root, &plain, out),
        DocumentStyle::FluxKustomization => out.push(Controller {
            kind: ControllerKind::Kustomization,
            source: text(root, &["spec", "sourceRef", "name"]),
            path: Some(text(root, &["spec", "path"]).unwrap_or_default()),
            ..plain
        }),
        DocumentStyle::Kubernetes if is_git_repository(tree, root) => {
            let fixed = ["commit", "name", "semver", "tag"]
                .iter()
                .find_map(|key| text(root, &["spec", "ref", key]));
            out.push(Controller {
                kind: ControllerKind::GitRepository,
                source: Some(plain.name.clone()),
                url: text(root, &["spec", "url"]),
                fixed: fixed.is_some(),
                revision: fixed.or_else(|| text(root, &["spec", "ref", "branch"])),
                ..plain
            });
        }
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let kind = detect::document("", tree, *item);
                if kind != DocumentStyle::List {
                    read(tree, *item, kind, last, out);
                }
            }
        }
        _ => {}
    }
}

/// An Application, or each one that a set makes: one entry for every folder and every value file.
fn applications(tree: &Tree<'_>, root: Id, plain: &Controller, out: &mut Vec<Controller>) {
    let template = tree.at(root, &["spec", "template"]).unwrap_or(root);
    let Some(spec) = tree.get(template, "spec") else { return };
    let one = tree.get(spec, "source").into_iter();
    let many = tree.get(spec, "sources").map_or(&[][..], |id| tree.items(id));
    let sources: Vec<Id> = one.chain(many.iter().copied()).collect();
    for parameters in SetParameters::of_set(tree, root) {
        let text = |from: Id, path: &[&str]| tree.text_at(from, path).map(|text| parameters.fill(text));
        let of_set = Controller {
            name: text(template, &["metadata", "name"]).unwrap_or_else(|| plain.name.clone()),
            namespace: text(template, &["metadata", "namespace"]),
            labels: texts(tree, template, &["metadata", "labels"])
                .into_iter()
                .map(|(key, value)| (key, parameters.fill(&value)))
                .collect(),
            updated: annotations(tree, template, &parameters),
            suspended: false,
            ..plain.clone()
        };
        let mut add = |source: Id, path: String| {
            let revision = text(source, &["targetRevision"])
                .map(|revision| revision.trim_start_matches("refs/heads/").to_owned())
                .filter(|revision| revision != "HEAD" && !revision.is_empty() && !revision.contains('*'));
            let Some(url) = text(source, &["repoURL"]).filter(|_| tree.look(1)) else {
                return;
            };
            out.push(Controller {
                fixed: revision.as_deref().is_some_and(is_commit),
                url: Some(url),
                path: Some(path),
                revision,
                ..of_set.clone()
            });
        };
        for &source in &sources {
            let folder = text(source, &["path"]);
            if let Some(folder) = &folder {
                add(source, folder.clone());
            }
            let files = tree.at(source, &["helm", "valueFiles"]);
            for file in files.map_or(&[][..], |id| tree.items(id)) {
                let Some(name) = tree.text_of(*file).map(|file| parameters.fill(file)) else {
                    continue;
                };
                let other = name.strip_prefix('$').and_then(|rest| rest.split_once('/'));
                let named = |id: &&Id| other.is_some_and(|(name, _)| tree.text_at(**id, &["ref"]) == Some(name));
                let of = if other.is_some() {
                    sources.iter().find(named)
                } else {
                    Some(&source)
                };
                if let (Some(of), Some(path)) = (of, includes::value_file(tree, &name, folder.as_deref(), &sources)) {
                    add(*of, path);
                }
            }
        }
    }
}

/// What the annotations of an Application ask of Argo CD Image Updater: nothing without a list of images.
fn annotations(tree: &Tree<'_>, template: Id, parameters: &SetParameters) -> Option<UpdaterAnnotations> {
    let all = tree.at(template, &["metadata", "annotations"])?;
    let get = |name: &str| tree.get(all, &format!("{UPDATER}{name}"));
    let list = get("image-list")?;
    let images = parameters.fill(tree.filled(list)?);
    let method = get("write-back-method").and_then(|id| tree.text_of(id));
    Some(UpdaterAnnotations {
        line: tree.node(list).line,
        // `alias=name:range`
        images: images
            .split(',')
            .map(|one| one.rsplit_once('=').map_or(one, |(_, image)| image).trim().to_owned())
            .filter(|image| !image.is_empty())
            .collect(),
        to_git: method.is_some_and(|method| method.starts_with("git")),
    })
}

/// The texts of a mapping.
pub(super) fn texts(tree: &Tree<'_>, from: Id, path: &[&str]) -> Vec<(String, String)> {
    let entries = tree.at(from, path).map_or(&[][..], |id| tree.entries(id));
    let both = entries.iter().filter(|_| tree.look(1));
    both.filter_map(|(key, value)| Some((tree.text_of(*key)?.to_owned(), tree.text_of(*value)?.to_owned())))
        .collect()
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

impl PlacedObject<Controller> {
    /// Whether this Application brings the edit to its cluster: it applies the file from this branch.
    pub(super) fn deploys(&self, edit: &PlannedEdit<'_>, to: &WrittenBranch<'_>) -> bool {
        let Controller {
            kind,
            path,
            url,
            revision,
            ..
        } = &self.object;
        *kind == ControllerKind::Application
            && path.as_deref().is_some_and(|folder| edit.is_applied_with(folder))
            && to.is_of(url.as_deref()) != Some(false)
            && revision.as_deref().is_none_or(|revision| revision == to.branch)
    }

    /// Whether this is the Application in which the edited pin is written.
    pub(super) fn is_edited(&self, edit: &PlannedEdit<'_>) -> bool {
        let (first, last) = self.object.lines;
        self.object.kind == ControllerKind::Application
            && self.file == edit.file
            && edit.lines.iter().any(|line| (first..=last).contains(line))
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file, self.object.lines.0)
    }
}

/// Why a write would not arrive, by all controllers of the repository. Where the repository's URL is not known,
/// Applications and sources count as readers of it only through their own suspension.
pub(crate) fn disregards_edit(
    edit: &PlannedEdit<'_>,
    to: &WrittenBranch<'_>,
    controllers: &[PlacedObject<Controller>],
) -> Vec<String> {
    let mut out = Vec::new();
    let reads_here = |c: &Controller| to.is_of(c.url.as_deref()) == Some(true);
    for controller in controllers {
        let Controller { name, path, .. } = &controller.object;
        if !path.as_deref().is_some_and(|folder| edit.is_applied_with(folder)) {
            continue;
        }
        match controller.object.kind {
            ControllerKind::Application => {
                if reads_here(&controller.object) {
                    out.extend(elsewhere("Application", controller, to.branch));
                }
            }
            ControllerKind::Kustomization => {
                if controller.object.suspended {
                    out.push(format!(
                        "{}: Flux Kustomization {name}, which applies {}, is suspended: the edit does nothing until it is resumed",
                        controller.place(),
                        edit.file
                    ));
                }
                let source = controllers.iter().find(|c| {
                    c.object.kind == ControllerKind::GitRepository && c.object.source == controller.object.source
                });
                let Some(source) = source.filter(|s| reads_here(&s.object)) else {
                    continue;
                };
                if source.object.suspended {
                    out.push(format!(
                        "{}: Flux GitRepository {}, which brings {}, is suspended: the edit does nothing until it is resumed",
                        source.place(),
                        source.object.name,
                        edit.file
                    ));
                }
                out.extend(elsewhere("Flux GitRepository", source, to.branch));
            }
            ControllerKind::GitRepository => {}
        }
    }
    out.sort();
    out.dedup();
    out
}

/// What is said of a controller that reads another revision.
fn elsewhere(what: &str, controller: &PlacedObject<Controller>, branch: &str) -> Option<String> {
    let Controller {
        name, revision, fixed, ..
    } = &controller.object;
    let revision = revision.as_deref().filter(|revision| *revision != branch)?;
    let place = controller.place();
    Some(if *fixed {
        format!(
            "{place}: {what} {name} reads this repository at the fixed revision {revision}: the edit does not reach it until its revision is moved"
        )
    } else {
        format!("{place}: {what} {name} reads {revision}, not {branch}: the edit does not reach it until it is there")
    })
}

#[cfg(test)]
#[path = "controllers_tests.rs"]
mod tests;
