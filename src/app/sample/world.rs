//! Eight services in four environments.

use crate::domain::board::{Assessment, Fetch, Hold, RepositoryInfo, ServiceRow, TagSource, Update};
use crate::domain::candidate::{Candidate, Version};
use crate::domain::evidence::{CauseKind, EvidenceKind, EvidenceState};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::freshness::Answered;
use crate::domain::id::Digest;
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{CheckOf, Outcome};

use super::pieces::*;

const ENVIRONMENTS: [&str; 4] = ["dev", "integration", "staging", "production"];

/// Per service: which version is pinned where; `:x` is a tag-only pin, `-` none, `a|b` a split.
const PINS: [(&str, [&str; 4]); 8] = [
    ("checkout", ["c3", "c2b", "c2", "c2"]),
    ("payments", ["p2", "p2", "p2", "p1"]),
    ("search", ["s3", "s2", "s1", "s1"]),
    ("catalog", ["k3", "k3", "k2", "k1"]),
    ("notifier", [":main", "n2", "n1", "-"]),
    ("ledger", ["l2", "l2", "l2", "lx"]),
    ("frontend", ["f3", "f3", "f2", "f0"]),
    ("inventory", ["i2", "i2", "i2|i1", "i1"]),
];

fn pins(service: &str, row: &[&str; 4]) -> Vec<Pin> {
    let mut out = Vec::new();
    for (environment, cell) in ENVIRONMENTS.iter().zip(row) {
        for one in cell.split('|') {
            match one.strip_prefix(':') {
                Some(tag) => out.push(pin(service, environment, Some(tag), None)),
                None if one == "-" => {}
                None => out.push(pin(service, environment, Some("1.4.0"), Some(digest(one)))),
            }
        }
    }
    out
}

/// The skeleton of the board.
pub(crate) fn opened() -> Update {
    let mut services: Vec<ServiceRow> = PINS
        .iter()
        .map(|(name, row)| ServiceRow::new((*name).into(), Some(repository(name)), pins(name, row)))
        .collect();
    services[5].cells[3].hold = Some(Hold {
        service: "ledger".into(),
        environment: "production".into(),
        digest: digest("lx"),
        reason: "double bookings".into(),
        since: Some(before(86_400)),
        by: Some("Grace".into()),
    });
    Update::Opened {
        repository: RepositoryInfo {
            path: "/home/ada/shop-gitops".to_owned(),
            branch: "main".to_owned(),
            commit: "3f2c91a7d1e0b6a5c4f3e2d1c0b9a8f7e6d5c4b3".to_owned(),
            remote: Some("origin".to_owned()),
            ahead: 0,
            behind: 0,
            dirty: false,
            elsewhere: Default::default(),
            fetch: Fetch::Fresh(now()),
        },
        environments: ENVIRONMENTS
            .iter()
            .enumerate()
            .map(|(at, name)| Environment {
                after: at
                    .checked_sub(1)
                    .map(|before| ENVIRONMENTS[before].into())
                    .into_iter()
                    .collect(),
                ..environment(name, Some("release"))
            })
            .collect(),
        services,
        unmanaged: Vec::new(),
    }
}

/// Everything found after [`opened`], in the order in which it might arrive.
pub(crate) fn findings() -> Vec<Update> {
    let mut out = Vec::new();
    for (service, row) in &PINS {
        let all = pins(service, row);
        let newest = row
            .iter()
            .find(|cell| !cell.starts_with([':', '-']))
            .map_or("n9", |cell| cell);
        let mut versions: Vec<&str> = row
            .iter()
            .flat_map(|cell| cell.split('|'))
            .filter(|cell| !cell.starts_with([':', '-']) && *cell != "lx" && *cell != "f0")
            .collect();
        versions.dedup();
        out.push(Update::Candidate(
            (*service).into(),
            Answered {
                result: Ok(Some(Candidate {
                    image: repository(service),
                    tag: "main".to_owned(),
                    digest: digest(newest),
                    versions: versions
                        .iter()
                        .enumerate()
                        .map(|(at, version)| Version {
                            tag: if at == 0 {
                                "main".to_owned()
                            } else {
                                format!("1.{}.0", 9 - at)
                            },
                            digest: Some(digest(version)),
                            created: None,
                        })
                        .collect(),
                })),
                at: now(),
            },
        ));
        out.push(Update::CandidateAssessed((*service).into(), verified(digest(newest))));
        for pin in all {
            let key = pin.key();
            out.push(Update::PinnedBy(
                key.clone(),
                PinnedBy {
                    commit: "8be01c2fd1e0b6a5c4f3e2d1c0b9a8f7e6d5c4b3".to_owned(),
                    author: "Ada".into(),
                    at: before(6 * 86_400),
                    subject: format!("Promote {service} to {}", pin.target.environment).into(),
                },
            ));
            out.push(Update::Tag {
                key: key.clone(),
                source: TagSource::Pin(pin.tag.clone().unwrap_or_default()),
                immutable: true,
                digest: Answered {
                    result: Ok(Some(pin.digest.unwrap_or_else(|| digest("moving")))),
                    at: now(),
                },
                matches_via_index: false,
            });
            if let Some(digest) = pin.digest {
                let environment = pin.target.environment.as_str();
                if (*service, environment) == ("search", "staging") {
                    let earlier = Answered {
                        at: before(7_200),
                        ..verified(digest)
                    };
                    out.push(of(key.clone(), earlier));
                }
                if (*service, environment) != ("search", "production") {
                    out.push(assessment(key, service, environment, digest));
                }
            }
        }
    }
    // The tag of checkout in production was pushed again.
    let moved = pin("checkout", "production", Some("1.4.0"), Some(digest("c2"))).key();
    out.push(Update::Tag {
        key: moved.clone(),
        source: TagSource::Pin("1.4.0".to_owned()),
        immutable: true,
        digest: Answered {
            result: Ok(Some(digest("pushed again"))),
            at: now(),
        },
        matches_via_index: false,
    });
    out.push(Update::Skipped(moved, Some(true)));
    out
}

