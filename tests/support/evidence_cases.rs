//! A corpus of evidence: its cases, each run through the product's own verification
//! (`sources::evidence::check`, then `domain::verdict::judge`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use pindeck::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Summary};
use pindeck::domain::failure::{Failure, FailureKind};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{Policy, SignerRule, TestResultRule};
use pindeck::domain::verdict::{Facts, Outcome, Presence, judge};
use pindeck::sources::evidence::{Carrier, Item, OtherDigest, Question, Trust, check, may_be_statement};
use serde_json::Value;

use super::packed::Packed;

mod layout;
mod trust;

use layout::{Layout, open_layout, read_manifest};

/// The folder of the corpus.
pub fn corpus() -> PathBuf {
    Packed::Evidence.folder()
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
            keep_content: false,
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
            "oci-layout" => match self.open() {
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

    /// Reads a layout, or a single manifest.
    fn open(&self) -> Result<(), String> {
        match self.file("bundle") {
            Some(bytes) => read_manifest(bytes),
            None => open_layout(&self.folder.join(self.text("artifact").expect("a layout"))),
        }
    }

    /// Everything attached to a digest in an OCI layout, as the collector finds it in a registry.
    pub fn layout_items(&self, subject: Digest) -> Result<(Vec<u8>, Vec<Item>), String> {
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
            for layer in manifest.body.layers.iter().filter(|l| may_be_statement(&l.media_type)) {
                let content = match layout.raw(&layer.digest) {
                    Ok(bytes) if Digest::of(&bytes) == layer.digest => Ok(Bytes::from(bytes).into()),
                    Ok(bytes) => Err(Failure::new(
                        FailureKind::Corrupt,
                        format!("its bytes hash to {}", Digest::of(&bytes)),
                    )),
                    Err(why) => Err(Failure::unreachable(why)),
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
        content: Ok(Bytes::from(bytes).into()),
    }
}
