//! The annotations of cosign's own layouts: signature, certificate, Rekor's answer and timestamp, which
//! cosign writes beside the blob. None of them is signed; each is verified or counts for nothing.

use serde::Deserialize;
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{
    CanonicalizedBody, DerCertificate, InclusionPromise, KindVersion, LogId, LogIndex, LogKeyId, PublicKeyIdentifier,
    SignedTimestamp, TimestampToken, TransparencyLogEntry, X509Certificate,
};

use super::item::Item;
use super::keys::pem_blocks;
use super::statement::decode_base64;
use crate::domain::evidence::CauseKind;
use crate::domain::id::Digest;
use crate::domain::text::quoted;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const REKOR: &str = "dev.sigstore.cosign/bundle";
const RFC3161: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// What cosign's annotations say beside the signature.
pub(super) struct Annotated {
    /// The certificates, or that there is a key only.
    pub material: VerificationMaterialContent,
    /// Rekor's answer.
    pub entry: Option<TransparencyLogEntry>,
    /// Whether the entry is `intoto` 0.0.1, whose body is compared here.
    pub entry_is_intoto: bool,
    /// A timestamp over the envelope or the signature.
    pub timestamp: Option<TimestampToken>,
}

/// The signature of a `.sig` layer.
pub(super) fn signature(item: &Item) -> Result<Vec<u8>, (CauseKind, String)> {
    let text = item.annotations.get(SIGNATURE).filter(|text| !text.is_empty());
    let text = text.ok_or((CauseKind::Malformed, format!("the layer has no annotation {SIGNATURE}")))?;
    decode_base64(text).map_err(|e| {
        (
            CauseKind::Malformed,
            format!("the signature is not base64: {}", quoted(&e)),
        )
    })
}

/// Reads the annotations. What is not there is none; what is there and broken is an error.
pub(super) fn annotated(item: &Item) -> Result<Annotated, (CauseKind, String)> {
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
    let (entry, entry_is_intoto) = match get(REKOR) {
        None => (None, false),
        Some(text) => {
            let (entry, is_intoto) =
                entry(text).map_err(|(cause, why)| (cause, format!("the annotation {REKOR} {why}")))?;
            (Some(entry), is_intoto)
        }
    };
    Ok(Annotated {
        material,
        entry,
        entry_is_intoto,
        timestamp,
    })
}

fn certificates(pem: &str) -> Result<Vec<X509Certificate>, String> {
    let all = certificates_of(pem)?;
    if all.is_empty() {
        return Err("has no certificate in it".to_owned());
    }
    Ok(all)
}

fn certificates_of(pem: &str) -> Result<Vec<X509Certificate>, String> {
    pem_blocks(pem)?
        .into_iter()
        .map(|(label, der)| match label.as_str() {
            "CERTIFICATE" => Ok(X509Certificate::new(DerCertificate::new(der))),
            other => Err(format!("has a {other} in it, not a CERTIFICATE")),
        })
        .collect()
}

fn timestamp(text: &str) -> Result<TimestampToken, String> {
    #[derive(Deserialize)]
    struct CosignTimestamp {
        #[serde(rename = "SignedRFC3161Timestamp")]
        token: String,
    }
    let stamp: CosignTimestamp = serde_json::from_str(text).map_err(|e| format!("is no timestamp: {}", quoted(&e)))?;
    let token = decode_base64(&stamp.token).map_err(|e| format!("is not base64: {}", quoted(&e)))?;
    Ok(TimestampToken::new(token))
}

/// Rekor's answer as cosign keeps it, and whether it is `intoto` 0.0.1.
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
    let rekor: Rekor = serde_json::from_str(text).map_err(|e| malformed(format!("is no log entry: {}", quoted(&e))))?;
    let body = decode_base64(&rekor.payload.body)
        .map_err(|e| malformed(format!("has a body that is not base64: {}", quoted(&e))))?;
    let head: Body =
        serde_json::from_slice(&body).map_err(|e| malformed(format!("has a broken body: {}", quoted(&e))))?;
    let (kind, is_intoto) = match (head.kind.as_str(), head.api_version.as_str()) {
        ("hashedrekord", "0.0.1") => (KindVersion::HashedRekordV001, false),
        ("dsse", "0.0.1") => (KindVersion::DsseV001, false),
        ("intoto", "0.0.2") => (KindVersion::IntotoV002, false),
        // Shown under a kind that the verifier knows; see `logged`.
        ("intoto", "0.0.1") => (KindVersion::IntotoV002, true),
        (kind, version) => {
            let why = format!(
                "is of kind {}, which is not judged",
                quoted(&format!("{kind} {version}"))
            );
            return Err((CauseKind::Unsupported, why));
        }
    };
    let id = Digest::from_hex(&rekor.payload.log_id)
        .map_err(|e| malformed(format!("has a broken logID: {}", quoted(&e))))?;
    let index = LogIndex::try_from(rekor.payload.log_index)
        .map_err(|e| malformed(format!("has a broken logIndex: {}", quoted(&e))))?;
    let time = jiff::Timestamp::from_second(rekor.payload.integrated_time)
        .map_err(|e| malformed(format!("has a broken integratedTime: {}", quoted(&e))))?;
    let promise = decode_base64(&rekor.promise)
        .map_err(|e| malformed(format!("has a promise that is not base64: {}", quoted(&e))))?;
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
    Ok((entry, is_intoto))
}
