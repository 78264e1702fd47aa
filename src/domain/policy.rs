//! What a team asks of a digest before it counts: policies, trust profiles, environments, services.
//!
//! These are the validated forms of `pindeck.toml`; parsing lives in [`crate::config`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};

use super::environment_repository::EnvironmentRepository;
use super::evidence::EvidenceKind;
use super::id::{Digest, EnvId, ServiceId};
use super::platform::PlatformFilter;
use super::proposal::ForgeSettings;
use super::reference::Repository;
use super::registry::RegistrySettings;
use super::running::scope::RunningScope;
pub use super::signature_format::SignatureFormat;

/// One environment, in promotion order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name in `pindeck.toml`, or the inferred one.
    pub name: EnvId,
    /// Globs of the files that belong to it, relative to the repository's root.
    pub paths: Vec<String>,
    /// The branch that it is read from and written to; `None` = that of `pindeck.toml`.
    pub branch: Option<String>,
    /// The repository that it is read from and written to; `None` = that of `pindeck.toml`.
    pub repository: Option<EnvironmentRepository>,
    /// The policy its pins are judged by; `None` = no policy configured (nothing can be verified).
    pub policy: Option<String>,
    /// Environments where a digest must be pinned before it may come here.
    pub after: Vec<EnvId>,
    /// Its own registry and path prefix, if promotion copies content first.
    pub registry: Option<String>,
    /// How a write reaches the branch.
    pub write: WriteMode,
    /// How a person confirms.
    pub confirm: Confirm,
    /// Never written to.
    pub read_only: bool,
    /// Which of an index's platform manifests must be there.
    pub platforms: PlatformFilter,
    /// Where it runs.
    pub running: RunningScope,
}

impl Environment {
    /// An environment of which only the name and the path patterns are known: no policy, no order, no registry of its
    /// own, written to by a push that `y` confirms.
    pub fn new(name: impl Into<EnvId>, paths: Vec<String>) -> Self {
        Self {
            name: name.into(),
            paths,
            branch: None,
            repository: None,
            policy: None,
            after: Vec::new(),
            registry: None,
            write: WriteMode::default(),
            confirm: Confirm::default(),
            read_only: false,
            platforms: PlatformFilter::default(),
            running: RunningScope::default(),
        }
    }
}

/// How a write reaches the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteMode {
    /// Straight to the branch.
    #[default]
    Push,
    /// To a `pindeck/…` branch for a pull request.
    Branch,
}

/// How a person confirms a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirm {
    /// The key `y`.
    #[default]
    Y,
    /// Typing the environment's name.
    TypeName,
}

/// One service as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in `pindeck.toml`, or the inferred one.
    pub name: ServiceId,
    /// Where CI pushes it.
    pub image: Repository,
    /// Other repositories that contain it.
    pub also: Vec<Repository>,
    /// Which variant of the image it is, where several services share the image (`fpm`).
    pub component: Option<String>,
    /// Repositories in which further evidence about it lies.
    pub evidence: Vec<Repository>,
    /// Trust profile that replaces the policy's signer.
    pub signer: Option<String>,
    /// How the candidate is found.
    pub candidate: Option<CandidateRule>,
    /// Tags that must not move (regular expression, unanchored as written).
    pub immutable_tags: Option<String>,
    /// Source repository that provenance must name.
    pub source: Option<String>,
}

/// How CI's newest digest is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateRule {
    /// What this tag points at.
    Tag(String),
    /// The highest full version in this range.
    Semver(String),
    /// The newest of the tags that match.
    Pattern {
        /// Regular expression, unanchored as written.
        pattern: String,
        /// How "newest" is decided.
        order: PatternOrder,
    },
}

/// Order among tags that match a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PatternOrder {
    /// By the image's `created` time.
    #[default]
    Created,
    /// By name, digits compared as numbers.
    Name,
}

/// One policy of `[policies.*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name in `pindeck.toml`, or the inferred one.
    pub name: String,
    /// Required kinds of evidence, in the order written.
    pub require: Vec<EvidenceKind>,
    /// Who must have signed.
    pub signer: SignerRule,
    /// Accepted builder ids; empty = any.
    pub builder: Vec<String>,
    /// Whether provenance's source must be the service's.
    pub source: bool,
    /// Which test results count.
    pub test_result: TestResultRule,
    /// Oldest accepted statement per kind, in seconds.
    pub max_age: BTreeMap<EvidenceKind, i64>,
    /// How long a digest must have been pinned in every `after` environment, in seconds.
    pub soak: Option<i64>,
    /// When nothing may be promoted.
    pub freeze: Vec<Freeze>,
    /// What a typed reason may waive.
    pub break_glass: BTreeSet<Waivable>,
    /// Digest of everything that decides its verdicts (the policy and the trust profiles it uses).
    pub digest: Digest,
}

