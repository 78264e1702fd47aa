//! The sample with clusters: what runs of each pin in staging and production.

use crate::app::state::CockpitState;
use crate::domain::board::{PinKey, Update};
use crate::domain::freshness::Answered;
use crate::domain::id::Digest;
use crate::domain::running::blocked::{BlockKind, Blocked};
use crate::domain::running::comparison::{ImageComparison, ImageMatch};
use crate::domain::running::observation::{NamespaceRunning, RunningDigest, RunningState};
use crate::domain::running::pods::Counting;
use crate::domain::running::reconciler::{Reconciler, ReconcilerKind, ReconcilerState};
use crate::domain::running::report::RunningReport;
use crate::domain::running::scope::ClusterNamespaces;

use super::drive::{feed, finish, started};
use super::pieces::*;
use super::world::{findings, opened};

fn row(digest: Digest, comparison: ImageComparison, (ready, pods): (u32, u32)) -> RunningDigest {
    RunningDigest {
        digest: Some(digest),
        comparison,
        named: None,
        asked: "registry.example.com/shop/x".into(),
        is_job: false,
        counting: Counting::Runs,
        pods,
        ready,
        since: Some(before(3_600)),
    }
}

/// What runs of a pin: so many ready Pods of the pinned image, so many of another one.
pub(crate) fn running(state: RunningState, pinned: Digest, same: (u32, u32), others: u32) -> RunningReport {
    let mut digests = Vec::new();
    if same.1 > 0 {
        digests.push(row(pinned, ImageComparison::Same(ImageMatch::Exact), same));
    }
    if others > 0 {
        digests.push(row(digest("old"), ImageComparison::Differs, (others, others)));
    }
    let is_arrived = state != RunningState::Differs;
    RunningReport {
        state,
        since: before(3_600),
        namespaces: vec![NamespaceRunning {
            cluster: "eu".to_owned(),
            namespace: "shop".to_owned(),
            state,
            digests,
            blocked: Vec::new(),
            missing: Vec::new(),
            is_past: false,
            reconciler: Some(Reconciler {
                kind: ReconcilerKind::Argo,
                name: "argocd/shop".into(),
                revision: None,
                reached: Some(is_arrived),
                state: if is_arrived {
                    ReconcilerState::Applied
                } else {
                    ReconcilerState::Syncing
                },
                message: "".into(),
            }),
            is_rolled_out: Some(state == RunningState::Same),
            wanted: None,
            unfinished: None,
        }],
    }
}

/// What runs of every pin of the sample that is in a cluster.
fn report(key: &PinKey) -> Option<RunningReport> {
    let pinned = key.digest?;
    let service = key.target.service.as_str();
    Some(match (service, key.target.environment.as_str()) {
        ("checkout", "production") => running(RunningState::Mixed, pinned, (2, 3), 2),
        ("catalog", "production") => running(RunningState::Differs, pinned, (0, 0), 4),
        ("search", "production") => {
            let mut unknown = running(RunningState::Unknown, pinned, (0, 0), 0);
            unknown.namespaces[0].reconciler = None;
            unknown.namespaces[0].missing = vec!["pods in shop: forbidden in cluster eu\u{1b}[2J".into()];
            unknown
        }
        ("ledger", "production") => {
            let mut refused = running(RunningState::Blocked, pinned, (0, 0), 4);
            refused.namespaces[0].blocked = vec![Blocked {
                what: BlockKind::GateDenied,
                by: Some("policy.sigstore.dev".into()),
                digest: Some(pinned),
                message: "admission webhook \u{202e}denied the request: no matching signatures".into(),
                since: Some(before(600)),
            }];
            refused
        }
        ("notifier", _) => running(RunningState::None, pinned, (0, 0), 0),
        (_, "staging" | "production") => running(RunningState::Same, pinned, (4, 4), 0),
        _ => return None,
    })
}

/// Says what runs of a pin.
pub(crate) fn ran(key: PinKey, report: RunningReport) -> Update {
    Update::Running(
        key,
        Answered {
            result: Ok(report),
            at: now(),
        },
    )
}

/// A cockpit whose first pass has ended, on a board with a cluster for staging and production.
pub(crate) fn with_clusters(width: u16, height: u16) -> CockpitState {
    let (mut state, ticket) = started(width, height);
    let mut first = opened();
    let mut keys = Vec::new();
    if let Update::Opened {
        environments, services, ..
    } = &mut first
    {
        for environment in environments.iter_mut().skip(2) {
            environment.running.places = vec![ClusterNamespaces {
                cluster: "eu".to_owned(),
                namespaces: vec!["shop".to_owned()],
                reconcilers: vec!["argocd".to_owned()],
            }];
        }
        keys.extend(services.iter().flat_map(|row| &row.cells).map(|cell| cell.pin.key()));
    }
    feed(&mut state, &ticket, [first]);
    feed(&mut state, &ticket, findings());
    let reports = keys
        .into_iter()
        .filter_map(|key| report(&key).map(|report| ran(key, report)));
    feed(&mut state, &ticket, reports.collect::<Vec<_>>());
    finish(&mut state, &ticket);
    state
}
