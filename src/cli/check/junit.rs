//! JUnit: one suite for each environment; what changes and holds is a case that passes, what does not change is absent.

use std::collections::BTreeMap;

use crate::domain::Clean;
use crate::domain::check::finding::{CheckFinding, FindingLevel};
use crate::engine::check::{CheckReport, CheckedPin};

use super::words;

/// The suite of findings that are about no environment.
const REPOSITORY: &str = "repository";
/// The name of a case that passes.
const HOLDS: &str = "pin";

/// What a suite has: findings, and pins that changed without one.
#[derive(Default)]
struct SuiteCases<'a> {
    findings: Vec<&'a CheckFinding>,
    passing: Vec<&'a CheckedPin>,
}

/// The document.
pub(super) fn text(report: &CheckReport) -> String {
    let mut suites: BTreeMap<&str, SuiteCases<'_>> = BTreeMap::new();
    for finding in &report.findings {
        let name = finding
            .environment
            .as_ref()
            .map_or(REPOSITORY, |environment| environment.as_str());
        suites.entry(name).or_default().findings.push(finding);
    }
    for pin in &report.pins {
        let target = &pin.place.target;
        let is_about = |finding: &&CheckFinding| {
            finding.service.as_ref() == Some(&target.service)
                && finding.environment.as_ref() == Some(&target.environment)
                && finding.component == pin.place.component
        };
        if !report.findings.iter().any(|finding| is_about(&finding)) {
            suites.entry(target.environment.as_str()).or_default().passing.push(pin);
        }
    }
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (name, cases) in &suites {
        let count = |level: FindingLevel| cases.findings.iter().filter(|finding| finding.level == level).count();
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
            escaped(name),
            cases.findings.len() + cases.passing.len(),
            count(FindingLevel::Error),
            count(FindingLevel::Unknown)
        ));
        for finding in &cases.findings {
            out.push_str(&case(finding));
        }
        for pin in &cases.passing {
            let service = class(pin.place.target.service.as_str(), pin.place.component.as_deref());
            out.push_str(&format!(
                "    <testcase classname=\"{}\" name=\"{HOLDS}\"/>\n",
                escaped(&service)
            ));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn class(service: &str, component: Option<&str>) -> String {
    component.map_or_else(|| service.to_owned(), |component| format!("{service} ({component})"))
}

fn case(finding: &CheckFinding) -> String {
    let service = finding.service.as_ref().map_or(REPOSITORY, |service| service.as_str());
    let service = escaped(&class(service, finding.component.as_deref()));
    let kind = finding.kind.as_str();
    let place = words::place(finding)
        .map(|place| format!("{place}: "))
        .unwrap_or_default();
    let text = escaped(&format!("{place}{}; next: {}", words::sentence(finding), finding.next));
    let message = escaped(finding.message.clean().as_str());
    let inside = match finding.level {
        FindingLevel::Error => format!("<failure type=\"{kind}\" message=\"{message}\">{text}</failure>"),
        FindingLevel::Unknown => format!("<error type=\"{kind}\" message=\"{message}\">{text}</error>"),
        FindingLevel::Warning | FindingLevel::Note => format!("<system-out>{text}</system-out>"),
    };
    format!("    <testcase classname=\"{service}\" name=\"{kind}\">{inside}</testcase>\n")
}

/// A text as XML, in which nothing is markup. Characters that XML cannot have are visible already.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in Clean::from_untrusted(text).as_str().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("a<b>&\"'\n\u{0}]]>\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;&apos;␤␀]]&gt;\u{fffd}"
        );
    }
}
