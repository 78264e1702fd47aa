//! Google Cloud Build's provenance as `gcloud` prints it: envelopes signed with Google's own keys, each
//! beside a readable copy of what was signed. It is shown, and never counts; a copy that does not say
//! what was signed is refused.

use serde::Deserialize;
use serde_json::Value;

use super::conclude::introduce;
use super::item::Item;
use super::report::Report;
use super::statement::{Statement, decode_base64};
use crate::domain::evidence::{CauseKind, Evidence, Format};
use crate::domain::text::quoted;

/// Larger documents than this are no provenance.
const CAP: usize = 4 << 20;
/// More occurrences of one document than this are not looked at. Nothing hides behind them: none counts.
const MAX_OCCURRENCES: usize = 64;

const NOT_JUDGED: &str = "signed with keys of Google Cloud Build, which are not judged: shown, never counted";

/// Whether a key id names a key of Google Cloud Build. It is not signed: it names what does not count
/// already, and makes nothing pass.
pub(super) fn is_named_by(key_id: &str) -> bool {
    key_id.starts_with("projects/verified-builder/")
}

/// Names what none of the team's keys signed as Google's own.
pub(super) fn not_judged(mut report: Report) -> Evidence {
    report.evidence().format = Format::Gcb;
    report.end(CauseKind::Unsupported, NOT_JUDGED)
}

#[derive(Deserialize)]
struct ImageDescription {
    provenance_summary: SummaryBody,
}

#[derive(Deserialize)]
struct SummaryBody {
    provenance: Vec<Occurrence>,
}

#[derive(Deserialize)]
struct Occurrence {
    #[serde(default)]
    build: Value,
    envelope: EnvelopeBody,
}

#[derive(Deserialize)]
struct EnvelopeBody {
    payload: String,
}

/// Reads such a document; `None` if it is none.
pub(super) fn check(item: &Item, document: &str) -> Option<Vec<Evidence>> {
    if document.len() > CAP || !document.contains("\"provenance_summary\"") {
        return None;
    }
    let read: ImageDescription = serde_json::from_str(document).ok()?;
    let all = read.provenance_summary.provenance.into_iter();
    Some(
        all.take(MAX_OCCURRENCES)
            .map(|occurrence| evidence(item, &occurrence))
            .collect(),
    )
}

fn evidence(item: &Item, occurrence: &Occurrence) -> Evidence {
    let mut report = Report::new(item, Format::Gcb);
    let payload = match decode_base64(&occurrence.envelope.payload) {
        Ok(payload) => payload,
        Err(error) => {
            return report.end(
                CauseKind::Malformed,
                format!("the payload is not base64: {}", quoted(&error)),
            );
        }
    };
    match Statement::parse(&payload) {
        Ok(statement) => introduce(&mut report, &statement),
        Err(why) => return report.end(CauseKind::Malformed, why),
    }
    let signed: Value = serde_json::from_slice(&payload).unwrap_or_default();
    for name in ["intotoStatement", "inTotoSlsaProvenanceV1"] {
        let Some(Value::Object(copy)) = occurrence.build.get(name) else {
            continue;
        };
        let mut copy = copy.clone();
        if let Some(predicate) = copy.remove("slsaProvenance") {
            copy.insert("predicate".to_owned(), predicate);
        }
        if Value::Object(copy) != signed {
            return report.end(CauseKind::Malformed, "the readable copy does not say what was signed");
        }
    }
    report.end(CauseKind::Unsupported, NOT_JUDGED)
}
