//! Proposals: changes of pins on a branch of their own, which wait for somebody to merge them.
//!
//! Git alone decides what a proposal is and whether it has been merged: the branch is at the remote, its commits say
//! what they pin, and the digest is pinned on the branch that counts, or not. The forge only explains: whether a pull
//! request is open, what its checks say, and where a person can look at it. Nothing here opens or closes a gate.

use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::freshness::Seen;
use super::id::{Digest, Target};

/// What the branches of proposals begin with.
pub const BRANCHES: &str = "pindeck/";

/// The make of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForgeKind {
    /// GitHub, its enterprise server too.
    Github,
    /// GitLab.
    Gitlab,
    /// The fork of Gitea that Codeberg runs; its API is that of Gitea.
    Forgejo,
    /// The original of Forgejo.
    Gitea,
}

impl ForgeKind {
    /// The name in `pindeck.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Forgejo => "forgejo",
            Self::Gitea => "gitea",
        }
    }

    /// The make of a host that everybody knows; no other host is guessed at.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        match host {
            "github.com" => Some(Self::Github),
            "gitlab.com" => Some(Self::Gitlab),
            "codeberg.org" => Some(Self::Forgejo),
            "gitea.com" => Some(Self::Gitea),
            _ => None,
        }
    }
}

/// How a pull request is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenBy {
    /// By the push itself: GitLab's options, or `refs/for/…` of Forgejo and Gitea.
    PushOption,
    /// By the forge's API, with a token.
    Api,
    /// By a person, who follows a link.
    Link,
}

/// The table `[forge]` of a team policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForgeSettings {
    /// There is no forge (`kind = "none"`): nobody is asked, and nothing is opened.
    pub is_none: bool,
    /// The make; `None` = that of a well-known host, else nobody knows.
    pub kind: Option<ForgeKind>,
    /// The host, or the address of the server; `None` = the host of the git remote.
    pub host: Option<String>,
    /// `OWNER/NAME`; `None` = the path of the git remote.
    pub repository: Option<String>,
    /// How a pull request is opened; `None` = as [`ForgeSettings`]' kind does best.
    pub open: Option<OpenBy>,
    /// A repository's own file says so: it is nobody's permission to send a token anywhere.
    pub by_repository: bool,
}

/// One pin that a branch proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedPin {
    /// The service in its environment.
    pub target: Target,
    /// The digest that was pinned when it was proposed; `None` = a tag.
    pub from: Option<Digest>,
    /// The digest that it pins.
    pub to: Digest,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The commit that the branch is at, in full.
    pub head: String,
    /// When that commit was made.
    pub at: Timestamp,
    /// The branch that counts contains the whole branch.
    pub is_contained: bool,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalState {
    /// It waits.
    Open,
    /// Its digest is pinned, by the word of git.
    Merged,
    /// The forge closed it, and its digest is not pinned.
    Closed,
}

impl ProposalState {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }
}

/// How many checks of a proposal came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CheckCounts {
    /// They succeeded, were neutral or were skipped.
    pub passed: u32,
    /// They failed, were cancelled or ran out of time.
    pub failed: u32,
    /// They run or wait.
    pub pending: u32,
}

impl CheckCounts {
    /// All of them.
    pub(crate) const fn all(self) -> u32 {
        self.passed.saturating_add(self.failed).saturating_add(self.pending)
    }

    /// Both together.
    #[must_use]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            pending: self.pending.saturating_add(other.pending),
        }
    }
}

/// What a forge says of a pull request. Its state is its own: whether the digest is pinned, git says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeProposal {
    /// The number that people call it by; on GitLab the one within the project (`iid`).
    pub number: u64,
    /// Where a person can look at it: an address of the forge itself, else none.
    pub url: Option<String>,
    /// What the forge says that became of it.
    pub state: ProposalState,
    /// It may not be merged yet (a draft).
    pub is_draft: bool,
    /// The commit that it is at.
    pub head: Option<String>,
    /// Its checks, where they were asked for.
    pub checks: Option<CheckCounts>,
}

