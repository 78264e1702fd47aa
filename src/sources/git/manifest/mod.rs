//! Finding image references in manifests, with byte spans.
//!
//! [`scan`] reads one file and tells every image reference in it, by the ten rules of
//! docs/reference/manifests.md, together with the bytes that spell it. Nothing is ever serialised again.

mod alias_uses;
mod application_sets;
mod applications;
mod applied_sources;
mod argocd;
mod compose;
mod controllers;
mod copies;
mod detect;
mod dotenv;
mod edit_warnings;
mod embedded;
pub(crate) mod events;
mod file_scan;
mod flux;
mod found;
mod git_generators;
mod hands_off;
mod helm_values;
mod helmfile;
mod image_rules;
mod image_writers;
mod includes;
mod kargo;
mod known_text;
mod kubernetes;
mod kustomization;
mod kustomize;
mod loose;
mod name_patterns;
mod nested;
mod objects;
mod output;
mod parameters;
mod parts;
mod planned_edit;
mod promoter;
mod reference_text;
mod reread;
mod scanner;
mod schema;
mod shape;
pub(crate) mod site;
pub(in crate::sources) mod tree;
mod typed_scalars;
mod unparsed;
pub mod variables;
mod workloads;

use std::collections::HashSet;

pub(crate) use applications::{Application, ApplicationKind, SourceOverride};
pub(crate) use applied_sources::{AppliedSource, AppliedSourceKind, VALUES_FROM};
pub(crate) use controllers::{Controller, disregards_edit};
pub(crate) use copies::{CopiedImage, Mentioned, copies_in, may_contain_copies};
pub(crate) use dotenv::{WrittenVariable, read as written_variables};
pub(crate) use edit_warnings::repository_updater;
pub use embedded::EmbeddedText;
pub use file_scan::{Chart, Scan, Workload};
pub(crate) use file_scan::{ObjectName, slot_of_container};
pub use found::{AliasUse, DetectionRule, Found, Warning};
pub(crate) use git_generators::GitGenerator;
pub(crate) use image_rules::ImageRule;
pub(crate) use image_writers::{ImageWriter, overwrites_edit};
pub(crate) use includes::{Include, IncludedFiles, Origin};
pub(crate) use kustomization::{
    FieldSpec, GeneratedConfigMap, Kustomization, Operation, Patch, PatchSource, PatchTarget, Replacement,
};
pub(crate) use objects::{ManifestObject, ValuesReference};
pub use parts::DocumentPart;
pub(crate) use planned_edit::{PlacedObject, PlannedEdit, WrittenBranch, is_same_repository, repository_name};
pub(crate) use reread::{PatchedObject, reread};
pub use scanner::{Scanner, is_manifest};
pub(crate) use shape::{Handle, MissingFile, Shape, Text, TextPlace, ValuesLayer};

use detect::DocumentStyle;
pub(crate) use detect::file_name;
use output::Output;
use tree::{Id, Tree};

/// Reads one file of a repository. `path` is its path there, `/`-separated; it only helps to tell
/// the style. Never fails: what cannot be read is named in [`Scan::problem`].
pub fn scan(path: &str, bytes: &[u8]) -> Scan {
    scan_document(path, bytes, false)
}

/// The same of a document of a stream that has a digest somewhere: here too a loose text may be one, whatever
/// characters spell it.
pub(crate) fn scan_spelled(path: &str, bytes: &[u8]) -> Scan {
    scan_document(path, bytes, true)
}

