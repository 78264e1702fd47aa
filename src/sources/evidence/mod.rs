//! Verification of evidence: synchronous, offline, pure CPU.
//!
//! An [`Item`] (a blob that some artifact manifest names) goes in, [`Evidence`] comes out: one entry for
//! each statement, with its state, its cause and every check on its own. Whether the *policy* is
//! satisfied is decided by [`crate::domain::verdict::judge`], never here.
//!
//! Everything fails closed: what is not understood is *unsupported* or *malformed*, what could not be
//! fetched is *unreachable*, and only a statement whose signature, identity and subject all pass is
//! *verified*.

mod bundle;
mod certificate_name;
mod claim;
mod conclude;
mod container;
mod cosign_annotations;
mod cosign_legacy;
mod explain;
mod google_build;
mod identity;
mod item;
mod keys;
mod listed;
mod logged;
pub mod predicate;
mod prove;
mod report;
mod seal;
mod statement;
mod trust;

pub use item::{Carrier, HeldStatement, Item, ItemContent, OtherDigest, Question, StatementSource};
pub use listed::{artifact_without_statement, buildkit_layer};
pub(crate) use seal::SealKey;
pub(crate) use trust::{EMBEDDED_AS_OF, check_key, check_root, embedded};
pub use trust::{Trust, TrustError};

use std::borrow::Cow;

use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, Format};
use crate::domain::failure::Failure;
use crate::domain::text::{Untrusted, quoted};
use container::{ContainerShape, Document};
use report::{Report, named_kind};
use statement::Statement;

/// Most items of one digest that are looked at. cosign itself reads at most 100.
const MAX_ITEMS: usize = 512;
/// Most statements of one layer.
const MAX_STATEMENTS_OF_LAYER: usize = 256;
/// Most statements of one digest.
const MAX_STATEMENTS: usize = 1024;
/// Most compressed documents of one digest: each may unpack to many times its size.
const MAX_COMPRESSED: usize = 8;
/// Most bytes of one digest, in bytes.
const MAX_BYTES: usize = 256 << 20;

/// Whether a layer of this media type may contain a statement that [`check`] reads. The media type is not
/// signed: it decides what is fetched, and nothing else.
pub fn may_be_statement(media_type: &str) -> bool {
    let base = media_type.split(';').next().unwrap_or("").trim();
    base.starts_with("application/vnd.dev.sigstore.bundle")
        || base.starts_with("application/vnd.in-toto")
        || matches!(
            base,
            "application/vnd.dev.cosign.simplesigning.v1+json"
                | "application/vnd.dsse.envelope.v1+json"
                | "application/spdx+json"
                | "text/spdx+json"
                | "text/spdx"
                | "application/vnd.cyclonedx+json"
                | "application/vnd.cyclonedx+xml"
                | "application/vnd.cyclonedx"
        )
}

/// Checks one item against the question. Never panics; a layer of JSON lines may contain several
/// statements.
pub fn check(item: &Item, question: &Question<'_>) -> Vec<Evidence> {
    check_all(std::slice::from_ref(item), question)
}

/// Checks every item that is attached to one digest. What all of them together may cost is limited: an
/// item beyond a limit is *unsupported* and unread, and says which limit. The smallest come first, so that a few
/// large things that anybody may attach keep no signature from being looked at.
pub(crate) fn check_all(items: &[Item], question: &Question<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    let (mut statements, mut compressed, mut bytes) = (0, 0, 0usize);
    let mut smallest_first: Vec<&Item> = items.iter().collect();
    let size = |item: &Item| item.content.as_ref().map_or(0, ItemContent::size);
    smallest_first.sort_by_key(|item| size(item));
    for (position, item) in smallest_first.into_iter().enumerate() {
        // One at a time: what is not kept in memory is there for as long as it is looked at.
        let held = match item.content.clone().and_then(|content| content.held()) {
            Ok(held) => held,
            Err(problem) => {
                all.push(unread(item, &problem));
                continue;
            }
        };
        let content = &held.bytes;
        let item = &match &item.content {
            Ok(ItemContent::Again(_)) => Cow::Owned(Item {
                content: Ok(ItemContent::Kept(held.bytes.clone())),
                ..item.clone()
            }),
            _ => Cow::Borrowed(item),
        };
        bytes = bytes.saturating_add(content.len());
        compressed += usize::from(predicate::is_compressed(content));
        let beyond = if position >= MAX_ITEMS {
            Some(format!("more than {MAX_ITEMS} items are attached to the digest"))
        } else if bytes > MAX_BYTES {
            Some(format!("more than {} MiB are attached to the digest", MAX_BYTES >> 20))
        } else if compressed > MAX_COMPRESSED && predicate::is_compressed(content) {
            Some(format!(
                "more than {MAX_COMPRESSED} compressed documents are attached to the digest"
            ))
        } else {
            None
        };
        let left = MAX_STATEMENTS.saturating_sub(statements);
        let found = match beyond {
            Some(limit) => Err(limit),
            None => of_item(item, content, question, left.min(MAX_STATEMENTS_OF_LAYER)).ok_or_else(|| {
                if left < MAX_STATEMENTS_OF_LAYER {
                    format!("more than {MAX_STATEMENTS} statements are attached to the digest")
                } else {
                    format!("more than {MAX_STATEMENTS_OF_LAYER} statements are in one layer")
                }
            }),
        };
        match found {
            Ok(found) => {
                statements += found.len();
                all.extend(found);
            }
            Err(limit) => all.push(not_looked_at(item, &limit)),
        }
    }
    all
}

