//! What a scan finds in one file.

use crate::domain::pin::Unmanaged;

use super::controllers::Controller;
use super::found::{Found, Warning};
use super::image_writers::ImageWriter;
use super::includes::Include;
use super::parts::DocumentPart;

/// What is found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// What it contributes to a render.
    pub parts: Vec<DocumentPart>,
    /// References that count only together with other files: tags and digests of images that other
    /// values name, and images in patches.
    pub layered: Vec<Found>,
    /// Why other readers of YAML may take the file for something else, if so.
    pub doubtful: Option<String>,
    /// Why the file (or a part of it) could not be read, if so.
    pub problem: Option<String>,
}

/// A chart that another one, or a kustomization, depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The chart's name in `dependencies` or `helmCharts`.
    pub name: String,
    /// It comes from this repository, not from a server of charts.
    pub local: bool,
}
