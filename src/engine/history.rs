//! The history of a target: every commit that changed what is pinned there, newest first, as it is
//! found (CONTRACT "history").

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::history::{Entry, Record};
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;
use crate::sources::git::Change;
use crate::sources::git::manifest::{Found, Scan};

use super::ledger::Ledger;
use super::pins::{EnvironmentPaths, LOOSE_TIER};
use super::{Engine, EngineError, blocking};

/// One change of a pin, with the repository that its digests belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub entry: Entry,
    /// Where the digest after the change is found (before it, where the pin was taken away).
    pub image: Repository,
}

/// One reference as written: the order makes pairs of what belongs together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    image: Repository,
    digest: Option<Digest>,
    tag: Option<String>,
}

impl Engine {
    /// Streams the history of a target at the ledger's commit, newest first, side branches too, until
    /// `limit` entries are sent or nobody listens. Files are those that hold the target's pins today,
    /// and followed through renames; a target that pins nothing today is looked for in every file of
    /// its environment. A shallow clone ends where its history does: see
    /// [`crate::sources::git::GitRepo::is_shallow`].
    ///
    /// # Errors
    /// If the history cannot be read.
    pub async fn history(
        &self,
        ledger: &Ledger,
        target: &Target,
        limit: Option<usize>,
        to: mpsc::Sender<Step>,
    ) -> Result<(), EngineError> {
        let this = self.clone();
        let (ledger, target) = (ledger.clone(), target.clone());
        blocking(move || walk(&this, &ledger, &target, limit.unwrap_or(usize::MAX), &to)).await?
    }

    /// Whether the history that this clone holds ends before the repository's own.
    pub fn is_shallow(&self) -> bool {
        self.inner.repo.is_shallow()
    }
}

fn walk(
    engine: &Engine,
    ledger: &Ledger,
    target: &Target,
    limit: usize,
    to: &mpsc::Sender<Step>,
) -> Result<(), EngineError> {
    let repo = &engine.inner.repo;
    let pins = ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
    let files: BTreeSet<String> = pins
        .filter(|pin| pin.target == *target)
        .flat_map(|pin| pin.locations.iter().map(|location| location.file.clone()))
        .collect();
    let files: Vec<String> = files.into_iter().collect();
    let paths = EnvironmentPaths::new(&ledger.environments);
    let mut reader = Reader {
        engine,
        ledger,
        target,
        former: BTreeSet::new(),
    };
    let (mut left, mut failed) = (limit, None);
    if left == 0 {
        return Ok(());
    }
    repo.commits(&ledger.tip.commit, &files, &mut |changes| {
        let here = |path: &str| !files.is_empty() || paths.of(path).any(|env| *env == target.environment);
        match reader.steps(changes, &here) {
            Ok(steps) => {
                for step in steps {
                    if left == 0 || to.blocking_send(step).is_err() {
                        return ControlFlow::Break(());
                    }
                    left -= 1;
                }
            }
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        if left == 0 || to.is_closed() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(()), Err)
}

/// Reads the target's references out of files, back through the names that its image had.
struct Reader<'a> {
    engine: &'a Engine,
    ledger: &'a Ledger,
    target: &'a Target,
    /// Repositories that stood at the very place of the pin before, and are no other service's.
    former: BTreeSet<Repository>,
}

impl Reader<'_> {
    /// What one commit did to the target.
    fn steps(&mut self, changes: Vec<Change>, here: &dyn Fn(&str) -> bool) -> Result<Vec<Step>, EngineError> {
        let (mut was, mut is) = (BTreeSet::new(), BTreeSet::new());
        let mut commit = None;
        for change in changes.into_iter().filter(|change| here(&change.path)) {
            let before = self.scan(&change.path, change.before.as_deref())?;
            let after = self.scan(&change.path, change.after.as_deref())?;
            self.follow(&before, &after);
            was.extend(self.ours(&before).map(|(written, _)| written));
            is.extend(self.ours(&after).map(|(written, _)| written));
            commit = Some(change.commit);
        }
        let Some(commit) = commit.filter(|_| was != is) else {
            return Ok(Vec::new());
        };
        let record = Record::read(commit.message.raw(), self.target);
        Ok(pairs(&was, &is)
            .into_iter()
            .filter_map(|(from, to)| {
                let image = to.or(from)?.image.clone();
                Some(Step {
                    entry: Entry {
                        commit: commit.id.clone(),
                        author: commit.author.clone(),
                        at: commit.at,
                        subject: commit.subject.clone(),
                        action: record.action,
                        reverts: record.reverts.clone(),
                        from: from.and_then(|w| w.digest),
                        to: to.and_then(|w| w.digest),
                        tag: to.and_then(|w| w.tag.clone()),
                        break_glass: record.break_glass.clone(),
                    },
                    image,
                })
            })
            .collect())
    }

    /// Where the pin was another repository's before, that one belongs to the pin's past.
    fn follow(&mut self, before: &Scan, after: &Scan) {
        if self.ours(before).next().is_some() {
            return;
        }
        let places: BTreeSet<&str> = self.ours(after).map(|(_, found)| found.yaml_path.as_str()).collect();
        let naming = &self.ledger.naming;
        let former: Vec<Repository> = before
            .found
            .iter()
            .filter(|found| found.tier < LOOSE_TIER && places.contains(found.yaml_path.as_str()))
            .filter_map(|found| found.repository.clone())
            .filter(|image| naming.service(image).is_none() && !naming.is_ignored(image))
            .collect();
        self.former.extend(former);
    }

    fn ours<'s>(&'s self, scan: &'s Scan) -> impl Iterator<Item = (Written, &'s Found)> {
        let naming = &self.ledger.naming;
        scan.found.iter().filter_map(move |found| {
            let image = found.repository.clone()?;
            let counts = found.tier < LOOSE_TIER || naming.is_listed(&image);
            let service = naming.service(&image) == Some(&self.target.service) || self.former.contains(&image);
            (counts && service).then(|| {
                let written = Written {
                    digest: found.digest,
                    tag: found.tag.clone(),
                    image,
                };
                (written, found)
            })
        })
    }

    fn scan(&self, path: &str, oid: Option<&str>) -> Result<Arc<Scan>, EngineError> {
        let Some(oid) = oid else { return Ok(Arc::default()) };
        let inner = &self.engine.inner;
        inner.scans.scan(path, oid, || Ok(inner.repo.blob(oid)?))
    }
}

