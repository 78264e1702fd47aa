//! What a pin was, commit by commit, newest first; and what today's policy says of each digest.
//!
//! Every commit reachable from the branch counts, as it does for who pinned what ([`super::lineage`]): both read
//! [`super::pin_states`]. A file that moved, a pin that moved from file to file and a second place of a digest that
//! is pinned already change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::config::unknown;
use crate::domain::failure::Failure;
use crate::domain::history::{CommitRecord, Entry, HistoryKey, PinIdentity, WrittenPin};
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;
use crate::domain::verdict::Verdict;

use super::context::Context;
use super::image_presence::ImageDepth;
use super::ledger::Ledger;
use super::lineage::{history_key, identity};
use super::open::{Engine, blocking};
use super::pin_states::{BlobReferences, PinEvent, PinStates, PinnedChange, ToldCommit};

/// Entries that travel together.
const BATCH: usize = 32;
/// Digests judged at the same time.
const AT_ONCE: usize = 8;

/// Commit, component, and the digests before and after.
type EntryKey = (String, Option<String>, Option<Digest>, Option<Digest>);

/// One change of a pin with the place of its new bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What one commit did to the pin, as the history shows it.
    pub entry: Entry,
    /// Where the digest after it lives.
    pub image: Option<Repository>,
    /// Its verdict today, where asked for and a policy applies.
    pub verdict: Option<Verdict>,
}

