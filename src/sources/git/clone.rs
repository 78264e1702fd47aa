//! Clones that pindeck makes for itself, of repositories that environments lie in.

use std::path::Path;
use std::time::Duration;

use super::error::GitError;
use super::locate::GitEnvironment;
use super::program::{GitProgram, LOCAL_TIMEOUT};
use super::remote_failure::of_remote;
use super::repo::GitRepo;

/// Longest a first clone may take: a repository of many years is large.
const CLONE_TIMEOUT: Duration = Duration::from_secs(900);

/// What a clone of our own takes over from the person's clone: as whom they commit, and whether they sign. Programs are
/// not among it, for those of the other clone could be files that a commit makes.
const OF_THE_PERSON: &[&str] = &[
    "user.name",
    "user.email",
    "user.signingKey",
    "commit.gpgSign",
    "gpg.format",
];

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

impl GitRepo {
    /// The repository at a folder, whatever `GIT_DIR` names: that is another one.
    ///
    /// # Errors
    /// As [`GitRepo::discover`].
    pub(crate) fn at(dir: &Path) -> Result<Self, GitError> {
        let mut environment = GitEnvironment::of_process();
        (environment.git_dir, environment.work_tree) = (None, None);
        Self::discover_in(dir, &environment)
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
        let made = tempfile::Builder::new().prefix(".clone-").tempdir_in(parent);
        let made = made.map_err(failed)?;
        let target = made.path().join("clone");
        // No repository around it has a say.
        let above = parent.parent().unwrap_or(parent).display().to_string();
        let git = GitProgram::discovering(parent).with_env("GIT_CEILING_DIRECTORIES", above);
        let args = [
            "clone",
            "--quiet",
            "--no-checkout",
            "--no-tags",
            "--no-recurse-submodules",
            // No hooks of anybody: those that `core.hooksPath` of the person names run all the same.
            "--template=",
            "--origin",
            "origin",
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
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
            let is_as_made = match key {
                "remote.origin.url" => value == address,
                "remote.origin.fetch" => value == "+refs/heads/*:refs/remotes/origin/*",
                _ => {
                    let of_branch = key.starts_with("branch.") && (key.ends_with(".remote") || key.ends_with(".merge"));
                    of_branch || OF_GIT.contains(&key) || OF_THE_PERSON.iter().any(|own| own.eq_ignore_ascii_case(key))
                }
            };
            if !is_as_made {
                return Err(changed(key));
            }
        }
        match std::fs::read_dir(self.common_dir().join("hooks")).map(|mut hooks| hooks.next().is_some()) {
            Ok(true) => Err(changed("a hook")),
            Ok(false) | Err(_) => Ok(()),
        }
    }

    /// Takes over from another clone as whom the person commits there.
    ///
    /// # Errors
    /// If git cannot be run.
    pub(crate) fn commit_as_in(&self, other: &Self) -> Result<(), GitError> {
        for key in OF_THE_PERSON {
            let there = other
                .program()
                .try_run(&["config", "--local", "--get", key], &[], LOCAL_TIMEOUT)?;
            let here = self.program();
            match there.ok() {
                true => here.run(&["config", "--local", key, &there.text()], LOCAL_TIMEOUT)?,
                false => here.try_run(&["config", "--local", "--unset-all", key], &[], LOCAL_TIMEOUT)?,
            };
        }
        Ok(())
    }
}
