//! The history of one pin along the branch's first parents: a merge counts when it was merged, not when
//! somebody began it (docs/reference/contract.md, "Gates").

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::domain::failure::Failure;
use crate::domain::history::{Action, CommitRecord};
use crate::domain::id::{Digest, Target};
use crate::domain::known_good::{self, DigestChange, EarlierDigest, PinnedDigests};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::reference::Repository;
use crate::domain::write::WriteFailure;
use crate::engine::ledger::{Ledger, ScanCache};
use crate::engine::open::{Engine, blocking};
use crate::engine::pins::is_variant;
use crate::sources::git::manifest::Found;
use crate::sources::git::{Blobs, ChangedFile, CommitMeta, GitRepo};

use super::plan_context::PlanContext;
use super::surroundings::files_of;

/// At most this many changes of one pin are looked at.
const MAX_CHANGES: usize = 1_000;

/// One reference as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WrittenPin {
    pub digest: Option<Digest>,
    pub tag: Option<String>,
    pub image: Repository,
}

/// One commit of the branch that changed the pin.
#[derive(Debug, Clone)]
pub(super) struct PinChange {
    pub commit: CommitMeta,
    /// The pin's file as it is called today, its blob before and after.
    pub files: Vec<(String, Option<String>, Option<String>)>,
    pub before: BTreeSet<WrittenPin>,
    pub after: BTreeSet<WrittenPin>,
}

/// The changes of one pin, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct PinHistory {
    /// What each commit did to the files of the pin.
    pub changes: Vec<PinChange>,
    /// The same as decisions about digests see it, in the same order.
    pub digests: Vec<DigestChange>,
}

impl PinHistory {
    /// Walks the history of the files that a target's pins are written in.
    pub(crate) async fn of(context: &PlanContext, target: &Target) -> Result<Self, WriteFailure> {
        let pins = context.pins_in(target)?;
        Self::of_pins(context, target, &pins).await
    }

    /// The same of some of its pins: those of one component.
    pub(crate) async fn of_pins(context: &PlanContext, target: &Target, pins: &[&Pin]) -> Result<Self, WriteFailure> {
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
        let image = pins.first().map(|pin| pin.image.clone());
        let files: Vec<String> = files_of(pins).into_iter().collect();
        let (engine, ledger) = (engine.clone(), ledger.clone());
        let target = target.clone();
        blocking(move || {
            let inner = &engine.inner;
            let reader = PinReader {
                repo: &inner.repo,
                blobs: inner.repo.blobs()?,
                scans: &inner.scans,
                ledger: &ledger,
                target: &target,
                component,
                image,
            };
            let changes = reader.walk(&ledger.tip.commit, &files)?;
            let digests = changes.iter().map(|change| reader.digest_change(change));
            let digests = digests.collect::<Result<_, Failure>>()?;
            Ok(Self { changes, digests })
        })
        .await?
    }

    /// Since when the target pins this digest, without a break; `None` where the history does not
    /// reach so far.
    pub(crate) fn since(&self, digest: Digest) -> Option<&PinnedBy> {
        known_good::pinned_since(&self.digests, digest)
    }

    /// The pin's files as they were when a digest was replaced last: path and blob.
    pub(crate) fn files_with(&self, digest: Digest) -> Vec<(String, String)> {
        let mut changes = self.changes.iter().zip(&self.digests);
        let found = changes.find(|(_, change)| change.takes_out(digest));
        let files = found.map(|(change, _)| change.files.as_slice()).unwrap_or_default();
        files
            .iter()
            .filter_map(|(path, before, _)| Some((path.clone(), before.clone()?)))
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
        let holds = ledger
            .holds
            .as_ref()
            .map_err(|problem| Failure::usage(problem.clean().into_string()))?;
        Ok(known_good::earlier_digests(
            &history.digests,
            &now,
            holds,
            &ledger.environments,
            target,
        ))
    }
}

/// Reads a target's references out of the files of a history.
struct PinReader<'a> {
    repo: &'a GitRepo,
    blobs: Blobs,
    scans: &'a ScanCache,
    ledger: &'a Ledger,
    target: &'a Target,
    /// Only this component, where the environment has several.
    component: Option<String>,
    /// The image that is deployed today: where other files name it, the text alone does not tell.
    image: Option<Repository>,
}

