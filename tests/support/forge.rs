//! Keys and statements of our own making.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pindeck::domain::id::Digest;
use pindeck::sources::evidence::{Carrier, Item};
use serde_json::{Value, json};

use super::evidence_cases::item;

pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
pub const SPDX: &str = "https://spdx.dev/Document";
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A key pair.
pub enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static signature::RsaSignatureEncoding),
}

impl Pair {
    pub fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm) -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(algorithm).unwrap())
    }

    pub fn p256() -> Self {
        Self::ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn rsa(encoding: &'static signature::RsaSignatureEncoding) -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), encoding)
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair, encoding) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut out).unwrap();
                out
            }
        }
    }

    pub fn der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Ecdsa(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
            Self::Rsa(pair, _) => pair.public_key().as_der(),
        }
        .unwrap();
        der.as_ref().to_vec()
    }

    pub fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.der())
    }

    /// cosign's hint.
    pub fn hint(&self) -> String {
        STANDARD.encode(Digest::of(&self.der()).as_bytes())
    }
}

pub fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}

pub fn statement(subject: Digest, predicate_type: &str, predicate: Value) -> Vec<u8> {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "registry.example/shop/app", "digest": { "sha256": subject.hex() } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
    .to_string()
    .into_bytes()
}

pub fn provenance() -> Value {
    json!({
        "buildDefinition": { "buildType": "https://example.test/build/v1", "externalParameters": {} },
        "runDetails": { "builder": { "id": "https://example.test/builder" } },
    })
}

pub fn test_result(result: &str) -> Value {
    json!({ "result": result, "configuration": [] })
}

pub fn spdx() -> Value {
    json!({ "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": [{ "name": "openssl" }] })
}

pub fn pae(payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// An envelope around a payload, signed over another where that is the forgery.
pub fn envelope(pair: &Pair, payload: &[u8], signed: &[u8]) -> Value {
    json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(payload),
        "signatures": [{ "sig": STANDARD.encode(pair.sign(&pae(signed))) }],
    })
}

/// A bundle by key, as cosign 3 writes it without a log.
pub fn bundle(hint: &str, envelope: &Value) -> Value {
    json!({
        "mediaType": BUNDLE,
        "verificationMaterial": { "publicKey": { "hint": hint } },
        "dsseEnvelope": envelope,
    })
}

pub fn bundle_item(attached_to: Digest, bundle: &Value) -> Item {
    item(attached_to, BUNDLE, Carrier::Referrer, bundle.to_string().into_bytes())
}

/// A good bundle.
pub fn signed(pair: &Pair, subject: Digest, predicate_type: &str, predicate: Value) -> Item {
    let payload = statement(subject, predicate_type, predicate);
    bundle_item(subject, &bundle(&pair.hint(), &envelope(pair, &payload, &payload)))
}

/// A `.att` layer.
pub fn att(attached_to: Digest, envelope: &Value, named: &str) -> Item {
    let bytes = envelope.to_string().into_bytes();
    let mut item = item(
        attached_to,
        "application/vnd.dsse.envelope.v1+json",
        Carrier::CosignAttTag,
        bytes,
    );
    item.annotations.insert("predicateType".to_owned(), named.to_owned());
    item.annotations
        .insert("dev.cosignproject.cosign/signature".to_owned(), String::new());
    item
}

/// A simple signing payload.
pub fn simple(subject: Digest, kind: &str) -> Vec<u8> {
    json!({ "critical": {
        "identity": { "docker-reference": "registry.example/shop/app" },
        "image": { "docker-manifest-digest": subject.to_string() },
        "type": kind,
    }, "optional": null })
    .to_string()
    .into_bytes()
}

/// A `.sig` layer.
pub fn sig(attached_to: Digest, payload: &[u8], signature: &[u8]) -> Item {
    let media_type = "application/vnd.dev.cosign.simplesigning.v1+json";
    let mut item = item(attached_to, media_type, Carrier::CosignSigTag, payload.to_vec());
    item.annotations.insert(
        "dev.cosignproject.cosign/signature".to_owned(),
        STANDARD.encode(signature),
    );
    item
}
