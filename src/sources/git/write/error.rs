//! Why a commit was not made or a push did not land.

use crate::domain::text::Untrusted;
use crate::sources::git::error::GitError;

/// Why no commit was made. The object database may hold a few unreferenced objects then, and nothing
/// else has changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Git itself failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Nobody to sign as.
    #[error(
        "git does not know who you are, so nothing was written; set it with: git config --global user.name NAME; git config --global user.email EMAIL"
    )]
    NoIdentity,
    /// The installed git lacks what writing needs.
    #[error("git {found} is too old to write with; version {needed} or newer is needed")]
    TooOld {
        /// What is installed.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The file is not as it was read.
    #[error("{path} is not as it was when the change was planned; plan it again")]
    Moved {
        /// The file.
        path: String,
    },
    /// The path cannot be written.
    #[error("{path} cannot be written: {reason}; change it by hand")]
    Path {
        /// The path.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// The change changes nothing.
    #[error("the commit would change nothing; nothing was written")]
    Empty,
    /// The new tree differs elsewhere than meant.
    #[error(
        "the new tree differs from the old one in other files than meant ({paths}); this is a bug, nothing was written"
    )]
    Unproven {
        /// Which.
        paths: String,
    },
    /// A hook said no.
    #[error("the {hook} hook refused the commit: {}", words.clean())]
    Hook {
        /// Its name.
        hook: &'static str,
        /// Its words.
        words: Untrusted,
    },
    /// The commit could not be signed.
    #[error("the commit could not be signed, so nothing was written: {}; check user.signingkey and gpg.format, or that the agent is unlocked", words.clean())]
    Signing {
        /// What git and the signing program said.
        words: Untrusted,
    },
    /// The history needed is not in this clone.
    #[error(
        "the history of this clone ends at {commit}, so it cannot be reverted here; fetch more with: git fetch --unshallow"
    )]
    Shallow {
        /// The commit.
        commit: String,
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
    #[error("{branch} has moved on the remote; fetch it and plan again")]
    NonFastForward {
        /// The branch.
        branch: String,
        /// Its commit now, where it is known.
        found: Option<String>,
    },
    /// A branch of the name for a new one is there already.
    #[error("branch {branch} is on the remote already and is not overwritten; delete it there or choose another name")]
    BranchExists {
        /// The branch.
        branch: String,
        /// Its commit.
        found: String,
    },
    /// One push would go to several places, of which some may take it and some not.
    #[error(
        "{remote} has {count} push addresses, and pindeck writes to one place, all or nothing; leave one: git config --unset remote.{remote}.pushurl PATTERN"
    )]
    SeveralPlaces {
        /// The remote.
        remote: String,
        /// How many.
        count: usize,
    },
    /// Refused; the words are all there is to know.
    #[error("{}: {}", match by { RefusedBy::Remote => "the remote refused the push", RefusedBy::PrePush => "the pre-push hook refused the push" }, joined(words))]
    Refused {
        /// By whom.
        by: RefusedBy,
        /// In their own words, line by line.
        words: Vec<Untrusted>,
    },
    /// The remote did not let us in.
    #[error(
        "{remote} denied access: {}; check your credentials with: git push --dry-run {remote}",
        joined(words)
    )]
    Auth {
        /// The remote.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// The remote was never reached.
    #[error("{remote} could not be reached: {}; nothing was pushed", joined(words))]
    Unreachable {
        /// The remote.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// The connection was lost on the way, and nobody can say yet whether the remote took it.
    #[error(
        "the connection to {remote} was lost during the push: {}; whether it landed is not known yet, `pindeck resume` finds out",
        joined(words)
    )]
    Unclear {
        /// The remote.
        remote: String,
        /// What was said.
        words: Vec<Untrusted>,
    },
    /// Git itself failed, before anything was sent.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl PushError {
    /// The exit status of docs/reference/contract.md for this failure.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NonFastForward { .. } | Self::BranchExists { .. } => 5,
            Self::Refused { .. } => 7,
            Self::Unreachable { .. } | Self::Unclear { .. } => 6,
            Self::Auth { .. } | Self::SeveralPlaces { .. } | Self::Git(_) => 1,
        }
    }

    /// Whether it is certain that nothing landed.
    pub const fn is_certain(&self) -> bool {
        !matches!(self, Self::Unclear { .. })
    }
}

fn joined(words: &[Untrusted]) -> String {
    let lines: Vec<String> = words.iter().map(|line| line.clean().into_string()).collect();
    lines.join("\n")
}
