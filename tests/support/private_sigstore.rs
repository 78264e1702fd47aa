//! A private Sigstore: a certificate authority, a certificate log and a transparency log whose keys live as long as a test.
//! What it signs is what a keyless signature of a workflow is, so that a policy can be tried that names identities.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use pindeck::domain::Digest;
use serde_json::{Value, json};

use super::fake::{Fake, IMAGE};
use super::forge::{BUNDLE, Pair, pae};

const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Who signs: the workflow as its certificate names it, and who says so.
#[derive(Debug, Clone)]
pub struct Workflow {
    pub san: String,
    pub issuer: String,
}

/// The three services behind keyless signatures.
pub struct PrivateSigstore {
    authority: Pair,
    certificate: Vec<u8>,
    certificate_log: Pair,
    log: Pair,
}

impl Default for PrivateSigstore {
    fn default() -> Self {
        Self::new()
    }
}

impl PrivateSigstore {
    pub fn new() -> Self {
        let authority = Pair::p256();
        let key_usage = extension(&[2, 5, 29, 15], true, &[0x03, 0x02, 0x01, 0x06]);
        let is_authority = extension(&[2, 5, 29, 19], true, &sequence(&[&[0x01, 0x01, 0xff]]));
        let begun = Timestamp::now() - SignedDuration::from_hours(24 * 30);
        let ends = Timestamp::now() + SignedDuration::from_hours(24 * 300);
        let tbs = to_be_signed(
            1,
            &authority_name(),
            &authority.der(),
            (begun, ends),
            &[is_authority, key_usage],
        );
        Self {
            certificate: signed(&tbs, &authority),
            authority,
            certificate_log: Pair::p256(),
            log: Pair::p256(),
        }
    }

    /// `trusted_root.json` of this instance.
    pub fn trusted_root(&self) -> String {
        let key = |pair: &Pair| {
            let der = pair.der();
            json!({
                "baseUrl": "https://log.example.test", "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": STANDARD.encode(&der), "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2024-01-01T00:00:00Z"}},
                "logId": {"keyId": STANDARD.encode(Digest::of(&der).as_bytes())},
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [key(&self.log)],
            "certificateAuthorities": [{
                "subject": {"organization": "example.test", "commonName": "private authority"},
                "uri": "https://authority.example.test",
                "certChain": {"certificates": [{"rawBytes": STANDARD.encode(&self.certificate)}]},
                "validFor": {"start": "2024-01-01T00:00:00Z"},
            }],
            "ctlogs": [key(&self.certificate_log)],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// A certificate of ten minutes for one key, with the promise of the certificate log.
    fn certify(&self, who: &Workflow, key: &[u8], at: Timestamp) -> Vec<u8> {
        let times = (at - SignedDuration::from_secs(60), at + SignedDuration::from_secs(540));
        let uri = der(0x86, &[who.san.as_bytes()]);
        let mut extensions = vec![
            extension(&[2, 5, 29, 15], true, &[0x03, 0x02, 0x07, 0x80]),
            extension(&[2, 5, 29, 37], false, &sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 3, 3])])),
            extension(&[2, 5, 29, 17], true, &sequence(&[&uri])),
            extension(
                &[1, 3, 6, 1, 4, 1, 57264, 1, 8],
                false,
                &der(0x0c, &[who.issuer.as_bytes()]),
            ),
        ];
        let before = to_be_signed(7, &sequence(&[]), key, times, &extensions);
        let promise = self.promise(&before, at);
        extensions.push(extension(
            &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
            false,
            &der(0x04, &[&promise]),
        ));
        signed(
            &to_be_signed(7, &sequence(&[]), key, times, &extensions),
            &self.authority,
        )
    }

    /// The list with one promise about a certificate that is still without it (RFC 6962, 3.2 and 3.3).
    fn promise(&self, before: &[u8], at: Timestamp) -> Vec<u8> {
        let milliseconds = u64::try_from(at.as_millisecond()).expect("after 1970").to_be_bytes();
        let mut signing = vec![0, 0];
        signing.extend(milliseconds);
        signing.extend([0, 1]);
        signing.extend(Digest::of(&self.authority.der()).as_bytes());
        signing.extend(&u32::try_from(before.len()).expect("short").to_be_bytes()[1..]);
        signing.extend(before);
        signing.extend([0, 0]);
        let signature = self.certificate_log.sign(&signing);
        let mut one = vec![0];
        one.extend(Digest::of(&self.certificate_log.der()).as_bytes());
        one.extend(milliseconds);
        one.extend([0, 0, 4, 3]);
        one.extend(short(signature.len()));
        one.extend(&signature);
        let mut list = short(one.len() + 2).to_vec();
        list.extend(short(one.len()));
        list.extend(one);
        list
    }

    /// A bundle of a workflow: a statement in an envelope, the certificate, and the entry in the transparency log.
    pub fn bundle(&self, who: &Workflow, statement: &Value) -> Value {
        let at = Timestamp::now() - SignedDuration::from_secs(5);
        let pair = Pair::p256();
        let payload = statement.to_string().into_bytes();
        let signature = STANDARD.encode(pair.sign(&pae(&payload)));
        let certificate = self.certify(who, &pair.der(), at);
        let envelope = json!({
            "payload": STANDARD.encode(&payload), "payloadType": IN_TOTO, "signatures": [{"sig": signature}],
        });
        let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": Digest::of(bytes).hex()});
        let body = json!({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": {
                "envelopeHash": hash(envelope.to_string().as_bytes()), "payloadHash": hash(&payload),
                "signatures": [{"signature": signature, "verifier": STANDARD.encode(pem(&certificate))}],
            },
        })
        .to_string();
        json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": {"rawBytes": STANDARD.encode(&certificate)},
                "tlogEntries": [self.logged(&body, at)],
            },
            "dsseEnvelope": envelope,
        })
    }

    /// An entry of the transparency log, which has this entry only.
    fn logged(&self, body: &str, at: Timestamp) -> Value {
        let id = Digest::of(&self.log.der());
        let promise = format!(
            r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":0}}"#,
            STANDARD.encode(body),
            at.as_second(),
            id.hex()
        );
        let leaf: Vec<u8> = std::iter::once(0).chain(body.bytes()).collect();
        let root = STANDARD.encode(Digest::of(&leaf).as_bytes());
        let note = format!("log.example.test\n1\n{root}\n");
        let mut signature = id.as_bytes()[..4].to_vec();
        signature.extend(self.log.sign(note.as_bytes()));
        json!({
            "logIndex": "0", "logId": {"keyId": STANDARD.encode(id.as_bytes())},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": at.as_second().to_string(),
            "inclusionPromise": {"signedEntryTimestamp": STANDARD.encode(self.log.sign(promise.as_bytes()))},
            "inclusionProof": {
                "logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": [],
                "checkpoint": {"envelope": format!("{note}\n\u{2014} log.example.test {}\n", STANDARD.encode(signature))},
            },
            "canonicalizedBody": STANDARD.encode(body),
        })
    }
}

