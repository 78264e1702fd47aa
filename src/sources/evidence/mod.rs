//! Verification of evidence: synchronous, offline, pure CPU.
//!
//! One [`Item`] (a blob some artifact manifest names) goes in, [`Evidence`] comes out: one entry a
//! statement, each with its state, its cause and every check on its own. Whether the *policy* is
//! satisfied is decided by [`crate::domain::verdict::judge`], never here.
//!
//! Everything fails closed: what is not understood is *unsupported* or *malformed*, what could not be
//! fetched is *unreachable*, and only a statement whose signature, identity and subject all hold is
//! *verified*.

mod bundle;
mod conclude;
mod container;
mod cosign_legacy;
mod explain;
mod google_build;
mod identity;
mod item;
mod keys;
mod logged;
pub mod predicate;
mod prove;
mod report;
mod statement;
mod trust;

pub use item::{Carrier, Item, ItemProblem, OtherDigest, Question};
pub use trust::{Trust, TrustError};

use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, Format};
use crate::domain::text::Untrusted;
use container::{Document, Shape};
use report::{Report, named_kind};
use statement::Statement;

/// Whether a layer of this media type may hold a statement that [`check`] reads. The media type is not
/// signed: it decides what is fetched, and nothing else.
pub fn holds_statement(media_type: &str) -> bool {
    let base = media_type.split(';').next().unwrap_or("").trim();
    base.starts_with("application/vnd.dev.sigstore.bundle")
        || matches!(
            base,
            "application/vnd.dev.cosign.simplesigning.v1+json"
                | "application/vnd.dsse.envelope.v1+json"
                | "application/vnd.in-toto+json"
                | "application/spdx+json"
                | "text/spdx+json"
                | "text/spdx"
                | "application/vnd.cyclonedx+json"
                | "application/vnd.cyclonedx+xml"
                | "application/vnd.cyclonedx"
        )
}

/// Checks one item against the question. Never panics; a jsonl item may hold several statements.
pub fn check(item: &Item, question: &Question<'_>) -> Vec<Evidence> {
    let content = match &item.content {
        Ok(content) => content,
        Err(problem) => return vec![unread(item, problem)],
    };
    // Never signed, whatever it holds.
    if matches!(item.carrier, Carrier::SbomTag | Carrier::BuildkitInIndex) {
        return vec![unsigned(item, content)];
    }
    if item.media_type.starts_with("application/vnd.dev.cosign.simplesigning") {
        return vec![cosign_legacy::signature(item, content, question)];
    }
    let Ok(text) = std::str::from_utf8(content) else {
        return vec![unsigned(item, content)];
    };
    let documents = container::documents(text);
    let whole = documents.len() == 1;
    documents
        .into_iter()
        .flat_map(|document| match document {
            // The whole layer, for it is its bytes that were logged.
            Document::Json(json) => one(item, if whole { text } else { json }, json, question),
            Document::Broken(_) if whole => vec![unsigned(item, content)],
            Document::Broken(why) => {
                let mut report = named(item, Format::SigstoreBundle);
                report.evidence().kind = EvidenceKind::Other;
                vec![report.end(CauseKind::Malformed, format!("a line of it is no JSON: {why}"))]
            }
        })
        .collect()
}

/// Checks one document of an item.
fn one(item: &Item, raw: &str, json: &str, question: &Question<'_>) -> Vec<Evidence> {
    let claims_bundle = item.media_type.starts_with("application/vnd.dev.sigstore.bundle");
    match container::shape(json) {
        Shape::Bundle => vec![bundle::check(item, json, question)],
        Shape::Envelope => vec![cosign_legacy::attestation(item, raw, question)],
        Shape::SimpleSigning => vec![cosign_legacy::signature(item, json.as_bytes(), question)],
        Shape::Statement => vec![unsigned(item, json.as_bytes())],
        Shape::Bare if claims_bundle => vec![bundle::check(item, json, question)],
        Shape::Bare => google_build::check(item, json).unwrap_or_else(|| vec![unsigned(item, json.as_bytes())]),
    }
}

fn named(item: &Item, format: Format) -> Report {
    let (kind, predicate) = named_kind(item);
    let mut report = Report::new(item, format);
    let evidence = report.evidence();
    evidence.kind = kind;
    evidence.predicate_type = predicate.map(Untrusted::new);
    report
}

fn format_of(item: &Item) -> Format {
    match item.carrier {
        Carrier::CosignSigTag => Format::CosignSignature,
        Carrier::CosignAttTag => Format::CosignAttestation,
        Carrier::SbomTag | Carrier::BuildkitInIndex => Format::Buildkit,
        Carrier::Referrer if item.media_type.starts_with("application/vnd.dsse") => Format::CosignAttestation,
        Carrier::Referrer => Format::SigstoreBundle,
    }
}

/// An item whose content is not there.
fn unread(item: &Item, problem: &ItemProblem) -> Evidence {
    let report = named(item, format_of(item));
    match problem {
        ItemProblem::Unreachable(detail) => report.end(CauseKind::Unreachable, detail.clone()),
        ItemProblem::Corrupt { actual } => report.end(
            CauseKind::Corrupt,
            format!("the registry serves bytes that hash to {actual}"),
        ),
        ItemProblem::WrongSize(detail) => report.end(CauseKind::Corrupt, detail.clone()),
        ItemProblem::TooLarge(detail) => report.end(CauseKind::Unsupported, detail.clone()),
        ItemProblem::Malformed(detail) => report.end(CauseKind::Malformed, detail.clone()),
    }
}

/// A statement, predicate or SBOM without any signature: shown with what it says, never counted.
fn unsigned(item: &Item, content: &[u8]) -> Evidence {
    let mut report = named(item, Format::Buildkit);
    let text = std::str::from_utf8(content).unwrap_or_default();
    let read = match container::shape(text) {
        Shape::Statement => Statement::parse(content).and_then(|statement| {
            conclude::introduce(&mut report, &statement);
            predicate::summary(report.kind(), statement.predicate_text())
        }),
        // Signed or not: what hangs where nothing is ever signed is not looked into further.
        Shape::Bundle | Shape::Envelope | Shape::SimpleSigning => Ok(Default::default()),
        Shape::Bare => predicate::bare(content).map(|(kind, summary)| {
            report.evidence().kind = kind;
            summary
        }),
    };
    match read {
        Ok(summary) => {
            report.evidence().summary = summary;
            report.unsigned()
        }
        Err(why) => {
            report.evidence().format = format_of(item);
            report.end(CauseKind::Malformed, why)
        }
    }
}