/// Which trust profile signs what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignerRule {
    /// For kinds not listed below.
    pub default: Option<String>,
    /// Trust profiles for single kinds of evidence, by kind; they win over the default.
    pub per_kind: BTreeMap<EvidenceKind, String>,
}

impl SignerRule {
    /// The trust profile's name for a kind. A signer given for that kind comes first; a service's own
    /// signer replaces only the default.
    pub(crate) fn for_kind<'a>(&'a self, kind: EvidenceKind, service_signer: Option<&'a str>) -> Option<&'a str> {
        let named = self.per_kind.get(&kind).map(String::as_str);
        named.or(service_signer).or(self.default.as_deref())
    }
}

/// Which test results count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResultRule {
    /// Results that are good.
    pub accept: Vec<String>,
    /// Results a person may acknowledge (verdict *warned*).
    pub acknowledge: Vec<String>,
}

impl Default for TestResultRule {
    fn default() -> Self {
        Self {
            accept: vec!["PASSED".to_owned()],
            acknowledge: Vec::new(),
        }
    }
}

/// A weekly window in which nothing is promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// First moment.
    pub from: (Weekday, Time),
    /// First moment after.
    pub to: (Weekday, Time),
    /// IANA time zone name, validated.
    pub zone: String,
}

/// What break-glass may waive. Corrupt, bad-signature and missing content never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waivable {
    /// Time in the environment before.
    Soak,
    /// The freeze window.
    Freeze,
    /// `after`.
    Order,
    /// A verdict of unknown.
    Unknown,
    /// A rejected verdict whose causes are waivable.
    Evidence,
}

impl Waivable {
    /// All, in the order documented.
    pub(crate) const ALL: [Self; 5] = [Self::Soak, Self::Freeze, Self::Order, Self::Unknown, Self::Evidence];

    /// The name in `pindeck.toml`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Soak => "soak",
            Self::Freeze => "freeze",
            Self::Order => "order",
            Self::Unknown => "unknown",
            Self::Evidence => "evidence",
        }
    }
}

/// One profile of `[trust.*]`: who is believed, and with how much proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustProfile {
    /// Its name in `pindeck.toml`, or the inferred one.
    pub name: String,
    /// Trusted public keys.
    pub keys: Vec<TrustedKey>,
    /// Root for certificates and logs.
    pub root: Option<TrustRoot>,
    /// Accepted certificate identities.
    pub identities: Vec<Identity>,
    /// How much the transparency log must contribute.
    pub transparency_log: LogRule,
    /// Whether certificates must carry a valid SCT.
    pub sct: bool,
    /// Which trusted time is asked for.
    pub timestamp: TimeRule,
    /// What is asked for beyond that.
    pub demands: Demands,
    /// How signatures and attestations must be stored; `None` = either way. For those who ask the same as a cluster's
    /// gate that finds only one.
    pub signature_format: Option<SignatureFormat>,
    /// The predicate types of attestations that count, exactly; empty = every version of a required kind.
    pub predicate_types: Vec<String>,
}

/// Further demands of a trust profile. The default asks for nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demands {
    /// At least so many verified log entries.
    pub log_entries: u32,
    /// Verified times of signing by at least so many different authorities.
    pub times: u32,
    /// The oldest bundle format that counts, as (major, minor).
    pub bundle_version: Option<(u16, u16)>,
    /// The repository (with or without a tag) that a cosign signature must name.
    pub docker_reference: Option<String>,
    /// The key id that an envelope's signature must carry.
    pub key_id: Option<String>,
}

/// A public key with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// As named in the configuration (for people).
    pub name: String,
    /// The PEM text.
    pub pem: String,
    /// When the key was in use. A signature counts only if a trusted time shows that it was made then.
    pub validity: Validity,
}

/// A window of time, its ends included. Without ends it is always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// First moment.
    pub from: Option<Timestamp>,
    /// Last moment.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether a moment lies inside.
    pub(crate) fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    /// Whether every moment lies inside.
    pub(crate) fn is_always(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

/// Where certificates and logs are anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRoot {
    /// Sigstore's public-good instance, embedded snapshot.
    PublicGood,
    /// GitHub's instance, embedded snapshot.
    Github,
    /// A `trusted_root.json`.
    File {
        /// As named in the configuration.
        name: String,
        /// Its text.
        json: String,
    },
}

/// GitHub's attestation API, where the team's workflows leave what they attest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubSource {
    /// `github.com`, a server of a company's own, or the address of an API.
    pub host: String,
    /// `OWNER/NAME`; `None` = the source repository of each service, where it lies on that host.
    pub repository: Option<String>,
    /// Never send a token (a repository's own file that nobody approved).
    pub anonymous: bool,
}

/// The TUF repository that the team refreshes the root `public-good` from, instead of the public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufMirror {
    /// Its address: the folder of `timestamp.json`.
    pub mirror: String,
    /// The text of the root metadata that trust in it begins with; `None` where that of this build is its own too.
    pub root: Option<String>,
}

