//! Many services in four environments, each at its own distance from what CI offers.

use super::drive::{feed, finish, started};
use super::pieces::{assessed, before, cause, digest, environment, now, pin, repository, verified, whole};
use crate::app::CockpitState;
use crate::domain::board::{Fetch, RepositoryInfo, ServiceRow, Update};
use crate::domain::candidate::{Candidate, Version};
use crate::domain::evidence::{CauseKind, EvidenceKind};
use crate::domain::freshness::Answered;
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::domain::verdict::Outcome;

const ENVIRONMENTS: [&str; 4] = ["dev", "integration", "staging", "production"];
const KINDS: [&str; 10] = [
    "api", "worker", "gateway", "cron", "web", "export", "import", "admin", "sync", "mail",
];
const TEAMS: [&str; 6] = ["cart", "pay", "search", "ship", "stock", "user"];

/// The name of a service by its number: `cart-api`, `pay-api`, …, and from 60 on with a number.
pub(crate) fn name_of(number: usize) -> String {
    let (team, kind) = (TEAMS[number % 6], KINDS[number / 6 % 10]);
    match number / 60 {
        0 => format!("{team}-{kind}"),
        round => format!("{team}-{kind}-{round}"),
    }
}

/// How many versions behind a service is in an environment.
fn behind(service: usize, environment: usize) -> usize {
    [0, service % 2, service % 3, service % 5][environment]
}

fn version(service: usize, behind: usize) -> String {
    format!("{} {}", name_of(service), 9 - behind)
}

fn pins(service: usize) -> Vec<Pin> {
    let name = name_of(service);
    ENVIRONMENTS
        .iter()
        .zip(0..)
        .map(|(env, at)| {
            let behind = behind(service, at);
            let tag = format!("1.{}.0", 9 - behind);
            pin(&name, env, Some(&tag), Some(digest(&version(service, behind))))
        })
        .collect()
}

/// The skeleton of a board of so many services.
pub(crate) fn large_opened(services: usize) -> Update {
    let mut rows: Vec<ServiceRow> = (0..services)
        .map(|n| ServiceRow::new(name_of(n).as_str().into(), Some(repository(&name_of(n))), pins(n)))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
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
                    .map(|at| ENVIRONMENTS[at].into())
                    .into_iter()
                    .collect(),
                ..environment(name, Some("release"))
            })
            .collect(),
        services: rows,
        unmanaged: Vec::new(),
    }
}

/// What is found about one of them.
pub(crate) fn large_findings(service: usize) -> Vec<Update> {
    let name = name_of(service);
    let mut out = vec![Update::Candidate(
        name.as_str().into(),
        Answered {
            result: Ok(Some(Candidate {
                image: repository(&name),
                tag: "1.9.0".to_owned(),
                digest: digest(&version(service, 0)),
                versions: (0..5)
                    .map(|behind| Version {
                        tag: format!("1.{}.0", 9 - behind),
                        digest: Some(digest(&version(service, behind))),
                        created: None,
                    })
                    .collect(),
            })),
            at: now(),
        },
    )];
    let newest = verified(digest(&version(service, 0)));
    out.push(Update::CandidateAssessed(name.as_str().into(), newest));
    for (at, pin) in pins(service).into_iter().enumerate() {
        let key = pin.key();
        let about = pin.digest.expect("pinned by digest");
        let age = 3_600 * i64::try_from((service * 7 + at * 50) % 400).expect("small");
        out.push(Update::PinnedBy(
            key.clone(),
            PinnedBy {
                commit: "8be01c2fd1e0b6a5c4f3e2d1c0b9a8f7e6d5c4b3".to_owned(),
                author: "Ada".into(),
                at: before(age),
                subject: format!("Promote {name} to {}", pin.target.environment).into(),
            },
        ));
        let assessment = if (service + at) % 17 == 3 {
            let why = cause(EvidenceKind::Sbom, CauseKind::Absent, "no SBOM is attached", None);
            assessed(Outcome::Rejected, vec![why], whole(about))
        } else {
            verified(about)
        };
        out.push(Update::Assessed {
            key,
            assessment,
            version: None,
            same_image: Default::default(),
            missing: false,
        });
    }
    out
}

/// A cockpit over so many services whose first pass has ended.
pub(crate) fn large(services: usize, width: u16, height: u16) -> CockpitState {
    let (mut state, ticket) = started(width, height);
    feed(&mut state, &ticket, [large_opened(services)]);
    for service in 0..services {
        feed(&mut state, &ticket, large_findings(service));
    }
    finish(&mut state, &ticket);
    state
}
