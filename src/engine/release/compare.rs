//! Whether a plan made anew comes to what was confirmed.

use std::collections::BTreeSet;

use crate::domain::plan::{FileEdit, GateName, GateState, Plan};
use crate::domain::verdict::Verdict;
use crate::domain::write::Proposal;
use crate::engine::holds;

/// How a new proposal stands to the confirmed one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Pin bytes, policy and evidence are as confirmed.
    Same,
    /// Somebody else has done all of it.
    Already,
    /// Not the same any more, and what moved.
    Moved(String),
}

pub(super) fn compare(confirmed: &Proposal, now: &Proposal) -> Compared {
    if now.plans.is_empty() && confirmed.plans.iter().all(|plan| now.already.contains(&target(plan))) {
        return Compared::Already;
    }
    if confirmed.plans.len() != now.plans.len() {
        return Compared::Moved("another write changed the pins of this set".to_owned());
    }
    let moved = confirmed.plans.iter().zip(&now.plans).find_map(|(a, b)| moved(a, b));
    moved.map_or(Compared::Same, Compared::Moved)
}

fn target(plan: &Plan) -> crate::domain::id::Target {
    crate::domain::id::Target {
        service: plan.service.clone(),
        environment: plan.environment.clone(),
    }
}

fn moved(confirmed: &Plan, now: &Plan) -> Option<String> {
    let of = target(confirmed);
    if (confirmed.verb, &of) != (now.verb, &target(now)) || confirmed.image != now.image {
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
    if (&confirmed.policy.name, confirmed.policy.digest) != (&now.policy.name, now.policy.digest) {
        return Some(format!("the policy for {of} changed"));
    }
    if facts(confirmed.verdict.as_ref()) != facts(now.verdict.as_ref()) {
        return Some(format!("the verdict for {of} is not what it was"));
    }
    if changed_lines(&confirmed.edits) != changed_lines(&now.edits) {
        return Some(format!("the bytes of the pin of {of} changed"));
    }
    if confirmed.copies != now.copies {
        return Some(format!("other content would have to be copied for {of}"));
    }
    if gates(confirmed) != gates(now) {
        return Some(format!("the gates of {of} are not what they were"));
    }
    None
}

/// What a verdict says, without when it was made.
pub(super) fn facts(verdict: Option<&Verdict>) -> Option<(&'static str, BTreeSet<(&'static str, &'static str)>)> {
    let verdict = verdict?;
    let causes = verdict.causes.iter().map(|c| (c.check.as_str(), c.cause.as_str()));
    Some((verdict.result.as_str(), causes.collect()))
}

fn gates(plan: &Plan) -> BTreeSet<(GateName, &'static str)> {
    let state = |s| match s {
        GateState::Open => "open",
        GateState::Closed => "closed",
        GateState::Acknowledged => "acknowledged",
        GateState::Waived => "waived",
    };
    plan.gates.iter().map(|gate| (gate.gate, state(gate.state))).collect()
}

/// Removed and added lines per file. Context may move, and holds of others are nobody's pin.
pub(super) fn changed_lines(edits: &[FileEdit]) -> BTreeSet<(&str, Vec<&str>)> {
    edits
        .iter()
        .filter(|edit| edit.file != holds::FILE)
        .map(|edit| {
            let lines = edit.diff.lines().skip(2).filter(|l| l.starts_with(['+', '-']));
            (edit.file.as_str(), lines.collect())
        })
        .collect()
}
