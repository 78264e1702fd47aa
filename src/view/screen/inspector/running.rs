//! What the clusters run of the selected pin: the word, who reconciles, who is in the way, what nobody could read.

use super::labelled::InspectorLines;
use crate::app::age;
use crate::app::running_words;
use crate::app::state::CockpitState;
use crate::domain::board::Cell;
use crate::domain::running::observation::{NamespaceRunning, RunningState};
use crate::domain::running::reconciler::Reconciler;
use crate::view::canvas::{Line, span};
use crate::view::theme::Role;
use crate::view::widget::running;

/// Lines of one namespace's troubles at most.
const MOST: usize = 3;

pub(super) fn running(out: &mut InspectorLines<'_>, state: &CockpitState, cell: &Cell) {
    let mut environments = state.board.environments.iter();
    let environment = environments.find(|env| env.name == cell.pin.target.environment);
    let Some(words) = running_words::of_cell(cell, environment) else {
        return;
    };
    let Some(report) = cell.running.value() else {
        out.cut("running", vec![span(Role::Dim, words)]);
        return;
    };
    let role = running::role(report.state);
    let mut line = vec![
        span(role, format!("{} ", out.glyphs.running(report.state))),
        span(Role::Text, words),
    ];
    if let [one] = report.namespaces.as_slice() {
        line.push(span(Role::Dim, format!("  {}/{}", one.cluster, one.namespace)));
        line.extend(reconciled(one));
    }
    if report.state != RunningState::Same && report.state != RunningState::Unknown {
        line.push(span(Role::Dim, format!("  {}", age::ago(report.since, out.now))));
    }
    out.cut("running", line);
    for one in report.namespaces.iter().filter(|_| report.namespaces.len() > 1) {
        let mut line = vec![
            span(running::role(one.state), format!("{} ", out.glyphs.running(one.state))),
            span(Role::Text, one.state.as_str()),
            span(Role::Dim, format!("  {}/{}", one.cluster, one.namespace)),
        ];
        line.extend(reconciled(one));
        out.cut("", line);
    }
    for one in &report.namespaces {
        for blocked in one.blocked.iter().take(MOST) {
            let by = blocked.by.as_ref().map(|by| format!(" by {}", by.quoted()));
            let digest = blocked
                .digest
                .map_or_else(String::new, |digest| format!(" {}", digest.short()));
            let what = format!(
                "{}{digest}{}: ",
                blocked.what.as_str().replace('-', " "),
                by.unwrap_or_default()
            );
            out.labelled(
                "",
                vec![
                    span(Role::Rejected, what),
                    span(Role::Text, blocked.message.quoted().to_string()),
                ],
            );
        }
        for missing in one.missing.iter().take(MOST) {
            out.labelled("", vec![span(Role::Unknown, missing.clean().into_string())]);
        }
    }
}

/// Who reconciles, and how far it is.
fn reconciled(one: &NamespaceRunning) -> Line {
    let Some(Reconciler { name, state, .. }) = &one.reconciler else {
        return Line::new();
    };
    vec![span(Role::Dim, format!("  {} {}", name.clean(), state.as_str()))]
}
