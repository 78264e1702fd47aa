//! What the pins were, commit by commit, told from the newest to the oldest. Pure.
//!
//! One walk answers who pinned what, what stood before, and whether a digest ever stood somewhere, so the
//! answers cannot disagree. It counts *places*, not files: a key (a service in an environment) has a set of
//! things that are pinned, each with the number of places that name it. Going back, the counts are undone. A
//! file that is renamed, split, or copied in one commit and deleted in the next changes no set, so it makes no
//! entry; neither does a second file that takes a digest that is pinned already.
//!
//! **Overridden places.** A place that another one was laid over counts only while its key has no other place.
//!
//! **Side branches.** The branch's own states are those along first parents. Where a merge changed a key, and the
//! commits of the merged side lead from the state before the merge to the state after it, these commits are the
//! entries, for they were somebody's work; the merge only brought them ([`PinSetChange::landed`]). Where they do
//! not, the merge itself is the entry. What a side branch did and the branch never had is told too, and marked
//! ([`BranchPart`](super::pin_set::BranchPart)).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::pin_set::{ParentDeltas, PinDelta, PinSet, PinSetChange, add, set, written_beside};
use super::side_work::{SideWork, brought};
use super::unwalked::UnwalkedCommits;
use super::walk_lines::{MergePlace, MergedSide, OpenMerge, ParentLine, WalkItem};

/// Sides of sides that are followed. What lies deeper is told by the merge that brought it.
const MAX_DEPTH: usize = 64;

/// The walk. Feed it every commit that is reachable from the head, children before parents.
#[derive(Debug)]
pub(crate) struct PinWalk<K, W: Ord, N> {
    lines: Vec<ParentLine<K, W, N>>,
    /// Commit -> the lines that lead to it.
    claims: BTreeMap<String, Vec<usize>>,
    /// Sides of merges that changed nothing on the branch, told when they are done.
    later: Vec<OpenMerge<K, W, N>>,
    /// Commits that were walked, by hash.
    walked: HashSet<u64>,
    hasher: RandomState,
    is_out_of_order: bool,
    /// A line was walked to where the history begins or is cut, or a side was too deep to follow: what was walked may be older
    /// than what is left.
    has_ended: bool,
    /// Something may be ready since it was asked last.
    is_moved: bool,
    seen: BTreeSet<(K, W)>,
    new: Vec<(K, W)>,
}

impl<K: Ord + Clone, W: Ord + Clone, N: Clone> PinWalk<K, W, N> {
    /// Begins at a commit with what is pinned there: one for each place.
    pub(crate) fn new(head: &str, pinned: impl IntoIterator<Item = PinDelta<K, W, N>>) -> Self {
        let mut state = BTreeMap::new();
        let places: Vec<PinDelta<K, W, N>> = pinned.into_iter().collect();
        add(&mut state, &places, 1);
        let mut walk = Self {
            lines: Vec::new(),
            claims: BTreeMap::from([(head.to_owned(), vec![0])]),
            later: Vec::new(),
            walked: HashSet::new(),
            hasher: RandomState::new(),
            is_out_of_order: false,
            has_ended: false,
            is_moved: true,
            seen: BTreeSet::new(),
            new: Vec::new(),
        };
        for key in state.keys() {
            walk.note_state(key, &set(state.get(key)));
        }
        walk.lines.push(ParentLine::new(None, 0, state));
        walk
    }

    /// The line of commits that goes on with a commit, which is the next one to be stepped to; `None` if nothing led
    /// to it. Number 0 is the branch.
    pub(crate) fn line_of(&self, commit: &str) -> Option<usize> {
        let claims = self.claims.get(commit)?;
        claims.iter().copied().reduce(|a, b| self.which_goes_on(a, b))
    }

    /// Whether all that is left to walk begins at this commit of the branch, and nothing that was walked is older than it.
    /// Sides that lead there too end here, as they would when the commit is stepped to.
    ///
    /// Where clocks were wrong, something older than the commit may have been walked already. What leads on from there never
    /// comes to the commit: it goes on to the beginning of the history.
    pub(crate) fn gathers_at(&mut self, commit: &str) -> bool {
        if self.is_out_of_order || self.has_ended || self.claims.len() != 1 {
            return false;
        }
        let Some(lines) = self.claims.get_mut(commit).filter(|lines| lines.contains(&0)) else {
            return false;
        };
        for side in std::mem::replace(lines, vec![0]) {
            if side != 0 {
                self.end(side);
            }
        }
        true
    }

