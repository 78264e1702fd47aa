//! A repository that was found: which way it is read, and its remote.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

use git2::Repository;
use jiff::Timestamp;

use super::error::GitError;
use super::git_cli::GitCli;
use super::hooks::Hooks;
use super::known_changes::KnownChanges;
use super::libgit2::Libgit2;
use super::locate::{self, GitEnvironment, RepositoryPaths};
use super::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use super::reader::{CommitChanges, CommitOrder, CommitVisit, FileFilter, GitReader};
use super::revert::{self, RevertOutcome, RevertedFile};
use super::tip::{self, Tip};
use super::tracked_config;
use super::tree_entry::{TreeEntry, TreeFile, TreeListing};
use crate::domain::text::quoted;
use crate::domain::unwalked::UnwalkedCommits;

/// A repository that was found. `Send`; opens a fresh reader for each job.
#[derive(Debug, Clone)]
pub struct GitRepo {
    paths: RepositoryPaths,
    read_by: ReadBy,
    /// Default branches of remotes, as they were asked for.
    pub(super) remote_heads: Arc<Mutex<BTreeMap<String, String>>>,
    /// Objects that are being received and are not in the store yet.
    incoming: Option<PathBuf>,
}

/// Which way a repository is read, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadBy {
    Libgit2,
    GitCli,
    /// By the program, which fetches what a partial clone lacks.
    GitCliPartial,
}

static TRUST_THE_STORE: Once = Once::new();

impl GitRepo {
    /// Finds the repository at or above `dir` (`GIT_DIR` is honoured), and decides how it is read.
    ///
    /// # Errors
    /// If there is none, it is not trusted, or neither libgit2 nor git can read it.
    pub fn discover(dir: &Path) -> Result<Self, GitError> {
        // As git itself reads: an object is checked when it is fetched, not again each time it is read. With
        // the check, a walk over large folders takes four times as long. Contents are always checked.
        TRUST_THE_STORE.call_once(|| git2::opts::strict_hash_verification(false));
        Self::discover_in(dir, &GitEnvironment::of_process())
    }

    /// The same where the environment says this.
    pub(super) fn discover_in(dir: &Path, environment: &GitEnvironment) -> Result<Self, GitError> {
        let paths = locate::locate(dir, environment)?;
        let read_by = match Repository::open(&paths.git_dir) {
            Ok(repo) if is_partial(&repo) => ReadBy::GitCliPartial,
            Ok(_) => ReadBy::Libgit2,
            // libgit2 cannot open it; the program may be able to.
            Err(error) => {
                let asked = paths
                    .program()
                    .try_run(&["rev-parse", "--git-dir"], &[], LOCAL_TIMEOUT)?;
                if !asked.ok() {
                    return Err(GitError::Unsupported {
                        dir: paths.top().display().to_string(),
                        detail: quoted(error.message()).into_string(),
                    });
                }
                ReadBy::GitCli
            }
        };
        Ok(Self {
            paths,
            read_by,
            remote_heads: Arc::default(),
            incoming: None,
        })
    }

    /// The same repository together with the objects in this folder ([`super::incoming`]).
    #[must_use]
    pub(super) fn seeing(&self, incoming: PathBuf) -> Self {
        Self {
            incoming: Some(incoming),
            ..self.clone()
        }
    }

    /// The same repository, read by the program: the other way to the same answers.
    #[must_use]
    pub fn read_by_program(&self) -> Self {
        Self {
            read_by: ReadBy::GitCli,
            ..self.clone()
        }
    }

    /// Whether it is read in this process, by as many threads as like to. Each job of the program is a process.
    pub(crate) fn is_read_in_process(&self) -> bool {
        self.read_by == ReadBy::Libgit2
    }

