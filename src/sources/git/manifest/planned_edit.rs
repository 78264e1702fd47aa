//! What the controllers of a repository are asked about: a change of one file on one branch.

use std::collections::BTreeSet;

use crate::domain::reference::Repository;

use super::name_patterns::covers;

/// An object of a manifest, with the file in which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedObject<T> {
    /// Path in the repository.
    pub file: String,
    /// What the manifest says, as far as it is read.
    pub object: T,
}

/// A change of pins in one file.
#[derive(Debug, Clone)]
pub(crate) struct PlannedEdit<'a> {
    /// Path of the changed file in the repository.
    pub file: &'a str,
    /// The file, and the kustomizations that take it in: who applies one of them applies the change.
    pub applied: BTreeSet<String>,
    /// Lines of the changed pins, from 1.
    pub lines: BTreeSet<u32>,
    /// The images that they name.
    pub images: BTreeSet<&'a Repository>,
    /// Policies of Flux's image automation (`namespace:name`) whose marker stands at a changed pin.
    pub policies: BTreeSet<String>,
}

/// The branch that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenBranch<'a> {
    /// Its name.
    pub branch: &'a str,
    /// URL of its repository, if known.
    pub remote: Option<&'a str>,
}

impl PlannedEdit<'_> {
    /// Whether who applies this folder applies the change.
    pub(super) fn is_applied_with(&self, folder: &str) -> bool {
        self.applied.iter().any(|file| covers(folder, file))
    }

    /// The image of this edit that a text names: with or without a tag, a digest or a version range behind it.
    /// A text with unknown parts may name any.
    pub(super) fn named_by(&self, text: &str) -> Option<&Repository> {
        let text = text.trim();
        let text = text.split_once('@').map_or(text, |(name, _)| name);
        let last = text.rfind('/').map_or(0, |at| at + 1);
        let name = match text[last..].split_once(':') {
            Some((name, _)) => &text[..last + name.len()],
            None => text,
        };
        let mut images = self.images.iter().copied();
        if name.contains(['{', '$', '*']) {
            return images.next();
        }
        let named = Repository::parse(name).ok()?;
        images.find(|image| **image == named)
    }
}

impl WrittenBranch<'_> {
    /// Whether a URL names the repository; `None` where that cannot be told: a mirror or a fork has another URL, so
    /// only a repository of another name is certainly another.
    pub(super) fn is_of(&self, url: Option<&str>) -> Option<bool> {
        let (url, remote) = (url?, self.remote?);
        if is_same_repository(url, remote) {
            return Some(true);
        }
        let may_be = url.contains("{{") || url.contains('*') || repository_name(url) == repository_name(remote);
        (!may_be).then_some(false)
    }
}

/// The last part of a repository's URL, without `.git`, in small letters.
pub(crate) fn repository_name(url: &str) -> String {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    last.trim_end_matches(".git").to_ascii_lowercase()
}

/// Whether two URLs name the same repository, whatever the protocol.
pub(crate) fn is_same_repository(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn normal(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (host, path) = rest.split_at(rest.find(['/', ':']).unwrap_or(rest.len()));
    // A port does not make it another repository; `host:path` is ssh's short form.
    let path = path
        .trim_start_matches(':')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}/{}", host.to_ascii_lowercase(), path.trim_matches('/'))
}
