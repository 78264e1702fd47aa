//! The history of one pin along the branch's first parents: a merge counts when it was merged, not when
//! somebody began it (docs/reference/contract.md, "Gates"). It is the same history that `history` shows: the changes
//! that one merge brought are one change here.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::history::{Action, CommitRecord, PinIdentity, WrittenPin};
use crate::domain::id::{Digest, Target};
use crate::domain::known_good::{self, DigestChange, EarlierDigest, PinnedDigests};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::pin_set::PinSet;
use crate::domain::write::WriteFailure;
use crate::engine::ledger::Ledger;
use crate::engine::open::{Engine, blocking};
use crate::engine::pin_states::{PinEvent, PinStates, PinnedChange, ToldCommit};
use crate::sources::git::GitRepo;

use super::plan_context::PlanContext;

/// At most this many changes of one pin are looked at.
const MAX_CHANGES: usize = 1_000;

/// One commit of the branch that changed the pin.
#[derive(Debug, Clone)]
pub(crate) struct PinChange {
    /// The commit, with the files that it changed for the pin.
    pub commit: ToldCommit,
    /// What was pinned before it.
    pub before: PinSet<PinIdentity, WrittenPin>,
    /// What was pinned after it.
    pub after: PinSet<PinIdentity, WrittenPin>,
}

/// The changes of one pin, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct PinHistory {
    /// What each commit did to the files of the pin.
    pub changes: Vec<PinChange>,
    /// The same as decisions about digests see it, in the same order.
    pub digests: Vec<DigestChange>,
}

impl PinHistory {
    /// Reads the history of a target's pins.
    pub(super) async fn of(context: &PlanContext, target: &Target) -> Result<Self, WriteFailure> {
        let pins = context.pins_in(target)?;
        Self::of_pins(context, target, &pins).await
    }

    /// The same of some of its pins: those of one component.
    pub(super) async fn of_pins(context: &PlanContext, target: &Target, pins: &[&Pin]) -> Result<Self, WriteFailure> {
        let read = Self::read(&context.engine, context.ledger(), target, pins).await;
        Ok(read?)
    }

