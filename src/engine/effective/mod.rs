//! What the renderers make of the references in the files of one commit: for each environment, the images that are
//! deployed, the place that decides each, and the places that it was laid over. Pure.
//!
//! Kustomize, Argo CD, Flux and Helm override: a file's text is only a proposal until the last of them has
//! spoken. Everything is rendered once per commit, from what the scans kept of the files.

mod files;
mod gather;
mod images;
mod node;
mod objects;
mod patches;
mod render;
mod units;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::id::EnvId;
use crate::domain::pin::{Style, Unmanaged};
use crate::domain::policy::Environment;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::{Found, Scan, is_same_repository};

use super::pins::EnvironmentPaths;

/// The references of one commit as they are deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// One for each environment, place that decides, and image.
    pub references: Vec<Reference>,
    /// What is written and deployed nowhere, with the reason.
    pub unmanaged: Vec<Unmanaged>,
    /// Lines whose text something else takes the place of in every render.
    pub replaced: BTreeSet<(String, u32)>,
}

/// An image that one environment deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The environment.
    pub environment: EnvId,
    /// The file of the place that decides.
    pub file: String,
    /// That place, with the repository, the tag and the digest that come out in the end.
    pub found: Found,
    /// Other places that have to do with it.
    pub others: BTreeSet<Elsewhere>,
    /// Why it cannot be decided what comes out, if so.
    pub uncertain: Option<String>,
}

/// A place that has to do with a reference and does not decide it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elsewhere {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// How it is written.
    pub style: Style,
    /// Something else was laid over it; else it decides the name.
    pub overridden: bool,
}

/// The commit as the renderers see it.
pub struct Commit<'a> {
    /// Every scanned file.
    pub scans: &'a BTreeMap<String, Arc<Scan>>,
    /// Every file.
    pub files: &'a [TreeFile],
    /// URL of the remote, where it is known.
    pub remote_url: Option<&'a str>,
    /// Files whose references are not the repository's own.
    pub copied: &'a BTreeSet<String>,
}

/// Renders a commit.
pub fn render(commit: &Commit<'_>, environments: &[Environment]) -> Effective {
    let others: BTreeMap<&str, ()> = commit.files.iter().map(|file| (file.path.as_str(), ())).collect();
    let files = files::Files::new(commit.scans, &others);
    let paths = EnvironmentPaths::new(environments);
    let order: BTreeMap<&EnvId, usize> = environments.iter().enumerate().map(|(at, env)| (&env.name, at)).collect();
    let own = (0..files.len())
        .map(|file| paths.of(files.path(file)).filter_map(|env| order.get(env).copied()).collect())
        .collect();
    let is_ours = |url: &str| may_be_ours(url, commit.remote_url);
    let places = units::Places {
        files: &files,
        own,
        names: environments.iter().map(|env| env.name.as_str()).collect(),
        is_ours: &is_ours,
    };
    let names: Vec<EnvId> = environments.iter().map(|env| env.name.clone()).collect();
    gather::all(&places, &names, commit.copied)
}

/// Whether an object that names this URL may read this repository. A clone of a mirror or fork has another URL, so
/// only a repository of another name is certainly another.
fn may_be_ours(url: &str, remote: Option<&str>) -> bool {
    let Some(remote) = remote.filter(|remote| remote.contains("://") || remote.contains('@')) else {
        return true;
    };
    let name = |url: &str| {
        let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        last.trim_end_matches(".git").to_ascii_lowercase()
    };
    is_same_repository(url, remote) || name(url) == name(remote) || url.contains("{{")
}

#[cfg(test)]
#[path = "../effective_tests.rs"]
mod tests;