    /// What is left to walk, to be looked through by whoever stops here.
    pub(crate) fn unwalked(&self) -> UnwalkedCommits<'_> {
        let open = self.claims.keys().cloned();
        UnwalkedCommits::new(&self.walked, &self.hasher, open, self.has_ended)
    }

    /// One commit with what it has more than each of its parents, in their order. A commit without parents made
    /// all that is left. Commits that nothing led to are passed over.
    ///
    /// Returns the lines that go on with the parents, in their order; a side that is not followed has none.
    pub(crate) fn step(&mut self, commit: &str, parents: &[ParentDeltas<K, W, N>]) -> Vec<Option<usize>> {
        let Some(line) = self.arrive(commit) else {
            return Vec::new();
        };
        let Some(((first, deltas), others)) = parents.split_first() else {
            self.begin(commit, line);
            return Vec::new();
        };
        let (sides, refused_by_all) = self.open_sides(line, others);
        let mut lines = vec![Some(line)];
        match sides.is_empty() {
            true => lines.extend(others.iter().map(|_| None)),
            false => lines.extend(sides.iter().map(|side| Some(side.line))),
        }
        let mut changed = BTreeMap::new();
        let touched: BTreeSet<&K> = deltas.iter().map(|delta| &delta.key).collect();
        let mut to: BTreeMap<&K, PinSet<W, N>> = BTreeMap::new();
        for key in touched {
            let before = self.lines[line].adopted.remove(key);
            to.insert(key, before.unwrap_or_else(|| set(self.lines[line].state.get(key))));
        }
        add(&mut self.lines[line].state, deltas, -1);
        for (key, mut to) in to {
            let mut from = set(self.lines[line].state.get(key));
            if !from.keys().eq(to.keys()) {
                written_beside(&mut from, &mut to, deltas.iter().filter(|delta| delta.key == *key));
                self.note_state(key, &from);
                let taken = refused_by_all.as_ref().is_some_and(|refused| !refused.contains(key));
                changed.insert(key.clone(), PinSetChange::new(key, commit, from, to, taken));
            }
        }
        self.is_moved |= line == 0;
        let items = &mut self.lines[line].items;
        if sides.is_empty() {
            items.extend(changed.into_values().map(WalkItem::Change));
        } else {
            let commit = commit.to_owned();
            items.push_back(WalkItem::Merge(OpenMerge { commit, sides, changed }));
        }
        self.lead(first, line);
        lines
    }

    /// Begins a line for each other parent of a merge. Also says which keys have other pins in all of them than
    /// in the merge.
    fn open_sides(
        &mut self,
        line: usize,
        others: &[ParentDeltas<K, W, N>],
    ) -> (Vec<MergedSide<K>>, Option<BTreeSet<K>>) {
        let depth = self.lines[line].depth + 1;
        let mut sides = Vec::new();
        let mut refused_by_all: Option<BTreeSet<K>> = None;
        for (number, (parent, deltas)) in others.iter().enumerate() {
            let after = &self.lines[line].state;
            let mut state = after.clone();
            add(&mut state, deltas, -1);
            let keys: BTreeSet<&K> = deltas.iter().map(|delta| &delta.key).collect();
            let mut refused = BTreeSet::new();
            let mut sets = Vec::new();
            for key in keys {
                let there = set(state.get(key));
                if !there.keys().eq(set(after.get(key)).keys()) {
                    refused.insert(key.clone());
                }
                sets.push((key.clone(), there));
            }
            for (key, there) in sets {
                self.note_state(&key, &there);
            }
            refused_by_all = Some(match refused_by_all {
                None => refused.clone(),
                Some(all) => all.intersection(&refused).cloned().collect(),
            });
            self.has_ended |= depth > MAX_DEPTH;
            if depth <= MAX_DEPTH {
                let side = self.lines.len();
                let place = MergePlace {
                    line,
                    commits: self.lines[line].length,
                    parent: number,
                };
                let mut begun = ParentLine::new(Some(place), depth, state);
                begun.adopted.clone_from(&self.lines[line].adopted);
                self.lines.push(begun);
                self.lead(parent, side);
                sides.push(MergedSide { line: side, refused });
            }
        }
        (sides, refused_by_all)
    }

    /// A commit whose parents this clone does not have: what it changed cannot be told.
    pub(crate) fn cut(&mut self, commit: &str) {
        if let Some(line) = self.arrive(commit) {
            self.has_ended = true;
            self.lines[line].is_cut = true;
            self.end(line);
        }
    }

    /// From here back, what was pinned under one key counts under another one, too.
    pub(crate) fn adopt(&mut self, from: &K, into: &K) {
        for line in &mut self.lines {
            let Some(theirs) = line.state.get(from).cloned() else {
                continue;
            };
            let ours = line.state.get(into);
            let before = set(ours);
            line.adopted.entry(into.clone()).or_insert(before);
            let ours = Arc::make_mut(line.state.entry(into.clone()).or_default());
            for (what, count) in theirs.iter() {
                match ours.get_mut(what) {
                    Some(known) => {
                        known.deciding += count.deciding;
                        known.overridden += count.overridden;
                    }
                    None => {
                        ours.insert(what.clone(), count.clone());
                    }
                }
            }
        }
        let states: Vec<_> = self.lines.iter().map(|line| set(line.state.get(into))).collect();
        for pinned in states {
            self.note_state(into, &pinned);
        }
    }

    /// A line goes on with a commit. One that was walked before ends the line; it should have come later.
    fn lead(&mut self, commit: &str, line: usize) {
        if self.walked.contains(&self.hasher.hash_one(commit)) {
            self.is_out_of_order = true;
            self.end(line);
        } else {
            self.claims.entry(commit.to_owned()).or_default().push(line);
        }
    }

    /// The line that goes on with a commit; the others that lead to it end here: they began from it.
    fn arrive(&mut self, commit: &str) -> Option<usize> {
        let line = self.line_of(commit)?;
        let claims = self.claims.remove(commit)?;
        self.walked.insert(self.hasher.hash_one(commit));
        for other in claims {
            if other != line {
                self.end(other);
            }
        }
        self.lines[line].length += 1;
        Some(line)
    }

    /// A line that another one was merged into goes on. Among lines that are merged side by side, the one of the
    /// older merge: what it has was merged before. Which merge is older is decided on the line that both came to, where
    /// neither clocks nor the order of the walk matter.
    fn which_goes_on(&self, a: usize, b: usize) -> usize {
        let (way_of_a, way_of_b) = (self.way_down(a), self.way_down(b));
        // The way to a line above is the beginning of the way to one below it.
        let parting = way_of_a.iter().zip(&way_of_b).find(|(a, b)| a != b);
        let is_a = match parting {
            Some((a, b)) => (a.commits, a.parent) > (b.commits, b.parent),
            None => way_of_a.len() < way_of_b.len(),
        };
        if is_a { a } else { b }
    }

    /// The merges that lead from the branch to a line.
    fn way_down(&self, line: usize) -> Vec<MergePlace> {
        let places = std::iter::successors(self.lines[line].onto, |place| self.lines[place.line].onto);
        let mut way: Vec<MergePlace> = places.collect();
        way.reverse();
        way
    }

    fn begin(&mut self, commit: &str, line: usize) {
        self.has_ended = true;
        let state = std::mem::take(&mut self.lines[line].state);
        let mut adopted = std::mem::take(&mut self.lines[line].adopted);
        for (key, counts) in state {
            let to = adopted.remove(&key).unwrap_or_else(|| set(Some(&counts)));
            if !to.is_empty() {
                let change = PinSetChange::new(&key, commit, PinSet::new(), to, false);
                self.lines[line].items.push_back(WalkItem::Change(change));
            }
        }
        self.end(line);
    }

    fn end(&mut self, line: usize) {
        self.is_moved = true;
        let line = &mut self.lines[line];
        line.is_done = true;
        line.state = BTreeMap::new();
        line.adopted = BTreeMap::new();
    }

    fn note_state(&mut self, key: &K, set: &PinSet<W, N>) {
        for what in set.keys() {
            let known = (key.clone(), what.clone());
            if !self.seen.contains(&known) {
                self.new.push(known.clone());
                self.seen.insert(known);
            }
        }
    }

    /// What was seen pinned since this was asked last, at any commit of any branch: each key and thing once.
    pub(crate) fn newly_seen(&mut self) -> Vec<(K, W)> {
        std::mem::take(&mut self.new)
    }

    /// Whether a commit came before one that leads to it: then the answers are not to be used, and the walk has
    /// to be done again in another order.
    pub(crate) fn is_out_of_order(&self) -> bool {
        self.is_out_of_order
    }

    /// The changes of the branch whose order is settled, newest first per key; each is told once. A merge that
    /// changed something waits until its sides are known.
    pub(crate) fn ready(&mut self) -> Vec<PinSetChange<K, W, N>> {
        let mut out = Vec::new();
        if !std::mem::take(&mut self.is_moved) {
            return out;
        }
        loop {
            let settled = match self.lines[0].items.front() {
                Some(WalkItem::Change(_)) => true,
                Some(WalkItem::Merge(merge)) => merge.changed.is_empty() || self.are_done(&merge.sides),
                None => false,
            };
            let front = if settled { self.lines[0].items.pop_front() } else { None };
            match front {
                Some(WalkItem::Change(change)) => out.push(change),
                Some(WalkItem::Merge(merge)) if merge.changed.is_empty() => self.later.push(merge),
                Some(WalkItem::Merge(merge)) => out.extend(self.merged(merge)),
                None => break,
            }
        }
        let (done, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.later)
            .into_iter()
            .partition(|merge| self.are_done(&merge.sides));
        self.later = waiting;
        for merge in done {
            out.extend(self.merged(merge));
        }
        out
    }

    /// Everything that is left, after the last commit: sides that never ended are told as they are.
    pub(crate) fn finish(&mut self) -> Vec<PinSetChange<K, W, N>> {
        for line in 0..self.lines.len() {
            self.end(line);
        }
        self.ready()
    }

    /// Whether nothing is left to walk.
    pub(crate) fn is_done(&self) -> bool {
        self.claims.is_empty()
    }

    fn are_done(&self, sides: &[MergedSide<K>]) -> bool {
        sides.iter().all(|side| {
            let line = &self.lines[side.line];
            let inner = line.items.iter().all(|item| match item {
                WalkItem::Change(_) => true,
                WalkItem::Merge(merge) => self.are_done(&merge.sides),
            });
            line.is_done && inner
        })
    }

    /// The changes of a finished side line, newest first.
    fn told(&mut self, line: usize) -> Vec<PinSetChange<K, W, N>> {
        let mut out = Vec::new();
        while let Some(item) = self.lines[line].items.pop_front() {
            match item {
                WalkItem::Change(change) => out.push(change),
                WalkItem::Merge(merge) => out.extend(self.merged(merge)),
            }
        }
        out
    }

    /// What a merge brought: the work of its sides where that explains the change, else the merge itself.
    fn merged(&mut self, merge: OpenMerge<K, W, N>) -> Vec<PinSetChange<K, W, N>> {
        let OpenMerge {
            commit,
            sides,
            mut changed,
        } = merge;
        let mut by_key: BTreeMap<K, Vec<SideWork<K, W, N>>> = BTreeMap::new();
        for side in sides {
            let mut of_side: BTreeMap<K, Vec<PinSetChange<K, W, N>>> = BTreeMap::new();
            for mut change in self.told(side.line) {
                commit.clone_into(&mut change.landed);
                of_side.entry(change.key.clone()).or_default().push(change);
            }
            // The work of a side that is cut may be missing altogether.
            let is_cut = self.lines[side.line].is_cut;
            let missing = changed.keys().filter(|_| is_cut).map(|key| (key.clone(), Vec::new()));
            let mut of_side: BTreeMap<K, Vec<PinSetChange<K, W, N>>> = missing.chain(of_side).collect();
            while let Some((key, changes)) = of_side.pop_first() {
                let is_refused = side.refused.contains(&key);
                by_key.entry(key).or_default().push(SideWork {
                    changes,
                    is_refused,
                    is_cut,
                });
            }
        }
        let mut out = Vec::new();
        let keys: BTreeSet<K> = by_key.keys().chain(changed.keys()).cloned().collect();
        for key in keys {
            let mut sides = by_key.remove(&key).unwrap_or_default();
            if let Some(change) = changed.remove(&key) {
                brought(change, &mut sides, &mut out);
            }
            out.extend(sides.into_iter().flat_map(SideWork::aside));
        }
        out
    }
}

#[cfg(test)]
#[path = "pin_walk_tests.rs"]
mod tests;
