//! A canned board for tests: every state that the screen can show, once at least.

use jiff::Timestamp;

use super::generation::{Slot, Ticket};
use super::key::Key;
use super::keymap::Keymap;
use super::msg::Msg;
use super::state::{Setup, State};
use super::update::update;
use crate::app::Command;
use crate::domain::board::{Assessment, Hold, RepositoryInfo, ServiceRow, TagSource, Update};
use crate::domain::candidate::{Candidate, Version};
use crate::domain::drift;
use crate::domain::evidence::{
    CauseKind, Check, CheckName, CheckState, Evidence, EvidenceKind, EvidenceState, Format, LogEvidence,
    ProvenanceSummary, SbomSummary, Signer, SignerKind, Summary, TestResultSummary, TimeSource,
};
use crate::domain::freshness::Seen;
use crate::domain::history::{Action, Entry};
use crate::domain::id::{Digest, EnvId, Target};
use crate::domain::pin::{Location, Pin, PinnedBy, Style};
use crate::domain::policy::{Confirm, Environment, WriteMode};
use crate::domain::reference::Repository;
use crate::domain::registry::Budget;
use crate::domain::text::Untrusted;
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
        policy: policy.map(str::to_owned),
        after: Vec::new(),
        registry: None,
        write: WriteMode::Push,
        confirm: Confirm::Y,
        read_only: false,
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
        locations: vec![Location {
            file: format!("envs/{environment}/{service}.yaml"),
            line: 17,
            style: Style::Kubernetes,
            read_only: None,
        }],
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
        kind,
        predicate_type: (kind == EvidenceKind::Provenance).then(|| "https://slsa.dev/provenance/v1".into()),
        format: Format::SigstoreBundle,
        digest: Digest::of(format!("{kind} of {about}").as_bytes()),
        attached_to: about,
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
    }
}

/// Every required kind, all holding.
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
pub(crate) fn assessed(result: Outcome, causes: Vec<Cause>, evidence: Vec<Evidence>) -> Seen<Assessment> {
    Seen::Fresh {
        value: Assessment {
            verdict: Some(Verdict {
                result,
                policy: "release".to_owned(),
                policy_digest: digest("policy"),
                at: now(),
                causes,
            }),
            evidence,
        },
        at: now(),
    }
}

pub(crate) fn verified(about: Digest) -> Seen<Assessment> {
    assessed(Outcome::Verified, Vec::new(), whole(about))
}

const ENVIRONMENTS: [&str; 4] = ["dev", "integration", "staging", "production"];

/// Per service: which version is pinned where; `:x` is a tag-only pin, `-` none, `a|b` a split.
const PINS: [(&str, [&str; 4]); 8] = [
    ("checkout", ["c3", "c3", "c2", "c2"]),
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
            fetched_at: Some(now()),
        },
        environments: ENVIRONMENTS
            .iter()
            .map(|name| environment(name, Some("release")))
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
            Seen::Fresh {
                value: Some(Candidate {
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
                }),
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
                digest: Seen::Fresh {
                    value: Some(pin.digest.unwrap_or_else(|| digest("moving"))),
                    at: now(),
                },
                matches_via_index: false,
            });
            if let Some(digest) = pin.digest {
                out.push(assessment(key, service, pin.target.environment.as_str(), digest));
            }
        }
    }
    // The tag of checkout in production was pushed again.
    let moved = pin("checkout", "production", Some("1.4.0"), Some(digest("c2"))).key();
    out.push(Update::Tag {
        key: moved.clone(),
        source: TagSource::Pin("1.4.0".to_owned()),
        immutable: true,
        digest: Seen::Fresh {
            value: Some(digest("pushed again")),
            at: now(),
        },
        matches_via_index: false,
    });
    out.push(Update::Skipped(moved, Some(true)));
    out
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
        ("search", "staging") => Seen::Unreachable {
            detail: "connect to registry.example.com: timed out after 10 s".into(),
            last: verified(about).value().cloned().map(|value| (value, before(7_200))),
        },
        ("search", "production") => Seen::Loading { last: None },
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
        ("inventory", "dev") => Seen::Fresh {
            value: Assessment {
                verdict: None,
                evidence: whole(about),
            },
            at: now(),
        },
        ("inventory", "integration") => match verified(about) {
            Seen::Fresh { value, .. } => Seen::Fresh {
                value,
                at: before(3_600),
            },
            other => other,
        },
        ("inventory", "production") => Seen::NotChecked,
        _ => verified(about),
    };
    Update::Assessed {
        key,
        assessment,
        version: label,
        missing,
    }
}

