//! Where pins come from: the commit that pinned each, and whether a digest skipped an environment.
//! One walk over the history answers both, newest first, and ends when nothing is open.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::domain::board::PinKey;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;
use crate::sources::git::{Blobs, Change, GitRepo};

use super::error::EngineError;
use super::ledger::{Ledger, ScanCache};
use super::pins::EnvironmentPaths;

/// What the history says about the pins of one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Who pinned what.
    pub pinned: BTreeMap<PinKey, PinnedBy>,
    /// Whether a pinned digest was never pinned in the environment just before. `None`: the first
    /// environment, a pin by tag, or a history that is not whole (shallow clone).
    pub skipped: BTreeMap<PinKey, Option<bool>>,
}

/// One pin of one file at one commit, as far as the walk needs it.
type Written = (Repository, Option<Digest>, Option<String>);
/// "Was this digest of this service ever pinned in this environment?"
type Question = (ServiceId, EnvId, Digest);

/// Walks the history of the pins.
///
/// # Errors
/// If the history cannot be read. A shallow clone is not an error.
pub fn trace(repo: &GitRepo, ledger: &Ledger, scans: &ScanCache) -> Result<Lineage, EngineError> {
    let paths = EnvironmentPaths::new(&ledger.environments);
    let pins: Vec<&Pin> = ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins).collect();
    let mut walk = Walk::new(repo, ledger, scans, &paths, &pins)?;
    let files: BTreeSet<&str> = ledger
        .sightings
        .iter()
        .map(|s| s.file.as_str())
        .filter(|f| paths.of(f).next().is_some())
        .collect();
    let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    walk.run(&files)?;
    if !walk.wanted.is_empty() {
        // Perhaps in a file that is gone today: look everywhere before saying "never".
        walk.run(&[])?;
    }
    let whole = !repo.is_shallow();
    let mut lineage = Lineage {
        pinned: walk.pinned,
        skipped: BTreeMap::new(),
    };
    for pin in pins {
        let answer = question(pin, &ledger.environments).and_then(|q| match (walk.wanted.contains(&q), whole) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        });
        lineage.skipped.insert(pin.key(), answer);
    }
    Ok(lineage)
}

struct Walk<'a> {
    repo: &'a GitRepo,
    blobs: Blobs<'a>,
    ledger: &'a Ledger,
    scans: &'a ScanCache,
    paths: &'a EnvironmentPaths,
    /// Pins whose commit is not found yet, by their first file.
    unpinned: BTreeMap<&'a str, Vec<&'a Pin>>,
    pinned: BTreeMap<PinKey, PinnedBy>,
    /// Questions with no "yes" yet.
    wanted: BTreeSet<Question>,
}

impl<'a> Walk<'a> {
    fn new(
        repo: &'a GitRepo,
        ledger: &'a Ledger,
        scans: &'a ScanCache,
        paths: &'a EnvironmentPaths,
        pins: &[&'a Pin],
    ) -> Result<Self, EngineError> {
        let mut unpinned: BTreeMap<&str, Vec<&Pin>> = BTreeMap::new();
        for &pin in pins {
            if let Some(first) = pin.locations.first() {
                unpinned.entry(&first.file).or_default().push(pin);
            }
        }
        let mut wanted: BTreeSet<Question> = pins
            .iter()
            .filter_map(|pin| question(pin, &ledger.environments))
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
            unpinned,
            pinned: BTreeMap::new(),
            wanted,
        })
    }

    /// One walk over these paths (all, if none are named).
    fn run(&mut self, files: &[String]) -> Result<(), EngineError> {
        let (repo, tip) = (self.repo, self.ledger.tip.commit.clone());
        let mut failure = None;
        repo.changes(&tip, files, &mut |change: Change| {
            if let Err(error) = self.visit(&change) {
                failure = Some(error);
                return ControlFlow::Break(());
            }
            if self.unpinned.is_empty() && self.wanted.is_empty() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(()), Err)
    }

    fn visit(&mut self, change: &Change) -> Result<(), EngineError> {
        let open = self.unpinned.contains_key(change.path.as_str());
        let mut environments = self.paths.of(&change.path).peekable();
        if !open && environments.peek().is_none() {
            return Ok(());
        }
        let after = self.written(&change.path, change.after.as_deref())?;
        for env in environments {
            for (repository, digest, _) in &after {
                if let (Some(service), Some(digest)) = (self.ledger.naming.service(repository), digest) {
                    self.wanted.remove(&(service.clone(), env.clone(), *digest));
                }
            }
        }
        if !open {
            return Ok(());
        }
        let before = self.written(&change.path, change.before.as_deref())?;
        let (pinned, path) = (&mut self.pinned, change.path.as_str());
        let Some(pins) = self.unpinned.get_mut(path) else {
            return Ok(());
        };
        pins.retain(|pin| {
            let by_tag = if pin.digest.is_none() { pin.tag.clone() } else { None };
            let is_it = |w: &Written| w.0 == pin.image && w.1 == pin.digest && (pin.digest.is_some() || w.2 == by_tag);
            let made_here = after.iter().any(is_it) && !before.iter().any(is_it);
            if made_here {
                let by = PinnedBy {
                    commit: change.commit.id.clone(),
                    author: change.commit.author.clone(),
                    at: change.commit.at,
                    subject: change.commit.subject.clone(),
                };
                pinned.insert(pin.key(), by);
            }
            !made_here
        });
        if pins.is_empty() {
            self.unpinned.remove(path);
        }
        Ok(())
    }

    fn written(&self, path: &str, oid: Option<&str>) -> Result<Vec<Written>, EngineError> {
        let Some(oid) = oid else { return Ok(Vec::new()) };
        let scan = self.scans.scan(path, oid, || Ok(self.blobs.read(oid)?))?;
        let one = |f: &crate::sources::git::manifest::Found| Some((f.repository.clone()?, f.digest, f.tag.clone()));
        Ok(scan.found.iter().filter_map(one).collect())
    }
}

/// The question a pin gives rise to: its digest, in the environment just before.
fn question(pin: &Pin, environments: &[Environment]) -> Option<Question> {
    let here = environments.iter().position(|e| e.name == pin.target.environment)?;
    let before = environments.get(here.checked_sub(1)?)?;
    Some((pin.target.service.clone(), before.name.clone(), pin.digest?))
}
