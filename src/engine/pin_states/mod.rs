//! What was pinned at every commit: the one computation that history, `pinned`, the last known good and the
//! question for skipped environments read (docs/reference/git.md, "The history of pins").
//!
//! Commits are visited newest first with the files that each changed. Which references a content has is a function
//! of the content; whose pins they are is decided by today's names and environments ([`placement`]); what the pins
//! were at each commit, and which commit changed them, is counted in [`crate::domain::pin_walk`].

mod blob_references;
mod counted_files;
mod kept_past;
mod moved_in;
mod needles;
mod past_reference;
mod past_rules;
mod placement;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::domain::failure::Failure;
use crate::domain::history::{CommitRecord, HistoryKey, PinIdentity, PinOwner, WrittenPin};
use crate::domain::id::Target;
use crate::domain::pin_set::PinSetChange;
use crate::domain::pin_walk::PinWalk;
use crate::domain::reference::Repository;
use crate::sources::git::{BlobChange, Blobs, CommitChanges, CommitMeta, CommitOrder, GitRepo};

use super::ledger::Ledger;

pub(super) use blob_references::BelievedPast;
pub use blob_references::BlobReferences;
use blob_references::of_scan;
use counted_files::CountedFiles;
pub(super) use kept_past::{KeptChanges, KeptReferences};
use moved_in::{FollowedChange, MovedFiles, PlacedBlob, ReadSide};
use needles::Needles;
use past_reference::PastReferences;
pub(super) use past_rules::{AskedRules, PastRules, TodaysRules};
use placement::{PinnedDelta, Placement, common_beginning};

/// One commit changed what a target pins.
pub type PinnedChange = PinSetChange<HistoryKey, PinIdentity, WrittenPin>;

type Walk = PinWalk<HistoryKey, PinIdentity, WrittenPin>;

/// A commit that changed pins, or a merge.
#[derive(Debug, Clone)]
pub struct ToldCommit {
    /// The commit. Its message is there only if it records something ([`CommitRecord`]).
    pub meta: CommitMeta,
    /// The files that changed pins against its first parent; only where one target is asked for.
    pub files: Vec<BlobChange>,
}

/// What the reading comes upon.
pub enum PinEvent<'e> {
    /// This was pinned at some commit of some branch; each is told once, the newest first.
    Stood(&'e HistoryKey, &'e PinIdentity),
    /// A commit changed the pins of a key.
    Changed {
        /// What it changed.
        change: PinnedChange,
        /// The commit that did.
        commit: &'e ToldCommit,
        /// The commit of the branch that brought it.
        landed: &'e ToldCommit,
    },
    /// Clocks were wrong, or newer files matter that were left out: everything is told again, in the right order and with them.
    Again,
    /// The reading of all targets begins under these rules.
    Begun(TodaysRules),
    /// Everything newer than this commit was told, all of it leads back through this commit, and nothing of it changes how
    /// what is older is read: the rest is what the commit's own history says under the same rules.
    Reached(&'e str),
}

/// Reads the history of the pins of one commit.
pub struct PinStates<'a> {
    /// The repository.
    pub repo: &'a GitRepo,
    /// Pins, names and environments of today.
    pub ledger: &'a Ledger,
    /// References of contents that were read before.
    pub references: &'a BlobReferences,
    /// Only this target; `None` = all.
    pub only: Option<&'a Target>,
}

