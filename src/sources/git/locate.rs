//! Where a repository is, decided once and for both readers and every `git` that is started.
//!
//! Upwards from a folder, `.git` leads to the repository. A bare repository counts only where it is named
//! (by `GIT_DIR`, or as the very folder to start from) and never inside the working tree of another
//! repository: its files could be tracked there, and its configuration names programs that git runs. This is
//! what git calls `safe.bareRepository=explicit`.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::program::{GitProgram, LOCAL_TIMEOUT};
use super::tracked::{self, WorkingTrees, canonical, could_be_tracked, is_git_dir};
use crate::domain::text::quoted;

/// What of the environment decides where the repository is.
#[derive(Debug, Clone, Default)]
pub(super) struct GitEnvironment {
    /// The variable `GIT_DIR`: the folder of the repository itself.
    pub git_dir: Option<OsString>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<OsString>,
    /// `GIT_CEILING_DIRECTORIES`: folders that are not searched, nor what lies above them.
    pub ceilings: Vec<PathBuf>,
    /// `GIT_DISCOVERY_ACROSS_FILESYSTEM`.
    pub across_filesystems: bool,
    /// `GIT_TEST_ASSUME_DIFFERENT_OWNER`: git treats every repository as that of another user.
    pub assume_different_owner: bool,
}

impl GitEnvironment {
    /// Reads these variables of this process.
    pub(crate) fn of_process() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_true = |name: &str| set(name).is_some_and(|value| value != "0" && value != "false" && value != "no");
        Self {
            git_dir: set("GIT_DIR"),
            work_tree: set("GIT_WORK_TREE"),
            ceilings: set("GIT_CEILING_DIRECTORIES")
                .map(|list| std::env::split_paths(&list).filter(|path| path.is_absolute()).collect())
                .unwrap_or_default(),
            across_filesystems: is_true("GIT_DISCOVERY_ACROSS_FILESYSTEM"),
            assume_different_owner: is_true("GIT_TEST_ASSUME_DIFFERENT_OWNER"),
        }
    }
}

/// Where a repository's parts are. All paths are absolute and contain no links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RepositoryPaths {
    /// The git folder of this working tree.
    pub git_dir: PathBuf,
    /// The git folder that all working trees share.
    pub common_dir: PathBuf,
    /// The top of the working tree; `None` in a bare repository.
    pub work_dir: Option<PathBuf>,
    /// `core.worktree`, where it is set: the main working tree, which need not be this one.
    configured: Option<PathBuf>,
}

impl RepositoryPaths {
    /// The working tree, or the git folder of a bare repository: what a person calls the repository.
    pub(crate) fn top(&self) -> &Path {
        self.work_dir.as_deref().unwrap_or(&self.git_dir)
    }

    /// The program, for this repository and no other.
    pub(crate) fn program(&self) -> GitProgram {
        GitProgram::new(&self.git_dir, self.work_dir.as_deref())
    }

    /// All working trees of the repository.
    pub(crate) fn working_trees(&self) -> WorkingTrees {
        let (work_dir, configured) = (self.work_dir.as_deref(), self.configured.as_deref());
        WorkingTrees::of(&self.git_dir, &self.common_dir, work_dir, configured)
    }

    fn new(git_dir: &Path, beside: Option<&Path>, work_tree: Option<PathBuf>) -> Self {
        let git_dir = canonical(git_dir);
        let common_dir = match std::fs::read_to_string(git_dir.join("commondir")) {
            Ok(text) => canonical(&git_dir.join(text.trim_end_matches('\n'))),
            Err(_) => git_dir.clone(),
        };
        let settings = WorkTreeSettings::read(&git_dir, &common_dir);
        let linked = (git_dir != common_dir)
            .then(|| std::fs::read_to_string(git_dir.join("gitdir")).ok())
            .flatten()
            .and_then(|note| git_dir.join(note.trim_end_matches('\n')).parent().map(Path::to_owned));
        let usual = || {
            let named = git_dir.file_name().is_some_and(|name| name == ".git");
            let parent = named.then(|| git_dir.parent().map(Path::to_owned)).flatten();
            beside.map(Path::to_owned).or(linked.clone()).or(parent)
        };
        let configured = settings.work_tree.map(|path| canonical(&git_dir.join(path)));
        let work_dir = match (work_tree, &configured) {
            (Some(named), _) => Some(named),
            (None, _) if linked.is_some() => usual(),
            (None, Some(configured)) => Some(configured.clone()),
            (None, None) if settings.bare => None,
            (None, None) => usual(),
        };
        Self {
            work_dir: work_dir.map(|dir| canonical(&dir)),
            git_dir,
            common_dir,
            configured,
        }
    }
}

/// What the repository's own configuration says about its working tree.
#[derive(Debug, Default)]
struct WorkTreeSettings {
    bare: bool,
    work_tree: Option<PathBuf>,
}

impl WorkTreeSettings {
    fn read(git_dir: &Path, common_dir: &Path) -> Self {
        let open = |file: PathBuf| git2::Config::open(&file).ok();
        let Some(shared) = open(common_dir.join("config")) else {
            return Self::default();
        };
        let own = shared
            .get_bool("extensions.worktreeConfig")
            .unwrap_or(false)
            .then(|| open(git_dir.join("config.worktree")))
            .flatten();
        let of = |config: &git2::Config| Self {
            bare: config.get_bool("core.bare").unwrap_or(false),
            work_tree: config.get_path("core.worktree").ok(),
        };
        let (shared, own) = (of(&shared), own.as_ref().map(of).unwrap_or_default());
        Self {
            bare: shared.bare || own.bare,
            work_tree: own.work_tree.or(shared.work_tree),
        }
    }
}

