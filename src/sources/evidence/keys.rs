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

use super::statement::LENIENT;
use crate::domain::id::Digest;

/// A trusted public key.
pub(super) struct Key {
    /// As the configuration names it.
    pub name: String,
    /// SubjectPublicKeyInfo.
    pub der: DerPublicKey,
    standard: CosignVerificationKey,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
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

type Scheme = (
    &'static str,
    &'static dyn VerificationAlgorithm,
    &'static digest::Algorithm,
);

impl Key {
    /// Every public key of a PEM file.
    pub fn parse_all(name: &str, text: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for (label, der) in pem_blocks(text)? {
            let der = match label.as_str() {
                "PUBLIC KEY" => der,
                "RSA PUBLIC KEY" => wrap_rsa(&der),
                other => return Err(format!("it holds a {other}, not a PUBLIC KEY")),
            };
            keys.push(Self::from_der(name, der)?);
        }
        if keys.is_empty() {
            return Err("it holds no PEM block".to_owned());
        }
        Ok(keys)
    }

    /// A key from its SubjectPublicKeyInfo.
    pub fn from_der(name: &str, der: Vec<u8>) -> Result<Self, String> {
        let standard = CosignVerificationKey::try_from_der(&der).map_err(|e| e.to_string())?;
        let family = match &standard {
            CosignVerificationKey::ECDSA_P256_SHA256_ASN1(_) => Family::P256,
            CosignVerificationKey::ECDSA_P384_SHA384_ASN1(_) => Family::P384,
            CosignVerificationKey::ECDSA_P521_SHA512_ASN1(_) => Family::P521,
            CosignVerificationKey::ED25519(_) => Family::Ed25519,
            CosignVerificationKey::RSA_PKCS1_SHA256(_) | CosignVerificationKey::RSA_PSS_SHA256(_) => Family::Rsa,
        };
        let der = DerPublicKey::new(der);
        Ok(Self {
            name: name.to_owned(),
            der,
            standard,
            family,
        })
    }

    /// cosign's hint: base64 of the SHA-256 of the key.
    pub fn hint(&self) -> String {
        STANDARD.encode(self.hash())
    }

    fn hash(&self) -> [u8; 32] {
        *Digest::of(self.der.as_bytes()).as_bytes()
    }

    /// Whether a hint (of a bundle, or an envelope's key id) names this key.
    pub fn is_named_by(&self, hint: &str) -> bool {
        let hint = hint.trim();
        let bare = hint.strip_prefix("SHA256:").unwrap_or(hint);
        let hash = self.hash();
        !bare.is_empty()
            && (bare == STANDARD.encode(hash)
                || bare == STANDARD_NO_PAD.encode(hash)
                || bare.eq_ignore_ascii_case(&Digest::from_bytes(hash).hex()))
    }

    /// Whether `signature` is this key's over `message`.
    pub fn check(&self, message: Message<'_>, signature: &[u8]) -> Answer {
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
            Message::Sha256(_) if self.family == Family::Ed25519 => Answer::NeedsBytes,
            _ => Answer::Fails,
        }
    }

    const fn standard_scheme(&self) -> &'static str {
        match self.family {
            Family::P256 => "ECDSA P-256 with SHA-256",
            Family::P384 => "ECDSA P-384 with SHA-384",
            Family::P521 => "ECDSA P-521 with SHA-512",
            Family::Ed25519 => "Ed25519",
            Family::Rsa => "RSA PKCS#1 with SHA-256",
        }
    }

    /// Everything that real tools have signed with such a key; "plain" is r and s without ASN.1.
    fn schemes(&self) -> &'static [Scheme] {
        match self.family {
            Family::P256 => &[
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
            Family::P384 => &[
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
            Family::P521 => &[
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
            Family::Ed25519 => &[],
            Family::Rsa => &[
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

/// The blocks of a PEM text: label and content.
pub(super) fn pem_blocks(text: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim) {
        let label = |prefix: &str| {
            line.strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix("-----"))
                .map(str::to_owned)
        };
        if let Some(begun) = label("-----BEGIN ") {
            if open.is_some() {
                return Err("a PEM block begins inside another".to_owned());
            }
            open = Some((begun, String::new()));
        } else if let Some(ended) = label("-----END ") {
            let (begun, body) = open.take().ok_or("a PEM block ends that never began")?;
            if begun != ended {
                return Err(format!("a PEM block begins as {begun} and ends as {ended}"));
            }
            let der = LENIENT.decode(body).map_err(|e| format!("its base64 is broken: {e}"))?;
            blocks.push((begun, der));
        } else if let Some((_, body)) = &mut open {
            body.push_str(line);
        }
    }
    match open {
        Some(_) => Err("a PEM block has no end".to_owned()),
        None => Ok(blocks),
    }
}

/// Puts a bare PKCS#1 key into a SubjectPublicKeyInfo (RFC 8017 A.1, RFC 5280 4.1).
fn wrap_rsa(pkcs1: &[u8]) -> Vec<u8> {
    // AlgorithmIdentifier { rsaEncryption, NULL }
    const RSA: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let mut bits = vec![0];
    bits.extend_from_slice(pkcs1);
    let mut inner = RSA.to_vec();
    inner.extend(tagged(0x03, &bits));
    tagged(0x30, &inner)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or(u8::MAX));
    } else {
        let bytes = length.to_be_bytes();
        let digits: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(u8::MAX));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}
