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

use crate::domain::id::{Digest, EnvId};
use crate::domain::pin::{Location, Pin, Style, Unmanaged};
use crate::domain::policy::Environment;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::{self, Found, Scan, is_same_repository};

use super::pins::EnvironmentPaths;

/// The references of one commit as they are deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// One for each environment, place that decides, and image.
    pub references: Vec<EffectiveReference>,
    /// What is written and deployed nowhere, with the reason.
    pub unmanaged: Vec<Unmanaged>,
    /// Lines that the renders have accounted for: what is seen there is a part of a reference, or something else
    /// takes its place.
    pub settled: BTreeSet<(String, u32)>,
}

/// An image that one environment deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveReference {
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

/// What is compared of a reference before and after an edit.
type DeployedFact = (EnvId, String, String, String, Option<String>);

impl Effective {
    /// What an edit of these pins to `digest` changes besides them, if anything: the last proof that nothing else
    /// moves. `after` is the render with the edit made.
    pub fn changes_more(&self, after: &Self, pins: &[&Pin], digest: Digest) -> Option<String> {
        let (before, after) = (self.facts(), after.facts());
        let is_meant = |(env, file, path, ..): &DeployedFact| {
            let is_place = |location: &Location| location.file == *file && same_entry(&location.yaml_path, path);
            let in_env = pins.iter().filter(|pin| pin.target.environment == *env);
            in_env.flat_map(|pin| pin.deciding()).any(is_place)
        };
        let images: BTreeSet<String> = pins
            .iter()
            .flat_map(|pin| pin.deciding())
            .map(|location| location.image.to_string())
            .collect();
        let is_of_them = |fact: &DeployedFact| images.iter().any(|image| fact.3.starts_with(image.as_str()));
        let text = digest.to_string();
        let came = after
            .difference(&before)
            .find(|fact| !is_meant(fact) || !is_of_them(fact) || !fact.3.ends_with(&text));
        let went = || {
            before
                .difference(&after)
                .find(|fact| !is_meant(fact) || !is_of_them(fact))
        };
        let (env, file, _, reference, _) = came.or_else(went)?;
        Some(format!(
            "the edit would also change what {env} deploys: {reference} of {file}; change it by hand"
        ))
    }

    fn facts(&self) -> BTreeSet<DeployedFact> {
        let fact = |one: &EffectiveReference| {
            let found = &one.found;
            let image = found
                .repository
                .as_ref()
                .map_or_else(|| found.written.clone(), ToString::to_string);
            let tag = found.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = found.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            (
                one.environment.clone(),
                one.file.clone(),
                found.yaml_path.clone(),
                format!("{image}{tag}{digest}"),
                one.uncertain.clone(),
            )
        };
        self.references.iter().map(fact).collect()
    }
}

/// The mapping that a reference stands in: a digest that gets a field of its own moves the pin to that field.
pub fn entry(path: &str) -> String {
    path.rsplit_once('.').map_or(path, |(entry, _)| entry).to_owned()
}

/// Whether two paths are of one entry.
fn same_entry(a: &str, b: &str) -> bool {
    a == b || entry(a) == entry(b)
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
#[derive(Debug, Clone, Default)]
pub struct ScannedCommit {
    /// Every scanned file.
    pub scans: BTreeMap<String, Arc<Scan>>,
    /// Every file.
    pub files: Arc<Vec<TreeFile>>,
    /// URL of the remote, where it is known.
    pub remote_url: Option<String>,
    /// Files whose references are not the repository's own.
    pub copied: BTreeSet<String>,
}

impl ScannedCommit {
    /// The same commit with other contents of some files.
    pub fn with<'f>(&self, changed: impl Iterator<Item = (&'f str, &'f [u8])>) -> Self {
        let mut out = self.clone();
        for (path, bytes) in changed {
            out.scans.insert(path.to_owned(), Arc::new(manifest::scan(path, bytes)));
        }
        out
    }
}

/// The images that the kustomization in a folder deploys, where it is known what it consists of.
pub fn kustomization_images(commit: &ScannedCommit, folder: &str) -> Option<Vec<String>> {
    let others = commit.files.iter().map(|file| (file.path.as_str(), ())).collect();
    let files = files::Files::new(&commit.scans, &others);
    let renderer = render::Renderer::new(&files);
    let rendered = renderer.kustomization(files.kustomization_in(folder)?);
    gather::image_texts(&rendered).filter(|_| !rendered.is_open)
}

/// Renders a commit.
pub fn render(commit: &ScannedCommit, environments: &[Environment]) -> Effective {
    let others: BTreeMap<&str, ()> = commit.files.iter().map(|file| (file.path.as_str(), ())).collect();
    let files = files::Files::new(&commit.scans, &others);
    let paths = EnvironmentPaths::new(environments);
    let order: BTreeMap<&EnvId, usize> = environments
        .iter()
        .enumerate()
        .map(|(at, env)| (&env.name, at))
        .collect();
    let own = (0..files.len())
        .map(|file| {
            paths
                .of(files.path(file))
                .filter_map(|env| order.get(env).copied())
                .collect()
        })
        .collect();
    let is_ours = |url: &str| may_be_ours(url, commit.remote_url.as_deref());
    let places = units::EnvironmentFiles {
        files: &files,
        own,
        names: environments.iter().map(|env| env.name.as_str()).collect(),
        is_ours: &is_ours,
    };
    let names: Vec<EnvId> = environments.iter().map(|env| env.name.clone()).collect();
    gather::all(&places, &names, &commit.copied)
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
