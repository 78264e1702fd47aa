//! After a crash: what stands, and finishing it or forgetting it. The journal says what was meant; what
//! the remote has is asked of the remote, and the rest is planned anew.

use tokio::sync::{mpsc, watch};

use crate::domain::board::Fetch;
use crate::domain::failure::Failure;
use crate::domain::hold::{HoldChange, HoldsPlace};
use crate::domain::id::{Digest, Target};
use crate::domain::recovery::{Fact, LeftPin, LeftWrite, RecoveryAction, RecoveryStatus};
use crate::domain::text::Untrusted;
use crate::domain::write::{Ask, Progress, Proposal, Receipt, Request, WriteFailure, WriteState};
use crate::engine::journal::{JournalEntry, Pending, RecordedWrite, Running};
use crate::engine::open::Engine;

use super::compare::{Confirmed, ProposalComparison, compare};
use super::execute;
use super::plan_context::{PlanContext, Purpose};
use super::prepare::prepare;
use super::running_write::{receipt, stays};

/// A write that stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedWrite {
    /// The id by which it is finished or dropped.
    pub id: String,
    /// What was meant; `None` = the entry cannot be read.
    pub entry: Option<JournalEntry>,
    /// What stands; `None` = another process is at it, or the entry cannot be read.
    pub status: Option<RecoveryStatus>,
    /// Why it cannot be finished; what it has pushed stays, and it can be dropped.
    pub barred: Option<Failure>,
    /// What stands, as a sentence for people.
    pub says: String,
}

impl UnfinishedWrite {
    /// What a person sees of it.
    pub fn seen(&self) -> LeftWrite {
        let entry = self.entry.as_ref();
        let pin = |write: &RecordedWrite| LeftPin {
            what: format!("{} {} in {}", write.verb.word(), write.service, write.environment),
            to: write.to,
        };
        let mut named = entry.into_iter().flat_map(|entry| &entry.writes);
        let named = named.find(|write| write.terms.as_ref().is_some_and(|terms| terms.type_name));
        LeftWrite {
            id: self.id.clone(),
            ask: entry
                .filter(|_| self.status.is_some() && self.barred.is_none())
                .map(|entry| entry.request.ask.clone()),
            writes: entry.map_or_else(Vec::new, |entry| entry.writes.iter().map(pin).collect()),
            started: entry.map(|entry| entry.started),
            says: self.says.clone(),
            type_name: named.map(|write| write.environment.clone()),
        }
    }
}

impl Engine {
    /// Whether anything stands in the journal: cheap, for every start.
    pub(crate) fn has_left(&self) -> bool {
        self.journal()
            .pending()
            .is_ok_and(|all| all.iter().any(|p| !matches!(p, Pending::UnderWay(_))))
    }

    /// What crashes left behind, oldest first, and what stands of each.
    ///
    /// # Errors
    /// If the journal or the configuration cannot be read.
    pub async fn left_behind(&self) -> Result<Vec<UnfinishedWrite>, Failure> {
        let mut out = Vec::new();
        for pending in self.journal().pending().map_err(Failure::from)? {
            out.push(match pending {
                Pending::Left(entry) => {
                    let left = self.status_of(&entry).await?;
                    UnfinishedWrite {
                        id: entry.id.clone(),
                        says: left.says(),
                        status: Some(left.status),
                        barred: left.barred(),
                        entry: Some(entry),
                    }
                }
                Pending::UnderWay(entry) => UnfinishedWrite {
                    id: entry.id.clone(),
                    says: "another pindeck is carrying it out right now".to_owned(),
                    status: None,
                    barred: None,
                    entry: Some(entry),
                },
                Pending::Unreadable { id, error } => UnfinishedWrite {
                    id,
                    says: error.to_string(),
                    status: None,
                    barred: None,
                    entry: None,
                },
            });
        }
        Ok(out)
    }

