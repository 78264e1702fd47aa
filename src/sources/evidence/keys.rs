//! Public keys: reading them, and checking a signature with them.
//!
//! The standard pairs of curve and hash go through `sigstore`'s `CosignVerificationKey`; the pairs
//! that older tools wrote (P-384 with SHA-256 and the like) through the same library below it.

use aws_lc_rs::digest::{self, Digest as Hashed};
use aws_lc_rs::signature as algorithms;
use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sigstore::crypto::{CosignVerificationKey, Signature};
use sigstore_types::DerPublicKey;
use x509_cert::der::asn1::{Any, BitString, ObjectIdentifier};
use x509_cert::der::{self, Encode as _};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::domain::id::Digest;
use crate::domain::policy::{TrustedKey, Validity};
use crate::domain::text::quoted;

/// A trusted public key.
pub(super) struct Key {
    /// As the configuration names it.
    pub name: String,
    /// SubjectPublicKeyInfo.
    pub der: DerPublicKey,
    /// When it was in use.
    pub validity: Validity,
    standard: CosignVerificationKey,
    family: KeyFamily,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyFamily {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa,
}

/// What was signed, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Only its SHA-256.
    Sha256(Digest),
}

/// What a key says about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is this key's, under the scheme named.
    Holds(&'static str),
    /// It is not.
    Fails,
    /// Ed25519 signs the bytes themselves, and only their digest is known.
    NeedsBytes,
}

type SignatureScheme = (
    &'static str,
    &'static dyn VerificationAlgorithm,
    &'static digest::Algorithm,
);