    pub(super) fn reader(&self) -> Result<Box<dyn GitReader>, GitError> {
        Ok(match self.read_by {
            ReadBy::Libgit2 => {
                let opened = Repository::open(&self.paths.git_dir);
                let failed = |e: git2::Error| GitError::object(format!("repository {}", self.display_path()), &e);
                let repo = opened.map_err(failed)?;
                if let Some(folder) = &self.incoming {
                    let added = repo
                        .odb()
                        .and_then(|odb| odb.add_disk_alternate(&folder.to_string_lossy()));
                    added.map_err(failed)?;
                }
                Box::new(Libgit2::new(repo, self.program()))
            }
            ReadBy::GitCli => Box::new(GitCli::new(self.program())),
            // It fetches what is missing while it is read, and so runs what fetching is configured to run.
            ReadBy::GitCliPartial => Box::new(GitCli::new(self.checked_program()?.for_network())),
        })
    }

    /// The program, to be run in this repository.
    pub(super) fn program(&self) -> GitProgram {
        let program = self.paths.program();
        match &self.incoming {
            Some(folder) => program.with_env("GIT_ALTERNATE_OBJECT_DIRECTORIES", folder.to_string_lossy()),
            None => program,
        }
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

    /// The git directory that all worktrees of the repository share.
    pub(crate) fn common_dir(&self) -> &Path {
        &self.paths.common_dir
    }

    /// The working tree, if there is one.
    pub(crate) fn work_dir(&self) -> Option<&Path> {
        self.paths.work_dir.as_deref()
    }

    /// Path of the repository for people.
    fn display_path(&self) -> String {
        self.paths.top().display().to_string()
    }

    /// Whether the history ends at a shallow boundary.
    pub(crate) fn is_shallow(&self) -> bool {
        !self.shallow_boundary().is_empty()
    }

    /// What says that commits have other parents here than they were made with: the ends of a shallow clone, and grafts.
    /// Empty where nothing says so.
    pub(crate) fn cuts(&self) -> String {
        let grafts = std::fs::read_to_string(self.common_dir().join("info/grafts")).unwrap_or_default();
        match (self.shallow_text(), grafts) {
            (shallow, grafts) if shallow.is_empty() && grafts.is_empty() => String::new(),
            (shallow, grafts) => format!("{shallow}\n{grafts}"),
        }
    }

    /// Git's own list of commits whose parents a shallow clone lacks; empty where there are none.
    pub(crate) fn shallow_text(&self) -> String {
        std::fs::read_to_string(self.common_dir().join("shallow")).unwrap_or_default()
    }

    /// Commits whose parents a shallow clone lacks: what they changed cannot be told.
    pub(super) fn shallow_boundary(&self) -> BTreeSet<String> {
        let text = self.shallow_text();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The URL a remote is fetched from, if it has one.
    pub(crate) fn remote_url(&self, remote: &str) -> Option<String> {
        self.reader().ok()?.remote_url(remote)
    }

    /// The commit that counts (docs/guide/git.md): the remote-tracking commit of `branch`, or of the
    /// checked-out branch's upstream, or of the remote's default branch; with no remote, local HEAD.
    ///
    /// # Errors
    /// If the branch is unknown or there is no commit.
    pub fn tip(&self, branch: Option<&str>) -> Result<Tip, GitError> {
        let learned = self.remote_heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tip::find(self.reader()?.as_ref(), self.display_path(), branch, &learned)
    }

    /// Whether the working tree has changes.
    pub fn is_dirty(&self) -> bool {
        self.reader().is_ok_and(|reader| reader.is_dirty())
    }

    /// The remote that pins are read from; `None` = there is none, and the local branch counts.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(crate) fn remote(&self) -> Result<Option<String>, GitError> {
        Ok(tip::remote(self.reader()?.as_ref()))
    }

    /// Refuses a set-up in which the person's own pushes go to another remote than the one that is read.
    ///
    /// # Errors
    /// If `branch.NAME.pushRemote` or `remote.pushDefault` names another remote of this clone.
    pub fn check_push_remote(&self, read: &str) -> Result<(), GitError> {
        let reader = self.reader()?;
        let git = self.program();
        let own = reader.head_branch().map(|branch| format!("branch.{branch}.pushRemote"));
        for setting in own.into_iter().chain(["remote.pushDefault".to_owned()]) {
            let ran = git.try_run(&["config", "--get", &setting], &[], LOCAL_TIMEOUT)?;
            let remote = ran.text();
            if !ran.ok() || remote.is_empty() {
                continue;
            }
            if remote != read && reader.remotes().contains(&remote) {
                return Err(GitError::PushesElsewhere {
                    setting,
                    remote,
                    read: read.to_owned(),
                });
            }
            break;
        }
        Ok(())
    }

    /// All regular files of a commit. Symbolic links and submodules are left out: nothing outside
    /// the repository is ever read.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    pub fn files(&self, commit: &str) -> Result<Vec<TreeFile>, GitError> {
        Ok(self.list(commit)?.files)
    }

