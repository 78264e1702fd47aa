//! Pins: what git desires for one service in one environment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{Digest, Target};
use super::reference::Repository;
use super::text::Untrusted;

/// The manifest style a pin was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// Image-promoter lists.
    Promoter,
    /// Flux Kustomization, HelmRelease, OCIRepository.
    Flux,
    /// A kustomization, a component or a patch of one.
    Kustomize,
    /// Argo CD Application and ApplicationSet.
    Argocd,
    /// Any other Kubernetes object.
    Kubernetes,
    /// A Helmfile: values of its releases.
    Helmfile,
    /// A Compose file.
    Compose,
    /// Helm values files.
    HelmValues,
    /// A reference with a digest in any other scalar.
    Loose,
    /// A line of a file that does not parse (templates).
    Unparsed,
}

impl Style {
    /// The name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoter => "promoter",
            Self::Flux => "flux",
            Self::Kustomize => "kustomize",
            Self::Argocd => "argocd",
            Self::Kubernetes => "kubernetes",
            Self::Helmfile => "helmfile",
            Self::Compose => "compose",
            Self::HelmValues => "helm-values",
            Self::Loose => "loose",
            Self::Unparsed => "unparsed",
        }
    }
}

/// One place where a pin is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// Path in the repository, `/`-separated.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// How it is written.
    pub style: Style,
    /// The repository that is deployed: a service may live in several.
    pub image: Repository,
    /// Why it cannot be edited, if it cannot.
    pub read_only: Option<String>,
    /// Why the effective pin is what it is, where that is not plain from the text.
    pub reason: Option<String>,
    /// What the place has to do with the pin.
    #[serde(rename = "overridden", serialize_with = "is_overridden")]
    pub role: Role,
    /// Path in the YAML stream of the reference that an edit changes; empty where none can.
    #[serde(skip)]
    pub yaml_path: String,
}

/// What a place has to do with a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Role {
    /// It decides tag and digest: an edit goes here.
    #[default]
    Version,
    /// It decides the name, and another place the tag and the digest.
    Name,
    /// Another place was laid over it.
    Overridden,
}

fn is_overridden<S: serde::Serializer>(role: &Role, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bool(*role == Role::Overridden)
}

/// The commit that put a pin where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedBy {
    /// Full commit id.
    pub commit: String,
    /// Author's name.
    pub author: Untrusted,
    /// Committer date.
    pub at: Timestamp,
    /// First line of the message.
    pub subject: Untrusted,
}

/// One pin: per service, environment and digest (or tag, when pinned by tag only).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Where it counts.
    pub target: Target,
    /// Which variant of the image, where the environment has several ([`super::component`]).
    pub component: Option<String>,
    /// The repository git names: that of the first location.
    pub image: Repository,
    /// The visible tag: that of the first location that has one.
    pub tag: Option<String>,
    /// The bytes; `None` = pinned by tag only.
    pub digest: Option<Digest>,
    /// All places, in path and line order: those that take it through a YAML alias too, and those that it
    /// was laid over.
    pub locations: Vec<Location>,
    /// Why it cannot be decided what is deployed, if so; such a pin is not edited.
    pub uncertain: Option<String>,
}

impl Pin {
    /// The places that decide tag and digest.
    pub fn deciding(&self) -> impl Iterator<Item = &Location> {
        self.locations.iter().filter(|location| location.role == Role::Version)
    }

    /// Repositories that its locations name beside the first one's.
    pub(crate) fn other_images(&self) -> BTreeSet<&Repository> {
        let all = self.deciding().map(|location| &location.image);
        all.filter(|image| **image != self.image).collect()
    }
}

/// A digest or image that pindeck sees but cannot manage; reported, never omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmanaged {
    /// Path in the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What it looks like.
    #[serde(rename = "reference")]
    pub text: Untrusted,
    /// Why it is not a pin.
    pub reason: String,
}

/// References that are not managed for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnmanagedReason<'a> {
    /// Why they are not managed, in words for people.
    pub reason: &'a str,
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: &'a Unmanaged,
}

impl Unmanaged {
    /// The reasons with their counts, the most frequent first.
    pub fn by_reason(all: &[Self]) -> Vec<UnmanagedReason<'_>> {
        let mut reasons: BTreeMap<&str, UnmanagedReason<'_>> = BTreeMap::new();
        for first in all {
            let reason = first.reason.as_str();
            let none = UnmanagedReason {
                reason,
                count: 0,
                first,
            };
            reasons.entry(reason).or_insert(none).count += 1;
        }
        let mut out: Vec<UnmanagedReason<'_>> = reasons.into_values().collect();
        out.sort_by_key(|one| std::cmp::Reverse(one.count));
        out
    }
}
