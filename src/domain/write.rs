//! A write from the question to the receipt: what is asked, what is proposed, what became of it.
//!
//! The command line and the cockpit ask with the same [`Request`], show the same [`Proposal`] and
//! get the same [`Receipt`] or [`WriteFailure`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind, Hint};
use super::hold::HoldsPlace;
use super::id::{Digest, EnvId, ServiceId, Target};
use super::plan::{Gate, GateName, GateState, Plan};
use super::proposal::BRANCHES;
use super::text::Untrusted;
use super::verdict::{Outcome, Verdict};

/// A write that is asked for, before it is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What shall happen.
    pub ask: Ask,
    /// What happens to a tag that is written beside a digest; `None` = update where the new digest's
    /// own tag is known, else keep with a warning.
    pub tag: Option<TagRule>,
    /// Why, for the commit.
    pub reason: Option<String>,
    /// A person takes a WARNED test result upon themselves.
    pub acknowledge_warned: bool,
    /// A typed reason to waive what the policy lets be waived.
    pub break_glass: Option<String>,
    /// A revert to a digest that is on hold in this environment also ends that hold, in the same commit.
    #[serde(default)]
    pub release_hold: bool,
    /// Loose copies of the old digest in the environment change with the pin: all of them, or nothing changes.
    #[serde(default)]
    pub take_copies: bool,
}

impl Request {
    /// A request with nothing but what shall happen.
    pub fn new(ask: Ask) -> Self {
        Self {
            ask,
            tag: None,
            reason: None,
            acknowledge_warned: false,
            break_glass: None,
            release_hold: false,
            take_copies: false,
        }
    }
}

/// What shall happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Digests step forward: all of them or none.
    Promote {
        /// The services of the set.
        services: Vec<ServiceId>,
        /// The environment they step into.
        to: EnvId,
        /// Where each digest comes from; `None` = what `after` pins (the candidate for the first
        /// environment).
        from: Option<Source>,
    },
    /// An earlier digest comes back.
    Revert {
        /// The service in its environment.
        target: Target,
        /// The digest; `None` = the last known good.
        to: Option<Digest>,
        /// How much of the pin commit is undone.
        scope: Scope,
    },
    /// Pins by tag get the digest that their tag names now.
    Pin {
        /// The services; empty = all.
        services: Vec<ServiceId>,
        /// The environment; `None` = all.
        environment: Option<EnvId>,
    },
    /// A digest may not step forward any more.
    Hold {
        /// The service in its environment.
        target: Target,
        /// The digest; `None` = the pinned one.
        digest: Option<Digest>,
    },
    /// A hold ends.
    ReleaseHold {
        /// The service in the environment that the hold names.
        target: Target,
    },
}

/// Where a promoted digest comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// What that environment pins.
    Environment(EnvId),
    /// What CI offers.
    Candidate,
    /// The digest that the person named.
    Digest(Digest),
}

/// What happens to a tag written beside a digest (`--tag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagRule {
    /// It becomes the new digest's own tag.
    Update,
    /// The tag is removed.
    Drop,
    /// It stays, with a warning where it then names other bytes.
    Keep,
}

/// How much of a pin commit a revert undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scope {
    /// The whole commit where it touched nothing but this pin, else the pin alone.
    #[default]
    Auto,
    /// The whole commit, whatever else it touched.
    WholeCommit,
}

