//! Finding a repository and reading one commit of it with git2, a fresh handle per question.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use git2::{ErrorCode, ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::error::GitError;
use super::git_cli;
use super::program::{self, GitProgram};
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
        let found = if std::env::var_os("GIT_DIR").is_some() {
            Repository::open_from_env()
        } else {
            let none: [&std::ffi::OsStr; 0] = [];
            Repository::open_ext(dir, git2::RepositoryOpenFlags::empty(), none)
        };
        let repo = match found {
            Ok(repo) => repo,
            Err(error) => return Self::discover_foreign(dir, &error),
        };
        let path = repo.workdir().unwrap_or_else(|| repo.path());
        let (partial, foreign) = what_is_missing(&repo);
        Ok(Self {
            git_dir: repo.path().to_owned(),
            common_dir: repo.commondir().to_owned(),
            work_dir: repo.workdir().map(Path::to_owned),
            shown: path.display().to_string().trim_end_matches('/').to_owned(),
            partial,
            foreign,
        })
    }

    /// git2 cannot open it; the program may be able to.
    fn discover_foreign(dir: &Path, error: &git2::Error) -> Result<Self, GitError> {
        let shown = dir.display().to_string();
        match error.code() {
            ErrorCode::Owner => return Err(GitError::NotTrusted { dir: shown }),
            ErrorCode::NotFound => return Err(GitError::NotARepository { dir: shown }),
            _ => {}
        }
        let Some(found) = git_cli::locate(dir) else {
            return Err(GitError::Unsupported {
                dir: shown,
                detail: error.message().to_owned(),
            });
        };
        let path = found.work_dir.as_deref().unwrap_or(&found.git_dir);
        Ok(Self {
            shown: path.display().to_string().trim_end_matches('/').to_owned(),
            git_dir: found.git_dir,
            common_dir: found.common_dir,
            work_dir: found.work_dir,
            partial: true,
            foreign: true,
        })
    }

    /// A fresh git2 handle.
    pub(super) fn open(&self) -> Result<Repository, GitError> {
        Repository::open(&self.git_dir).map_err(|e| GitError::object(format!("repository {}", self.shown), &e))
    }

    /// The program, to be run in this repository.
    pub fn program(&self) -> GitProgram {
        GitProgram::new(&self.git_dir)
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
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// Whether git2 cannot read this repository's trees, so that the program has to.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether objects may be missing until the program fetches them.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether a file lies in this repository (its working tree or git folder), links resolved. Where
    /// that cannot be told, it does: the answer decides about trust.
    pub fn contains_file(&self, file: &Path) -> bool {
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
        let git = Hooks::of(self)?.apply(&self.program()).for_network();
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
        Ok(regular_files(&ran.stdout))
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
        if self.foreign {
            return self.read_at_by_program(commit, &normal);
        }
        let repo = self.open()?;
        let entry = match tree(&repo, commit) {
            Ok(tree) => tree.get_path(&normal).map(|entry| (entry.id(), entry.filemode())),
            Err(_) if self.partial => return self.read_at_by_program(commit, &normal),
            Err(error) => return Err(error),
        };
        match entry {
            Ok((oid, mode)) if mode & 0o170_000 == 0o100_000 => self.blob(&oid.to_string()).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound && !self.partial => Ok(None),
            Err(_) if self.partial => self.read_at_by_program(commit, &normal),
            Err(error) => Err(GitError::object(format!("{path} at {commit}"), &error)),
        }
    }

    fn read_at_by_program(&self, commit: &str, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        let wanted = path.display().to_string();
        let git = self.program().with_env("GIT_LITERAL_PATHSPECS", "1");
        let args = ["ls-tree", "-z", "--full-tree", commit, "--", &wanted];
        let ran = git.run(&args, program::NETWORK_TIMEOUT)?;
        let file = regular_files(&ran.stdout).into_iter().find(|f| f.path == wanted);
        file.map(|f| self.blob(&f.oid)).transpose()
    }
}

/// The regular files of what `ls-tree -z` prints.
fn regular_files(listed: &[u8]) -> Vec<TreeFile> {
    let text = String::from_utf8_lossy(listed).into_owned();
    let parse = |line: &str| {
        let (meta, path) = line.split_once('\t')?;
        let mut words = meta.split(' ');
        let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
        let regular = mode.starts_with("100");
        regular.then(|| TreeFile {
            path: path.to_owned(),
            oid: oid.to_owned(),
            size: None,
        })
    };
    text.split('\0').filter_map(parse).collect()
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
