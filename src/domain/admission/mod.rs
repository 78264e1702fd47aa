//! Policies of a cluster's own gate, as far as pindeck reads them, and what each would say of a digest. Pure.
//!
//! A gate admits or refuses a workload by signatures and attestations of its images. What of a policy pindeck does not
//! read (conditions in CUE, Rego or CEL, keys that lie in a cluster or in a key service, fields that it does not know) is
//! kept as [`UnreadField`], and an answer that depends on it is *cannot say* (docs/reference/policy.md).

pub(crate) mod compare;
pub(crate) mod decide;
pub(crate) mod globs;
pub(crate) mod patterns;
pub(crate) mod profile;
pub(crate) mod rules;
mod signers;

use serde::Serialize;

use super::evidence::EvidenceKind;
use super::policy::SignatureFormat;

/// The programs whose policies are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GateProgram {
    /// `ClusterImagePolicy` of policy.sigstore.dev (Sigstore's policy-controller).
    PolicyController,
    /// `ClusterPolicy` of kyverno.io, one `verifyImages` entry of a rule.
    KyvernoRule,
    /// `ImageValidatingPolicy` of policies.kyverno.io.
    KyvernoImages,
    /// `ClusterImagePolicy` of config.openshift.io, which CRI-O applies when it pulls.
    Openshift,
}

impl GateProgram {
    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PolicyController => "policy-controller",
            Self::KyvernoRule | Self::KyvernoImages => "Kyverno",
            Self::Openshift => "OpenShift",
        }
    }

    /// What becomes of an image that none of its policies match.
    pub(crate) const fn unmatched(self) -> &'static str {
        match self {
            Self::PolicyController => {
                "an image that no policy matches is refused in labelled namespaces, unless no-match-policy says otherwise"
            }
            Self::KyvernoRule | Self::KyvernoImages => "an image that no policy matches is not looked at",
            Self::Openshift => {
                "an image in no scope is pulled unverified, unless another policy of the node says otherwise"
            }
        }
    }
}

/// One policy of a gate: which images it is about, and what it demands of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionPolicy {
    /// The file as it was named.
    pub file: String,
    /// The line where the document begins, from 1.
    pub line: u32,
    /// Whose it is.
    pub gate: GateProgram,
    /// `kind` and `apiVersion`, as in `ClusterImagePolicy policy.sigstore.dev/v1beta1`.
    pub kind: String,
    /// `metadata.name`, with the rule's name behind a slash where a document has several rules.
    pub name: String,
    /// Whether it refuses, or only says what it would refuse.
    pub enforces: bool,
    /// Patterns of the images that it is about.
    pub images: Vec<String>,
    /// Patterns of images that it leaves out.
    pub left_out: Vec<String>,
    /// What must be met, all of it.
    pub demands: Vec<AdmissionDemand>,
    /// What of it was not read, outside its authorities.
    pub unread: Vec<UnreadField>,
}

/// A demand: at least so many of these authorities must be satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionDemand {
    /// How many.
    pub at_least: usize,
    /// Which.
    pub of: Vec<Authority>,
}

/// Somebody who signs, and what must be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name in the policy, or its position.
    pub name: String,
    /// The line where it begins, from 1.
    pub line: u32,
    /// Who signs.
    pub signer: AuthoritySigner,
    /// What must be signed, all of it.
    pub statements: Vec<DemandedStatement>,
    /// How it must be stored; `None` = either way.
    pub stored: Option<SignatureFormat>,
    /// The transparency log that must have an entry; `None` = the log is not looked at. Beside a timestamp it only says
    /// in what that is anchored.
    pub log: Option<AuthorityRoot>,
    /// Whether an RFC 3161 timestamp is demanded. It stands in the place of a log entry.
    pub timestamped: bool,
    /// Whether a certificate without a signed certificate timestamp counts.
    pub ignores_sct: bool,
    /// What of it was not read.
    pub unread: Vec<UnreadField>,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthoritySigner {
    /// A public key that stands in the policy, as PEM.
    Key(String),
    /// A certificate with one of these identities.
    Keyless {
        /// Who is believed.
        identities: Vec<AuthorityIdentity>,
        /// What vouches for the certificate.
        root: AuthorityRoot,
    },
    /// Nobody: the answer is fixed, `true` = everything passes.
    Static(bool),
    /// It stands in a cluster or in a key service; the text says where, and what would export it.
    Elsewhere(String),
}

