//! The object `proposal` of a pin (docs/reference/contract.md, "JSON").

use serde_json::{Value, json};

use crate::domain::board::Cell;

/// What is proposed for a pin; `null` where nothing is.
pub(crate) fn of_cell(cell: &Cell) -> Value {
    let Some(report) = cell.proposal.as_deref() else {
        return Value::Null;
    };
    let there = report.pull_request();
    json!({
        "url": there.and_then(|there| there.url.as_deref()),
        "number": there.map(|there| there.number),
        "state": report.state.as_str(),
        "checks": there.and_then(|there| there.checks),
        "head": report.pin.head,
        "branch": report.pin.branch,
        "to": report.pin.to,
        "from": report.pin.from,
        "at": report.pin.at,
        "draft": there.is_some_and(|there| there.is_draft),
        "overtaken": report.is_overtaken,
        // What the forge itself says; the state is git's word.
        "forge_state": there.map(|there| there.state.as_str()),
        "forge_asked_at": report.forge.at(),
        "unreachable": report.trouble().map(|trouble| trouble.sentence().clean().into_string()),
    })
}
