//! Which hooks may run: those a person installed outside the tracked tree. A hook that lies in a
//! working tree came with somebody's commit and could change with the next one, so it never runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, LOCAL_TIMEOUT};
use crate::sources::git::repo::GitRepo;

/// The hooks of a repository, sorted out.
#[derive(Debug)]
pub(in crate::sources::git) struct Hooks {
    /// Name -> file, of those that may run.
    allowed: BTreeMap<String, PathBuf>,
    /// Names of those that may not.
    barred: Vec<String>,
    /// A folder with the allowed ones only, where there are others beside them.
    allowed_only: Option<TempDir>,
}

impl Hooks {
    /// Looks at the hooks that git would run.
    pub fn of(repo: &GitRepo) -> Result<Self, GitError> {
        let program = GitProgram::new(repo.hook_working_dir());
        let said = program.run(&["rev-parse", "--git-path", "hooks"], LOCAL_TIMEOUT)?;
        let folder = repo.hook_working_dir().join(said.text());
        let mut hooks = Self {
            allowed: BTreeMap::new(),
            barred: Vec::new(),
            allowed_only: None,
        };
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return Ok(hooks);
        };
        let own = [canonical(repo.common_dir()), canonical(repo.git_dir())];
        let mut trees: Option<Vec<PathBuf>> = None;
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = entry.path();
            if name.ends_with(".sample") || !is_program(&path) {
                continue;
            }
            let real = canonical(&path);
            let inside_git = own.iter().any(|dir| real.starts_with(dir));
            if !inside_git && trees.is_none() {
                trees = Some(work_trees(repo, &program)?);
            }
            let tracked = !inside_git && trees.iter().flatten().any(|tree| real.starts_with(tree));
            if tracked {
                hooks.barred.push(name);
            } else {
                hooks.allowed.insert(name, real);
            }
        }
        hooks.barred.sort();
        if !hooks.barred.is_empty() {
            hooks.allowed_only = Some(allowed_only(&hooks.allowed)?);
        }
        Ok(hooks)
    }

    /// Whether a hook of this name will run.
    pub fn runs(&self, name: &str) -> bool {
        self.allowed.contains_key(name)
    }

    /// Hooks that lie in a working tree.
    pub fn barred(&self) -> &[String] {
        &self.barred
    }

    /// The program with only the allowed hooks.
    pub fn apply(&self, program: &GitProgram) -> GitProgram {
        match &self.allowed_only {
            Some(folder) => program.with_config("core.hooksPath", &folder.path().display().to_string()),
            None => program.clone(),
        }
    }
}

impl GitRepo {
    /// Names of hooks that git would run and pindeck never does, because they lie in a working tree.
    ///
    /// # Errors
    /// If git cannot say where its hooks are.
    pub fn barred_hooks(&self) -> Result<Vec<String>, GitError> {
        Ok(Hooks::of(self)?.barred().to_vec())
    }

    /// Where git runs hooks: the top of the working tree, else the git directory.
    pub(in crate::sources::git) fn hook_working_dir(&self) -> &Path {
        match self.work_dir() {
            // A working tree named by GIT_WORK_TREE alone does not lead back to its repository.
            Some(dir) if dir.join(".git").exists() => dir,
            _ => self.git_dir(),
        }
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// All working trees of the repository.
fn work_trees(repo: &GitRepo, program: &GitProgram) -> Result<Vec<PathBuf>, GitError> {
    let listed = program.run(&["worktree", "list", "--porcelain", "-z"], LOCAL_TIMEOUT)?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut trees: Vec<PathBuf> = repo.work_dir().map(canonical).into_iter().collect();
    // Entries end with an empty attribute; a bare repository is listed but is no tree.
    for entry in text.split("\0\0") {
        let mut lines = entry.split('\0').filter(|line| !line.is_empty());
        let Some(path) = lines.next().and_then(|line| line.strip_prefix("worktree ")) else {
            continue;
        };
        if lines.all(|line| line != "bare") {
            trees.push(canonical(Path::new(path)));
        }
    }
    Ok(trees)
}

fn allowed_only(allowed: &BTreeMap<String, PathBuf>) -> Result<TempDir, GitError> {
    let failed = |e: std::io::Error| GitError::Scratch { detail: e.to_string() };
    let folder = tempfile::tempdir().map_err(failed)?;
    for (name, file) in allowed {
        std::os::unix::fs::symlink(file, folder.path().join(name)).map_err(failed)?;
    }
    Ok(folder)
}
