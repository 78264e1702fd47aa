//! Where pins come from: the commit that pinned each, and whether a digest skipped an environment. One reading of the
//! history answers both, newest first, and ends when nothing is open.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::history::{HistoryKey, PinIdentity, PinOwner};
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::sources::git::{CommitMeta, GitRepo};

use super::ledger::Ledger;
use super::pin_states::{BlobReferences, PinEvent, PinStates, PinnedChange};

/// What the history says about the pins of one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Who pinned what: the commit since which the environment has it without a break.
    pub pinned: BTreeMap<PinKey, PinnedBy>,
    /// Whether a pinned digest was never pinned in one of the environments that its own comes after. `None`: there
    /// is no such environment, a pin by tag, or a history that is not whole (shallow clone).
    pub skipped: BTreeMap<PinKey, Option<bool>>,
    /// For each pin that skipped environments, what was pinned in each of them, ever, newest first: an index among
    /// them may list the digest.
    pub earlier: BTreeMap<PinKey, BTreeMap<EnvId, Vec<Digest>>>,
    /// The history of this clone is cut (shallow), and something that was asked lies beyond.
    pub cut: bool,
}

/// "Was this digest of this service ever pinned in this environment?"
type PinQuestion = (ServiceId, EnvId, Digest);

/// Reads the history of the pins.
///
/// # Errors
/// If the history cannot be read. A shallow clone is not an error.
pub fn trace(repo: &GitRepo, ledger: &Ledger, references: &BlobReferences) -> Result<Lineage, Failure> {
    let states = PinStates {
        repo,
        ledger,
        references,
        only: None,
    };
    let mut open = OpenQuestions::new(ledger);
    if !open.is_done() {
        states.read(&mut |event| {
            match event {
                PinEvent::Stood(key, what) => open.stood(key, what),
                PinEvent::Changed { change, commit, .. } => open.changed(&change, &commit.meta),
                PinEvent::Again => open = OpenQuestions::new(ledger),
            }
            match open.is_done() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
    }
    Ok(open.answers(ledger, !repo.is_shallow()))
}

/// What is not answered yet.
struct OpenQuestions {
    /// Pins whose commit is not found.
    pins: BTreeMap<HistoryKey, BTreeMap<PinIdentity, PinKey>>,
    pinned: BTreeMap<PinKey, PinnedBy>,
    /// Who pinned something lies beyond where the clone is cut.
    is_lost: bool,
    /// Questions with no "yes" yet.
    wanted: BTreeSet<PinQuestion>,
    /// Of what services in what environments something is wanted.
    places: BTreeSet<(ServiceId, EnvId)>,
    /// Digests seen where questions are open, newest first.
    earlier: BTreeMap<(ServiceId, EnvId), Vec<Digest>>,
}

impl OpenQuestions {
    fn new(ledger: &Ledger) -> Self {
        let mut pins: BTreeMap<HistoryKey, BTreeMap<PinIdentity, PinKey>> = BTreeMap::new();
        for pin in ledger.pins() {
            pins.entry(history_key(pin))
                .or_default()
                .insert(identity(pin), pin.key());
        }
        let wanted: BTreeSet<PinQuestion> = ledger
            .pins()
            .flat_map(|pin| questions(pin, &ledger.environments))
            .collect();
        let places = wanted.iter().map(|(service, env, _)| (service.clone(), env.clone()));
        Self {
            pins,
            pinned: BTreeMap::new(),
            is_lost: false,
            places: places.collect(),
            wanted,
            earlier: BTreeMap::new(),
        }
    }

    fn is_done(&self) -> bool {
        self.pins.is_empty() && self.wanted.is_empty()
    }

    fn stood(&mut self, key: &HistoryKey, what: &PinIdentity) {
        let (PinOwner::Service(service), Some(digest)) = (&key.owner, what.digest()) else {
            return;
        };
        let place = (service.clone(), key.environment.clone());
        if !self.places.contains(&place) {
            return;
        }
        self.wanted.remove(&(place.0.clone(), place.1.clone(), digest));
        let earlier = self.earlier.entry(place).or_default();
        if !earlier.contains(&digest) {
            earlier.push(digest);
        }
    }

    fn changed(&mut self, change: &PinnedChange, commit: &CommitMeta) {
        let Some(open) = self.pins.get_mut(&change.key).filter(|_| change.is_on_the_way()) else {
            return;
        };
        for what in change.to.keys().filter(|what| !change.from.contains_key(what)) {
            let pin = open.remove(what);
            self.is_lost |= pin.is_some() && change.is_beyond;
            if let Some(pin) = pin.filter(|_| !change.is_beyond) {
                let by = PinnedBy {
                    commit: commit.id.clone(),
                    author: commit.author.clone(),
                    at: commit.at,
                    subject: commit.subject.clone(),
                };
                self.pinned.insert(pin, by);
            }
        }
        if open.is_empty() {
            self.pins.remove(&change.key);
        }
    }

    fn answers(self, ledger: &Ledger, is_whole: bool) -> Lineage {
        let mut lineage = Lineage {
            cut: !is_whole && (self.is_lost || !self.is_done()),
            ..Lineage::default()
        };
        for pin in ledger.pins() {
            let mut asked = questions(pin, &ledger.environments).peekable();
            let mut answer = asked.peek().map(|_| false);
            let open: Vec<PinQuestion> = asked.filter(|question| self.wanted.contains(question)).collect();
            if !open.is_empty() {
                answer = is_whole.then_some(true);
            }
            if answer == Some(true) {
                let earlier = open.into_iter().map(|(service, env, _)| {
                    let seen = self.earlier.get(&(service, env.clone()));
                    (env, seen.cloned().unwrap_or_default())
                });
                lineage.earlier.insert(pin.key(), earlier.collect());
            }
            lineage.skipped.insert(pin.key(), answer);
        }
        lineage.pinned = self.pinned;
        lineage
    }
}

/// The questions that a pin gives rise to: its digest, in each environment that its own comes after.
fn questions<'a>(pin: &'a Pin, environments: &'a [Environment]) -> impl Iterator<Item = PinQuestion> + 'a {
    let here = environments.iter().find(|e| e.name == pin.target.environment);
    let after = here.into_iter().flat_map(|here| &here.after);
    after.filter_map(|before| Some((pin.target.service.clone(), before.clone(), pin.digest?)))
}

/// The key under which the history counts a pin.
pub(super) fn history_key(pin: &Pin) -> HistoryKey {
    HistoryKey {
        owner: PinOwner::Service(pin.target.service.clone()),
        environment: pin.target.environment.clone(),
        component: pin.component.clone(),
    }
}

/// What a pin pins, as the history knows it.
pub(super) fn identity(pin: &Pin) -> PinIdentity {
    match pin.digest {
        Some(digest) => PinIdentity::Digest(digest),
        None => PinIdentity::Tag(pin.tag.clone(), pin.image.clone()),
    }
}
