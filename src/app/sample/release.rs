//! Proposals and receipts as an engine would make them for the sample.

use crate::app::command::Command;
use crate::app::generation::Ticket;
use crate::app::msg::Msg;
use crate::app::state::CockpitState;
use crate::app::update::update;
use crate::domain::diff::{
    DigestDiff, FieldChange, Layer, LayerDiff, Package, PackageChange, PackageDiff, PlatformDiff, ProvenanceDiff,
    TestDiff,
};
use crate::domain::evidence::{ProvenanceSummary, TestResultSummary};
use crate::domain::failure::Failure;
use crate::domain::hold::HoldChange;
use crate::domain::id::{Digest, Target};
use crate::domain::plan::{self, Copy, FileEdit, Gate, GateName, GateState, Plan, PolicyUsed, Verb};
use crate::domain::policy::Confirm;
use crate::domain::recovery::{LeftPin, LeftWrite};
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::{Alternative, Ask, Copied, Proposal, Receipt, Request, Scope, WriteFailure, WriteState};

use super::drive::press;
use super::pieces::*;

fn verdict(result: Outcome) -> Verdict {
    Verdict {
        result,
        policy: "release".to_owned(),
        policy_digest: digest("policy"),
        at: now(),
        causes: Vec::new(),
    }
}

fn gate(gate: GateName, detail: &str) -> Gate {
    Gate {
        gate,
        state: GateState::Open,
        detail: detail.into(),
        opener: None,
        waivable: false,
    }
}

/// A plan with every gate open.
pub(crate) fn plan(verb: Verb, service: &str, environment: &str, from: Digest, to: Digest) -> Plan {
    let gates = match verb {
        Verb::Promote => vec![
            gate(GateName::Verdict, "verified under policy release"),
            gate(GateName::Hold, "no hold on this digest"),
            gate(GateName::After, "pinned in integration"),
            gate(GateName::Soak, "pinned there since 2026-02-27T09:00:00Z"),
            gate(GateName::Freeze, "outside every freeze window"),
            gate(GateName::ReadOnly, "may be written"),
        ],
        _ => plan::revert_gates(plan::RevertFacts {
            verdict: &verdict(Outcome::Verified),
            acknowledged: None,
            environment: &"production".into(),
            holds: Ok(&[]),
            release_hold: false,
            read_only: None,
        }),
    };
    let word = match verb {
        Verb::Promote => format!("Promote {service} to {environment}"),
        _ => format!("Revert {service} in {environment}"),
    };
    let begins = HoldChange::Begins(service.into(), environment.into(), from);
    let holds = (verb == Verb::Revert).then_some(begins).into_iter().collect();
    Plan {
        verb,
        service: service.into(),
        environment: environment.into(),
        component: None,
        image: Some(repository(service)),
        from: Some(from),
        to,
        base_commit: "3f2c91a7d1e0b6a5c4f3e2d1c0b9a8f7e6d5c4b3".to_owned(),
        policy: PolicyUsed {
            name: "release".to_owned(),
            digest: digest("policy"),
            source: "3f2c91a7d1e0b6a5c4f3e2d1c0b9a8f7e6d5c4b3".to_owned(),
        },
        edits: vec![FileEdit {
            file: format!("envs/{environment}/{service}.yaml"),
            line: 17,
            diff: format!(
                "--- a/envs/{environment}/{service}.yaml\n+++ b/envs/{environment}/{service}.yaml\n@@ -15,5 +15,5 @@\n       containers:\n         - name: {service}\n-          image: registry.example.com/shop/{service}:1.4.0@{from}\n+          image: registry.example.com/shop/{service}:1.5.0@{to}\n           ports:\n             - containerPort: 8080\n"
            ),
        }],
        copies: Vec::new(),
        loose_copies: Vec::new(),
        gates,
        warnings: Vec::new(),
        verdict: Some(verdict(Outcome::Verified)),
        message: format!(
            "{word}\n\n{from} -> {to}\n\nPindeck-Action: promote\nPindeck-Service: {service}\nPindeck-Environment: {environment}\nPindeck-From: {from}\nPindeck-To: {to}\n"
        ),
        confirm: Confirm::Y,
        holds,
    }
}

/// A copy to the environment's own registry.
pub(crate) fn copy(service: &str, digest: Digest) -> Copy {
    Copy {
        source: repository(service),
        destination: crate::domain::reference::Repository::parse(&format!("staging.example.com/shop/{service}"))
            .expect("valid"),
        digest,
        tag: Some("1.5.0".to_owned()),
    }
}

