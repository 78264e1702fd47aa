//! Keys made at start, and the statements they sign: Sigstore bundles as referrers, and cosign's older
//! tags for some services. Real signatures, so that the product's own verification judges them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::DemoError;
use super::oci::{IMAGE, RegistryContent};
use crate::domain::id::Digest;

/// SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signing key of the demo.
pub(super) struct DemoSigner {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    /// SubjectPublicKeyInfo, DER.
    public: Vec<u8>,
}

impl DemoSigner {
    pub(crate) fn new() -> Result<Self, DemoError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| DemoError::Key)?;
        let mut public = P256_PREFIX.to_vec();
        public.extend_from_slice(pair.public_key().as_ref());
        Ok(Self {
            pair,
            random: SystemRandom::new(),
            public,
        })
    }

    /// The public key as PEM.
    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(&self.public);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    fn sign(&self, bytes: &[u8]) -> Result<String, DemoError> {
        let signature = self.pair.sign(&self.random, bytes).map_err(|_| DemoError::Key)?;
        Ok(STANDARD.encode(signature.as_ref()))
    }

    fn hint(&self) -> String {
        STANDARD.encode(Digest::of(&self.public).as_bytes())
    }

    /// A DSSE envelope around a statement (DSSE protocol, "Signature Definition").
    fn envelope(&self, statement: &Value) -> Result<Value, DemoError> {
        let payload = statement.to_string();
        let mut pae = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len()).into_bytes();
        pae.extend_from_slice(payload.as_bytes());
        Ok(json!({
            "payload": STANDARD.encode(&payload), "payloadType": IN_TOTO,
            "signatures": [{"sig": self.sign(&pae)?}],
        }))
    }

    /// Statements as referrers of `subject`, one bundle each, a signature among them.
    pub(crate) fn bundles(
        &self,
        subject: &SigningSubject<'_>,
        statements: &[(&str, Value)],
    ) -> Result<Vec<RegistryContent>, DemoError> {
        let mut puts = Vec::new();
        let signature = ("https://sigstore.dev/cosign/sign/v1", json!({}));
        for (predicate_type, predicate) in statements.iter().chain([&signature]) {
            let bundle = json!({
                "mediaType": BUNDLE,
                "verificationMaterial": {"publicKey": {"hint": self.hint()}},
                "dsseEnvelope": self.envelope(&subject.statement(predicate_type, predicate))?,
            })
            .to_string();
            let manifest = json!({
                "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE,
                "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
                "layers": [descriptor(BUNDLE, bundle.as_bytes())],
                "subject": {"mediaType": subject.media_type, "digest": subject.attached_to, "size": subject.size},
                "annotations": {"dev.sigstore.bundle.content": "dsse-envelope",
                    "dev.sigstore.bundle.predicateType": predicate_type},
            });
            puts.push(RegistryContent::Blob(b"{}".to_vec()));
            puts.push(RegistryContent::Blob(bundle.into_bytes()));
            puts.push(RegistryContent::Manifest(
                IMAGE,
                manifest.to_string().into_bytes(),
                None,
            ));
        }
        Ok(puts)
    }

    /// The same in cosign's older layout: a `.sig` and an `.att` tag.
    pub(crate) fn legacy(
        &self,
        subject: &SigningSubject<'_>,
        statements: &[(&str, Value)],
    ) -> Result<Vec<RegistryContent>, DemoError> {
        const SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
        const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
        const NOTE: &str = "dev.cosignproject.cosign/signature";
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": subject.name},
                "image": {"docker-manifest-digest": subject.about},
                "type": "cosign container image signature",
            },
            "optional": null,
        })
        .to_string();
        let mut layer = descriptor(SIGNING, payload.as_bytes());
        layer["annotations"] = json!({NOTE: self.sign(payload.as_bytes())?});
        let mut puts = Vec::new();
        let tag = |suffix: &str| format!("sha256-{}.{suffix}", subject.attached_to.hex());
        puts.extend(layers(vec![(layer, payload.into_bytes())], tag("sig")));
        let mut attested = Vec::new();
        for (predicate_type, predicate) in statements {
            let envelope = self
                .envelope(&subject.statement(predicate_type, predicate))?
                .to_string();
            let mut layer = descriptor(ENVELOPE, envelope.as_bytes());
            layer["annotations"] = json!({NOTE: "", "predicateType": predicate_type});
            attested.push((layer, envelope.into_bytes()));
        }
        puts.extend(layers(attested, tag("att")));
        Ok(puts)
    }
}

/// What statements are about, and where they hang.
pub(super) struct SigningSubject<'a> {
    /// Repository, for the statement.
    pub name: &'a str,
    /// The digest the statements speak of.
    pub about: Digest,
    /// The manifest they are attached to; usually the same.
    pub attached_to: Digest,
    /// Media type of the document that is attached.
    pub media_type: &'a str,
    /// Its size in bytes.
    pub size: usize,
}

impl SigningSubject<'_> {
    fn statement(&self, predicate_type: &str, predicate: &Value) -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": self.name, "digest": {"sha256": self.about.hex()}}],
            "predicateType": predicate_type, "predicate": predicate,
        })
    }
}

/// A descriptor of some bytes.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

fn layers(all: Vec<(Value, Vec<u8>)>, tag: String) -> Vec<RegistryContent> {
    let config = json!({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}}).to_string();
    let descriptors: Vec<&Value> = all.iter().map(|(layer, _)| layer).collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": descriptors,
    });
    let mut puts = vec![RegistryContent::Blob(config.into_bytes())];
    let manifest = manifest.to_string().into_bytes();
    puts.extend(all.into_iter().map(|(_, bytes)| RegistryContent::Blob(bytes)));
    puts.push(RegistryContent::Manifest(IMAGE, manifest, Some(tag)));
    puts
}
