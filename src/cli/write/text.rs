//! Writes for people: the plan, progress on one line, the result. Text of others is cleaned line by line.

use std::io::Write as _;

use crate::domain::failure::FailureKind;
use crate::domain::loose_copy::{self, LooseCopy};
use crate::domain::plan::{GateState, Plan, Verb};
use crate::domain::text::clean_lines;
use crate::domain::write::{Progress, Proposal, Receipt, WriteFailure, WriteState};

/// The lines of a text from outside, each made safe for the terminal.
fn safe(text: &str) -> impl Iterator<Item = String> {
    clean_lines(text).into_iter().map(|line| line.into_string())
}

/// The whole plan, as the confirm screen shows it.
pub(super) fn proposal(proposal: &Proposal) -> Vec<String> {
    let mut out = Vec::new();
    for plan in &proposal.plans {
        if !out.is_empty() {
            out.push(String::new());
        }
        one(plan, &mut out);
    }
    for target in &proposal.already {
        out.push(format!("{target}: already so"));
    }
    if !proposal.alternatives.is_empty() {
        out.push(String::new());
        out.push("Nothing is chosen. Earlier digests that verify today:".to_owned());
        for other in &proposal.alternatives {
            let tag = other.tag.as_deref().unwrap_or("no tag");
            let verdict = other.verdict.result.as_str();
            out.extend(safe(&format!(
                "  --to {}   {tag}   {verdict}   pinned {}",
                other.digest, other.at
            )));
        }
    }
    if let Some(commit) = &proposal.whole_commit {
        out.push(format!("The commit {commit} touched more than this pin; only the pin is reverted (--whole-commit undoes all of it)."));
    }
    out.push(String::new());
    for push in proposal.pushes() {
        let what = push.holds.map_or_else(String::new, |holds| format!(" ({holds})"));
        out.extend(safe(&format!("{} {}{what}", push.how, push.place)));
    }
    out.extend(safe(&format!("the same again: {}", proposal.command)));
    out
}

fn one(plan: &Plan, out: &mut Vec<String>) {
    let what = match plan.verb {
        Verb::Promote => format!("Promote {} to {}", plan.service, plan.environment),
        Verb::Revert => format!("Revert {} in {}", plan.service, plan.environment),
        Verb::Pin => format!("Pin {} in {}", plan.service, plan.environment),
        Verb::Hold => format!("Hold {} in {}", plan.service, plan.environment),
        Verb::ReleaseHold => format!("Release the hold of {} in {}", plan.service, plan.environment),
    };
    out.extend(safe(&what));
    let from = plan
        .from
        .map_or_else(|| "(pinned by tag)".to_owned(), |d| d.to_string());
    if let Some(image) = &plan.image {
        out.extend(safe(&format!("  image    {image}")));
    }
    if plan.from != Some(plan.to) {
        out.push(format!("  from     {from}"));
    }
    out.push(format!("  to       {}", plan.to));
    out.push(format!("  base     {}", plan.base_commit));
    let policy = &plan.policy;
    out.extend(safe(&format!(
        "  policy   {} {} from {}",
        policy.name, policy.digest, policy.source
    )));
    if let Some(verdict) = &plan.verdict {
        out.push(format!("  verdict  {}", verdict.result.as_str()));
        for cause in &verdict.causes {
            let (check, kind) = (cause.check.as_str(), cause.cause.as_str());
            out.extend(safe(&format!("           {check} {kind}: {}", cause.detail.clean())));
        }
    }
    for copy in &plan.copies {
        out.extend(safe(&format!(
            "  copies   {} to {}",
            copy.source.at(copy.digest),
            copy.destination
        )));
    }
    for gate in &plan.gates {
        let state = match gate.state {
            GateState::Open => "open   ",
            GateState::Closed => "REFUSES",
            GateState::Acknowledged => "acked  ",
            GateState::Waived => "WAIVED ",
        };
        let name = serde_json::to_value(gate.gate).unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        out.extend(safe(&format!("  gate     {state} {name}: {}", gate.in_full().clean())));
    }
    for warning in &plan.warnings {
        out.extend(safe(&format!("  warning  {}", warning.clean())));
    }
    if let Some(words) = loose_copy::summary(&plan.loose_copies) {
        let option = if plan.loose_copies.iter().any(LooseCopy::can_follow) {
            " (--take-copies takes them along)"
        } else {
            ""
        };
        out.push(format!("  loose    {words}{option}"));
    }
    for edit in &plan.edits {
        out.push(String::new());
        out.extend(safe(&edit.diff).map(|line| format!("  {line}")));
    }
    out.push(String::new());
    out.extend(safe(&plan.message).map(|line| format!("  | {line}")));
}

