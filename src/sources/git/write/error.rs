//! Why a commit was not made or a push did not land.

use crate::domain::failure::{Failure, FailureKind, Hint, Part};
use crate::domain::text::{Untrusted, quoted_lines};
use crate::sources::git::error::GitError;

/// Why no commit was made. The object database may have a few unreferenced objects then, and nothing
/// else has changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Git itself failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Nobody to sign as.
    #[error("git does not know who you are, so nothing was written")]
    NoIdentity,
    /// The installed git lacks what writing needs.
    #[error("git {found} is too old to write with: version {needed} or newer is needed")]
    TooOld {
        /// What is installed.
        found: String,
        /// The oldest version that can, for example `2.30`.
        needed: &'static str,
    },
    /// The file is not as it was read.
    #[error("{path} is not as it was when the change was planned")]
    Moved {
        /// The file.
        path: String,
    },
    /// The path cannot be written.
    #[error("{path} cannot be written: {reason}")]
    Path {
        /// Path in the repository, `/`-separated.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// The change changes nothing.
    #[error("the commit would change nothing, so nothing was written")]
    Empty,
    /// The new tree differs elsewhere than meant.
    #[error("the new tree differs from the old one in other files than meant ({paths}), so nothing was written")]
    Unproven {
        /// Which.
        paths: String,
    },
    /// A hook said no.
    #[error("the {hook} hook refused the commit: {}", words.quoted())]
    Hook {
        /// Its name.
        hook: &'static str,
        /// What the hook printed.
        words: Untrusted,
    },
    /// The commit could not be signed.
    #[error("the commit could not be signed, so nothing was written: {}", words.quoted())]
    Signing {
        /// What git and the signing program said.
        words: Untrusted,
    },
}

/// Who refused a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBy {
    /// The remote: a hook, a protected branch, a rule.
    Remote,
    /// The person's own pre-push hook.
    PrePush,
}

/// Why a push did not land. Unless it is [`PushError::Unclear`], nothing has.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Somebody else's commits are there: plan again on the new head.
    #[error("{branch} has moved on the remote")]
    NonFastForward {
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        /// Its commit now, where it is known.
        found: Option<String>,
    },
    /// A branch of the name for a new one is there already.
    #[error("branch {branch} is on the remote already and is not overwritten")]
    BranchExists {
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        /// Its commit.
        found: String,
    },
    /// One push would go to several places, of which some may take it and some not.
    #[error("{remote} has {count} push addresses, and pindeck writes to one place, all or nothing")]
    SeveralPlaces {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// How many.
        count: usize,
    },
    /// Two branches were to be pushed at once, and the remote cannot promise that both land or neither.
    #[error("{remote} cannot take two branches at once, so git sent it nothing")]
    NotAtomic {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
    },
    /// Options were to be sent along, and the remote takes none.
    #[error("{remote} takes no push options, so git sent it nothing")]
    NoPushOptions {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
    },
    /// Refused; the words are all there is to know.
    #[error("{}: {}", match by { RefusedBy::Remote => "the remote refused the push", RefusedBy::PrePush => "the pre-push hook refused the push" }, quoted_lines(words))]
    Refused {
        /// By whom.
        by: RefusedBy,
        /// In their own words, line by line.
        words: Vec<Untrusted>,
    },
    /// The remote did not let us in.
    #[error("{remote} denied access: {}", quoted_lines(words))]
    Auth {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// The remote was never reached.
    #[error("{remote} could not be reached, so nothing was pushed: {}", quoted_lines(words))]
    Unreachable {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// The connection was lost on the way, and nobody can say yet whether the remote took it.
    #[error(
        "the connection to {remote} was lost during the push, and whether it landed is not known yet: {}",
        quoted_lines(words)
    )]
    Unclear {
        /// Name of the remote in git's configuration, for example `origin`.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// Git itself failed, before anything was sent.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl WriteError {
    /// What sort of failure this is.
    pub(crate) const fn kind(&self) -> FailureKind {
        match self {
            Self::Git(error) => error.kind(),
            Self::NoIdentity | Self::TooOld { .. } => FailureKind::Usage,
            Self::Moved { .. } => FailureKind::Conflict,
            Self::Hook { .. } => FailureKind::RemoteRefused,
            Self::Path { .. } | Self::Empty | Self::Unproven { .. } | Self::Signing { .. } => FailureKind::Failed,
        }
    }

    /// What a person can do about it.
    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Git(error) => return Failure::from(error).hint,
            Self::NoIdentity => {
                "set it with: git config --global user.name NAME; git config --global user.email EMAIL".into()
            }
            Self::TooOld { .. } => "install a newer git".into(),
            Self::Moved { .. } => "plan it again".into(),
            Self::Path { .. } => "change it by hand".into(),
            Self::Empty => return None,
            Self::Unproven { .. } => "this is a bug in pindeck: please report it".into(),
            Self::Hook { .. } => "change what the hook refuses, or the hook, and run it again".into(),
            Self::Signing { .. } => "check user.signingkey and gpg.format, or that the agent is unlocked".into(),
        })
    }
}

impl From<&WriteError> for Failure {
    fn from(error: &WriteError) -> Self {
        Self {
            kind: error.kind(),
            what: error.to_string().into(),
            hint: error.hint(),
        }
    }
}

impl PushError {
    /// What sort of failure this is.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::NonFastForward { .. } | Self::BranchExists { .. } => FailureKind::Conflict,
            Self::Refused { .. } => FailureKind::RemoteRefused,
            Self::Unreachable { .. } | Self::Unclear { .. } => FailureKind::Unreachable,
            // As with a registry: nobody knows what is there, and somebody with other credentials may.
            Self::Auth { .. } => FailureKind::Denied,
            Self::SeveralPlaces { .. } => FailureKind::Failed,
            Self::NoPushOptions { .. } | Self::NotAtomic { .. } => FailureKind::RemoteRefused,
            Self::Git(error) => error.kind(),
        }
    }

    /// What a person can do about it.
    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::NonFastForward { .. } => "fetch it and plan again".into(),
            Self::BranchExists { .. } => "delete it there or choose another name".into(),
            Self::SeveralPlaces { remote, .. } => Hint::with(
                "leave one: git config --unset remote.{}.pushurl PATTERN",
                &[Part::name(remote)],
            ),
            Self::Refused {
                by: RefusedBy::Remote, ..
            } => "ask who runs the remote, or set write = \"branch\" for this environment".into(),
            Self::Refused {
                by: RefusedBy::PrePush, ..
            } => "change what the hook refuses, or the hook, and run it again".into(),
            Self::Auth { remote, .. } => Hint::with(
                "check your credentials with: git push --dry-run {}",
                &[Part::name(remote)],
            ),
            Self::NotAtomic { .. } => "push one branch after the other".into(),
            Self::NoPushOptions { .. } => "write open = \"link\" in [forge]".into(),
            Self::Unreachable { .. } => "try again when it can be reached".into(),
            Self::Unclear { .. } => "`pindeck resume` finds out".into(),
            Self::Git(error) => return Failure::from(error).hint,
        })
    }

    /// Whether it is certain that nothing landed.
    pub const fn is_certain(&self) -> bool {
        !matches!(self, Self::Unclear { .. })
    }
}

impl From<&PushError> for Failure {
    fn from(error: &PushError) -> Self {
        Self {
            kind: error.kind(),
            what: error.to_string().into(),
            hint: error.hint(),
        }
    }
}