impl PinStates<'_> {
    /// Tells everything, newest first, until told to stop. Returns what of the rules was asked for, where all targets are
    /// read.
    ///
    /// # Errors
    /// If the history cannot be read. A shallow clone is not an error.
    pub fn read(&self, tell: &mut dyn FnMut(PinEvent<'_>) -> ControlFlow<()>) -> Result<AskedRules, Failure> {
        let (mut order, mut former) = (CommitOrder::Date, Vec::new());
        loop {
            let moved = MovedFiles::default();
            let files = CountedFiles::new(self.ledger, self.only.map(|only| &only.environment), moved.known());
            let mut reading = StateReading::new(self, moved, &files, &former)?;
            let mut failed = None;
            let begun = match self.only {
                None => tell(PinEvent::Begun(reading.placement.rules())),
                Some(_) => ControlFlow::Continue(()),
            };
            let mut stopped = begun.is_break() || reading.tell(tell).is_break();
            if !stopped {
                let known = self.references.known_changes();
                self.repo
                    .visit_known(&self.ledger.tip.commit, order, &files, known, &mut |changes| {
                        let id = &changes.commit.id;
                        // In whatever order: what sides came to is told here, so that all readings tell it here.
                        if reading.leads_plainly_to(id) {
                            stopped = reading.tell(tell).is_break()
                                || order == CommitOrder::Date && tell(PinEvent::Reached(id)).is_break();
                            if stopped {
                                return ControlFlow::Break(());
                            }
                        }
                        failed = reading.visit(changes).err();
                        // What comes of a commit that came too late is told when everything is told again, and nobody may
                        // stop at it.
                        if failed.is_none() && !(order == CommitOrder::Date && reading.walk.is_out_of_order()) {
                            stopped = reading.tell(tell).is_break();
                        }
                        let goes_on = failed.is_none() && !stopped && !reading.is_over();
                        if goes_on {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    })?;
            }
            if let Some(error) = failed {
                return Err(error);
            }
            // What was told until now lacks something, even where nobody wants to hear more.
            if !reading.late.is_empty() {
                former.append(&mut reading.late);
            } else if stopped && !(order == CommitOrder::Date && self.repo.leads_back(reading.walk.unwalked())?) {
                return Ok(reading.asked());
            } else if order == CommitOrder::Date && (stopped || reading.walk.is_out_of_order()) {
                order = CommitOrder::Topological;
            } else {
                let asked = reading.asked();
                reading.finish(tell);
                return Ok(asked);
            }
            if tell(PinEvent::Again).is_break() {
                return Ok(AskedRules::default());
            }
        }
    }
}

/// One way through the history.
struct StateReading<'a> {
    files: &'a CountedFiles<'a>,
    moved: MovedFiles,
    blobs: Blobs,
    references: &'a BlobReferences,
    placement: Placement<'a>,
    needles: Option<Needles>,
    keeps_files: bool,
    walk: Walk,
    commits: HashMap<String, ToldCommit>,
    /// Keys of repositories that nobody has today.
    unowned: BTreeSet<HistoryKey>,
    /// A service took the place of a repository that nobody has any more.
    has_followed: bool,
    /// Such repositories that became known after contents were left out which may name them: the reading has to begin again.
    late: Vec<Repository>,
}

/// A side of a commit: each file with its references before and after.
type SideReferences = Vec<(FollowedChange, PastReferences, PastReferences)>;

impl<'a> StateReading<'a> {
    fn new(
        states: &PinStates<'a>,
        moved: MovedFiles,
        files: &'a CountedFiles<'a>,
        former: &[Repository],
    ) -> Result<Self, Failure> {
        let ledger = states.ledger;
        let mut placement = Placement::new(ledger, states.only);
        let mut pinned = Vec::new();
        // The files of the newest commit were read for its pins, and are not read again for its history.
        for file in ledger.commit.files.iter() {
            if let Some(scan) = ledger.commit.scans.get(&file.path) {
                let found = of_scan(scan);
                pinned.extend(placement.pinned(&file.path, &found));
                states.references.keep(&file.path, &file.oid, found);
            }
        }
        let unowned = pinned
            .iter()
            .filter(|one| is_unowned(&one.key))
            .map(|one| one.key.clone());
        Ok(Self {
            files,
            moved,
            blobs: states.repo.blobs()?,
            references: states.references,
            needles: states.only.map(|only| Needles::of(ledger, &only.service, former)),
            keeps_files: states.only.is_some(),
            unowned: unowned.collect(),
            has_followed: false,
            late: Vec::new(),
            walk: Walk::new(&ledger.tip.commit, pinned),
            placement,
            commits: HashMap::new(),
        })
    }

    /// Whether all that was walked leads to one commit of the branch, as if the reading began there: no file was moved, and no
    /// service took the place of another's repository.
    fn leads_plainly_to(&mut self, commit: &str) -> bool {
        !self.has_followed && self.moved.known().borrow().is_empty() && self.walk.gathers_at(commit)
    }