/// One accepted certificate identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate's subject alternative name: an address of a workflow or of a person.
    pub san: Match,
    /// The OIDC issuer; `None` only where the configuration says `issuer = false` (GitHub's release
    /// attestations carry none).
    pub issuer: Option<Match>,
    /// GitHub claims that must match exactly: `source_repository`, `source_ref`, `workflow`,
    /// `runner_environment` and so on (Fulcio OID 1.3.6.1.4.1.57264.1.*).
    pub claims: BTreeMap<String, String>,
}

/// How a text is matched. `{service}` has been left in and is substituted per service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Exactly.
    Exact(String),
    /// By a regular expression anchored at both ends.
    Regex(String),
}

/// How much the transparency log must contribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogRule {
    /// A verified entry: promise or inclusion proof.
    #[default]
    Required,
    /// A verified inclusion proof with checkpoint.
    InclusionProof,
    /// Nothing (keys without a log).
    NotRequired,
}

/// Which trusted time is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeRule {
    /// Whatever proves the certificate was valid.
    #[default]
    Any,
    /// An RFC 3161 timestamp.
    Rfc3161,
    /// The log's integrated time.
    Rekor,
}

/// A whole team policy: the validated `pindeck.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TeamPolicy {
    /// Image patterns that are nobody's service.
    pub ignore: Vec<String>,
    /// The branch that counts, if not the checked-out branch's upstream.
    pub branch: Option<String>,
    /// Environments in promotion order; empty = infer.
    pub environments: Vec<Environment>,
    /// Configured services.
    pub services: Vec<Service>,
    /// Policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// Trust profiles by name.
    pub trust: BTreeMap<String, TrustProfile>,
    /// Registry settings by name as written in manifests.
    pub registries: BTreeMap<String, RegistrySettings>,
    /// GitHub's attestation API as a source of evidence.
    pub github: Option<GithubSource>,
    /// Where pull requests are opened and looked at; `None` = the file says nothing about it.
    pub forge: Option<ForgeSettings>,
    /// A TUF repository of the team's own.
    pub tuf: Option<TufMirror>,
    /// Names of clusters; how one is reached is said in a person's own configuration.
    pub clusters: Vec<String>,
    /// Prefixes of image names that a cluster pulls through, each with the registry or path that it stands for.
    pub pull_through: Vec<(String, String)>,
    /// Where it came from.
    pub source: PolicySource,
}

/// Where the team policy came from; plans and commits name it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PolicySource {
    /// There is none: everything is inferred and read-only.
    #[default]
    None,
    /// The repository's own file at this commit.
    Commit(String),
    /// An external file.
    File(String),
}

impl Freeze {
    /// Whether the window is open at `now`.
    ///
    /// # Errors
    /// If the time zone is not known on this machine; callers fail closed.
    pub(crate) fn contains(&self, now: Timestamp) -> Result<bool, jiff::Error> {
        let zoned = now.in_tz(&self.zone)?;
        let minute = |day: Weekday, time: Time| {
            i64::from(day.to_monday_zero_offset()) * 1440 + i64::from(time.hour()) * 60 + i64::from(time.minute())
        };
        let at = minute(zoned.weekday(), zoned.time());
        let (from, to) = (minute(self.from.0, self.from.1), minute(self.to.0, self.to.1));
        Ok(if from <= to {
            (from..to).contains(&at)
        } else {
            at >= from || at < to
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_spans_the_week_end_in_its_own_zone() {
        let freeze = Freeze {
            from: (Weekday::Friday, Time::constant(16, 0, 0, 0)),
            to: (Weekday::Monday, Time::constant(8, 0, 0, 0)),
            zone: "Europe/Berlin".to_owned(),
        };
        for (now, frozen) in [
            ("2026-11-20T14:59:00Z", false), // Friday 15:59 in Berlin
            ("2026-11-20T15:00:00Z", true),
            ("2026-11-22T12:00:00Z", true),
            ("2026-11-23T06:59:00Z", true),
            ("2026-11-23T07:00:00Z", false),
            ("2026-07-17T14:00:00Z", true), // summer time: Friday 16:00
        ] {
            let now: Timestamp = now.parse().expect("a time");
            assert_eq!(freeze.contains(now).expect("a zone"), frozen, "{now}");
        }
    }

    #[test]
    fn a_services_own_signer_replaces_the_default_alone() {
        let rule = SignerRule {
            default: Some("ci".to_owned()),
            per_kind: [(EvidenceKind::Sbom, "scanner".to_owned())].into(),
        };
        assert_eq!(rule.for_kind(EvidenceKind::Sbom, None), Some("scanner"));
        assert_eq!(rule.for_kind(EvidenceKind::Signature, None), Some("ci"));
        assert_eq!(rule.for_kind(EvidenceKind::Signature, Some("own")), Some("own"));
        assert_eq!(rule.for_kind(EvidenceKind::Sbom, Some("own")), Some("scanner"));
    }
}
