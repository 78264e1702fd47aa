//! What can go wrong with a repository. The text of an error says what happened; what to do next belongs
//! to the [`Failure`] that it becomes.

use crate::domain::failure::{Failure, FailureKind, Hint, Part};
use crate::domain::text::{Untrusted, Wording, quoted};

/// A failure of git itself.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository at or above the folder.
    #[error("no git repository at or above {dir}")]
    NotARepository {
        /// Where it was looked for.
        dir: String,
    },
    /// `GIT_DIR` is set to something else.
    #[error("GIT_DIR names {value}, which is no git repository")]
    GitDirVariable {
        /// What `GIT_DIR` is set to.
        value: String,
    },
    /// `GIT_QUARANTINE_PATH` names something that git did not make.
    #[error(
        "GIT_QUARANTINE_PATH names {}, which is no folder of objects that are being received here",
        quoted(value)
    )]
    NotIncoming {
        /// What it is set to.
        value: String,
    },
    /// A `.git` file leads to no repository.
    #[error("{file} leads to {target}, which is no git repository")]
    BrokenLink {
        /// The `.git` file.
        file: String,
        /// Where it leads.
        target: String,
    },
    /// There is only a bare repository that nobody named.
    #[error("no git repository at or above {dir}, and the bare repository {bare} was not named")]
    BareRepository {
        /// Where a repository was looked for.
        dir: String,
        /// Folder of the bare repository.
        bare: String,
    },
    /// A repository whose files a commit of another one could have made.
    #[error(
        "the git folder {dir} lies among the files of the working tree {tree}, so a commit there could have made it"
    )]
    TrackedRepository {
        /// The git folder.
        dir: String,
        /// The working tree.
        tree: String,
    },
    /// A clone of pindeck's own that is not as it was made.
    #[error("the clone in {dir} was changed by another program: it has {} now", quoted(what))]
    CloneChanged {
        /// Where it is.
        dir: String,
        /// The setting, or what else is there.
        what: String,
    },
    /// A setting that a commit could change.
    #[error("{key} is set by {file}, a file of the working tree that the next commit could change")]
    TrackedConfiguration {
        /// The setting.
        key: String,
        /// The configuration file or program, as a path of this machine.
        file: String,
    },
    /// A program that a commit could change.
    #[error("{key} names {file}, a file of the working tree that the next commit could change")]
    TrackedProgram {
        /// The setting.
        key: String,
        /// The program.
        file: String,
    },
    /// The repository belongs to somebody else.
    #[error("{dir} is owned by another user, so git does not trust it")]
    NotTrusted {
        /// The repository.
        dir: String,
    },
    /// The repository has no commit that could be read.
    #[error("{what} has no commit yet")]
    NoCommit {
        /// The branch or HEAD.
        what: String,
    },
    /// The branch that should count does not exist.
    #[error("branch {branch} is neither known on remote {remote} nor here")]
    NoBranch {
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
    },
    /// The branch that counts is known here, and no longer at its remote.
    #[error("branch {branch} is no longer at remote {remote}; what is known of it here is old")]
    BranchGone {
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
    },
    /// A file is asked for where the commit has something else.
    #[error("{path} is {what}, not a regular file")]
    NotAFile {
        /// Path in the repository, `/`-separated.
        path: String,
        /// What is there.
        what: &'static str,
    },
    /// A path that names nothing inside a repository.
    #[error("{path} leads out of the repository")]
    OutsidePath {
        /// Path in the repository, `/`-separated.
        path: String,
    },
    /// The history needed is not in this clone.
    #[error("the history of this clone ends at {commit}, so it cannot be reverted here")]
    Shallow {
        /// Full commit id, in hexadecimal digits.
        commit: String,
    },
    /// No branch is checked out, and nobody has said which one counts.
    #[error("no branch is checked out here, and the default branch of {remote} is not known")]
    NoDefaultBranch {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
    },
    /// The person's own pushes go to another remote than the one that is read.
    #[error("{setting} sends pushes to {remote}, but pins are read from {read}, where they would not arrive")]
    PushesElsewhere {
        /// Name of the git setting, for example `remote.pushDefault`.
        setting: String,
        /// The remote that it names.
        remote: String,
        /// The remote that is read.
        read: String,
    },
    /// An object that git2 cannot read.
    #[error("{what} cannot be read from the repository: {detail}")]
    Object {
        /// Which object.
        what: String,
        /// Why; what git said is quoted.
        detail: String,
    },
    /// The repository uses something neither git2 nor the installed git reads.
    #[error("the repository at {dir} cannot be read: {detail}")]
    Unsupported {
        /// The repository.
        dir: String,
        /// What it uses.
        detail: String,
    },
    /// The `git` program is not there.
    #[error("the `git` program could not be started: {}", quoted(detail))]
    NoProgram {
        /// What the system said.
        detail: String,
    },
    /// A hook could not be started.
    #[error("the hook {hook} could not be started: {}", quoted(detail))]
    Hook {
        /// The file of the hook, as a path of this machine.
        hook: String,
        /// What the system said.
        detail: String,
    },
    /// The `git` program failed.
    #[error("git {command} failed: {}", words.quoted())]
    Failed {
        /// The subcommand.
        command: String,
        /// Its exit status, if it ended by itself.
        status: Option<i32>,
        /// What it said.
        words: Untrusted,
    },
    /// The remote did not let us in.
    #[error("{remote} denied access: {}", words.quoted())]
    AccessDenied {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// What was said.
        words: Untrusted,
    },
    /// The remote was not reached, or the connection to it was lost.
    #[error("{remote} could not be reached: {words}")]
    Unreachable {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// What was said.
        words: Wording,
    },
    /// A lock of another git process that did not go away.
    #[error("{lock} is locked by another git process")]
    Locked {
        /// The lock file.
        lock: String,
    },
    /// No place for temporary files.
    #[error("a temporary file could not be used: {}", quoted(detail))]
    Scratch {
        /// What the system said.
        detail: String,
    },
    /// It did not end in time.
    #[error("git {command} did not end within {seconds} s")]
    TimedOut {
        /// The subcommand.
        command: String,
        /// The limit.
        seconds: u64,
    },
}

