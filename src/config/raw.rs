//! `pindeck.toml` as written, with spans where errors may point.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

pub(super) type RawText = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawTeam {
    pub version: Spanned<u32>,
    #[serde(default)]
    pub ignore: Vec<RawText>,
    pub branch: Option<RawText>,
    #[serde(default)]
    pub environments: Vec<RawEnvironment>,
    #[serde(default)]
    pub services: Vec<RawService>,
    #[serde(default)]
    pub policies: BTreeMap<RawText, RawPolicy>,
    #[serde(default)]
    pub trust: BTreeMap<RawText, RawTrust>,
    #[serde(default)]
    pub registries: BTreeMap<RawText, RawRegistry>,
    pub tuf: Option<RawTuf>,
    #[serde(default)]
    pub sources: RawSources,
    #[serde(default)]
    pub clusters: Vec<RawCluster>,
    #[serde(default)]
    pub pull_through: BTreeMap<RawText, RawText>,
    pub forge: Option<RawForge>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with the `kind` of a forge")]
pub(super) struct RawForge {
    pub kind: Option<RawForgeKind>,
    pub host: Option<RawText>,
    pub repository: Option<RawText>,
    pub open: Option<Spanned<RawOpen>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawForgeKind {
    Github,
    Gitlab,
    Forgejo,
    Gitea,
    None,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawOpen {
    PushOption,
    Api,
    Link,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes an environment")]
pub(super) struct RawEnvironment {
    pub name: RawText,
    pub paths: Spanned<Vec<RawText>>,
    pub branch: Option<RawText>,
    pub repository: Option<RawText>,
    pub policy: Option<RawText>,
    pub after: Option<Vec<RawText>>,
    pub registry: Option<RawText>,
    #[serde(default)]
    pub write: RawWrite,
    #[serde(default)]
    pub confirm: RawConfirm,
    #[serde(default)]
    pub read_only: bool,
    pub platforms: Option<Spanned<Vec<RawText>>>,
    #[serde(default)]
    pub running: Vec<RawPlace>,
    pub settle: Option<RawText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `cluster` and `namespaces`")]
pub(super) struct RawPlace {
    pub cluster: RawText,
    pub namespaces: Spanned<Vec<RawText>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table of sources of evidence")]
pub(super) struct RawSources {
    pub github: Option<RawGithub>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `host` and `repository`")]
pub(super) struct RawGithub {
    pub host: Option<RawText>,
    pub repository: Option<RawText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `mirror` and `root`")]
pub(super) struct RawTuf {
    pub mirror: RawText,
    pub root: Option<RawText>,
}

/// A cluster. How it is reached is read only to say that it does not belong here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with the `name` of a cluster")]
pub(super) struct RawCluster {
    pub name: RawText,
    pub context: Option<Spanned<IgnoredAny>>,
    pub in_cluster: Option<Spanned<IgnoredAny>>,
    pub kubeconfig: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    pub reconcilers: Vec<RawText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawWrite {
    #[default]
    Push,
    Branch,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawConfirm {
    #[default]
    Y,
    TypeName,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a service")]
pub(super) struct RawService {
    pub name: RawText,
    pub image: RawText,
    #[serde(default)]
    pub also: Vec<RawText>,
    #[serde(default)]
    pub evidence: Vec<RawText>,
    pub component: Option<RawText>,
    pub variant: Option<RawText>,
    pub signer: Option<RawText>,
    pub candidate: Option<Spanned<RawCandidate>>,
    pub immutable_tags: Option<RawText>,
    pub source: Option<RawText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that says which image is the candidate")]
pub(super) struct RawCandidate {
    pub tag: Option<String>,
    pub semver: Option<RawText>,
    pub pattern: Option<RawText>,
    pub order: Option<RawOrder>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawOrder {
    Created,
    Name,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a policy")]
pub(super) struct RawPolicy {
    pub require: Spanned<Vec<RawText>>,
    pub signer: Option<Spanned<RawSigner>>,
    pub builder: Option<OneOrMany>,
    #[serde(default)]
    pub source: bool,
    #[serde(rename = "test-result")]
    pub test_result: Option<RawTestResult>,
    #[serde(default)]
    pub max_age: BTreeMap<RawText, RawText>,
    pub soak: Option<RawText>,
    #[serde(default)]
    pub freeze: Vec<RawFreeze>,
    pub break_glass: Option<Spanned<RawBreakGlass>>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "this must be the name of a trust entry, or a table with one for each kind of evidence"
)]
pub(super) enum RawSigner {
    One(String),
    PerKind(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this must be a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this must be true, false or a list of names")]
pub(super) enum RawBreakGlass {
    All(bool),
    Some(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `accept` and `acknowledge`")]
pub(super) struct RawTestResult {
    pub accept: Option<Vec<RawText>>,
    #[serde(default)]
    pub acknowledge: Vec<RawText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `from`, `to` and `zone`")]
pub(super) struct RawFreeze {
    pub from: RawText,
    pub to: RawText,
    pub zone: RawText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a trust root")]
pub(super) struct RawTrust {
    #[serde(default)]
    pub keys: Vec<Spanned<KeyFile>>,
    pub root: Option<RawText>,
    #[serde(default)]
    pub identities: Vec<Spanned<RawIdentity>>,
    #[serde(default)]
    pub transparency_log: RawLogRule,
    #[serde(default = "yes")]
    pub sct: bool,
    #[serde(default)]
    pub timestamp: RawTimeRule,
    #[serde(default)]
    pub min_log_entries: u32,
    #[serde(default)]
    pub min_timestamps: u32,
    pub min_bundle_version: Option<RawText>,
    pub signature_format: Option<RawSignatureFormat>,
    #[serde(default)]
    pub predicate_types: Vec<String>,
    pub docker_reference: Option<String>,
    pub key_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawSignatureFormat {
    Legacy,
    Bundle,
}

/// A key file, or one with the time in which its keys were in use.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "this must be the path of a key file, or a table with `path`, `valid_from` and `valid_until`"
)]
pub(super) enum KeyFile {
    Path(String),
    InUse(KeyInUse),
}

#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `path`, `valid_from` and `valid_until`"
)]
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
pub(super) enum RawLogRule {
    #[default]
    Required,
    InclusionProof,
    NotRequired,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawTimeRule {
    #[default]
    Any,
    Rfc3161,
    Rekor,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes an identity")]
pub(super) struct RawIdentity {
    pub san: Option<String>,
    pub san_regex: Option<RawText>,
    pub issuer: Option<Issuer>,
    pub issuer_regex: Option<RawText>,
    pub source_repository: Option<String>,
    pub source_ref: Option<String>,
    pub workflow: Option<String>,
    pub runner_environment: Option<String>,
    pub build_trigger: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "this must be a text or false")]
pub(super) enum Issuer {
    Is(String),
    /// `false`: the certificate carries none (GitHub's release attestations).
    None(bool),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a registry")]
pub(super) struct RawRegistry {
    pub endpoint: Option<RawText>,
    #[serde(default)]
    pub insecure_http: bool,
    pub ca: Option<RawText>,
    pub requests_per_second: Option<Spanned<u32>>,
}
