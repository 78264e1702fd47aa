//! Evidence: one statement attached to one digest, and what checking it found.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::Digest;
pub use super::summary::{ProvenanceSummary, SbomSummary, ScanSummary, Summary, TestResultSummary, VsaSummary};
use super::text::Untrusted;

/// What a statement is about. Decided by the signed `predicateType`, never by annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A signature over the image digest (cosign `.sig`, message signature, cosign sign predicate).
    Signature,
    /// SLSA provenance.
    Provenance,
    /// SPDX or CycloneDX.
    Sbom,
    /// in-toto test result.
    TestResult,
    /// in-toto or cosign vulnerability scan.
    VulnerabilityScan,
    /// SLSA verification summary (VSA).
    VerificationSummary,
    /// Anything else; listed by its predicate type, never dropped.
    Other,
}

impl EvidenceKind {
    /// Every kind, in display order.
    pub(crate) const ALL: [Self; 7] = [
        Self::Signature,
        Self::Provenance,
        Self::Sbom,
        Self::TestResult,
        Self::VulnerabilityScan,
        Self::VerificationSummary,
        Self::Other,
    ];

    /// The name used in `pindeck.toml`, JSON and on screen.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
            Self::TestResult => "test-result",
            Self::VulnerabilityScan => "vulnerability-scan",
            Self::VerificationSummary => "verification-summary",
            Self::Other => "other",
        }
    }

    /// The kind with that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of a `predicateType` (docs/reference/evidence.md, rule 2; versions of SPDX, CycloneDX and in-toto
    /// predicates count as the same kind).
    pub(crate) fn of_predicate(predicate_type: &str) -> Self {
        let t = predicate_type;
        let is = |base: &str| t == base || t.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        if is("https://slsa.dev/provenance") {
            Self::Provenance
        } else if is("https://spdx.dev/Document")
            || t.starts_with("https://spdx.dev/Document/v")
            || is("https://cyclonedx.org/bom")
            || is("https://cyclonedx.org/schema")
        {
            Self::Sbom
        } else if is("https://in-toto.io/attestation/test-result") {
            Self::TestResult
        } else if is("https://in-toto.io/attestation/vulns")
            || is("https://cosign.sigstore.dev/attestation/vuln")
            || t == "cosign.sigstore.dev/attestation/vuln/v1"
        {
            Self::VulnerabilityScan
        } else if is("https://slsa.dev/verification_summary") {
            Self::VerificationSummary
        } else if is("https://sigstore.dev/cosign/sign") {
            Self::Signature
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a statement is packed in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A Sigstore bundle, found as a referrer.
    SigstoreBundle,
    /// cosign's `sha256-<hex>.sig` tag.
    CosignSignature,
    /// cosign's `sha256-<hex>.att` tag (or a bare DSSE envelope attached otherwise).
    CosignAttestation,
    /// BuildKit's unsigned attestation manifest inside an index.
    Buildkit,
    /// A Notation signature (Notary Project), which pindeck does not verify.
    Notation,
    /// A bundle of GitHub's attestation API.
    Github,
    /// Provenance that Google Cloud Build signed with its own keys.
    Gcb,
    /// An SBOM document without a statement around it.
    Sbom,
    /// A SARIF report without a statement around it.
    Sarif,
    /// An in-toto statement without a signature.
    InToto,
    /// Something else; it is listed by its media type.
    Unknown,
}

impl Format {
    /// How people are told about it, in a few words.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::SigstoreBundle => "Sigstore bundle (referrer)",
            Self::CosignSignature => "cosign .sig tag",
            Self::CosignAttestation => "cosign .att tag",
            Self::Buildkit => "BuildKit, unsigned",
            Self::Notation => "Notation signature",
            Self::Github => "GitHub attestation",
            Self::Gcb => "Google Cloud Build provenance",
            Self::Sbom => "SBOM, unsigned",
            Self::Sarif => "SARIF report, unsigned",
            Self::InToto => "in-toto statement, unsigned",
            Self::Unknown => "unknown format",
        }
    }
}

/// What checking one statement found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceState {
    /// Signed by whom the policy trusts, about this digest.
    Verified,
    /// A check failed; see the cause.
    Failed,
    /// Carries no signature at all; shown, never counted.
    Unsigned,
    /// A format, algorithm, log or CA that could not be judged.
    Unsupported,
    /// Could not be fetched.
    Unreachable,
    /// Was not asked for (`--offline`).
    NotChecked,
}

