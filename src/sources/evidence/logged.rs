//! Rekor entries of kinds that `sigstore-verify` does not know, bound to the envelope by hand.
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

/// What a body of kind `intoto` 0.0.1 must say.
pub(super) struct ByHand<'a> {
    /// The envelope's bytes as they were logged.
    pub envelope: &'a [u8],
    /// The payload's bytes.
    pub payload: &'a [u8],
}

/// The refusal of the last step (`sigstore-verify` 0.15.1, pinned exactly; a test keeps it).
const LAST_REFUSAL: &str = "Rekor entry intoto/0.0.2 is incompatible with a message signature";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    content: Content,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    hash: Hash,
    payload_hash: Hash,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

impl ByHand<'_> {
    /// Whether everything else has been verified when this error comes.
    pub fn is_last_refusal(&self, error: &Error) -> bool {
        matches!(error, Error::UnsupportedBundle(text) if text == LAST_REFUSAL)
    }

    /// Compares the body of the bundle's one entry with the envelope and the signer: `key`, or the
    /// bundle's certificate.
    pub fn bind(&self, bundle: &Bundle, key: Option<&DerPublicKey>) -> Result<(), Error> {
        let mismatch = |text: String| Err(Error::from(TransparencyLogError::EntryMismatch(text)));
        let [entry] = bundle.verification_material.tlog_entries.as_slice() else {
            return mismatch("exactly one log entry is expected".to_owned());
        };
        let body: Body = serde_json::from_slice(entry.canonicalized_body.as_bytes())
            .map_err(|e| TransparencyLogError::MalformedEntry(e.to_string()))?;
        if (body.kind.as_str(), body.api_version.as_str()) != ("intoto", "0.0.1") {
            return mismatch(format!("the entry is {} {}", body.kind, body.api_version));
        }
        let same = |hash: &Hash, bytes: &[u8]| hash.algorithm == "sha256" && hash.value == Digest::of(bytes).hex();
        if !same(&body.spec.content.hash, self.envelope) {
            return mismatch("the log entry is for another envelope".to_owned());
        }
        if !same(&body.spec.content.payload_hash, self.payload) {
            return mismatch("the log entry is for another payload".to_owned());
        }
        let pem = STANDARD
            .decode(&body.spec.public_key)
            .ok()
            .and_then(|b| String::from_utf8(b).ok());
        let Some(pem) = pem else {
            return mismatch("the log entry's verifier is not PEM".to_owned());
        };
        let holds = match bundle.signing_certificate() {
            Some(certificate) => DerCertificate::from_pem(&pem).is_ok_and(|logged| logged == *certificate),
            None => DerPublicKey::from_pem(&pem).is_ok_and(|logged| key == Some(&logged)),
        };
        if !holds {
            return mismatch("the log entry names another signer".to_owned());
        }
        Ok(())
    }
}