    /// What was asked for of the rules; nothing of it is told of a single target.
    fn asked(&self) -> AskedRules {
        match self.needles {
            Some(_) => AskedRules::default(),
            None => self.files.asked().and(self.placement.asked()),
        }
    }

    fn is_over(&self) -> bool {
        self.walk.is_done() || self.walk.is_out_of_order() || !self.late.is_empty()
    }

    fn visit(&mut self, changes: CommitChanges) -> Result<(), Failure> {
        let CommitChanges {
            commit,
            sides,
            gone,
            is_cut,
        } = changes;
        if is_cut {
            self.walk.cut(&commit.id);
            return Ok(());
        }
        let Some(line) = self.walk.line_of(&commit.id) else {
            return Ok(());
        };
        let former = self.moved.on(line);
        let (mut read, mut former_of_parents) = (Vec::new(), Vec::new());
        let mut gone = gone.into_iter();
        for (at, changed) in sides.into_iter().enumerate() {
            let side = ReadSide {
                commit: &commit.id,
                parent: commit.parents.get(at).map(String::as_str),
                changed,
                gone: gone.next().unwrap_or_default(),
            };
            let counts = |path: &str| self.files.counts_itself(path);
            let whole = |path: &str, oid: &str| self.references.read(&self.blobs, path, Some(oid), &|_| true);
            let (changes, former) = self.moved.follow(&self.blobs, &former, side, &counts, &whole)?;
            read.push(self.references(changes)?);
            former_of_parents.push(former);
        }
        self.follow(&read);
        let mut parents = Vec::new();
        let mut files = Vec::new();
        for (at, side) in read.into_iter().enumerate() {
            let mut deltas = Vec::new();
            for (file, before, after) in side {
                let before_len = deltas.len();
                self.deltas(&file.path, &before, &after, &mut deltas);
                let matters = |delta: &PinnedDelta| match (&delta.key.owner, &self.needles) {
                    (PinOwner::Nobody(image), Some(needles)) => needles.include(image),
                    _ => true,
                };
                // What is kept of other contents must not make a difference.
                if at == 0 && deltas[before_len..].iter().any(matters) {
                    files.push(file.blobs());
                }
            }
            // What came first, so that what is written beside the rest is what was there before.
            deltas.sort_by_key(|delta: &PinnedDelta| std::cmp::Reverse(delta.more));
            first_tag_beside_all(&mut deltas);
            let unowned = deltas.iter().filter(|delta| is_unowned(&delta.key));
            self.unowned.extend(unowned.map(|delta| delta.key.clone()));
            parents.push(deltas);
        }
        let is_told = commit.parents.len() != 1 || parents.iter().any(|deltas| !deltas.is_empty());
        let ids = commit.parents.iter().cloned();
        // A first commit made all that is left: its side tells nothing more.
        let parents: Vec<_> = ids.zip(parents).collect();
        let lines = self.walk.step(&commit.id, &parents);
        for (line, former) in lines.into_iter().zip(former_of_parents) {
            if let Some(line) = line {
                self.moved.go_on(line, Rc::clone(&former));
            }
        }
        if is_told {
            let told = ToldCommit {
                meta: with_record_only(commit),
                files: if self.keeps_files { files } else { Vec::new() },
            };
            self.commits.insert(told.meta.id.clone(), told);
        }
        Ok(())
    }

