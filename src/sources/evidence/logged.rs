//! Rekor entries of kinds that `sigstore-verify` does not know, bound to the envelope here.
//!
//! cosign before 2.0 logged attestations as `intoto` 0.0.1. `sigstore-verify` is given such an entry
//! under a kind it knows, with the envelope shown as a message signature over its pre-authentication
//! encoding. It then verifies the promise (which covers the body's bytes, whatever they say), the
//! certificate chain at the promised time, the SCT and the signature, and refuses at its very last
//! step, where body and bundle are compared: those two kinds do not go together. That refusal and no
//! other is expected; the comparison is then made here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sigstore_types::{Bundle, DerCertificate, DerPublicKey};
use sigstore_verify::{Error, TransparencyLogError};

use crate::domain::id::Digest;
use crate::domain::text::quoted;

/// What a log entry's body must say, where that is compared here.
pub(super) struct EntryBinding<'a> {
    /// Which kind its body must be.
    pub kind: LogEntryKind,
    /// The envelope's bytes as they were logged (`intoto` only).
    pub envelope: &'a [u8],
    /// The payload's bytes.
    pub payload: &'a [u8],
    /// Bytes of the signature, decoded.
    pub signature: &'a [u8],
}

/// The kinds of body that are compared here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogEntryKind {
    /// `intoto` 0.0.1.
    Intoto,
    /// `dsse` 0.0.1, where `sigstore-verify` cannot read the statement itself.
    Dsse,
}

/// The refusals of the last step (`sigstore-verify` 0.15.1, pinned exactly; tests keep them).
const LAST_INTOTO: &str = "Rekor entry intoto/0.0.2 is incompatible with a message signature";
const LAST_DSSE: &str = "Rekor entry dsse/0.0.1 is incompatible with a message signature";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<S> {
    api_version: String,
    kind: String,
    spec: S,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoSpec {
    content: IntotoContent,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoContent {
    hash: Hash,
    payload_hash: Hash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DsseSpec {
    payload_hash: Hash,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
    verifier: String,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

impl Hash {
    fn is_of(&self, bytes: &[u8]) -> bool {
        self.algorithm == "sha256" && self.value == Digest::of(bytes).hex()
    }
}

fn mismatch(text: impl Into<String>) -> Error {
    TransparencyLogError::EntryMismatch(text.into()).into()
}

impl EntryBinding<'_> {
    /// Whether everything else has been verified when this error comes.
    pub(crate) fn is_last_refusal(&self, error: &Error) -> bool {
        let last = match self.kind {
            LogEntryKind::Intoto => LAST_INTOTO,
            LogEntryKind::Dsse => LAST_DSSE,
        };
        matches!(error, Error::UnsupportedBundle(text) if text == last)
    }

    /// Compares the body of the bundle's one entry with envelope, signature and signer: `key`, or the
    /// bundle's certificate.
    pub(crate) fn check(&self, bundle: &Bundle, key: Option<&DerPublicKey>) -> Result<(), Error> {
        let [entry] = bundle.verification_material.tlog_entries.as_slice() else {
            return Err(mismatch("exactly one log entry is expected"));
        };
        let body = entry.canonicalized_body.as_bytes();
        let (payload_hash, signer) = match self.kind {
            LogEntryKind::Intoto => {
                let spec: IntotoSpec = read(body, "intoto")?;
                // The envelope contains the signature, so its hash binds that too.
                if !spec.content.hash.is_of(self.envelope) {
                    return Err(mismatch("the log entry is for another envelope"));
                }
                (spec.content.payload_hash, spec.public_key)
            }
            LogEntryKind::Dsse => {
                let spec: DsseSpec = read(body, "dsse")?;
                let Ok([logged]) = <[Signature; 1]>::try_from(spec.signatures) else {
                    return Err(mismatch("the log entry does not have exactly one signature"));
                };
                if STANDARD.decode(&logged.signature).ok().as_deref() != Some(self.signature) {
                    return Err(mismatch("the log entry is for another signature"));
                }
                (spec.payload_hash, logged.verifier)
            }
        };
        if !payload_hash.is_of(self.payload) {
            return Err(mismatch("the log entry is for another payload"));
        }
        let pem = STANDARD.decode(&signer).ok().and_then(|b| String::from_utf8(b).ok());
        let Some(pem) = pem else {
            return Err(mismatch("the log entry's verifier is not PEM"));
        };
        let holds = match bundle.signing_certificate() {
            Some(certificate) => DerCertificate::from_pem(&pem).is_ok_and(|logged| logged == *certificate),
            None => DerPublicKey::from_pem(&pem).is_ok_and(|logged| key == Some(&logged)),
        };
        if !holds {
            return Err(mismatch("the log entry names another signer"));
        }
        Ok(())
    }
}

fn read<S: serde::de::DeserializeOwned>(body: &[u8], kind: &str) -> Result<S, Error> {
    let body: Body<S> =
        serde_json::from_slice(body).map_err(|e| TransparencyLogError::MalformedEntry(e.to_string()))?;
    if (body.kind.as_str(), body.api_version.as_str()) != (kind, "0.0.1") {
        return Err(mismatch(format!(
            "the entry is {} {}",
            quoted(&body.kind),
            quoted(&body.api_version)
        )));
    }
    Ok(body.spec)
}
