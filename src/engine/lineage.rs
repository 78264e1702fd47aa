//! Where pins come from: the commit that pinned each, and whether a digest skipped an environment.
//! One walk over the history answers both, newest first, and ends when nothing is open.
//!
//! A pin belongs to an environment, not to a file. Going back, the walk keeps the files that contain each
//! pin: one that is renamed, split or copied hands it on, and the pin was made where none contained it before.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::sources::git::manifest::{Found, Scan};
use crate::sources::git::{Blobs, ChangedFile, CommitMeta, GitRepo};

use super::ledger::{Ledger, ScanCache, is_manifest};
use super::pins::EnvironmentPaths;

/// What the history says about the pins of one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Who pinned what: the commit since which the environment has it without a break.
    pub pinned: BTreeMap<PinKey, PinnedBy>,
    /// The environments that a pin's environment comes after (`after`) where its digest was never pinned. `None`: there
    /// are no such environments, a pin by tag, or a history that is not whole (shallow clone).
    pub skipped: BTreeMap<PinKey, Option<Vec<EnvId>>>,
    /// For each pin and each environment that it skipped, what was pinned there, ever, newest first: an index
    /// among them may list the digest.
    pub earlier: BTreeMap<(PinKey, EnvId), Vec<Digest>>,
    /// The history of this clone is cut (shallow), and something that was asked lies beyond.
    pub cut: bool,
}

/// What is pinned: the service, its bytes, the tag (only without a digest).
type PinnedContent = (ServiceId, Option<Digest>, Option<String>);
/// "Was this digest of this service ever pinned in this environment?"
type PinQuestion = (ServiceId, EnvId, Digest);

/// Walks the history of the pins.
///
/// # Errors
/// If the history cannot be read. A shallow clone is not an error.
pub fn trace(repo: &GitRepo, ledger: &Ledger, scans: &ScanCache) -> Result<Lineage, Failure> {
    let paths = EnvironmentPaths::new(&ledger.environments);
    let pins: Vec<&Pin> = ledger.pins().collect();
    let mut walk = LineageWalk::new(repo, ledger, scans, &paths, &pins)?;
    walk.run()?;
    let whole = !repo.is_shallow();
    let mut lineage = Lineage {
        cut: !whole && !walk.is_done(),
        pinned: walk.pinned,
        ..Lineage::default()
    };
    for pin in pins {
        let questions = questions(pin, &ledger.environments);
        let open: Vec<&PinQuestion> = questions.iter().filter(|one| walk.wanted.contains(one)).collect();
        let is_known = !questions.is_empty() && (whole || open.is_empty());
        if is_known {
            for (service, env, _) in &open {
                let earlier = walk.earlier.get(&(service.clone(), env.clone()));
                lineage
                    .earlier
                    .insert((pin.key(), env.clone()), earlier.cloned().unwrap_or_default());
            }
        }
        let skipped = is_known.then(|| open.iter().map(|(_, env, _)| env.clone()).collect());
        lineage.skipped.insert(pin.key(), skipped);
    }
    Ok(lineage)
}

/// A pin whose commit is not found yet.
struct OpenPin {
    key: PinKey,
    /// The files that contain it where the walk is now.
    files: BTreeSet<String>,
}

struct LineageWalk<'a> {
    repo: &'a GitRepo,
    blobs: Blobs,
    ledger: &'a Ledger,
    scans: &'a ScanCache,
    paths: &'a EnvironmentPaths,
    open: BTreeMap<EnvId, BTreeMap<PinnedContent, OpenPin>>,
    pinned: BTreeMap<PinKey, PinnedBy>,
    /// Questions that no commit has answered with yes so far.
    wanted: BTreeSet<PinQuestion>,
    /// Digests seen where questions are open, newest first.
    earlier: BTreeMap<(ServiceId, EnvId), Vec<Digest>>,
}

impl<'a> LineageWalk<'a> {
    fn new(
        repo: &'a GitRepo,
        ledger: &'a Ledger,
        scans: &'a ScanCache,
        paths: &'a EnvironmentPaths,
        pins: &[&Pin],
    ) -> Result<Self, Failure> {
        let mut open: BTreeMap<EnvId, BTreeMap<PinnedContent, OpenPin>> = BTreeMap::new();
        for pin in pins {
            let key = pin.key();
            let what = (pin.target.service.clone(), key.digest, key.tag.clone());
            let files = pin.deciding().map(|l| l.file.clone()).collect();
            let here = open.entry(pin.target.environment.clone()).or_default();
            here.insert(what, OpenPin { key, files });
        }
        let mut wanted: BTreeSet<PinQuestion> = pins
            .iter()
            .flat_map(|pin| questions(pin, &ledger.environments))
            .collect();
        for pin in pins {
            if let Some(digest) = pin.digest {
                wanted.remove(&(pin.target.service.clone(), pin.target.environment.clone(), digest));
            }
        }
        Ok(Self {
            repo,
            blobs: repo.blobs()?,
            ledger,
            scans,
            paths,
            open,
            pinned: BTreeMap::new(),
            wanted,
            earlier: BTreeMap::new(),
        })
    }