impl Key {
    /// Every public key of a PEM file.
    pub(crate) fn parse_all(trusted: &TrustedKey) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for (label, der) in pem_blocks(&trusted.pem)? {
            let der = match label.as_str() {
                "PUBLIC KEY" => der,
                "RSA PUBLIC KEY" => wrap_rsa(&der)?,
                other => return Err(format!("it has a {other} in it, not a PUBLIC KEY")),
            };
            keys.push(Self::from_der(&trusted.name, der, trusted.validity)?);
        }
        if keys.is_empty() {
            return Err("it has no PEM block".to_owned());
        }
        Ok(keys)
    }

    /// A key from its SubjectPublicKeyInfo.
    pub(crate) fn from_der(name: &str, der: Vec<u8>, validity: Validity) -> Result<Self, String> {
        let standard = CosignVerificationKey::try_from_der(&der).map_err(|e| e.to_string())?;
        let family = match &standard {
            CosignVerificationKey::ECDSA_P256_SHA256_ASN1(_) => KeyFamily::P256,
            CosignVerificationKey::ECDSA_P384_SHA384_ASN1(_) => KeyFamily::P384,
            CosignVerificationKey::ECDSA_P521_SHA512_ASN1(_) => KeyFamily::P521,
            CosignVerificationKey::ED25519(_) => KeyFamily::Ed25519,
            CosignVerificationKey::RSA_PKCS1_SHA256(_) | CosignVerificationKey::RSA_PSS_SHA256(_) => KeyFamily::Rsa,
        };
        let der = DerPublicKey::new(der);
        Ok(Self {
            name: name.to_owned(),
            der,
            validity,
            standard,
            family,
        })
    }

    /// cosign's hint: base64 of the SHA-256 of the key.
    pub(crate) fn hint(&self) -> String {
        STANDARD.encode(self.hash())
    }

    fn hash(&self) -> [u8; 32] {
        *Digest::of(self.der.as_bytes()).as_bytes()
    }

    /// Whether a hint (of a bundle, or an envelope's key id) names this key.
    pub(crate) fn is_named_by(&self, hint: &str) -> bool {
        let hint = hint.trim();
        let bare = hint.strip_prefix("SHA256:").unwrap_or(hint);
        let hash = self.hash();
        !bare.is_empty()
            && (bare == STANDARD.encode(hash)
                || bare == STANDARD_NO_PAD.encode(hash)
                || bare.eq_ignore_ascii_case(&Digest::from_bytes(hash).hex()))
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn check(&self, message: Message<'_>, signature: &[u8]) -> Answer {
        if let Message::Bytes(bytes) = message {
            let signature = Signature::Raw(signature);
            if self.standard.verify_signature(signature, bytes).is_ok() {
                return Answer::Holds(self.standard_scheme());
            }
        }
        let spki = self.der.as_bytes();
        for (name, algorithm, hash) in self.schemes() {
            let key = UnparsedPublicKey::new(*algorithm, spki);
            let holds = match message {
                Message::Bytes(bytes) => key.verify(bytes, signature).is_ok(),
                Message::Sha256(known) if *hash == &digest::SHA256 => {
                    Hashed::import_less_safe(known.as_bytes(), &digest::SHA256)
                        .is_ok_and(|hashed| key.verify_digest(&hashed, signature).is_ok())
                }
                Message::Sha256(_) => false,
            };
            if holds {
                return Answer::Holds(name);
            }
        }
        match message {
            Message::Sha256(_) if self.family == KeyFamily::Ed25519 => Answer::NeedsBytes,
            _ => Answer::Fails,
        }
    }

    const fn standard_scheme(&self) -> &'static str {
        match self.family {
            KeyFamily::P256 => "ECDSA P-256 with SHA-256",
            KeyFamily::P384 => "ECDSA P-384 with SHA-384",
            KeyFamily::P521 => "ECDSA P-521 with SHA-512",
            KeyFamily::Ed25519 => "Ed25519",
            KeyFamily::Rsa => "RSA PKCS#1 with SHA-256",
        }
    }

    /// Everything that real tools have signed with such a key; "plain" is r and s without ASN.1.
    fn schemes(&self) -> &'static [SignatureScheme] {
        match self.family {
            KeyFamily::P256 => &[
                (
                    "ECDSA P-256 with SHA-256",
                    &algorithms::ECDSA_P256_SHA256_ASN1,
                    &digest::SHA256,
                ),
                (
                    "ECDSA P-256 with SHA-384",
                    &algorithms::ECDSA_P256_SHA384_ASN1,
                    &digest::SHA384,
                ),
                (
                    "ECDSA P-256 with SHA-256, plain",
                    &algorithms::ECDSA_P256_SHA256_FIXED,
                    &digest::SHA256,
                ),
            ],
            KeyFamily::P384 => &[
                (
                    "ECDSA P-384 with SHA-384",
                    &algorithms::ECDSA_P384_SHA384_ASN1,
                    &digest::SHA384,
                ),
                (
                    "ECDSA P-384 with SHA-256",
                    &algorithms::ECDSA_P384_SHA256_ASN1,
                    &digest::SHA256,
                ),
                (
                    "ECDSA P-384 with SHA-384, plain",
                    &algorithms::ECDSA_P384_SHA384_FIXED,
                    &digest::SHA384,
                ),
            ],
            KeyFamily::P521 => &[
                (
                    "ECDSA P-521 with SHA-512",
                    &algorithms::ECDSA_P521_SHA512_ASN1,
                    &digest::SHA512,
                ),
                (
                    "ECDSA P-521 with SHA-256",
                    &algorithms::ECDSA_P521_SHA256_ASN1,
                    &digest::SHA256,
                ),
                (
                    "ECDSA P-521 with SHA-512, plain",
                    &algorithms::ECDSA_P521_SHA512_FIXED,
                    &digest::SHA512,
                ),
            ],
            KeyFamily::Ed25519 => &[],
            KeyFamily::Rsa => &[
                (
                    "RSA PKCS#1 with SHA-256",
                    &algorithms::RSA_PKCS1_2048_8192_SHA256,
                    &digest::SHA256,
                ),
                (
                    "RSA PSS with SHA-256",
                    &algorithms::RSA_PSS_2048_8192_SHA256,
                    &digest::SHA256,
                ),
                (
                    "RSA PKCS#1 with SHA-512",
                    &algorithms::RSA_PKCS1_2048_8192_SHA512,
                    &digest::SHA512,
                ),
                (
                    "RSA PSS with SHA-512",
                    &algorithms::RSA_PSS_2048_8192_SHA512,
                    &digest::SHA512,
                ),
            ],
        }
    }
}

/// The blocks of a PEM text: label and content. A byte order mark before the text is left out.
pub(super) fn pem_blocks(text: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let blocks = pem::parse_many(text).map_err(|error| format!("its PEM is broken: {}", quoted(&error)))?;
    // The parser leaves out a block that has no end.
    if blocks.len() != text.matches("-----BEGIN ").count() {
        return Err("a PEM block has no end".to_owned());
    }
    Ok(blocks
        .into_iter()
        .map(|block| (block.tag().to_owned(), block.into_contents()))
        .collect())
}

/// Puts a bare PKCS#1 key into a SubjectPublicKeyInfo (RFC 8017 A.1, RFC 5280 4.1).
fn wrap_rsa(pkcs1: &[u8]) -> Result<Vec<u8>, String> {
    const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let broken = |error: der::Error| format!("it is no RSA key: {}", quoted(&error));
    let info = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        subject_public_key: BitString::from_bytes(pkcs1).map_err(broken)?,
    };
    info.to_der().map_err(broken)
}
