//! What a pin was, commit by commit, newest first; and what today's policy says of each digest.
//!
//! Every commit reachable from the branch counts, as it does for who pinned what ([`super::lineage`]).
//! A file that moved and a pin that moved from file to file change nothing: a commit is an entry only
//! if the service's pins in the environment are others after it than before.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::config::unknown;
use crate::domain::history::{Action, Entry};
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::Verdict;
use crate::sources::git::{Change, CommitMeta, GitRepo};

use super::assess::{Subject, assess};
use super::ledger::{Ledger, ScanCache};
use super::pins::{EnvironmentPaths, LOOSE_TIER};
use super::{Engine, EngineError, blocking};

/// Entries that travel together.
const BATCH: usize = 32;
/// Digests judged at the same time.
const AT_ONCE: usize = 8;

/// One change of a pin with the place of its new bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The change.
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
    pub async fn history(
        &self,
        target: &Target,
        limit: Option<usize>,
        verify: bool,
    ) -> Result<Vec<Record>, EngineError> {
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
            Ok::<_, EngineError>(records)
        };
        let mut records = blocking(work).await??;
        if verify {
            self.judge(&ledger, target, &mut records).await?;
        }
        Ok(records)
    }

    /// Sends the changes of a target in batches, newest first, from the commit fetched last.
    ///
    /// # Errors
    /// As [`Engine::history`].
    pub async fn stream_history(&self, target: Target, to: mpsc::Sender<Vec<Entry>>) -> Result<(), EngineError> {
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
            Ok::<_, EngineError>(())
        };
        blocking(work).await?
    }

    async fn judge(&self, ledger: &Ledger, target: &Target, records: &mut [Record]) -> Result<(), EngineError> {
        let environment = ledger.environments.iter().find(|e| e.name == target.environment);
        let policy = environment.and_then(|e| ledger.team.policies.get(e.policy.as_ref()?));
        let Some(policy) = policy.cloned().map(Arc::new) else {
            return Ok(());
        };
        let (registry, trust) = self.tools(&ledger.team)?;
        let session = self.session(registry);
        let configured = ledger.team.services.iter().find(|s| s.name == target.service);
        let now = Timestamp::now();
        let places: BTreeSet<(Repository, Digest)> = records
            .iter()
            .filter_map(|r| Some((r.image.clone()?, r.entry.to?)))
            .collect();
        let session = &session;
        let asked = places.into_iter().map(|(repository, digest)| {
            let subject = Subject {
                repository: repository.clone(),
                digest,
                service: Some(target.service.clone()),
                service_signer: configured.and_then(|s| s.signer.clone()),
                source: configured.and_then(|s| s.source.clone()),
                policy: Some(Arc::clone(&policy)),
                trust: Arc::clone(&trust),
            };
            async move {
                (
                    (repository, digest),
                    assess(session, subject, now).await.assessment.verdict,
                )
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
        Ok(())
    }
}

/// Whether service and environment exist today.
fn known(ledger: &Ledger, target: &Target) -> Result<(), EngineError> {
    let check = |what, name: &str, all: Vec<&str>| match all.contains(&name) {
        true => Ok(()),
        false => Err(EngineError::Usage(unknown(what, name, &all))),
    };
    let services = ledger.grouped.services.iter().map(|(name, ..)| name.as_str());
    check("service", target.service.as_str(), services.collect())?;
    let environments = ledger.environments.iter().map(|e| e.name.as_str());
    check("environment", target.environment.as_str(), environments.collect())
}

/// What identifies a pin among those of one target: its bytes, or the tag it is pinned by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Digest(Digest),
    Tag(Option<String>),
}

/// The pins of a target on one side of a commit, each with its visible tag and its place.
type Side = BTreeMap<What, (Option<String>, Repository)>;

/// One commit being put together: it may change several files.
struct Step {
    commit: CommitMeta,
    was: Side,
    is: Side,
}

fn walk(
    repo: &GitRepo,
    ledger: &Ledger,
    scans: &ScanCache,
    target: &Target,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let paths = EnvironmentPaths::new(&ledger.environments);
    let side = |path: &str, oid: Option<&str>, into: &mut Side| -> Result<(), EngineError> {
        let Some(oid) = oid else { return Ok(()) };
        let scan = scans.scan(path, oid, || Ok(repo.blob(oid)?))?;
        for found in &scan.found {
            let Some(image) = &found.repository else { continue };
            let counts = found.tier < LOOSE_TIER || ledger.naming.is_listed(image);
            if !counts || ledger.naming.service(image) != Some(&target.service) {
                continue;
            }
            let what = found.digest.map_or_else(|| What::Tag(found.tag.clone()), What::Digest);
            let known = into.entry(what).or_insert_with(|| (None, image.clone()));
            known.0 = known.0.take().or_else(|| found.tag.clone());
        }
        Ok(())
    };
    let mut open: Option<Step> = None;
    let mut failed = None;
    repo.changes(&ledger.tip.commit, &[], &mut |change: Change| {
        let ours = paths.of(&change.path).any(|env: &EnvId| *env == target.environment);
        if !ours || !super::ledger::is_manifest(&change.path) {
            return ControlFlow::Continue(());
        }
        if let Some(step) = open.take_if(|step| step.commit.id != change.commit.id) {
            for record in step.records(&target.service) {
                visit(record)?;
            }
        }
        let step = open.get_or_insert_with(|| Step {
            commit: change.commit.clone(),
            was: Side::new(),
            is: Side::new(),
        });
        let read = side(&change.path, change.before.as_deref(), &mut step.was)
            .and_then(|()| side(&change.path, change.after.as_deref(), &mut step.is));
        match read {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for record in open.into_iter().flat_map(|step| step.records(&target.service)) {
        if visit(record).is_break() {
            break;
        }
    }
    Ok(())
}

impl Step {
    /// What the commit changed: nothing, where the pins after it are those before it. Where several
    /// changed, the first that went and the first that came belong together.
    fn records(self, service: &ServiceId) -> Vec<Record> {
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
        let said = Said::of(&self.commit, service);
        (0..gone.len().max(came.len()))
            .map(|at| {
                let (from, to) = (gone.get(at), came.get(at));
                Record {
                    entry: Entry {
                        commit: self.commit.id.clone(),
                        author: self.commit.author.clone(),
                        at: self.commit.at,
                        subject: self.commit.subject.clone(),
                        action: said.action,
                        reverts: said.reverts.clone(),
                        from: from.and_then(|(what, _)| digest(what)),
                        to: to.and_then(|(what, _)| digest(what)),
                        tag: to.and_then(|(_, (tag, _))| tag.clone()),
                        break_glass: said.break_glass.clone(),
                    },
                    image: to.map(|(_, (_, image))| image.clone()),
                    verdict: None,
                }
            })
            .collect()
    }
}

fn digest(what: &What) -> Option<Digest> {
    match what {
        What::Digest(digest) => Some(*digest),
        What::Tag(_) => None,
    }
}

/// What a commit's message records about itself.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    action: Action,
    reverts: Option<String>,
    break_glass: Option<Untrusted>,
}

impl Said {
    fn of(commit: &CommitMeta, service: &ServiceId) -> Self {
        let message = commit.message.raw();
        let trailer = |name: &str| {
            let mut lines = message.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let reverts = message.lines().find_map(|line| {
            let rest = line.strip_prefix("This reverts commit ")?;
            let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            (id.len() >= 7).then_some(id)
        });
        // A commit of ours speaks for the service it names only.
        let ours = trailer("Pindeck-Service").is_none_or(|named| named == service.as_str());
        let action = match trailer("Pindeck-Action").filter(|_| ours) {
            Some("promote") => Action::Promote,
            Some("revert") => Action::Revert,
            _ if reverts.is_some() => Action::Revert,
            _ => Action::Other,
        };
        Self {
            action,
            reverts,
            break_glass: trailer("Pindeck-Break-Glass")
                .filter(|reason| ours && !reason.is_empty())
                .map(Untrusted::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
        let commit = CommitMeta {
            id: "a".repeat(40),
            parents: Vec::new(),
            author: "a".into(),
            at: Timestamp::UNIX_EPOCH,
            subject: "s".into(),
            message: message.into(),
        };
        Said::of(&commit, &"payments".into())
    }

    #[test]
    fn messages_record_what_they_did() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let revert = said(&format!("Revert \"x\"\n\nThis reverts commit {id}.\n"));
        assert_eq!((revert.action, revert.reverts.as_deref()), (Action::Revert, Some(id)));
        let promote = "Promote\n\nPindeck-Action: promote\nPindeck-Service: payments\nPindeck-Break-Glass: fire\n";
        let found = said(promote);
        assert_eq!(
            (found.action, found.break_glass),
            (Action::Promote, Some("fire".into()))
        );
        let other = said(&promote.replace("payments", "search"));
        assert_eq!((other.action, other.break_glass), (Action::Other, None));
        assert_eq!(said("This reverts commit of mine").action, Action::Other);
        assert_eq!(said("bump").action, Action::Other);
    }
}
