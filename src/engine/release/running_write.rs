//! A write under way: its journal entry, whoever watches it, and how it can end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::domain::failure::Failure;
use crate::domain::recovery::WriteStep;
use crate::domain::text::Untrusted;
use crate::domain::write::{Copied, Progress, Proposal, Receipt, WriteFailure, WriteState};
use crate::engine::journal::{JournalError, Running};
use crate::engine::open::Engine;

use super::destination_check::CopyOutcome;

/// A write under way.
pub(super) struct RunningWrite<'a> {
    pub engine: &'a Engine,
    pub confirmed: Proposal,
    pub progress: mpsc::Sender<Progress>,
    pub cancel: watch::Receiver<bool>,
    /// Its entry in the journal, from the first step on.
    pub running: Option<Running>,
    /// The commits that the tries stood on: with one alone, nobody pushed in between.
    pub bases: BTreeSet<String>,
    /// The hold of the write landed on its own; the pin did not yet.
    pub hold_landed: bool,
    /// What each draft's copies came to, once they are made.
    pub arrived: Vec<CopyOutcome>,
}

impl<'a> RunningWrite<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        confirmed: Proposal,
        running: Option<Running>,
        progress: mpsc::Sender<Progress>,
        cancel: watch::Receiver<bool>,
    ) -> Self {
        Self {
            engine,
            confirmed,
            progress,
            cancel,
            running,
            bases: BTreeSet::new(),
            hold_landed: false,
            arrived: Vec::new(),
        }
    }

    /// Writes a step down before it is taken; if it cannot be written down, it is not taken.
    pub(crate) fn step(&mut self, step: WriteStep) -> Result<(), WriteFailure> {
        match &mut self.running {
            Some(running) => Ok(running.step(step, Timestamp::now()).map_err(Failure::from)?),
            None => Err(Failure::bug("a step without its journal").into()),
        }
    }

    /// Runs what may be stopped: dropped as soon as somebody cancels.
    pub(crate) async fn stoppable<T>(
        &self,
        work: impl Future<Output = Result<T, WriteFailure>>,
    ) -> Result<T, WriteFailure> {
        let mut cancel = self.cancel.clone();
        let stopped = async {
            if cancel.wait_for(|stop| *stop).await.is_err() {
                // Nobody is left who could cancel.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(Failure::interrupted().into()),
            done = work => done,
        }
    }

    /// What a receipt says of a hold that landed on its own, where nothing else of the write has to land.
    pub(crate) fn landed_hold(&self) -> Option<Untrusted> {
        let running = self.running.as_ref().filter(|_| self.hold_landed)?;
        let first = running.entry().first.as_ref()?;
        let (commit, branch, remote) = (&first.commit, &first.branch, &first.remote);
        Some(format!("the hold of this write landed before: commit {commit} on branch {branch} of {remote}").into())
    }

    /// Says how far it is; a listener that is behind misses some.
    pub(crate) fn say(&self, what: Progress) {
        let _ = self.progress.try_send(what);
    }
}

/// How a write ended that did not succeed.
pub(super) enum WriteEnd {
    /// Nothing landed.
    Certain(WriteFailure),
    /// Nobody knows yet whether it landed.
    Unclear(WriteFailure),
}

impl WriteEnd {
    pub(crate) fn into_failure(self) -> WriteFailure {
        match self {
            Self::Certain(failure) | Self::Unclear(failure) => failure,
        }
    }
}

impl From<WriteFailure> for WriteEnd {
    fn from(failure: WriteFailure) -> Self {
        Self::Certain(failure)
    }
}

impl From<Failure> for WriteEnd {
    fn from(failure: Failure) -> Self {
        Self::Certain(failure.into())
    }
}

/// The write is over, and its note in the journal is as it was: said, and no failure.
pub(super) fn stays(error: &JournalError) -> Untrusted {
    tracing::warn!(%error, "the journal could not be brought up to date after the write");
    format!("the write is over, but the journal could not be brought up to date ({error}): pindeck resume clears it")
        .into()
}

/// What a write of these plans came to, as far as its state alone tells.
pub(super) fn receipt(proposal: &Proposal, state: WriteState) -> Receipt {
    Receipt {
        state,
        plans: proposal.plans.clone(),
        commits: Vec::new(),
        pushed: None,
        proposal_url: None,
        is_open: false,
        notes: Vec::new(),
        copied: Copied::default(),
        missing_at_destination: Vec::new(),
        remote_words: Vec::new(),
    }
}
