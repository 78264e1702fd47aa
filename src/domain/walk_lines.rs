//! The lines of first parents that a walk of pins follows, and what it found on each. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::pin_set::{PinSet, PinSetChange, PinState};

#[derive(Debug)]
pub(super) enum WalkItem<K, W: Ord, N> {
    Change(PinSetChange<K, W, N>),
    Merge(OpenMerge<K, W, N>),
}

/// A merge whose sides may not be walked to their ends yet.
#[derive(Debug)]
pub(super) struct OpenMerge<K, W: Ord, N> {
    pub(super) commit: String,
    pub(super) sides: Vec<MergedSide<K>>,
    /// What the merge changed against its first parent.
    pub(super) changed: BTreeMap<K, PinSetChange<K, W, N>>,
}

/// Another parent of a merge.
#[derive(Debug)]
pub(super) struct MergedSide<K> {
    pub(super) line: usize,
    /// Keys that have other pins in the merge than in this parent.
    pub(super) refused: BTreeSet<K>,
}

/// Where a line was merged, and which of the parents it is there: the same in whatever order commits are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MergePlace {
    /// The line that it was merged into.
    pub(super) line: usize,
    /// The commits of that line from its newest one to the merge.
    pub(super) commits: usize,
    /// The number of the parent.
    pub(super) parent: usize,
}

/// A chain of first parents: the branch itself (number 0), or the side that a merge brought.
#[derive(Debug)]
pub(super) struct ParentLine<K, W: Ord, N> {
    /// Where it was merged; `None` = it is the branch.
    pub(super) onto: Option<MergePlace>,
    pub(super) depth: usize,
    /// Its commits that were walked.
    pub(super) length: usize,
    pub(super) state: PinState<K, W, N>,
    /// Keys that another one was adopted into since their last change: what they had pinned by then.
    pub(super) adopted: BTreeMap<K, PinSet<W, N>>,
    pub(super) items: VecDeque<WalkItem<K, W, N>>,
    pub(super) is_done: bool,
    /// It ends where the clone is cut.
    pub(super) is_cut: bool,
}

impl<K, W: Ord, N> ParentLine<K, W, N> {
    pub(super) fn new(onto: Option<MergePlace>, depth: usize, state: PinState<K, W, N>) -> Self {
        Self {
            onto,
            depth,
            length: 0,
            state,
            adopted: BTreeMap::new(),
            items: VecDeque::new(),
            is_done: false,
            is_cut: false,
        }
    }
}
