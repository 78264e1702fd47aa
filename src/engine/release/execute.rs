//! Carrying out a proposal: copy, judge where it arrived, commit, push; and again on a new head if
//! somebody else pushed first, as long as it comes to what was confirmed.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::plan::{GateName, GateState};
use crate::domain::write::{Copied, Progress, Proposal, Receipt, WriteFailure, WriteState};
use crate::engine::Engine;

use super::arrive::{self, Arrived, NotGood};
use super::compare::{Compared, compare};
use super::desk::{Desk, Ground};
use super::publish::{self, Published};
use super::{Prepared, prepare};

/// Pushes that are tried before giving up against a branch that never stands still.
const TRIES: u32 = 8;
/// Longest pause before the second try; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

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
    let mut write = Write {
        engine,
        confirmed,
        progress,
        cancel,
        arrived: Vec::new(),
    };
    for attempt in 1..=TRIES {
        if attempt > 1 {
            write.say(Progress::Replanning { attempt });
            tokio::time::sleep(pause(attempt)).await;
        }
        if let Some(done) = write.attempt().await? {
            return Ok(done);
        }
    }
    let branch = &write.confirmed.branch;
    Err(WriteFailure::Conflict(
        None,
        format!("others pushed to {branch} first {TRIES} times in a row; nothing was pushed, try again").into(),
    ))
}

struct Write<'a> {
    engine: &'a Engine,
    confirmed: Proposal,
    progress: mpsc::Sender<Progress>,
    cancel: watch::Receiver<bool>,
    /// What each draft's copies came to, once they are made.
    arrived: Vec<Arrived>,
}

impl Write<'_> {
    /// One try on the head of now; `None` = somebody else pushed first.
    async fn attempt(&mut self) -> Result<Option<Receipt>, WriteFailure> {
        let desk = self.stoppable(Desk::open(self.engine, Ground::Written)).await?;
        let prepared = self.stoppable(prepare(&desk, self.confirmed.request.clone())).await?;
        match compare(&self.confirmed, &prepared.proposal) {
            Compared::Same => {}
            Compared::Already => return Ok(Some(receipt(&self.confirmed, WriteState::Already))),
            Compared::Moved(what) => return Err(moved(prepared.proposal, what)),
        }
        self.bring(&desk, &prepared).await?;
        if *self.cancel.borrow() {
            return Err(WriteFailure::Cancelled);
        }
        self.say(Progress::Committing);
        match publish::publish(&desk, &self.confirmed, &prepared, &self.progress).await? {
            Published::Landed(landed) => {
                let state = match prepared.write {
                    crate::domain::policy::WriteMode::Push => WriteState::Pushed,
                    crate::domain::policy::WriteMode::Branch => WriteState::Proposed,
                };
                let mut done = receipt(&prepared.proposal, state);
                done.commits = landed.commits;
                done.pushed = Some(format!("refs/heads/{}", self.confirmed.branch));
                done.proposal_url = landed.url;
                done.remote_words = landed.words;
                for arrived in &self.arrived {
                    add(&mut done.copied, arrived.copied);
                    done.missing_at_destination.extend(arrived.missing.iter().cloned());
                }
                Ok(Some(done))
            }
            Published::Overtaken => Ok(None),
        }
    }

    /// Content first: all copies, then judged where they arrived.
    async fn bring(&mut self, desk: &Desk, prepared: &Prepared) -> Result<(), WriteFailure> {
        if self.arrived.is_empty() {
            for draft in &prepared.drafts {
                let copy = arrive::copy(desk, draft, &self.progress);
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
                match self.stoppable(arrive::verify(desk, draft, copy, arrived)).await? {
                    Ok(()) => {}
                    Err(NotGood::Unknown(what)) => return Err(WriteFailure::Unknown(what)),
                    Err(NotGood::Refused(verdict, what)) => {
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
        Ok(())
    }

    /// Runs what may be stopped: dropped as soon as somebody cancels.
    async fn stoppable<T>(&self, work: impl Future<Output = Result<T, WriteFailure>>) -> Result<T, WriteFailure> {
        let mut cancel = self.cancel.clone();
        let stopped = async {
            if cancel.wait_for(|stop| *stop).await.is_err() {
                // Nobody is left who could cancel.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(WriteFailure::Cancelled),
            done = work => done,
        }
    }

    fn say(&self, what: Progress) {
        let _ = self.progress.try_send(what);
    }
}

fn moved(now: Proposal, what: String) -> WriteFailure {
    match now.refusal() {
        // What moved closed a gate: say which.
        Some(refused) => refused,
        None => WriteFailure::Conflict(Some(Box::new(now)), format!("{what}; nothing was written").into()),
    }
}

fn receipt(proposal: &Proposal, state: WriteState) -> Receipt {
    Receipt {
        state,
        plans: proposal.plans.clone(),
        commits: Vec::new(),
        pushed: None,
        proposal_url: None,
        copied: Copied::default(),
        missing_at_destination: Vec::new(),
        remote_words: Vec::new(),
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
    let most = FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(2).min(5));
    // Every new hasher state is random.
    let roll = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(2);
    Duration::from_millis(most_ms / 2 + roll % (most_ms / 2))
}
