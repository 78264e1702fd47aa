//! Who ships what in the demo, and what went wrong on the way: every situation a newcomer should meet.

/// Environments in promotion order.
pub(super) const ENVIRONMENTS: [&str; 4] = ["dev", "integration", "staging", "production"];
/// Where [`ENVIRONMENTS`] has production.
pub(super) const PRODUCTION: usize = 3;

/// How a service's manifests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ManifestStyle {
    Kubernetes,
    Kustomize,
    HelmValues,
    Flux,
    Compose,
    Argocd,
}

/// What evidence a version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlotEvidence {
    /// Everything, with this test result.
    Whole(&'static str),
    /// Built again by hand: a signature and an SBOM.
    Rebuilt,
    /// No statement at all, not even a signature.
    Nothing,
    /// Everything, by a key nobody trusts.
    ByStranger,
    /// Everything, about the version before.
    AboutTheOneBefore,
}

/// One version of one service.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlotVersion {
    pub name: &'static str,
    pub evidence: PlotEvidence,
    /// The environments that pinned it, as places in [`ENVIRONMENTS`].
    pub pinned: &'static [usize],
}

/// A service of the demo: how its manifests are written and what became of its versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlotService {
    pub name: &'static str,
    pub style: ManifestStyle,
    /// Evidence in cosign's older tags.
    pub legacy: bool,
    /// Pinned by tag only in dev.
    pub by_tag_in_dev: bool,
    /// Versions in the order they were built; one that is there twice was built twice.
    pub versions: &'static [PlotVersion],
    /// A version that was taken back in production right after it was pinned there.
    pub taken_back: Option<&'static str>,
}

const ALL: &[usize] = &[0, 1, 2, 3];
const TO_STAGING: &[usize] = &[0, 1, 2];
const TO_INTEGRATION: &[usize] = &[0, 1];
const PASSED: PlotEvidence = PlotEvidence::Whole("PASSED");

const fn version(name: &'static str, evidence: PlotEvidence, pinned: &'static [usize]) -> PlotVersion {
    PlotVersion { name, evidence, pinned }
}

const fn service(name: &'static str, style: ManifestStyle, versions: &'static [PlotVersion]) -> PlotService {
    PlotService {
        name,
        style,
        legacy: false,
        by_tag_in_dev: false,
        versions,
        taken_back: None,
    }
}

/// Every service of the demo, each with something else to see.
pub(super) const SERVICES: [PlotService; 8] = [
    // Verified, and ready for production.
    service(
        "checkout",
        ManifestStyle::Kubernetes,
        &[
            version("1.3.0", PASSED, ALL),
            version("1.4.0", PASSED, ALL),
            version("1.4.2", PASSED, ALL),
            version("1.5.0", PASSED, TO_STAGING),
        ],
    ),
    // The story of this product: 2.4.1 was built again on the way, with another dependency.
    service(
        "payments",
        ManifestStyle::Kustomize,
        &[
            version("2.3.8", PASSED, ALL),
            version("2.4.0", PASSED, ALL),
            version("2.4.1", PASSED, ALL),
            version("2.4.1", PlotEvidence::Rebuilt, &[2]),
            version("2.5.0", PASSED, TO_INTEGRATION),
        ],
    ),
    // Tests: PASSED in production, WARNED in staging, FAILED before.
    PlotService {
        taken_back: Some("1.7.1"),
        ..service(
            "catalog",
            ManifestStyle::HelmValues,
            &[
                version("1.7.0", PASSED, ALL),
                version("1.7.1", PASSED, ALL),
                version("1.7.2", PASSED, ALL),
                version("1.7.3", PlotEvidence::Whole("WARNED"), TO_STAGING),
                version("1.8.0", PlotEvidence::Whole("FAILED"), TO_INTEGRATION),
            ],
        )
    },
    // Evidence about another digest in integration, none at all in dev.
    service(
        "search",
        ManifestStyle::Flux,
        &[
            version("4.1.0", PASSED, ALL),
            version("4.2.0", PASSED, ALL),
            version("4.2.1", PlotEvidence::AboutTheOneBefore, TO_INTEGRATION),
            version("4.3.0", PlotEvidence::Nothing, &[0]),
        ],
    ),
    // Signed by somebody else in staging.
    PlotService {
        legacy: true,
        ..service(
            "ledger",
            ManifestStyle::Kubernetes,
            &[
                version("0.9.2", PASSED, ALL),
                version("0.9.3", PASSED, ALL),
                version("0.9.4", PlotEvidence::ByStranger, TO_STAGING),
                version("0.9.5", PASSED, TO_INTEGRATION),
            ],
        )
    },
    // Pinned by tag only in dev.
    PlotService {
        by_tag_in_dev: true,
        ..service(
            "notifier",
            ManifestStyle::Compose,
            &[
                version("5.0.0", PASSED, ALL),
                version("5.0.1", PASSED, ALL),
                version("5.1.0", PASSED, TO_INTEGRATION),
            ],
        )
    },
    // What production runs is gone from its registry.
    service(
        "frontend",
        ManifestStyle::Argocd,
        &[
            version("7.1.0", PASSED, ALL),
            version("7.2.0", PASSED, ALL),
            version("7.3.0", PASSED, TO_STAGING),
        ],
    ),
    // 3.1.0 was reverted in production, and is under a hold.
    PlotService {
        legacy: true,
        taken_back: Some("3.1.0"),
        ..service(
            "accounts",
            ManifestStyle::Kubernetes,
            &[
                version("3.0.8", PASSED, ALL),
                version("3.0.9", PASSED, ALL),
                version("3.1.0", PASSED, ALL),
                version("3.1.1", PASSED, TO_INTEGRATION),
            ],
        )
    },
];

/// A service and the environment whose digest is ready to step forward.
pub(crate) const READY: (&str, &str) = ("checkout", "staging");

/// The service whose production digest left the registry, and the version.
pub(super) const GONE: (&str, &str) = ("frontend", "7.2.0");
/// The service whose reverted digest is under a hold.
pub(super) const HELD: &str = "accounts";

/// People who commit.
pub(super) const PEOPLE: [(&str, &str); 4] = [
    ("Ada Osei", "ada@shop.example"),
    ("Bruno Lima", "bruno@shop.example"),
    ("Chen Wei", "chen@shop.example"),
    ("release-bot", "bot@shop.example"),
];
