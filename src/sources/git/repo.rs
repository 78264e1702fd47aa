//! Finding a repository and reading one commit of it with git2, a fresh handle per question.

use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{BranchType, ErrorCode, ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::by_program;
use super::error::GitError;
use super::program::{self, Program};
use super::write::Hooks;

/// Fetches that are tried while another process moves the same refs.
const FETCH_TRIES: u32 = 5;

/// A repository that was found. `Send`; opens a fresh git2 handle for each question.
#[derive(Debug, Clone)]
pub struct GitRepo {
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_dir: Option<PathBuf>,
    shown: String,
    reach: Reach,
}

/// How much of a repository git2 can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of it.
    Whole,
    /// A promisor's clone: blobs and trees that are not there yet go through the program.
    Partial,
    /// Nothing (reftable, SHA-256, an extension): everything goes through the program.
    Foreign,
}

/// The commit that counts, and how the local branch stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Path of the repository for people.
    pub path: String,
    /// The branch.
    pub branch: String,
    /// The commit.
    pub commit: String,
    /// The remote whose tracking branch was read; `None` = local.
    pub remote: Option<String>,
    /// Local commits that the tip lacks.
    pub ahead: u32,
    /// Commits of the tip that the local branch lacks.
    pub behind: u32,
    /// The working tree has changes.
    pub dirty: bool,
}

/// A regular file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path, `/`-separated.
    pub path: String,
    /// Its blob.
    pub oid: String,
    /// Its size in bytes, where it costs nothing to know.
    pub size: Option<u64>,
}

impl GitRepo {
    /// Finds the repository at or above `dir` (`GIT_DIR` is honoured), and looks at once whether
    /// git2 can read it whole.
    ///
    /// # Errors
    /// If there is none, it is not trusted, or neither git2 nor git can read it.
    pub fn discover(dir: &Path) -> Result<Self, GitError> {
        let shown = dir.display().to_string();
        let found = if std::env::var_os("GIT_DIR").is_some() {
            Repository::open_from_env()
        } else {
            let none: [&std::ffi::OsStr; 0] = [];
            Repository::open_ext(dir, git2::RepositoryOpenFlags::empty(), none)
        };
        let repo = match found {
            Ok(repo) => repo,
            Err(error) => {
                return match error.code() {
                    ErrorCode::Owner => Err(GitError::NotTrusted { dir: shown }),
                    ErrorCode::NotFound => Err(GitError::NotARepository { dir: shown }),
                    _ => Self::foreign(dir, shown, &error),
                };
            }
        };
        let path = repo.workdir().unwrap_or_else(|| repo.path());
        Ok(Self {
            git_dir: repo.path().to_owned(),
            common_dir: repo.commondir().to_owned(),
            work_dir: repo.workdir().map(Path::to_owned),
            shown: path.display().to_string().trim_end_matches('/').to_owned(),
            reach: if is_partial(&repo) {
                Reach::Partial
            } else {
                Reach::Whole
            },
        })
    }

    /// A repository in a format that only the program reads, if it does.
    fn foreign(dir: &Path, shown: String, error: &git2::Error) -> Result<Self, GitError> {
        let found = by_program::discover(dir).map_err(|_| GitError::Unsupported {
            dir: shown,
            detail: error.message().to_owned(),
        });
        let (git_dir, common_dir, work_dir) = found?;
        let path = work_dir.as_deref().unwrap_or(&git_dir);
        Ok(Self {
            shown: path.display().to_string().trim_end_matches('/').to_owned(),
            git_dir,
            common_dir,
            work_dir,
            reach: Reach::Foreign,
        })
    }

    /// How much of it git2 can read.
    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    /// A fresh git2 handle.
    pub(super) fn open(&self) -> Result<Repository, GitError> {
        Repository::open(&self.git_dir).map_err(|e| GitError::object(format!("repository {}", self.shown), &e))
    }

    /// The program, to be run in this repository.
    pub fn program(&self) -> Program {
        Program::new(&self.git_dir)
    }

