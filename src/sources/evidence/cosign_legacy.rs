//! cosign's own layouts: `.sig` (simple signing payload, signature in an annotation) and `.att` (DSSE
//! envelope), with or without a certificate and Rekor's answer beside them.
//!
//! With a log entry they are turned into a v0.1 bundle, which says the same, and judged like one.

use jiff::Timestamp;
use serde::Deserialize;
use sigstore_types::bundle::MessageSignature;
use sigstore_types::{
    Artifact, Bundle, DsseEnvelope, DsseSignature, KeyId, MediaType, PayloadBytes, Rfc3161Timestamp, SignatureBytes,
    SignatureContent, TimestampToken, TimestampVerificationData, VerificationMaterial,
};

use super::bundle::{as_message, own_digest};
use super::claim::Claim;
use super::conclude::{conclude, introduce, profile, subject};
use super::cosign_annotations::{self, Annotated, annotated};
use super::google_build;
use super::item::{Item, ItemContent, Question};
use super::keys::Message;
use super::logged::{EntryBinding, LogEntryKind};
use super::prove::prove;
use super::report::{Refusal, Report, named_kind};
use super::statement::{Envelope, EnvelopeSignature, IN_TOTO, Statement, SubjectMatch};
use super::trust::{Profile, VouchedTime};
use crate::domain::evidence::{CauseKind, CheckName, Evidence, EvidenceKind, Format};
use crate::domain::id::Digest;
use crate::domain::text::quoted;

/// Most signatures of one envelope that are tried; each may cost a verification with every key.
const MAX_SIGNATURES: usize = 16;

/// What a simple signing payload must say of its type
/// (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>).
const CRITICAL_TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct SimpleSigning {
    critical: Critical,
    #[serde(default)]
    optional: Option<Optional>,
}

#[derive(Deserialize)]
struct Optional {
    /// Seconds since 1970, where the signer wrote them.
    #[serde(default, deserialize_with = "seconds")]
    timestamp: Option<i64>,
}

/// A number, or nothing: the optional part may contain anything.
fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(serde_json::Value::deserialize(from)?.as_i64())
}

