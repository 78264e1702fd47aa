//! Carrying out a proposal: copy, judge where it arrived, commit, push; and again on a new head if
//! somebody else pushed first, as long as it comes to what was confirmed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::domain::failure::Failure;
use crate::domain::plan::{GateName, GateState};
use crate::domain::policy::WriteMode;
use crate::domain::recovery::WriteStep;
use crate::domain::write::{Copied, Progress, Proposal, Receipt, WriteFailure, WriteState};
use crate::engine::journal::{NewEntry, Running};
use crate::engine::open::{Engine, blocking};

use super::compare::{Confirmed, ProposalComparison, compare, frozen_since};
use super::destination_check::{self, DestinationProblem};
use super::draft::{Draft, Prepared};
use super::plan_context::{PlanContext, Purpose};
use super::prepare::prepare;
use super::running_write::{RunningWrite, WriteEnd, receipt, stays};
use super::{proposed_hold, publish};

/// Pushes that are tried before giving up against a branch that never stands still.
const TRIES: u32 = 12;
/// Longest pause before the second try; it doubles from there, three times.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Carries out what was confirmed.
pub(super) async fn run(
    engine: &Engine,
    confirmed: Proposal,
    progress: mpsc::Sender<Progress>,
    cancel: watch::Receiver<bool>,
) -> Result<Receipt, WriteFailure> {
    if confirmed.plans.is_empty() {
        return Ok(receipt(&confirmed, WriteState::Already));
    }
    if let Some(refusal) = confirmed.refusal() {
        return Err(refusal);
    }
    RunningWrite::new(engine, confirmed, None, progress, cancel).run().await
}

/// Finishes a write that was left behind, whose proposal has just been made anew; `hold_landed` tells whether its hold
/// landed on its own.
pub(super) async fn finish(
    engine: &Engine,
    confirmed: Proposal,
    (running, hold_landed): (Running, bool),
    progress: mpsc::Sender<Progress>,
    cancel: watch::Receiver<bool>,
) -> Result<Receipt, WriteFailure> {
    let mut write = RunningWrite::new(engine, confirmed, Some(running), progress, cancel);
    write.hold_landed = hold_landed;
    write.run().await
}

