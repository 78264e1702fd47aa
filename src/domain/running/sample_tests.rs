//! A few images for the tests, by name (see tests/data/running/image_ids.txt).

use std::collections::BTreeSet;

use super::closure::{ImageClosure, PlatformImage};
use crate::domain::id::Digest;

/// Every name that a digest has in the tests.
pub(super) const NAMES: &[&str] = &[
    "I1", "I2", "I3", "I4", "I5", "N1", "O1", "E1", "S1", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "C1", "C2", "C3",
    "C4", "C7", "C9",
];

pub(super) fn digest(name: &str) -> Digest {
    assert!(NAMES.contains(&name), "{name} is not known");
    Digest::of(name.as_bytes())
}

fn platform(manifest: &str, config: Option<&str>) -> PlatformImage {
    PlatformImage {
        manifest: digest(manifest),
        config: config.map(digest),
    }
}

/// The manifests of a name, with their configurations.
fn platforms(name: &str) -> Vec<(&'static str, Option<&'static str>)> {
    match name {
        "I1" | "I3" | "N1" => vec![("M1", Some("C1")), ("M2", Some("C2"))],
        "I2" => vec![("M3", Some("C3")), ("M4", Some("C4"))],
        "I4" => vec![("M5", Some("C1")), ("M6", Some("C2"))],
        "I5" => vec![("M1", Some("C1")), ("M7", Some("C7"))],
        "O1" | "M1" => vec![("M1", Some("C1"))],
        "M2" => vec![("M2", Some("C2"))],
        "M3" => vec![("M3", Some("C3"))],
        "M5" => vec![("M5", Some("C1"))],
        "S1" => vec![("S1", None)],
        "E1" => Vec::new(),
        other => panic!("{other} has no manifests"),
    }
}

/// The closure of a name, all of it read.
pub(super) fn closure(name: &str) -> ImageClosure {
    without(name, "")
}

/// The closure of a name, but for one manifest that could not be read.
pub(super) fn without(name: &str, unread: &str) -> ImageClosure {
    let all = platforms(name).into_iter();
    let images: Vec<PlatformImage> = all
        .map(|(manifest, config)| platform(manifest, config.filter(|_| manifest != unread)))
        .collect();
    let nested: BTreeSet<Digest> = (name == "N1").then(|| digest("I1")).into_iter().collect();
    match name.starts_with(['I', 'N', 'O', 'E']) {
        true => ImageClosure::of_index(digest(name), images, nested, true),
        false => ImageClosure::of_manifest(images[0]),
    }
}
