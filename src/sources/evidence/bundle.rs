//! Sigstore bundles, v0.1 to v0.3: message signatures and DSSE envelopes.

use sigstore_types::bundle::{MessageSignature, VerificationMaterialContent};
use sigstore_types::{
    Artifact, ArtifactDigest, Bundle, DsseEnvelope, HashAlgorithm, KindVersion, MediaType, Sha256Hash, Sha512Hash,
    SignatureContent,
};

use super::claim::Claim;
use super::conclude::{conclude, introduce, profile, subject};
use super::container;
use super::google_build;
use super::item::{Item, Question};
use super::keys::Message;
use super::logged::{EntryBinding, LogEntryKind};
use super::prove::prove;
use super::report::{Refusal, Report, named_kind};
use super::statement::{IN_TOTO, Statement, SubjectMatch};
use super::trust::Profile;
use crate::domain::evidence::{CauseKind, CheckName, Evidence, EvidenceKind, Format};
use crate::domain::id::Digest;
use crate::domain::text::{Untrusted, quoted};

/// Checks one bundle.
pub(super) fn check(item: &Item, document: &str, question: &Question<'_>) -> Evidence {
    let mut report = Report::new(item, Format::SigstoreBundle);
    let bundle = match Bundle::from_json(document) {
        Ok(bundle) => bundle,
        Err(error) => {
            name(&mut report, item, document);
            let text = error.to_string();
            // A newer format, or a log entry of a kind that is not known: nothing is wrong with it.
            let newer = text.contains("Invalid media type") || text.contains("unsupported Rekor entry format");
            let cause = if newer {
                CauseKind::Unsupported
            } else {
                CauseKind::Malformed
            };
            return report.end(cause, format!("the bundle cannot be read: {}", quoted(&text)));
        }
    };
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => dsse(report, item, &bundle, envelope, question),
        SignatureContent::MessageSignature(signature) => message(report, &bundle, signature, question),
        _ => report.end(
            CauseKind::Unsupported,
            "the bundle's content is of a kind that is not known",
        ),
    }
}

/// Names a bundle that cannot be read: from its payload, else from its annotations.
fn name(report: &mut Report, item: &Item, document: &str) {
    if let Some(text) = container::statement_text(document)
        && let Ok(statement) = Statement::parse(&text)
    {
        introduce(report, &statement);
        return;
    }
    let (kind, predicate) = named_kind(item);
    let signature = document.contains("\"messageSignature\"");
    let evidence = report.evidence();
    evidence.kind = if signature { EvidenceKind::Signature } else { kind };
    evidence.predicate_type = predicate.map(Untrusted::new);
}

/// Whether the format is new enough for the profile.
fn version(profile: &Profile, bundle: &Bundle) -> Result<(), Refusal> {
    let Some(oldest) = profile.demands.bundle_version else {
        return Ok(());
    };
    let found = match bundle.media_type {
        MediaType::Bundle0_1 => (0, 1),
        MediaType::Bundle0_2 => (0, 2),
        MediaType::Bundle0_3 => (0, 3),
        _ => (0, 0),
    };
    if found < oldest {
        let detail = format!(
            "the bundle is of version {}.{}; trust profile {} asks for {}.{}",
            found.0, found.1, profile.name, oldest.0, oldest.1
        );
        return Err(Refusal::new(CheckName::Signature, CauseKind::Unsupported, detail));
    }
    Ok(())
}

fn hint(bundle: &Bundle) -> Option<&str> {
    match &bundle.verification_material.content {
        VerificationMaterialContent::PublicKey(key) => Some(&key.hint),
        _ => None,
    }
}

fn dsse(
    mut report: Report,
    item: &Item,
    bundle: &Bundle,
    envelope: &DsseEnvelope,
    question: &Question<'_>,
) -> Evidence {
    if envelope.payload_type != IN_TOTO {
        let (kind, _) = named_kind(item);
        report.evidence().kind = kind;
        let detail = format!(
            "the envelope contains {:?}, no in-toto statement",
            envelope.payload_type
        );
        return report.end(CauseKind::Unsupported, detail);
    }
    let statement = match Statement::parse(envelope.payload.as_bytes()) {
        Ok(statement) => statement,
        Err(why) => {
            let (kind, _) = named_kind(item);
            report.evidence().kind = kind;
            return report.end(CauseKind::Malformed, why);
        }
    };
    introduce(&mut report, &statement);
    let trusted = profile(report.kind(), question).and_then(|p| version(p, bundle).map(|()| p));
    let trusted = match trusted {
        Ok(profile) => profile,
        Err(refusal) => return report.refuse(refusal),
    };
    let signature = envelope.signature.sig.as_bytes();
    let pae = envelope.pae();
    let keyid = Some(envelope.signature.keyid.as_str()).filter(|id| !id.is_empty());
    let mut claim = Claim {
        bundle,
        message: Message::Bytes(&pae),
        artifact: Artifact::Blob(&[]),
        signature,
        hint: keyid.or_else(|| hint(bundle)),
        binding: None,
        times: Vec::new(),
        service: question.service,
    };
    if question_of_key(bundle, trusted) {
        claim.hint = hint(bundle).filter(|h| !h.is_empty()).or(keyid);
    }
    // Verified against what it says of itself; whether that is what was asked comes after.
    let proven = match own_digest(&statement) {
        Some(digest) if statement.is_strict() && !(is_large(envelope) && entry_binding(bundle, envelope).is_ok()) => {
            claim.artifact = Artifact::Digest(digest);
            prove(&mut report, trusted, &claim)
        }
        // A statement that the verifier does not read, whose subjects have no digest it compares (a git
        // commit), or which is so large that it should not be kept as a tree: the same signature over the
        // same bytes, shown as a message.
        _ => match entry_binding(bundle, envelope) {
            Ok(binding) => {
                let view = as_message(bundle, envelope);
                claim.binding = binding;
                claim.bundle = &view;
                claim.artifact = Artifact::Blob(&pae);
                prove(&mut report, trusted, &claim)
            }
            Err(refusal) => Err(refusal),
        },
    };
    match proven {
        Ok(()) => conclude(report, item, &statement, question),
        Err(refusal) if refusal.cause == CauseKind::OtherSigner && keyid.is_some_and(google_build::is_named_by) => {
            google_build::not_judged(report)
        }
        Err(refusal) => report.refuse(refusal),
    }
}

