//! Finding a repository and reading one commit of it with git2, a fresh handle per question.

use std::path::{Component, Path};
use std::sync::Once;
use std::time::Duration;

use git2::{ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::error::GitError;
use super::hooks::Hooks;
use super::locate::{self, Environment, RepositoryPaths};
use super::program::{self, GitProgram};
use super::tracked_config;
use super::tree_entry::{TreeEntry, TreeFile};

/// Fetches that are tried while another process moves the same refs.
const FETCH_TRIES: u32 = 5;

/// A repository that was found. `Send`; opens a fresh git2 handle for each question.
#[derive(Debug, Clone)]
pub struct GitRepo {
    paths: RepositoryPaths,
    shown: String,
    /// git2 cannot read all of it (promisor or partial clone, foreign object or ref format): blobs
    /// and trees it misses go through the program.
    partial: bool,
    /// git2 cannot open it at all, or misses trees: everything goes through the program.
    foreign: bool,
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

static TRUST_THE_STORE: Once = Once::new();

impl GitRepo {
    /// Finds the repository at or above `dir` (`GIT_DIR` is honoured), and looks at once whether
    /// git2 can read it whole.
    ///
    /// # Errors
    /// If there is none, it is not trusted, or neither git2 nor git can read it.
    pub fn discover(dir: &Path) -> Result<Self, GitError> {
        // As git itself reads: an object is checked when it is fetched, not again each time it is read. With
        // the check, a walk over large folders takes four times as long. Contents are checked in [`super::Blobs`].
        TRUST_THE_STORE.call_once(|| git2::opts::strict_hash_verification(false));
        let paths = locate::locate(dir, &Environment::of_process())?;
        let (partial, foreign) = match Repository::open(&paths.git_dir) {
            Ok(repo) => what_is_missing(&repo),
            // git2 cannot open it; the program may be able to.
            Err(error) => {
                let asked = paths
                    .program()
                    .try_run(&["rev-parse", "--git-dir"], &[], program::LOCAL_TIMEOUT)?;
                if !asked.ok() {
                    return Err(GitError::Unsupported {
                        dir: paths.top().display().to_string(),
                        detail: error.message().to_owned(),
                    });
                }
                (true, true)
            }
        };
        Ok(Self {
            shown: paths.top().display().to_string(),
            paths,
            partial,
            foreign,
        })
    }

    /// A fresh git2 handle.
    pub(super) fn open(&self) -> Result<Repository, GitError> {
        Repository::open(&self.paths.git_dir).map_err(|e| GitError::object(format!("repository {}", self.shown), &e))
    }

    /// The program, to be run in this repository.
    pub fn program(&self) -> GitProgram {
        self.paths.program()
    }

    /// The program, once it is certain that no configuration of the working tree is in force: for whatever
    /// talks to a remote, commits or signs.
    ///
    /// # Errors
    /// If a setting comes from, or names a program of, a working tree.
    pub(super) fn checked_program(&self) -> Result<GitProgram, GitError> {
        let git = self.program();
        tracked_config::check(&self.paths, &git)?;
        Ok(git)
    }

    /// The hooks that git would run here, sorted out.
    ///
    /// # Errors
    /// If git cannot say where its hooks are.
    pub(super) fn hooks(&self) -> Result<Hooks, GitError> {
        Hooks::of(&self.paths, &self.program())
    }

    /// Names of hooks that git would run and pindeck never does, because a commit could change them.
    ///
    /// # Errors
    /// If git cannot say where its hooks are.
    pub fn barred_hooks(&self) -> Result<Vec<String>, GitError> {
        Ok(self.hooks()?.barred().to_vec())
    }

    /// The git directory (of this worktree).
    pub fn git_dir(&self) -> &Path {
        &self.paths.git_dir
    }

    /// The git directory that all worktrees of the repository share.
    pub fn common_dir(&self) -> &Path {
        &self.paths.common_dir
    }

    /// The working tree, if there is one.
    pub fn work_dir(&self) -> Option<&Path> {
        self.paths.work_dir.as_deref()
    }

    /// Whether git2 cannot read this repository's trees, so that the program has to.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether objects may be missing until the program fetches them.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Path of the repository for people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the history ends at a shallow boundary.
    pub fn is_shallow(&self) -> bool {
        if self.foreign {
            let asked = self
                .program()
                .try_run(&["rev-parse", "--is-shallow-repository"], &[], program::LOCAL_TIMEOUT);
            // Not knowing is treated as a history that may end too early.
            return asked.map_or(true, |ran| ran.text() != "false");
        }
        self.open().is_ok_and(|repo| repo.is_shallow())
    }

    /// The URL a remote is fetched from, if it has one.
    pub fn remote_url(&self, remote: &str) -> Option<String> {
        if self.foreign {
            let asked = self
                .program()
                .try_run(&["remote", "get-url", "--", remote], &[], program::LOCAL_TIMEOUT);
            return asked.ok().filter(super::program::GitOutput::ok).map(|ran| ran.text());
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
        self.fetch_within(remote, program::NETWORK_TIMEOUT)
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
        let git = self.hooks()?.apply(&self.checked_program()?).for_network();
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
        if self.foreign {
            return self.files_by_program(commit);
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
        if walked.is_err() && self.partial {
            return self.files_by_program(commit);
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

    fn files_by_program(&self, commit: &str) -> Result<Vec<TreeFile>, GitError> {
        let ran = self.program().run(
            &["ls-tree", "-r", "-z", "--full-tree", commit],
            program::NETWORK_TIMEOUT,
        )?;
        let file = |(mode, oid, path): (u32, String, String)| {
            (mode & 0o170_000 == 0o100_000).then_some(TreeFile { path, oid, size: None })
        };
        Ok(listed(&ran.stdout).into_iter().filter_map(file).collect())
    }

    /// What a commit has at a path: the bytes, if it is a regular file.
    ///
    /// # Errors
    /// If the commit or blob cannot be read, or the path leads out of the repository.
    pub fn read_at(&self, commit: &str, path: &str) -> Result<TreeEntry<Vec<u8>>, GitError> {
        self.entry(commit, path)?.try_map(|oid| self.blob(&oid))
    }

    /// What a commit has at a path: the id of the blob, if it is a regular file.
    ///
    /// # Errors
    /// If the commit cannot be read, or the path leads out of the repository.
    pub fn entry(&self, commit: &str, path: &str) -> Result<TreeEntry<String>, GitError> {
        let outside = || GitError::OutsidePath { path: path.to_owned() };
        let mut parts = Vec::new();
        for component in Path::new(path).components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) => parts.push(name.to_str().ok_or_else(outside)?),
                _ => return Err(outside()),
            }
        }
        if parts.is_empty() {
            return Ok(TreeEntry::Folder);
        }
        if self.foreign {
            return self.entry_by_program(commit, &parts);
        }
        let repo = self.open()?;
        let mut folder = match tree(&repo, commit) {
            Ok(tree) => tree,
            Err(_) if self.partial => return self.entry_by_program(commit, &parts),
            Err(error) => return Err(error),
        };
        for (n, part) in parts.iter().enumerate() {
            let Some((id, mode)) = folder.get_name(part).map(|entry| (entry.id(), entry.filemode())) else {
                return Ok(TreeEntry::Absent);
            };
            let found = TreeEntry::of_mode(mode.cast_unsigned(), || id.to_string());
            if n + 1 == parts.len() {
                return Ok(found);
            }
            match found {
                TreeEntry::Folder => {}
                // Below a file there is nothing.
                TreeEntry::File(_) => return Ok(TreeEntry::Absent),
                other => return Ok(other),
            }
            let below = repo.find_tree(id);
            folder = match below {
                Ok(below) => below,
                Err(_) if self.partial => return self.entry_by_program(commit, &parts),
                Err(error) => return Err(GitError::object(format!("{path} at {commit}"), &error)),
            };
        }
        Ok(TreeEntry::Absent)
    }

    fn entry_by_program(&self, commit: &str, parts: &[&str]) -> Result<TreeEntry<String>, GitError> {
        let git = self.program().with_env("GIT_LITERAL_PATHSPECS", "1");
        // The path itself and each folder on the way.
        let paths: Vec<String> = (1..=parts.len()).map(|n| parts[..n].join("/")).collect();
        let mut args = vec!["ls-tree", "-t", "-z", "--full-tree", commit, "--"];
        args.extend(paths.iter().map(String::as_str));
        let ran = git.run(&args, program::NETWORK_TIMEOUT)?;
        let listed = listed(&ran.stdout);
        for (n, path) in paths.iter().enumerate() {
            let Some((mode, oid, _)) = listed.iter().find(|(_, _, listed)| listed == path) else {
                return Ok(TreeEntry::Absent);
            };
            let found = TreeEntry::of_mode(*mode, || oid.clone());
            match found {
                found if n + 1 == paths.len() => return Ok(found),
                TreeEntry::Folder => {}
                TreeEntry::File(_) => return Ok(TreeEntry::Absent),
                other => return Ok(other),
            }
        }
        Ok(TreeEntry::Absent)
    }
}

/// Mode, id and path of each line that `ls-tree -z` prints.
fn listed(listed: &[u8]) -> Vec<(u32, String, String)> {
    let parse = |line: &[u8]| {
        let (meta, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
        let mut words = meta.split(' ');
        let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
        Some((u32::from_str_radix(mode, 8).ok()?, oid.to_owned(), path.to_owned()))
    };
    listed.split(|byte| *byte == 0).filter_map(parse).collect()
}

fn tree<'r>(repo: &'r Repository, commit: &str) -> Result<git2::Tree<'r>, GitError> {
    let found = Oid::from_str(commit)
        .and_then(|oid| repo.find_commit(oid))
        .and_then(|c| c.tree());
    found.map_err(|e| GitError::object(format!("commit {commit}"), &e))
}

/// Whether objects may be missing (promisor remotes), and whether trees are among them.
fn what_is_missing(repo: &Repository) -> (bool, bool) {
    let Ok(config) = repo.config() else {
        return (false, false);
    };
    let values = |pattern: &str| {
        let mut found = Vec::new();
        if let Ok(entries) = config.entries(Some(pattern)) {
            let _ = entries.for_each(|entry| found.push(entry.value().unwrap_or_default().to_owned()));
        }
        found
    };
    let promised = values("remote\\..*\\.promisor").iter().any(|value| value != "false");
    let partial = promised || config.get_string("extensions.partialclone").is_ok();
    let filters = values("remote\\..*\\.partialclonefilter");
    (
        partial,
        partial && filters.iter().any(|filter| !filter.starts_with("blob:")),
    )
}
