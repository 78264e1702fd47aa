//! The verdict with its causes, and what they are about.

use jiff::Timestamp;

use super::labelled::{InspectorLines, LABEL};
use crate::app::age;
use crate::app::cell_status::{self, CellStatus};
use crate::app::state::CockpitState;
use crate::domain::board::Assessment;
use crate::domain::evidence::CauseKind;
use crate::domain::freshness::Seen;
use crate::domain::id::Digest;
use crate::domain::verdict::Cause;
use crate::view::canvas::span;
use crate::view::theme::Role;
use crate::view::widget::badge;

/// How current a value is, in words, where that is worth saying.
pub(super) fn seen_note<T>(seen: &Seen<T>, now: Timestamp) -> String {
    match seen {
        Seen::NotChecked => "  not checked".to_owned(),
        Seen::Loading { last: None } => "  checking".to_owned(),
        Seen::Loading { last: Some((_, at)) } => format!("  {}, checking again", age::ago(*at, now)),
        Seen::Fresh { at, .. } if age::is_stale(*at, now) => format!("  stale: {}", age::ago(*at, now)),
        Seen::Fresh { at, .. } => format!("  {}", age::ago(*at, now)),
        Seen::Unreachable { last: None, .. } => "  unreachable".to_owned(),
        Seen::Unreachable {
            last: Some((_, at)), ..
        } => format!("  unreachable now; seen {}", age::ago(*at, now)),
    }
}

pub(super) fn verdict(
    out: &mut InspectorLines<'_>,
    state: &CockpitState,
    seen: &Seen<Assessment>,
    current: cell_status::TimedStatus,
) {
    if current.status == CellStatus::ByTag {
        out.labelled("verdict", vec![span(Role::Dim, "none: a verdict is about a digest")]);
        return;
    }
    let mut line = vec![badge::full(current.status, out.glyphs)];
    let verdict = seen.value().and_then(|assessment| assessment.verdict.as_ref());
    match seen {
        Seen::Unreachable { failure, last } => {
            line.push(span(Role::Text, format!(": {}", failure.sentence_on_screen().clean())));
            if let Some((before, at)) = last {
                let was = before.verdict.as_ref().map_or("not judged", |v| v.result.as_str());
                line.push(span(Role::Dim, format!("  (was {was} {})", age::ago(*at, out.now))));
            }
        }
        _ => {
            if let Some(verdict) = verdict {
                line.push(span(Role::Dim, " by policy "));
                line.push(span(Role::Text, verdict.policy.clone()));
            }
            if !matches!(current.status, CellStatus::Loading | CellStatus::NotChecked) {
                line.push(span(Role::Dim, seen_note(seen, out.now)));
            }
        }
    }
    line.insert(
        0,
        span(Role::Dim, format!("{:<width$}", "verdict", width = usize::from(LABEL))),
    );
    out.indented(LABEL, 2, line);
    if current.status == CellStatus::NotJudged {
        out.labelled(
            "",
            vec![span(Role::Dim, "no policy is configured for this environment")],
        );
    }
    if let (Some(verdict), false) = (verdict, seen.is_unreachable()) {
        for (checks, cause) in folded(&verdict.causes) {
            let several = checks.len() > 1;
            let (sign, role) = badge::cause(cause.cause, out.glyphs);
            let name = format!("{sign} {} {}", checks.join(", "), cause.cause.as_str());
            let mut line = vec![span(role, name)];
            match cause.subject {
                // The evidence screen has both digests in full.
                Some(other) => line.push(span(Role::Text, format!("  about {}", whose(state, other)))),
                None if several && cause.cause == CauseKind::Absent => {}
                None => line.push(span(Role::Text, format!("  {}", cause.detail.clean()))),
            }
            line.insert(0, span(Role::Text, " ".repeat(usize::from(LABEL))));
            out.indented(LABEL, 2, line);
        }
    }
}

/// Causes that say the same of several checks, told once.
fn folded(causes: &[Cause]) -> Vec<(Vec<&'static str>, &Cause)> {
    let mut all: Vec<(Vec<&'static str>, &Cause)> = Vec::new();
    for cause in causes {
        let same = |known: &Cause| {
            known.cause == cause.cause
                && known.subject == cause.subject
                && (known.detail == cause.detail || cause.subject.is_some() || cause.cause == CauseKind::Absent)
        };
        match all.iter_mut().find(|(_, known)| same(known)) {
            Some((checks, _)) => checks.push(cause.check.as_str()),
            None => all.push((vec![cause.check.as_str()], cause)),
        }
    }
    all
}

/// A digest with what pindeck knows it as: where it is pinned, or that CI offers it.
pub(super) fn whose(state: &CockpitState, digest: Digest) -> String {
    let mut places = Vec::new();
    for row in &state.board.services {
        let environments = row.cells.iter().filter(|cell| cell.pin.digest == Some(digest));
        let mut names: Vec<&str> = environments.map(|cell| cell.pin.target.environment.as_str()).collect();
        let candidate = row.candidate.value().and_then(Option::as_ref);
        if candidate.is_some_and(|candidate| candidate.digest == digest) {
            names.push("CI");
        }
        if !names.is_empty() {
            places.push(format!("{} {}", row.name, names.join(", ")));
        }
    }
    if places.is_empty() {
        digest.to_string()
    } else {
        format!("{}: {}", digest.short(), places.join("; "))
    }
}
