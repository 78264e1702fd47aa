//! What a pin was, commit by commit, newest first; and what today's policy says of each digest.
//!
//! Every commit reachable from the branch counts, as it does for who pinned what ([`super::lineage`]).
//! A file that moved and a pin that moved from file to file change nothing: a commit is an entry only
//! if the service's pins in the environment are others after it than before. The files are
//! those that contain the pins today, followed through renames, and those that the pins came from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::config::unknown;
use crate::domain::component;
use crate::domain::failure::Failure;
use crate::domain::history::{CommitRecord, Entry};
use crate::domain::id::{Digest, Target};
use crate::domain::pin::Pin;
use crate::domain::reference::Repository;
use crate::domain::verdict::Verdict;
use crate::sources::git::manifest::{Found, Scan};
use crate::sources::git::{Blobs, ChangedFile, CommitMeta, GitRepo};

use super::context::Context;
use super::image_presence::ImageDepth;
use super::ledger::{Ledger, ScanCache};
use super::open::{Engine, blocking};
use super::pins::EnvironmentPaths;

/// Entries that travel together.
const BATCH: usize = 32;
/// Digests judged at the same time.
const AT_ONCE: usize = 8;

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
        let (ledger, _) = self.ledger().await?;
        known(&ledger, target)?;
        let ledger = Arc::new(ledger);
        let (this, read, about) = (self.clone(), Arc::clone(&ledger), target.clone());
        let work = move || {
            let mut records = Vec::new();
            let most = limit.unwrap_or(usize::MAX);
            if most > 0 {
                walk(&this.inner.repo, &read, &this.inner.scans, &about, &mut |record| {
                    records.push(record);
                    if records.len() < most {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                })?;
            }
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
        let ledger = self.ledger_as_known().await?;
        known(&ledger, &target)?;
        let this = self.clone();
        let work = move || {
            let mut batch = Vec::new();
            walk(&this.inner.repo, &ledger, &this.inner.scans, &target, &mut |record| {
                batch.push(record.entry);
                // The first alone: it is what one looks for.
                if batch.len() >= BATCH || to.capacity() == to.max_capacity() {
                    if to.blocking_send(std::mem::take(&mut batch)).is_err() {
                        return ControlFlow::Break(());
                    }
                } else if to.is_closed() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
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

/// What identifies a pin among those of one target: its bytes, or the tag it is pinned by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PinIdentity {
    Digest(Digest),
    Tag(Option<String>),
}

/// The pins of a target on one side of a commit, each with its visible tag and its place.
type SidePins = BTreeMap<PinIdentity, (Option<String>, Repository)>;

/// One commit: what it made of the pins.
#[derive(Default)]
struct CommitSides {
    was: SidePins,
    is: SidePins,
}

/// Reads the target's references out of files, back through the names that files and image had.
struct Reader<'a> {
    repo: &'a GitRepo,
    blobs: Blobs,
    ledger: &'a Ledger,
    scans: &'a ScanCache,
    target: &'a Target,
    /// The image that is deployed today.
    image: Option<Repository>,
    /// Whether the environment has several components of the service.
    components: bool,
    paths: EnvironmentPaths,
    /// Repositories that stood at the very place of the pin before, and are no service's today.
    former: BTreeSet<Repository>,
    /// Nothing is pinned today: every file of the environment is looked at.
    anywhere: bool,
}

fn walk(
    repo: &GitRepo,
    ledger: &Ledger,
    scans: &ScanCache,
    target: &Target,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let pins: Vec<&Pin> = ledger.pins().filter(|pin| pin.target == *target).collect();
    let files: BTreeSet<String> = pins
        .iter()
        .flat_map(|pin| pin.deciding().map(|location| location.file.clone()))
        .collect();
    let mut reader = Reader {
        repo,
        blobs: repo.blobs()?,
        ledger,
        scans,
        target,
        image: pins.first().map(|pin| pin.image.clone()),
        components: pins.iter().any(|pin| pin.component.is_some()),
        paths: EnvironmentPaths::new(&ledger.environments),
        former: BTreeSet::new(),
        anywhere: files.is_empty(),
    };
    let mut files: Vec<String> = files.into_iter().collect();
    let mut told: BTreeSet<String> = BTreeSet::new();
    loop {
        let mut failed = None;
        let mut more = Vec::new();
        repo.commits(&ledger.tip.commit, &files, &mut |changes| {
            let Some(commit) = changes.first().map(|change| change.commit.clone()) else {
                return ControlFlow::Continue(());
            };
            if told.contains(&commit.id) {
                return ControlFlow::Continue(());
            }
            let found = reader.step(&changes).and_then(|step| {
                if step.is_new() && !reader.anywhere {
                    more = reader.left_elsewhere(&commit, &files)?;
                }
                Ok(step)
            });
            match found {
                Ok(_) if !more.is_empty() => ControlFlow::Break(()),
                Ok(step) => {
                    told.insert(commit.id.clone());
                    step.records(&commit, target, reader.components)
                        .into_iter()
                        .try_for_each(&mut *visit)
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if more.is_empty() {
            return Ok(());
        }
        // The pin came from another file: the walk begins again with that one too, past what was told.
        files.append(&mut more);
    }
}

impl Reader<'_> {
    /// What one commit made of the pins.
    fn step(&mut self, changes: &[ChangedFile]) -> Result<CommitSides, Failure> {
        let mut step = CommitSides::default();
        for change in changes {
            let ours = !self.anywhere || self.paths.of(&change.path).any(|env| *env == self.target.environment);
            if ours && super::ledger::is_manifest(&change.path) {
                self.add(
                    &mut step,
                    &change.path,
                    change.before.as_deref(),
                    change.after.as_deref(),
                )?;
            }
        }
        Ok(step)
    }

    /// Other files of the environment that contained the pin before this commit and were changed by it.
    fn left_elsewhere(&mut self, commit: &CommitMeta, files: &[String]) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        self.repo.commits(&commit.id, &[], &mut |changes| {
            if changes.first().is_some_and(|change| change.commit.id == commit.id) {
                all = changes;
            }
            ControlFlow::Break(())
        })?;
        let mut found = Vec::new();
        for change in all {
            let ours = self.paths.of(&change.path).any(|env| *env == self.target.environment);
            if ours && !files.contains(&change.path) && super::ledger::is_manifest(&change.path) {
                let mut step = CommitSides::default();
                self.add(
                    &mut step,
                    &change.path,
                    change.before.as_deref(),
                    change.after.as_deref(),
                )?;
                if !step.was.is_empty() {
                    found.push(change.path);
                }
            }
        }
        Ok(found)
    }

    fn add(
        &mut self,
        step: &mut CommitSides,
        path: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), Failure> {
        let scan = |oid: Option<&str>| match oid {
            Some(oid) => self.scans.scan(path, oid, || Ok(self.blobs.read(oid)?)),
            None => Ok(Arc::default()),
        };
        let (before, after) = (scan(before)?, scan(after)?);
        self.follow(path, &before, &after);
        for (scan, side) in [(&before, &mut step.was), (&after, &mut step.is)] {
            for (image, found) in self.ours(path, scan) {
                let what = found
                    .digest
                    .map_or_else(|| PinIdentity::Tag(found.tag.clone()), PinIdentity::Digest);
                let known = side.entry(what).or_insert_with(|| (None, image.clone()));
                known.0 = known.0.take().or_else(|| found.tag.clone());
            }
        }
        Ok(())
    }

    /// Where the pin was another repository's before, that one belongs to the pin's past.
    fn follow(&mut self, path: &str, before: &Scan, after: &Scan) {
        if self.ours(path, before).next().is_some() {
            return;
        }
        let places: BTreeSet<&str> = self
            .ours(path, after)
            .map(|(_, found)| found.yaml_path.as_str())
            .collect();
        let naming = &self.ledger.naming;
        let former: Vec<Repository> = before
            .found
            .iter()
            .filter(|found| !found.rule.is_loose() && places.contains(found.yaml_path.as_str()))
            .filter_map(|found| found.repository.clone())
            .filter(|image| naming.service(image).is_none() && !naming.is_ignored(image))
            .collect();
        self.former.extend(former);
    }

    fn ours<'s>(&'s self, path: &'s str, scan: &'s Scan) -> impl Iterator<Item = (&'s Repository, &'s Found)> {
        scan.all().filter_map(move |found| {
            let is_former = found
                .repository
                .as_ref()
                .is_some_and(|image| self.former.contains(image));
            if !is_former && self.ledger.service_of(path, found) != Some(&self.target.service) {
                return None;
            }
            // Where other files name the image, it is the one that is deployed today.
            Some((found.repository.as_ref().or(self.image.as_ref())?, found))
        })
    }
}

impl CommitSides {
    fn is_new(&self) -> bool {
        self.was.is_empty() && !self.is.is_empty()
    }

    /// What the commit changed: nothing, where the pins after it are those before it. Where several
    /// changed, the first that went and the first that came belong together.
    fn records(self, commit: &CommitMeta, target: &Target, components: bool) -> Vec<Record> {
        let gone: Vec<_> = self
            .was
            .iter()
            .filter(|(what, _)| !self.is.contains_key(what))
            .collect();
        let came: Vec<_> = self
            .is
            .iter()
            .filter(|(what, _)| !self.was.contains_key(what))
            .collect();
        let said = CommitRecord::read(commit.message.raw(), target);
        pairs(&gone, &came, components)
            .into_iter()
            .map(|(component, from, to)| Record {
                entry: Entry {
                    commit: commit.id.clone(),
                    author: commit.author.clone(),
                    at: commit.at,
                    subject: commit.subject.clone(),
                    action: said.action,
                    reverts: said.reverts.clone(),
                    from: from.and_then(|(what, _)| digest(what)),
                    to: to.and_then(|(what, _)| digest(what)),
                    tag: to.and_then(|(_, (tag, _))| tag.clone()),
                    component,
                    break_glass: said.break_glass.clone(),
                },
                image: to.map(|(_, (_, image))| image.clone()),
                verdict: None,
            })
            .collect()
    }
}

/// A side of a change: what was written, its tag and its image.
type Written<'w> = (&'w PinIdentity, &'w (Option<String>, Repository));

/// What went and what came, of the same component where there are several.
fn pairs<'w>(
    gone: &[Written<'w>],
    came: &[Written<'w>],
    components: bool,
) -> Vec<(Option<String>, Option<Written<'w>>, Option<Written<'w>>)> {
    let component = |(what, (tag, _)): &Written<'_>| {
        let written = match what {
            PinIdentity::Tag(tag) => tag.as_deref(),
            PinIdentity::Digest(_) => tag.as_deref(),
        };
        written.filter(|_| components).and_then(component::variant)
    };
    let all: BTreeSet<Option<String>> = gone.iter().chain(came).map(component).collect();
    let mut out = Vec::new();
    for one in all {
        let of = |side: &[Written<'w>]| -> Vec<Written<'w>> {
            side.iter()
                .filter(|written| component(written) == one)
                .copied()
                .collect()
        };
        let (gone, came) = (of(gone), of(came));
        for at in 0..gone.len().max(came.len()) {
            out.push((one.clone(), gone.get(at).copied(), came.get(at).copied()));
        }
    }
    out
}

fn digest(what: &PinIdentity) -> Option<Digest> {
    match what {
        PinIdentity::Digest(digest) => Some(*digest),
        PinIdentity::Tag(_) => None,
    }
}
