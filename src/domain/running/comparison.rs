//! Whether a container runs the pinned image (docs/reference/running.md, "Same or not").
//!
//! *Same* is said only where every image that the reported digest can stand for is one of the pin's, *differs* only
//! where none is; both need bytes that were fetched and hashed. Everything else is *unknown*, with its reason.

use std::fmt;

use super::closure::{ImageClosure, Membership, Overlap};
use super::image_id::{ContainerImage, NamedContent, ReportedDigest};
use crate::domain::id::Digest;

/// By what a running image was recognised as the pinned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageMatch {
    /// The node reports the pinned digest.
    Exact,
    /// One is an index, the other one of the manifests that it lists.
    Index,
    /// The node reports the configuration of one of the pin's images.
    Config,
    /// Another manifest or index, all of whose images are images of the pin: the same contents, whose compressed
    /// layers may differ.
    OtherManifest,
}

impl ImageMatch {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Index => "index",
            Self::Config => "config",
            Self::OtherManifest => "other-manifest",
        }
    }
}

/// Whether one container runs what is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageComparison {
    /// It does.
    Same(ImageMatch),
    /// It runs another image.
    Differs,
    /// Nobody can tell.
    Unknown(Doubt),
}

impl ImageComparison {
    /// Whether it is the pinned image.
    pub const fn is_same(&self) -> bool {
        matches!(self, Self::Same(_))
    }
}

/// Why nobody can tell whether a container runs what is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// The node reports no digest.
    NotReported,
    /// The reported digest is not one of the pin's as far as that is known, and it cannot be read, but the Pod asked
    /// for the pinned image.
    AskedForPin,
    /// The same, and the Pod asked for something else.
    AskedForOther,
    /// The pin's own manifests could not be read to their end.
    PinNotRead,
    /// The reported index lists images of the pin and others, and the node does not say which one it runs.
    OneOfSeveral,
    /// The node reports an id that is not one of the pin's configurations, and that CRI-O may have made up.
    LocalId,
    /// The node reports two digests that cannot both be true.
    Contradiction,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReported => "the node reports no digest",
            Self::AskedForPin => {
                "the Pod asks for the pinned digest; the node names what it runs by another one, which cannot be read"
            }
            Self::AskedForOther => "the node names a digest that cannot be read, so it cannot be compared with the pin",
            Self::PinNotRead => "the manifests of the pinned digest cannot all be read",
            Self::OneOfSeveral => {
                "the node names an index that lists pinned and other images, and does not say which of them it runs"
            }
            Self::LocalId => "the node names an image id that is not one of the pin's and that it may have made up",
            Self::Contradiction => "the node names two digests that belong to different images",
        })
    }
}

/// Compares what a container's status reports with the pin. `read` gives the closure of a digest that was fetched,
/// if it could be; it is asked about the reported and the asked digest only ([`wanted`]).
pub fn compare<'a>(
    pin: &ImageClosure,
    image: &ContainerImage,
    read: impl Fn(Digest) -> Option<&'a ImageClosure>,
) -> ImageComparison {
    let clues = || image.reported.iter().chain(&image.bare);
    let member = clues().filter_map(|clue| pin.membership(clue.digest)).min();
    let foreign = clues().any(|clue| is_foreign(pin, clue));
    match (member, foreign) {
        (Some(_), true) => ImageComparison::Unknown(Doubt::Contradiction),
        (Some(member), false) => ImageComparison::Same(match member {
            Membership::Itself => ImageMatch::Exact,
            Membership::Listed => ImageMatch::Index,
            Membership::Config => ImageMatch::Config,
        }),
        (None, foreign) => by_content(pin, image, foreign, read),
    }
}

/// The digests that must be fetched before [`compare`] can say all that can be known: none where the names suffice,
/// and never more than two.
pub fn wanted(pin: &ImageClosure, image: &ContainerImage) -> Vec<Digest> {
    let clues = || image.reported.iter().chain(&image.bare);
    if clues().any(|clue| pin.contains(clue.digest) || is_foreign(pin, clue)) {
        return Vec::new();
    }
    let may_be_manifest =
        |clue: &&ReportedDigest| matches!(clue.content, NamedContent::Manifest | NamedContent::Either);
    let reported = image.reported.iter().filter(may_be_manifest).map(|clue| clue.digest);
    let mut digests: Vec<Digest> = reported.collect();
    let asked = image
        .asked
        .filter(|asked| !pin.contains(*asked) && !digests.contains(asked));
    digests.extend(asked);
    digests
}

/// Whether a reported digest is certainly that of a configuration, and not one of the pin's.
fn is_foreign(pin: &ImageClosure, clue: &ReportedDigest) -> bool {
    clue.content == NamedContent::Config && pin.is_whole() && !pin.contains(clue.digest)
}

/// Compares the images behind the reported digest with those of the pin, none of whose names was reported.
fn by_content<'a>(
    pin: &ImageClosure,
    image: &ContainerImage,
    foreign: bool,
    read: impl Fn(Digest) -> Option<&'a ImageClosure>,
) -> ImageComparison {
    let reported = image.reported.as_ref().and_then(|clue| read(clue.digest));
    let overlap = reported.map_or(Overlap::Unsure, |reported| reported.overlap(pin));
    let same = || {
        let lists_pin = reported.is_some_and(|reported| reported.contains(pin.digest()));
        ImageComparison::Same(match lists_pin {
            true => ImageMatch::Index,
            false => ImageMatch::OtherManifest,
        })
    };
    let asked_for_pin = image.asked.is_some_and(|asked| pin.contains(asked));
    let asked = || image.asked.and_then(&read).map(|asked| asked.overlap(pin));
    match overlap {
        _ if foreign => ImageComparison::Differs,
        Overlap::Within => same(),
        Overlap::Disjoint => ImageComparison::Differs,
        // The node has one image under the name that was asked for and under the reported one.
        Overlap::Partly if asked_for_pin => same(),
        // What was asked for settles it, where that could be read.
        Overlap::Partly | Overlap::Unsure if asked() == Some(Overlap::Disjoint) => ImageComparison::Differs,
        Overlap::Partly => ImageComparison::Unknown(Doubt::OneOfSeveral),
        Overlap::Unsure => ImageComparison::Unknown(doubt(pin, image, reported.is_some(), asked_for_pin)),
    }
}

fn doubt(pin: &ImageClosure, image: &ContainerImage, is_read: bool, asked_for_pin: bool) -> Doubt {
    match image.reported.as_ref().or(image.bare.as_ref()) {
        None => Doubt::NotReported,
        Some(_) if !pin.is_whole() => Doubt::PinNotRead,
        Some(clue) if clue.content == NamedContent::LocalId => Doubt::LocalId,
        Some(_) if asked_for_pin && !is_read => Doubt::AskedForPin,
        Some(_) => Doubt::AskedForOther,
    }
}