    /// The same for a ledger.
    pub(crate) async fn read(
        engine: &Engine,
        ledger: &Ledger,
        target: &Target,
        pins: &[&Pin],
    ) -> Result<Self, Failure> {
        let component = pins.first().and_then(|pin| pin.component.clone());
        let ledger = ledger.of(&target.environment)?.into_owned();
        let (engine, target) = (engine.clone(), target.clone());
        blocking(move || {
            let states = PinStates {
                repo: ledger.repo(),
                ledger: &ledger,
                references: &engine.inner.references,
                only: Some(&target),
            };
            let mut landings: Vec<Landing> = Vec::new();
            states.read(&mut |event| {
                match event {
                    PinEvent::Changed { change, commit, landed } if change.key.component == component => {
                        Landing::collect(&mut landings, change, commit, landed, &target);
                    }
                    PinEvent::Again => landings.clear(),
                    PinEvent::Changed { .. } | PinEvent::Stood(..) | PinEvent::Begun(_) | PinEvent::Reached(_) => {}
                }
                match landings.len() > MAX_CHANGES {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
            let landings = landings.into_iter().filter(|landing| !landing.on_branch.is_empty());
            let mut history = Self::default();
            for landing in landings.take(MAX_CHANGES) {
                let (change, digests) = landing.into_change(&target);
                history.changes.push(change);
                history.digests.push(digests);
            }
            Ok(history)
        })
        .await?
    }

    /// Since when the target pins this digest, without a break; `None` where the history does not
    /// reach so far.
    pub(crate) fn since(&self, digest: Digest) -> Option<&PinnedBy> {
        known_good::pinned_since(&self.digests, digest)
    }

    /// The same as a date that nobody can make older than it is: a date is what its committer wrote, and that of no
    /// commit counts as older than the commits that it was made on.
    pub(crate) async fn proven_since(
        &self,
        repo: &GitRepo,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Failure> {
        let Some(made) = self.since(digest) else {
            return Ok(None);
        };
        let (repo, commit, at) = (repo.clone(), made.commit.clone(), made.at);
        let newest = blocking(move || repo.newest_date(&commit, now)).await??;
        Ok(Some(newest.map_or(at, |newest| newest.max(at))))
    }

    /// The pin's files as they were when a digest was replaced last: path and blob.
    pub(crate) fn files_with(&self, digest: Digest) -> Vec<(String, String)> {
        let mut changes = self.changes.iter().zip(&self.digests);
        let found = changes.find(|(_, change)| change.takes_out(digest));
        let files = found
            .map(|(change, _)| change.commit.files.as_slice())
            .unwrap_or_default();
        files
            .iter()
            .filter_map(|file| Some((file.path.clone(), file.before.clone()?)))
            .collect()
    }
}

impl Engine {
    /// The digests that a target pinned before, each once, the one replaced last first: what a revert can go
    /// back to, by the commit fetched last. Nothing is asked of a registry.
    ///
    /// # Errors
    /// If git, the configuration or the holds cannot be read: then nobody knows what is on hold.
    pub async fn earlier_digests(&self, target: &Target) -> Result<Vec<EarlierDigest>, Failure> {
        let ledger = self.ledger_as_known().await?;
        let pins: Vec<&Pin> = ledger.pins().filter(|pin| pin.target == *target).collect();
        let history = PinHistory::read(self, &ledger, target, &pins).await?;
        let now = pins.iter().filter_map(|pin| pin.digest).collect();
        let services = ledger.service_names();
        let holds = ledger
            .holds_in_force(&services)
            .map_err(|problem| Failure::usage(problem.clone()))?;
        Ok(known_good::earlier_digests(&history.digests, &now, holds, target))
    }
}

/// What one commit of the branch brought: its own change, or those of the side that it merged.
struct Landing {
    commit: ToldCommit,
    /// The changes by which the branch came from one state to the next, newest first.
    on_branch: Vec<PinnedChange>,
    /// For every change that it brought, newest first: the digests that went, and whether its commit is a revert.
    taken_out: Vec<(BTreeSet<Digest>, bool)>,
}

impl Landing {
    fn collect(all: &mut Vec<Self>, change: PinnedChange, commit: &ToldCommit, landed: &ToldCommit, target: &Target) {
        let mut known = all.iter().rposition(|landing| landing.commit.meta.id == landed.meta.id);
        if known.is_none() {
            all.push(Self {
                commit: landed.clone(),
                on_branch: Vec::new(),
                taken_out: Vec::new(),
            });
            known = Some(all.len() - 1);
        }
        let Some(landing) = known.and_then(|at| all.get_mut(at)) else {
            return;
        };
        let gone = change.from.keys().filter(|what| !change.to.contains_key(what));
        let gone = gone.filter_map(PinIdentity::digest).collect();
        landing.taken_out.push((gone, is_revert(commit, target)));
        if change.is_on_the_way() {
            landing.on_branch.push(change);
        }
    }

    fn into_change(self, target: &Target) -> (PinChange, DigestChange) {
        let Self {
            commit,
            on_branch,
            taken_out,
        } = self;
        let before = on_branch.last().map(|oldest| oldest.from.clone()).unwrap_or_default();
        let after = on_branch.into_iter().next().map(|newest| newest.to).unwrap_or_default();
        let digests = |side: &PinSet<PinIdentity, WrittenPin>| -> PinnedDigests {
            let digests = side
                .iter()
                .filter_map(|(what, written)| Some((what.digest()?, written.tag.clone())));
            digests.collect()
        };
        let (was, is) = (digests(&before), digests(&after));
        let gone: BTreeSet<Digest> = was.keys().filter(|digest| !is.contains_key(digest)).copied().collect();
        // The merge itself carries the title of a pull request, which says nothing: the newest commit that it
        // brought and that took one of these digests out does.
        let brought = taken_out.iter().find(|(digests, _)| !digests.is_disjoint(&gone));
        let is_revert = is_revert(&commit, target) || brought.is_some_and(|(_, is_revert)| *is_revert);
        let change = DigestChange {
            by: PinnedBy {
                commit: commit.meta.id.clone(),
                author: commit.meta.author.clone(),
                at: commit.meta.at,
                subject: commit.meta.subject.clone(),
            },
            is_revert,
            before: was,
            after: is,
        };
        (PinChange { commit, before, after }, change)
    }
}

/// Whether a commit says of itself that it takes an earlier one back.
fn is_revert(commit: &ToldCommit, target: &Target) -> bool {
    CommitRecord::read(commit.meta.message.raw(), target).action == Action::Revert
}