fn scan_document(path: &str, bytes: &[u8], has_digest: bool) -> Scan {
    let readable = match hands_off::disguised(bytes) {
        Some(what) => Err(what.to_owned()),
        None => events::text(bytes),
    };
    let text = match readable {
        Ok(text) => text,
        Err(problem) => {
            return Scan {
                problem: Some(problem),
                ..Scan::default()
            };
        }
    };
    if is_variables(path) {
        let (all, layered) = variables::read(text);
        return Scan {
            parts: vec![DocumentPart::Variables(all)],
            layered,
            ..Scan::default()
        };
    }
    let tree = Tree::read(text);
    let mut out = Output::for_file(path);
    let kinds: Vec<DocumentStyle> = tree
        .roots
        .iter()
        .map(|root| style(path, &tree, *root, &mut out))
        .collect();
    if has_digest || text.contains("sha256:") {
        for (root, kind) in tree.roots.iter().zip(&kinds) {
            loose(&tree, *root, *kind, &mut out);
        }
    }
    let documents: Vec<(Id, DocumentStyle)> = tree.roots.iter().copied().zip(kinds.iter().copied()).collect();
    let includes = includes::read(&tree, &documents);
    let parts = parts::read(path, &tree, &documents, &out);
    let overflow = out.overflow || tree.is_exhausted();
    let mut scan = Scan {
        found: out.found,
        unmanaged: out.unmanaged,
        warnings: Vec::new(),
        controllers: Vec::new(),
        writers: Vec::new(),
        includes,
        charts: charts(&tree, &documents),
        oci_sources: Vec::new(),
        chart_sources: Vec::new(),
        parts: parts.parts,
        embedded: parts.embedded,
        layered: parts.layered,
        workloads: Vec::new(),
        applied: Vec::new(),
        doubtful: events::doubtful(text),
        problem: None,
    };
    for (index, (root, kind)) in tree.roots.iter().zip(&kinds).enumerate() {
        let next = tree.roots.get(index + 1).map(|next| tree.node(*next).line);
        let last = next.map_or(u32::MAX, |line| line.saturating_sub(1));
        controllers::read(&tree, *root, *kind, last, &mut scan.controllers);
        image_writers::read(&tree, *root, *kind, &mut scan.writers);
        match kind {
            DocumentStyle::OciRepository => scan.oci_sources.push(flux::oci_source(&tree, *root)),
            DocumentStyle::HelmRelease => scan.chart_sources.extend(flux::chart_source(&tree, *root)),
            _ => {}
        }
    }
    for (index, (root, kind)) in (0u32..).zip(tree.roots.iter().zip(&kinds)) {
        applied_sources::read(&tree, *root, *kind, workloads::object, &mut scan.applied);
        workloads::read(&tree, *root, *kind, index, &mut scan.workloads);
        edit_warnings::document(&tree, *root, index, &mut scan.warnings);
    }
    edit_warnings::markers(text, &tree, &mut scan.warnings);
    if let Some(stopped) = &tree.stopped {
        let document = u32::try_from(tree.roots.len()).unwrap_or(u32::MAX);
        unparsed::lines(text, stopped.document_at, document, &mut scan);
        scan.problem = Some(format!("line {}: {}", stopped.line, stopped.why));
    } else if overflow {
        scan.problem = Some("it holds more references or aliases than are kept of one file".to_owned());
    }
    if scan.problem.is_some() {
        for found in scan.found.iter_mut().chain(&mut scan.layered) {
            let _ = found
                .read_only
                .get_or_insert_with(|| "another part of the file could not be read".to_owned());
        }
    }
    if let Some(reason) = hands_off::reason(text, &tree) {
        for found in scan.found.iter_mut().chain(&mut scan.layered) {
            found.read_only.get_or_insert_with(|| reason.clone());
        }
    }
    scan.sort();
    scan
}

/// Whether a file sets the variables of the Compose file beside it.
pub(crate) fn is_variables(path: &str) -> bool {
    path.rsplit('/').next() == Some(variables::FILE)
}

impl Scan {
    /// The reference that a handle names.
    pub(crate) fn at(&self, handle: Handle) -> Option<&Found> {
        match handle {
            Handle::Found(index) => self.found.get(index as usize),
            Handle::Layered(index) => self.layered.get(index as usize),
        }
    }

    /// Every reference, those that count only together with other files last. What was found both ways is
    /// there once: as a part of an image that other values name if nothing more is written here, as an image in
    /// a patch rather than as a loose text.
    pub fn all(&self) -> impl Iterator<Item = &Found> {
        self.handles().map(|(_, found)| found)
    }

    /// The same, each with its handle.
    pub fn handles(&self) -> impl Iterator<Item = (Handle, &Found)> {
        let (mut whole, mut parts, mut spans) = (HashSet::new(), HashSet::new(), HashSet::new());
        if !self.layered.is_empty() {
            let is_known = |found: &&Found| !found.written.is_empty() && !found.rule.is_loose();
            whole = self
                .found
                .iter()
                .filter(is_known)
                .map(|found| found.yaml_path.as_str())
                .collect();
            parts = self.layered.iter().map(|found| found.yaml_path.as_str()).collect();
            let spans_of = self.layered.iter().filter_map(|found| found.digest_span.clone());
            spans = spans_of.map(|span| (span.start, span.end)).collect();
        }
        let layered = (0u32..).zip(&self.layered);
        let more: Vec<(Handle, &Found)> = layered
            .filter(|(_, found)| !whole.contains(found.yaml_path.as_str()))
            .map(|(at, found)| (Handle::Layered(at), found))
            .collect();
        let is_better = move |(_, found): &(Handle, &Found)| {
            let span = found.digest_span.as_ref().map(|span| (span.start, span.end));
            let is_part = found.written.is_empty() && parts.contains(found.yaml_path.as_str());
            let is_text = found.rule.is_loose() && span.is_some_and(|span| spans.contains(&span));
            !is_part && !is_text
        };
        let found = (0u32..).zip(&self.found);
        found
            .map(|(at, found)| (Handle::Found(at), found))
            .filter(is_better)
            .chain(more)
    }