/// What an engine would propose for a request about the sample's checkout, with all gates open.
pub(crate) fn proposal_of(request: Request) -> Proposal {
    let plans = match &request.ask {
        Ask::Promote { services, to, .. } => services
            .iter()
            .map(|service| {
                let (from, to_digest) = (digest(&format!("{service} old")), digest(&format!("{service} new")));
                let (from, to_digest) = if service.as_str() == "checkout" {
                    (digest("c2"), digest("c3"))
                } else {
                    (from, to_digest)
                };
                plan(Verb::Promote, service.as_str(), to.as_str(), from, to_digest)
            })
            .collect(),
        Ask::Revert { target, to, .. } => vec![plan(
            Verb::Revert,
            target.service.as_str(),
            target.environment.as_str(),
            digest("c2"),
            to.unwrap_or_else(|| digest("c1")),
        )],
        Ask::Hold { target, .. } | Ask::ReleaseHold { target } => vec![plan(
            Verb::ReleaseHold,
            target.service.as_str(),
            target.environment.as_str(),
            digest("c2"),
            digest("c2"),
        )],
        Ask::Pin { services, environment } => services
            .iter()
            .map(|service| {
                let environment = environment.clone().unwrap_or_else(|| "dev".into());
                let mut plan = plan(
                    Verb::Pin,
                    service.as_str(),
                    environment.as_str(),
                    digest("x"),
                    digest("n2"),
                );
                plan.from = None;
                plan
            })
            .collect(),
    };
    Proposal {
        request,
        plans,
        already: Vec::new(),
        alternatives: Vec::new(),
        whole_commit: None,
        repository: None,
        holds_on: None,
        remote: "origin".to_owned(),
        remote_at: None,
        branch: "main".to_owned(),
        command: "pindeck promote checkout --to staging --from integration".to_owned(),
    }
}

/// The receipt of a proposal that git accepted.
pub(crate) fn receipt_of(proposal: &Proposal) -> Receipt {
    Receipt {
        state: WriteState::Pushed,
        plans: proposal.plans.clone(),
        commits: proposal
            .plans
            .iter()
            .map(|plan| Digest::of(plan.service.as_str().as_bytes()).hex()[..40].to_owned())
            .collect(),
        pushed: Some("refs/heads/main".to_owned()),
        proposal_url: None,
        is_open: false,
        notes: Vec::new(),
        copied: Copied::default(),
        missing_at_destination: Vec::new(),
        remote_words: Vec::new(),
    }
}

/// Earlier digests that verify.
pub(crate) fn alternatives() -> Vec<Alternative> {
    ["c0", "c00"]
        .iter()
        .enumerate()
        .map(|(at, name)| Alternative {
            digest: digest(name),
            tag: Some(format!("1.{}.0", 2 - at)),
            commit: Digest::of(name.as_bytes()).hex()[..40].to_owned(),
            at: before(86_400 * 9 * (at as i64 + 1)),
            verdict: verdict(if at == 0 { Outcome::Verified } else { Outcome::Warned }),
        })
        .collect()
}

/// A comparison with something of everything.
pub(crate) fn digest_diff() -> DigestDiff {
    let package = |name: &str, version: &str| Package {
        purl: name.into(),
        version: version.into(),
    };
    let provenance = |commit: &str| {
        Some(ProvenanceSummary {
            builder: Some("https://github.com/actions/runner/github-hosted".into()),
            source: Some("https://github.com/example/checkout".into()),
            commit: Some(commit.into()),
            ..Default::default()
        })
    };
    let tests = |passed| {
        Some(TestResultSummary {
            result: "PASSED".to_owned(),
            passed: Some(passed),
            ..Default::default()
        })
    };
    DigestDiff {
        platforms: PlatformDiff {
            compared: Some("linux/amd64".to_owned()),
            same: Vec::new(),
            changed: vec!["linux/amd64".to_owned()],
            added: vec!["linux/arm64".to_owned()],
            removed: Vec::new(),
        },
        config: vec![
            FieldChange {
                field: "env.LOG_LEVEL".to_owned(),
                a: Some("info".into()),
                b: Some("debug".into()),
            },
            FieldChange {
                field: "user".to_owned(),
                a: Some("1000".into()),
                b: None,
            },
        ],
        layers: LayerDiff {
            shared: 7,
            added: vec![
                Layer {
                    digest: digest("layer 1"),
                    size: 4_300_000,
                },
                Layer {
                    digest: digest("layer 2"),
                    size: 12_000,
                },
            ],
            removed: vec![Layer {
                digest: digest("layer 0"),
                size: 4_100_000,
            }],
        },
        packages: PackageDiff {
            added: vec![package("pkg:cargo/rustls-pki-types", "1.12.0")],
            removed: vec![package("pkg:deb/debian/wget", "1.21.3-1")],
            changed: vec![
                PackageChange {
                    purl: "pkg:deb/debian/openssl".into(),
                    from: "3.0.15-1".into(),
                    to: "3.0.17-1".into(),
                },
                PackageChange {
                    purl: "pkg:cargo/serde".into(),
                    from: "1.0.217".into(),
                    to: "1.0.219".into(),
                },
            ],
        },
        provenance: ProvenanceDiff {
            a: provenance("1111111d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5"),
            b: provenance("4be3c1d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5"),
            commits: Some("1111111d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5..4be3c1d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5".into()),
        },
        tests: TestDiff {
            a: tests(803),
            b: tests(812),
        },
        missing: vec!["sbom of linux/arm64 of b".to_owned()],
    }
}