/// Finds the repository at or above `dir`, and asks whether git trusts it.
///
/// # Errors
/// If there is none, or git does not trust it.
pub(super) fn locate(dir: &Path, environment: &GitEnvironment) -> Result<RepositoryPaths, GitError> {
    let nowhere = || GitError::NotARepository {
        dir: dir.display().to_string(),
    };
    let start = dir.canonicalize().map_err(|_| nowhere())?;
    let work_tree = environment.work_tree.as_ref().map(|path| canonical(&start.join(path)));
    if let Some(value) = &environment.git_dir {
        let named = start.join(value);
        let git_dir = if named.is_file() { link_target(&named)? } else { named };
        if !is_git_dir(&git_dir) {
            return Err(GitError::GitDirVariable {
                value: value.to_string_lossy().into_owned(),
            });
        }
        // Named by the person: git asks no more either.
        return Ok(RepositoryPaths::new(&git_dir, None, work_tree));
    }
    let mut bare = None;
    let device = start.metadata().map(|m| m.dev()).ok();
    for folder in start.ancestors() {
        let same_device = folder.metadata().map(|m| m.dev()).ok() == device;
        let ceiling = folder != start && environment.ceilings.iter().any(|c| canonical(c) == folder);
        if ceiling || !(same_device || environment.across_filesystems) {
            break;
        }
        let dot_git = folder.join(".git");
        let found = if dot_git.is_dir() && is_git_dir(&dot_git) {
            RepositoryPaths::new(&dot_git, Some(folder), work_tree.clone())
        } else if dot_git.is_file() {
            let target = link_target(&dot_git)?;
            if !is_git_dir(&target) {
                return Err(GitError::BrokenLink {
                    file: dot_git.display().to_string(),
                    target: target.display().to_string(),
                });
            }
            RepositoryPaths::new(&target, Some(folder), work_tree.clone())
        } else if is_git_dir(folder) {
            let named = folder == start || folder.file_name().is_some_and(|name| name == ".git");
            if !named || inside_another(folder).is_some() {
                bare = Some(folder.to_owned());
                continue;
            }
            RepositoryPaths::new(folder, None, work_tree.clone())
        } else {
            continue;
        };
        for part in [&found.git_dir, &found.common_dir] {
            if let Some(tree) = inside_another(part) {
                return Err(GitError::TrackedRepository {
                    dir: part.display().to_string(),
                    tree: tree.display().to_string(),
                });
            }
        }
        trusted(&found, &dot_git, environment)?;
        return Ok(found);
    }
    Err(match bare {
        Some(bare) => GitError::BareRepository {
            dir: dir.display().to_string(),
            bare: bare.display().to_string(),
        },
        None => nowhere(),
    })
}

/// Where a `.git` file leads.
fn link_target(file: &Path) -> Result<PathBuf, GitError> {
    let broken = |target: String| GitError::BrokenLink {
        file: file.display().to_string(),
        target,
    };
    let size = file.metadata().map_or(u64::MAX, |m| m.len());
    let text = (size <= 1 << 16).then(|| std::fs::read_to_string(file).ok()).flatten();
    let text = text.ok_or_else(|| broken("nowhere".to_owned()))?;
    let target = text
        .strip_prefix("gitdir: ")
        .ok_or_else(|| broken("nowhere".to_owned()))?;
    let folder = file.parent().unwrap_or(file);
    Ok(folder.join(target.trim_end_matches(['\n', '\r'])))
}

/// The working tree of another repository in which a git folder lies so that it could be tracked there.
fn inside_another(git_dir: &Path) -> Option<PathBuf> {
    let real = canonical(git_dir);
    let is_another = |top: &&Path| {
        let dot_git = top.join(".git");
        let leads_to = if dot_git.is_file() {
            link_target(&dot_git).ok()
        } else {
            dot_git.is_dir().then_some(dot_git)
        };
        let Some(other) = leads_to.filter(|other| is_git_dir(other)) else {
            return false;
        };
        let other = RepositoryPaths::new(&other, Some(top), None);
        let same = other.git_dir == real || other.common_dir == real || real.starts_with(&other.common_dir);
        !same && could_be_tracked(top, &real)
    };
    real.ancestors().skip(1).find(is_another).map(Path::to_owned)
}

/// Git trusts what belongs to the person who runs it, and what `safe.directory` names. Only git knows all
/// the forms of that setting, so it is asked wherever somebody else owns a part.
fn trusted(found: &RepositoryPaths, dot_git: &Path, environment: &GitEnvironment) -> Result<(), GitError> {
    let me = rustix::process::geteuid().as_raw();
    let mine = |path: &Path| path.symlink_metadata().is_ok_and(|m| m.uid() == me);
    let link = Some(dot_git).filter(|path| path.symlink_metadata().is_ok());
    let parts = [Some(found.git_dir.as_path()), found.work_dir.as_deref(), link];
    if !environment.assume_different_owner && parts.into_iter().flatten().all(mine) {
        return Ok(());
    }
    let top = found.top();
    let ran = GitProgram::discovering(top).try_run(&["rev-parse", "--git-dir"], &[], LOCAL_TIMEOUT)?;
    if ran.ok() {
        return Ok(());
    }
    let dir = top.display().to_string();
    if ran.stderr.contains("dubious ownership") || ran.stderr.contains("safe.directory") {
        return Err(GitError::NotTrusted { dir });
    }
    Err(GitError::Unsupported {
        dir,
        detail: quoted(ran.stderr.trim()).into_string(),
    })
}

/// Whether any step of the way to a configuration or program file could be tracked. What does not exist
/// is no file that could be run or read.
pub(super) fn is_tracked(trees: &WorkingTrees, path: &Path) -> bool {
    tracked::resolve(path).is_ok_and(|resolved| trees.track(&resolved))
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