/// A proposal of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalReport {
    /// What git says.
    pub pin: ProposedPin,
    /// What became of it.
    pub state: ProposalState,
    /// Another digest has been pinned since it was proposed.
    pub is_overtaken: bool,
    /// What the forge says; `Fresh(None)` = it knows of no pull request for the branch. Not checked where no forge is
    /// known, and with `--offline`.
    pub forge: Seen<Option<ForgeProposal>>,
}

impl ProposalReport {
    /// What a branch proposes, beside what is pinned now.
    pub(crate) fn of(pin: ProposedPin, pinned: Option<Digest>) -> Self {
        let is_pinned = pinned == Some(pin.to);
        Self {
            state: if is_pinned {
                ProposalState::Merged
            } else {
                ProposalState::Open
            },
            is_overtaken: !is_pinned && pin.from.is_some() && pinned != pin.from,
            pin,
            forge: Seen::NotChecked,
        }
    }

    /// The pull request, however old what is known of it.
    pub(crate) fn pull_request(&self) -> Option<&ForgeProposal> {
        self.forge.value().and_then(Option::as_ref)
    }

    /// Its checks, however old what is known of them.
    pub(crate) fn checks(&self) -> Option<CheckCounts> {
        self.pull_request().and_then(|there| there.checks)
    }

    /// Why the forge could not be asked, if so.
    pub(crate) fn trouble(&self) -> Option<&Failure> {
        match &self.forge {
            Seen::Unreachable { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Takes in what the forge says. What git says stays as it is: a forge cannot merge anything here.
    pub(crate) fn explained(&mut self) {
        let closed = self
            .pull_request()
            .is_some_and(|there| there.state != ProposalState::Open);
        if self.state != ProposalState::Merged {
            self.state = if closed {
                ProposalState::Closed
            } else {
                ProposalState::Open
            };
        }
    }

    /// Takes over what an earlier pass learned of the same branch.
    pub(crate) fn keeping(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before.filter(|before| before.pin.branch == self.pin.branch)
            && self.forge == Seen::NotChecked
        {
            self.forge = before.forge.clone().reloading();
            self.explained();
        }
        self
    }

    /// A few words for a cell: `proposed #41, checks 3/3`.
    pub fn brief(&self) -> String {
        let number = self.pull_request().map(|there| format!(" #{}", there.number));
        let number = number.unwrap_or_default();
        match self.state {
            ProposalState::Merged => format!("merged{number}"),
            ProposalState::Closed if self.forge_says_merged() => {
                format!("merged{number} there, not pinned here")
            }
            ProposalState::Closed => format!("closed unmerged{number}"),
            ProposalState::Open => {
                let mut words = format!("proposed{number}");
                if self.pull_request().is_some_and(|there| there.is_draft) {
                    words.push_str(" (draft)");
                }
                if self.is_overtaken {
                    words.push_str(", overtaken");
                }
                if let Some(checks) = self.checks().filter(|checks| checks.all() > 0) {
                    words.push_str(&match checks {
                        CheckCounts {
                            failed: 0, pending: 0, ..
                        } => {
                            format!(", checks {}/{} passed", checks.passed, checks.all())
                        }
                        CheckCounts { failed: 0, pending, .. } => {
                            format!(", checks {}/{} passed, {pending} pending", checks.passed, checks.all())
                        }
                        CheckCounts { failed, .. } => format!(", checks {failed}/{} failed", checks.all()),
                    });
                }
                if self.trouble().is_some() {
                    words.push_str(", forge unreachable");
                }
                words
            }
        }
    }

    fn forge_says_merged(&self) -> bool {
        self.pull_request()
            .is_some_and(|there| there.state == ProposalState::Merged)
    }
}

/// Which of several proposals of one cell is shown: what waits before what is over, then the newest.
pub(crate) fn chosen(mut all: Vec<ProposalReport>) -> Option<ProposalReport> {
    // A branch whose digest is not pinned any more and that was merged long ago says nothing about today.
    all.retain(|one| !(one.pin.is_contained && one.state != ProposalState::Merged));
    all.into_iter().max_by_key(|one| {
        let rank = match one.state {
            ProposalState::Open if !one.is_overtaken => 3,
            ProposalState::Merged => 2,
            ProposalState::Open => 1,
            ProposalState::Closed => 0,
        };
        (rank, one.pin.at, one.pin.branch.clone())
    })
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
