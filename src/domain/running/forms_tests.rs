//! The table of `imageID` forms: every form of every runtime, against every kind of pin.

use super::closure::ImageClosure;
use super::comparison::{Doubt, ImageComparison, ImageMatch, compare, wanted};
use super::image_id::ContainerImage;
use super::sample_tests::{NAMES, closure, digest, without};
use crate::domain::id::Digest;

const TABLE: &str = include_str!("../../../tests/data/running/image_ids.txt");

/// A text of the table with its names of digests replaced by digests.
fn filled(text: &str) -> String {
    let fill = |text: String, name: &&str| {
        text.replace(&format!("@{name}"), &format!("@{}", digest(name)))
            .replace(&format!("sha256:{name}"), &digest(name).to_string())
            .replace(&format!("hex:{name}"), &digest(name).hex())
    };
    NAMES.iter().fold(text.to_owned(), fill)
}

fn answer(text: &str) -> ImageComparison {
    match text {
        "same exact" => ImageComparison::Same(ImageMatch::Exact),
        "same index" => ImageComparison::Same(ImageMatch::Index),
        "same config" => ImageComparison::Same(ImageMatch::Config),
        "same other-manifest" => ImageComparison::Same(ImageMatch::OtherManifest),
        "differs" => ImageComparison::Differs,
        "unknown none" => ImageComparison::Unknown(Doubt::NotReported),
        "unknown asked" => ImageComparison::Unknown(Doubt::AskedForPin),
        "unknown other" => ImageComparison::Unknown(Doubt::AskedForOther),
        "unknown pin" => ImageComparison::Unknown(Doubt::PinNotRead),
        "unknown several" => ImageComparison::Unknown(Doubt::OneOfSeveral),
        "unknown id" => ImageComparison::Unknown(Doubt::LocalId),
        "unknown contradiction" => ImageComparison::Unknown(Doubt::Contradiction),
        other => panic!("{other:?} is no answer"),
    }
}

#[test]
fn every_form_of_every_runtime_is_judged() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [runtime, source, pin, image_id, image, asked, unread, expected] = cells[..] else {
            panic!("not eight cells: {line}");
        };
        assert!(!source.is_empty(), "{line}");
        rows += 1;
        let container_id = match runtime.split(' ').next() {
            Some("containerd") => "containerd://1",
            Some("cri-o") => "cri-o://1",
            Some("dockershim" | "cri-dockerd") => "docker://1",
            Some("other") => "",
            other => panic!("{other:?} is no runtime"),
        };
        let asked = (asked != "tag").then(|| digest(asked));
        let image = ContainerImage::read(&filled(image_id), &filled(image), container_id, asked);
        let of = |name: &str| {
            if unread == name {
                ImageClosure::unread(digest(name))
            } else {
                without(name, unread)
            }
        };
        let pin = of(pin);
        let all: Vec<ImageClosure> = ["I1", "I2", "I3", "I4", "I5", "N1", "O1", "E1", "M1", "M3", "M5"]
            .iter()
            .filter(|name| **name != unread)
            .map(|name| closure(name))
            .collect();
        let may_fetch = wanted(&pin, &image);
        assert!(may_fetch.len() <= 2, "{line}");
        let read = |digest: Digest| {
            all.iter()
                .find(|one| one.digest() == digest && may_fetch.contains(&digest))
        };
        let found = compare(&pin, &image, read);
        if found != answer(expected) {
            wrong.push(format!("{line}\n    but it says {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 60, "{rows} rows");
}