impl RunningWrite<'_> {
    async fn run(mut self) -> Result<Receipt, WriteFailure> {
        let mut ended = self.tries().await;
        // Only where nobody knows whether it landed does the entry stay: `resume` finds out.
        let unclear = matches!(ended, Err(WriteEnd::Unclear(_)));
        if let Some(running) = self.running.take()
            && !unclear
        {
            // How it ended is as it is, whatever becomes of the note.
            if let (Err(error), Ok(receipt)) = (running.done(), &mut ended) {
                receipt.remote_words.push(stays(&error));
            }
        }
        ended.map_err(WriteEnd::into_failure)
    }

    async fn tries(&mut self) -> Result<Receipt, WriteEnd> {
        for attempt in 1..=TRIES {
            if attempt > 1 {
                self.say(Progress::Replanning { attempt });
                tokio::time::sleep(pause(attempt)).await;
            }
            match Box::pin(self.attempt()).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                // Only the hold of it is there, and that is said and kept, whatever ended the rest.
                Err(WriteEnd::Certain(failure)) if self.hold_landed => return Err(half(failure)),
                Err(end) => return Err(end),
            }
        }
        let branch = &self.confirmed.branch;
        if self.hold_landed {
            let what = format!("others pushed to {branch} first {TRIES} times in a row");
            return Err(half(Failure::conflict(what).into()));
        }
        if self.bases.len() < 2 {
            // The remote turned each try down as if somebody had been faster, and nobody was.
            let what =
                format!("the remote did not let go of its branch {branch} in {TRIES} tries, and nothing was pushed");
            let hint = "another program may be at it there, or have left a lock (`refs/heads/*.lock`)";
            return Err(Failure::remote_refused(what).hint(hint).into());
        }
        let what = format!("others pushed to {branch} first {TRIES} times in a row, and nothing was pushed");
        Err(Failure::conflict(what).hint("try again").into())
    }

    /// One try on the head of now; `None` = somebody else pushed first.
    async fn attempt(&mut self) -> Result<Option<Receipt>, WriteEnd> {
        let opened = PlanContext::open(self.engine, Purpose::Write, &self.confirmed.request.ask);
        let context = self.stoppable(opened).await?;
        self.bases.insert(context.ledger().tip.commit.clone());
        let prepared = self
            .stoppable(prepare(&context, self.confirmed.request.clone()))
            .await?;
        let confirmed = Confirmed::of(&self.confirmed, &context.ledger().tip.branch).with_hold(self.hold_landed);
        match compare(&confirmed, &prepared) {
            ProposalComparison::Same => {}
            ProposalComparison::Already => {
                let mut done = receipt(&self.confirmed, WriteState::Already);
                done.notes.extend(self.landed_hold());
                return Ok(Some(done));
            }
            ProposalComparison::Moved(what) => return Err(moved(prepared.proposal, what).into()),
        }
        if self.hold_landed && prepared.drafts.iter().any(Draft::begins_hold) {
            match prepared.write {
                // It was ended since, so nothing of the write is in force: it is made again, as on the first try.
                WriteMode::Push => self.hold_landed = false,
                // It waits in its proposal, or was merged and ended since.
                WriteMode::Branch => proposed_hold::still_waits(self, &context, &prepared).await?,
            }
        }
        if self.running.is_none() {
            // Asked before anything is copied: who cannot commit shall not leave half of it behind.
            let repo = context.repo.clone();
            let known = blocking(move || repo.identity()).await?;
            known.map_err(|error| Failure::from(&error))?;
            let draft = NewEntry::of(&self.confirmed, prepared.write == WriteMode::Branch);
            self.running = Some(
                self.engine
                    .journal()
                    .begin(draft, Timestamp::now())
                    .map_err(Failure::from)?,
            );
        }
        self.bring(&context, &prepared).await?;
        if *self.cancel.borrow() {
            return Err(Failure::interrupted().into());
        }
        self.still_open(&context, &prepared)?;
        self.say(Progress::Committing);
        let Some(landed) = publish::publish(self, &context, &prepared).await? else {
            return Ok(None);
        };
        let state = match prepared.write {
            WriteMode::Push => WriteState::Pushed,
            WriteMode::Branch => WriteState::Proposed,
        };
        let mut done = receipt(&prepared.proposal, state);
        done.commits = landed.commits;
        done.pushed = Some(landed.refname);
        done.proposal_url = landed.url;
        done.is_open = landed.is_open;
        done.notes = landed.notes;
        done.remote_words = landed.words;
        for arrived in &self.arrived {
            add(&mut done.copied, arrived.copied);
            done.missing_at_destination.extend(arrived.missing.iter().cloned());
        }
        Ok(Some(done))
    }

    /// The gate that time alone closes, looked at once more: copying may have taken long.
    fn still_open(&self, context: &PlanContext, prepared: &Prepared) -> Result<(), WriteFailure> {
        let now = Timestamp::now();
        for draft in &prepared.drafts {
            if !draft.plan.gates.iter().any(|gate| gate.gate == GateName::Freeze) {
                continue;
            }
            let policy = context.policy(context.environment(&draft.plan.environment)?)?;
            let Some(what) = frozen_since(&draft.plan, &policy.freeze, now) else {
                continue;
            };
            let mut proposal = prepared.proposal.clone();
            let plans = proposal.plans.iter_mut();
            for gate in plans
                .filter(|p| p.environment == draft.plan.environment)
                .flat_map(|p| &mut p.gates)
                .filter(|g| g.gate == GateName::Freeze && g.state == GateState::Open)
            {
                gate.state = GateState::Closed;
                gate.detail = what.clone().into();
            }
            return Err(WriteFailure::Refused(Box::new(proposal), what.into()));
        }
        Ok(())
    }

    /// Copies all content to its destination, and judges it there.
    async fn bring(&mut self, context: &PlanContext, prepared: &Prepared) -> Result<(), WriteFailure> {
        let copies = prepared.drafts.iter().any(|draft| !draft.plan.copies.is_empty());
        if copies {
            self.step(WriteStep::Copying)?;
        }
        if self.arrived.is_empty() {
            for draft in &prepared.drafts {
                let copy = destination_check::copy(context, draft, &self.progress);
                let arrived = self.stoppable(copy).await?;
                self.arrived.push(arrived);
            }
        }
        for (draft, arrived) in prepared.drafts.iter().zip(&self.arrived) {
            for copy in &draft.plan.copies {
                // Waited for: whoever watches knows that the copy is over.
                let _ = self
                    .progress
                    .send(Progress::Verifying(draft.plan.service.clone()))
                    .await;
                match self
                    .stoppable(destination_check::verify(context, draft, copy, arrived))
                    .await?
                {
                    Ok(()) => {}
                    Err(DestinationProblem::Unknown(what)) => return Err(Failure::unreachable(what).into()),
                    Err(DestinationProblem::Refused(verdict, what)) => {
                        let mut proposal = prepared.proposal.clone();
                        for plan in proposal.plans.iter_mut().filter(|p| p.service == draft.plan.service) {
                            plan.verdict = Some(verdict.clone());
                            for gate in plan.gates.iter_mut().filter(|g| g.gate == GateName::Verdict) {
                                gate.state = GateState::Closed;
                                gate.detail = what.clone();
                            }
                        }
                        return Err(WriteFailure::Refused(Box::new(proposal), what));
                    }
                }
            }
        }
        if copies {
            self.step(WriteStep::Copied)?;
        }
        Ok(())
    }
}

/// The hold of a write landed, and its pin did not: the journal keeps it.
pub(super) fn half(failure: WriteFailure) -> WriteEnd {
    match failure {
        WriteFailure::Failed(failure) => publish::half(&failure),
        other => publish::half(&Failure::new(other.kind(), other.what().clone())),
    }
}

fn moved(now: Proposal, what: String) -> WriteFailure {
    match now.refusal() {
        // What moved closed a gate: say which.
        Some(refused) => refused,
        None => WriteFailure::Conflict(Box::new(now), format!("{what}, so nothing was written").into()),
    }
}

fn add(sum: &mut Copied, more: Copied) {
    sum.manifests += more.manifests;
    sum.blobs += more.blobs;
    sum.bytes += more.bytes;
    sum.evidence += more.evidence;
}

/// Grows with every try and differs from process to process, so that two do not keep colliding.
fn pause(attempt: u32) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    let most = FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(2).min(3));
    // Every new hasher state is random.
    let roll = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(2);
    Duration::from_millis(most_ms / 2 + roll % (most_ms / 2))
}
