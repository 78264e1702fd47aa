//! The object `running` of a pin, in every document that has one (docs/reference/contract.md, "JSON").

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::board::Cell;
use crate::domain::policy::Environment;
use crate::domain::running::blocked::Blocked;
use crate::domain::running::comparison::ImageComparison;
use crate::domain::running::observation::{NamespaceRunning, RunningDigest, RunningState};
use crate::domain::running::pods::Counting;
use crate::domain::running::reconciler::Reconciler;

/// What the board says of the clusters of a pin; `null` where no cluster is named for its environment, and for a pin
/// by tag. What was not asked is unknown, and says so.
pub(crate) fn of_cell(cell: &Cell, environment: Option<&Environment>) -> Value {
    let Some(environment) = environment.filter(|env| env.running.is_known() && cell.pin.digest.is_some()) else {
        return Value::Null;
    };
    if let Some(report) = cell.running.value() {
        return running(report.state, cell.running.at(), &report.namespaces);
    }
    let places = environment.running.places.iter();
    let not_checked = places.flat_map(|place| {
        let namespaces = place.namespaces.iter();
        namespaces.map(|namespace| NamespaceRunning {
            cluster: place.cluster.clone(),
            namespace: namespace.clone(),
            state: RunningState::Unknown,
            digests: Vec::new(),
            blocked: Vec::new(),
            missing: vec!["not checked".into()],
            is_past: false,
            reconciler: None,
            is_rolled_out: None,
            wanted: None,
            unfinished: None,
        })
    });
    running(RunningState::Unknown, None, &not_checked.collect::<Vec<_>>())
}

/// What the namespaces of an environment run of a pin.
pub(crate) fn running(state: RunningState, observed_at: Option<Timestamp>, namespaces: &[NamespaceRunning]) -> Value {
    json!({
        "state": state.as_str(), "observed_at": observed_at,
        "clusters": namespaces.iter().map(namespace).collect::<Vec<_>>(),
    })
}

fn namespace(one: &NamespaceRunning) -> Value {
    json!({
        "cluster": one.cluster, "namespace": one.namespace, "state": one.state.as_str(), "past": one.is_past,
        "digests": one.digests.iter().map(digest).collect::<Vec<_>>(),
        "reconciler": one.reconciler.as_ref().map(reconciler),
        "blocked": one.blocked.iter().map(blocked).collect::<Vec<_>>(),
        "missing": one.missing,
    })
}

fn reconciler(one: &Reconciler) -> Value {
    let message = (!one.message.is_empty()).then_some(&one.message);
    json!({
        "kind": one.kind.as_str(), "name": one.name, "revision": one.revision, "reached": one.reached,
        "state": one.state.as_str(), "message": message,
    })
}

fn digest(row: &RunningDigest) -> Value {
    let (matched, doubt) = match row.comparison {
        ImageComparison::Same(how) => (Some(how.as_str()), None),
        ImageComparison::Differs => (Some("none"), None),
        ImageComparison::Unknown(doubt) => (None, Some(doubt.to_string())),
    };
    json!({
        "digest": row.digest, "match": matched, "doubt": doubt, "named": row.named, "asked": row.asked,
        "pods": row.pods, "ready": row.ready, "since": row.since, "job": row.is_job,
        "counts": match row.counting {
            Counting::Runs => "runs",
            Counting::ShouldRun => "should-run",
            Counting::Lost => "lost",
            Counting::Leaving => "leaving",
            Counting::Aside => "aside",
        },
    })
}

fn blocked(one: &Blocked) -> Value {
    json!({
        "what": one.what.as_str(), "by": one.by, "digest": one.digest, "message": one.message, "since": one.since,
    })
}
