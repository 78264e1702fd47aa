//! What a key has pinned at one commit, and what one commit changed of it: the vocabulary of [`super::pin_walk`]. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

/// How many places more (or, below zero, fewer) name a thing after a commit than in one of its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinDelta<K, W, N> {
    /// Whose pins: a service in an environment.
    pub key: K,
    /// What is pinned.
    pub what: W,
    /// What is written beside it, for whoever reads the entry.
    pub note: N,
    /// Places after the commit minus places before it.
    pub more: i64,
    /// Another place is laid over these.
    pub overridden: bool,
}

/// A parent of a commit, and what the commit has more than it.
pub(super) type ParentDeltas<K, W, N> = (String, Vec<PinDelta<K, W, N>>);

/// What a key has pinned, each with what is written beside it.
pub type PinSet<W, N> = BTreeMap<W, N>;

/// The part of the history in which the state has been that a change led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchPart {
    /// On the branch itself.
    Branch,
    /// Only on a side branch that went on from there before its merge brought what came of it. Together with
    /// those of the branch, these changes lead from each state to the one before.
    Passed,
    /// Only on a side branch whose way is not the branch's: the branch had the same already, or had moved too.
    Side,
    /// Only on a side branch, and the merge did not take it.
    Dropped,
}

/// One commit changed the pins of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinSetChange<K, W: Ord, N> {
    /// Whose pins.
    pub key: K,
    /// The commit that made the change.
    pub commit: String,
    /// The commit of the branch's first-parent line that brought it: the same one, or a merge.
    pub landed: String,
    /// What was pinned before.
    pub from: PinSet<W, N>,
    /// What is pinned after.
    pub to: PinSet<W, N>,
    /// The part of the history in which the state after it has been.
    pub part: BranchPart,
    /// Nobody in this clone made the change: its commit is a merge, and the work that it took lies beyond where the
    /// clone is cut.
    pub is_beyond: bool,
    /// The commit is a merge that took the state of one of its other parents: nobody's work.
    pub(super) taken: bool,
}

/// How many places name a thing.
#[derive(Debug, Clone)]
pub(super) struct PlaceCount<N> {
    /// Places that decide.
    pub(super) deciding: i64,
    /// Places that another one is laid over.
    pub(super) overridden: i64,
    /// What is written beside it.
    pub(super) note: N,
}

/// What one key has pinned, with the number of places.
pub(super) type PlaceCounts<W, N> = Arc<BTreeMap<W, PlaceCount<N>>>;

/// What every key has pinned at one commit.
pub(super) type PinState<K, W, N> = BTreeMap<K, PlaceCounts<W, N>>;

impl<K, W: Ord, N> PinSetChange<K, W, N> {
    pub(super) fn new(key: &K, commit: &str, from: PinSet<W, N>, to: PinSet<W, N>, taken: bool) -> Self
    where
        K: Clone,
    {
        Self {
            key: key.clone(),
            commit: commit.to_owned(),
            landed: commit.to_owned(),
            from,
            to,
            part: BranchPart::Branch,
            is_beyond: false,
            taken,
        }
    }

    /// Whether the branch came by this change: such changes lead from each state of the branch to the one before.
    pub(crate) fn is_on_the_way(&self) -> bool {
        matches!(self.part, BranchPart::Branch | BranchPart::Passed)
    }
}

/// Puts places to the counts, or takes them away.
pub(super) fn add<K: Ord + Clone, W: Ord + Clone, N: Clone>(
    state: &mut PinState<K, W, N>,
    deltas: &[PinDelta<K, W, N>],
    sign: i64,
) {
    for delta in deltas {
        let counts = Arc::make_mut(state.entry(delta.key.clone()).or_default());
        let count = counts.entry(delta.what.clone()).or_insert_with(|| PlaceCount {
            deciding: 0,
            overridden: 0,
            note: delta.note.clone(),
        });
        match delta.overridden {
            true => count.overridden += sign * delta.more,
            false => count.deciding += sign * delta.more,
        }
        if (count.deciding, count.overridden) == (0, 0) {
            counts.remove(&delta.what);
        }
        if counts.is_empty() {
            state.remove(&delta.key);
        }
    }
}

/// What was written beside the things that came and went is what the commit itself has there.
pub(super) fn written_beside<'d, K: 'd, W: Ord + Clone + 'd, N: Clone + 'd>(
    from: &mut PinSet<W, N>,
    to: &mut PinSet<W, N>,
    deltas: impl Iterator<Item = &'d PinDelta<K, W, N>>,
) {
    for delta in deltas {
        let side = if delta.more > 0 { &mut *to } else { &mut *from };
        if let Some(note) = side.get_mut(&delta.what) {
            *note = delta.note.clone();
        }
    }
}

/// What is pinned: what places decide, or, where there are none, what others would be laid over.
pub(super) fn set<W: Ord + Clone, N: Clone>(counts: Option<&PlaceCounts<W, N>>) -> PinSet<W, N> {
    let all = || counts.into_iter().flat_map(|counts| counts.iter());
    let of = |count: fn(&PlaceCount<N>) -> i64| -> PinSet<W, N> {
        all()
            .filter(|(_, counts)| count(counts) > 0)
            .map(|(what, counts)| (what.clone(), counts.note.clone()))
            .collect()
    };
    let deciding = of(|count| count.deciding);
    match deciding.is_empty() {
        true => of(|count| count.overridden),
        false => deciding,
    }
}