impl PinReader<'_> {
    /// The commits of the branch that changed the pin, newest first.
    fn walk(&self, tip: &str, files: &[String]) -> Result<Vec<PinChange>, Failure> {
        let mut changes: Vec<PinChange> = Vec::new();
        let mut failed = None;
        self.repo.mainline(tip, files, &mut |change: ChangedFile| {
            let (before, after) = match self.sides(&change) {
                Ok(sides) => sides,
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            };
            let file = (change.path, change.before, change.after);
            match changes.last_mut().filter(|last| last.commit.id == change.commit.id) {
                Some(last) => {
                    last.files.push(file);
                    last.before.extend(before);
                    last.after.extend(after);
                }
                None => {
                    // The commit seen before is complete now: one that left the pin alone does not count.
                    if changes.last().is_some_and(|last| last.before == last.after) {
                        changes.pop();
                    }
                    if changes.len() == MAX_CHANGES {
                        return ControlFlow::Break(());
                    }
                    changes.push(PinChange {
                        commit: change.commit,
                        files: vec![file],
                        before,
                        after,
                    });
                }
            }
            ControlFlow::Continue(())
        })?;
        if changes.last().is_some_and(|last| last.before == last.after) {
            changes.pop();
        }
        failed.map_or(Ok(changes), Err)
    }

    /// The target's references in one file before and after a commit.
    fn sides(&self, change: &ChangedFile) -> Result<(BTreeSet<WrittenPin>, BTreeSet<WrittenPin>), Failure> {
        let before = self.written(&change.path, change.before.as_deref())?;
        Ok((before, self.written(&change.path, change.after.as_deref())?))
    }

    fn written(&self, path: &str, oid: Option<&str>) -> Result<BTreeSet<WrittenPin>, Failure> {
        let Some(oid) = oid else { return Ok(BTreeSet::new()) };
        let scan = self.scans.scan(path, oid, || Ok(self.blobs.read(oid)?))?;
        Ok(scan.all().filter_map(|found| self.pin(path, found)).collect())
    }

    /// What a reference pins of the target, if it does.
    fn pin(&self, path: &str, found: &Found) -> Option<WrittenPin> {
        let is_ours = self.ledger.service_of(path, found) == Some(&self.target.service);
        let is_component = self
            .component
            .as_deref()
            .is_none_or(|component| found.tag.as_deref().is_some_and(|tag| is_variant(tag, component)));
        let image = found.repository.as_ref().or(self.image.as_ref())?;
        (is_ours && is_component).then(|| WrittenPin {
            digest: found.digest,
            tag: found.tag.clone(),
            image: image.clone(),
        })
    }

    fn digest_change(&self, change: &PinChange) -> Result<DigestChange, Failure> {
        let side = |written: &BTreeSet<WrittenPin>| -> PinnedDigests {
            let mut side = PinnedDigests::new();
            for one in written {
                let Some(digest) = one.digest else { continue };
                let tag = side.entry(digest).or_default();
                *tag = tag.take().or_else(|| one.tag.clone());
            }
            side
        };
        let (before, after) = (side(&change.before), side(&change.after));
        let taken_out: BTreeSet<Digest> = before.keys().filter(|d| !after.contains_key(d)).copied().collect();
        let is_revert = self.is_revert(&change.commit)
            || (change.commit.parents.len() > 1 && self.merges_a_revert(change, &taken_out)?);
        let CommitMeta {
            id,
            author,
            at,
            subject,
            ..
        } = &change.commit;
        Ok(DigestChange {
            by: PinnedBy {
                commit: id.clone(),
                author: author.clone(),
                at: *at,
                subject: subject.clone(),
            },
            is_revert,
            before,
            after,
        })
    }

    /// Whether a commit says of itself that it takes an earlier one back.
    fn is_revert(&self, commit: &CommitMeta) -> bool {
        CommitRecord::read(commit.message.raw(), self.target).action == Action::Revert
    }

    /// Whether a merge brought a revert: the newest commit below it that took one of these digests out is
    /// one. The merge itself carries the title of a pull request, which says nothing.
    fn merges_a_revert(&self, merge: &PinChange, taken_out: &BTreeSet<Digest>) -> Result<bool, Failure> {
        if taken_out.is_empty() {
            return Ok(false);
        }
        let files: Vec<String> = merge.files.iter().map(|(path, ..)| path.clone()).collect();
        let (mut found, mut failed) = (false, None);
        self.repo.commits(&merge.commit.id, &files, &mut |changes| {
            let Some(commit) = changes.first().map(|change| change.commit.clone()) else {
                return ControlFlow::Continue(());
            };
            for change in changes.iter().filter(|_| commit.id != merge.commit.id) {
                match self.sides(change) {
                    Ok((before, after)) => {
                        let digests = |side: &BTreeSet<WrittenPin>| -> BTreeSet<Digest> {
                            side.iter().filter_map(|one| one.digest).collect()
                        };
                        let (before, after) = (digests(&before), digests(&after));
                        if before.difference(&after).any(|digest| taken_out.contains(digest)) {
                            found = self.is_revert(&commit);
                            return ControlFlow::Break(());
                        }
                    }
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        failed.map_or(Ok(found), Err)
    }
}
