//! Objects of a repository that make a controller write images: it would undo an edit, or overrule it in the
//! cluster.

use serde::{Deserialize, Serialize};

use super::controllers::{self, Controller, ControllerKind};
use super::detect::{self, DocumentStyle};
use super::kargo::{self, KargoObject};
use super::name_patterns::{can_match, covers};
use super::planned_edit::{PlacedObject, PlannedEdit, WrittenBranch};
use super::tree::{Id, Tree};

/// An object that makes a controller write images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageWriter {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if written.
    pub namespace: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// What it makes which controller write.
    pub kind: ImageWriterKind,
}

/// What an [`ImageWriter`] makes which controller write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageWriterKind {
    /// `ImageUpdater` of Argo CD Image Updater: images of Applications.
    ImageUpdater(Vec<UpdatedApplications>),
    /// `ImageUpdateAutomation` of Flux: marked fields of files.
    FluxAutomation(FluxAutomation),
    /// `Stage`, `PromotionTask` or `ClusterPromotionTask` of Kargo: files and images of a promotion.
    Kargo(KargoObject),
}

/// One entry of `spec.applicationRefs` of an `ImageUpdater`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatedApplications {
    /// Line, from 1.
    pub line: u32,
    /// Glob of the Applications' names.
    pub name_pattern: String,
    /// Namespace of the Applications, if known.
    pub namespace: Option<String>,
    /// Labels that they must have.
    pub labels: Vec<(String, String)>,
    /// Images that are changed, each perhaps with a version range behind it.
    pub images: Vec<String>,
    /// Whether the Applications' own annotations name the images.
    pub use_annotations: bool,
    /// Whether it commits to git; else it sets images on the Application in the cluster.
    pub to_git: bool,
}

/// What an `ImageUpdateAutomation` writes where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FluxAutomation {
    /// Name of the GitRepository.
    pub source: Option<String>,
    /// The folder in which it writes marked fields.
    pub path: String,
    /// The branch that it reads, where it names one itself.
    pub checkout: Option<String>,
    /// The branch that it pushes, where that is another one.
    pub push: Option<String>,
    /// Whether it is suspended.
    pub suspended: bool,
}

/// What one document says.
pub(super) fn read(tree: &Tree<'_>, root: Id, kind: DocumentStyle, out: &mut Vec<ImageWriter>) {
    if kind == DocumentStyle::List {
        for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
            let kind = detect::document("", tree, *item);
            if kind != DocumentStyle::List {
                read(tree, *item, kind, out);
            }
        }
        return;
    }
    let text = |path: &[&str]| tree.text_at(root, path);
    let (DocumentStyle::Kubernetes, Some(api), Some(name)) = (kind, text(&["apiVersion"]), text(&["kind"])) else {
        return;
    };
    let kind = match (api.split('/').next().unwrap_or(api), name) {
        ("argocd-image-updater.argoproj.io", "ImageUpdater") => {
            Some(ImageWriterKind::ImageUpdater(applications(tree, root)))
        }
        ("image.toolkit.fluxcd.io", "ImageUpdateAutomation") => {
            Some(ImageWriterKind::FluxAutomation(automation(tree, root)))
        }
        ("kargo.akuity.io", _) => kargo::read(tree, root, name).map(ImageWriterKind::Kargo),
        _ => None,
    };
    out.extend(kind.map(|kind| ImageWriter {
        name: text(&["metadata", "name"]).unwrap_or_default().to_owned(),
        namespace: text(&["metadata", "namespace"]).map(str::to_owned),
        line: tree.node(root).line,
        kind,
    }));
}

fn automation(tree: &Tree<'_>, root: Id) -> FluxAutomation {
    let text = |path: &[&str]| tree.text_at(root, path).map(str::to_owned);
    FluxAutomation {
        source: text(&["spec", "sourceRef", "name"]),
        path: text(&["spec", "update", "path"]).unwrap_or_default(),
        checkout: text(&["spec", "git", "checkout", "ref", "branch"]),
        push: text(&["spec", "git", "push", "branch"]),
        suspended: text(&["spec", "suspend"]).as_deref() == Some("true"),
    }
}

fn applications(tree: &Tree<'_>, root: Id) -> Vec<UpdatedApplications> {
    let to_git = |id: Id| {
        tree.text_at(id, &["writeBackConfig", "method"])
            .map(|method| method.starts_with("git"))
    };
    let Some(spec) = tree.get(root, "spec") else {
        return Vec::new();
    };
    let namespace = tree
        .text_at(spec, &["namespace"])
        .or_else(|| tree.text_at(root, &["metadata", "namespace"]));
    let list = tree.get(spec, "applicationRefs").map_or(&[][..], |id| tree.items(id));
    let each = list.iter().filter(|_| tree.look(1)).map(|&id| {
        let images = tree.get(id, "images").map_or(&[][..], |id| tree.items(id));
        UpdatedApplications {
            line: tree.node(id).line,
            name_pattern: tree.text_at(id, &["namePattern"]).unwrap_or("*").to_owned(),
            namespace: namespace.map(str::to_owned),
            labels: controllers::texts(tree, id, &["labelSelectors", "matchLabels"]),
            images: images
                .iter()
                .filter(|_| tree.look(1))
                .filter_map(|image| tree.text_at(*image, &["imageName"]).map(str::to_owned))
                .collect(),
            use_annotations: tree.text_at(id, &["useAnnotations"]) == Some("true"),
            to_git: to_git(id).or_else(|| to_git(spec)).unwrap_or(false),
        }
    });
    each.collect()
}