    /// The git directory (of this worktree).
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all worktrees of the repository share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The working tree, if there is one.
    pub(super) fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// Whether a file lies in this repository (its working tree or git folder), links resolved. Where
    /// that cannot be told, it does: the answer decides about trust.
    pub fn holds(&self, file: &Path) -> bool {
        let Ok(file) = file.canonicalize() else { return true };
        let folders = [Some(self.git_dir()), Some(self.common_dir()), self.work_dir()];
        folders
            .into_iter()
            .flatten()
            .any(|folder| folder.canonicalize().map_or(true, |folder| file.starts_with(folder)))
    }

    /// Path of the repository for people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the history ends at a shallow boundary.
    pub fn is_shallow(&self) -> bool {
        !self.boundary().is_empty()
    }

    /// Commits whose parents this clone does not hold: what they changed cannot be told.
    pub(super) fn boundary(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.common_dir.join("shallow")).unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The commit that counts (CONTRACT "What is read"): the remote-tracking commit of `branch`, or of
    /// the checked-out branch's upstream; with no remote, local HEAD.
    ///
    /// # Errors
    /// If the branch is unknown or there is no commit.
    pub fn tip(&self, branch: Option<&str>) -> Result<Tip, GitError> {
        if self.reach == Reach::Foreign {
            return by_program::tip(self, branch);
        }
        let repo = self.open()?;
        let head = repo.head().ok();
        let head_branch = head
            .as_ref()
            .filter(|h| h.is_branch())
            .and_then(|h| h.shorthand().ok().map(str::to_owned));
        let upstream = head_branch.as_deref().and_then(|name| upstream(&repo, name));
        let remotes = remotes(&repo);
        let (branch, remote) = match (branch, upstream) {
            (Some(wanted), Some((remote, _))) => (wanted.to_owned(), Some(remote)),
            (Some(wanted), None) => (wanted.to_owned(), default_remote(&remotes)),
            (None, Some((remote, branch))) => (branch, Some(remote)),
            (None, None) => match default_remote(&remotes) {
                // No upstream configured: the branch of the same name, else the remote's default.
                Some(remote) => {
                    let name = head_branch
                        .clone()
                        .filter(|name| tracking(&repo, &remote, name).is_some());
                    match name.or_else(|| remote_head(&repo, &remote)) {
                        Some(name) => (name, Some(remote)),
                        None => (head_branch.clone().unwrap_or_else(|| "HEAD".to_owned()), None),
                    }
                }
                None => (head_branch.clone().unwrap_or_else(|| "HEAD".to_owned()), None),
            },
        };
        let commit = match &remote {
            Some(remote) => tracking(&repo, remote, &branch).ok_or_else(|| GitError::NoBranch {
                branch: branch.clone(),
                remote: remote.clone(),
            })?,
            None => local(&repo, &branch).ok_or_else(|| GitError::NoCommit { what: branch.clone() })?,
        };
        let (ahead, behind) = match (&remote, local(&repo, &branch)) {
            (Some(_), Some(here)) if !self.is_shallow() => repo.graph_ahead_behind(here, commit).unwrap_or((0, 0)),
            _ => (0, 0),
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Tip {
            path: self.shown.clone(),
            branch,
            commit: commit.to_string(),
            remote,
            ahead: count(ahead),
            behind: count(behind),
            dirty: is_dirty(&repo).unwrap_or_else(|| self.work_dir.as_deref().is_some_and(by_program::is_dirty)),
        })
    }

    /// The URL a remote is fetched from, if it has one.
    pub fn remote_url(&self, remote: &str) -> Option<String> {
        if self.reach == Reach::Foreign {
            let ran = self
                .program()
                .run(&["remote", "get-url", remote], program::LOCAL)
                .ok()?;
            return Some(ran.text());
        }
        let repo = self.open().ok()?;
        let found = repo.find_remote(remote).ok()?;
        found.url().ok().map(str::to_owned)
    }

    /// Fetches one remote with the program, within two minutes.
    ///
    /// # Errors
    /// Whatever git said.
    pub fn fetch(&self, remote: &str) -> Result<(), GitError> {
        self.fetch_within(remote, program::NETWORK)
    }

