//! What all forms of a result say alike.

use sha2::{Digest as _, Sha256};

use crate::domain::Clean;
use crate::domain::check::finding::{CheckFinding, FindingLevel, PinVersion};
use crate::engine::check::CheckReport;

/// The first twelve digits of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// What a pin says, in a few words: `1.4.0 27cbe49e`.
pub(super) fn version(version: Option<&PinVersion>) -> String {
    let Some(version) = version else { return "-".to_owned() };
    let tag = version.tag.as_deref().map(Clean::from_untrusted);
    let digest = version.digest.map(|digest| digest.short());
    match (tag, digest) {
        (Some(tag), Some(digest)) => format!("{tag} {digest}"),
        (Some(tag), None) => format!("tag {tag}"),
        (None, Some(digest)) => digest,
        (None, None) => "no tag".to_owned(),
    }
}

/// Whose pin a finding is about: `payments (fpm) in production`.
pub(super) fn target(finding: &CheckFinding) -> Option<String> {
    let component = finding
        .component
        .as_deref()
        .map(|one| format!(" ({one})"))
        .unwrap_or_default();
    let words = match (&finding.service, &finding.environment) {
        (Some(service), Some(environment)) => format!("{service}{component} in {environment}"),
        (Some(service), None) => format!("{service}{component}"),
        (None, Some(environment)) => environment.to_string(),
        (None, None) => return None,
    };
    Some(Clean::from_untrusted(&words).into_string())
}

/// Where a finding is: `file:line`.
pub(super) fn place(finding: &CheckFinding) -> Option<String> {
    let file = Clean::from_untrusted(finding.file.as_deref()?);
    Some(match finding.line {
        Some(line) => format!("{file}:{line}"),
        None => file.into_string(),
    })
}

/// What was found and to whom, in one line.
pub(super) fn sentence(finding: &CheckFinding) -> String {
    let message = finding.message.clean();
    target(finding).map_or_else(|| message.to_string(), |target| format!("{target}: {message}"))
}

/// How many findings there are of each level: `2 errors, 1 warning`.
pub(super) fn counts(report: &CheckReport) -> String {
    let levels = [
        (FindingLevel::Error, "error", "errors"),
        (FindingLevel::Unknown, "unknown", "unknown"),
        (FindingLevel::Warning, "warning", "warnings"),
        (FindingLevel::Note, "note", "notes"),
    ];
    let each = levels.iter().filter_map(|(level, one, several)| {
        match report.findings.iter().filter(|finding| finding.level == *level).count() {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        }
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() {
        "nothing found".to_owned()
    } else {
        all.join(", ")
    }
}

/// A name of the same finding from run to run: lines may move, and words may change.
pub(super) fn fingerprint(finding: &CheckFinding) -> String {
    let of = |version: Option<&PinVersion>| {
        version.map_or_else(String::new, |one| {
            format!(
                "{}\0{}",
                one.tag.as_deref().unwrap_or_default(),
                one.digest.map_or_else(String::new, |digest| digest.to_string())
            )
        })
    };
    let parts = [
        finding.kind.as_str(),
        finding.service.as_ref().map_or("", |service| service.as_str()),
        finding
            .environment
            .as_ref()
            .map_or("", |environment| environment.as_str()),
        finding.component.as_deref().unwrap_or_default(),
        finding.file.as_deref().unwrap_or_default(),
        &of(finding.from.as_ref()),
        &of(finding.to.as_ref()),
    ];
    let hash = Sha256::digest(parts.join("\0\0").as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of all findings, each another one: the same fact at two lines is numbered.
pub(super) fn fingerprints(report: &CheckReport) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::new();
    let each = report.findings.iter().map(|finding| {
        let name = fingerprint(finding);
        let count: &mut u32 = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{count}") }
    });
    each.collect()
}
