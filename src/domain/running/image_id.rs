//! What a container's status says about its image: every form of `imageID` that kubelets copy from container
//! runtimes (docs/reference/running.md, "What a node reports").
//!
//! The forms say different things. A digest behind a repository names a manifest or an index; one that stands
//! alone names a configuration, with two exceptions that are kept apart here ([`NamedContent`]). The repository in
//! front is never compared: runtimes that know one image by several names report the first in alphabetical order.

use crate::domain::id::Digest;
use crate::domain::text::Untrusted;

/// The container runtime of a node, from the scheme of a container's `containerID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// `containerd://`: identifies images by their configuration.
    Containerd,
    /// `cri-o://`: identifies images by an id that is the configuration's digest, with exceptions.
    Crio,
    /// `docker://`: dockershim and cri-dockerd.
    Docker,
    /// Another one, or not reported.
    Other,
}

impl Runtime {
    /// The runtime that a `containerID` names.
    pub fn of_container_id(text: &str) -> Self {
        match text.split_once("://").map(|(scheme, _)| scheme) {
            Some("containerd") => Self::Containerd,
            Some("cri-o") => Self::Crio,
            Some("docker") => Self::Docker,
            _ => Self::Other,
        }
    }
}

/// What sort of content a reported digest names. It decides what may be concluded where the digest is *not* one of
/// the pin's; where it is one of them, a digest needs no sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedContent {
    /// An image index or an image manifest.
    Manifest,
    /// An image configuration.
    Config,
    /// An image id of CRI-O: the configuration's digest, except for images that were pulled in parts
    /// (`zstd:chunked`), for which some versions make up an id of their own. So one that is not among the pin's
    /// configurations proves nothing.
    LocalId,
    /// A configuration or a manifest: Docker names configurations, and with its containerd image store manifests.
    Either,
}

/// A digest that a container's status reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedDigest {
    /// The digest at the end of the text.
    pub digest: Digest,
    /// What it names.
    pub content: NamedContent,
    /// The text as reported, for people.
    pub named: Untrusted,
}

/// What a container's status and its Pod's spec say about the image that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerImage {
    /// The digest of `imageID`; `None` where it is empty or of no known form.
    pub reported: Option<ReportedDigest>,
    /// The digest that the status's `image` field names where it stands alone there: containerd has no other name
    /// for an image that a Pod asked for by digest.
    pub bare: Option<ReportedDigest>,
    /// The digest that the Pod's spec asks for; `None` where it asks by tag, and where the status is known to be
    /// older than the spec.
    pub asked: Option<Digest>,
}

impl ContainerImage {
    /// Reads the fields of a container's status: `imageID`, `image` and `containerID`.
    pub fn read(image_id: &str, image: &str, container_id: &str, asked: Option<Digest>) -> Self {
        let runtime = Runtime::of_container_id(container_id);
        Self {
            reported: reported(image_id, runtime),
            // A name with a digest in it is what was asked for once; it says nothing about what was found.
            bare: digest_alone(image).and_then(|_| reported(image, runtime)),
            asked,
        }
    }
}

/// Reads an `imageID`: the digest that it ends with, and what that digest names.
fn reported(text: &str, runtime: Runtime) -> Option<ReportedDigest> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let alone = digest_alone(rest);
    let digest = match alone {
        Some((digest, _)) => digest,
        None => rest.rsplit_once('@')?.1.parse().ok()?,
    };
    let content = match (alone.is_some(), scheme, runtime) {
        (false, ..) => NamedContent::Manifest,
        (true, Some(_), _) | (true, None, Runtime::Docker) => NamedContent::Either,
        (true, None, Runtime::Containerd) => NamedContent::Config,
        (true, None, Runtime::Crio) => NamedContent::LocalId,
        // Without a runtime to ask, only CRI-O is known to leave the algorithm out.
        (true, None, Runtime::Other) if alone.is_some_and(|(_, has_algorithm)| !has_algorithm) => NamedContent::LocalId,
        (true, None, Runtime::Other) => NamedContent::Either,
    };
    Some(ReportedDigest {
        digest,
        content,
        named: text.into(),
    })
}

/// A digest with nothing before or after it, with or without its algorithm, and whether it has one.
fn digest_alone(text: &str) -> Option<(Digest, bool)> {
    match text.parse() {
        Ok(digest) => Some((digest, true)),
        Err(_) => Digest::from_hex(text).ok().map(|digest| (digest, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn every_form_is_read() {
        use NamedContent as N;
        let hex = |text: &str| text.replace("HEX", HEX);
        for (text, id, content) in [
            (
                "docker-pullable://reg.example/a/b@sha256:HEX",
                "docker://1",
                N::Manifest,
            ),
            ("docker://reg.example/a/b@sha256:HEX", "docker://1", N::Manifest),
            ("docker://sha256:HEX", "docker://1", N::Either),
            ("sha256:HEX", "docker://1", N::Either),
            ("reg.example:5000/a/b@sha256:HEX", "containerd://1", N::Manifest),
            ("reg.example/a/b:v1@sha256:HEX", "containerd://1", N::Manifest),
            ("sha256:HEX", "containerd://1", N::Config),
            ("reg.example/a/b@sha256:HEX", "cri-o://1", N::Manifest),
            ("HEX", "cri-o://1", N::LocalId),
            ("sha256:HEX", "cri-o://1", N::LocalId),
            ("HEX", "", N::LocalId),
            ("sha256:HEX", "", N::Either),
            ("future://sha256:HEX", "future://1", N::Either),
            ("a@sha256:HEX", "", N::Manifest),
        ] {
            let read = ContainerImage::read(&hex(text), "app:v1", id, None).reported;
            let read = read.unwrap_or_else(|| panic!("{text} by {id}"));
            assert_eq!(
                (read.digest.hex().as_str(), read.content),
                (HEX, content),
                "{text} by {id}"
            );
            assert_eq!(read.named.raw(), hex(text));
        }
    }

    #[test]
    fn what_has_no_digest_at_its_end_reports_none() {
        let upper = HEX.to_uppercase();
        for text in [
            "",
            "reg.example/a/b:v1",
            "reg.example/a/b@sha512:00",
            &format!("reg.example/a/b@sha256:{}", &HEX[1..]),
            &format!("reg.example/a/b@sha256:{HEX}0"),
            &format!("reg.example/a/b@sha256:{HEX} "),
            &format!("reg.example/a/b@sha256:{upper}"),
            &upper,
            &HEX[..63],
            &format!("sha256:{HEX}/b"),
            "docker://",
            "@",
        ] {
            let read = ContainerImage::read(text, text, "containerd://1", None);
            assert_eq!((read.reported, read.bare), (None, None), "{text:?}");
        }
    }

    #[test]
    fn the_image_field_counts_only_where_a_digest_stands_alone() {
        let of = |image: &str| ContainerImage::read("", image, "containerd://1", None).bare;
        let alone = of(&format!("sha256:{HEX}")).expect("a digest");
        assert_eq!(
            (alone.digest.hex().as_str(), alone.content),
            (HEX, NamedContent::Config)
        );
        assert_eq!(of(&format!("reg.example/a@sha256:{HEX}")), None);
        assert_eq!(of("reg.example/a:v1"), None);
    }
}