/// The lines of text that say what a write did.
pub(super) fn receipt(proposal: &Proposal, receipt: &Receipt) -> Vec<String> {
    let mut out = Vec::new();
    match receipt.state {
        WriteState::Planned => {}
        WriteState::Already => out.push("Already so: there is nothing to do.".to_owned()),
        WriteState::Proposed | WriteState::Pushed => {
            for (plan, commit) in receipt.plans.iter().zip(&receipt.commits) {
                let done = match (plan.verb, receipt.state) {
                    (_, WriteState::Proposed) => "Proposed",
                    (Verb::Promote, _) => "Promoted",
                    (Verb::Revert, _) => "Reverted",
                    (Verb::Pin, _) => "Pinned",
                    (Verb::Hold, _) => "Held",
                    (Verb::ReleaseHold, _) => "Released",
                };
                let (service, env) = (&plan.service, &plan.environment);
                out.extend(safe(&format!(
                    "{done}: {service} in {env}, {} in commit {commit}",
                    plan.to
                )));
            }
            let beside = receipt.commits.iter().skip(receipt.plans.len());
            out.extend(beside.map(|commit| format!("Its hold: in commit {commit}, on the branch of pindeck.toml")));
            if let Some(pushed) = &receipt.pushed {
                out.extend(safe(&format!("Pushed to {pushed} of {}.", proposal.destination())));
            }
        }
    }
    if receipt.copied.manifests + receipt.copied.blobs > 0 {
        let c = receipt.copied;
        out.push(format!(
            "Copied {} manifests, {} blobs ({} bytes) and {} pieces of evidence.",
            c.manifests, c.blobs, c.bytes, c.evidence
        ));
    }
    for missing in &receipt.missing_at_destination {
        out.extend(safe(&format!("Missing at the destination: {missing}")));
    }
    for note in &receipt.notes {
        // A sentence of pindeck, in which the words of others are quoted already.
        let mut lines = safe(note.raw());
        out.push(format!("Note: {}", lines.next().unwrap_or_default()));
        out.extend(lines.map(|line| format!("  {line}")));
    }
    if let Some(url) = &receipt.proposal_url {
        let what = if receipt.is_open {
            "The pull request is open"
        } else {
            "Open the pull request"
        };
        out.extend(safe(&format!("{what}: {url}")));
    }
    out
}

/// The lines of text that say why a write did not happen, with the plan if there is one.
pub(super) fn failure(failure: &WriteFailure) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let what = match failure.kind() {
        FailureKind::RemoteRefused => "the remote refused",
        FailureKind::Refused => "refused",
        FailureKind::Conflict => "conflict",
        FailureKind::Unreachable | FailureKind::Denied | FailureKind::NotChecked => "unknown",
        FailureKind::Interrupted => "stopped",
        FailureKind::Usage
        | FailureKind::Absent
        | FailureKind::Corrupt
        | FailureKind::Malformed
        | FailureKind::Unsupported
        | FailureKind::TooLarge
        | FailureKind::Failed => "error",
    };
    let mut words = safe(failure.what().raw());
    out.push(format!("pindeck: {what}: {}", words.next().unwrap_or_default()));
    out.extend(words.map(|line| format!("  {line}")));
    out.push(format!("  next: {}", failure.next()));
    out
}

/// Progress on one line of a terminal.
#[derive(Default)]
pub(super) struct ProgressLine {
    used: bool,
}

impl ProgressLine {
    pub(crate) fn show(&mut self, step: &Progress) {
        let text = match step {
            Progress::Copying {
                service,
                items,
                of_items,
                bytes,
                of_bytes,
            } => format!(
                "copying {service}: {items} of {of_items} items, {} of {} MiB",
                bytes >> 20,
                of_bytes >> 20
            ),
            Progress::Verifying(service) => format!("verifying {service} where it arrived"),
            Progress::Committing => "committing".to_owned(),
            Progress::Pushing => "pushing".to_owned(),
            Progress::Replanning { attempt } => format!("somebody pushed first: planning again (try {attempt})"),
        };
        let mut err = std::io::stderr().lock();
        for line in safe(&text) {
            let _ = write!(err, "\r\x1b[K{line}");
        }
        let _ = err.flush();
        self.used = true;
    }

    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.used) {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\r\x1b[K");
            let _ = err.flush();
        }
    }
}
