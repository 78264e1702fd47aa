//! Vulnerability scans: in-toto's `vulns` and cosign's `vuln`, whose scanner result is the scanner's
//! own report (trivy's and grype's are counted; others are shown without numbers).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::time::time;
use crate::domain::evidence::ScanSummary;
use crate::domain::text::{Untrusted, quoted};

#[derive(Deserialize)]
struct ScanBody<'a> {
    #[serde(borrow)]
    scanner: ScannerBody<'a>,
    #[serde(default, borrow)]
    metadata: Option<ScanMetadata<'a>>,
}

#[derive(Deserialize)]
struct ScannerBody<'a> {
    #[serde(default, borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ScanMetadata<'a> {
    #[serde(
        default,
        borrow,
        rename = "scanFinishedOn",
        alias = "scannedOn",
        alias = "scanFinishedOnTime"
    )]
    finished: Option<Cow<'a, str>>,
}

pub(super) fn parse(predicate: &str) -> Result<ScanSummary, String> {
    let read: ScanBody<'_> =
        serde_json::from_str(predicate).map_err(|e| format!("no vulnerability scan: {}", quoted(&e)))?;
    let uri = read.scanner.uri.filter(|u| !u.is_empty());
    let mut summary = read
        .scanner
        .result
        .map_or_else(ScanSummary::default, |result| report(result.get()));
    summary.scanner = uri.map(|u| Untrusted::new(u.into_owned()));
    summary.finished_at = time(read.metadata.as_ref().and_then(|m| m.finished.as_deref()));
    Ok(summary)
}

/// Counts the findings of a scanner's own report.
pub(super) fn report(text: &str) -> ScanSummary {
    let mut summary = ScanSummary::default();
    for severity in severities(text) {
        let counter = match severity.as_str() {
            "CRITICAL" => &mut summary.critical,
            "HIGH" => &mut summary.high,
            "MEDIUM" | "MODERATE" => &mut summary.medium,
            "LOW" => &mut summary.low,
            _ => continue,
        };
        *counter = counter.saturating_add(1);
    }
    summary
}

#[derive(Deserialize)]
struct Finding {
    #[serde(default)]
    severity: Option<Severity>,
}

/// in-toto writes a list of methods and scores, scanners a word.
#[derive(Deserialize)]
#[serde(untagged)]
enum Severity {
    Word(String),
    Scores(Vec<Score>),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Score {
    #[serde(default)]
    score: Option<ScoreText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScoreText {
    Text(String),
    Number(f64),
    Other(serde::de::IgnoredAny),
}

fn severities(result: &str) -> Vec<String> {
    if let Ok(findings) = serde_json::from_str::<Vec<Finding>>(result) {
        return findings.into_iter().filter_map(|f| word(f.severity?)).collect();
    }
    #[derive(Deserialize)]
    struct Trivy {
        #[serde(rename = "Results")]
        results: Vec<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        #[serde(rename = "Vulnerabilities", default)]
        found: Option<Vec<SeverityField>>,
    }
    #[derive(Deserialize)]
    struct SeverityField {
        #[serde(rename = "Severity", alias = "severity", default)]
        severity: Option<String>,
    }
    if let Ok(trivy) = serde_json::from_str::<Trivy>(result) {
        let found = trivy.results.into_iter().flat_map(|t| t.found.unwrap_or_default());
        return found.filter_map(|n| Some(n.severity?.to_ascii_uppercase())).collect();
    }
    #[derive(Deserialize)]
    struct Grype {
        matches: Vec<Match>,
    }
    #[derive(Deserialize)]
    struct Match {
        vulnerability: SeverityField,
    }
    if let Ok(grype) = serde_json::from_str::<Grype>(result) {
        let found = grype.matches.into_iter();
        return found
            .filter_map(|m| Some(m.vulnerability.severity?.to_ascii_uppercase()))
            .collect();
    }
    Vec::new()
}

/// The worst of what a finding says, as a word. CVSS scores by their own qualitative scale.
fn word(severity: Severity) -> Option<String> {
    let scores = match severity {
        Severity::Word(word) => return Some(word.to_ascii_uppercase()),
        Severity::Scores(scores) => scores,
        Severity::Other(_) => return None,
    };
    let rank = |word: &str| match word {
        "CRITICAL" => 4,
        "HIGH" => 3,
        "MEDIUM" | "MODERATE" => 2,
        "LOW" => 1,
        _ => 0,
    };
    let words = scores.into_iter().filter_map(|s| match s.score? {
        ScoreText::Text(text) => Some(match text.parse::<f64>() {
            Ok(number) => scale(number).to_owned(),
            Err(_) => text.to_ascii_uppercase(),
        }),
        ScoreText::Number(number) => Some(scale(number).to_owned()),
        ScoreText::Other(_) => None,
    });
    words.max_by_key(|w| rank(w))
}

/// CVSS v3.1 section 5, "Qualitative Severity Rating Scale".
fn scale(score: f64) -> &'static str {
    match score {
        s if s >= 9.0 => "CRITICAL",
        s if s >= 7.0 => "HIGH",
        s if s >= 4.0 => "MEDIUM",
        s if s > 0.0 => "LOW",
        _ => "NONE",
    }
}
