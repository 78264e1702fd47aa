//! Clones that pindeck makes for itself, of repositories that environments lie in.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::GitError;
use super::fetch::FetchedRefs;
use super::locate::GitEnvironment;
use super::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use super::remote_failure::of_remote;
use super::repo::GitRepo;
use super::tip::{self, Tip};

/// Longest a first clone may take: a repository of many years is large.
const CLONE_TIMEOUT: Duration = Duration::from_secs(900);

/// The remote of a clone of our own.
pub(super) const OWN_REMOTE: &str = "origin";

/// What the folder of a clone that is being made begins with.
const HALF_MADE: &str = ".clone-";

/// Beside them: shared by all who make a clone, so that whoever has it alone knows that nobody does.
const LOCK: &str = ".clones.lock";

/// What a clone of our own takes over from the person's clone: as whom they commit, and whether they sign. Programs are
/// not among it, for those of the other clone could be files that a commit makes.
const OF_THE_PERSON: &[&str] = &[
    "user.name",
    "user.email",
    "user.signingKey",
    "commit.gpgSign",
    "gpg.format",
];

/// git's status where there is no such setting to take away.
const NOT_SET: i32 = 5;

/// What git itself writes into the configuration of a new clone.
const OF_GIT: &[&str] = &[
    "core.repositoryformatversion",
    "core.filemode",
    "core.bare",
    "core.logallrefupdates",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.symlinks",
    "extensions.objectformat",
    "extensions.refstorage",
    "remote.origin.tagopt",
];

/// Files of a repository that say, beside its configuration, where git pushes and what it takes for history; no clone of
/// ours has them.
const ELSEWHERE: &[&str] = &["remotes", "branches", "info/grafts", "objects/info/alternates"];

impl GitRepo {
    /// The repository at a folder, whatever `GIT_DIR` names, and whatever lies around the folder: those are others.
    ///
    /// # Errors
    /// As [`GitRepo::discover`].
    pub(crate) fn at(dir: &Path) -> Result<Self, GitError> {
        let mut environment = GitEnvironment::of_process();
        (environment.git_dir, environment.work_tree) = (None, None);
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        environment.ceilings.extend(dir.parent().map(Path::to_owned));
        let found = Self::discover_in(&dir, &environment)?;
        let top = found.work_dir().unwrap_or(found.common_dir());
        match top == dir || top == dir.join(".git") {
            true => Ok(found),
            false => Err(GitError::NotARepository {
                dir: dir.display().to_string(),
            }),
        }
    }

    /// Clones a repository to a folder that does not exist yet, without any file of its working tree. Where another
    /// process was faster, its clone stays.
    ///
    /// # Errors
    /// Whatever git said, or if the folder cannot be made.
    pub(crate) fn clone_to(address: &str, folder: &Path) -> Result<(), GitError> {
        let failed = |error: std::io::Error| GitError::Failed {
            command: "clone".to_owned(),
            status: None,
            words: format!("{}: {error}", folder.display()).as_str().into(),
        };
        let parent = folder.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(failed)?;
        remove_half_made(parent).map_err(failed)?;
        let lock = lock_file(parent).map_err(failed)?;
        lock.lock_shared().map_err(failed)?;
        let made = tempfile::Builder::new().prefix(HALF_MADE).tempdir_in(parent);
        let made = made.map_err(failed)?;
        let target = made.path().join("clone");
        // No repository around it has a say.
        let above = parent.parent().unwrap_or(parent).display().to_string();
        let git = GitProgram::discovering(parent)
            .with_env("GIT_CEILING_DIRECTORIES", above)
            // Else a person's own setting writes more into the clone than is looked for below.
            .with_config("branch.autoSetupRebase", "never");
        let args = [
            "clone",
            "--quiet",
            "--no-checkout",
            "--no-tags",
            "--no-recurse-submodules",
            // No hooks of anybody: those that `core.hooksPath` of the person names run all the same.
            "--template=",
            "--origin",
            OWN_REMOTE,
            "--",
            address,
            &target.display().to_string(),
        ];
        let ran = git.for_network().run(&args, CLONE_TIMEOUT);
        ran.map_err(|error| of_remote(error, address))?;
        match std::fs::rename(&target, folder) {
            Err(_) if folder.exists() => Ok(()),
            other => other.map_err(failed),
        }
    }

    /// Fetches a clone of our own: a branch that is gone from the remote is gone here, too, and the default branch is the
    /// one that the remote names now.
    ///
    /// # Errors
    /// Whatever git said.
    pub(crate) fn fetch_own(&self) -> Result<FetchedRefs, GitError> {
        // Asked before: whatever is named then is fetched after.
        let head = self.ask_remote_head(OWN_REMOTE, NETWORK_TIMEOUT)?;
        let fetched = self.fetch_with(OWN_REMOTE, &["--prune"], NETWORK_TIMEOUT)?;
        if head == self.reader()?.remote_head(OWN_REMOTE) {
            return Ok(fetched);
        }
        let name = format!("refs/remotes/{OWN_REMOTE}/HEAD");
        let git = self.program();
        match head {
            Some(head) => {
                let target = format!("refs/remotes/{OWN_REMOTE}/{head}");
                git.run(&["symbolic-ref", &name, &target], LOCAL_TIMEOUT)?;
            }
            None => {
                git.run(&["symbolic-ref", "--delete", &name], LOCAL_TIMEOUT)?;
            }
        }
        Ok(fetched)
    }

