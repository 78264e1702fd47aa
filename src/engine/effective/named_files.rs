//! Files that manifests name, whatever they are called: kustomize and Helm read any file.

use std::collections::BTreeSet;

use crate::sources::git::manifest::{DocumentPart, Kustomization, PatchSource, Scan, ValuesLayer};

use super::files::Files;

/// Files of the commit that a manifest names and that were not scanned.
pub(super) fn unscanned(files: &Files<'_>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for file in 0..files.len() {
        let Some(scan) = files.scan(file) else { continue };
        for path in named(files, file, scan) {
            if files.find(&path).is_none() && files.exists(&path) {
                out.insert(path);
            }
        }
    }
    out
}

fn named(files: &Files<'_>, file: u32, scan: &Scan) -> Vec<String> {
    let mut out = Vec::new();
    for part in &scan.parts {
        match part {
            DocumentPart::Kustomization(one) => {
                out.extend(of_kustomization(one).filter_map(|path| files.resolve(file, path)));
                one.charts.iter().for_each(|all| layers(files, file, all, &mut out));
            }
            DocumentPart::Application(one) => layers(files, file, &one.values, &mut out),
            DocumentPart::Object(one) => layers(files, file, &one.chart, &mut out),
            DocumentPart::Releases(all) => all.iter().for_each(|all| layers(files, file, all, &mut out)),
            _ => {}
        }
    }
    out
}

fn of_kustomization(one: &Kustomization) -> impl Iterator<Item = &String> {
    let patches = one.patches.iter().filter_map(|rule| match &rule.from {
        PatchSource::File(path) => Some(path),
        PatchSource::Inline(_) | PatchSource::Unread => None,
    });
    // Of a generator's files only those that may be values; the others are anything.
    let generated = one.config_maps.iter().flat_map(|one| &one.files);
    let values = generated
        .filter(|(key, _)| key.contains("values"))
        .map(|(_, path)| path);
    let lists = [
        &one.resources,
        &one.configurations,
        &one.transformers,
        &one.replacement_files,
    ];
    lists.into_iter().flatten().chain(patches).chain(values)
}

fn layers(files: &Files<'_>, file: u32, all: &[ValuesLayer], out: &mut Vec<String>) {
    for layer in all {
        if let ValuesLayer::File { path, from, .. } = layer {
            out.extend(files.layer_path(file, path, *from));
        }
    }
}
