//! After a crash: what stands, and finishing it or forgetting it. The journal says what was meant; what
//! the remote has is asked of the remote, and the rest is planned anew.

use tokio::sync::{mpsc, watch};

use crate::domain::failure::Failure;
use crate::domain::recovery::{Fact, LeftPin, LeftWrite, RecoveryAction, RecoveryFacts, RecoveryStatus};
use crate::domain::reference::Repository;
use crate::domain::write::{Progress, Proposal, Receipt, WriteFailure, WriteState};
use crate::engine::journal::{CopyNote, JournalEntry, Pending, RecordedWrite, Running};
use crate::engine::open::{Engine, blocking};
use crate::engine::other_repositories::reopened;

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
                .filter(|_| self.status.is_some())
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
                    let status = entry.recovery(self.facts(&entry).await?);
                    UnfinishedWrite {
                        id: entry.id.clone(),
                        says: status.says(),
                        status: Some(status),
                        entry: Some(entry),
                    }
                }
                Pending::UnderWay(entry) => UnfinishedWrite {
                    id: entry.id.clone(),
                    says: "another pindeck is carrying it out right now".to_owned(),
                    status: None,
                    entry: Some(entry),
                },
                Pending::Unreadable { id, error } => UnfinishedWrite {
                    id,
                    says: error.to_string(),
                    status: None,
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
        let status = entry.recovery(self.facts(&entry).await?);
        match status.next {
            RecoveryAction::Close => closed(running, &entry),
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

    /// What can be found out about a write that was left behind: from this clone, the remote and the registries.
    async fn facts(&self, entry: &JournalEntry) -> Result<RecoveryFacts, Failure> {
        let (this, copy) = (self.clone(), entry.clone());
        let (landed, hold, commits_here) = blocking(move || {
            let home = &this.inner.repo;
            let first = copy.first.as_ref();
            let hold = first.map(|first| Fact::of(&home.landed(&first.remote, &first.branch, &first.commit)));
            let Some(last) = copy.last_commit() else {
                return (Fact::No, hold, false);
            };
            let repo = match &copy.repository {
                None => Ok(home.clone()),
                Some(name) => reopened(&this.inner.others, this.options(), home, name),
            };
            let here = repo.as_ref().is_ok_and(|repo| repo.has_commit(last).unwrap_or(false));
            if !copy.may_have_landed() {
                return (Fact::No, hold, here);
            }
            let landed = repo.map_or(Fact::Unknown, |repo| {
                Fact::of(&repo.landed(&copy.remote, &copy.branch, last))
            });
            (landed, hold, here)
        })
        .await?;
        // Content is copied before the push: what landed was copied, and is closed whatever else can be asked now.
        let copied = match landed {
            Fact::Yes => Fact::Yes,
            Fact::No | Fact::Unknown => self.copied(entry).await,
        };
        Ok(RecoveryFacts {
            landed,
            copied,
            hold,
            commits_here,
        })
    }

    /// Whether everything that was to be copied is at its destination; not known where the policy cannot be read,
    /// which says how the registries are reached.
    async fn copied(&self, entry: &JournalEntry) -> Fact {
        let notes: Vec<CopyNote> = entry.writes.iter().flat_map(|w| w.copies.clone()).collect();
        if notes.is_empty() {
            return Fact::Yes;
        }
        let ledger = self.ledger().await;
        let Ok(registry) = ledger.and_then(|(ledger, _)| self.uncached(&ledger.team)) else {
            return Fact::Unknown;
        };
        let mut copied = Fact::Yes;
        for note in notes {
            match is_there(&registry, &note).await {
                Fact::Yes => {}
                other => copied = other,
            }
        }
        copied
    }
}

/// Whether content is at its destination, its release tag (which comes last) included.
async fn is_there(registry: &crate::sources::registry::Registry, note: &CopyNote) -> Fact {
    let Ok(place) = Repository::parse(&note.destination) else {
        return Fact::Unknown;
    };
    match registry.manifest(&place, &note.digest).await {
        Ok(_) => {}
        Err(error) if error.is_absent() => return Fact::No,
        Err(crate::sources::registry::RegistryError::NotFound { .. }) => return Fact::No,
        Err(_) => return Fact::Unknown,
    }
    match &note.tag {
        None => Fact::Yes,
        Some(tag) => match registry.resolve(&place, tag).await {
            Ok(Some(found)) if found == note.digest => Fact::Yes,
            Ok(_) => Fact::No,
            Err(_) => Fact::Unknown,
        },
    }
}

/// What ends with a pin on another branch may end after it, so a crash in between leaves it.
const HOLD_MAY_STAND: &str = "the pin is pushed; the hold that ends with it may still stand: `pindeck hold list` shows it, \
                              and `pindeck hold release` ends it";

/// It landed before the crash: only the entry is left to remove.
fn closed(running: Running, entry: &JournalEntry) -> Result<Receipt, WriteFailure> {
    let nothing = Proposal {
        request: entry.request.clone(),
        plans: Vec::new(),
        already: Vec::new(),
        alternatives: Vec::new(),
        whole_commit: None,
        repository: entry.repository.clone(),
        holds_on: entry.holds_on.clone(),
        remote: entry.remote.clone(),
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
        notes: entry
            .may_leave_a_hold()
            .then(|| HOLD_MAY_STAND.into())
            .into_iter()
            .collect(),
        commits: entry.commits.clone(),
        pushed: Some(format!("refs/heads/{}", entry.branch)),
        remote_words,
        ..receipt(&nothing, state)
    })
}
