//! Evidence: one statement attached to one digest, and what checking it found.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::Digest;
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
    pub const ALL: [Self; 7] = [
        Self::Signature,
        Self::Provenance,
        Self::Sbom,
        Self::TestResult,
        Self::VulnerabilityScan,
        Self::VerificationSummary,
        Self::Other,
    ];

    /// The name used in `pindeck.toml`, JSON and on screen.
    pub const fn as_str(self) -> &'static str {
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
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of a `predicateType` (docs/reference/evidence.md, rule 2; versions of SPDX, CycloneDX and in-toto
    /// predicates count as the same kind).
    pub fn of_predicate(predicate_type: &str) -> Self {
        let t = predicate_type;
        let is = |base: &str| t == base || t.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        if is("https://slsa.dev/provenance") {
            Self::Provenance
        } else if is("https://spdx.dev/Document")
            || t.starts_with("https://spdx.dev/Document/v")
            || is("https://cyclonedx.org/bom")
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
    /// BuildKit's unsigned in-index attestation manifest; also plain SBOM tags.
    Buildkit,
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
            Self::BadSignature => "bad-signature",
            Self::OtherSigner => "other-signer",
            Self::WrongSubject => "wrong-subject",
            Self::WrongPredicate => "wrong-predicate",
            Self::PolicyFailed => "policy-failed",
        }
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
    /// Digest of the item itself: the blob that contains the statement.
    pub digest: Digest,
    /// The image or index digest it is attached to (differs from the one asked about: "via index").
    pub attached_to: Digest,
    /// The SHA-256 digests the signed statement is about.
    pub subjects: Vec<Digest>,
    /// What checking found.
    pub state: EvidenceState,
    /// Why not, where it does not verify.
    pub cause: Option<CauseKind>,
    /// One sentence for `cause`, for people.
    pub detail: Option<Untrusted>,
    /// Who signed, as far as could be read; trusted only in state verified.
    pub signer: Option<Signer>,
    /// What the log contributed.
    pub log: LogEvidence,
    /// Where the trusted time came from.
    pub timestamp: TimeSource,
    /// The trusted time of signing.
    pub signed_at: Option<Timestamp>,
    /// What the predicate says.
    pub summary: Summary,
    /// Every check on its own.
    pub checks: Vec<Check>,
}

/// What a predicate says, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "of")]
pub enum Summary {
    /// SLSA provenance.
    Provenance(ProvenanceSummary),
    /// An SBOM.
    Sbom(SbomSummary),
    /// A test result.
    TestResult(TestResultSummary),
    /// A vulnerability scan.
    VulnerabilityScan(ScanSummary),
    /// A verification summary.
    VerificationSummary(VsaSummary),
    /// Nothing more than the type.
    #[default]
    None,
}

/// What provenance says about the build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProvenanceSummary {
    /// `runDetails.builder.id` (v1), `builder.id` (v0.2).
    pub builder: Option<Untrusted>,
    /// `buildDefinition.buildType`.
    pub build_type: Option<Untrusted>,
    /// Source repository URL.
    pub source: Option<Untrusted>,
    /// Source commit.
    pub commit: Option<Untrusted>,
    /// Workflow or entry point.
    pub workflow: Option<Untrusted>,
    /// Invocation id.
    pub invocation: Option<Untrusted>,
    /// When the build began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How many resolved dependencies (materials) it lists.
    pub dependencies: u32,
}

/// What an SBOM contains.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SbomSummary {
    /// `SPDX` or `CycloneDX`.
    pub format: String,
    /// Version of the format.
    pub version: Untrusted,
    /// How many packages or components.
    pub packages: u32,
}

/// What a test result says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TestResultSummary {
    /// `PASSED`, `WARNED` or `FAILED`.
    pub result: String,
    /// Number of passed tests listed.
    pub passed: Option<u32>,
    /// Number of warned tests listed.
    pub warned: Option<u32>,
    /// Number of failed tests listed.
    pub failed: Option<u32>,
    /// Where to read more.
    pub url: Option<Untrusted>,
}

/// What a vulnerability scan found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanSummary {
    /// The scanner.
    pub scanner: Option<Untrusted>,
    /// Findings by severity.
    pub critical: u32,
    /// Findings by severity.
    pub high: u32,
    /// Findings by severity.
    pub medium: u32,
    /// Findings by severity.
    pub low: u32,
    /// When the scan ended, by its own word.
    pub finished_at: Option<Timestamp>,
}

/// What a verification summary says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VsaSummary {
    /// Who verified.
    pub verifier: Option<Untrusted>,
    /// `PASSED` or `FAILED`.
    pub result: Option<Untrusted>,
    /// SLSA levels reached.
    pub levels: Vec<Untrusted>,
    /// When.
    pub verified_at: Option<Timestamp>,
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
