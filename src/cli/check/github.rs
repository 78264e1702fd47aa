//! Annotations of GitHub Actions: one workflow command a line.
//!
//! A line that begins with `::` is a command, so nothing of a stranger may begin one: every text is one line without
//! control characters before it is escaped.

use crate::domain::check::finding::{CheckFinding, FindingLevel};
use crate::engine::check::CheckReport;

use super::words;

/// As many annotations of one kind are shown of a step.
const SHOWN: usize = 10;

/// The commands, errors first.
pub(super) fn lines(report: &CheckReport) -> Vec<String> {
    let mut lines = Vec::new();
    let mut more = 0;
    for command in ["error", "warning", "notice"] {
        let of_command = || report.findings.iter().filter(|finding| command_of(finding) == command);
        lines.extend(of_command().take(SHOWN).map(|finding| annotation(command, finding)));
        more += of_command().count().saturating_sub(SHOWN);
    }
    let result = format!("pindeck check: {}: {}", report.outcome.as_str(), words::counts(report));
    lines.push(if more > 0 {
        format!("{result}; and {more} more in the summary")
    } else {
        result
    });
    lines
}

fn command_of(finding: &CheckFinding) -> &'static str {
    match finding.level {
        FindingLevel::Error | FindingLevel::Unknown => "error",
        FindingLevel::Warning => "warning",
        FindingLevel::Note => "notice",
    }
}

fn annotation(command: &str, finding: &CheckFinding) -> String {
    let mut properties = Vec::new();
    if let Some(file) = &finding.file {
        properties.push(format!("file={}", property(file)));
        if let Some(line) = finding.line {
            properties.push(format!("line={line},endLine={line}"));
        }
    }
    properties.push(format!(
        "title={}",
        property(&format!("pindeck: {}", finding.kind.as_str()))
    ));
    let text = format!("{}; next: {}", words::sentence(finding), finding.next);
    format!("::{command} {}::{}", properties.join(","), data(&text))
}

fn data(text: &str) -> String {
    let one_line = crate::domain::Clean::from_untrusted(text).into_string();
    one_line.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check::finding::FindingKind;

    #[test]
    fn no_text_begins_a_command_of_its_own() {
        let hostile = "x\n::error file=a::gone\r%0A::stop-commands::t\u{2028}::b,c:d";
        let finding = CheckFinding {
            service: Some(hostile.into()),
            environment: Some(hostile.into()),
            ..CheckFinding::new(FindingKind::PinByTag, FindingLevel::Error, hostile, "do it")
        }
        .at(hostile, Some(3));
        let line = annotation("error", &finding);
        assert!(
            line.lines().count() == 1 && line.chars().all(|c| !c.is_control()),
            "{line}"
        );
        assert!(
            line.starts_with("::error file=x␤%3A%3Aerror file=a%3A%3Agone␍%250A"),
            "{line}"
        );
        let (properties, _) = line[2..].split_once("::").expect("two parts");
        assert_eq!(properties.matches(',').count(), 3, "{properties}");
    }
}
