//! What a scan finds in one file.

use serde::{Deserialize, Serialize};

use crate::domain::pin::Unmanaged;

use super::applied_sources::AppliedSource;
use super::controllers::Controller;
use super::embedded::EmbeddedText;
use super::found::{Found, Warning};
use super::image_writers::ImageWriter;
use super::includes::Include;
use super::parts::DocumentPart;

/// How the reference of an `OCIRepository` was found.
pub(super) const OCI_REPOSITORY: &str = "flux/ocirepository";

/// What is found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scan {
    /// Image references, in file order.
    pub found: Vec<Found>,
    /// Digests and images that are seen but cannot be managed.
    pub unmanaged: Vec<Unmanaged>,
    /// What would undo or void an edit of this file.
    pub warnings: Vec<Warning>,
    /// Objects that apply a repository: see [`super::disregards_edit`].
    pub controllers: Vec<Controller>,
    /// Objects that make a controller write images: see [`super::overwrites_edit`].
    pub writers: Vec<ImageWriter>,
    /// Files and folders of the same repository that it takes in, as written.
    pub includes: Vec<Include>,
    /// Charts that a chart or kustomization names.
    pub charts: Vec<Chart>,
    /// Objects that stand for an artifact of an OCI repository.
    pub oci_sources: Vec<OciSource>,
    /// Names of those that a release takes its chart from.
    pub chart_sources: Vec<ObjectName>,
    /// What it contributes to a render.
    pub parts: Vec<DocumentPart>,
    /// What YAML in the texts of controllers' objects says: a text knows its number.
    pub embedded: Vec<EmbeddedText>,
    /// References that count only together with other files: tags and digests of images that other
    /// values name, and images in patches.
    pub layered: Vec<Found>,
    /// What runs images and has a name.
    pub workloads: Vec<Workload>,
    /// From where its objects take what they apply.
    pub(crate) applied: Vec<AppliedSource>,
    /// Why other readers of YAML may take the file for something else, if so.
    pub doubtful: Option<String>,
    /// Why the file (or a part of it) could not be read, if so.
    pub problem: Option<String>,
}

/// Something that runs images, by the name that tells it from others: a Kubernetes object, or a service of a Compose
/// file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Index of the YAML document that it stands in.
    pub document: u32,
    /// Kind, namespace and name.
    pub name: String,
    /// Where in the document it begins; empty for the whole document.
    pub path: String,
    /// Its containers: where each stands, and its name.
    pub containers: Vec<(String, String)>,
}

/// What tells a Kubernetes object from others of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectName {
    /// Its namespace; empty where none is written.
    pub namespace: String,
    /// `metadata.name`, or what a reference to the object says.
    pub name: String,
}

impl ObjectName {
    /// Whether both may be the same object: a namespace that is not written may be any.
    pub fn may_be(&self, other: &Self) -> bool {
        let any = self.namespace.is_empty() || other.namespace.is_empty();
        self.name == other.name && (any || self.namespace == other.namespace)
    }
}

/// A Flux `OCIRepository`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OciSource {
    /// Index of the YAML document that it stands in.
    pub document: u32,
    /// What it is called.
    pub name: ObjectName,
    /// It says itself that the artifact is a chart.
    pub is_chart: bool,
}

impl Scan {
    /// Whether a file of the same name and content says the same in every folder. Only what cannot be managed is told with
    /// the path of its file.
    pub(crate) fn is_of_any_folder(&self) -> bool {
        self.unmanaged.is_empty()
    }

    /// Why what the file says is not known for certain, if so: it is read only in part, or other readers may read it
    /// differently.
    pub fn unread_part(&self) -> Option<&str> {
        self.problem.as_deref().or(self.doubtful.as_deref())
    }

    /// Whether the file itself names an image, or a part of one.
    pub fn names_images(&self) -> bool {
        !self.found.is_empty() || self.layered.iter().any(Found::names_image)
    }

    /// The workload that a reference stands in.
    pub(crate) fn workload_of(&self, found: &Found) -> Option<&Workload> {
        let document = found.site.document;
        // They are in the order of the documents.
        let first = self.workloads.partition_point(|one| one.document < document);
        let mut here = self.workloads[first..]
            .iter()
            .take_while(|one| one.document == document);
        here.find(|one| {
            let rest = found.yaml_path.strip_prefix(&one.path);
            rest.is_some_and(|rest| one.path.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// The place of a reference among those of its workload or file, told by names: neither the order of documents nor
    /// that of containers counts.
    pub(crate) fn slot_of(&self, found: &Found) -> String {
        let path = found.yaml_path.as_str();
        let workload = self.workload_of(found);
        let mut containers = workload.into_iter().flat_map(|one| &one.containers);
        let is_over = |at: &str| path.strip_prefix(at).is_some_and(|rest| rest.starts_with('.'));
        if let Some((at, name)) = containers.find(|(at, _)| is_over(at)) {
            return slot_of_container(at, name);
        }
        let from = workload.map_or("", |one| one.path.as_str());
        let below = path.strip_prefix(from).unwrap_or(path);
        // The number of the document is no part of the place.
        let below = match from {
            "" => below.split_once(']').map_or(below, |(_, rest)| rest),
            _ => below,
        };
        let mut entry = without_indices(below);
        // An image that is written in parts stands where the whole one stood.
        for part in [".digest", ".tag", ".repository", ".sha", ".newTag", ".newName", ".name"] {
            if let Some(above) = entry.strip_suffix(part) {
                entry = above.to_owned();
                break;
            }
        }
        entry
    }

    /// Whether the reference stands in a document that is a chart of an OCI repository, given the names that releases
    /// take charts from.
    pub fn is_chart(&self, found: &Found, taken: &[&ObjectName]) -> bool {
        found.kind == OCI_REPOSITORY
            && self.oci_sources.iter().any(|source| {
                let is_taken = || taken.iter().any(|name| name.may_be(&source.name));
                source.document == found.site.document && (source.is_chart || is_taken())
            })
    }
}

/// The place of a container, by the list that it stands in and by its name.
pub(crate) fn slot_of_container(path: &str, name: &str) -> String {
    let list = path.rsplit_once('[').map_or(path, |(list, _)| list);
    let list = list.rsplit_once('.').map_or(list, |(_, list)| list);
    format!("{list}[{name}]")
}

/// A path without the numbers of items.
fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut is_number = false;
    for one in path.chars() {
        match one {
            '[' => is_number = true,
            ']' => is_number = false,
            _ if is_number && one.is_ascii_digit() => continue,
            _ => {}
        }
        out.push(one);
    }
    out
}

/// A chart that another one, or a kustomization, depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// The chart's name in `dependencies` or `helmCharts`.
    pub name: String,
    /// It comes from this repository, not from a server of charts.
    pub local: bool,
}
