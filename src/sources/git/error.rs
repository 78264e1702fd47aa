//! What can go wrong with a repository, each with what to do next.

use crate::domain::text::Untrusted;

/// A failure of git itself.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository at or above the folder.
    #[error(
        "no git repository at or above {dir}; run pindeck inside your GitOps repository or name it with -C DIR (or look around with `pindeck demo`)"
    )]
    NotARepository {
        /// Where it was looked for.
        dir: String,
    },
    /// `GIT_DIR` is set to something else.
    #[error("GIT_DIR names {value}, which is no git repository; correct the variable or unset it")]
    GitDirVariable {
        /// Its value.
        value: String,
    },
    /// A `.git` file leads to no repository.
    #[error(
        "{file} leads to {target}, which is no git repository; mend it with `git worktree repair` or `git submodule update --init`"
    )]
    BrokenLink {
        /// The `.git` file.
        file: String,
        /// Where it leads.
        target: String,
    },
    /// There is only a bare repository that nobody named.
    #[error(
        "no git repository at or above {dir}; the bare repository {bare} counts only where GIT_DIR or -C names it exactly, outside of every working tree"
    )]
    BareRepository {
        /// Where a repository was looked for.
        dir: String,
        /// The bare one.
        bare: String,
    },
    /// A repository whose files a commit of another one could have made.
    #[error(
        "the git folder {dir} lies among the files of the working tree {tree}, so a commit there could have made it, and it is not used; move it out of that working tree"
    )]
    TrackedRepository {
        /// The git folder.
        dir: String,
        /// The working tree.
        tree: String,
    },
    /// A setting that a commit could change.
    #[error(
        "{key} is set by {file}, a file of the working tree that the next commit could change, so git is not run with it; set it with git config --global instead, or leave the file out of your configuration"
    )]
    TrackedConfiguration {
        /// The setting.
        key: String,
        /// The file.
        file: String,
    },
    /// A program that a commit could change.
    #[error(
        "{key} names {file}, a file of the working tree that the next commit could change, so it is not run; install the program outside of the repository and name it there"
    )]
    TrackedProgram {
        /// The setting.
        key: String,
        /// The program.
        file: String,
    },
    /// The repository belongs to somebody else.
    #[error(
        "{dir} is owned by another user, so git does not trust it; if you do: git config --global --add safe.directory {}",
        shell_words::quote(dir)
    )]
    NotTrusted {
        /// The repository.
        dir: String,
    },
    /// The repository has no commit that could be read.
    #[error("{what} has no commit yet; commit your manifests, or name another branch in pindeck.toml")]
    NoCommit {
        /// The branch or HEAD.
        what: String,
    },
    /// The branch that should count does not exist.
    #[error(
        "branch {branch} is neither known on remote {remote} nor here; fetch it, or correct `branch` in pindeck.toml"
    )]
    NoBranch {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
    },
    /// A file is asked for where the commit has something else.
    #[error("{path} is {what}, not a regular file; put a regular file there")]
    NotAFile {
        /// The path.
        path: String,
        /// What is there.
        what: &'static str,
    },
    /// A path that names nothing inside a repository.
    #[error("{path} leads out of the repository; name a file inside it")]
    OutsidePath {
        /// The path.
        path: String,
    },
    /// An object that git2 cannot read.
    #[error("{what} cannot be read from the repository: {detail}; `git fsck` tells more")]
    Object {
        /// Which object.
        what: String,
        /// What git said.
        detail: String,
    },
    /// The repository uses something neither git2 nor the installed git reads.
    #[error("the repository at {dir} cannot be read: {detail}; a newer git program may be able to")]
    Unsupported {
        /// The repository.
        dir: String,
        /// What it uses.
        detail: String,
    },
    /// The `git` program is not there.
    #[error("the `git` program could not be started: {detail}; install git and put it on PATH")]
    NoProgram {
        /// What the system said.
        detail: String,
    },
    /// A hook could not be started.
    #[error("the hook {hook} could not be started: {detail}; make it an executable program or remove it")]
    Hook {
        /// Its file.
        hook: String,
        /// What the system said.
        detail: String,
    },
    /// The `git` program failed.
    #[error("git {command} failed: {}", words.clean())]
    Failed {
        /// The subcommand.
        command: String,
        /// Its exit status, if it ended by itself.
        status: Option<i32>,
        /// What it said.
        words: Untrusted,
    },
    /// A lock of another git process that did not go away.
    #[error("{lock} is held by another git process; wait for it to end, or remove the file if none is running")]
    Locked {
        /// The lock file.
        lock: String,
    },
    /// No place for temporary files.
    #[error("a temporary file could not be used: {detail}; check TMPDIR and the space left there")]
    Scratch {
        /// What the system said.
        detail: String,
    },
    /// It did not end in time.
    #[error("git {command} did not end within {seconds} s; check the remote and the network, then try again")]
    TimedOut {
        /// The subcommand.
        command: String,
        /// The limit.
        seconds: u64,
    },
}

impl GitError {
    pub(super) fn object(what: impl Into<String>, error: &git2::Error) -> Self {
        Self::Object {
            what: what.into(),
            detail: error.message().to_owned(),
        }
    }
}