impl Engine {
    /// The changes of a target, newest first, at most `limit`; with `verify`, each digest judged by
    /// today's policy.
    ///
    /// # Errors
    /// If the target does not exist, or git or the configuration cannot be read. A registry that cannot
    /// be reached is part of the verdict.
    pub async fn history(&self, target: &Target, limit: Option<usize>, verify: bool) -> Result<Vec<Record>, Failure> {
        let ledger = self.ledger_to_show(true).await?;
        known(&ledger, target)?;
        self.note_stale(&ledger, &target.environment);
        let ledger = Arc::new(ledger);
        let (this, read, about) = (self.clone(), Arc::clone(&ledger), target.clone());
        let work = move || {
            let mut records = Vec::new();
            let most = limit.unwrap_or(usize::MAX);
            if most > 0 {
                walk(&read, &this.references_to_show(), &about, &mut |record| {
                    match record {
                        Some(record) => records.push(record),
                        None => records.clear(),
                    }
                    if records.len() < most {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                })?;
            }
            this.save_facts();
            Ok::<_, Failure>(records)
        };
        let mut records = blocking(work).await??;
        if verify {
            let context = self.context(Arc::unwrap_or_clone(ledger))?;
            judge(&context, target, &mut records).await;
        }
        Ok(records)
    }

    /// Sends the changes of a target in batches, newest first, from the commit fetched last.
    ///
    /// # Errors
    /// As [`Engine::history`].
    pub(crate) async fn stream_history(&self, target: Target, to: mpsc::Sender<Vec<Entry>>) -> Result<(), Failure> {
        let ledger = self.ledger_to_show(false).await?;
        known(&ledger, &target)?;
        let this = self.clone();
        let work = move || {
            let mut batch = Vec::new();
            // Where clocks were wrong, everything comes again: what was sent is not sent twice.
            let mut sent: BTreeSet<EntryKey> = BTreeSet::new();
            let mut is_again = false;
            walk(&ledger, &this.references_to_show(), &target, &mut |record| {
                if to.is_closed() {
                    return ControlFlow::Break(());
                }
                let Some(Record { entry, .. }) = record else {
                    is_again = true;
                    return ControlFlow::Continue(());
                };
                let is_new = sent.insert((entry.commit.clone(), entry.component.clone(), entry.from, entry.to));
                if !is_new && is_again {
                    return ControlFlow::Continue(());
                }
                batch.push(entry);
                // The first alone: it is what one looks for.
                let is_due = batch.len() >= BATCH || to.capacity() == to.max_capacity();
                match is_due && to.blocking_send(std::mem::take(&mut batch)).is_err() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
            this.save_facts();
            if !batch.is_empty() {
                // Nobody listening any more is no error.
                let _ = to.blocking_send(batch);
            }
            Ok::<_, Failure>(())
        };
        blocking(work).await?
    }

    /// Judges digests that a target pinned before by today's policy, in this order as far as the registries
    /// answer in it: the first is asked first, and a few are asked at the same time. Nothing is judged where no
    /// policy applies.
    ///
    /// # Errors
    /// If the configuration cannot be read. A registry that cannot be reached is part of a verdict.
    pub(crate) async fn judge_earlier(
        &self,
        target: &Target,
        digests: Vec<Digest>,
        to: mpsc::Sender<(Digest, Verdict)>,
    ) -> Result<(), Failure> {
        let ledger = self.ledger_as_known().await?;
        known(&ledger, target)?;
        let image = ledger
            .pins()
            .find(|pin| pin.target == *target)
            .map(|pin| pin.image.clone());
        let Some(image) = image else { return Ok(()) };
        let context = self.context(ledger)?;
        let environment = context.environment(target.environment.as_str());
        let criteria = context.criteria(environment, ImageDepth::Manifests);
        if criteria.policy.is_none() {
            return Ok(());
        }
        let asked = digests.into_iter().map(|digest| {
            let (criteria, context, image) = (criteria.clone(), &context, &image);
            async move {
                let service = Some(&target.service);
                let assessed = context.assess(image, digest, service, criteria).await;
                (digest, assessed.assessment.verdict)
            }
        });
        let mut judged = std::pin::pin!(futures_util::stream::iter(asked).buffer_unordered(AT_ONCE));
        while let Some((digest, verdict)) = judged.next().await {
            if let Some(verdict) = verdict
                && to.send((digest, verdict)).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    /// Whether the history that this clone has ends before the repository's own.
    pub fn is_shallow(&self) -> bool {
        self.inner.repo.is_shallow()
    }
}

/// Judges every digest of the records by the policy of their environment, where it has one.
async fn judge(context: &Context, target: &Target, records: &mut [Record]) {
    let environment = context.environment(target.environment.as_str());
    let criteria = context.criteria(environment, ImageDepth::Manifests);
    if criteria.policy.is_none() {
        return;
    }
    let places: BTreeSet<(Repository, Digest)> = records
        .iter()
        .filter_map(|r| Some((r.image.clone()?, r.entry.to?)))
        .collect();
    let asked = places.into_iter().map(|(repository, digest)| {
        let criteria = criteria.clone();
        async move {
            let service = Some(&target.service);
            let assessed = context.assess(&repository, digest, service, criteria).await;
            ((repository, digest), assessed.assessment.verdict)
        }
    });
    let verdicts: BTreeMap<_, _> = futures_util::stream::iter(asked)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for record in records {
        if let (Some(image), Some(digest)) = (record.image.clone(), record.entry.to) {
            record.verdict = verdicts.get(&(image, digest)).cloned().flatten();
        }
    }
}

/// Whether service and environment exist today.
fn known(ledger: &Ledger, target: &Target) -> Result<(), Failure> {
    let check = |what, name: &str, all: Vec<&str>| match all.contains(&name) {
        true => Ok(()),
        false => Err(unknown(what, name, &all)),
    };
    let services = ledger.grouped.services.iter().map(|(name, ..)| name.as_str());
    check("service", target.service.as_str(), services.collect())?;
    let environments = ledger.environments.iter().map(|e| e.name.as_str());
    check("environment", target.environment.as_str(), environments.collect())
}

/// Tells the changes of a target, newest first. What only a side branch did is told after the changes that pinned
/// what is pinned today, so that these come first. `None`: clocks were wrong, and all is told again in another order.
fn walk(
    ledger: &Ledger,
    references: &BlobReferences,
    target: &Target,
    visit: &mut dyn FnMut(Option<Record>) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let ledger = &*ledger.of(&target.environment)?;
    let states = PinStates {
        repo: ledger.repo(),
        ledger,
        references,
        only: Some(target),
    };
    let today = || -> BTreeSet<(HistoryKey, PinIdentity)> {
        let pins = ledger.pins().filter(|pin| pin.target == *target);
        pins.map(|pin| (history_key(pin), identity(pin))).collect()
    };
    let mut open = today();
    let mut aside: Vec<Record> = Vec::new();
    let mut stopped = false;
    states.read(&mut |event| {
        let mut flow = ControlFlow::Continue(());
        match event {
            PinEvent::Changed { change, commit, landed } => {
                let records = records(&change, commit, landed, target);
                if change.is_on_the_way() {
                    for what in change.to.keys().filter(|what| !change.from.contains_key(what)) {
                        open.remove(&(change.key.clone(), what.clone()));
                    }
                    flow = records.into_iter().try_for_each(|record| visit(Some(record)));
                } else {
                    aside.extend(records);
                }
                if open.is_empty() && flow.is_continue() {
                    flow = aside.drain(..).try_for_each(|record| visit(Some(record)));
                }
            }
            PinEvent::Again => {
                aside.clear();
                open = today();
                flow = visit(None);
            }
            PinEvent::Stood(..) | PinEvent::Begun(_) | PinEvent::Reached(_) => {}
        }
        stopped = flow.is_break();
        flow
    })?;
    if !stopped {
        // Whoever has heard enough of them has heard everything else.
        let _ = aside.into_iter().try_for_each(|record| visit(Some(record)));
    }
    Ok(())
}

/// What a commit changed. Where several things changed, the first that went and the first that came belong together.
fn records(change: &PinnedChange, commit: &ToldCommit, landed: &ToldCommit, target: &Target) -> Vec<Record> {
    if change.is_beyond {
        // Nobody in this clone made it.
        return Vec::new();
    }
    let gone: Vec<_> = change
        .from
        .iter()
        .filter(|(what, _)| !change.to.contains_key(what))
        .collect();
    let came: Vec<_> = change
        .to
        .iter()
        .filter(|(what, _)| !change.from.contains_key(what))
        .collect();
    let said = CommitRecord::read(commit.meta.message.raw(), target);
    let digest = |side: Option<&(&PinIdentity, &WrittenPin)>| side.and_then(|(what, _)| what.digest());
    let record = |at: usize| {
        let (from, to) = (gone.get(at), came.get(at));
        let written = to.map(|(_, written)| *written);
        Record {
            entry: Entry {
                commit: commit.meta.id.clone(),
                author: commit.meta.author.clone(),
                at: commit.meta.at,
                subject: commit.meta.subject.clone(),
                action: said.action,
                reverts: said.reverts.clone(),
                from: digest(from),
                to: digest(to),
                tag: written.and_then(|written| written.tag.clone()),
                component: change.key.component.clone(),
                break_glass: said.break_glass.clone(),
                landed: landed.meta.id.clone(),
                part: change.part,
            },
            image: written.map(|written| written.image.clone()),
            verdict: None,
        }
    };
    (0..gone.len().max(came.len())).map(record).collect()
}
