//! A code quality report of GitLab.

use serde_json::{Value, json};

use crate::domain::Clean;
use crate::domain::check::finding::FindingLevel;
use crate::engine::check::CheckReport;

use super::words;

/// The file that a finding without a file is shown at.
const POLICY_FILE: &str = "pindeck.toml";

/// The report: a list of issues.
pub(super) fn report(report: &CheckReport) -> Value {
    let names = words::fingerprints(report);
    let issues = report.findings.iter().zip(names).map(|(finding, fingerprint)| {
        let severity = match finding.level {
            FindingLevel::Error => "critical",
            FindingLevel::Unknown => "major",
            FindingLevel::Warning => "minor",
            FindingLevel::Note => "info",
        };
        let path = Clean::from_untrusted(finding.file.as_deref().unwrap_or(POLICY_FILE));
        json!({
            "description": format!("{}; next: {}", words::sentence(finding), finding.next),
            "check_name": finding.kind, "fingerprint": fingerprint, "severity": severity,
            "location": { "path": path, "lines": { "begin": finding.line.unwrap_or(1) } },
        })
    });
    Value::Array(issues.collect())
}