    /// The references of the files of one side, where they may matter.
    fn references(&self, side: Vec<FollowedChange>) -> Result<SideReferences, Failure> {
        let mut out = Vec::new();
        for file in side {
            let read = |placed: &PlacedBlob, matters: &dyn Fn(&[u8]) -> bool| match placed {
                Some((path, oid)) => self.references.read(&self.blobs, path, Some(oid), matters),
                None => Ok(PastReferences::from([])),
            };
            let (before, after) = match &self.needles {
                Some(needles) if !needles.is_placed(&file.path) => {
                    let first_look = |placed: &PlacedBlob| match placed {
                        Some((_, oid)) if !needles.are_known_not_in(oid) => {
                            read(placed, &|bytes| needles.are_in_blob(oid, bytes))
                        }
                        _ => Ok(PastReferences::from([])),
                    };
                    let before = first_look(&file.before)?;
                    let after = first_look(&file.after)?;
                    match (before.is_empty(), after.is_empty()) {
                        // What one side has is compared with all of the other.
                        (true, false) => (read(&file.before, &|_| true)?, after),
                        (false, true) => (before, read(&file.after, &|_| true)?),
                        _ => (before, after),
                    }
                }
                _ => (read(&file.before, &|_| true)?, read(&file.after, &|_| true)?),
            };
            out.push((file, before, after));
        }
        Ok(out)
    }

    /// A service that took the place of a repository which nobody has any more has its past.
    fn follow(&mut self, sides: &[SideReferences]) {
        for (file, before, after) in sides.iter().flatten() {
            for (environment, image, service) in self.placement.successors(&file.path, before, after) {
                self.has_followed = true;
                if let Some(needles) = &mut self.needles
                    && needles.add(&image)
                {
                    self.late.push(image.clone());
                }
                let former = PinOwner::Nobody(image.clone());
                let keys = self.unowned.iter();
                for key in keys.filter(|key| key.environment == environment && key.owner == former) {
                    self.walk.adopt(key, &self.placement.adopting(key, &image, &service));
                }
            }
        }
    }

    /// What a file has more after a commit than before.
    fn deltas(&mut self, path: &str, before: &PastReferences, after: &PastReferences, out: &mut Vec<PinnedDelta>) {
        if before == after {
            return;
        }
        // What both begin with pins the same.
        let begin = common_beginning(before, after);
        let mut gone = self.placement.pinned(path, &before[begin..]);
        for came in self.placement.pinned(path, &after[begin..]) {
            match gone.iter().position(|one| *one == came) {
                Some(same) => {
                    gone.remove(same);
                }
                None => out.push(came),
            }
        }
        out.extend(gone.into_iter().map(|one| PinnedDelta { more: -1, ..one }));
    }

    fn tell(&mut self, tell: &mut dyn FnMut(PinEvent<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        for (key, what) in self.walk.newly_seen() {
            tell(PinEvent::Stood(&key, &what))?;
        }
        let changes = self.walk.ready();
        self.told(changes, tell)
    }

    fn told(
        &self,
        changes: Vec<PinnedChange>,
        tell: &mut dyn FnMut(PinEvent<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for change in changes.into_iter().filter(|change| !is_unowned(&change.key)) {
            let known = self.commits.get(&change.commit).zip(self.commits.get(&change.landed));
            if let Some((commit, landed)) = known {
                tell(PinEvent::Changed { change, commit, landed })?;
            }
        }
        ControlFlow::Continue(())
    }

    fn finish(mut self, tell: &mut dyn FnMut(PinEvent<'_>) -> ControlFlow<()>) {
        let changes = self.walk.finish();
        // Nothing is left that could be stopped.
        let _ = self.told(changes, tell);
    }
}

/// Where several places pin the same, the tag is that of the first one that has a tag.
fn first_tag_beside_all(deltas: &mut [PinnedDelta]) {
    let mut tags: HashMap<(HistoryKey, PinIdentity, bool), Option<String>> = HashMap::new();
    let same = |delta: &PinnedDelta| (delta.key.clone(), delta.what.clone(), delta.more > 0);
    for delta in deltas.iter() {
        let tag = tags.entry(same(delta)).or_default();
        *tag = tag.take().or_else(|| delta.note.tag.clone());
    }
    for delta in deltas {
        if let Some(tag) = tags.get(&same(delta)) {
            delta.note.tag.clone_from(tag);
        }
    }
}

fn is_unowned(key: &HistoryKey) -> bool {
    matches!(key.owner, PinOwner::Nobody(_))
}

/// The commit without a message that records nothing: histories are long, and most messages are not needed.
fn with_record_only(mut commit: CommitMeta) -> CommitMeta {
    if !CommitRecord::may_be_in(commit.message.raw()) {
        commit.message = "".into();
    }
    commit
}
