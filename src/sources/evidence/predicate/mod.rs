//! What predicates say, once their statement is trusted (or shown as unsigned).
//!
//! Every parser takes the predicate as text and keeps only what a summary needs; an SBOM of several
//! MB is counted, never kept.

mod count;
mod provenance;
mod sbom;
mod test_result;
mod time;
mod vsa;
mod vulns;

use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) use sbom::is_compressed;
pub use sbom::{SbomPackage, list};

use crate::domain::evidence::{Evidence, EvidenceKind, EvidenceState, Format, Summary};
use crate::domain::text::quoted;

/// The packages that a verified SBOM lists, sorted and without doubles. It reads what was signed, never
/// the registry; `None` for anything but a verified SBOM whose content was kept
/// ([`Question::keep_content`](super::Question)), and for one that cannot be read.
pub fn packages(evidence: &Evidence) -> Option<Vec<SbomPackage>> {
    if evidence.kind != EvidenceKind::Sbom || evidence.state != EvidenceState::Verified {
        return None;
    }
    let mut list = list(evidence.content.as_ref()?.as_str().as_bytes())?;
    list.sort_unstable();
    list.dedup();
    Some(list)
}

/// What a predicate of this kind says.
///
/// # Errors
/// If it does not have the shape of its type; the text says what is missing.
pub fn summary(kind: EvidenceKind, predicate: &str) -> Result<Summary, String> {
    match kind {
        EvidenceKind::Provenance => provenance::parse(predicate).map(Summary::Provenance),
        EvidenceKind::Sbom => sbom::embedded(predicate).map(Summary::Sbom),
        EvidenceKind::TestResult => test_result::parse(predicate).map(Summary::TestResult),
        EvidenceKind::VulnerabilityScan => vulns::parse(predicate).map(Summary::VulnerabilityScan),
        EvidenceKind::VerificationSummary => vsa::parse(predicate).map(Summary::VerificationSummary),
        EvidenceKind::Signature | EvidenceKind::Other => Ok(Summary::None),
    }
}

/// What a bare document is, that carries neither a signature nor a statement around it: an SBOM, a
/// scanner's report or a predicate on its own.
///
/// # Errors
/// If it is nothing that pindeck reads.
pub fn bare(content: &[u8]) -> Result<(EvidenceKind, Format, Summary), String> {
    if sbom::looks_like(content) {
        return sbom::document(content).map(|s| (EvidenceKind::Sbom, Format::Sbom, Summary::Sbom(s)));
    }
    let text = std::str::from_utf8(content).map_err(|_| "it is not text".to_owned())?;
    let keys: PredicateKeys<'_> =
        serde_json::from_str(text).map_err(|e| format!("it is not a JSON object: {}", quoted(&e)))?;
    let kind = match keys {
        PredicateKeys { runs: Some(_), .. } => {
            return Ok((EvidenceKind::VulnerabilityScan, Format::Sarif, Summary::None));
        }
        PredicateKeys {
            schema_version: Some(_),
            artifact_name: Some(_),
            ..
        } => {
            let found = Summary::VulnerabilityScan(vulns::report(text));
            return Ok((EvidenceKind::VulnerabilityScan, Format::Unknown, found));
        }
        PredicateKeys {
            build_definition: Some(_),
            ..
        }
        | PredicateKeys {
            builder: Some(_),
            build_type: Some(_),
            ..
        }
        | PredicateKeys {
            builder: Some(_),
            recipe: Some(_),
            ..
        } => EvidenceKind::Provenance,
        PredicateKeys { scanner: Some(_), .. } => EvidenceKind::VulnerabilityScan,
        PredicateKeys {
            verifier: Some(_),
            verification_result: Some(_),
            ..
        } => EvidenceKind::VerificationSummary,
        PredicateKeys { result: Some(_), .. } => EvidenceKind::TestResult,
        _ => return Ok((EvidenceKind::Other, Format::Unknown, Summary::None)),
    };
    summary(kind, text).map(|summary| (kind, Format::Unknown, summary))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PredicateKeys<'a> {
    #[serde(borrow)]
    build_definition: Option<&'a RawValue>,
    #[serde(borrow)]
    builder: Option<&'a RawValue>,
    #[serde(borrow)]
    build_type: Option<&'a RawValue>,
    #[serde(borrow)]
    recipe: Option<&'a RawValue>,
    #[serde(borrow)]
    scanner: Option<&'a RawValue>,
    #[serde(borrow)]
    verifier: Option<&'a RawValue>,
    #[serde(borrow)]
    verification_result: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    /// SARIF.
    #[serde(borrow)]
    runs: Option<&'a RawValue>,
    /// trivy.
    #[serde(rename = "SchemaVersion", borrow)]
    schema_version: Option<&'a RawValue>,
    /// trivy.
    #[serde(rename = "ArtifactName", borrow)]
    artifact_name: Option<&'a RawValue>,
}
