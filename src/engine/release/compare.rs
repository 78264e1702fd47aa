//! Whether a plan made anew comes to what was confirmed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::hold::{HoldChange, HoldsPlace};
use crate::domain::id::{Digest, Target};
use crate::domain::plan::{FileEdit, Gate, GateName, GateState, Plan};
use crate::domain::policy::{Freeze, WriteMode};
use crate::domain::verdict::Verdict;
use crate::domain::write::Proposal;
use crate::engine::holds;
use crate::engine::journal::{JournalEntry, RecordedWrite};

use super::draft::Prepared;

/// Whether a new proposal is the same as the confirmed one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProposalComparison {
    /// Pin bytes, policy and evidence are as confirmed.
    Same,
    /// There is nothing left to do: somebody else has done all of it.
    Already,
    /// It is not the same any more; the text says what moved.
    Moved(String),
}

/// What was confirmed, by a person just now or as the journal tells it.
pub(super) struct Confirmed {
    pub writes: Vec<RecordedWrite>,
    pub branch: String,
    /// The other repository that is pushed to; `None` = that of the policy.
    pub repository: Option<String>,
    /// The branch of the holds, where the pins are on another one.
    pub holds_on: Option<HoldsPlace>,
    /// Where the remote of the pins leads.
    pub remote_at: Option<Digest>,
    pub way: WriteMode,
    /// The holds of the write have landed on their own.
    pub hold_landed: bool,
}

impl Confirmed {
    /// Of a proposal; `release` is the branch that releases are pushed to.
    pub(crate) fn of(proposal: &Proposal, release: &str) -> Self {
        Self {
            writes: proposal.plans.iter().map(RecordedWrite::of).collect(),
            branch: proposal.branch.clone(),
            repository: proposal.repository.clone(),
            holds_on: proposal.holds_on.clone(),
            remote_at: proposal.remote_at,
            way: if proposal.branch == release {
                WriteMode::Push
            } else {
                WriteMode::Branch
            },
            hold_landed: false,
        }
    }

    /// What was confirmed, as the journal of an unfinished write has it.
    pub(crate) fn left(entry: &JournalEntry) -> Self {
        Self {
            writes: entry.writes.clone(),
            branch: entry.branch.clone(),
            repository: entry.repository.clone(),
            holds_on: entry.holds_on.clone(),
            remote_at: entry.remote_at,
            way: if entry.new_branch {
                WriteMode::Branch
            } else {
                WriteMode::Push
            },
            hold_landed: false,
        }
    }

    /// The same where its hold landed on its own, or did not.
    #[must_use]
    pub(crate) fn with_hold(self, hold_landed: bool) -> Self {
        Self { hold_landed, ..self }
    }
}

pub(super) fn compare(confirmed: &Confirmed, now: &Prepared) -> ProposalComparison {
    let (way, now) = (now.write, &now.proposal);
    if now.plans.is_empty()
        && confirmed
            .writes
            .iter()
            .all(|write| now.already.contains(&target(write)))
    {
        return ProposalComparison::Already;
    }
    if confirmed.writes.len() != now.plans.len() {
        return ProposalComparison::Moved("another write changed the pins of this set".to_owned());
    }
    if confirmed.repository != now.repository {
        return ProposalComparison::Moved(format!(
            "it would be pushed to another repository than {} now",
            confirmed.repository.as_deref().unwrap_or("that of the policy")
        ));
    }
    let holds_at = |on: &Option<HoldsPlace>| on.as_ref().and_then(|on| on.remote_at);
    let holds_moved = holds_at(&confirmed.holds_on) != holds_at(&now.holds_on);
    let other_holds = |on: &HoldsPlace| HoldsPlace {
        remote_at: None,
        ..on.clone()
    };
    let is_same_branch = confirmed.holds_on.as_ref().map(other_holds) == now.holds_on.as_ref().map(other_holds);
    if confirmed.remote_at != now.remote_at || is_same_branch && holds_moved {
        let at = now.holds_on.as_ref().and_then(|on| on.remote.as_deref());
        let (remote, of) = match confirmed.remote_at != now.remote_at {
            true => (now.remote.as_str(), now.repository.as_deref()),
            false => (at.unwrap_or_default(), None),
        };
        return ProposalComparison::Moved(format!(
            "{remote} of {} leads to another address now than when the write was confirmed",
            of.unwrap_or("the policy's repository")
        ));
    }
    if !is_same_branch {
        let place = |at: &Option<HoldsPlace>| {
            at.as_ref()
                .map_or_else(|| "a branch that was not recorded".to_owned(), HoldsPlace::shown)
        };
        return ProposalComparison::Moved(format!(
            "its policy and holds would be those of {} now, not of {}",
            place(&now.holds_on),
            place(&confirmed.holds_on)
        ));
    }
    // The name of a pull request's branch contains the time of its plan.
    if confirmed.way != way || (way == WriteMode::Push && confirmed.branch != now.branch) {
        return ProposalComparison::Moved(format!(
            "it would be pushed another way than to {} now",
            confirmed.branch
        ));
    }
    let mut both = confirmed.writes.iter().zip(&now.plans);
    let moved = both.find_map(|(a, b)| moved(a, &RecordedWrite::of(b), confirmed.hold_landed));
    moved.map_or(ProposalComparison::Same, ProposalComparison::Moved)
}