/// What controllers of the repository would do to an edit: each with file and line of the object that asks for it,
/// what it does, and what to do. What is suspended, and what writes another file, branch, repository or image, is
/// not named.
pub(crate) fn overwrites_edit(
    edit: &PlannedEdit<'_>,
    to: &WrittenBranch<'_>,
    controllers: &[PlacedObject<Controller>],
    writers: &[PlacedObject<ImageWriter>],
) -> Vec<String> {
    let mut out = Vec::new();
    for application in controllers.iter().filter(|c| c.deploys(edit, to)) {
        if let Some(said) = by_annotations(edit, application) {
            out.push(said);
        }
    }
    for writer in writers {
        match &writer.object.kind {
            ImageWriterKind::ImageUpdater(all) => {
                let said = all
                    .iter()
                    .filter_map(|one| by_image_updater(edit, to, controllers, writer, one));
                out.extend(said);
            }
            ImageWriterKind::FluxAutomation(automation) => {
                out.extend(by_flux(edit, to, controllers, writer, automation));
            }
            ImageWriterKind::Kargo(object) => {
                let PlacedObject {
                    file,
                    object: ImageWriter { name, namespace, .. },
                } = writer;
                let task = |name: &str| {
                    writers.iter().find_map(|w| match &w.object.kind {
                        ImageWriterKind::Kargo(object) if object.is_task && object.name == name => {
                            Some((w.file.as_str(), object))
                        }
                        _ => None,
                    })
                };
                let applications: Vec<&str> = controllers
                    .iter()
                    .filter(|c| c.deploys(edit, to) || c.is_edited(edit))
                    .map(|c| c.object.name.as_str())
                    .collect();
                let stage = kargo::StageNames {
                    file,
                    stage: name,
                    project: namespace.as_deref().unwrap_or("*"),
                };
                out.extend(kargo::overwrites(edit, to, &stage, object, &task, &applications));
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

fn by_annotations(edit: &PlannedEdit<'_>, application: &PlacedObject<Controller>) -> Option<String> {
    let updated = application.object.updated.as_ref()?;
    let image = updated.images.iter().find_map(|image| edit.named_by(image))?;
    Some(format!(
        "{}:{}: Argo CD Image Updater {} of {image} {} Application {}, which applies {}; take the image out of this annotation first",
        application.file,
        updated.line,
        what_it_does(updated.to_git),
        if updated.to_git { "for" } else { "on" },
        application.object.name,
        edit.file,
    ))
}

/// What Argo CD Image Updater does, up to the image.
fn what_it_does(to_git: bool) -> &'static str {
    if to_git {
        "would undo the edit: it commits newer versions"
    } else {
        "would overrule the edit: in the cluster it sets newer versions"
    }
}

fn by_image_updater(
    edit: &PlannedEdit<'_>,
    to: &WrittenBranch<'_>,
    controllers: &[PlacedObject<Controller>],
    writer: &PlacedObject<ImageWriter>,
    one: &UpdatedApplications,
) -> Option<String> {
    let mut applications = controllers.iter().filter(|c| {
        let Controller {
            name,
            namespace,
            labels,
            ..
        } = &c.object;
        let has = |(key, value): &(String, String)| labels.iter().any(|(k, v)| k == key && can_match(v, value));
        let elsewhere = matches!((namespace, &one.namespace), (Some(a), Some(b)) if !can_match(a, b));
        (c.deploys(edit, to) || c.is_edited(edit))
            && can_match(&one.name_pattern, name)
            && !elsewhere
            && one.labels.iter().all(has)
    });
    let (application, image) = applications.find_map(|c| {
        let annotated = c.object.updated.as_ref().filter(|_| one.use_annotations);
        let mut images = one.images.iter().chain(annotated.into_iter().flat_map(|a| &a.images));
        Some((c, images.find_map(|image| edit.named_by(image))?))
    })?;
    Some(format!(
        "{}:{}: ImageUpdater {} lets Argo CD Image Updater change Application {} ({}:{}), which applies {}, and it {} of {image}; take the image or the Application out of it first",
        writer.file,
        one.line,
        writer.object.name,
        application.object.name,
        application.file,
        application.object.lines.0,
        edit.file,
        what_it_does(one.to_git),
    ))
}

fn by_flux(
    edit: &PlannedEdit<'_>,
    to: &WrittenBranch<'_>,
    controllers: &[PlacedObject<Controller>],
    writer: &PlacedObject<ImageWriter>,
    automation: &FluxAutomation,
) -> Option<String> {
    let source = controllers
        .iter()
        .map(|c| &c.object)
        .find(|c| c.kind == ControllerKind::GitRepository && c.source == automation.source);
    let url = source.and_then(|source| source.url.as_deref());
    let read = automation
        .checkout
        .as_deref()
        .or_else(|| source.and_then(|source| source.revision.as_deref()));
    if automation.suspended
        || !covers(&automation.path, edit.file)
        || to.is_of(url) == Some(false)
        || read.is_some_and(|branch| branch != to.branch)
    {
        return None;
    }
    // Only policies of its own namespace count for it.
    let namespace = writer.object.namespace.as_deref();
    let policy = edit.policies.iter().find(|policy| {
        let of = policy.split_once(':').map(|(namespace, _)| namespace);
        of.is_none() || namespace.is_none() || of == namespace
    })?;
    let name = &writer.object.name;
    let (what, next) = match automation.push.as_deref().filter(|branch| *branch != to.branch) {
        None => ("writes", "would undo the edit".to_owned()),
        Some(branch) => ("proposes", format!("would undo the edit once {branch} is merged")),
    };
    Some(format!(
        "{}:{}: Flux ImageUpdateAutomation {name} {what} what policy {policy} selects at the marker in {} and {next}; suspend it or take the marker away first",
        writer.file, writer.object.line, edit.file,
    ))
}

#[cfg(test)]
#[path = "image_writers_tests.rs"]
mod tests;
