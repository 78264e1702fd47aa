//! The JSON of writes (docs/reference/contract.md, "JSON").

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::domain::failure::FailureKind;
use crate::domain::plan::Plan;
use crate::domain::write::{Alternative, Proposal, Receipt, WriteFailure, WriteState};

/// A document's head (docs/reference/contract.md, "JSON").
fn head(command: &str) -> Value {
    json!({
        "schema": format!("pindeck/{command}/v1"),
        "generated_at": jiff::Timestamp::now().to_string(),
    })
}

/// The document of a write with `--dry-run`: `state` is `planned`.
pub(super) fn planned(command: &str, proposal: &Proposal) -> Value {
    let mut out = head(command);
    fill(&mut out, WriteState::Planned, proposal, &proposal.plans);
    out["commits"] = json!([]);
    out["pushed"] = Value::Null;
    out["proposal_url"] = Value::Null;
    out["copied"] = json!(crate::domain::write::Copied::default());
    out["missing_at_destination"] = json!([]);
    out["wait"] = Value::Null;
    out
}

/// The document of a write that was carried out, and of the waiting for it.
pub(super) fn receipt(command: &str, proposal: &Proposal, receipt: &Receipt, waited: Option<Value>) -> Value {
    let mut out = head(command);
    fill(&mut out, receipt.state, proposal, &receipt.plans);
    out["commits"] = json!(receipt.commits);
    out["pushed"] = json!(receipt.pushed);
    out["proposal_url"] = json!(receipt.proposal_url);
    out["copied"] = json!(receipt.copied);
    out["missing_at_destination"] = json!(receipt.missing_at_destination);
    out["proposal_open"] = json!(receipt.is_open);
    let notes: Vec<String> = receipt.notes.iter().map(|note| note.clean().into_string()).collect();
    out["notes"] = json!(notes);
    let words: Vec<String> = receipt.remote_words.iter().map(|w| w.clean().into_string()).collect();
    out["remote_words"] = json!(words);
    out["wait"] = waited.unwrap_or(Value::Null);
    out
}

fn fill(out: &mut Value, state: WriteState, proposal: &Proposal, plans: &[Plan]) {
    out["state"] = json!(state);
    out["plans"] = plans.iter().map(plan).collect();
    out["already"] = json!(proposal.already);
    out["alternatives"] = proposal.alternatives.iter().map(alternative).collect();
    out["whole_commit"] = json!(proposal.whole_commit);
    out["branch"] = json!(proposal.branch);
    out["repository"] = json!(proposal.repository);
    out["command"] = json!(proposal.command);
    out["conflict"] = Value::Null;
}

/// An error, with the plans that it is about.
pub(super) fn failure(failure: &WriteFailure, status: Exit) -> Value {
    let message = failure.what().clean().into_string();
    let mut out = json!({
        "schema": "pindeck/error/v1",
        "generated_at": jiff::Timestamp::now().to_string(),
        "code": status.code(),
        "message": message,
        "next": failure.next(),
    });
    match failure {
        WriteFailure::Refused(proposal, _) => {
            out["plans"] = proposal.plans.iter().map(plan).collect();
            out["alternatives"] = proposal.alternatives.iter().map(alternative).collect();
        }
        WriteFailure::Conflict(proposal, _) => {
            let plans = proposal.plans.iter().map(plan).collect::<Vec<_>>();
            out["conflict"] = json!({"detail": message, "plans": plans});
        }
        WriteFailure::Failed(failed) if failed.kind == FailureKind::Conflict => {
            out["conflict"] = json!({"detail": message, "plans": []});
        }
        WriteFailure::Failed(_) => {}
    }
    out
}

fn plan(plan: &Plan) -> Value {
    let gates: Vec<Value> = plan
        .gates
        .iter()
        .map(|g| json!({"gate": g.gate, "state": g.state, "detail": g.in_full().clean().into_string()}))
        .collect();
    let copies: Vec<Value> = plan
        .copies
        .iter()
        .map(|c| {
            json!({
                "source": c.source.to_string(),
                "destination": c.destination.to_string(),
                "digest": c.digest,
                "tag": c.tag,
            })
        })
        .collect();
    let loose_copies: Vec<Value> = plan
        .loose_copies
        .iter()
        .map(|copy| {
            json!({
                "file": copy.file,
                "line": copy.line,
                "reference": copy.reference.clean().into_string(),
                "has_digest": copy.has_digest,
                "taken": copy.taken,
                "why": copy.why.as_ref().map(|why| why.clean().into_string()),
            })
        })
        .collect();
    let warnings: Vec<String> = plan.warnings.iter().map(|w| w.clean().into_string()).collect();
    json!({
        "action": plan.verb,
        "service": plan.service,
        "environment": plan.environment,
        "component": plan.component,
        "image": plan.image.as_ref().map(ToString::to_string),
        "from": plan.from,
        "to": plan.to,
        "base_commit": plan.base_commit,
        "policy": plan.policy,
        "edits": plan.edits,
        "copies": copies,
        "loose_copies": loose_copies,
        "gates": gates,
        "warnings": warnings,
        "verdict": plan.verdict,
        "message": plan.message,
        "confirm": plan.confirm,
    })
}

fn alternative(one: &Alternative) -> Value {
    json!({
        "digest": one.digest,
        "tag": one.tag,
        "commit": one.commit,
        "at": one.at.to_string(),
        "verdict": one.verdict,
    })
}
