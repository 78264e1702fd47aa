//! The screen that a revert begins with: which earlier digest comes back.

use jiff::Timestamp;

use super::comparison::ComparisonState;
use super::reading::Reading;
use crate::domain::board::Hold;
use crate::domain::id::{Digest, Target};
use crate::domain::known_good::{self, EarlierDigest};
use crate::domain::verdict::Verdict;

/// The digests that a pin could go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertScreen {
    /// The pin.
    pub target: Target,
    /// The earlier digests, the one that was replaced last first.
    pub rows: Vec<RevertRow>,
    /// How far the reading is.
    pub reading: Reading,
    /// The selected digest. It is chosen once, when the list arrives, and moves by keys alone.
    pub selected: Option<Digest>,
    /// The digest that the person came for, if it was a certain one.
    pub wanted: Option<Digest>,
    /// What separates the selected digest from what is pinned now.
    pub compared: ComparisonState,
    /// Since when the screen waits.
    pub since: Timestamp,
}

/// One digest that the pin could go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertRow {
    /// The digest with its past.
    pub earlier: EarlierDigest,
    /// Its verdict under today's policy, once it is known.
    pub verdict: Option<Verdict>,
}

/// Whether the way back to a digest is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertAccess {
    /// It is: a plan can be made.
    Open,
    /// A person must say once more that this digest is meant: a revert took it out.
    TakenBack,
    /// A person must say that the hold of this environment ends with it.
    Held(Box<Hold>),
    /// The hold of an earlier environment closes it.
    Closed(Box<Hold>),
}

impl RevertScreen {
    /// A screen whose list has just been asked for.
    pub fn new(target: Target, wanted: Option<Digest>, now: Timestamp) -> Self {
        Self {
            target,
            rows: Vec::new(),
            reading: Reading::Running,
            selected: None,
            wanted,
            compared: ComparisonState::NotAsked,
            since: now,
        }
    }

    /// Takes the list in, and selects what the person came for, else the last known good.
    pub fn fill(&mut self, earlier: Vec<EarlierDigest>) {
        let wanted = self
            .wanted
            .filter(|wanted| earlier.iter().any(|one| one.digest == *wanted));
        let good = known_good::last_known_good(&earlier).target.map(|one| one.digest);
        let first = earlier.first().map(|one| one.digest);
        self.selected = wanted.or(good).or(first);
        self.rows = earlier
            .into_iter()
            .map(|earlier| RevertRow { earlier, verdict: None })
            .collect();
    }

    /// The digest that a revert goes back to unless a person chooses another one.
    pub fn last_known_good(&self) -> Option<Digest> {
        let good = self.rows.iter().find(|row| row.earlier.skipped().is_none())?;
        Some(good.earlier.digest)
    }

    /// The place of the selected row.
    pub fn position(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows.iter().position(|row| row.earlier.digest == selected)
    }

    /// The selected row.
    pub fn row(&self) -> Option<&RevertRow> {
        self.position().and_then(|at| self.rows.get(at))
    }

    /// Whether the way back to a row's digest is open.
    pub fn access(&self, row: &RevertRow) -> RevertAccess {
        match &row.earlier.hold {
            Some(hold) if hold.environment == self.target.environment => RevertAccess::Held(Box::new(hold.clone())),
            Some(hold) => RevertAccess::Closed(Box::new(hold.clone())),
            None if row.earlier.ended_by_revert => RevertAccess::TakenBack,
            None => RevertAccess::Open,
        }
    }
}

impl RevertRow {
    /// The digest as people call it: its tag, else the beginning of its hash.
    pub fn name(&self) -> String {
        let tag = self.earlier.tag.clone();
        tag.unwrap_or_else(|| self.earlier.digest.short())
    }
}
