//! The documents of docs/reference/contract.md, "JSON": what is common to all of them.

use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::evidence::{Check, Evidence, Summary};
use crate::domain::failure::{Failure, Hint};
use crate::domain::text::{Clean, is_plain};

pub(crate) mod proposal;
pub(crate) mod running;
pub(crate) mod status;

/// A document: schema, time, and its own fields.
#[derive(Debug, Serialize)]
pub(crate) struct JsonDocument<T> {
    schema: String,
    generated_at: Timestamp,
    #[serde(flatten)]
    body: T,
}

/// Prints one document of a command.
///
/// # Errors
/// If stdout does not take it.
pub(crate) fn print<T: Serialize>(command: &str, body: T) -> Result<(), Failure> {
    super::output::say(&document_line(command, body)?)
}

/// One document of a command as one line of JSON.
///
/// # Errors
/// If it is no JSON.
pub(crate) fn document_line<T: Serialize>(command: &str, body: T) -> Result<String, Failure> {
    line(&JsonDocument {
        schema: format!("pindeck/{command}/v1"),
        generated_at: Timestamp::now(),
        body,
    })
}

/// Prints one value as one line of JSON on stdout.
///
/// # Errors
/// If stdout does not take it.
pub(crate) fn print_line(value: &impl Serialize) -> Result<(), Failure> {
    super::output::say(&line(value)?)
}

/// One value as one line of JSON, without a line break at its end.
///
/// # Errors
/// If it is no JSON.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|e| super::output::output_failed(&e.into()))?;
    Ok(escaped(&text))
}

/// The document `pindeck/error/v1`.
#[derive(Debug, Serialize)]
struct Error {
    schema: &'static str,
    generated_at: Timestamp,
    code: u8,
    message: Clean,
    next: Hint,
}

/// Prints a failure as a document. Nothing can be done if that fails too.
pub(crate) fn print_failure(failure: &Failure) {
    let error = Error {
        schema: "pindeck/error/v1",
        generated_at: Timestamp::now(),
        code: Exit::of(failure.kind).code(),
        message: failure.what.clean(),
        next: failure.next(),
    };
    if let Ok(text) = serde_json::to_string(&error) {
        let _ = writeln!(std::io::stdout().lock(), "{}", escaped(&text));
    }
}

/// The same JSON, in which nothing steers a terminal: JSON escapes C0 controls by itself, this does
/// the same with every other character that is not plain. (They can only stand inside strings.)
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// One statement (docs/reference/contract.md, "JSON").
#[derive(Debug, Serialize)]
pub(crate) struct EvidenceDoc<'a> {
    #[serde(flatten)]
    fields: EvidenceFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<&'a [Check]>,
}

#[derive(Debug, Serialize)]
struct EvidenceFields<'a> {
    kind: &'a crate::domain::evidence::EvidenceKind,
    predicate_type: &'a Option<crate::domain::Untrusted>,
    format: &'a crate::domain::evidence::Format,
    id: String,
    digest: &'a crate::domain::Digest,
    attached_to: &'a crate::domain::Digest,
    subjects: &'a [crate::domain::Digest],
    found_in: &'a Option<crate::domain::Untrusted>,
    state: &'a crate::domain::evidence::EvidenceState,
    cause: &'a Option<crate::domain::CauseKind>,
    detail: &'a Option<crate::domain::Untrusted>,
    signer: &'a Option<crate::domain::evidence::Signer>,
    log: &'a crate::domain::evidence::LogEvidence,
    timestamp: &'a crate::domain::evidence::TimeSource,
    signed_at: &'a Option<Timestamp>,
    content_time: &'a Option<Timestamp>,
    summary: Option<&'a Summary>,
}

/// The statements of a digest, without their single checks.
pub(crate) fn evidence(all: &[Evidence]) -> Vec<EvidenceDoc<'_>> {
    all.iter().map(|one| EvidenceDoc::of(one, false)).collect()
}

/// The statements of a digest, every check on its own.
pub(crate) fn evidence_with_checks(all: &[Evidence]) -> Vec<EvidenceDoc<'_>> {
    all.iter().map(|one| EvidenceDoc::of(one, true)).collect()
}

impl<'a> EvidenceDoc<'a> {
    fn of(one: &'a Evidence, checks: bool) -> Self {
        Self {
            fields: EvidenceFields {
                kind: &one.kind,
                predicate_type: &one.predicate_type,
                format: &one.format,
                id: one.id().to_string(),
                digest: &one.digest,
                attached_to: &one.attached_to,
                subjects: &one.subjects,
                found_in: &one.found_in,
                state: &one.state,
                cause: &one.cause,
                detail: &one.detail,
                signer: &one.signer,
                log: &one.log,
                timestamp: &one.timestamp,
                signed_at: &one.signed_at,
                content_time: &one.content_time,
                summary: (one.summary != Summary::None).then_some(&one.summary),
            },
            checks: checks.then_some(&one.checks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_document_steers_a_terminal() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{202e}\u{200b}\u{e0001}é";
        let text = escaped(&serde_json::to_string(hostile).expect("a string"));
        assert!(text.chars().all(is_plain), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("still JSON"), hostile);
    }
}
