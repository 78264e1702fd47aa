//! Writes: planned on the newest commit of the remote, shown, and carried out exactly as shown.
//!
//! Carrying out plans the same request once more on the head of that moment and goes on only if it comes
//! to the same (`compare`): what a person confirmed is what lands, or nothing does.

mod command;
mod compare;
mod destination_check;
mod edits;
mod execute;
mod hold;
mod include_graph;
mod pin;
mod pin_history;
mod plan_context;
mod promote;
mod publish;
mod resume;
mod revert;
mod revert_commit;
mod source;

pub use resume::Left;

use tokio::sync::{mpsc, watch};

use crate::domain::failure::Failure;
use crate::domain::id::Target;
use crate::domain::plan::{Plan, Verb};
use crate::domain::policy::WriteMode;
use crate::domain::write::{Alternative, Ask, Progress, Proposal, Receipt, Request, Source, WriteFailure};

use super::Engine;
use plan_context::{PlanContext, Purpose};

impl Engine {
    /// Plans a write on the newest commit of the remote branch. Closed gates are part of the answer.
    ///
    /// # Errors
    /// If the question is wrong, or something that planning needs cannot be reached.
    pub fn plan(&self, request: Request) -> impl Future<Output = Result<Proposal, WriteFailure>> + Send {
        let this = self.clone();
        async move {
            let context = PlanContext::open(&this, Purpose::Show).await?;
            Ok(prepare(&context, request).await?.proposal)
        }
    }

    /// Carries out a proposal exactly as it was shown. `cancel` turning true stops it before the git
    /// step; a receiver of `progress` that is behind loses steps, not the write its time.
    ///
    /// # Errors
    /// A [`WriteFailure`]; nothing landed in git then.
    pub fn execute(
        &self,
        proposal: Proposal,
        progress: mpsc::Sender<Progress>,
        cancel: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Receipt, WriteFailure>> + Send {
        let this = self.clone();
        async move { execute::run(&this, proposal, progress, cancel).await }
    }

    /// Holds in force on the newest commit.
    ///
    /// # Errors
    /// If the file cannot be read: then nobody knows what is held.
    pub async fn holds(&self) -> Result<Vec<crate::domain::board::Hold>, Failure> {
        let (ledger, _) = self.ledger().await?;
        ledger
            .holds
            .map_err(|problem| Failure::usage(problem.clean().into_string()))
    }
}

/// One service's plan with the files it makes.
struct Draft {
    plan: Plan,
    /// Changed files, whole, on top of the drafts before.
    files: Vec<(String, Vec<u8>)>,
    /// What is attached to the digest where it comes from.
    evidence: Vec<crate::domain::evidence::Evidence>,
}

/// All drafts of a request.
#[derive(Default)]
struct Drafted {
    drafts: Vec<Draft>,
    already: Vec<Target>,
    alternatives: Vec<Alternative>,
    whole_commit: Option<String>,
}

/// A proposal with everything that carrying it out needs.
struct Prepared {
    proposal: Proposal,
    drafts: Vec<Draft>,
    write: WriteMode,
}

async fn prepare(context: &PlanContext, mut request: Request) -> Result<Prepared, WriteFailure> {
    if let Ask::Promote { to, from, .. } = &mut request.ask
        && from.is_none()
        && context.environment(to)?.after.is_empty()
    {
        // Said outright, so that it is the same question when it is asked again.
        *from = Some(Source::Candidate);
    }
    let drafted = match &request.ask {
        Ask::Promote { services, to, from } => promote::draft(context, &request, services, to, from.as_ref()).await?,
        Ask::Revert { target, to, scope } => revert::draft(context, &request, target, *to, *scope).await?,
        Ask::Pin { services, environment } => pin::draft(context, &request, services, environment.as_ref()).await?,
        Ask::Hold { target, digest } => hold::add(context, &request, target, *digest).await?,
        Ask::ReleaseHold { target } => hold::release(context, &request, target).await?,
    };
    let mut write = WriteMode::Push;
    for draft in &drafted.drafts {
        if context.environment(&draft.plan.environment)?.write == WriteMode::Branch {
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
            remote: context.remote.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: impl FnOnce(Engine) -> T) {}

    #[test]
    fn comparing_can_be_spawned_too() {
        is_send(|engine: Engine| async move { engine.diff("a", "b").await.is_ok() });
    }
}
