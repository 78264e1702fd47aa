//! Which hooks may run: those a person installed outside every working tree of the repository. A hook that
//! is reached through a working tree (its entry, a folder or link on the way, or what it leads to) came with
//! somebody's commit and could change with the next one, so it never runs.
//!
//! Git is not left to look for hooks itself: it is given a folder that no commit can change, so what was
//! checked is what runs.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::error::GitError;
use super::locate::RepositoryPaths;
use super::program::{GitProgram, LOCAL_TIMEOUT};
use super::tracked::{WorkingTrees, resolve};

/// The hooks of a repository, sorted out.
#[derive(Debug, Clone)]
pub(super) struct Hooks {
    /// Name and file, without links, of those that may run.
    allowed: BTreeMap<String, PathBuf>,
    /// Names of those that may not.
    barred: Vec<String>,
    /// Where git finds the allowed ones and no other.
    folder: HooksFolder,
}

#[derive(Debug, Clone)]
enum HooksFolder {
    /// The person's own: all in it may run, and no link leads to it.
    Own(PathBuf),
    /// Links to the allowed ones, made for this run.
    Selected(Arc<TempDir>),
}

impl Hooks {
    /// Looks at the hooks that git would run.
    ///
    /// # Errors
    /// If git cannot say where its hooks are, or there is no place for a folder of the allowed ones.
    pub(crate) fn of(paths: &RepositoryPaths, git: &GitProgram) -> Result<Self, GitError> {
        let said = git.run(&["rev-parse", "--git-path", "hooks"], LOCAL_TIMEOUT)?;
        let folder = git.dir().join(said.text());
        let trees = paths.working_trees();
        let mut allowed = BTreeMap::new();
        let mut barred = Vec::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.ends_with(".sample") || !is_program(&entry.path()) {
                continue;
            }
            match untracked(&trees, &folder.join(&name)) {
                Some(file) => {
                    allowed.insert(name, file);
                }
                None => barred.push(name),
            }
        }
        barred.sort();
        let folder = match untracked(&trees, &folder) {
            Some(folder) if barred.is_empty() => HooksFolder::Own(folder),
            _ => HooksFolder::Selected(Arc::new(selected(&allowed)?)),
        };
        Ok(Self {
            allowed,
            barred,
            folder,
        })
    }

    /// The program of a hook that may run.
    pub(crate) fn file(&self, name: &str) -> Option<&Path> {
        self.allowed.get(name).map(PathBuf::as_path)
    }

    /// Whether a hook of this name will run.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.allowed.contains_key(name)
    }

    /// Hooks that are reached through a working tree.
    pub(crate) fn barred(&self) -> &[String] {
        &self.barred
    }

    /// The program with the allowed hooks and no other.
    pub(crate) fn apply(&self, program: &GitProgram) -> GitProgram {
        let folder = match &self.folder {
            HooksFolder::Own(folder) => folder.as_path(),
            HooksFolder::Selected(folder) => folder.path(),
        };
        program.with_config("core.hooksPath", &folder.display().to_string())
    }
}

/// What an absolute path leads to, if no step of the way could be tracked.
fn untracked(trees: &WorkingTrees, path: &Path) -> Option<PathBuf> {
    let resolved = resolve(path).ok()?;
    (!trees.track(&resolved)).then_some(resolved.target)
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

fn selected(allowed: &BTreeMap<String, PathBuf>) -> Result<TempDir, GitError> {
    let failed = |e: std::io::Error| GitError::Scratch { detail: e.to_string() };
    let folder = tempfile::tempdir().map_err(failed)?;
    for (name, file) in allowed {
        std::os::unix::fs::symlink(file, folder.path().join(name)).map_err(failed)?;
    }
    Ok(folder)
}
