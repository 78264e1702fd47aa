//! What a pin was before, along the branch's first parents: a merge counts when it was merged, not when
//! somebody began it (docs/reference/contract.md, "Gates").

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;
use crate::domain::write::WriteFailure;
use crate::engine::blocking;
use crate::engine::ledger::ScanCache;
use crate::engine::pins::{LOOSE_TIER, Naming};
use crate::sources::git::{ChangedFile, CommitMeta, GitRepo};

use super::edits::files_of;
use super::plan_context::PlanContext;

/// At most this many changes of one pin are looked at.
const STEPS: usize = 1_000;

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
    pub was: BTreeSet<WrittenPin>,
    pub is: BTreeSet<WrittenPin>,
}

impl PinChange {
    fn had(&self, digest: Digest) -> bool {
        self.was.iter().any(|w| w.digest == Some(digest))
    }

    fn has(&self, digest: Digest) -> bool {
        self.is.iter().any(|w| w.digest == Some(digest))
    }

    /// Whether the commit says of itself that it takes something back.
    fn is_revert(&self) -> bool {
        let message = self.commit.message.raw();
        message
            .lines()
            .any(|line| line.starts_with("This reverts commit ") || line.trim_end() == "Pindeck-Action: revert")
    }
}

/// A digest that was pinned before.
#[derive(Debug, Clone)]
pub(super) struct EarlierPin {
    pub digest: Digest,
    pub tag: Option<String>,
    /// The commit that pinned it last; `None` where the history does not reach so far.
    pub commit: Option<CommitMeta>,
    /// The commit that replaced it.
    pub replaced_in: CommitMeta,
    /// The pin's files as they were then.
    pub files: Vec<(String, String)>,
}

/// The changes of one pin, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct PinHistory(pub Vec<PinChange>);

impl PinHistory {
    /// Walks the history of a target's files.
    pub async fn of(context: &PlanContext, target: &Target) -> Result<Self, WriteFailure> {
        let pins = context.pins_in(target)?;
        let files: Vec<String> = files_of(&pins).into_iter().collect();
        let (engine, naming, tip) = (
            context.engine.clone(),
            context.ledger.naming.clone(),
            context.ledger.tip.commit.clone(),
        );
        let target = target.clone();
        let work = move || {
            let inner = &engine.inner;
            walk(&inner.repo, &inner.scans, &naming, &tip, &files, &target)
        };
        Ok(Self(blocking(work).await??))
    }

    /// Since when the target pins this digest, without a break; `None` where the history does not
    /// reach so far.
    pub fn since(&self, digest: Digest) -> Option<Timestamp> {
        let made = self.0.iter().find(|step| step.has(digest) && !step.had(digest));
        made.map(|step| step.commit.at)
    }

    /// The commit that took a digest back here before, if one did.
    pub fn reverted(&self, digest: Digest) -> Option<&CommitMeta> {
        let found = self.0.iter().find(|s| s.had(digest) && !s.has(digest) && s.is_revert());
        found.map(|step| &step.commit)
    }

    /// Digests pinned before, each once, newest first; not what is pinned now.
    pub fn earlier(&self, now: &BTreeSet<Digest>) -> Vec<EarlierPin> {
        let mut seen = now.clone();
        let mut out = Vec::new();
        for (at, step) in self.0.iter().enumerate() {
            for written in &step.was {
                let Some(digest) = written.digest.filter(|d| seen.insert(*d)) else {
                    continue;
                };
                let before = self.0[at + 1..].iter().find(|s| s.has(digest) && !s.had(digest));
                out.push(EarlierPin {
                    digest,
                    tag: step
                        .was
                        .iter()
                        .filter(|w| w.digest == Some(digest))
                        .find_map(|w| w.tag.clone()),
                    commit: before.map(|s| s.commit.clone()),
                    replaced_in: step.commit.clone(),
                    files: step
                        .files
                        .iter()
                        .filter_map(|(path, was, _)| Some((path.clone(), was.clone()?)))
                        .collect(),
                });
            }
        }
        out
    }
}

fn walk(
    repo: &GitRepo,
    scans: &ScanCache,
    naming: &Naming,
    tip: &str,
    files: &[String],
    target: &Target,
) -> Result<Vec<PinChange>, Failure> {
    let mut steps: Vec<PinChange> = Vec::new();
    let mut failed = None;
    let blobs = repo.blobs()?;
    let written = |path: &str, oid: Option<&str>| -> Result<Vec<WrittenPin>, Failure> {
        let Some(oid) = oid else { return Ok(Vec::new()) };
        let scan = scans.scan(path, oid, || Ok(blobs.read(oid)?))?;
        let ours = scan.found.iter().filter_map(|found| {
            let image = found.repository.clone()?;
            let counts = found.tier < LOOSE_TIER || naming.is_listed(&image);
            (counts && naming.service(&image) == Some(&target.service)).then(|| WrittenPin {
                digest: found.digest,
                tag: found.tag.clone(),
                image,
            })
        });
        Ok(ours.collect())
    };
    repo.mainline(tip, files, &mut |change: ChangedFile| {
        let sides = written(&change.path, change.before.as_deref())
            .and_then(|was| Ok((was, written(&change.path, change.after.as_deref())?)));
        let (was, is) = match sides {
            Ok(sides) => sides,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        let file = (change.path, change.before, change.after);
        match steps.last_mut().filter(|step| step.commit.id == change.commit.id) {
            Some(step) => {
                step.files.push(file);
                step.was.extend(was);
                step.is.extend(is);
            }
            None => {
                // The step before is whole now: one that left the pin alone is none.
                if steps.last().is_some_and(|step| step.was == step.is) {
                    steps.pop();
                }
                if steps.len() == STEPS {
                    return ControlFlow::Break(());
                }
                steps.push(PinChange {
                    commit: change.commit,
                    files: vec![file],
                    was: was.into_iter().collect(),
                    is: is.into_iter().collect(),
                });
            }
        }
        ControlFlow::Continue(())
    })?;
    if steps.last().is_some_and(|step| step.was == step.is) {
        steps.pop();
    }
    failed.map_or(Ok(steps), Err)
}