/// Why a check failed. Never merged into one another.
///
/// The order is that in which checks run: a later one means the item got further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// There is no item of that kind (or no content of that digest).
    Absent,
    /// Something needed could not be fetched.
    Unreachable,
    /// The bytes do not hash to their digest.
    Corrupt,
    /// It cannot be parsed as what it claims to be.
    Malformed,
    /// Understood, but cannot be judged (unknown log, CA, algorithm, format).
    Unsupported,
    /// Nothing was asked (`--offline`).
    NotChecked,
    /// A cryptographic check failed.
    BadSignature,
    /// A valid signature by somebody the policy does not name.
    OtherSigner,
    /// A trusted statement about another digest.
    WrongSubject,
    /// A trusted statement of another kind than it claims.
    WrongPredicate,
    /// A trusted statement whose content the policy does not accept.
    PolicyFailed,
}

impl CauseKind {
    /// The name used in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unreachable => "unreachable",
            Self::Corrupt => "corrupt",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::NotChecked => "not-checked",
            Self::BadSignature => "bad-signature",
            Self::OtherSigner => "other-signer",
            Self::WrongSubject => "wrong-subject",
            Self::WrongPredicate => "wrong-predicate",
            Self::PolicyFailed => "policy-failed",
        }
    }
}

impl CauseKind {
    /// Whether this says nothing about the content: it could not be asked for, or was not.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Unreachable | Self::NotChecked)
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One check of one statement, shown on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which check.
    pub check: CheckName,
    /// What it found.
    pub state: CheckState,
    /// What was compared to what.
    pub detail: Untrusted,
}

/// The checks a statement can undergo, in the order they run and are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// The signature over the payload.
    Signature,
    /// The certificate chain to a trusted CA.
    Chain,
    /// The certificate's signed certificate timestamp.
    Sct,
    /// The log's signed promise (SET).
    LogPromise,
    /// Inclusion proof and checkpoint.
    InclusionProof,
    /// A trusted time of signing.
    Timestamp,
    /// The certificate's SAN, or the key.
    Identity,
    /// The certificate's OIDC issuer.
    Issuer,
    /// The statement's subject against the digest.
    Subject,
    /// The predicate's type and shape.
    Predicate,
}

/// What one check found. "Not present" and "not checked" are different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// It verifies.
    Passed,
    /// It does not verify.
    Failed,
    /// There was nothing to check.
    NotPresent,
    /// Not reached, or the trust profile does not ask.
    NotChecked,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// A bare key or a certificate.
    pub kind: SignerKind,
    /// Certificate: the SAN. Key: the name of the trusted key file, else its hint.
    pub identity: Untrusted,
    /// Certificate: the OIDC issuer.
    pub issuer: Option<Untrusted>,
}

/// The two kinds of signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignerKind {
    /// A long-lived key.
    Key,
    /// A (short-lived) certificate.
    Certificate,
}

/// What the transparency log contributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogEvidence {
    /// A verified inclusion proof with its checkpoint.
    InclusionProof,
    /// A verified signed entry timestamp only.
    Set,
    /// Nothing verified.
    #[default]
    None,
}

/// Where a trusted time of signing came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// The transparency log's integrated time.
    Rekor,
    /// An RFC 3161 timestamp authority.
    Rfc3161,
    /// No trusted time.
    #[default]
    None,
}

/// One statement attached to one digest, after checking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is about.
    pub kind: EvidenceKind,
    /// The in-toto predicate type; `None` for plain signatures.
    pub predicate_type: Option<Untrusted>,
    /// How it is packed.
    pub format: Format,
    /// Digest of the blob that contains the statement.
    pub digest: Digest,
    /// Which statement of the blob it is, counted from 0, where the blob contains several (JSON lines).
    /// Together with `digest` this identifies a statement: see [`Evidence::id`].
    #[serde(default)]
    pub part: Option<u32>,
    /// The image or index digest it is attached to (differs from the one asked about: "via index").
    pub attached_to: Digest,
    /// The SHA-256 digests the signed statement is about.
    pub subjects: Vec<Digest>,
    /// Where it was found, if not beside the image.
    #[serde(default)]
    pub found_in: Option<Untrusted>,
    /// What checking found.
    pub state: EvidenceState,
    /// Why not, where it does not verify.
    pub cause: Option<CauseKind>,
    /// One sentence for `cause`, for people.
    pub detail: Option<Untrusted>,
    /// Whether its bytes could not be had or were not looked at, so that nobody knows what it says.
    #[serde(default)]
    pub unread: bool,
    /// Who signed, as far as could be read; trusted only in state verified.
    pub signer: Option<Signer>,
    /// What the log contributed.
    pub log: LogEvidence,
    /// Where the trusted time came from.
    pub timestamp: TimeSource,
    /// The oldest time at which somebody trusted saw the signature. Anybody can have an old signature
    /// stamped again, so this time puts no two statements in order and makes no statement young.
    pub signed_at: Option<Timestamp>,
    /// The time that the signed content itself has: a field of the signed payload, or the beginning of
    /// the validity of its short-lived certificate, whichever is older. Nobody but the signer can
    /// change it. `None` where the content has no time of its own.
    #[serde(default)]
    pub content_time: Option<Timestamp>,
    /// What the predicate says.
    pub summary: Summary,
    /// Every check on its own.
    pub checks: Vec<Check>,
    /// The predicate that was verified, where the question asked to keep it. It is never stored.
    #[serde(skip)]
    pub content: Option<SignedContent>,
}

