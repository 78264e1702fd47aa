//! The JSON of writes (docs/reference/contract.md, "JSON").

use serde_json::{Value, json};

use crate::domain::plan::Plan;
use crate::domain::write::{Alternative, Proposal, Receipt, WriteFailure, WriteState};

use super::head;

/// A plan that was only asked for.
pub(super) fn planned(command: &str, proposal: &Proposal) -> Value {
    let mut out = head(command);
    fill(&mut out, WriteState::Planned, proposal, &proposal.plans);
    out["commits"] = json!([]);
    out["pushed"] = Value::Null;
    out["proposal_url"] = Value::Null;
    out["copied"] = json!(crate::domain::write::Copied::default());
    out["missing_at_destination"] = json!([]);
    out
}

/// What was carried out.
pub(super) fn receipt(command: &str, proposal: &Proposal, receipt: &Receipt) -> Value {
    let mut out = head(command);
    fill(&mut out, receipt.state, proposal, &receipt.plans);
    out["commits"] = json!(receipt.commits);
    out["pushed"] = json!(receipt.pushed);
    out["proposal_url"] = json!(receipt.proposal_url);
    out["copied"] = json!(receipt.copied);
    out["missing_at_destination"] = json!(receipt.missing_at_destination);
    let words: Vec<String> = receipt.remote_words.iter().map(|w| w.clean().into_string()).collect();
    out["remote_words"] = json!(words);
    out
}

fn fill(out: &mut Value, state: WriteState, proposal: &Proposal, plans: &[Plan]) {
    out["state"] = json!(state);
    out["plans"] = plans.iter().map(plan).collect();
    out["already"] = json!(proposal.already);
    out["alternatives"] = proposal.alternatives.iter().map(alternative).collect();
    out["whole_commit"] = json!(proposal.whole_commit);
    out["branch"] = json!(proposal.branch);
    out["command"] = json!(proposal.command);
    out["conflict"] = Value::Null;
}

/// An error, with the plans that it is about.
pub(super) fn failure(failure: &WriteFailure, code: u8) -> Value {
    let message = failure.words().clean().into_string();
    let mut out = json!({
        "schema": "pindeck/error/v1",
        "generated_at": jiff::Timestamp::now().to_string(),
        "code": code,
        "message": message,
        "next": next(failure),
    });
    match failure {
        WriteFailure::Refused(proposal, _) => {
            out["plans"] = proposal.plans.iter().map(plan).collect();
            out["alternatives"] = proposal.alternatives.iter().map(alternative).collect();
        }
        WriteFailure::Conflict(proposal, _) => {
            let plans = proposal.iter().flat_map(|p| &p.plans);
            out["conflict"] = json!({"detail": message, "plans": plans.map(plan).collect::<Vec<_>>()});
        }
        _ => {}
    }
    out
}

/// What to do next, in words.
pub(super) fn next(failure: &WriteFailure) -> &'static str {
    match failure {
        WriteFailure::Usage(_) => "correct the command or the configuration; pindeck --help lists every option",
        WriteFailure::Refused(..) => "each closed gate says what would open it; nothing was written",
        WriteFailure::Conflict(..) => "look at the new plan and run the command again",
        WriteFailure::Unknown(_) => "try again when everything can be reached; nothing was written",
        WriteFailure::RemoteRefused(_) => "ask who runs the remote, or set write = \"branch\" for this environment",
        WriteFailure::Cancelled => "run it again; what was copied already is not copied twice",
        WriteFailure::Failed(_) => "see the message; nothing was pushed",
    }
}

fn plan(plan: &Plan) -> Value {
    let gates: Vec<Value> = plan
        .gates
        .iter()
        .map(|g| json!({"gate": g.gate, "state": g.state, "detail": g.detail.clean().into_string()}))
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
    let warnings: Vec<String> = plan.warnings.iter().map(|w| w.clean().into_string()).collect();
    json!({
        "action": plan.verb,
        "service": plan.service,
        "environment": plan.environment,
        "image": plan.image.to_string(),
        "from": plan.from,
        "to": plan.to,
        "base_commit": plan.base_commit,
        "policy": plan.policy,
        "edits": plan.edits,
        "copies": copies,
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