    /// All regular files of a commit, and its symbolic links by their paths.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    pub(crate) fn list(&self, commit: &str) -> Result<TreeListing, GitError> {
        self.reader()?.list(commit)
    }

    /// What a commit has at a path: the bytes, if it is a regular file.
    ///
    /// # Errors
    /// If the commit or blob cannot be read, or the path leads out of the repository.
    pub fn read_at(&self, commit: &str, path: &str) -> Result<TreeEntry<Vec<u8>>, GitError> {
        let reader = self.reader()?;
        entry(reader.as_ref(), commit, path)?.try_map(|oid| reader.blob(&oid))
    }

    /// The names of everything in the top folder of a commit, whatever it is.
    ///
    /// # Errors
    /// If the commit cannot be read.
    pub(crate) fn names_at_top(&self, commit: &str) -> Result<Vec<String>, GitError> {
        self.reader()?.names_at_top(commit)
    }

    /// What a commit has at a path: the id of the blob, if it is a regular file.
    ///
    /// # Errors
    /// If the commit cannot be read, or the path leads out of the repository.
    pub fn entry(&self, commit: &str, path: &str) -> Result<TreeEntry<String>, GitError> {
        entry(self.reader()?.as_ref(), commit, path)
    }

    /// Opens the repository for reading blobs.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        Ok(Blobs { reader: self.reader()? })
    }

    /// The size of one blob in bytes, where it costs nothing to know.
    pub(crate) fn blob_size(&self, oid: &str) -> Option<u64> {
        self.reader().ok()?.blob_size(oid)
    }

    /// The bytes of one blob.
    ///
    /// # Errors
    /// If it is not there, no blob, or not what its name says.
    pub fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        self.reader()?.blob(oid)
    }

    /// Reports every commit reachable from `tip` with what it changed against each of its parents among the
    /// files that count, newest first, until told to stop.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    pub fn visit(
        &self,
        tip: &str,
        order: CommitOrder,
        files: &dyn FileFilter,
        each: &mut dyn FnMut(CommitChanges) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        self.visit_known(tip, order, files, None, each)
    }

    /// The same, with what was found out of commits before. Where the history is another one than the commits tell
    /// (shallow, grafted), nothing of it is asked.
    ///
    /// # Errors
    /// As [`GitRepo::visit`].
    pub(crate) fn visit_known(
        &self,
        tip: &str,
        order: CommitOrder,
        files: &dyn FileFilter,
        known: Option<&dyn KnownChanges>,
        each: &mut dyn FnMut(CommitChanges) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let boundary = self.shallow_boundary();
        let is_as_committed = boundary.is_empty() && !self.common_dir().join("info/grafts").exists();
        let visit = CommitVisit {
            tip,
            order,
            files,
            boundary: &boundary,
            known: known.filter(|_| is_as_committed),
        };
        self.reader()?.visit(visit, each)
    }

    /// Whether, of what is left to walk, something leads to what was walked before it. Reads no more than it takes to say.
    ///
    /// # Errors
    /// If the commits cannot be read.
    pub(crate) fn leads_back(&self, mut left: UnwalkedCommits<'_>) -> Result<bool, GitError> {
        if !left.is_decided() {
            let from: Vec<String> = left.open().map(str::to_owned).collect();
            self.reader()?
                .visit_parents(&from, &mut |commit, parents| left.step(commit, parents))?;
        }
        Ok(left.leads_back())
    }

    /// The newest date of a commit and of those that the branch was at before it (first parents), without dates
    /// that lie in the future of `now`. Whoever commits chooses the date; the commits below are others'.
    ///
    /// # Errors
    /// If the commits cannot be read.
    pub(crate) fn newest_date(&self, commit: &str, now: Timestamp) -> Result<Option<Timestamp>, GitError> {
        let args = ["rev-list", "--first-parent", "--timestamp", commit];
        let ran = self.program().run(&args, NETWORK_TIMEOUT)?;
        let text = ran.text();
        let seconds = text.lines().filter_map(|line| line.split(' ').next()?.parse().ok());
        let newest = seconds.filter(|at: &i64| *at <= now.as_second()).max();
        Ok(newest.and_then(|at| Timestamp::from_second(at).ok()))
    }

    /// What reverting `commit` on top of `base` comes to.
    ///
    /// # Errors
    /// If a commit, tree or file cannot be read, or the clone is too shallow to tell.
    pub fn revert(&self, base: &str, commit: &str) -> Result<RevertOutcome, GitError> {
        if self.shallow_boundary().contains(commit) {
            return Err(GitError::Shallow {
                commit: commit.to_owned(),
            });
        }
        revert::revert(self.reader()?.as_ref(), base, commit)
    }

    /// The files that reverting `commit` on top of `base` changes; `None` if they conflict, or if the
    /// commit is a merge or the first one.
    ///
    /// # Errors
    /// As [`GitRepo::revert`].
    pub fn preview_revert(&self, base: &str, commit: &str) -> Result<Option<Vec<RevertedFile>>, GitError> {
        Ok(match self.revert(base, commit)? {
            RevertOutcome::Clean(files) => Some(files),
            RevertOutcome::Conflict { .. } | RevertOutcome::Merge { .. } | RevertOutcome::Root => None,
        })
    }
}