/// The ticket and request of the plan that was just asked for.
pub(crate) fn asked(commands: &[Command]) -> (Ticket, Request) {
    let found = commands.iter().find_map(|command| match command {
        Command::Plan { ticket, request } => Some((ticket.clone(), (**request).clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no plan was asked for: {commands:?}"))
}

/// Answers a plan; the frame that follows has been seen.
pub(crate) fn answer_plan(state: &mut CockpitState, ticket: &Ticket, proposal: Proposal) -> Vec<Command> {
    let msg = Msg::Planned {
        ticket: ticket.clone(),
        result: Ok(Box::new(proposal)),
    };
    let commands = update(state, msg, now());
    see(state);
    commands
}

/// The plan could not be made.
pub(crate) fn fail_plan(state: &mut CockpitState, ticket: &Ticket, failure: WriteFailure) {
    let msg = Msg::Planned {
        ticket: ticket.clone(),
        result: Err(failure),
    };
    assert_eq!(update(state, msg, now()), []);
}

/// Presses a key that asks for a plan, and answers with everything open.
pub(crate) fn planned(state: &mut CockpitState, keys: &str) -> Vec<Command> {
    planned_as(state, keys, |_| {})
}

/// The same, with a proposal of another kind.
pub(crate) fn planned_as(state: &mut CockpitState, keys: &str, change: impl FnOnce(&mut Proposal)) -> Vec<Command> {
    let (ticket, request) = asked(&super::press(state, keys));
    let mut proposal = proposal_of(request);
    change(&mut proposal);
    answer_plan(state, &ticket, proposal)
}

/// The person has seen the proposal on screen.
pub(crate) fn see(state: &mut CockpitState) {
    let serial = match state.screen() {
        Some(crate::app::state::Screen::Plan(plan)) => plan.shown().map(|_| plan.serial),
        _ => None,
    };
    let limits = crate::app::msg::ScrollLimits {
        proposal: serial,
        text: 100,
        ..state.limits
    };
    update(state, Msg::Drawn(limits), now());
}

/// The ticket and proposal of the write that was just begun.
pub(crate) fn begun(commands: &[Command]) -> (Ticket, Proposal) {
    let found = commands.iter().find_map(|command| match command {
        Command::Execute { ticket, proposal } => Some((ticket.clone(), (**proposal).clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was begun: {commands:?}"))
}

/// Ends the write in flight.
pub(crate) fn written(
    state: &mut CockpitState,
    ticket: &Ticket,
    result: Result<Receipt, WriteFailure>,
) -> Vec<Command> {
    let msg = Msg::Written {
        ticket: ticket.clone(),
        result: result.map(Box::new),
    };
    update(state, msg, now())
}

/// What a crash left: a promotion, and a revert in an environment that is confirmed by its name.
pub(crate) fn left() -> Vec<LeftWrite> {
    vec![
        LeftWrite {
            id: "20260801T120000Z-1".to_owned(),
            ask: Some(Ask::Promote {
                services: vec!["checkout".into()],
                to: "staging".into(),
                from: None,
            }),
            writes: vec![LeftPin {
                what: "promote checkout in staging".to_owned(),
                to: digest("checkout 1.5.0"),
            }],
            started: Some(before(600)),
            says: "its content is at its destination; nothing was pushed; finishing it plans it anew".to_owned(),
            type_name: None,
        },
        LeftWrite {
            id: "20260801T120500Z-2".to_owned(),
            ask: Some(Ask::Revert {
                target: Target::new("payments", "production"),
                to: None,
                scope: Scope::Auto,
            }),
            writes: vec![LeftPin {
                what: "revert payments in production".to_owned(),
                to: digest("payments 2.3.0"),
            }],
            started: Some(before(60)),
            says: "nothing was pushed; finishing it plans it anew".to_owned(),
            type_name: Some("production".into()),
        },
    ]
}

/// The list of those, as `W` opens it, and seen.
pub(crate) fn unfinished(state: &mut CockpitState, result: Result<Vec<LeftWrite>, Failure>) {
    let commands = press(state, "W");
    let [Command::Left(ticket)] = commands.as_slice() else {
        panic!("the journal was not asked: {commands:?}");
    };
    let msg = Msg::Left {
        ticket: ticket.clone(),
        result,
    };
    assert_eq!(update(state, msg, now()), []);
    see(state);
}
