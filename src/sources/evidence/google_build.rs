//! Google Cloud Build's provenance as `gcloud` prints it: envelopes signed with Google's own keys, each
//! beside a readable copy of what was signed. It is shown, and never counts; a copy that does not say
//! what was signed is refused.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use super::conclude::introduce;
use super::item::Item;
use super::report::Report;
use super::statement::Statement;
use crate::domain::evidence::{CauseKind, Evidence, Format};

/// Larger documents than this are no provenance.
const CAP: usize = 4 << 20;

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct Document {
    provenance_summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    provenance: Vec<Occurrence>,
}

#[derive(Deserialize)]
struct Occurrence {
    #[serde(default)]
    build: Value,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Envelope {
    payload: String,
}

/// Reads such a document; `None` if it is none.
pub(super) fn check(item: &Item, document: &str) -> Option<Vec<Evidence>> {
    if document.len() > CAP || !document.contains("\"provenance_summary\"") {
        return None;
    }
    let read: Document = serde_json::from_str(document).ok()?;
    let all = read.provenance_summary.provenance.into_iter();
    Some(all.map(|occurrence| one(item, &occurrence)).collect())
}

fn one(item: &Item, occurrence: &Occurrence) -> Evidence {
    let mut report = Report::new(item, Format::CosignAttestation);
    let payload = match URL_SAFE.decode(&occurrence.envelope.payload) {
        Ok(payload) => payload,
        Err(error) => return report.end(CauseKind::Malformed, format!("the payload is not base64: {error}")),
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
    report.end(
        CauseKind::Unsupported,
        "signed with keys of Google Cloud Build, which are not judged: shown, never counted",
    )
}
