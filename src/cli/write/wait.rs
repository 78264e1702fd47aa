//! Waiting for what was pushed: progress on stderr, the result in the document and at the end of the text.

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::json::running::running;
use crate::cli::output::note;
use crate::cli::signals::Interrupts;
use crate::domain::failure::FailureKind;
use crate::domain::plan::{Plan, Verb};
use crate::domain::running::wait::{WaitOutcome, WaitPhase};
use crate::domain::text::Clean;
use crate::domain::write::Proposal;
use crate::engine::Engine;
use crate::engine::running::wait::{MachineClock, WaitEnd, WaitTarget, WaitedPin};

/// The pins that a proposal changes, or that are already as asked. A hold changes none.
pub(super) fn targets(proposal: &Proposal) -> Vec<WaitTarget> {
    let changes = |plan: &&Plan| !matches!(plan.verb, Verb::Hold | Verb::ReleaseHold);
    let planned = proposal.plans.iter().filter(changes).map(|plan| WaitTarget {
        target: crate::domain::Target::new(plan.service.clone(), plan.environment.clone()),
        component: plan.component.clone(),
        digest: Some(plan.to),
    });
    let already = proposal.already.iter().map(|target| WaitTarget {
        target: target.clone(),
        component: None,
        digest: None,
    });
    let is_hold = proposal.plans.iter().any(|plan| !changes(&plan));
    planned.chain(already.filter(|_| !is_hold)).collect()
}

/// Waits, and says on stderr how far each pin is.
pub(super) async fn run(
    engine: &Engine,
    targets: &[WaitTarget],
    limit: std::time::Duration,
    interrupts: &Interrupts,
) -> WaitEnd {
    let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    let mut tell = |one: &WaitedPin| note(&line(one));
    engine
        .wait(targets, seconds, &MachineClock, interrupts.cancel(), &mut tell)
        .await
}

/// How far one pin is.
fn line(one: &WaitedPin) -> String {
    let reconcilers = one.namespaces.iter().filter_map(|place| place.reconciler.as_ref());
    let by = match one.progress.phase {
        WaitPhase::Seen | WaitPhase::Applied => {
            let names: Vec<String> = reconcilers.map(|one| one.name.clean().into_string()).collect();
            format!(" by {}", names.join(", "))
        }
        WaitPhase::Pushed | WaitPhase::Rolling | WaitPhase::Runs => String::new(),
    };
    let obstacle = one.progress.obstacle.as_ref();
    let obstacle = obstacle.map(|one| format!("; {}", one.words.raw())).unwrap_or_default();
    let text = format!("{}: {}{by}{obstacle}", one.wanted.target, one.progress.words());
    Clean::from_untrusted(&text).into_string()
}

/// How the waiting ended, for people.
pub(super) fn lines(end: &WaitEnd) -> Vec<String> {
    let seconds = end.seconds;
    if end.outcome == WaitOutcome::Runs {
        let all: Vec<String> = end.pins.iter().map(line).collect();
        return all.into_iter().chain([format!("Runs, after {seconds} s.")]).collect();
    }
    let mut out = vec![format!(
        "Pushed, and not running after {seconds} s: {}. Git has it; the cluster has not.",
        end.outcome.words()
    )];
    out.extend(end.pins.iter().map(|one| format!("  {}", line(one))));
    out
}

/// How the waiting ended, for the document.
pub(super) fn document(end: &WaitEnd) -> Value {
    let pin = |one: &WaitedPin| {
        json!({
            "service": one.wanted.target.service, "environment": one.wanted.target.environment,
            "component": one.wanted.component, "phase": one.progress.phase.as_str(),
            "ready": one.progress.ready, "pods": one.progress.all,
            "obstacle": one.progress.obstacle.as_ref().map(|one| one.words.clean().into_string()),
            "running": one.state.map(|state| running(state, Some(end.observed_at), &one.namespaces)),
        })
    };
    json!({
        "phase": end.phase.as_str(), "outcome": end.outcome.as_str(), "seconds": end.seconds,
        "pins": end.pins.iter().map(pin).collect::<Vec<_>>(),
    })
}

/// The exit status of a waiting that ended so.
pub(super) fn status(end: &WaitEnd, interrupts: &Interrupts) -> Exit {
    match end.outcome {
        WaitOutcome::Runs => Exit::Done,
        WaitOutcome::Interrupted => interrupts.status().unwrap_or(Exit::of(FailureKind::Interrupted)),
        _ => Exit::NotRunning,
    }
}
