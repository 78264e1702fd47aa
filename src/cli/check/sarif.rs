//! SARIF 2.1.0, as code scanning of a forge reads it.

use serde_json::{Value, json};

use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel};
use crate::engine::check::CheckReport;

use super::words;

/// Most results of one run that are read elsewhere.
const MAX_RESULTS: usize = 5_000;

/// One run with all results, as a SARIF document.
pub(super) fn log(report: &CheckReport) -> Value {
    let rules = FindingKind::ALL.map(|kind| {
        json!({
            "id": kind, "shortDescription": { "text": kind.rule() },
        })
    });
    let names = words::fingerprints(report);
    let results: Vec<Value> = report
        .findings
        .iter()
        .zip(names)
        .take(MAX_RESULTS)
        .map(|(one, name)| result(one, &name))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "pindeck", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "invocations": [{ "executionSuccessful": true }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

fn result(finding: &CheckFinding, fingerprint: &str) -> Value {
    let level = match finding.level {
        FindingLevel::Error | FindingLevel::Unknown => "error",
        FindingLevel::Warning => "warning",
        FindingLevel::Note => "note",
    };
    let place = FindingKind::ALL
        .iter()
        .position(|kind| *kind == finding.kind)
        .unwrap_or_default();
    let text = format!("{}; next: {}", words::sentence(finding), finding.next);
    let mut result = json!({
        "ruleId": finding.kind, "ruleIndex": place, "level": level, "message": { "text": text },
        "partialFingerprints": { "pindeckFinding/v1": fingerprint },
        "properties": { "level": finding.level, "service": finding.service, "environment": finding.environment },
    });
    if let Some(file) = &finding.file {
        let mut location = json!({ "artifactLocation": { "uri": uri(file), "uriBaseId": "%SRCROOT%" } });
        if let Some(line) = finding.line {
            location["region"] = json!({ "startLine": line });
        }
        result["locations"] = json!([{ "physicalLocation": location }]);
    }
    result
}

/// A path of the repository as a relative URI.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_uri_whatever_is_in_it() {
        assert_eq!(uri("envs/pro d/ü:x%.yaml"), "envs/pro%20d/%C3%BC%3Ax%25.yaml");
    }
}