#[derive(Deserialize)]
struct Critical {
    #[serde(default)]
    identity: SignedImageIdentity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
struct SignedImageIdentity {
    #[serde(rename = "docker-reference", default)]
    docker_reference: Option<String>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Checks a `.sig` layer.
pub(super) fn signature(item: &Item, payload: &[u8], question: &Question<'_>) -> Evidence {
    let mut report = Report::new(item, Format::CosignSignature);
    report.evidence().kind = EvidenceKind::Signature;
    let signed: SimpleSigning = match serde_json::from_slice(payload) {
        Ok(signed) => signed,
        Err(error) => {
            return report.end(
                CauseKind::Malformed,
                format!("no simple signing payload: {}", quoted(&error)),
            );
        }
    };
    // Some tools write the digits in upper case.
    let Ok(about) = signed.critical.image.digest.to_ascii_lowercase().parse::<Digest>() else {
        let detail = format!(
            "docker-manifest-digest is {:?}, no digest",
            signed.critical.image.digest
        );
        return report.end(CauseKind::Malformed, detail);
    };
    report.evidence().subjects = vec![about];
    let read = cosign_annotations::signature(item).and_then(|signature| Ok((signature, annotated(item)?)));
    let (signature, annotated) = match read {
        Ok(read) => read,
        Err((cause, detail)) => return report.end(cause, detail),
    };
    let trusted = match profile(EvidenceKind::Signature, question) {
        Ok(profile) => profile,
        Err(refusal) => return report.refuse(refusal),
    };
    if annotated.entry_is_intoto {
        return report.end(CauseKind::Unsupported, "an intoto log entry beside a simple signature");
    }
    let content = SignatureContent::MessageSignature(MessageSignature::new(SignatureBytes::new(signature.clone())));
    let stamps = annotated
        .timestamp
        .clone()
        .into_iter()
        .map(Rfc3161Timestamp::new)
        .collect();
    let bundle = as_bundle(&annotated, content, stamps);
    let claim = Claim {
        bundle: &bundle,
        message: Message::Bytes(payload),
        artifact: Artifact::Blob(payload),
        signature: &signature,
        hint: None,
        binding: None,
        times: Vec::new(),
        service: question.service,
    };
    if let Err(refusal) = prove(&mut report, trusted, &claim) {
        return report.refuse(refusal);
    }
    let named = match about {
        about if about == question.subject => Some(SubjectMatch::Itself),
        about if Some(about) == question.via => Some(SubjectMatch::Via(about)),
        _ => None,
    };
    let about_it =
        subject(&mut report, named, &[about], question).and_then(|()| payload_says(trusted, &signed.critical));
    match about_it {
        Ok(detail) => {
            let stated = signed.optional.and_then(|optional| optional.timestamp);
            let stated = stated.and_then(|seconds| Timestamp::from_second(seconds).ok());
            let evidence = report.evidence();
            evidence.content_time = evidence.content_time.into_iter().chain(stated).min();
            report.passed(CheckName::Predicate, detail);
            report.verified()
        }
        Err(refusal) => report.refuse(refusal),
    }
}

/// The payload's type, and the repository where the profile asks for one.
fn payload_says(profile: &Profile, critical: &Critical) -> Result<String, Refusal> {
    if critical.kind != CRITICAL_TYPE {
        let detail = format!("critical.type is {:?}, not {CRITICAL_TYPE:?}", critical.kind);
        return Err(Refusal::new(CheckName::Predicate, CauseKind::WrongPredicate, detail));
    }
    let named = critical.identity.docker_reference.as_deref().unwrap_or_default();
    match &profile.demands.docker_reference {
        Some(wanted) if wanted != named => Err(Refusal::new(
            CheckName::Predicate,
            CauseKind::PolicyFailed,
            format!(
                "it was signed as {named:?}; trust profile {} asks for {wanted:?}",
                profile.name
            ),
        )),
        _ => Ok(format!("critical.type is {CRITICAL_TYPE:?}")),
    }
}

/// Checks a DSSE envelope that is no bundle: a `.att` layer, or one attached otherwise.
pub(super) fn attestation(item: &Item, document: &str, question: &Question<'_>) -> Evidence {
    let mut report = Report::new(item, Format::CosignAttestation);
    let (kind, _) = named_kind(item);
    report.evidence().kind = kind;
    let read = Envelope::parse(document).and_then(|e| e.payload().map(|p| (e, p)));
    let (envelope, payload) = match read {
        Ok(read) => read,
        Err(why) => return report.end(CauseKind::Malformed, why),
    };
    if envelope.payload_type != IN_TOTO {
        let detail = format!(
            "the envelope contains {:?}, no in-toto statement",
            envelope.payload_type
        );
        return report.end(CauseKind::Unsupported, detail);
    }
    let statement = match Statement::parse(&payload) {
        Ok(statement) => statement,
        Err(why) => return report.end(CauseKind::Malformed, why),
    };
    introduce(&mut report, &statement);
    if envelope.signatures.is_empty() {
        return report.unsigned();
    }
    let trusted = match profile(report.kind(), question) {
        Ok(profile) => profile,
        Err(refusal) => return report.refuse(refusal),
    };
    let annotated = match annotated(item) {
        Ok(annotated) => annotated,
        Err((cause, detail)) => return report.end(cause, detail),
    };
    // The signature that got furthest speaks for the envelope; one that verifies is enough.
    let mut furthest: Option<(Report, Refusal)> = None;
    let mut by_google = false;
    for signature in envelope.signatures.iter().take(MAX_SIGNATURES) {
        by_google |= signature.hint().is_some_and(google_build::is_named_by);
        let mut attempt = Report::new(item, Format::CosignAttestation);
        introduce(&mut attempt, &statement);
        let signed = SignedEnvelope {
            item,
            document,
            envelope: &envelope,
            payload: &payload,
            statement: &statement,
        };
        match signed.prove(&mut attempt, trusted, signature, &annotated, question) {
            Ok(()) => return conclude(attempt, item, &statement, question),
            Err(refusal) => {
                if furthest.as_ref().is_none_or(|(_, known)| known.cause < refusal.cause) {
                    furthest = Some((attempt, refusal));
                }
            }
        }
    }
    match furthest {
        Some((attempt, refusal)) if by_google && refusal.cause == CauseKind::OtherSigner => {
            google_build::not_judged(attempt)
        }
        Some((attempt, refusal)) => attempt.refuse(refusal),
        None => report.end(CauseKind::Malformed, "the envelope has no signature"),
    }
}

/// An envelope that is no bundle, with what its signatures are over.
struct SignedEnvelope<'a> {
    item: &'a Item,
    document: &'a str,
    envelope: &'a Envelope<'a>,
    payload: &'a [u8],
    statement: &'a Statement<'a>,
}

impl SignedEnvelope<'_> {
    /// Proves one of its signatures.
    fn prove(
        &self,
        report: &mut Report,
        profile: &Profile,
        signature: &EnvelopeSignature<'_>,
        annotated: &Annotated,
        question: &Question<'_>,
    ) -> Result<(), Refusal> {
        let malformed = |why: String| Refusal::new(CheckName::Signature, CauseKind::Malformed, why);
        let bytes = signature.bytes().map_err(malformed)?;
        if signature.cert.is_some() && annotated.entry.is_none() && annotated.timestamp.is_none() {
            let detail = "signed with a certificate, but neither a log entry nor a timestamp is attached: it cannot be verified offline";
            return Err(Refusal::new(CheckName::Timestamp, CauseKind::Unsupported, detail));
        }
        let sealed = DsseEnvelope::new(
            self.envelope.payload_type.to_string(),
            PayloadBytes::new(self.payload.to_vec()),
            DsseSignature::new(SignatureBytes::new(bytes.clone()), KeyId::new("")),
        );
        let pae = sealed.pae();
        let mut claim_times = Vec::new();
        let mut stamps = Vec::new();
        if let Some(token) = &annotated.timestamp {
            match self.stamped(profile, token)? {
                Some(time) => claim_times.push(time),
                None => stamps.push(Rfc3161Timestamp::new(token.clone())),
            }
        }
        let mut bundle = as_bundle(annotated, SignatureContent::DsseEnvelope(sealed.clone()), stamps);
        let mut artifact = own_digest(self.statement).map(Artifact::Digest);
        if annotated.entry_is_intoto || (artifact.is_none() && annotated.entry.is_none()) {
            bundle = as_message(&bundle, &sealed);
            artifact = Some(Artifact::Blob(&pae));
        }
        let Some(artifact) = artifact else {
            let detail = "its subjects name no digest that can be compared (SHA-256 or SHA-512)";
            return Err(Refusal::new(CheckName::Subject, CauseKind::Unsupported, detail));
        };
        let claim = Claim {
            bundle: &bundle,
            message: Message::Bytes(&pae),
            artifact,
            signature: &bytes,
            hint: signature.hint(),
            binding: annotated.entry_is_intoto.then_some(EntryBinding {
                kind: LogEntryKind::Intoto,
                envelope: self.document.as_bytes(),
                payload: self.payload,
                signature: &bytes,
            }),
            times: claim_times,
            service: question.service,
        };
        prove(report, profile, &claim)
    }

    /// cosign had the whole envelope timestamped, where a bundle has the signature. The time, if the
    /// token is over the envelope; `None` if it may be over the signature.
    fn stamped(&self, profile: &Profile, token: &TimestampToken) -> Result<Option<VouchedTime>, Refusal> {
        let Some(root) = &profile.root else {
            return Ok(None);
        };
        let content = match &self.item.content {
            Ok(ItemContent::Kept(bytes)) => bytes,
            // What is looked at is kept for as long (`check_all`).
            Ok(ItemContent::Again(_)) | Err(_) => self.document.as_bytes(),
        };
        root.stamped(token, &SignatureBytes::new(content.to_vec()))
            .map_err(|time| {
                let detail = format!("timestamped at {time}, when the authority was not in use");
                Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail)
            })
    }
}

fn as_bundle(annotated: &Annotated, content: SignatureContent, stamps: Vec<Rfc3161Timestamp>) -> Bundle {
    let material = VerificationMaterial::new(annotated.material.clone())
        .with_tlog_entries(annotated.entry.clone().into_iter().collect())
        .with_timestamp_verification_data(TimestampVerificationData::new(stamps));
    Bundle::new(MediaType::Bundle0_1, material, content)
}