impl GitError {
    /// What sort of failure this is, the same for every command.
    pub(crate) const fn kind(&self) -> FailureKind {
        match self {
            // The place is wrong, as a wrong `-C DIR` is.
            Self::NotARepository { .. }
            | Self::GitDirVariable { .. }
            | Self::NotIncoming { .. }
            | Self::BrokenLink { .. }
            | Self::BareRepository { .. }
            | Self::TrackedRepository { .. }
            | Self::TrackedConfiguration { .. }
            | Self::TrackedProgram { .. }
            | Self::CloneChanged { .. }
            | Self::NoDefaultBranch { .. }
            | Self::PushesElsewhere { .. }
            | Self::NotAFile { .. }
            | Self::OutsidePath { .. } => FailureKind::Usage,
            Self::AccessDenied { .. } => FailureKind::Denied,
            Self::Unreachable { .. } => FailureKind::Unreachable,
            Self::NotTrusted { .. }
            | Self::NoCommit { .. }
            | Self::NoBranch { .. }
            | Self::BranchGone { .. }
            | Self::Object { .. }
            | Self::Shallow { .. }
            | Self::Hook { .. }
            | Self::Unsupported { .. }
            | Self::NoProgram { .. }
            | Self::Failed { .. }
            | Self::Locked { .. }
            | Self::Scratch { .. }
            | Self::TimedOut { .. } => FailureKind::Failed,
        }
    }

    /// What a person can do about it.
    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::NotARepository { .. } => {
                "run pindeck inside your GitOps repository or name it with -C DIR (or look around with `pindeck demo`)"
                    .into()
            }
            Self::GitDirVariable { .. } | Self::NotIncoming { .. } => "correct the variable or unset it".into(),
            Self::BrokenLink { .. } => "mend it with `git worktree repair` or `git submodule update --init`".into(),
            Self::BareRepository { bare, .. } => Hint::with("name it: pindeck -C {}", &[Part::name(bare)]),
            Self::TrackedRepository { .. } => "move it out of that working tree".into(),
            Self::TrackedConfiguration { .. } => {
                "set it with `git config --global` instead, or leave the file out of your configuration".into()
            }
            Self::CloneChanged { .. } => "`pindeck cache clear` removes it, and it is cloned again".into(),
            Self::TrackedProgram { .. } => "install the program outside of the repository and name it there".into(),
            Self::NoDefaultBranch { remote } => Hint::with(
                "run it without --no-fetch, or once: git remote set-head {} --auto",
                &[Part::name(remote)],
            ),
            Self::PushesElsewhere { setting, .. } => Hint::with(
                "unset it for this repository: git config {} {}",
                &[Part::name(setting), Part::literal("''")],
            ),
            Self::NotAFile { .. } => "put a regular file there".into(),
            Self::OutsidePath { .. } => "name a file inside it".into(),
            Self::Shallow { .. } => "fetch more: git fetch --unshallow".into(),
            Self::Hook { .. } => "make it an executable program, or remove it".into(),
            Self::NotTrusted { dir } => Hint::with(
                "if you do: git config --global --add safe.directory {}",
                &[Part::name(dir)],
            ),
            Self::NoCommit { .. } => {
                "commit your manifests (and push them, if there is a remote), or name another branch in pindeck.toml"
                    .into()
            }
            Self::NoBranch { branch, remote } => Hint::with(
                "fetch it, push it with `git push -u {} {}`, or correct `branch` in pindeck.toml",
                &[Part::name(remote), Part::name(branch)],
            ),
            Self::BranchGone { .. } => {
                "name the branch that counts now: `branch` in pindeck.toml, or `git branch --set-upstream-to`".into()
            }
            Self::Object { .. } => "`git fsck` tells more".into(),
            Self::Unsupported { .. } => "a newer git program may be able to".into(),
            Self::NoProgram { .. } => "install git and put it on PATH".into(),
            Self::Failed { .. } => return None,
            Self::AccessDenied { remote, .. } => Hint::with(
                "check your credentials with: git fetch --dry-run {}",
                &[Part::name(remote)],
            ),
            Self::Unreachable { .. } => "check the remote and the network, then try again".into(),
            Self::Locked { .. } => "wait for it to end, or remove the file if none is running".into(),
            Self::Scratch { .. } => "check TMPDIR and the space left there".into(),
            Self::TimedOut { .. } => "check the remote and the network, then try again".into(),
        })
    }

    pub(super) fn corrupt(oid: &str) -> Self {
        Self::Object {
            what: format!("blob {oid}"),
            detail: "its bytes do not hash to its name".to_owned(),
        }
    }

    pub(super) fn object(what: impl Into<String>, error: &git2::Error) -> Self {
        Self::Object {
            what: what.into(),
            detail: quoted(error.message()).into_string(),
        }
    }
}

impl From<&GitError> for Failure {
    fn from(error: &GitError) -> Self {
        Self {
            kind: error.kind(),
            what: error.to_string().into(),
            hint: error.hint(),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::from(&error)
    }
}