/// A statement about one digest, as cosign writes it.
pub fn about(subject: Digest, predicate_type: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": subject.hex()}}],
        "predicateType": predicate_type, "predicate": predicate,
    })
}

/// Hangs a bundle on a manifest that is there, whatever it speaks of.
pub fn attach(fake: &Fake, repository: &str, subject: Digest, bundle: &Value) {
    let subject: Value = serde_json::from_str(&fake.descriptor(repository, subject)).expect("a descriptor");
    let bundle = bundle.to_string();
    let size = bundle.len();
    let (empty, bundle) = (fake.blob(repository, "{}"), fake.blob(repository, bundle));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty.to_string(), "size": 2},
        "layers": [{"mediaType": BUNDLE, "digest": bundle.to_string(), "size": size}],
        "subject": subject,
    });
    fake.manifest(repository, IMAGE, manifest.to_string());
}

fn authority_name() -> Vec<u8> {
    let common = sequence(&[&oid(&[2, 5, 4, 3]), &der(0x0c, &[b"private authority"])]);
    sequence(&[&der(0x31, &[&common])])
}

/// A certificate without its signature (RFC 5280, 4.1.2).
fn to_be_signed(
    serial: u8,
    subject: &[u8],
    key: &[u8],
    times: (Timestamp, Timestamp),
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let version = der(0xa0, &[&der(0x02, &[&[2]])]);
    let validity = sequence(&[&time(times.0), &time(times.1)]);
    let extensions = extensions.iter().map(Vec::as_slice).collect::<Vec<_>>();
    sequence(&[
        &version,
        &der(0x02, &[&[serial]]),
        &algorithm(),
        &authority_name(),
        &validity,
        subject,
        key,
        &der(0xa3, &[&sequence(&extensions)]),
    ])
}

fn signed(tbs: &[u8], by: &Pair) -> Vec<u8> {
    sequence(&[tbs, &algorithm(), &der(0x03, &[&[0], &by.sign(tbs)])])
}

/// ECDSA with SHA-256.
fn algorithm() -> Vec<u8> {
    sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 2])])
}

fn extension(name: &[u32], critical: bool, value: &[u8]) -> Vec<u8> {
    let word: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(name), word, &der(0x04, &[value])])
}

fn time(at: Timestamp) -> Vec<u8> {
    der(0x17, &[at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes()])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, parts)
}

/// One element in DER (X.690, 8.1): tag, length, content.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length @ 0x80..0x100 => out.extend([0x81, length as u8]),
        length => {
            out.push(0x82);
            out.extend(short(length));
        }
    }
    out.extend(content);
    out
}

/// An object identifier (X.690, 8.19).
fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut out = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for &arc in &arcs[2..] {
        let groups: Vec<u8> = (0..5).map(|at| (arc >> (7 * at)) as u8 & 0x7f).collect();
        let last = groups.iter().rposition(|&group| group > 0).unwrap_or(0);
        let more = (0..=last).rev().map(|at| groups[at] | if at > 0 { 0x80 } else { 0 });
        out.extend(more);
    }
    der(0x06, &[&out])
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("short").to_be_bytes()
}

fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