/// The statements of one item; `None` if there are more than `most`.
fn of_item(item: &Item, content: &[u8], question: &Question<'_>, most: usize) -> Option<Vec<Evidence>> {
    // Never signed, whatever it contains.
    if matches!(item.carrier, Carrier::SbomTag | Carrier::BuildkitInIndex) {
        return Some(vec![unsigned(item, content)]);
    }
    if item.media_type.starts_with("application/vnd.dev.cosign.simplesigning") {
        return Some(vec![cosign_legacy::signature(item, content, question)]);
    }
    let Ok(text) = std::str::from_utf8(content) else {
        return Some(vec![unsigned(item, content)]);
    };
    let documents = container::documents(text, most)?;
    let whole = documents.len() == 1;
    let mut found: Vec<Evidence> = documents
        .into_iter()
        .flat_map(|document| match document {
            // The whole layer, for its bytes are what was logged.
            Document::Json(json) => of_document(item, if whole { text } else { json }, json, question),
            Document::Broken(_) if whole => vec![unsigned(item, content)],
            Document::Broken(why) => {
                let mut report = named(item, format_of(item));
                report.evidence().kind = EvidenceKind::Other;
                vec![report.end(
                    CauseKind::Malformed,
                    format!("a line of it is no JSON: {}", quoted(&why)),
                )]
            }
        })
        .collect();
    if found.len() > 1 {
        for (part, evidence) in (0..).zip(&mut found) {
            evidence.part = Some(part);
        }
    }
    Some(found)
}

/// Checks one document of an item.
fn of_document(item: &Item, raw: &str, json: &str, question: &Question<'_>) -> Vec<Evidence> {
    let claims_bundle = item.media_type.starts_with("application/vnd.dev.sigstore.bundle");
    match container::shape(json) {
        ContainerShape::Bundle => vec![bundle::check(item, json, question)],
        ContainerShape::Envelope => vec![cosign_legacy::attestation(item, raw, question)],
        ContainerShape::SimpleSigning => vec![cosign_legacy::signature(item, json.as_bytes(), question)],
        ContainerShape::Statement => vec![unsigned(item, json.as_bytes())],
        ContainerShape::Bare if claims_bundle => vec![bundle::check(item, json, question)],
        ContainerShape::Bare => {
            google_build::check(item, json).unwrap_or_else(|| vec![unsigned(item, json.as_bytes())])
        }
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

/// How an item is packed, as far as it can be told without its content.
fn format_of(item: &Item) -> Format {
    match item.carrier {
        Carrier::CosignSigTag => Format::CosignSignature,
        Carrier::CosignAttTag => Format::CosignAttestation,
        Carrier::SbomTag => Format::Sbom,
        Carrier::BuildkitInIndex => Format::Buildkit,
        Carrier::GithubApi => Format::Github,
        Carrier::Referrer => listed::format(&item.media_type),
    }
}

/// An item whose content is not there.
fn unread(item: &Item, failure: &Failure) -> Evidence {
    let mut report = named(item, format_of(item));
    report.evidence().unread = true;
    let cause = match failure.kind.cause() {
        // Listed but not there: a store that lost a part of its evidence proves nothing.
        CauseKind::Absent => CauseKind::Unreachable,
        cause => cause,
    };
    report.end(cause, failure.sentence())
}

/// An item whose content is there, beyond what is looked at.
fn not_looked_at(item: &Item, limit: &str) -> Evidence {
    let mut report = named(item, format_of(item));
    report.evidence().unread = true;
    report.end(CauseKind::Unsupported, format!("{limit}: this one was not looked at"))
}

/// A statement, predicate or SBOM without any signature: shown with what it says, never counted.
fn unsigned(item: &Item, content: &[u8]) -> Evidence {
    let mut report = named(item, format_of(item));
    let text = std::str::from_utf8(content).unwrap_or_default();
    let (format, read) = match container::shape(text) {
        ContainerShape::Statement => {
            let read = Statement::parse(content).and_then(|statement| {
                conclude::introduce(&mut report, &statement);
                predicate::summary(report.kind(), statement.predicate_text())
            });
            (Format::InToto, read)
        }
        // Signed or not: what hangs where nothing is ever signed is not looked into further.
        ContainerShape::Bundle | ContainerShape::Envelope | ContainerShape::SimpleSigning => {
            (Format::Unknown, Ok(Default::default()))
        }
        ContainerShape::Bare => match predicate::bare(content) {
            Ok((kind, format, summary)) => {
                report.evidence().kind = kind;
                (format, Ok(summary))
            }
            Err(why) => (format_of(item), Err(why)),
        },
    };
    if item.carrier == Carrier::Referrer {
        report.evidence().format = format;
    }
    match read {
        Ok(summary) => {
            report.evidence().summary = summary;
            report.unsigned()
        }
        Err(why) => report.end(CauseKind::Malformed, why),
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