fn target(write: &RecordedWrite) -> Target {
    Target {
        service: write.service.clone(),
        environment: write.environment.clone(),
    }
}

fn moved(confirmed: &RecordedWrite, now: &RecordedWrite, hold_landed: bool) -> Option<String> {
    let of = target(confirmed);
    if (confirmed.verb, &of) != (now.verb, &target(now)) {
        return Some(format!("the pins of {of} are others now"));
    }
    let text = |d: Option<crate::domain::id::Digest>| d.map_or_else(|| "a tag".to_owned(), |d| d.to_string());
    if confirmed.from != now.from {
        return Some(format!(
            "{of} pins {} now, not {}",
            text(now.from),
            text(confirmed.from)
        ));
    }
    if confirmed.to != now.to {
        return Some(format!("the digest for {of} would be {} now", now.to));
    }
    let (Some(was), Some(is)) = (&confirmed.terms, &now.terms) else {
        return Some(format!(
            "on what the write to {of} was confirmed was not recorded by the pindeck that began it"
        ));
    };
    if was.image != is.image {
        return Some(format!("the pins of {of} are others now"));
    }
    if (&was.policy, was.policy_digest) != (&is.policy, is.policy_digest) {
        return Some(format!("the policy for {of} changed"));
    }
    if was.verdict != is.verdict {
        return Some(format!("the verdict for {of} is not what it was"));
    }
    if changed_lines(&confirmed.edits) != changed_lines(&now.edits) {
        return Some(format!("the bytes of the pin of {of} changed"));
    }
    let are_same = match (&was.holds, &is.holds) {
        (Some(was), Some(is)) if hold_landed => is_rest(was, is),
        (was, is) => was == is,
    };
    if !are_same {
        return Some(format!(
            "the holds that begin and end with the write to {of} are others now"
        ));
    }
    if confirmed.copies != now.copies {
        return Some(format!("other content would have to be copied for {of}"));
    }
    let gates = |all: &BTreeSet<(String, String)>| -> BTreeSet<(String, String)> {
        // The gate of a hold that the write releases is gone once that has landed.
        let counts = |gate: &&(String, String)| !hold_landed || **gate != ("hold".to_owned(), "open".to_owned());
        all.iter().filter(counts).cloned().collect()
    };
    if gates(&was.gates) != gates(&is.gates) {
        return Some(format!("the gates of {of} are not what they were"));
    }
    if was.type_name != is.type_name {
        return Some(format!("a write to {of} is confirmed in another way now"));
    }
    None
}

/// Whether the holds that would begin and end now are what is left of the confirmed ones, where those that begin landed
/// once. They are in force, or all of them were ended since and begin again; where only some were, somebody has decided
/// otherwise. What ends may have ended already.
fn is_rest(was: &BTreeSet<HoldChange>, is: &BTreeSet<HoldChange>) -> bool {
    let begin = |all: &BTreeSet<HoldChange>| -> BTreeSet<HoldChange> {
        all.iter().filter(|change| !change.is_end()).cloned().collect()
    };
    let again = begin(is);
    is.is_subset(was) && (again.is_empty() || again == begin(was))
}

/// The freeze window that a plan has run into since it was planned, in words. Copying may take hours.
pub(super) fn frozen_since(plan: &Plan, windows: &[Freeze], now: Timestamp) -> Option<String> {
    let was_open = |g: &Gate| g.gate == GateName::Freeze && g.state == GateState::Open;
    let is_outside = |w: &Freeze| matches!(w.contains(now), Ok(false));
    if !plan.gates.iter().any(was_open) || windows.iter().all(is_outside) {
        return None;
    }
    Some(format!(
        "{} was frozen while content was copied; nothing was pinned",
        plan.environment
    ))
}

/// What a verdict says, without when it was made.
pub(super) fn facts(verdict: Option<&Verdict>) -> Option<(&'static str, BTreeSet<(&'static str, &'static str)>)> {
    let verdict = verdict?;
    let causes = verdict.causes.iter().map(|c| (c.check.as_str(), c.cause.as_str()));
    Some((verdict.result.as_str(), causes.collect()))
}

/// Removed and added lines per file. Context may move, and holds of others are nobody's pin.
fn changed_lines(edits: &[FileEdit]) -> BTreeSet<(&str, Vec<&str>)> {
    edits
        .iter()
        .filter(|edit| edit.file != holds::FILE)
        .map(|edit| {
            let lines = edit.diff.lines().skip(2).filter(|l| l.starts_with(['+', '-']));
            (edit.file.as_str(), lines.collect())
        })
        .collect()
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