/// The key id of an envelope names a key only where a key is asked for.
fn question_of_key(bundle: &Bundle, profile: &Profile) -> bool {
    hint(bundle).is_some() && profile.demands.key_id.is_none()
}

/// The verifier keeps a whole statement as a tree of values, many times its size.
fn is_large(envelope: &DsseEnvelope) -> bool {
    envelope.payload.len() > 1 << 20
}

/// How the log entries of an envelope are bound when it is shown as a message: a Rekor v2 entry contains the
/// hash of what was signed either way, the body of a `dsse` entry is compared here, and others are not
/// judged.
fn entry_binding<'a>(bundle: &Bundle, envelope: &'a DsseEnvelope) -> Result<Option<EntryBinding<'a>>, Refusal> {
    let entries = bundle.verification_material.tlog_entries.as_slice();
    match entries {
        [entry] if entry.kind_version == KindVersion::DsseV001 => Ok(Some(EntryBinding {
            kind: LogEntryKind::Dsse,
            envelope: &[],
            payload: envelope.payload.as_bytes(),
            signature: envelope.signature.sig.as_bytes(),
        })),
        all if all.iter().all(|e| e.kind_version == KindVersion::HashedRekordV002) => Ok(None),
        _ => Err(Refusal::new(
            CheckName::Subject,
            CauseKind::Unsupported,
            "its subjects name no digest that can be compared (SHA-256 or SHA-512)",
        )),
    }
}

/// A digest of one of the statement's own subjects.
pub(super) fn own_digest(statement: &Statement<'_>) -> Option<ArtifactDigest> {
    if let Some(first) = statement.subjects().first() {
        return Some(ArtifactDigest::sha256(Sha256Hash::new(*first.as_bytes())));
    }
    let sha512 = statement.digests().find(|(algorithm, _)| *algorithm == "sha512")?.1;
    let hash = Sha512Hash::from_hex(sha512).ok()?;
    ArtifactDigest::new(HashAlgorithm::Sha2512, hash.as_bytes().to_vec()).ok()
}

/// The same signature shown as a message signature over the envelope's pre-authentication encoding.
pub(super) fn as_message(bundle: &Bundle, envelope: &DsseEnvelope) -> Bundle {
    let signature = MessageSignature::new(envelope.signature.sig.clone());
    Bundle::new(
        bundle.media_type,
        bundle.verification_material.clone(),
        SignatureContent::MessageSignature(signature),
    )
}

/// A signature over the manifest itself.
fn message(mut report: Report, bundle: &Bundle, signature: &MessageSignature, question: &Question<'_>) -> Evidence {
    report.evidence().kind = EvidenceKind::Signature;
    let trusted = profile(EvidenceKind::Signature, question).and_then(|p| version(p, bundle).map(|()| p));
    let trusted = match trusted {
        Ok(profile) => profile,
        Err(refusal) => return report.refuse(refusal),
    };
    let bytes = question.manifest_bytes.map(|bytes| (Digest::of(bytes), bytes));
    let declared = signature
        .message_digest
        .as_ref()
        .filter(|d| d.algorithm == HashAlgorithm::Sha2256)
        .and_then(|d| <[u8; 32]>::try_from(d.digest.as_bytes()).ok())
        .map(Digest::from_bytes);
    let asked = [Some(question.subject), question.via];
    // What it says it signed; else the content it hangs on; else the content asked about.
    let hangs_on = bytes.map(|(digest, _)| digest).filter(|d| asked.contains(&Some(*d)));
    let target = declared.or(hangs_on).unwrap_or(question.subject);
    let content = bytes.filter(|(digest, _)| *digest == target).map(|(_, bytes)| bytes);
    report.evidence().subjects = vec![target];
    let claim = Claim {
        bundle,
        message: content.map_or(Message::Sha256(target), Message::Bytes),
        artifact: match content {
            Some(bytes) => Artifact::Blob(bytes),
            None => Artifact::from_digest(Sha256Hash::new(*target.as_bytes())),
        },
        signature: signature.signature.as_bytes(),
        hint: hint(bundle),
        binding: None,
        times: Vec::new(),
        service: question.service,
    };
    let about = match target {
        target if target == question.subject => Some(SubjectMatch::Itself),
        target if Some(target) == question.via => Some(SubjectMatch::Via(target)),
        _ => None,
    };
    let proven = prove(&mut report, trusted, &claim).and_then(|()| subject(&mut report, about, &[target], question));
    match proven {
        Ok(()) => {
            report.not_present(CheckName::Predicate, "a signature over the content itself");
            report.verified()
        }
        Err(refusal) => report.refuse(refusal),
    }
}
