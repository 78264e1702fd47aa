//! `pindeck.toml` as written, with spans where errors may point.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Team {
    pub version: Spanned<u32>,
    #[serde(default)]
    pub ignore: Vec<Text>,
    pub branch: Option<Text>,
    #[serde(default)]
    pub environments: Vec<Environment>,
    #[serde(default)]
    pub services: Vec<Service>,
    #[serde(default)]
    pub policies: BTreeMap<Text, Policy>,
    #[serde(default)]
    pub trust: BTreeMap<Text, Trust>,
    #[serde(default)]
    pub registries: BTreeMap<Text, Registry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    pub name: Text,
    pub paths: Spanned<Vec<Text>>,
    pub policy: Option<Text>,
    pub after: Option<Vec<Text>>,
    pub registry: Option<Text>,
    #[serde(default)]
    pub write: Write,
    #[serde(default)]
    pub confirm: Confirm,
    #[serde(default)]
    pub read_only: bool,
    pub platforms: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Write {
    #[default]
    Push,
    Branch,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Confirm {
    #[default]
    Y,
    TypeName,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub name: Text,
    pub image: Text,
    #[serde(default)]
    pub also: Vec<Text>,
    pub component: Option<Text>,
    pub variant: Option<Text>,
    pub signer: Option<Text>,
    pub candidate: Option<Spanned<Candidate>>,
    pub immutable_tags: Option<Text>,
    pub source: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Candidate {
    pub tag: Option<String>,
    pub semver: Option<Text>,
    pub pattern: Option<Text>,
    pub order: Option<Order>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    Created,
    Name,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub require: Spanned<Vec<Text>>,
    pub signer: Option<Spanned<Signer>>,
    pub builder: Option<OneOrMany>,
    #[serde(default)]
    pub source: bool,
    #[serde(rename = "test-result")]
    pub test_result: Option<TestResult>,
    #[serde(default)]
    pub max_age: BTreeMap<Text, Text>,
    pub soak: Option<Text>,
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    pub break_glass: Option<Spanned<BreakGlass>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Signer {
    One(String),
    PerKind(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum BreakGlass {
    All(bool),
    Some(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestResult {
    pub accept: Option<Vec<Text>>,
    #[serde(default)]
    pub acknowledge: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freeze {
    pub from: Text,
    pub to: Text,
    pub zone: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    #[serde(default)]
    pub keys: Vec<Spanned<KeyFile>>,
    pub root: Option<Text>,
    #[serde(default)]
    pub identities: Vec<Spanned<Identity>>,
    #[serde(default)]
    pub transparency_log: Log,
    #[serde(default = "yes")]
    pub sct: bool,
    #[serde(default)]
    pub timestamp: Time,
    #[serde(default)]
    pub min_log_entries: u32,
    #[serde(default)]
    pub min_timestamps: u32,
    pub min_bundle_version: Option<Text>,
    pub docker_reference: Option<String>,
    pub key_id: Option<String>,
}

/// A key file, or one with the time in which its keys were in use.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum KeyFile {
    Path(String),
    InUse(KeyInUse),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyInUse {
    pub path: String,
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Log {
    #[default]
    Required,
    InclusionProof,
    NotRequired,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Time {
    #[default]
    Any,
    Rfc3161,
    Rekor,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub san: Option<String>,
    pub san_regex: Option<Text>,
    pub issuer: Option<Issuer>,
    pub issuer_regex: Option<Text>,
    pub source_repository: Option<String>,
    pub source_ref: Option<String>,
    pub workflow: Option<String>,
    pub runner_environment: Option<String>,
    pub build_trigger: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Issuer {
    Is(String),
    /// `false`: the certificate carries none (GitHub's release attestations).
    None(bool),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    pub endpoint: Option<Text>,
    #[serde(default)]
    pub insecure_http: bool,
    pub ca: Option<Text>,
    pub requests_per_second: Option<Spanned<u32>>,
}