/// Identifies one statement: the digest of its blob and, where the blob contains several statements, the
/// position inside. Written `sha256:…` or `sha256:…#2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceId {
    /// Digest of the blob.
    pub digest: Digest,
    /// Position in the blob, counted from 0.
    pub part: Option<u32>,
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Some(part) => write!(f, "{}#{part}", self.digest),
            None => write!(f, "{}", self.digest),
        }
    }
}

/// The text of a predicate as it was signed and verified. Only verification makes one, so whoever is
/// given it needs not look into the registry again, where other bytes may stand beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedContent(Arc<str>);

impl SignedContent {
    /// Wraps a predicate that has been verified.
    pub(crate) fn verified(predicate: &str) -> Self {
        Self(predicate.into())
    }

    /// The predicate.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedContent({} bytes)", self.0.len())
    }
}

impl Evidence {
    /// A statement about which nothing is known yet but where it lies.
    pub(crate) fn new(kind: EvidenceKind, format: Format, digest: Digest, attached_to: Digest) -> Self {
        Self {
            kind,
            predicate_type: None,
            format,
            digest,
            part: None,
            attached_to,
            subjects: Vec::new(),
            found_in: None,
            state: EvidenceState::Unsupported,
            cause: None,
            detail: None,
            unread: false,
            signer: None,
            log: LogEvidence::None,
            timestamp: TimeSource::None,
            signed_at: None,
            content_time: None,
            summary: Summary::None,
            checks: Vec::new(),
            content: None,
        }
    }

    /// Whether nobody knows what it says: its bytes could not be had or were not looked at.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread || matches!(self.state, EvidenceState::Unreachable | EvidenceState::NotChecked)
    }

    /// What tells this statement from every other one attached to the same digest.
    pub fn id(&self) -> EvidenceId {
        EvidenceId {
            digest: self.digest,
            part: self.part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicate_types_decide_the_kind() {
        use EvidenceKind as K;
        for (predicate, kind) in [
            ("https://slsa.dev/provenance/v1", K::Provenance),
            ("https://slsa.dev/provenance/v0.2", K::Provenance),
            ("https://slsa.dev/provenanceX", K::Other),
            ("https://spdx.dev/Document", K::Sbom),
            ("https://spdx.dev/Document/v2.3", K::Sbom),
            ("https://cyclonedx.org/bom", K::Sbom),
            ("https://cyclonedx.org/bom/v1.6", K::Sbom),
            // cosign 1
            ("https://cyclonedx.org/schema", K::Sbom),
            ("https://cyclonedx.org/schemata", K::Other),
            ("https://in-toto.io/attestation/test-result/v0.1", K::TestResult),
            ("https://in-toto.io/attestation/vulns/v0.1", K::VulnerabilityScan),
            ("https://cosign.sigstore.dev/attestation/vuln/v1", K::VulnerabilityScan),
            ("https://slsa.dev/verification_summary/v1", K::VerificationSummary),
            ("https://sigstore.dev/cosign/sign/v1", K::Signature),
            ("https://openvex.dev/ns", K::Other),
        ] {
            assert_eq!(K::of_predicate(predicate), kind, "{predicate}");
        }
    }

    #[test]
    fn names_round_trip() {
        for kind in EvidenceKind::ALL {
            assert_eq!(EvidenceKind::from_name(kind.as_str()), Some(kind));
        }
    }
}
