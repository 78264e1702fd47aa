//! Which environments a file reaches: by its own path, and through the files that take it in
//! (docs/reference/manifests.md: a
//! shared base).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::id::EnvId;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::{Include, IncludedFiles, Origin};

use super::pins::EnvironmentPaths;

/// File names that make a folder a kustomization.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Which file of one commit includes which.
#[derive(Debug, Default)]
pub struct IncludeGraph {
    /// Includes that were found and not resolved yet, each with the file that has it.
    noted: Vec<(String, Include)>,
    /// Who includes a file, by the path of the included file.
    files: BTreeMap<String, Vec<Includer>>,
    /// Folders that are taken in as they are, and whether those below them are too.
    folders: Vec<(String, bool, Includer)>,
}

#[derive(Debug, Clone)]
struct Includer {
    file: String,
    /// Environments that it names itself; empty = those it belongs to.
    environments: Vec<EnvId>,
}

impl IncludeGraph {
    /// Notes what a file takes in; [`IncludeGraph::resolve`] when all files have been seen.
    pub fn add(&mut self, file: &str, includes: &[Include]) {
        let noted = includes.iter().map(|include| (file.to_owned(), include.clone()));
        self.noted.extend(noted);
    }

    /// Resolves what was noted among all files of the commit.
    pub fn resolve(&mut self, all: &[TreeFile], paths: &EnvironmentPaths) {
        let all: BTreeSet<&str> = all.iter().map(|file| file.path.as_str()).collect();
        for (file, include) in std::mem::take(&mut self.noted) {
            let Some(path) = path_of(&file, &include) else { continue };
            if !counts(&file, &include, paths) {
                continue;
            }
            let named = include.environments.iter().filter_map(|name| paths.named(name));
            let includer = Includer {
                environments: named.cloned().collect(),
                file,
            };
            let mut take = |path: String| self.files.entry(path).or_default().push(includer.clone());
            let inside = |name: &str| Some(join(&path, name)).filter(|path| all.contains(path.as_str()));
            let kustomizations: Vec<String> = NAMES.iter().filter_map(|name| inside(name)).collect();
            let chart = inside("Chart.yaml").is_some();
            match include.what {
                _ if !kustomizations.is_empty() => kustomizations.into_iter().for_each(take),
                IncludedFiles::Named => take(path),
                // Its other files are taken only where they are named.
                IncludedFiles::Folder if chart => take(join(&path, "values.yaml")),
                what => self.folders.push((path, what == IncludedFiles::Tree, includer)),
            }
        }
    }

    /// A file that names this one, whether it is there or not.
    pub(super) fn includer(&self, file: &str) -> Option<&str> {
        let mut includers = self.files.get(file).into_iter().flatten();
        includers.next().map(|includer| includer.file.as_str())
    }

    /// The file, and every kustomization that takes it in, directly or through another one.
    pub fn kustomizations_over(&self, file: &str) -> BTreeSet<String> {
        let mut out = BTreeSet::from([file.to_owned()]);
        let mut open = vec![file.to_owned()];
        while let Some(at) = open.pop() {
            let is_kustomization =
                |includer: &&Includer| NAMES.contains(&includer.file.rsplit('/').next().unwrap_or_default());
            for includer in self.files.get(&at).into_iter().flatten().filter(is_kustomization) {
                if out.insert(includer.file.clone()) {
                    open.push(includer.file.clone());
                }
            }
        }
        out
    }

    /// Every environment that a file reaches; with the file through which, unless it is its own.
    pub fn environments(&self, file: &str, paths: &EnvironmentPaths) -> BTreeMap<EnvId, Option<String>> {
        let mut reached: BTreeMap<EnvId, Option<String>> = paths.of(file).map(|env| (env.clone(), None)).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::from([file]);
        let mut open: VecDeque<&str> = VecDeque::from([file]);
        while let Some(at) = open.pop_front() {
            let whole = self
                .folders
                .iter()
                .filter(|(folder, below, _)| contains(folder, *below, at));
            let includers = self.files.get(at).into_iter().flatten();
            for includer in includers.chain(whole.map(|(.., includer)| includer)) {
                for env in &includer.environments {
                    reached
                        .entry(env.clone())
                        .or_insert_with(|| Some(includer.file.clone()));
                }
                if !includer.environments.is_empty() || !seen.insert(&includer.file) {
                    continue;
                }
                for env in paths.of(&includer.file) {
                    reached
                        .entry(env.clone())
                        .or_insert_with(|| Some(includer.file.clone()));
                }
                open.push_back(&includer.file);
            }
        }
        reached
    }
}

/// Whether a controller's object speaks for the environment it lies in: one that deploys to another
/// cluster does only if that cluster's names contain the environment's.
fn counts(file: &str, include: &Include, paths: &EnvironmentPaths) -> bool {
    let Some(words) = &include.cluster else { return true };
    paths.of(file).any(|env| words.contains(env.as_str()))
}

fn contains(folder: &str, below: bool, file: &str) -> bool {
    let rest = match folder {
        "" => Some(file),
        _ => file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.is_some_and(|rest| below || !rest.contains('/'))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The path in the repository; `None` if it leaves it.
fn path_of(who: &str, include: &Include) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if include.from == Origin::Beside {
        parts.extend(who.split('/'));
        parts.pop();
    }
    for part in include.path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
#[path = "include_graph_tests.rs"]
mod tests;
