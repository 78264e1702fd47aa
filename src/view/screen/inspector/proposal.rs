//! What is proposed for the selected pin: what became of it, the digest, the branch, and what the forge says.

use super::labelled::InspectorLines;
use crate::app::age;
use crate::domain::board::Cell;
use crate::domain::text::Untrusted;
use crate::view::canvas::span;
use crate::view::theme::Role;
use crate::view::widget::proposal;

pub(super) fn proposal(out: &mut InspectorLines<'_>, cell: &Cell) {
    let Some(report) = cell.proposal.as_deref() else { return };
    let mut line = vec![
        span(proposal::role(report), report.brief()),
        span(Role::Dim, format!("  {}", age::ago(report.pin.at, out.now))),
    ];
    if let Some(at) = report.forge.at() {
        line.push(span(Role::Dim, format!("  forge asked {}", age::ago(at, out.now))));
    }
    out.cut("proposal", line);
    let head: String = report.pin.head.chars().take(7).collect();
    let branch = Untrusted::from(report.pin.branch.as_str()).clean();
    out.cut(
        "",
        vec![
            span(Role::Text, format!("{} ", report.pin.to.short())),
            span(Role::Dim, format!("{branch} at {head}")),
        ],
    );
    if let Some(url) = report.pull_request().and_then(|there| there.url.as_deref()) {
        let url = Untrusted::from(url).clean().into_string();
        out.labelled("", vec![span(Role::Accent, url)]);
    }
    if let Some(trouble) = report.trouble() {
        let words = trouble.sentence_on_screen().clean().into_string();
        out.labelled("", vec![span(Role::Unreachable, words)]);
    }
}
