//! A corpus of evidence: its cases, each run through the product's own verification
//! (`sources::evidence::check`, then `domain::verdict::judge`).

#![allow(
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "test support, shared by several programs"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use pindeck::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Summary};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{
    Demands, Identity, LogRule, Match, Policy, SignerRule, TestResultRule, TimeRule, TrustProfile, TrustRoot,
    TrustedKey,
};
use pindeck::domain::verdict::{Facts, Outcome, Presence, judge};
use pindeck::sources::evidence::{Carrier, Item, ItemProblem, OtherDigest, Question, Trust, check, holds_statement};
use pindeck::sources::registry::Manifest;
use serde_json::Value;

/// The folder of a corpus, from the variable or beside the checkout.
pub fn corpus() -> Option<PathBuf> {
    let set = std::env::var_os("PINDECK_EVIDENCE_CORPUS");
    let folder = set.clone().map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/evidence"),
        PathBuf::from,
    );
    if folder.join("cases.jsonl").is_file() {
        return Some(folder);
    }
    assert!(
        set.is_none(),
        "PINDECK_EVIDENCE_CORPUS: no cases.jsonl in {}",
        folder.display()
    );
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

/// One line of `cases.jsonl`.
pub struct Case {
    pub id: String,
    pub kind: String,
    pub passes: bool,
    pub disputed: bool,
    value: Value,
    folder: PathBuf,
}

/// What the product said.
#[derive(Debug)]
pub struct Said {
    /// Whether it holds.
    pub holds: bool,
    /// Why not; `None` where the trust material itself was refused.
    pub cause: Option<CauseKind>,
    pub detail: String,
    pub evidence: Vec<Evidence>,
}

impl Said {
    fn no(cause: Option<CauseKind>, detail: impl Into<String>) -> Self {
        Self {
            holds: false,
            cause,
            detail: detail.into(),
            evidence: Vec::new(),
        }
    }

    fn yes(evidence: Vec<Evidence>) -> Self {
        Self {
            holds: true,
            cause: None,
            detail: String::new(),
            evidence,
        }
    }
}

/// Every case of a corpus.
pub fn cases(folder: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).expect("cases.jsonl");
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let value: Value = serde_json::from_str(line).expect("a case");
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            Case {
                id: text("id"),
                kind: text("kind"),
                passes: text("expected") == "pass",
                disputed: value["disputed"].as_bool().unwrap_or(false),
                folder: folder.to_owned(),
                value,
            }
        })
        .collect()
}

/// A digest as cases write it: `algorithm:value`.
fn split_digest(text: &str) -> (String, String) {
    let (algorithm, value) = text.split_once(':').unwrap_or(("sha256", text));
    (algorithm.to_owned(), value.to_owned())
}

/// What is asked about a case: which content, under which trust.
pub struct Asked {
    pub subject: Digest,
    pub also: Vec<OtherDigest>,
    pub bytes: Option<Vec<u8>>,
    pub trust: Trust,
}

impl Case {
    fn text(&self, key: &str) -> Option<&str> {
        self.value[key].as_str()
    }

    fn policy(&self, key: &str) -> &Value {
        &self.value["policy"][key]
    }