/// One identity of certificates. What is not given may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityIdentity {
    /// The subject alternative name.
    pub subject: Option<AuthorityMatch>,
    /// The OIDC issuer.
    pub issuer: Option<AuthorityMatch>,
}

/// How a gate matches a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthorityMatch {
    /// Exactly.
    Exact(String),
    /// By a regular expression of Go, which may match anywhere in the text.
    GoRegexp(String),
    /// By a pattern in which `*` is any text and `?` any character (Kyverno).
    Wildcard(String),
}

/// What certificates or log entries are anchored in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthorityRoot {
    /// Sigstore's public-good instance.
    PublicGood,
    /// A `TrustRoot` of the cluster, by its name.
    Named(String),
    /// Another instance, by its address.
    Address(String),
    /// A `trusted_root.json` that stands in the policy.
    Inline(String),
}

/// A statement that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandedStatement {
    /// The predicate type of an attestation; `None` = a signature of the image.
    pub predicate: Option<String>,
    /// Conditions on its content, which are not read.
    pub conditions: Vec<UnreadField>,
}

impl DemandedStatement {
    /// A signature of the image.
    pub(crate) const SIGNATURE: Self = Self {
        predicate: None,
        conditions: Vec::new(),
    };

    /// The kind of evidence that it is.
    pub(crate) fn kind(&self) -> EvidenceKind {
        match &self.predicate {
            None => EvidenceKind::Signature,
            Some(predicate) => EvidenceKind::of_predicate(predicate),
        }
    }
}

/// What a part that was not read may do to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadEffect {
    /// It can only refuse more.
    Tightens,
    /// It decides which workloads are looked at: what would be refused may be let through unseen.
    Narrows,
    /// It may refuse more or less.
    Either,
    /// It decides nothing about a digest.
    Nothing,
}

/// A part of a policy that was not read, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadField {
    /// The line where it begins, from 1.
    pub line: u32,
    /// The field, as in `authorities[0].policy`.
    pub what: String,
    /// Its text, or the beginning of it.
    pub text: String,
    /// Why it was not read.
    pub why: String,
    /// What it may do to an answer.
    pub effect: UnreadEffect,
}

impl Authority {
    /// Whether an entry of a transparency log is demanded.
    pub(crate) const fn demands_log(&self) -> bool {
        self.log.is_some() && !self.timestamped
    }
}

impl AdmissionPolicy {
    /// All authorities, in the order written.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &Authority> {
        self.demands.iter().flat_map(|demand| &demand.of)
    }

    /// Everything that was not read, in the order of lines.
    pub(crate) fn all_unread(&self) -> Vec<&UnreadField> {
        let inside = self.authorities().flat_map(|authority| {
            let conditions = authority.statements.iter().flat_map(|one| &one.conditions);
            authority.unread.iter().chain(conditions)
        });
        let mut all: Vec<&UnreadField> = self.unread.iter().chain(inside).collect();
        all.sort_by_key(|part| part.line);
        all.dedup();
        all
    }
}

/// What a gate would say of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdmissionAnswer {
    /// It would let it in.
    Admit,
    /// It would not.
    Refuse,
    /// It depends on something that pindeck does not read or could not reach.
    CannotSay,
}

impl AdmissionAnswer {
    /// The word used in JSON and in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Refuse => "refuse",
            Self::CannotSay => "cannot-say",
        }
    }
}
