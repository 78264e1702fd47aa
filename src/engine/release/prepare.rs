//! Preparing a write: the request is planned by its verb, and everything that carrying it out needs is kept.

use crate::domain::plan::{Plan, Verb};
use crate::domain::policy::WriteMode;
use crate::domain::write::{Ask, Proposal, Request, Source, WriteFailure};

use super::draft::Prepared;
use super::plan_context::PlanContext;
use super::{command, hold, pin, promote, render_proof, revert};

/// Plans a request on the head of a context.
pub(super) async fn prepare(context: &PlanContext, mut request: Request) -> Result<Prepared, WriteFailure> {
    if let Ask::Promote { to, from, .. } = &mut request.ask
        && from.is_none()
        && context.environment(to)?.after.is_empty()
    {
        // Said outright, so that it is the same question when it is asked again.
        *from = Some(Source::Candidate);
    }
    // On the heap: planning is deep, and a worker's stack is small.
    let mut drafted = match &request.ask {
        Ask::Promote { services, to, from } => {
            Box::pin(promote::draft(context, &request, services, to, from.as_ref())).await?
        }
        Ask::Revert { target, to, scope } => Box::pin(revert::draft(context, &request, target, *to, *scope)).await?,
        Ask::Pin { services, environment } => {
            Box::pin(pin::draft(context, &request, services, environment.as_ref())).await?
        }
        Ask::Hold { target, digest } => Box::pin(hold::add(context, &request, target, *digest)).await?,
        Ask::ReleaseHold { target } => Box::pin(hold::release(context, &request, target)).await?,
    };
    render_proof::close_what_changes_more(context, &mut drafted.drafts);
    let mut write = WriteMode::Push;
    for draft in &drafted.drafts {
        if context.environment_or_strictest(&draft.plan.environment).write == WriteMode::Branch {
            write = WriteMode::Branch;
        }
    }
    let plans: Vec<Plan> = drafted.drafts.iter().map(|draft| draft.plan.clone()).collect();
    Ok(Prepared {
        proposal: Proposal {
            command: command::of(&request),
            branch: match write {
                WriteMode::Push => context.ledger().tip.branch.clone(),
                WriteMode::Branch => proposal_branch(&plans, context.now()),
            },
            request,
            plans,
            already: drafted.already,
            alternatives: drafted.alternatives,
            whole_commit: drafted.whole_commit,
            repository: context.repository(),
            holds_on: context.places.holds_on.clone(),
            remote: context.remote.clone(),
            remote_at: Some(context.places.remote_at),
        },
        drafts: drafted.drafts,
        write,
    })
}

/// The name of a branch for a pull request: what it does, and when it was planned.
fn proposal_branch(plans: &[Plan], now: jiff::Timestamp) -> String {
    let word = match plans.first().map(|plan| plan.verb) {
        Some(Verb::Promote) | None => "promote",
        Some(Verb::Revert) => "revert",
        Some(Verb::Pin) => "pin",
        Some(Verb::Hold) => "hold",
        Some(Verb::ReleaseHold) => "release-hold",
    };
    let what = match plans {
        [plan] => format!("{}-{}", plan.service, plan.environment),
        [first, ..] => format!("{}-services-{}", plans.len(), first.environment),
        [] => String::new(),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let what: String = what.chars().map(plain).collect();
    format!("pindeck/{word}-{what}-{}", now.strftime("%Y%m%dT%H%M%SZ"))
}