    fn file(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(self.text(key)?);
        path.is_file()
            .then(|| std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    /// The evidence's bytes; one bundle of a file that holds several.
    pub fn evidence_bytes(&self) -> Vec<u8> {
        let whole = self.file("bundle").unwrap_or_else(|| panic!("{}: no bundle", self.id));
        let Some(path) = self.text("bundle_path_in_file") else {
            return whole;
        };
        if let Some(n) = path.strip_prefix("line[").and_then(|p| p.strip_suffix(']')) {
            let n: usize = n.parse().expect("a line");
            let text = String::from_utf8(whole).expect("text");
            let line = text.lines().filter(|l| !l.trim().is_empty()).nth(n).expect("that line");
            return line.as_bytes().to_vec();
        }
        let mut value: &Value = &serde_json::from_slice(&whole).expect("JSON");
        for step in path.split('.') {
            let (name, index) = match step.split_once('[') {
                Some((name, index)) => (
                    name,
                    Some(index.trim_end_matches(']').parse::<usize>().expect("an index")),
                ),
                None => (step, None),
            };
            value = &value[name];
            if let Some(index) = index {
                value = &value[index];
            }
        }
        serde_json::to_vec(value).expect("JSON")
    }

    fn root_json(&self) -> Option<String> {
        let read =
            |path: &str| std::fs::read_to_string(self.folder.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        // "NAME with FIELD emptied"
        if let Some(composed) = self.policy("trusted_root").as_str() {
            let (name, rest) = composed.split_once(" with ").expect("NAME with FIELD emptied");
            let field = rest.strip_suffix(" emptied").expect("emptied");
            let mut root: Value = serde_json::from_str(&read(&format!("trusted-roots/{name}.json"))).expect("JSON");
            root[field] = Value::Array(Vec::new());
            return Some(root.to_string());
        }
        self.text("trusted_root").map(read)
    }

    fn keys(&self, evidence: Option<&[u8]>) -> Vec<TrustedKey> {
        let Some(path) = self.text("public_key") else {
            return Vec::new();
        };
        let text = String::from_utf8(self.file("public_key").expect("the key")).expect("text");
        if !path.ends_with(".json") {
            return vec![TrustedKey {
                name: path.to_owned(),
                pem: text,
            }];
        }
        // A registry's list of keys; the bundle's hint chooses.
        let hint = evidence
            .and_then(|e| serde_json::from_slice::<Value>(e).ok())
            .and_then(|b| {
                b["verificationMaterial"]["publicKey"]["hint"]
                    .as_str()
                    .map(str::to_owned)
            });
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let keys = list["keys"].as_array().expect("keys");
        keys.iter()
            .filter(|key| {
                let id = key["keyid"].as_str().or(key["keyId"].as_str());
                hint.is_none() || id.is_none() || id == hint.as_deref()
            })
            .map(|key| {
                let der = key["key"]
                    .as_str()
                    .or(key["publicKey"]["rawBytes"].as_str())
                    .expect("a key");
                TrustedKey {
                    name: key["keyid"].as_str().unwrap_or(path).to_owned(),
                    pem: format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n"),
                }
            })
            .collect()
    }

    /// The trust profile that the case's fields describe.
    pub fn profile(&self, evidence: Option<&[u8]>) -> TrustProfile {
        let number = |key: &str| self.policy(key).as_u64().map(|n| u32::try_from(n).expect("small"));
        let root = self.root_json();
        let has_ct_logs = root.as_ref().is_some_and(|json| {
            serde_json::from_str::<Value>(json)
                .is_ok_and(|root| root["ctlogs"].as_array().is_some_and(|logs| !logs.is_empty()))
        });
        let keys = self.keys(evidence);
        let entries = number("require_tlog_entries");
        let san = match (self.text("identity"), self.policy("identity_regex").as_str()) {
            (_, Some(regex)) => Match::Regex(format!("(?s:.*)(?:{regex})(?s:.*)")),
            (Some(exact), None) => Match::Exact(exact.to_owned()),
            (None, None) => Match::Regex("(?s:.*)".to_owned()),
        };
        let mut claims = BTreeMap::new();
        if let Some(branch) = self.policy("source_branch").as_str() {
            claims.insert("source_ref".to_owned(), format!("refs/heads/{branch}"));
        }
        if let Some(uri) = self.policy("source_repository_uri").as_str() {
            claims.insert("source_repository".to_owned(), uri.to_owned());
        }
        let issuers = match self.text("issuer") {
            Some(exact) => vec![Some(Match::Exact(exact.to_owned()))],
            None => vec![Some(Match::Regex("(?s:.*)".to_owned())), None],
        };
        let identities = issuers.into_iter().map(|issuer| Identity {
            san: san.clone(),
            issuer,
            claims: claims.clone(),
        });
        let version = self.policy("min_bundle_version").as_str().map(|v| {
            let (major, minor) = v.split_once('.').expect("a version");
            (major.parse().expect("a number"), minor.parse().expect("a number"))
        });
        // A case that names a key asks for that key: a certificate would be somebody else's.
        let by_certificate = root.is_some() && keys.is_empty();
        TrustProfile {
            name: "case".to_owned(),
            identities: if by_certificate {
                identities.collect()
            } else {
                Vec::new()
            },
            sct: number("require_sct").map_or(has_ct_logs, |n| n > 0),
            transparency_log: match entries {
                Some(0) => LogRule::NotRequired,
                None if self.kind == "statement" => LogRule::NotRequired,
                _ => LogRule::Required,
            },
            timestamp: match number("require_signed_timestamps") {
                Some(n) if n > 0 => TimeRule::Rfc3161,
                _ => TimeRule::Any,
            },
            demands: Demands {
                log_entries: entries.unwrap_or(0),
                times: number("verified_time_threshold").unwrap_or(0),
                bundle_version: version,
                docker_reference: self.policy("docker_reference_repo").as_str().map(str::to_owned),
                key_id: self.policy("key_id").as_str().map(str::to_owned),
            },
            keys,
            root: root.map(|json| TrustRoot::File {
                name: "the case's root".to_owned(),
                json,
            }),
        }
    }

    /// Makes everything ready that does not belong to verifying; an error is a refused trust root or key.
    pub fn ask(&self, evidence: Option<&[u8]>) -> Result<Asked, String> {
        let bytes = self.file("artifact");
        let (subject, also) = match self.text("artifact_digest").map(split_digest) {
            Some((algorithm, value)) => {
                let also = OtherDigest {
                    algorithm: algorithm.clone(),
                    value: value.clone(),
                };
                let sha256 = if algorithm.eq_ignore_ascii_case("sha256") {
                    Digest::from_hex(&value).ok()
                } else {
                    bytes.as_deref().map(Digest::of)
                };
                match sha256 {
                    Some(digest) if algorithm.eq_ignore_ascii_case("sha256") => (digest, Vec::new()),
                    Some(digest) => (digest, vec![also]),
                    None => (Digest::of(b"content that is known by another algorithm"), vec![also]),
                }
            }
            None => (
                evidence.and_then(own_subject).unwrap_or_else(|| Digest::of(b"nothing")),
                Vec::new(),
            ),
        };
        let profile = self.profile(evidence);
        let trust = Trust::new(&BTreeMap::from([("case".to_owned(), profile)])).map_err(|e| e.to_string())?;
        Ok(Asked {
            subject,
            also,
            bytes,
            trust,
        })
    }

    /// Checks one item and judges it.
    pub fn check(&self, asked: &Asked, items: &[Item]) -> Said {
        let signer = SignerRule {
            default: Some("case".to_owned()),
            per_kind: BTreeMap::new(),
        };
        let question = Question {
            subject: asked.subject,
            also_known_as: &asked.also,
            via: None,
            manifest_bytes: asked.bytes.as_deref(),
            service: None,
            signer: &signer,
            service_signer: None,
            trust: &asked.trust,
        };
        let evidence: Vec<Evidence> = items.iter().flat_map(|item| check(item, &question)).collect();
        let mut kinds: Vec<EvidenceKind> = evidence.iter().map(|e| e.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            kinds.push(EvidenceKind::Signature);
        }
        let repository = self
            .policy("source_repository")
            .as_str()
            .map(|s| format!("https://{s}"));
        let mut refused = None;
        for kind in kinds {
            let policy = Policy {
                name: "case".to_owned(),
                require: vec![kind],
                signer: signer.clone(),
                builder: Vec::new(),
                source: repository.is_some() && kind == EvidenceKind::Provenance,
                test_result: TestResultRule {
                    accept: ["PASSED", "WARNED", "FAILED"].map(str::to_owned).to_vec(),
                    acknowledge: Vec::new(),
                },
                max_age: BTreeMap::new(),
                soak: None,
                freeze: Vec::new(),
                break_glass: Default::default(),
                digest: Digest::of(b""),
            };
            let facts = Facts {
                digest: asked.subject,
                presence: &Presence::Present,
                evidence: &evidence,
                incomplete: &[],
                source: repository.as_deref(),
            };
            let verdict = judge(&policy, facts, Timestamp::UNIX_EPOCH);
            match verdict.causes.first() {
                None if verdict.result == Outcome::Verified && self.content_holds(&evidence, kind) => {
                    return Said::yes(evidence);
                }
                None => {
                    refused = Some((
                        Some(CauseKind::PolicyFailed),
                        "its content is not what the case asks".to_owned(),
                    ))
                }
                Some(cause) => refused = Some((Some(cause.cause), cause.detail.clean().into_string())),
            }
        }
        let (cause, detail) = refused.unwrap_or((Some(CauseKind::Absent), "nothing".to_owned()));
        Said {
            holds: false,
            cause,
            detail,
            evidence,
        }
    }

    /// What a case asks of the content of a verified statement.
    fn content_holds(&self, evidence: &[Evidence], kind: EvidenceKind) -> bool {
        let verified = evidence
            .iter()
            .filter(|e| e.kind == kind && e.state == EvidenceState::Verified);
        verified.into_iter().any(|e| match &e.summary {
            Summary::Provenance(said) => self.policy("builder_id").as_str().is_none_or(|wanted| {
                let found = said.builder.as_ref().map_or("", |b| b.raw());
                // The builder's own version follows an `@`.
                found == wanted || found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('@'))
            }),
            Summary::VerificationSummary(said) => {
                let verifier = said.verifier.as_ref().map_or("", |v| v.raw());
                let levels: Vec<&str> = said.levels.iter().map(|l| l.raw()).collect();
                let wanted = self.policy("verified_levels").as_array();
                self.policy("verifier_id")
                    .as_str()
                    .is_none_or(|wanted| wanted == verifier)
                    && wanted.is_none_or(|all| all.iter().all(|l| l.as_str().is_some_and(|l| levels.contains(&l))))
            }
            _ => true,
        })
    }

    /// Runs the case.
    pub fn run(&self) -> Said {
        match self.kind.as_str() {
            "bundle-dsse" | "bundle-msgsig" => {
                let bytes = self.evidence_bytes();
                match self.ask(Some(&bytes)) {
                    Err(why) => Said::no(None, why),
                    Ok(asked) => {
                        let items = [self.bundle_item(&asked, bytes)];
                        self.check(&asked, &items)
                    }
                }
            }
            "cosign-sig" | "cosign-att" => match self.ask(None) {
                Err(why) => Said::no(None, why),
                Ok(asked) => match self.layout_items(asked.subject) {
                    Err(why) => Said::no(Some(CauseKind::Malformed), why),
                    Ok((bytes, items)) => self.check(
                        &Asked {
                            bytes: Some(bytes),
                            ..asked
                        },
                        &items,
                    ),
                },
            },
            "statement" => self.statement(),
            "sbom" => self.sbom(),
            "oci-layout" => match open_layout(self) {
                Ok(()) => Said::yes(Vec::new()),
                Err(why) => Said::no(Some(CauseKind::Malformed), why),
            },
            other => panic!("{}: kind {other:?} is not known", self.id),
        }
    }

    pub fn bundle_item(&self, asked: &Asked, bytes: Vec<u8>) -> Item {
        item(
            asked.subject,
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            Carrier::Referrer,
            bytes,
        )
    }

    /// A statement, envelope or predicate: read; verified where the case gives a key.
    fn statement(&self) -> Said {
        let bytes = self.evidence_bytes();
        let asked = match self.ask(Some(&bytes)) {
            Ok(asked) => asked,
            Err(why) => return Said::no(None, why),
        };
        let items = [item(
            asked.subject,
            "application/vnd.in-toto+json",
            Carrier::Referrer,
            bytes,
        )];
        let said = self.check(&asked, &items);
        if self.text("public_key").is_some() {
            return said;
        }
        assert!(!said.holds, "{}: verified without any key", self.id);
        let readable = said.evidence.iter().any(|e| e.cause != Some(CauseKind::Malformed));
        Said {
            holds: readable,
            cause: (!readable).then_some(CauseKind::Malformed),
            ..said
        }
    }

    fn sbom(&self) -> Said {
        let bytes = self.evidence_bytes();
        let asked = self.ask(Some(&bytes)).expect("no trust material");
        let items = [item(asked.subject, "application/spdx+json", Carrier::SbomTag, bytes)];
        let said = self.check(&asked, &items);
        let readable = said
            .evidence
            .iter()
            .any(|e| e.state == EvidenceState::Unsigned && matches!(e.summary, Summary::Sbom(_)));
        Said {
            holds: readable,
            cause: (!readable).then_some(CauseKind::Malformed),
            ..said
        }
    }

    /// Everything attached to a digest in an OCI layout, as the collector finds it in a registry.
    fn layout_items(&self, subject: Digest) -> Result<(Vec<u8>, Vec<Item>), String> {
        let layout = Layout::open(&self.folder.join(self.text("artifact").expect("a layout")))?;
        let image = layout.blob(&subject)?;
        let mut items = Vec::new();
        for entry in &layout.index.body.manifests {
            let note = |key: &str| entry.annotations.get(key).map(String::as_str).unwrap_or_default();
            let tag = note("org.opencontainers.image.ref.name");
            let hex = subject.hex();
            let carrier = match note("kind") {
                _ if tag == format!("sha256-{hex}.sig") => Carrier::CosignSigTag,
                _ if tag == format!("sha256-{hex}.att") => Carrier::CosignAttTag,
                "dev.cosignproject.cosign/sigs" => Carrier::CosignSigTag,
                "dev.cosignproject.cosign/atts" => Carrier::CosignAttTag,
                _ => Carrier::Referrer,
            };
            let Ok(manifest) = layout.manifest(&entry.digest) else {
                continue;
            };
            let refers = manifest.body.subject.as_ref().is_some_and(|s| s.digest == subject);
            if carrier == Carrier::Referrer && !refers {
                continue;
            }
            for layer in manifest.body.layers.iter().filter(|l| holds_statement(&l.media_type)) {
                let content = match layout.raw(&layer.digest) {
                    Ok(bytes) if Digest::of(&bytes) == layer.digest => Ok(Bytes::from(bytes)),
                    Ok(bytes) => Err(ItemProblem::Corrupt {
                        actual: Digest::of(&bytes),
                    }),
                    Err(why) => Err(ItemProblem::Unreachable(why.into())),
                };
                let mut annotations = manifest.body.annotations.clone();
                annotations.extend(layer.annotations.clone());
                items.push(Item {
                    attached_to: subject,
                    manifest: manifest.digest,
                    digest: layer.digest,
                    media_type: layer.media_type.clone(),
                    annotations,
                    carrier,
                    content,
                });
            }
        }
        Ok((image, items))
    }
}

/// The digest that a bundle itself says it is about.
fn own_subject(evidence: &[u8]) -> Option<Digest> {
    let bundle: Value = serde_json::from_slice(evidence).ok()?;
    let declared = bundle["messageSignature"]["messageDigest"]["digest"].as_str();
    if let Some(bytes) = declared.and_then(|d| STANDARD.decode(d).ok()) {
        return Some(Digest::from_bytes(bytes.try_into().ok()?));
    }
    let payload = bundle["dsseEnvelope"]["payload"].as_str()?;
    let statement: Value = serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    Digest::from_hex(statement["subject"][0]["digest"]["sha256"].as_str()?).ok()
}

/// An item as the collector would make it.
pub fn item(subject: Digest, media_type: &str, carrier: Carrier, bytes: Vec<u8>) -> Item {
    let digest = Digest::of(&bytes);
    Item {
        attached_to: subject,
        manifest: digest,
        digest,
        media_type: media_type.to_owned(),
        annotations: BTreeMap::new(),
        carrier,
        content: Ok(Bytes::from(bytes)),
    }
}

/// An OCI image layout (image spec, "Image Layout").
struct Layout {
    folder: PathBuf,
    index: Manifest,
}

impl Layout {
    fn open(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join("index.json")).map_err(|e| format!("index.json: {e}"))?;
        let index = Manifest::from_bytes(bytes.into(), None).map_err(|e| format!("index.json: {}", e.clean()))?;
        if !index.is_index() {
            return Err("index.json is no index".to_owned());
        }
        Ok(Self {
            folder: folder.to_owned(),
            index,
        })
    }

    fn raw(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        // The digest is parsed: nothing else can become a path.
        std::fs::read(self.folder.join("blobs/sha256").join(digest.hex())).map_err(|e| format!("{digest}: {e}"))
    }

    fn blob(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        let bytes = self.raw(digest)?;
        let actual = Digest::of(&bytes);
        if actual != *digest {
            return Err(format!("{digest} is corrupt: its bytes hash to {actual}"));
        }
        Ok(bytes)
    }

    fn manifest(&self, digest: &Digest) -> Result<Manifest, String> {
        Manifest::from_bytes(self.blob(digest)?.into(), None).map_err(|e| e.clean().into_string())
    }
}

/// Whether a layout (or one manifest) can be read by the product's own parser, all the way down.
fn open_layout(case: &Case) -> Result<(), String> {
    if let Some(bytes) = case.file("bundle") {
        return Manifest::from_bytes(bytes.into(), None)
            .map(|_| ())
            .map_err(|e| e.clean().into_string());
    }
    let layout = Layout::open(&case.folder.join(case.text("artifact").expect("a layout")))?;
    let mut seen = Vec::new();
    let mut left: Vec<Digest> = layout.index.body.manifests.iter().map(|d| d.digest).collect();
    while let Some(digest) = left.pop() {
        if seen.contains(&digest) {
            continue;
        }
        seen.push(digest);
        let Ok(manifest) = layout.manifest(&digest) else {
            continue;
        };
        left.extend(manifest.body.manifests.iter().map(|d| d.digest));
    }
    Ok(())
}
