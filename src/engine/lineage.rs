//! Where pins come from: the commit that pinned each, and whether a digest skipped an environment. One reading of the
//! history answers both, newest first, and ends when nothing is open.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::history::{HistoryKey, PinIdentity, PinOwner};
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::{Pin, PinnedBy};
use crate::domain::policy::Environment;
use crate::sources::git::{CommitMeta, GitRepo};

use super::ledger::Ledger;
use super::pin_states::{AskedRules, BlobReferences, PastRules, PinEvent, PinStates, PinnedChange, TodaysRules};

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

/// Something that is pinned: whose it is, and what.
pub(super) type PinnedThing = (HistoryKey, PinIdentity);

/// What the past of one commit comes to, so that a later commit can go on from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownPast {
    /// The commit.
    pub head: String,
    /// The rules that its past was read by: under other ones it may be another.
    pub rules: PastRules,
    /// What the reading asked for of them: where that stays, the past does.
    pub asked: AskedRules,
    /// It was read to its beginning; else as far as there were questions.
    pub is_whole: bool,
    /// Who pinned what was pinned there; `None` = it was not found.
    pub pinned: BTreeMap<PinnedThing, Option<PinnedBy>>,
    /// The digests that ever stood in each place, newest first.
    pub earlier: BTreeMap<(ServiceId, EnvId), Vec<Digest>>,
}

/// "Was this digest of this service ever pinned in this environment?"
type PinQuestion = (ServiceId, EnvId, Digest);

/// Reads the history of the pins.
///
/// # Errors
/// If the history cannot be read. A shallow clone is not an error.
pub fn trace(repo: &GitRepo, ledger: &Ledger, references: &BlobReferences) -> Result<Lineage, Failure> {
    let mut only = ledger.clone();
    let mut checkouts = (*only.survey.checkouts).clone();
    checkouts.home.repo = repo.clone();
    only.survey.checkouts = checkouts.into();
    Ok(trace_on(&only, references, &|_| None)?.0)
}

/// The same, with what the past of an older commit of each branch came to, if that is known: then only what is newer is
/// read. Branches are named by their places. Also gives what the past of each branch comes to, where it can be gone on from.
///
/// # Errors
/// As [`trace`].
pub(super) fn trace_on(
    ledger: &Ledger,
    references: &BlobReferences,
    known: &dyn Fn(usize) -> Option<KnownPast>,
) -> Result<(Lineage, Vec<(usize, KnownPast)>), Failure> {
    let mut found: Option<OpenQuestions> = None;
    let mut pasts = Vec::new();
    for branch in ledger.on_each() {
        let (questions, past) = trace_branch(&branch, references, known(branch.place).as_ref())?;
        pasts.extend(past.map(|past| (branch.place, past)));
        match &mut found {
            Some(found) => found.take_branch(questions),
            None => found = Some(questions),
        }
    }
    let found = found.unwrap_or_else(|| OpenQuestions::new(ledger));
    let is_whole = !ledger.checkouts.all().any(|one| one.repo.is_shallow());
    Ok((found.answers(ledger, is_whole), pasts))
}

/// Reads the history of one branch, as far as there are questions about it.
fn trace_branch(
    ledger: &Ledger,
    references: &BlobReferences,
    known: Option<&KnownPast>,
) -> Result<(OpenQuestions, Option<KnownPast>), Failure> {
    let repo = ledger.repo();
    let states = PinStates {
        repo,
        ledger,
        references,
        only: None,
    };
    let mut open = OpenQuestions::new(ledger);
    // The rules that the reading began under, while nothing speaks against going on from it another time.
    let mut rules: Option<TodaysRules> = None;
    let mut asked = AskedRules::default();
    let mut gone_on_from: Option<&KnownPast> = None;
    let mut is_whole = true;
    let mut was_again = false;
    if !open.is_done() {
        asked = states.read(&mut |event| {
            match event {
                PinEvent::Begun(begun) => rules = Some(begun),
                PinEvent::Stood(key, what) => open.stood(key, what),
                PinEvent::Changed { change, commit, .. } => open.changed(&change, &commit.meta),
                PinEvent::Again => {
                    open = OpenQuestions::new(ledger);
                    was_again = true;
                }
                PinEvent::Reached(commit) => {
                    let reads_the_same = |known: &&KnownPast| {
                        let rules = rules.as_ref();
                        rules.is_some_and(|rules| rules.read_the_same(&known.rules, &known.asked))
                    };
                    let known = known
                        .filter(|known| known.head == commit && !was_again)
                        .filter(reads_the_same);
                    if let Some(known) = known.filter(|known| open.take_from(known)) {
                        is_whole = known.is_whole;
                        gone_on_from = Some(known);
                        return ControlFlow::Break(());
                    }
                }
            }
            match open.is_done() {
                true => {
                    is_whole = false;
                    ControlFlow::Break(())
                }
                false => ControlFlow::Continue(()),
            }
        })?;
    }
    if let Some(known) = gone_on_from {
        asked.extend(&known.asked);
    }
    let can_be_gone_on_from = !was_again && !repo.is_shallow();
    let past = rules
        .filter(|_| can_be_gone_on_from)
        .map(|rules| open.past(ledger, (rules.to_keep().clone(), asked), is_whole));
    Ok((open, past))
}