/// The answer to a request: exactly what would be written. Nothing has been written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The question.
    pub request: Request,
    /// One plan a service; empty = everything is already as asked.
    pub plans: Vec<Plan>,
    /// What is already as asked.
    pub already: Vec<Target>,
    /// Revert without a target that verifies: earlier digests that do, newest first.
    pub alternatives: Vec<Alternative>,
    /// Revert: the pin commit touched more than this pin, and undoing all of it can be asked for too
    /// ([`Scope::WholeCommit`]): its id.
    pub whole_commit: Option<String>,
    /// The other repository that is pushed to, as an address of git or a folder; `None` = that of the policy.
    pub repository: Option<String>,
    /// The branch that the policy and the holds are read from, where that is not the branch of the pins: holds of the
    /// write are pushed there.
    pub holds_on: Option<HoldsPlace>,
    /// The remote that is pushed to.
    pub remote: String,
    /// A digest of where that remote leads: its name stays when its address changes.
    pub remote_at: Option<Digest>,
    /// The branch that is pushed: the release branch, or `pindeck/…` for a pull request.
    pub branch: String,
    /// The equivalent command line.
    pub command: String,
}

/// One of the pushes of a write, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPush {
    /// How it stands to the one before: `pushes` for the first, `then` for a later one, `with` for what goes along.
    pub how: &'static str,
    /// The branch and where that is: `main to origin`.
    pub place: String,
    /// What it brings, where that is not the pins.
    pub holds: Option<&'static str>,
}

impl Proposal {
    /// What is pushed, in that order: the pins, and holds where they lie on another branch.
    pub fn pushes(&self) -> Vec<PlannedPush> {
        let push = |branch: &str, to: &str, holds| PlannedPush {
            how: "then",
            place: format!("{branch} to {to}"),
            holds,
        };
        let mut changes = self.plans.iter().flat_map(|plan| &plan.holds);
        let has = |is_end: bool| changes.clone().any(|change| change.is_end() == is_end);
        let (begins, ends) = (has(false), has(true));
        let pins = push(&self.branch, self.destination(), None);
        let mut out = vec![pins];
        if let Some(on) = self.holds_on.as_ref().filter(|_| changes.next().is_some()) {
            let branch = match self.branch.starts_with(BRANCHES) {
                true => format!("{}-hold", self.branch),
                false => on.branch.clone(),
            };
            let remote = on.remote.as_deref().unwrap_or("no remote");
            if self.repository.is_none() {
                let mut along = push(&branch, remote, Some("the holds"));
                along.how = "with";
                out.push(along);
            } else {
                out.splice(0..0, begins.then(|| push(&branch, remote, Some("the hold"))));
                out.extend(ends.then(|| push(&branch, remote, Some("the end of the hold"))));
            }
        }
        if let Some(first) = out.first_mut() {
            first.how = "pushes";
        }
        out
    }

    /// Where it is pushed to, for people: the other repository, or the remote of the policy's.
    pub fn destination(&self) -> &str {
        self.repository.as_deref().unwrap_or(&self.remote)
    }

    /// The first plan that a closed gate stops.
    pub(crate) fn refused(&self) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.closed_gate().is_some())
    }

    /// Why it would not be carried out as it stands: a closed gate, or (where nothing else is closed)
    /// a verdict that could not be made.
    pub fn refusal(&self) -> Option<WriteFailure> {
        let all = self
            .plans
            .iter()
            .flat_map(|plan| plan.gates.iter().map(move |gate| (plan, gate)));
        let closed: Vec<(&Plan, &Gate)> = all.filter(|(_, gate)| gate.state == GateState::Closed).collect();
        if closed.is_empty() {
            return None;
        }
        let unknown = closed.iter().all(|(plan, gate)| {
            matches!(gate.gate, GateName::Presence | GateName::Verdict)
                && plan.verdict.as_ref().is_some_and(|v| v.result == Outcome::Unknown)
        });
        // The verdict says what is missing too: once is enough.
        let says_it = |plan: &Plan| {
            let mut closed = plan.gates.iter().filter(|gate| gate.state == GateState::Closed);
            closed.any(|gate| gate.gate == GateName::Verdict)
        };
        let lines: Vec<String> = closed
            .iter()
            .filter(|(plan, gate)| gate.gate != GateName::Presence || !says_it(plan))
            .map(|(plan, gate)| format!("{} in {}: {}", plan.service, plan.environment, gate.in_full().clean()))
            .collect();
        let words = Untrusted::new(lines.join("\n"));
        Some(if unknown {
            Failure::unreachable(words)
                .hint("try again when everything can be reached")
                .into()
        } else {
            WriteFailure::Refused(Box::new(self.clone()), words)
        })
    }
}

