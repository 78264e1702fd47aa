//! The result for people.

use crate::cli::text::{self, Table};
use crate::domain::Clean;
use crate::engine::check::{CheckReport, CheckedPin};

use super::words;

/// The lines of the result.
pub(super) fn lines(report: &CheckReport) -> Vec<String> {
    let commits = &report.commits;
    let mut lines = vec![
        format!(
            "base    {} {}",
            Clean::from_untrusted(&commits.base_name),
            words::short(&commits.base)
        ),
        format!(
            "head    {} {}",
            Clean::from_untrusted(&commits.head_name),
            words::short(&commits.head)
        ),
    ];
    if commits.merge_base != commits.base {
        lines.push(format!("parted  {}", words::short(&commits.merge_base)));
    }
    if let Some(digest) = &report.policy.digest {
        let source = Clean::from_untrusted(&report.policy.source);
        lines.push(format!(
            "policy  {} {} of {source}",
            Clean::from_untrusted(&report.policy.name),
            digest.short()
        ));
    }
    lines.push(String::new());
    if report.pins.is_empty() {
        lines.push("no pin gets another digest or tag".to_owned());
    } else {
        let mut table = Table::new(&["SERVICE", "ENVIRONMENT", "FROM", "TO", "VERDICT", "WAY"]);
        for pin in &report.pins {
            table.row(row(pin));
        }
        lines.extend(table.lines());
    }
    for finding in &report.findings {
        lines.push(String::new());
        let place = words::place(finding)
            .map(|place| format!("  {place}"))
            .unwrap_or_default();
        lines.push(format!("{}: {}{place}", finding.level.as_str(), finding.kind.as_str()));
        lines.push(format!("  {}", words::sentence(finding)));
        lines.push(format!("  next: {}", finding.next));
    }
    lines.push(String::new());
    let requests = report.budget.requests;
    lines.push(format!(
        "{}: {}, {requests} requests",
        report.outcome.as_str(),
        words::counts(report)
    ));
    lines
}

fn row(pin: &CheckedPin) -> [String; 6] {
    let place = &pin.place;
    let component = place
        .component
        .as_deref()
        .map(|one| format!(" ({one})"))
        .unwrap_or_default();
    let clean = |text: String| Clean::from_untrusted(&text).into_string();
    [
        clean(format!("{}{component}", place.target.service)),
        clean(place.target.environment.to_string()),
        words::version(pin.from.as_ref()),
        words::version(Some(&place.version())),
        pin.verdict.as_ref().map_or_else(|| "-".to_owned(), text::verdict),
        if pin.is_revert {
            "back".to_owned()
        } else {
            "forward".to_owned()
        },
    ]
}