type Pair<'a> = (Option<&'a Written>, Option<&'a Written>);

/// What became what: references that went, beside those that came, within one repository first. One
/// that only came (or went) is set beside the single one that stayed, if there is just one.
fn pairs<'a>(was: &'a BTreeSet<Written>, is: &'a BTreeSet<Written>) -> Vec<Pair<'a>> {
    let mut gone: Vec<&Written> = was.difference(is).collect();
    let mut out = Vec::new();
    let mut came = Vec::new();
    for new in is.difference(was) {
        match gone.iter().position(|old| old.image == new.image) {
            Some(at) => out.push((Some(gone.remove(at)), Some(new))),
            None => came.push(new),
        }
    }
    let stayed: Vec<&Written> = was.intersection(is).collect();
    let single = match stayed.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let mut gone = gone.into_iter();
    for new in came {
        out.push((gone.next().or(single), Some(new)));
    }
    out.extend(gone.map(|old| (Some(old), single)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(image: &str, n: u8) -> Written {
        Written {
            image: Repository::parse(image).expect("valid"),
            digest: Some(Digest::from_bytes([n; 32])),
            tag: None,
        }
    }

    fn seen(was: &[(&str, u8)], is: &[(&str, u8)]) -> Vec<(Option<u8>, Option<u8>)> {
        let set = |list: &[(&str, u8)]| {
            list.iter()
                .map(|(image, n)| written(image, *n))
                .collect::<BTreeSet<_>>()
        };
        let (was, is) = (set(was), set(is));
        let number = |w: &Written| w.digest.map(|d| d.as_bytes()[0]);
        pairs(&was, &is)
            .into_iter()
            .map(|(from, to)| (from.and_then(number), to.and_then(number)))
            .collect()
    }

    #[test]
    fn what_became_what() {
        assert_eq!(seen(&[("r/a", 1)], &[("r/a", 2)]), [(Some(1), Some(2))]);
        assert_eq!(seen(&[], &[("r/a", 2)]), [(None, Some(2))]);
        assert_eq!(seen(&[("r/a", 1)], &[]), [(Some(1), None)]);
        // The same bytes from another registry.
        assert_eq!(seen(&[("r/a", 1)], &[("q/a", 1)]), [(Some(1), Some(1))]);
        // Each repository with its own.
        assert_eq!(
            seen(&[("q/a", 1), ("r/a", 2)], &[("q/a", 3), ("r/a", 4)]),
            [(Some(1), Some(3)), (Some(2), Some(4))]
        );
        // One of two places follows, and the other does.
        assert_eq!(seen(&[("r/a", 1)], &[("r/a", 1), ("r/a", 2)]), [(Some(1), Some(2))]);
        assert_eq!(seen(&[("r/a", 1), ("r/a", 2)], &[("r/a", 2)]), [(Some(1), Some(2))]);
    }
}