    /// The commit of a branch in a clone of our own, or of its remote's default branch: as the remote had them when it was
    /// fetched last.
    ///
    /// # Errors
    /// If the branch, or the default branch, is not known.
    pub(crate) fn tip_of_own(&self, branch: Option<&str>) -> Result<Tip, GitError> {
        tip::find_at(self.reader()?.as_ref(), self.shown_path(), OWN_REMOTE, branch)
    }

    /// Makes sure that a clone of our own is as it was made: it lies where other programs write, too, and its
    /// configuration and its hooks decide what git runs and where it pushes.
    ///
    /// # Errors
    /// [`GitError::CloneChanged`], or if git cannot be run.
    pub(crate) fn check_as_made(&self, address: &str) -> Result<(), GitError> {
        let changed = |what: &str| GitError::CloneChanged {
            dir: self.common_dir().display().to_string(),
            what: what.to_owned(),
        };
        let args = ["config", "--local", "--no-includes", "--null", "--list"];
        let ran = self.program().run(&args, LOCAL_TIMEOUT)?;
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let (mut urls, mut fetches) = (0, 0);
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
            let of_branch = |end: &str| key.starts_with("branch.") && key.ends_with(end);
            let is_as_made = match key {
                "remote.origin.url" => {
                    urls += 1;
                    value == address
                }
                "remote.origin.fetch" => {
                    fetches += 1;
                    value == "+refs/heads/*:refs/remotes/origin/*"
                }
                _ if of_branch(".remote") => value == "origin",
                _ if of_branch(".merge") => value.starts_with("refs/heads/"),
                _ => OF_GIT.contains(&key) || OF_THE_PERSON.iter().any(|own| own.eq_ignore_ascii_case(key)),
            };
            if !is_as_made {
                return Err(changed(key));
            }
        }
        if (urls, fetches) != (1, 1) {
            return Err(changed("remote.origin"));
        }
        for elsewhere in ELSEWHERE {
            if self.common_dir().join(elsewhere).exists() {
                return Err(changed(elsewhere));
            }
        }
        match std::fs::read_dir(self.common_dir().join("hooks")).map(|mut hooks| hooks.next().is_some()) {
            Ok(true) => Err(changed("a hook")),
            Ok(false) | Err(_) => Ok(()),
        }
    }

    /// Takes over as whom the person commits in another clone, whichever file of their configuration says so there: what
    /// counts for its folder alone (`includeIf`) would not count here.
    ///
    /// # Errors
    /// If git cannot be run, or the configuration cannot be written.
    pub(crate) fn commit_as_in(&self, other: &Self) -> Result<(), GitError> {
        for key in OF_THE_PERSON {
            let there = other.program().try_run(&["config", "--get", key], &[], LOCAL_TIMEOUT)?;
            let here = self.program();
            if there.ok() {
                here.run(
                    &["config", "--local", "--replace-all", key, &there.text()],
                    LOCAL_TIMEOUT,
                )?;
                continue;
            }
            let args = ["config", "--local", "--unset-all", key];
            // Another identity must not stay; that there is none is as good.
            let gone = here.try_run(&args, &[], LOCAL_TIMEOUT)?;
            if !gone.ok() && gone.status != Some(NOT_SET) {
                here.run(&args, LOCAL_TIMEOUT)?;
            }
        }
        Ok(())
    }
}

/// Removes what clones left half made whose process was killed, unless one is being made right now; how many there were.
///
/// # Errors
/// If the folder cannot be read, or something cannot be removed.
pub(crate) fn remove_half_made(parent: &Path) -> io::Result<u64> {
    let found = half_made(parent)?;
    if found.is_empty() {
        return Ok(0);
    }
    let lock = lock_file(parent)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(0),
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
    }
    let mut gone = 0;
    // Looked at again: until now somebody may have made one.
    for folder in half_made(parent)? {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => gone += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

fn half_made(parent: &Path) -> io::Result<Vec<PathBuf>> {
    folders_named(parent, |name| name.starts_with(HALF_MADE))
}

/// The folders in a folder whose names are such ones; none where it is not there.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn folders_named(parent: &Path, is_wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_wanted) && entry.file_type()?.is_dir() {
            out.push(entry.path());
        }
    }
    Ok(out)
}

fn lock_file(parent: &Path) -> io::Result<File> {
    let options = &mut File::options();
    options.create(true).truncate(false).write(true).open(parent.join(LOCK))
}