    /// Finishes one write that was left behind. What landed is only closed; what did not is planned anew
    /// and carried out if it comes to what was confirmed.
    ///
    /// # Errors
    /// A [`WriteFailure`]; a write that moved or is refused stays in the journal until it is dropped.
    pub fn resume(
        &self,
        id: &str,
        progress: mpsc::Sender<Progress>,
        cancel: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Receipt, WriteFailure>> + Send {
        let (this, id) = (self.clone(), id.to_owned());
        async move { this.finish(&id, progress, cancel).await }
    }

    /// Forgets one write. Nothing that it has done is undone.
    ///
    /// # Errors
    /// If another process has it, or it is gone already.
    pub fn forget_left(&self, id: &str) -> Result<(), Failure> {
        self.journal().forget(id).map_err(Failure::from)
    }

    async fn finish(
        &self,
        id: &str,
        progress: mpsc::Sender<Progress>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Receipt, WriteFailure> {
        let running = self.journal().take(id).map_err(Failure::from)?;
        let entry = running.entry().clone();
        let left = self.status_of(&entry).await?;
        let status = left.status;
        if let Some(why) = left.barred() {
            return Err(why.into());
        }
        match status.next {
            RecoveryAction::Close => {
                let notes = self.ends_left(&entry).await;
                closed(running, &entry, notes)
            }
            RecoveryAction::Wait => Err(Failure::unreachable(status.says())
                .hint("try again when the remote answers")
                .into()),
            RecoveryAction::Retry => {
                let hold_landed = status.hold == Some(Fact::Yes);
                let again = self.planned_again(&entry, hold_landed).await;
                // Something of it landed: whatever keeps the rest from being planned is no plain refusal.
                let proposal = again.map_err(|failure| match hold_landed {
                    true => execute::half(failure).into_failure(),
                    false => failure,
                })?;
                execute::finish(self, proposal, (running, hold_landed), progress, cancel).await
            }
        }
    }

    /// What was begun, planned on the newest commit: it comes to what was confirmed, and nothing stands in its way.
    async fn planned_again(&self, entry: &JournalEntry, hold_landed: bool) -> Result<Proposal, WriteFailure> {
        let context = PlanContext::open(self, Purpose::Write, &entry.request.ask).await?;
        let prepared = prepare(&context, entry.request.clone()).await?;
        let compared = compare(&Confirmed::left(entry).with_hold(hold_landed), &prepared);
        let mut proposal = prepared.proposal;
        if entry.new_branch {
            proposal.branch.clone_from(&entry.branch);
        }
        if let ProposalComparison::Moved(what) = compared {
            let what = format!(
                "{what}: what was begun is not what was confirmed any more; drop it (pindeck resume --drop) and plan it again"
            );
            return Err(WriteFailure::Conflict(Box::new(proposal), what.into()));
        }
        match proposal.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(proposal),
        }
    }

    /// What is true of holds that were to end after a pin that landed.
    async fn ends_left(&self, entry: &JournalEntry) -> Vec<Untrusted> {
        let ends = entry.holds_to_end();
        if ends.is_empty() {
            return Vec::new();
        }
        let read = self.ledger().await;
        let known = read.ok().and_then(|(ledger, fetch)| {
            let home = &ledger.checkouts.home.tip;
            let repo = &ledger.checkouts.home.repo;
            let leads_to = |on: &HoldsPlace| repo.remote_fingerprint(on.remote.as_deref()?).ok();
            let is_there =
                |on: &HoldsPlace| (&on.branch, &on.remote, on.remote_at) == (&home.branch, &home.remote, leads_to(on));
            let is_now = matches!(fetch, Fetch::Fresh(_)) && entry.holds_on.as_ref().is_some_and(is_there);
            ledger.survey.holds.clone().ok().filter(|_| is_now)
        });
        let Some(known) = known else {
            return vec![HOLD_MAY_STAND.into()];
        };
        let named = |change: &HoldChange| {
            let (service, environment, digest) = change.names();
            let target = Target {
                service: service.clone(),
                environment: environment.clone(),
            };
            (target, digest, known.iter().any(|hold| change.is_of(hold)))
        };
        let note = |(target, digest, stands): (Target, Digest, bool)| -> Untrusted {
            match stands {
                false => format!("the pin is pushed, and the hold of {digest} on {target} that ends with it has ended")
                    .into(),
                true => {
                    let command = super::command::of(&Request::new(Ask::ReleaseHold { target: target.clone() }));
                    let what = format!(
                        "the pin is pushed, and the hold of {digest} on {target} that was to end with it still stands"
                    );
                    format!("{what}: `{command}` ends it").into()
                }
            }
        };
        ends.iter().map(named).map(note).collect()
    }
}

/// What ends with a pin on another branch may end after it, so a crash in between leaves it.
const HOLD_MAY_STAND: &str = "the pin is pushed; the hold that ends with it may still stand: `pindeck hold list` shows it, \
                              and `pindeck hold release` ends it";

/// It landed before the crash: only the entry is left to remove.
fn closed(running: Running, entry: &JournalEntry, notes: Vec<Untrusted>) -> Result<Receipt, WriteFailure> {
    let nothing = Proposal {
        request: entry.request.clone(),
        plans: Vec::new(),
        already: Vec::new(),
        alternatives: Vec::new(),
        whole_commit: None,
        repository: entry.repository.clone(),
        holds_on: entry.holds_on.clone(),
        remote: entry.remote.clone(),
        remote_at: entry.remote_at,
        branch: entry.branch.clone(),
        command: super::command::of(&entry.request),
    };
    let remote_words = running.done().err().iter().map(stays).collect();
    let state = if entry.new_branch {
        WriteState::Proposed
    } else {
        WriteState::Pushed
    };
    Ok(Receipt {
        notes,
        commits: entry.commits.clone(),
        pushed: Some(format!("refs/heads/{}", entry.branch)),
        remote_words,
        ..receipt(&nothing, state)
    })
}