/// An earlier digest that could be reverted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Digest of the piece of evidence that is missing.
    pub digest: Digest,
    /// Its visible tag then.
    pub tag: Option<String>,
    /// The commit that pinned it last.
    pub commit: String,
    /// When.
    pub at: Timestamp,
    /// Its verdict under today's policy.
    pub verdict: Verdict,
}

/// How far a write is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Content and evidence are being copied.
    Copying {
        /// Of which service.
        service: ServiceId,
        /// Items (blobs and manifests) done.
        items: u64,
        /// Items there are, as far as known.
        of_items: u64,
        /// Bytes done.
        bytes: u64,
        /// Bytes there are, as far as known.
        of_bytes: u64,
    },
    /// The evidence is verified again where it arrived.
    Verifying(ServiceId),
    /// The commits are being made; from here on it cannot be cancelled.
    Committing,
    /// The remote is asked to take them.
    Pushing,
    /// Somebody else pushed first: planned again on the new head.
    Replanning {
        /// Which try comes next, from 2.
        attempt: u32,
    },
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteState {
    /// Only planned (`--dry-run`).
    Planned,
    /// Everything was already as asked.
    Already,
    /// Pushed to a branch of its own, for a pull request.
    Proposed,
    /// On the release branch.
    Pushed,
}

/// What a copy brought over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Copied {
    /// Manifests and indexes sent.
    pub manifests: u64,
    /// Blobs sent or mounted.
    pub blobs: u64,
    /// Bytes of blobs sent.
    pub bytes: u64,
    /// Pieces of evidence brought over.
    pub evidence: u64,
}

/// A write that git accepted (or that had nothing to do).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What became of it.
    pub state: WriteState,
    /// The plans as carried out.
    pub plans: Vec<Plan>,
    /// The commits, in order.
    pub commits: Vec<String>,
    /// The ref they landed on (`refs/heads/…`).
    pub pushed: Option<String>,
    /// Where the forge says a pull request can be opened, or where it is.
    pub proposal_url: Option<String>,
    /// The pull request is open: [`Receipt::proposal_url`] leads to it.
    pub is_open: bool,
    /// What pindeck has to say besides: why no pull request was opened, for one.
    pub notes: Vec<Untrusted>,
    /// What was copied.
    pub copied: Copied,
    /// Evidence that the destination lacks, named.
    pub missing_at_destination: Vec<String>,
    /// What the remote said.
    pub remote_words: Vec<Untrusted>,
}

/// Why a write did not happen. Nothing landed in git, whichever it is; but where a hold and its pin are pushed one after
/// the other, the failure may be that only the hold did, and says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFailure {
    /// A gate is closed; the proposal says which.
    Refused(Box<Proposal>, Untrusted),
    /// Branch or evidence moved; this is what would be written now.
    Conflict(Box<Proposal>, Untrusted),
    /// Anything that leaves nothing to propose.
    Failed(Failure),
}

impl WriteFailure {
    /// What sort of failure it is.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(..) => FailureKind::Refused,
            Self::Conflict(..) => FailureKind::Conflict,
            Self::Failed(failure) => failure.kind,
        }
    }

    /// What happened, in words.
    pub const fn what(&self) -> &Untrusted {
        match self {
            Self::Refused(_, what) | Self::Conflict(_, what) => what,
            Self::Failed(failure) => &failure.what,
        }
    }

    /// What to do next.
    pub fn next(&self) -> Hint {
        match self {
            Self::Refused(..) => "each closed gate says what would open it".into(),
            Self::Conflict(..) => "look at the new plan and run the command again".into(),
            Self::Failed(failure) => failure.next(),
        }
    }
}

impl From<Failure> for WriteFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
