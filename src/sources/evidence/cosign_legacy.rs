//! cosign's own layouts: `.sig` (simple signing payload, signature in an annotation) and `.att` (DSSE
//! envelope), with or without a certificate and Rekor's answer beside them.
//!
//! With a log entry they are turned into a v0.1 bundle, which says the same, and judged like one.

use serde::Deserialize;
use sigstore_types::bundle::{MessageSignature, VerificationMaterialContent};
use sigstore_types::{
    Artifact, Bundle, CanonicalizedBody, DerCertificate, DsseEnvelope, DsseSignature, InclusionPromise, KeyId,
    KindVersion, LogId, LogIndex, LogKeyId, MediaType, PayloadBytes, PublicKeyIdentifier, Rfc3161Timestamp,
    SignatureBytes, SignatureContent, SignedTimestamp, TimestampToken, TimestampVerificationData, TransparencyLogEntry,
    VerificationMaterial, X509Certificate,
};

use base64::Engine as _;

use super::bundle::{as_message, own_digest};
use super::conclude::{conclude, introduce, profile, subject};
use super::item::{Item, Question};
use super::keys::{Message, pem_blocks};
use super::logged::{ByHand, Kind};
use super::prove::{Claim, prove};
use super::report::{Refusal, Report, named_kind};
use super::statement::{About, Envelope, IN_TOTO, LENIENT, Statement};
use super::trust::Profile;
use crate::domain::evidence::{CauseKind, CheckName, Evidence, EvidenceKind, Format};
use crate::domain::id::Digest;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const REKOR: &str = "dev.sigstore.cosign/bundle";
const RFC3161: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// What a simple signing payload must say of its type
/// (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>).
const CRITICAL_TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct SimpleSigning {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(default)]
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
struct Identity {
    #[serde(rename = "docker-reference", default)]
    docker_reference: Option<String>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Everything beside the signature that the annotations hold.
struct Beside {
    material: VerificationMaterialContent,
    entry: Option<TransparencyLogEntry>,
    /// The entry is `intoto` 0.0.1, which is bound by hand.
    by_hand: bool,
    timestamp: Option<TimestampToken>,
}

/// Checks a `.sig` layer.
pub(super) fn signature(item: &Item, payload: &[u8], question: &Question<'_>) -> Evidence {
    let mut report = Report::new(item, Format::CosignSignature);
    report.evidence().kind = EvidenceKind::Signature;
    let signed: SimpleSigning = match serde_json::from_slice(payload) {
        Ok(signed) => signed,
        Err(error) => return report.end(CauseKind::Malformed, format!("no simple signing payload: {error}")),
    };
    let Ok(about) = signed.critical.image.digest.parse::<Digest>() else {
        let detail = format!(
            "docker-manifest-digest is {:?}, no digest",
            signed.critical.image.digest
        );
        return report.end(CauseKind::Malformed, detail);
    };
    report.evidence().subjects = vec![about];
    let read = || -> Result<(Vec<u8>, Beside), (CauseKind, String)> {
        let text = item.annotations.get(SIGNATURE).filter(|text| !text.is_empty());
        let text = text.ok_or((CauseKind::Malformed, format!("the layer has no annotation {SIGNATURE}")))?;
        let signature = LENIENT
            .decode(text.trim())
            .map_err(|e| (CauseKind::Malformed, format!("the signature is not base64: {e}")))?;
        Ok((signature, beside(item)?))
    };
    let (signature, beside) = match read() {
        Ok(read) => read,
        Err((cause, detail)) => return report.end(cause, detail),
    };
    let trusted = match profile(EvidenceKind::Signature, question) {
        Ok(profile) => profile,
        Err(refusal) => return report.refuse(refusal),
    };
    if beside.by_hand {
        return report.end(CauseKind::Unsupported, "an intoto log entry beside a simple signature");
    }
    let content = SignatureContent::MessageSignature(MessageSignature::new(SignatureBytes::new(signature.clone())));
    let stamps = beside
        .timestamp
        .clone()
        .into_iter()
        .map(Rfc3161Timestamp::new)
        .collect();
    let bundle = as_bundle(&beside, content, stamps);
    let claim = Claim {
        bundle: &bundle,
        message: Message::Bytes(payload),
        artifact: Artifact::Blob(payload),
        signature: &signature,
        hint: None,
        by_hand: None,
        times: Vec::new(),
        service: question.service,
    };
    if let Err(refusal) = prove(&mut report, trusted, &claim) {
        return report.refuse(refusal);
    }
    let named = match about {
        about if about == question.subject => Some(About::Itself),
        about if Some(about) == question.via => Some(About::Via(about)),
        _ => None,
    };
    let held = subject(&mut report, named, &[about], question).and_then(|()| payload_says(trusted, &signed.critical));
    match held {
        Ok(detail) => {
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
        let detail = format!("the envelope holds {:?}, no in-toto statement", envelope.payload_type);
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
    let beside = match beside(item) {
        Ok(beside) => beside,
        Err((cause, detail)) => return report.end(cause, detail),
    };
    // The signature that got furthest speaks for the envelope; one that holds is enough.
    let mut furthest: Option<(Report, Refusal)> = None;
    for signature in envelope.signatures.iter().take(16) {
        let mut attempt = Report::new(item, Format::CosignAttestation);
        introduce(&mut attempt, &statement);
        let one = One {
            item,
            document,
            envelope: &envelope,
            payload: &payload,
            statement: &statement,
        };
        match one.prove(&mut attempt, trusted, signature, &beside, question) {
            Ok(()) => return conclude(attempt, item, &statement, question),
            Err(refusal) => {
                if furthest.as_ref().is_none_or(|(_, known)| known.cause < refusal.cause) {
                    furthest = Some((attempt, refusal));
                }
            }
        }
    }
    match furthest {
        Some((attempt, refusal)) => attempt.refuse(refusal),
        None => report.end(CauseKind::Malformed, "the envelope has no signature"),
    }
}

/// One signature of an envelope.
struct One<'a> {
    item: &'a Item,
    document: &'a str,
    envelope: &'a Envelope<'a>,
    payload: &'a [u8],
    statement: &'a Statement<'a>,
}

impl One<'_> {
    fn prove(
        &self,
        report: &mut Report,
        profile: &Profile,
        signature: &super::statement::EnvelopeSignature<'_>,
        beside: &Beside,
        question: &Question<'_>,
    ) -> Result<(), Refusal> {
        let malformed = |why: String| Refusal::new(CheckName::Signature, CauseKind::Malformed, why);
        let bytes = signature.bytes().map_err(malformed)?;
        if signature.cert.is_some() && beside.entry.is_none() && beside.timestamp.is_none() {
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
        if let Some(token) = &beside.timestamp {
            match self.stamped(profile, token)? {
                Some(time) => claim_times.push(time),
                None => stamps.push(Rfc3161Timestamp::new(token.clone())),
            }
        }
        let mut bundle = as_bundle(beside, SignatureContent::DsseEnvelope(sealed.clone()), stamps);
        let mut artifact = own_digest(self.statement).map(Artifact::Digest);
        if beside.by_hand || (artifact.is_none() && beside.entry.is_none()) {
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
            by_hand: beside.by_hand.then_some(ByHand {
                kind: Kind::Intoto,
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
    fn stamped(&self, profile: &Profile, token: &TimestampToken) -> Result<Option<jiff::Timestamp>, Refusal> {
        let Some(root) = &profile.root else {
            return Ok(None);
        };
        let content = self
            .item
            .content
            .as_ref()
            .map_or(self.document.as_bytes(), |bytes| bytes);
        let over = SignatureBytes::new(content.to_vec());
        for authority in root.trusted.tsa_authorities() {
            match sigstore_verify::tsa::verify_timestamp_for_authority(token, &over, &authority) {
                Ok(time) => return Ok(Some(time)),
                Err(sigstore_verify::tsa::Error::TimestampOutsideValidity { time }) => {
                    let detail = format!("timestamped at {time}, when the authority was not valid");
                    return Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
                }
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

fn as_bundle(beside: &Beside, content: SignatureContent, stamps: Vec<Rfc3161Timestamp>) -> Bundle {
    let material = VerificationMaterial::new(beside.material.clone())
        .with_tlog_entries(beside.entry.clone().into_iter().collect())
        .with_timestamp_verification_data(TimestampVerificationData::new(stamps));
    Bundle::new(MediaType::Bundle0_1, material, content)
}

/// Reads the annotations. What is not there is none; what is there and broken is an error.
fn beside(item: &Item) -> Result<Beside, (CauseKind, String)> {
    let malformed = |what: &str, why: String| (CauseKind::Malformed, format!("the annotation {what} {why}"));
    let get = |key: &str| {
        item.annotations
            .get(key)
            .map(String::as_str)
            .filter(|text| !text.trim().is_empty())
    };
    let material = match get(CERTIFICATE) {
        None => VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new("")),
        Some(pem) => {
            let mut certificates = certificates(pem).map_err(|why| malformed(CERTIFICATE, why))?;
            certificates.truncate(1);
            if let Some(pem) = get(CHAIN) {
                let chain = certificates_of(pem).map_err(|why| malformed(CHAIN, why))?;
                // The last is the root, which must come from the trusted root and from nowhere else.
                let intermediates = chain.len().saturating_sub(1);
                certificates.extend(chain.into_iter().take(intermediates));
            }
            VerificationMaterialContent::X509CertificateChain { certificates }
        }
    };
    let timestamp = match get(RFC3161) {
        None => None,
        Some(text) => Some(timestamp(text).map_err(|why| malformed(RFC3161, why))?),
    };
    let (entry, by_hand) = match get(REKOR) {
        None => (None, false),
        Some(text) => {
            let (entry, by_hand) =
                entry(text).map_err(|(cause, why)| (cause, format!("the annotation {REKOR} {why}")))?;
            (Some(entry), by_hand)
        }
    };
    Ok(Beside {
        material,
        entry,
        by_hand,
        timestamp,
    })
}

fn certificates(pem: &str) -> Result<Vec<X509Certificate>, String> {
    let all = certificates_of(pem)?;
    if all.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    Ok(all)
}

fn certificates_of(pem: &str) -> Result<Vec<X509Certificate>, String> {
    pem_blocks(pem)?
        .into_iter()
        .map(|(label, der)| match label.as_str() {
            "CERTIFICATE" => Ok(X509Certificate::new(DerCertificate::new(der))),
            other => Err(format!("holds a {other}, not a CERTIFICATE")),
        })
        .collect()
}

fn timestamp(text: &str) -> Result<TimestampToken, String> {
    #[derive(Deserialize)]
    struct Stamp {
        #[serde(rename = "SignedRFC3161Timestamp")]
        token: String,
    }
    let stamp: Stamp = serde_json::from_str(text).map_err(|e| format!("is no timestamp: {e}"))?;
    let token = LENIENT.decode(stamp.token).map_err(|e| format!("is not base64: {e}"))?;
    Ok(TimestampToken::new(token))
}

/// Rekor's answer as cosign keeps it.
fn entry(text: &str) -> Result<(TransparencyLogEntry, bool), (CauseKind, String)> {
    #[derive(Deserialize)]
    struct Rekor {
        #[serde(rename = "SignedEntryTimestamp")]
        promise: String,
        #[serde(rename = "Payload")]
        payload: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        body: String,
        #[serde(rename = "integratedTime")]
        integrated_time: i64,
        #[serde(rename = "logIndex")]
        log_index: i64,
        #[serde(rename = "logID")]
        log_id: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        kind: String,
        api_version: String,
    }
    let malformed = |why: String| (CauseKind::Malformed, why);
    let rekor: Rekor = serde_json::from_str(text).map_err(|e| malformed(format!("is no log entry: {e}")))?;
    let body = LENIENT
        .decode(&rekor.payload.body)
        .map_err(|e| malformed(format!("has a body that is not base64: {e}")))?;
    let head: Body = serde_json::from_slice(&body).map_err(|e| malformed(format!("has a broken body: {e}")))?;
    let (kind, by_hand) = match (head.kind.as_str(), head.api_version.as_str()) {
        ("hashedrekord", "0.0.1") => (KindVersion::HashedRekordV001, false),
        ("dsse", "0.0.1") => (KindVersion::DsseV001, false),
        ("intoto", "0.0.2") => (KindVersion::IntotoV002, false),
        // Shown under a kind that the verifier knows; see `logged`.
        ("intoto", "0.0.1") => (KindVersion::IntotoV002, true),
        (kind, version) => {
            let why = format!("is of kind {kind} {version}, which is not judged");
            return Err((CauseKind::Unsupported, why));
        }
    };
    let id = Digest::from_hex(&rekor.payload.log_id).map_err(|e| malformed(format!("has a broken logID: {e}")))?;
    let index =
        LogIndex::try_from(rekor.payload.log_index).map_err(|e| malformed(format!("has a broken logIndex: {e}")))?;
    let time = jiff::Timestamp::from_second(rekor.payload.integrated_time)
        .map_err(|e| malformed(format!("has a broken integratedTime: {e}")))?;
    let promise = LENIENT
        .decode(&rekor.promise)
        .map_err(|e| malformed(format!("has a promise that is not base64: {e}")))?;
    if promise.is_empty() {
        return Err(malformed("has no signed entry timestamp".to_owned()));
    }
    let entry = TransparencyLogEntry::new(
        index,
        LogId::new(LogKeyId::new(id.as_bytes().to_vec())),
        kind,
        CanonicalizedBody::new(body),
    )
    .with_integrated_time(time)
    .with_inclusion_promise(InclusionPromise::new(SignedTimestamp::new(promise)));
    Ok((entry, by_hand))
}