/// An open repository that blobs are read from, for one job on one thread: opening it once costs less than
/// most blobs do.
pub struct Blobs {
    reader: Box<dyn GitReader>,
}

impl Blobs {
    /// The bytes of a blob. What a partial clone lacks is fetched.
    ///
    /// # Errors
    /// If it is not there, no blob, or not what its name says.
    pub fn read(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        self.reader.blob(oid)
    }

    /// The same, if the bytes are no more than `most` and wanted at a first look.
    ///
    /// # Errors
    /// As [`Blobs::read`].
    pub(crate) fn read_if(
        &self,
        oid: &str,
        most: u64,
        is_wanted: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, GitError> {
        self.reader.blob_if(oid, most, is_wanted)
    }

    /// What a commit has at a path, as [`GitRepo::entry`] says it, without opening the repository anew.
    ///
    /// # Errors
    /// If the commit cannot be read, or the path leads out of the repository.
    pub(crate) fn entry(&self, commit: &str, path: &str) -> Result<TreeEntry<String>, GitError> {
        entry(self.reader.as_ref(), commit, path)
    }
}

fn entry(reader: &dyn GitReader, commit: &str, path: &str) -> Result<TreeEntry<String>, GitError> {
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
    reader.entry(commit, &parts).map(TreeEntry::of)
}

/// Whether objects may be missing until they are fetched (promisor remotes).
fn is_partial(repo: &Repository) -> bool {
    let Ok(config) = repo.config() else {
        return false;
    };
    let mut promised = false;
    if let Ok(entries) = config.entries(Some("remote\\..*\\.promisor")) {
        let _ = entries.for_each(|entry| promised |= entry.value().unwrap_or_default() != "false");
    }
    promised || config.get_string("extensions.partialclone").is_ok()
}