    /// Fetches one remote with the program.
    ///
    /// # Errors
    /// Whatever git said.
    pub fn fetch_within(&self, remote: &str, limit: Duration) -> Result<(), GitError> {
        // Tags are not ours to move about, and submodules are never read.
        let args = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            remote,
        ];
        let git = Hooks::of(self)?.apply(&self.program()).networked();
        // Another git process may be at the same refs: its locks are waited for.
        let git = git
            .with_config("core.filesRefLockTimeout", "3000")
            .with_config("core.packedRefsTimeout", "3000");
        let mut tries = FETCH_TRIES;
        loop {
            tries -= 1;
            match git.run(&args, limit) {
                // Somebody else's fetch brought the ref forward between our look and our update.
                Err(GitError::Failed { words, .. }) if tries > 0 && words.raw().contains("but expected") => {}
                Err(GitError::Failed { words, .. }) if words.raw().contains(".lock': File exists") => {
                    let lock = words.raw().split('\'').find(|part| part.ends_with(".lock"));
                    let lock = lock.unwrap_or("a lock file").to_owned();
                    return Err(GitError::Locked { lock });
                }
                other => return other.map(|_| ()),
            }
        }
    }

    /// All regular files of a commit. Symbolic links and submodules are left out: nothing outside
    /// the repository is ever read.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    pub fn files(&self, commit: &str) -> Result<Vec<TreeFile>, GitError> {
        if self.reach == Reach::Foreign {
            return by_program::files(&self.program(), commit, true);
        }
        let repo = self.open()?;
        let mut files = Vec::new();
        let walked = tree(&repo, commit).and_then(|tree| {
            tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
                let regular = entry.kind() == Some(ObjectType::Blob) && entry.filemode() & 0o170_000 == 0o100_000;
                if let (true, Ok(name)) = (regular, entry.name()) {
                    files.push(TreeFile {
                        path: format!("{folder}{name}"),
                        oid: entry.id().to_string(),
                        size: None,
                    });
                }
                TreeWalkResult::Ok
            })
            .map_err(|e| GitError::object(format!("the tree of {commit}"), &e))
        });
        if walked.is_err() && self.reach == Reach::Partial {
            return by_program::files(&self.program(), commit, false);
        }
        walked?;
        if let Ok(odb) = repo.odb() {
            for file in &mut files {
                let oid = Oid::from_str(&file.oid).ok();
                file.size = oid
                    .and_then(|oid| odb.read_header(oid).ok())
                    .map(|(size, _)| size as u64);
            }
        }
        Ok(files)
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// If it is not there or no blob.
    pub fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        let by_program = || Ok(self.program().run(&["cat-file", "blob", oid], program::NETWORK)?.stdout);
        if self.reach == Reach::Foreign {
            return by_program();
        }
        let repo = self.open()?;
        let found = Oid::from_str(oid).and_then(|id| repo.find_blob(id));
        match found {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(_) if self.reach == Reach::Partial => by_program(),
            Err(error) => Err(GitError::object(format!("blob {oid}"), &error)),
        }
    }

    /// The bytes of a regular file at a commit; `None` if there is no such regular file.
    ///
    /// # Errors
    /// If the commit or blob cannot be read.
    pub fn read_at(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let normal = Path::new(path);
        let plain = normal
            .components()
            .all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir));
        if !plain {
            return Ok(None);
        }
        let normal: PathBuf = normal
            .components()
            .filter(|c| matches!(c, std::path::Component::Normal(_)))
            .collect();
        if self.reach == Reach::Foreign {
            return self.read_at_by_program(commit, &normal);
        }
        let repo = self.open()?;
        let entry = match tree(&repo, commit) {
            Ok(tree) => tree.get_path(&normal).map(|entry| (entry.id(), entry.filemode())),
            Err(_) if self.reach == Reach::Partial => return self.read_at_by_program(commit, &normal),
            Err(error) => return Err(error),
        };
        match entry {
            Ok((oid, mode)) if mode & 0o170_000 == 0o100_000 => self.blob(&oid.to_string()).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound && self.reach == Reach::Whole => Ok(None),
            Err(_) if self.reach == Reach::Partial => self.read_at_by_program(commit, &normal),
            Err(error) => Err(GitError::object(format!("{path} at {commit}"), &error)),
        }
    }

    fn read_at_by_program(&self, commit: &str, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        let wanted = path.display().to_string();
        let all = by_program::files(&self.program(), commit, false)?;
        let file = all.into_iter().find(|f| f.path == wanted);
        file.map(|f| self.blob(&f.oid)).transpose()
    }
}

