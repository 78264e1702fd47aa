//! What predicates say: the few fields of each kind that a person or a policy asks for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::Untrusted;

/// What a predicate says, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "of")]
pub enum Summary {
    /// SLSA provenance.
    Provenance(ProvenanceSummary),
    /// What an SPDX or CycloneDX document lists.
    Sbom(SbomSummary),
    /// What a test run came to.
    TestResult(TestResultSummary),
    /// How many vulnerabilities a scanner found, by severity.
    VulnerabilityScan(ScanSummary),
    /// What somebody else's verification came to.
    VerificationSummary(VsaSummary),
    /// Nothing more than the type.
    #[default]
    None,
}

impl Summary {
    /// The time that the payload itself states: when the scan, the build, the tests or the verification
    /// ended, or when the SBOM was made.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Provenance(said) => said.finished_at,
            Self::Sbom(said) => said.created,
            Self::TestResult(said) => said.finished_at,
            Self::VulnerabilityScan(said) => said.finished_at,
            Self::VerificationSummary(said) => said.verified_at,
            Self::None => None,
        }
    }
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

/// What an SBOM says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SbomSummary {
    /// `SPDX` or `CycloneDX`.
    pub format: String,
    /// Version of the format.
    pub version: Untrusted,
    /// How many packages or components.
    pub packages: u32,
    /// When the document was made, by its own word.
    #[serde(default)]
    pub created: Option<Timestamp>,
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
    /// When the tests ended, by the statement's own word. The predicate type has no such field of its
    /// own; signers may add one (`finishedOn`).
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
}

/// What a vulnerability scan found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanSummary {
    /// Name or address of the scanner, as it calls itself.
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
