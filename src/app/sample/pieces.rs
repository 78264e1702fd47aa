//! What boards are made of.

use jiff::Timestamp;

use crate::domain::board::Assessment;
use crate::domain::evidence::{
    CauseKind, Check, CheckName, CheckState, Evidence, EvidenceKind, EvidenceState, Format, LogEvidence,
    ProvenanceSummary, SbomSummary, Signer, SignerKind, Summary, TestResultSummary, TimeSource,
};
use crate::domain::freshness::Answered;
use crate::domain::id::{Digest, Target};
use crate::domain::pin::{Location, Pin, Style};
use crate::domain::policy::{Confirm, Environment, WriteMode};
use crate::domain::reference::Repository;
use crate::domain::verdict::{Cause, CheckOf, Outcome, Verdict};

/// 2026-03-02T14:02:00Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_772_460_120).expect("valid")
}

/// So many seconds before [`now`].
pub(crate) fn before(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - seconds).expect("valid")
}

/// A digest by a name.
pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(crate) fn environment(name: &str, policy: Option<&str>) -> Environment {
    Environment {
        name: name.into(),
        paths: vec![format!("envs/{name}/**")],
        branch: None,
        repository: None,
        policy: policy.map(str::to_owned),
        after: Vec::new(),
        registry: None,
        write: WriteMode::Push,
        confirm: Confirm::Y,
        read_only: false,
        platforms: crate::domain::platform::PlatformFilter::All,
        running: crate::domain::running::scope::RunningScope::default(),
    }
}

pub(crate) fn repository(service: &str) -> Repository {
    Repository::parse(&format!("registry.example.com/shop/{service}")).expect("valid")
}

pub(crate) fn pin(service: &str, environment: &str, tag: Option<&str>, digest: Option<Digest>) -> Pin {
    Pin {
        target: Target::new(service, environment),
        image: repository(service),
        tag: tag.map(str::to_owned),
        digest,
        component: None,
        locations: vec![Location {
            file: format!("envs/{environment}/{service}.yaml"),
            line: 17,
            style: Style::Kubernetes,
            image: repository(service),
            read_only: None,
            reason: None,
            role: Default::default(),
            yaml_path: String::new(),
        }],
        uncertain: None,
    }
}

fn check(check: CheckName, state: CheckState, detail: &str) -> Check {
    Check {
        check,
        state,
        detail: detail.into(),
    }
}

/// One statement about a digest.
pub(crate) fn evidence(kind: EvidenceKind, about: Digest, state: EvidenceState) -> Evidence {
    let summary = match kind {
        EvidenceKind::Provenance => Summary::Provenance(ProvenanceSummary {
            builder: Some("https://github.com/actions/runner/github-hosted".into()),
            build_type: Some("https://actions.github.io/buildtypes/workflow/v1".into()),
            source: Some("https://github.com/example/checkout".into()),
            commit: Some("4be3c1d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5".into()),
            workflow: Some(".github/workflows/release.yml".into()),
            ..Default::default()
        }),
        EvidenceKind::Sbom => Summary::Sbom(SbomSummary {
            format: "SPDX".to_owned(),
            version: "2.3".into(),
            packages: 214,
            created: None,
        }),
        EvidenceKind::TestResult => Summary::TestResult(TestResultSummary {
            result: "PASSED".to_owned(),
            passed: Some(812),
            ..Default::default()
        }),
        _ => Summary::None,
    };
    let passed = CheckState::Passed;
    let failed = state == EvidenceState::Failed;
    Evidence {
        predicate_type: (kind == EvidenceKind::Provenance).then(|| "https://slsa.dev/provenance/v1".into()),
        subjects: vec![about],
        state,
        cause: failed.then_some(CauseKind::OtherSigner),
        detail: failed.then(|| "signed by somebody the policy does not name".into()),
        signer: (state != EvidenceState::Unsigned).then(|| Signer {
            kind: SignerKind::Certificate,
            identity: "https://github.com/example/checkout/.github/workflows/release.yml@refs/heads/main".into(),
            issuer: Some("https://token.actions.githubusercontent.com".into()),
        }),
        log: LogEvidence::InclusionProof,
        timestamp: TimeSource::Rekor,
        signed_at: Some(before(7 * 86_400)),
        summary,
        checks: vec![
            check(CheckName::Signature, passed, "ECDSA P-256 over the DSSE envelope"),
            check(CheckName::Chain, passed, "leaf to fulcio.example.com, valid at signing"),
            check(CheckName::Sct, passed, "1 of the CT logs of the trusted root"),
            check(
                CheckName::LogPromise,
                CheckState::NotPresent,
                "the bundle has an inclusion proof instead",
            ),
            check(
                CheckName::InclusionProof,
                passed,
                "index 81 in a tree of 112, checkpoint signed",
            ),
            check(CheckName::Timestamp, passed, "integrated at 2026-02-23T14:02:00Z"),
            check(
                CheckName::Identity,
                if failed { CheckState::Failed } else { passed },
                "https://github.com/example/checkout/.github/workflows/release.yml@refs/heads/main is what the profile \"ci\" names",
            ),
            check(
                CheckName::Issuer,
                if failed { CheckState::NotChecked } else { passed },
                "https://token.actions.githubusercontent.com",
            ),
            check(
                CheckName::Subject,
                if failed { CheckState::NotChecked } else { passed },
                &format!("the statement names {about}, as asked"),
            ),
            check(
                CheckName::Predicate,
                if failed { CheckState::NotChecked } else { passed },
                "https://slsa.dev/provenance/v1",
            ),
        ],
        ..Evidence::new(
            kind,
            Format::SigstoreBundle,
            Digest::of(format!("{kind} of {about}").as_bytes()),
            about,
        )
    }
}

/// Every required kind, all verified.
pub(crate) fn whole(about: Digest) -> Vec<Evidence> {
    [
        EvidenceKind::Signature,
        EvidenceKind::Provenance,
        EvidenceKind::Sbom,
        EvidenceKind::TestResult,
    ]
    .into_iter()
    .map(|kind| evidence(kind, about, EvidenceState::Verified))
    .collect()
}

pub(crate) fn cause(kind: EvidenceKind, cause: CauseKind, detail: &str, subject: Option<Digest>) -> Cause {
    Cause {
        check: CheckOf::Evidence(kind),
        cause,
        detail: detail.into(),
        subject,
    }
}

/// An answered assessment.
pub(crate) fn assessed(result: Outcome, causes: Vec<Cause>, evidence: Vec<Evidence>) -> Answered<Assessment> {
    Answered {
        result: Ok(Assessment {
            verdict: Some(Verdict {
                result,
                policy: "release".to_owned(),
                policy_digest: digest("policy"),
                at: now(),
                causes,
            }),
            evidence: evidence.into(),
        }),
        at: now(),
    }
}

pub(crate) fn verified(about: Digest) -> Answered<Assessment> {
    assessed(Outcome::Verified, Vec::new(), whole(about))
}