/// A cockpit of that size which has just been started; the first pass has been asked for.
pub(crate) fn started(width: u16, height: u16) -> (State, Ticket) {
    let mut state = State::new(Setup::default(), Keymap::default(), (width, height), now());
    let commands = update(&mut state, Msg::Start, now());
    match commands.as_slice() {
        [Command::Refresh(ticket)] => (state, ticket.clone()),
        other => panic!("expected a refresh, got {other:?}"),
    }
}

/// Sends updates of one pass.
pub(crate) fn feed(state: &mut State, ticket: &Ticket, updates: impl IntoIterator<Item = Update>) {
    for found in updates {
        let msg = Msg::Update {
            ticket: ticket.clone(),
            update: Box::new(found),
        };
        assert_eq!(update(state, msg, now()), []);
    }
}

/// Ends a pass as the engine does: drift, budget, end.
pub(crate) fn finish(state: &mut State, ticket: &Ticket) {
    let found = drift::detect(state.live_board(), before(300));
    let budget = Budget {
        requests: 41,
        head: 28,
        get: 13,
        from_cache: 120,
        rate_limited: 0,
    };
    feed(
        state,
        ticket,
        [Update::Drift(found), Update::Budget(budget), Update::Finished(now())],
    );
    let msg = Msg::RefreshEnded {
        ticket: ticket.clone(),
        result: Ok(()),
    };
    assert_eq!(update(state, msg, now()), []);
}

/// A cockpit whose first pass has ended.
pub(crate) fn state(width: u16, height: u16) -> State {
    let (mut state, ticket) = started(width, height);
    feed(&mut state, &ticket, [opened()]);
    feed(&mut state, &ticket, findings());
    finish(&mut state, &ticket);
    state
}

/// Presses keys: `jj<enter>:quit<enter>`.
pub(crate) fn press(state: &mut State, keys: &str) -> Vec<Command> {
    let mut rest = keys;
    let mut commands = Vec::new();
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
        let (key, after) = match named {
            Some((name, after)) => (name.parse().expect("a key"), after),
            None => (Key::char(first), &rest[first.len_utf8()..]),
        };
        rest = after;
        commands.extend(update(state, Msg::Key(key), now()));
    }
    commands
}

/// A history with a promotion, a revert, a break-glass and a change by hand.
pub(crate) fn history() -> Vec<Entry> {
    let entry = |n: u8, action, from: Option<&str>, to: Option<&str>, subject: &str| Entry {
        commit: Digest::of(&[n]).hex()[..40].to_owned(),
        author: "Ada".into(),
        at: before(i64::from(n) * 90_000),
        subject: subject.into(),
        action,
        reverts: (action == Action::Revert).then(|| Digest::of(&[n + 1]).hex()[..40].to_owned()),
        from: from.map(digest),
        to: to.map(digest),
        tag: Some("1.4.0".to_owned()),
        break_glass: (n == 4).then(|| "customer outage, soak waived".into()),
    };
    vec![
        entry(
            1,
            Action::Promote,
            Some("c1"),
            Some("c2"),
            "Promote checkout to production",
        ),
        entry(
            2,
            Action::Revert,
            Some("c2"),
            Some("c1"),
            "Revert checkout in production",
        ),
        entry(
            3,
            Action::Promote,
            Some("c1"),
            Some("c2"),
            "Promote checkout to production",
        ),
        entry(
            4,
            Action::Promote,
            Some("c0"),
            Some("c1"),
            "Promote checkout to production",
        ),
        entry(5, Action::Other, None, Some("c0"), "checkout: pin by digest"),
        entry(6, Action::Other, None, None, "checkout: add production"),
    ]
}

/// Answers the history that was asked for last.
pub(crate) fn answer_history(state: &mut State, ticket: &Ticket) {
    assert_eq!(ticket.slot, Slot::History);
    for msg in [
        Msg::History {
            ticket: ticket.clone(),
            entries: history(),
        },
        Msg::HistoryEnded {
            ticket: ticket.clone(),
            result: Ok(()),
        },
    ] {
        assert_eq!(update(state, msg, now()), []);
    }
}

/// Names an environment.
pub(crate) fn env(name: &str) -> EnvId {
    name.into()
}