    /// Brings the references into the order of the file.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.found.len()).collect();
        order.sort_by_key(|at| (self.found[*at].site.document, self.found[*at].line));
        if order.iter().enumerate().all(|(now, was)| now == *was) {
            return;
        }
        let mut moved = vec![0u32; order.len()];
        for (now, was) in (0u32..).zip(&order) {
            moved[*was] = now;
        }
        let mut place = |place: &mut TextPlace| {
            if let Some(Handle::Found(index)) = &mut place.found {
                *index = moved.get(*index as usize).copied().unwrap_or(*index);
            }
        };
        self.parts.iter_mut().for_each(|part| part.places(&mut place));
        self.embedded.iter_mut().for_each(|text| text.places(&mut place));
        let mut old: Vec<Option<Found>> = std::mem::take(&mut self.found).into_iter().map(Some).collect();
        self.found = order.iter().filter_map(|was| old[*was].take()).collect();
    }
}

/// The charts that these documents depend on.
fn charts(tree: &Tree<'_>, documents: &[(Id, DocumentStyle)]) -> Vec<Chart> {
    let mut out = Vec::new();
    for (root, kind) in documents {
        let (list, from) = match kind {
            DocumentStyle::Chart => ("dependencies", "repository"),
            DocumentStyle::Kustomize => ("helmCharts", "repo"),
            _ => continue,
        };
        for item in tree.get(*root, list).map_or(&[][..], |id| tree.items(id)) {
            let text = |key| tree.get(*item, key).and_then(|id| tree.filled(id));
            out.extend(text("name").map(|name| Chart {
                name: name.to_owned(),
                local: text(from).is_none_or(|from| from.starts_with("file:")),
            }));
        }
    }
    out
}

/// Looks for references that the document's style does not know of.
fn loose(tree: &Tree<'_>, root: Id, kind: DocumentStyle, out: &mut Output) {
    match kind {
        DocumentStyle::Nothing => {}
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                let kind = detect::document("", tree, *item);
                if kind != DocumentStyle::List {
                    loose(tree, *item, kind, out);
                }
            }
        }
        kind => loose::document(tree, root, out, kind == DocumentStyle::Kubernetes),
    }
}

/// Reads one document in its own style.
fn style(path: &str, tree: &Tree<'_>, root: Id, out: &mut Output) -> DocumentStyle {
    let kind = detect::document(path, tree, root);
    match kind {
        DocumentStyle::Other => {}
        DocumentStyle::Nothing => schema::read(tree, root, out),
        DocumentStyle::Promoter => promoter::read(tree, root, out),
        DocumentStyle::FluxKustomization => flux::kustomization(tree, root, out),
        DocumentStyle::HelmRelease => flux::helm_release(tree, root, out),
        DocumentStyle::OciRepository => flux::oci_repository(tree, root, out),
        DocumentStyle::Kustomize => kustomize::read(tree, root, out),
        DocumentStyle::Argocd => argocd::read(tree, root, out),
        DocumentStyle::ArgocdSource => argocd::source(tree, root, out),
        DocumentStyle::Kubernetes => kubernetes::read(tree, root, out),
        DocumentStyle::List => {
            for item in tree.get(root, "items").map_or(&[][..], |items| tree.items(items)) {
                if detect::document("", tree, *item) != DocumentStyle::List {
                    style("", tree, *item, out);
                }
            }
        }
        DocumentStyle::Helmfile => helmfile::read(tree, root, out),
        DocumentStyle::Compose => compose::read(tree, root, out),
        DocumentStyle::Values => helm_values::read(tree, root, out),
        DocumentStyle::Chart => {
            if let Some(version) = tree.get(root, "appVersion")
                && let Some(text) = tree.filled(version)
            {
                out.unmanaged(
                    tree.node(version).line,
                    text,
                    "the chart's default tag: images without a tag of their own run it",
                );
            }
        }
    }
    kind
}