fn tree<'r>(repo: &'r Repository, commit: &str) -> Result<git2::Tree<'r>, GitError> {
    let found = Oid::from_str(commit)
        .and_then(|oid| repo.find_commit(oid))
        .and_then(|c| c.tree());
    found.map_err(|e| GitError::object(format!("commit {commit}"), &e))
}

fn upstream(repo: &Repository, branch: &str) -> Option<(String, String)> {
    let name = format!("refs/heads/{branch}");
    let remote = repo.branch_upstream_remote(&name).ok()?.as_str().ok()?.to_owned();
    if remote == "." {
        return None;
    }
    let merge = repo.branch_upstream_merge(&name).ok()?.as_str().ok()?.to_owned();
    Some((remote, merge.strip_prefix("refs/heads/")?.to_owned()))
}

fn remotes(repo: &Repository) -> Vec<String> {
    let names = repo.remotes().ok();
    names
        .iter()
        .flat_map(|n| n.iter())
        .filter_map(|n| n.ok().flatten().map(str::to_owned))
        .collect()
}

/// `origin`, or the only remote there is.
pub(super) fn default_remote(remotes: &[String]) -> Option<String> {
    match remotes {
        [only] => Some(only.clone()),
        all => all.iter().find(|name| *name == "origin").cloned(),
    }
}

fn tracking(repo: &Repository, remote: &str, branch: &str) -> Option<Oid> {
    let found = repo
        .find_branch(&format!("{remote}/{branch}"), BranchType::Remote)
        .ok()?;
    Some(found.get().peel_to_commit().ok()?.id())
}

fn remote_head(repo: &Repository, remote: &str) -> Option<String> {
    let head = repo.find_reference(&format!("refs/remotes/{remote}/HEAD")).ok()?;
    let target = head.symbolic_target().ok()??;
    Some(target.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
}

fn local(repo: &Repository, branch: &str) -> Option<Oid> {
    let commit = if branch == "HEAD" {
        repo.head().ok()?.peel_to_commit().ok()?
    } else {
        repo.find_branch(branch, BranchType::Local)
            .ok()?
            .get()
            .peel_to_commit()
            .ok()?
    };
    Some(commit.id())
}

/// Whether the working tree has changes; `None` where git2 cannot tell (an index it does not read).
fn is_dirty(repo: &Repository) -> Option<bool> {
    if repo.is_bare() {
        return Some(false);
    }
    let mut options = git2::StatusOptions::new();
    options
        .include_untracked(true)
        .exclude_submodules(true)
        .include_ignored(false);
    let config = repo.config().ok();
    let set = |name| config.as_ref().is_some_and(|c| c.get_bool(name).unwrap_or(false));
    // A sparse checkout lacks files on purpose.
    if set("core.sparsecheckout") || set("index.sparse") || set("core.splitindex") {
        return None;
    }
    let statuses = repo.statuses(Some(&mut options)).ok()?;
    Some(!statuses.is_empty())
}

/// Promisor remotes and repository extensions git2 does not know.
fn is_partial(repo: &Repository) -> bool {
    let Ok(config) = repo.config() else { return false };
    if config.get_string("extensions.partialclone").is_ok() {
        return true;
    }
    let Ok(entries) = config.entries(Some("remote\\..*\\.promisor")) else {
        return false;
    };
    let mut partial = false;
    let _ = entries.for_each(|entry| partial |= entry.value().is_ok_and(|v| v != "false"));
    partial
}