/// An assessment that carries nothing else.
fn of(key: crate::domain::board::PinKey, assessment: Answered<Assessment>) -> Update {
    Update::Assessed {
        key,
        assessment,
        version: None,
        same_image: Default::default(),
        missing: false,
    }
}

fn assessment(key: crate::domain::board::PinKey, service: &str, environment: &str, about: Digest) -> Update {
    use EvidenceKind as K;
    let version = |label: &str| Some(Untrusted::new(label));
    let mut missing = false;
    let mut label = version("1.4.0").filter(|_| service == "checkout");
    let assessment = match (service, environment) {
        ("payments", "production") => assessed(
            Outcome::Rejected,
            vec![cause(
                K::Provenance,
                CauseKind::WrongSubject,
                "every provenance attached here is about another digest",
                Some(digest("p2")),
            )],
            whole(about),
        ),
        ("search", "dev") => assessed(
            Outcome::Rejected,
            vec![cause(K::Signature, CauseKind::Absent, "no signature is attached", None)],
            whole(about).into_iter().skip(1).collect(),
        ),
        ("search", "integration") => assessed(
            Outcome::Unknown,
            vec![cause(
                K::Sbom,
                CauseKind::Unreachable,
                "registry.example.com answered 503",
                None,
            )],
            whole(about),
        ),
        ("search", "staging") => Answered {
            result: Err(Failure::unreachable(
                "connect to registry.example.com: timed out after 10 s",
            )),
            at: now(),
        },
        ("catalog", "staging") => assessed(Outcome::Warned, Vec::new(), whole(about)),
        ("catalog", "dev") => assessed(
            Outcome::Rejected,
            vec![cause(
                K::TestResult,
                CauseKind::PolicyFailed,
                "the test result is FAILED",
                None,
            )],
            whole(about),
        ),
        ("notifier", "integration") => assessed(
            Outcome::Rejected,
            vec![cause(K::Signature, CauseKind::Absent, "nothing is attached", None)],
            vec![evidence(K::Sbom, about, EvidenceState::Unsigned)],
        ),
        ("notifier", "staging") => assessed(
            Outcome::Rejected,
            vec![cause(
                K::Signature,
                CauseKind::OtherSigner,
                "signed by https://github.com/stranger/x/.github/workflows/y.yml@refs/heads/main",
                None,
            )],
            vec![evidence(K::Signature, about, EvidenceState::Failed)],
        ),
        ("ledger", _) => {
            label = version("2.0.1");
            verified(about)
        }
        ("frontend", "production") => {
            missing = true;
            let mut gone = cause(K::Other, CauseKind::Absent, "MANIFEST_UNKNOWN", None);
            gone.check = CheckOf::Digest;
            assessed(Outcome::Rejected, vec![gone], Vec::new())
        }
        ("frontend", "staging") => assessed(
            Outcome::Rejected,
            vec![cause(
                K::Provenance,
                CauseKind::Corrupt,
                "the provenance blob does not hash to its digest",
                None,
            )],
            whole(about),
        ),
        ("inventory", "dev") => Answered {
            result: Ok(Assessment {
                verdict: None,
                evidence: whole(about).into(),
            }),
            at: now(),
        },
        ("inventory", "integration") => Answered {
            at: before(3_600),
            ..verified(about)
        },
        ("inventory", "production") => Answered {
            result: Err(Failure::new(FailureKind::NotChecked, "--offline forbids asking")),
            at: now(),
        },
        _ => verified(about),
    };
    Update::Assessed {
        key,
        assessment,
        version: label,
        same_image: Default::default(),
        missing,
    }
}
