//! What the renderers make of the references in the files of one commit: for each environment, the images that are
//! deployed, the place that decides each, and the places that it was laid over. Pure.
//!
//! Kustomize, Argo CD, Flux and Helm override: a file's text is only a proposal until the last of them has
//! spoken. Everything is rendered once per commit, from what the scans kept of the files.

mod apply_patches;
mod charts;
mod compose;
mod config_maps;
mod controller_reach;
mod controller_rounds;
mod deciding_fields;
mod deploying;
mod files;
mod gather;
mod generated;
mod images;
mod named_files;
mod node;
mod objects;
mod patch_nodes;
mod patched_controllers;
mod reference;
mod render;
mod rendered_environment;
mod rendered_images;
mod taken_unread;
mod undeployed;
mod unit_render;
mod units;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::id::EnvId;
use crate::domain::policy::Environment;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::{self, Scan, is_same_repository, repository_name};

pub(super) use config_maps::may_be_of_image;
pub(crate) use reference::{Effective, EffectiveReference, RelatedPlace, entry};
pub use reference::{MeantEdit, UnreadInput};

use super::environment_paths::EnvironmentPaths;

/// The commit as the renderers see it.
#[derive(Debug, Clone, Default)]
pub struct ScannedCommit {
    /// Every scanned file.
    pub scans: BTreeMap<String, Arc<Scan>>,
    /// Every file.
    pub files: Arc<Vec<TreeFile>>,
    /// Paths of symbolic links, which are not followed here; whoever deploys may follow them.
    pub links: Arc<Vec<String>>,
    /// URL of the remote, where it is known.
    pub remote_url: Option<String>,
    /// Files whose references are not the repository's own.
    pub copied: BTreeSet<String>,
}

impl ScannedCommit {
    /// Every path that is there, followed or not.
    fn paths(&self) -> BTreeMap<&str, ()> {
        let files = self.files.iter().map(|file| file.path.as_str());
        files
            .chain(self.links.iter().map(String::as_str))
            .map(|path| (path, ()))
            .collect()
    }

    /// The same commit with other contents of some files.
    pub(crate) fn with<'f>(&self, changed: impl Iterator<Item = (&'f str, &'f [u8])>) -> Self {
        let mut out = self.clone();
        for (path, bytes) in changed {
            out.scans.insert(path.to_owned(), Arc::new(manifest::scan(path, bytes)));
        }
        out
    }
}

/// The images that the kustomization in a folder deploys, where it is known what it consists of.
pub fn kustomization_images(commit: &ScannedCommit, folder: &str) -> Option<Vec<String>> {
    let others = commit.paths();
    let files = files::Files::new(&commit.scans, &others);
    let renderer = render::Renderer::new(&files);
    let rendered = renderer.kustomization(files.kustomization_in(folder)?);
    rendered_images::image_texts(&rendered).filter(|_| !rendered.is_open)
}

/// The files of a commit that have to do with what is deployed: they name an image, or take in files that do.
pub fn deploying_files(commit: &ScannedCommit) -> Vec<String> {
    let others = commit.files.iter().map(|file| (file.path.as_str(), ())).collect();
    let files = files::Files::new(&commit.scans, &others);
    let deploying = deploying::Deploying::new(&files);
    let own = deploying.files().filter(|path| !commit.copied.contains(*path));
    own.map(str::to_owned).collect()
}

/// Files of a commit that a manifest names and that were not scanned, for their names do not say what they are.
pub fn named_files(commit: &ScannedCommit) -> BTreeSet<String> {
    let others = commit.files.iter().map(|file| (file.path.as_str(), ())).collect();
    named_files::unscanned(&files::Files::new(&commit.scans, &others))
}

/// Renders a commit.
pub fn render(commit: &ScannedCommit, environments: &[Environment]) -> Effective {
    let others = commit.paths();
    let files = files::Files::new(&commit.scans, &others);
    let paths = EnvironmentPaths::new(environments);
    let order: BTreeMap<&EnvId, usize> = environments
        .iter()
        .enumerate()
        .map(|(at, env)| (&env.name, at))
        .collect();
    let own: Vec<BTreeSet<usize>> = (0..files.len())
        .map(|file| {
            paths
                .of(files.path(file))
                .filter_map(|env| order.get(env).copied())
                .collect()
        })
        .collect();
    let is_ours = |url: &str| may_be_ours(url, commit.remote_url.as_deref());
    let texts: Vec<&str> = environments.iter().map(|env| env.name.as_str()).collect();
    let renderer = render::Renderer::new(&files);
    let rounds = controller_rounds::ControllerRounds {
        files: &files,
        own: &own,
        names: &texts,
        is_ours: &is_ours,
    };
    let placed = rounds.all();
    let names: Vec<EnvId> = environments.iter().map(|env| env.name.clone()).collect();
    let mut effective = gather::all(&rounds.environment_files(&placed), &renderer, &names, &commit.copied);
    charts::set_apart(&commit.scans, &mut effective);
    tracing::debug!(files = files.len(), "a commit was rendered");
    effective
}

/// Whether an object that names this URL may read this repository. A clone of a mirror or fork has another URL, so
/// only a repository of another name is certainly another.
fn may_be_ours(url: &str, remote: Option<&str>) -> bool {
    let Some(remote) = remote.filter(|remote| remote.contains("://") || remote.contains('@')) else {
        return true;
    };
    is_same_repository(url, remote) || repository_name(url) == repository_name(remote) || url.contains("{{")
}