    fn run(&mut self) -> Result<(), Failure> {
        let (repo, tip) = (self.repo, self.ledger.tip.commit.clone());
        let mut failure = None;
        if self.is_done() {
            return Ok(());
        }
        // No path is named: every file of an environment counts, those that are gone today too, each
        // under the name that it had.
        repo.commits(&tip, &[], &mut |changes| {
            if let Err(error) = self.visit(&changes) {
                failure = Some(error);
                return ControlFlow::Break(());
            }
            match self.is_done() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        failure.map_or(Ok(()), Err)
    }

    fn is_done(&self) -> bool {
        self.open.is_empty() && self.wanted.is_empty()
    }

    fn visit(&mut self, changes: &[ChangedFile]) -> Result<(), Failure> {
        let mut left: BTreeSet<(EnvId, PinnedContent)> = BTreeSet::new();
        let mut earlier = Vec::new();
        for change in changes.iter().filter(|change| is_manifest(&change.path)) {
            let mut environments: Vec<EnvId> = self
                .paths
                .of(&change.path)
                .filter(|env| self.is_open(env))
                .cloned()
                .collect();
            // A file that an environment takes in from elsewhere.
            let taken = self
                .open
                .iter()
                .filter(|(_, pins)| pins.values().any(|open| open.files.contains(&change.path)));
            environments.extend(taken.map(|(env, _)| env.clone()));
            environments.sort();
            environments.dedup();
            if environments.is_empty() {
                continue;
            }
            let after = self.pins(&change.path, change.after.as_deref())?;
            let before = self.pins(&change.path, change.before.as_deref())?;
            for env in &environments {
                self.answer(env, &after);
                // What stood before counts even where its own commit is cut off.
                earlier.push((env.clone(), before.clone()));
                let Some(open) = self.open.get_mut(env) else { continue };
                for what in before.difference(&after) {
                    if let Some(open) = open.get_mut(what) {
                        open.files.insert(change.path.clone());
                    }
                }
                for what in after.difference(&before) {
                    if open.get_mut(what).is_some_and(|open| open.files.remove(&change.path)) {
                        left.insert((env.clone(), what.clone()));
                    }
                }
            }
        }
        for (env, pins) in &earlier {
            self.answer(env, pins);
        }
        if let Some(change) = changes.first() {
            self.close(&change.commit, left);
        }
        Ok(())
    }

    /// Crosses out the questions that a file's pins answer.
    fn answer(&mut self, env: &EnvId, pins: &BTreeSet<PinnedContent>) {
        for (service, digest, _) in pins {
            let Some(digest) = digest else { continue };
            if self.wanted.iter().any(|(s, e, _)| (s, e) == (service, env)) {
                let earlier = self.earlier.entry((service.clone(), env.clone())).or_default();
                if !earlier.contains(digest) {
                    earlier.push(*digest);
                }
                self.wanted.remove(&(service.clone(), env.clone(), *digest));
            }
        }
    }

    /// Before this commit no file contained these pins any more: it made them.
    fn close(&mut self, commit: &CommitMeta, left: BTreeSet<(EnvId, PinnedContent)>) {
        for (env, what) in left {
            let Some(here) = self.open.get_mut(&env) else { continue };
            if here.get(&what).is_none_or(|open| !open.files.is_empty()) {
                continue;
            }
            if let Some(open) = here.remove(&what) {
                let by = PinnedBy {
                    commit: commit.id.clone(),
                    author: commit.author.clone(),
                    at: commit.at,
                    subject: commit.subject.clone(),
                };
                self.pinned.insert(open.key, by);
            }
            if here.is_empty() {
                self.open.remove(&env);
            }
        }
    }

    fn is_open(&self, env: &EnvId) -> bool {
        self.open.contains_key(env) || self.wanted.iter().any(|(_, e, _)| e == env)
    }

    /// What one version of a file pins, by the names of today.
    fn pins(&self, path: &str, oid: Option<&str>) -> Result<BTreeSet<PinnedContent>, Failure> {
        let scan: Arc<Scan> = match oid {
            Some(oid) => self.scans.scan(path, oid, || Ok(self.blobs.read(oid)?))?,
            None => return Ok(BTreeSet::new()),
        };
        let what = |found: &Found| {
            let tag = if found.digest.is_none() {
                found.tag.clone()
            } else {
                None
            };
            Some((self.ledger.service_of(path, found)?.clone(), found.digest, tag))
        };
        Ok(scan.all().filter_map(what).collect())
    }
}

/// The questions that a pin gives rise to: was its digest pinned in each environment that its own comes after?
fn questions(pin: &Pin, environments: &[Environment]) -> Vec<PinQuestion> {
    let here = environments.iter().find(|env| env.name == pin.target.environment);
    let (Some(here), Some(digest)) = (here, pin.digest) else {
        return Vec::new();
    };
    let each = here
        .after
        .iter()
        .map(|env| (pin.target.service.clone(), env.clone(), digest));
    each.collect()
}