/// What is not answered yet.
struct OpenQuestions {
    /// Pins whose commit is not found.
    pins: BTreeMap<PinnedThing, PinKey>,
    pinned: BTreeMap<PinKey, PinnedBy>,
    /// Who pinned something lies beyond where the clone is cut.
    is_lost: bool,
    /// Questions with no "yes" yet.
    wanted: BTreeSet<PinQuestion>,
    /// Digests seen in each place, newest first.
    earlier: BTreeMap<(ServiceId, EnvId), Vec<Digest>>,
    /// The same, for a look whether one is among them.
    seen: HashSet<PinQuestion>,
}

impl OpenQuestions {
    /// Those that the branch of this ledger can answer: about the pins of its environments, and whether something was
    /// ever pinned there.
    fn new(ledger: &Ledger) -> Self {
        let here: BTreeSet<EnvId> = ledger.environments_here().into_iter().map(|one| one.name).collect();
        let pins = ledger.pins().filter(|pin| here.contains(&pin.target.environment));
        let pins = pins.map(|pin| ((history_key(pin), identity(pin)), pin.key()));
        let wanted: BTreeSet<PinQuestion> = ledger
            .pins()
            .flat_map(|pin| questions(pin, &ledger.environments))
            .filter(|(_, environment, _)| here.contains(environment))
            .collect();
        Self {
            pins: pins.collect(),
            pinned: BTreeMap::new(),
            is_lost: false,
            wanted,
            earlier: BTreeMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Adds what another branch came to. No environment is on two of them.
    fn take_branch(&mut self, other: Self) {
        self.pins.extend(other.pins);
        self.pinned.extend(other.pinned);
        self.is_lost |= other.is_lost;
        self.wanted.extend(other.wanted);
        self.earlier.extend(other.earlier);
        self.seen.extend(other.seen);
    }

    fn is_done(&self) -> bool {
        self.pins.is_empty() && self.wanted.is_empty()
    }

    fn stood(&mut self, key: &HistoryKey, what: &PinIdentity) {
        let (PinOwner::Service(service), Some(digest)) = (&key.owner, what.digest()) else {
            return;
        };
        let place = (service.clone(), key.environment.clone());
        self.wanted.remove(&(place.0.clone(), place.1.clone(), digest));
        if self.seen.insert((place.0.clone(), place.1.clone(), digest)) {
            self.earlier.entry(place).or_default().push(digest);
        }
    }

    fn changed(&mut self, change: &PinnedChange, commit: &CommitMeta) {
        if !change.is_on_the_way() {
            return;
        }
        for what in change.to.keys().filter(|what| !change.from.contains_key(what)) {
            let pin = self.pins.remove(&(change.key.clone(), what.clone()));
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
    }

    /// Answers everything that is left with what is known of an older commit's past, if that has all the answers.
    fn take_from(&mut self, known: &KnownPast) -> bool {
        let is_known = |thing: &PinnedThing| match known.pinned.get(thing) {
            Some(by) => by.is_some() || known.is_whole,
            None => false,
        };
        let stood = |(service, env, digest): &PinQuestion| {
            let there = known.earlier.get(&(service.clone(), env.clone()));
            there.is_some_and(|all| all.contains(digest))
        };
        let are_known = self.pins.keys().all(is_known);
        if !are_known || !(known.is_whole || self.wanted.iter().all(stood)) {
            return false;
        }
        self.wanted.retain(|question| !stood(question));
        self.pins.retain(|thing, pin| match known.pinned.get(thing) {
            Some(Some(by)) => {
                self.pinned.insert(pin.clone(), by.clone());
                false
            }
            _ => true,
        });
        for (place, digests) in &known.earlier {
            let here = self.earlier.entry(place.clone()).or_default();
            let newer: BTreeSet<Digest> = here.iter().copied().collect();
            here.extend(digests.iter().filter(|digest| !newer.contains(digest)));
        }
        true
    }

    /// What is known now of the past of this commit.
    fn past(&self, ledger: &Ledger, (rules, asked): (PastRules, AskedRules), is_whole: bool) -> KnownPast {
        let here = ledger.pins().filter(|pin| ledger.has_here(&pin.target.environment));
        let pinned = here.map(|pin| {
            let by = self.pinned.get(&pin.key()).cloned();
            ((history_key(pin), identity(pin)), by)
        });
        KnownPast {
            head: ledger.tip.commit.clone(),
            rules,
            asked,
            is_whole,
            pinned: pinned.collect(),
            earlier: self.earlier.clone(),
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
            let asked: Vec<PinQuestion> = asked.collect();
            if asked
                .iter()
                .any(|(_, env, _)| ledger.checkouts.unread.contains_key(env))
            {
                // Nobody knows what stood there.
                lineage.skipped.insert(pin.key(), None);
                continue;
            }
            let open: Vec<PinQuestion> = asked.into_iter().filter(|one| self.wanted.contains(one)).collect();
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
