//! The document `pindeck/check/v1`.

use serde_json::{Value, json};

use crate::domain::check::finding::CheckFinding;
use crate::engine::check::{CheckReport, CheckedPin};

/// The document without its head.
pub(super) fn document(report: &CheckReport) -> Value {
    let (commits, policy) = (&report.commits, &report.policy);
    json!({
        "base": { "ref": commits.base_name, "commit": commits.base, "merge_base": commits.merge_base },
        "head": { "ref": commits.head_name, "commit": commits.head },
        "policy": {
            "name": Some(&policy.name).filter(|name| !name.is_empty()), "digest": policy.digest, "source": policy.source,
        },
        "result": report.outcome,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "pins": report.pins.iter().map(pin).collect::<Vec<_>>(),
        "budget": report.budget,
    })
}

fn finding(one: &CheckFinding) -> Value {
    json!({
        "kind": one.kind, "level": one.level,
        "service": one.service, "environment": one.environment, "component": one.component,
        "file": one.file, "line": one.line, "from": one.from, "to": one.to,
        "verdict": one.verdict, "message": one.message, "next": one.next,
    })
}

fn pin(one: &CheckedPin) -> Value {
    let place = &one.place;
    json!({
        "service": place.target.service, "environment": place.target.environment, "component": place.component,
        "image": place.image, "file": place.file, "line": place.line,
        "from": one.from, "to": place.version(), "verdict": one.verdict,
        "way": if one.is_revert { "back" } else { "forward" }, "pinned_in": one.pinned_in,
    })
}
