//! Values that Helm releases take from ConfigMaps: written as such, or made of files by a kustomization.

use crate::sources::git::manifest::{DocumentPart, GeneratedConfigMap, ValuesReference};

use super::files::{Files, folder_of};
use super::objects::RenderedObject;
use super::units::ValuesSource;

/// Puts a `ConfigMap` that a kustomization makes of files to its objects, or more keys to one that is there.
pub(super) fn generate(
    files: &Files<'_>,
    file: u32,
    generated: &GeneratedConfigMap,
    objects: &mut Vec<RenderedObject>,
) {
    let each = generated.files.iter().map(|(key, path)| {
        let found = files.resolve(file, path).and_then(|path| files.find(&path));
        let values = match found {
            Some(values) => ValuesSource::File(values),
            None => ValuesSource::Unread(format!("{path} of the ConfigMap {} cannot be read", generated.name)),
        };
        (key.clone(), values)
    });
    let made = RenderedObject::config_map(&generated.name, &generated.namespace, each.collect());
    let is_same = |known: &&mut RenderedObject| known.kind == "ConfigMap" && made.means(&generated.name, known);
    match objects.iter_mut().find(|known| generated.merges && is_same(known)) {
        Some(known) => {
            known
                .data
                .retain(|(key, _)| made.data.iter().all(|(new, _)| new != key));
            known.data.extend(made.data);
        }
        None => objects.push(made),
    }
}

/// The ConfigMaps in the folder of a file.
pub(super) fn beside(files: &Files<'_>, file: u32) -> Vec<RenderedObject> {
    let all = files.in_folder(folder_of(files.path(file)), false);
    let parts = all
        .into_iter()
        .flat_map(|file| files.parts(file).iter().map(move |part| (file, part)));
    let objects = parts.filter_map(|(file, part)| match part {
        DocumentPart::Object(object) if object.kind == "ConfigMap" => Some(RenderedObject::new(object, file)),
        _ => None,
    });
    objects.collect()
}

/// The values that a `HelmRelease` takes from other objects, in order; `beside` are the objects that it is deployed with.
/// What cannot be read says so.
pub(super) fn referenced(files: &Files<'_>, release: &RenderedObject, beside: &[RenderedObject]) -> Vec<ValuesSource> {
    let each = release.values_from.iter().filter_map(|reference| {
        let ValuesReference {
            kind,
            name,
            key,
            target_path,
            optional,
        } = reference;
        // One value somewhere else than in an image decides none.
        if target_path.as_deref().is_some_and(|path| !may_be_of_image(path)) {
            return None;
        }
        let unread = |why: &str| Some(ValuesSource::Unread(format!("{kind} {name} may change it: {why}")));
        if target_path.is_some() {
            return unread("it puts one value into an image");
        }
        if kind != "ConfigMap" {
            return unread("what is in it is not read");
        }
        let is_meant = |other: &&RenderedObject| other.kind == "ConfigMap" && release.means(name, other);
        let Some(object) = beside.iter().find(is_meant) else {
            if !optional && !is_anywhere(files, name) {
                return Some(ValuesSource::Missing(format!(
                    "the ConfigMap {name} is nowhere in this repository, and without it Flux does not deploy the release"
                )));
            }
            return unread("it is not among what is deployed with the release");
        };
        match object.data.iter().find(|(known, _)| known == key) {
            Some((_, values)) => Some(values.clone()),
            None => unread(&format!("its key {key} is not read")),
        }
    });
    each.collect()
}

/// Whether a ConfigMap may be made anywhere in the repository under this name, or under a part of it that something is
/// put in front of or behind.
fn is_anywhere(files: &Files<'_>, name: &str) -> bool {
    let may_be = |own: &str| !own.is_empty() && name.contains(own);
    name.contains('$')
        || (0..files.len()).any(|file| {
            files.parts(file).iter().any(|part| match part {
                DocumentPart::Object(object) => object.kind == "ConfigMap" && may_be(&object.name),
                DocumentPart::Kustomization(one) => one.config_maps.iter().any(|one| may_be(&one.name)),
                _ => false,
            })
        })
}

/// Whether a path of values names an image or a part of one.
pub(in crate::engine) fn may_be_of_image(path: &str) -> bool {
    let words = ["image", "repository", "registry", "tag", "digest", "sha", "version"];
    let lower = path.to_ascii_lowercase();
    let mut steps = lower.split(['.', '[']);
    steps.any(|step| {
        words
            .iter()
            .any(|word| step == *word || *word == "image" && step.contains(word))
    })
}
