//! What the pins were, commit by commit, told from the newest to the oldest. Pure.
//!
//! One walk answers who pinned what, what stood before, and whether a digest ever stood somewhere, so the
//! answers cannot disagree. It counts *places*, not files: a key (a service in an environment) has a set of
//! things that are pinned, each with the number of places that name it. Going back, the counts are undone. A
//! file that is renamed, split, or copied in one commit and deleted in the next changes no set, so it makes no
//! entry; neither does a second file that takes a digest that is pinned already.
//!
//! **Side branches.** The branch's own states are those along first parents. Where a merge changed a key, and the
//! commits of the merged side lead from the state before the merge to the state after it, these commits are the
//! entries, for they were somebody's work; the merge only brought them ([`Change::landed`]). Where they do not,
//! the merge itself is the entry. What a side branch did and the branch never had is told too, and marked
//! ([`Place`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How many places more (or, below zero, fewer) name a thing after a commit than in one of its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta<K, W> {
    /// Whose pins: a service in an environment.
    pub key: K,
    /// What is pinned.
    pub what: W,
    /// Places after the commit minus places before it.
    pub more: i64,
}

/// Where the state that a change led to has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
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
pub struct Change<K, W> {
    /// Whose pins.
    pub key: K,
    /// The commit that made the change.
    pub commit: String,
    /// The commit of the branch's first-parent line that brought it: the same one, or a merge.
    pub landed: String,
    /// What was pinned before.
    pub from: BTreeSet<W>,
    /// What is pinned after.
    pub to: BTreeSet<W>,
    /// Where the state after it has been.
    pub place: Place,
    /// The commit is a merge that took the state of one of its other parents: nobody's work.
    taken: bool,
}

/// What one key has pinned, with the number of places.
type Counts<W> = Arc<BTreeMap<W, i64>>;

#[derive(Debug)]
enum Item<K, W> {
    Change(Change<K, W>),
    Merge(Merge<K, W>),
}

#[derive(Debug)]
struct Merge<K, W> {
    commit: String,
    sides: Vec<Side<K>>,
    /// What the merge changed against its first parent.
    changed: BTreeMap<K, Change<K, W>>,
}

/// Another parent of a merge.
#[derive(Debug)]
struct Side<K> {
    line: usize,
    /// Keys that have other pins in the merge than in this parent.
    refused: BTreeSet<K>,
}

/// A chain of first parents: the branch itself (number 0), or the side that a merge brought.
#[derive(Debug)]
struct Line<K, W> {
    /// The line whose merge brought this one.
    onto: Option<usize>,
    state: BTreeMap<K, Counts<W>>,
    items: VecDeque<Item<K, W>>,
    is_done: bool,
}

/// The walk. Feed it every commit that is reachable from the head, children before parents.
#[derive(Debug)]
pub struct PinWalk<K, W> {
    lines: Vec<Line<K, W>>,
    /// Commit -> the lines that lead to it.
    claims: BTreeMap<String, Vec<usize>>,
    /// Sides of merges that changed nothing on the branch, told when they are done.
    later: Vec<Merge<K, W>>,
}

impl<K: Ord + Clone, W: Ord + Clone> PinWalk<K, W> {
    /// Begins at a commit with what is pinned there: one pair per place.
    pub fn new(head: &str, pinned: impl IntoIterator<Item = (K, W)>) -> Self {
        let mut counts: BTreeMap<K, BTreeMap<W, i64>> = BTreeMap::new();
        for (key, what) in pinned {
            *counts.entry(key).or_default().entry(what).or_default() += 1;
        }
        let state = counts.into_iter().map(|(key, counts)| (key, Arc::new(counts)));
        let branch = Line::new(None, state.collect());
        Self {
            lines: vec![branch],
            claims: BTreeMap::from([(head.to_owned(), vec![0])]),
            later: Vec::new(),
        }
    }

    /// One commit with what it has more than each of its parents, in their order. A commit without parents made
    /// all that is left. Commits that nothing led to are passed over.
    pub fn step(&mut self, commit: &str, parents: &[(String, Vec<Delta<K, W>>)]) {
        let Some(line) = self.arrive(commit) else { return };
        let Some(((first, deltas), others)) = parents.split_first() else {
            self.begin(commit, line);
            return;
        };
        let after = &self.lines[line].state;
        let mut sides = Vec::new();
        let mut refused_by_all: Option<BTreeSet<K>> = None;
        let mut new_lines = Vec::new();
        for (parent, deltas) in others {
            let mut state = after.clone();
            undo(&mut state, deltas);
            let refused = differing(deltas, after, &state);
            refused_by_all = Some(match refused_by_all {
                None => refused.clone(),
                Some(all) => all.intersection(&refused).cloned().collect(),
            });
            let side = self.lines.len() + new_lines.len();
            new_lines.push(Line::new(Some(line), state));
            self.claims.entry(parent.clone()).or_default().push(side);
            sides.push(Side { line: side, refused });
        }
        let touched: BTreeSet<&K> = deltas.iter().map(|delta| &delta.key).collect();
        let to: Vec<BTreeSet<W>> = touched.iter().map(|key| set(after.get(*key))).collect();
        undo(&mut self.lines[line].state, deltas);
        let mut changed = BTreeMap::new();
        for (key, to) in touched.into_iter().zip(to) {
            let from = set(self.lines[line].state.get(key));
            if from != to {
                let taken = refused_by_all.as_ref().is_some_and(|refused| !refused.contains(key));
                let change = Change::new(key, commit, from, to, taken);
                changed.insert(key.clone(), change);
            }
        }
        self.lines.append(&mut new_lines);
        let items = &mut self.lines[line].items;
        if sides.is_empty() {
            items.extend(changed.into_values().map(Item::Change));
        } else {
            let commit = commit.to_owned();
            items.push_back(Item::Merge(Merge { commit, sides, changed }));
        }
        self.claims.entry(first.clone()).or_default().push(line);
    }

    /// A commit whose parents this clone does not have: what it changed cannot be told.
    pub fn cut(&mut self, commit: &str) {
        if let Some(line) = self.arrive(commit) {
            self.end(line);
        }
    }

    /// The line that goes on with a commit; the others that lead to it end here: they began from it.
    fn arrive(&mut self, commit: &str) -> Option<usize> {
        let claims = self.claims.remove(commit)?;
        let line = claims.iter().copied().reduce(|a, b| self.which_goes_on(a, b))?;
        for other in claims {
            if other != line {
                self.end(other);
            }
        }
        Some(line)
    }

    /// A line that another one was merged into goes on. Among lines that are merged side by side, the one of the
    /// older merge: what it has was merged before.
    fn which_goes_on(&self, a: usize, b: usize) -> usize {
        let is_above = |above: usize, below: usize| {
            let mut at = self.lines[below].onto;
            while let Some(line) = at {
                if line == above {
                    return true;
                }
                at = self.lines[line].onto;
            }
            false
        };
        match (is_above(a, b), is_above(b, a)) {
            (true, _) => a,
            (_, true) => b,
            _ => a.max(b),
        }
    }

    fn begin(&mut self, commit: &str, line: usize) {
        let state = std::mem::take(&mut self.lines[line].state);
        for (key, counts) in state {
            let to = set(Some(&counts));
            if !to.is_empty() {
                let change = Change::new(&key, commit, BTreeSet::new(), to, false);
                self.lines[line].items.push_back(Item::Change(change));
            }
        }
        self.end(line);
    }

    fn end(&mut self, line: usize) {
        self.lines[line].is_done = true;
        self.lines[line].state = BTreeMap::new();
    }

    /// The changes of the branch whose order is settled, newest first per key; each is told once. A merge that
    /// changed something waits until its sides are known.
    pub fn ready(&mut self) -> Vec<Change<K, W>> {
        let mut out = Vec::new();
        loop {
            let settled = match self.lines[0].items.front() {
                Some(Item::Change(_)) => true,
                Some(Item::Merge(merge)) => merge.changed.is_empty() || self.are_done(&merge.sides),
                None => false,
            };
            match self.lines[0].items.pop_front_if(|_| settled) {
                Some(Item::Change(change)) => out.push(change),
                Some(Item::Merge(merge)) if merge.changed.is_empty() => self.later.push(merge),
                Some(Item::Merge(merge)) => out.extend(self.merged(merge)),
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
    pub fn finish(mut self) -> Vec<Change<K, W>> {
        for line in 0..self.lines.len() {
            self.end(line);
        }
        self.ready()
    }

    /// Whether nothing is left to walk.
    pub fn is_done(&self) -> bool {
        self.claims.is_empty()
    }

    fn are_done(&self, sides: &[Side<K>]) -> bool {
        sides.iter().all(|side| {
            let line = &self.lines[side.line];
            let inner = line.items.iter().all(|item| match item {
                Item::Change(_) => true,
                Item::Merge(merge) => self.are_done(&merge.sides),
            });
            line.is_done && inner
        })
    }

    /// The changes of a finished side line, newest first.
    fn told(&mut self, line: usize) -> Vec<Change<K, W>> {
        let mut out = Vec::new();
        while let Some(item) = self.lines[line].items.pop_front() {
            match item {
                Item::Change(change) => out.push(change),
                Item::Merge(merge) => out.extend(self.merged(merge)),
            }
        }
        out
    }

    /// What a merge brought: the work of its sides where that explains the change, else the merge itself.
    fn merged(&mut self, merge: Merge<K, W>) -> Vec<Change<K, W>> {
        let Merge {
            commit,
            sides,
            mut changed,
        } = merge;
        let mut by_key: BTreeMap<K, Vec<(Vec<Change<K, W>>, Place)>> = BTreeMap::new();
        for side in sides {
            let mut of_side: BTreeMap<K, Vec<Change<K, W>>> = BTreeMap::new();
            for mut change in self.told(side.line) {
                commit.clone_into(&mut change.landed);
                of_side.entry(change.key.clone()).or_default().push(change);
            }
            for (key, changes) in of_side {
                let place = match side.refused.contains(&key) {
                    true => Place::Dropped,
                    false => Place::Side,
                };
                by_key.entry(key).or_default().push((changes, place));
            }
        }
        let mut out = Vec::new();
        let keys: BTreeSet<K> = by_key.keys().chain(changed.keys()).cloned().collect();
        for key in keys {
            let mut sides = by_key.remove(&key).unwrap_or_default();
            if let Some(change) = changed.remove(&key) {
                match sides.iter().position(|(side, _)| explained(&change, side) > 0) {
                    Some(at) => {
                        let (mut side, place) = sides.remove(at);
                        let rest = side.split_off(explained(&change, &side));
                        // Only the last of them led to a state that the branch itself had.
                        side.iter_mut().skip(1).for_each(|change| change.place = Place::Passed);
                        out.append(&mut side);
                        out.extend(aside(rest, place));
                    }
                    None => out.push(change),
                }
            }
            out.extend(sides.into_iter().flat_map(|(side, place)| aside(side, place)));
        }
        out
    }
}

impl<K, W> Line<K, W> {
    fn new(onto: Option<usize>, state: BTreeMap<K, Counts<W>>) -> Self {
        Self {
            onto,
            state,
            items: VecDeque::new(),
            is_done: false,
        }
    }
}

impl<K: Clone, W> Change<K, W> {
    fn new(key: &K, commit: &str, from: BTreeSet<W>, to: BTreeSet<W>, taken: bool) -> Self {
        Self {
            key: key.clone(),
            commit: commit.to_owned(),
            landed: commit.to_owned(),
            from,
            to,
            place: Place::Branch,
            taken,
        }
    }
}

/// How many changes of a side, newest first, lead from the state before a merge to the state after it: as many as
/// can be; 0 where none do.
fn explained<K, W: Ord>(merge: &Change<K, W>, side: &[Change<K, W>]) -> usize {
    let own = |change: &&Change<K, W>| matches!(change.place, Place::Branch | Place::Passed);
    let own: Vec<&Change<K, W>> = side.iter().take_while(own).collect();
    if own.first().is_none_or(|newest| newest.to != merge.to) {
        return 0;
    }
    let linked = own.windows(2).take_while(|pair| pair[0].from == pair[1].to).count() + 1;
    (1..=linked).rev().find(|n| own[n - 1].from == merge.from).unwrap_or(0)
}

/// The changes of a side that explain nothing.
fn aside<K, W>(side: Vec<Change<K, W>>, place: Place) -> impl Iterator<Item = Change<K, W>> {
    side.into_iter().filter(|change| !change.taken).map(move |mut change| {
        if matches!(change.place, Place::Branch | Place::Passed) {
            change.place = place;
        }
        change
    })
}

/// Takes deltas back.
fn undo<K: Ord + Clone, W: Ord + Clone>(state: &mut BTreeMap<K, Counts<W>>, deltas: &[Delta<K, W>]) {
    for delta in deltas {
        let counts = Arc::make_mut(state.entry(delta.key.clone()).or_default());
        let places = counts.entry(delta.what.clone()).or_default();
        *places -= delta.more;
        if *places == 0 {
            counts.remove(&delta.what);
        }
        if counts.is_empty() {
            state.remove(&delta.key);
        }
    }
}

/// Keys of deltas that have other pins in one state than in the other.
fn differing<K: Ord + Clone, W: Ord + Clone>(
    deltas: &[Delta<K, W>],
    one: &BTreeMap<K, Counts<W>>,
    other: &BTreeMap<K, Counts<W>>,
) -> BTreeSet<K> {
    let keys = deltas.iter().map(|delta| &delta.key);
    keys.filter(|key| set(one.get(*key)) != set(other.get(*key)))
        .cloned()
        .collect()
}

fn set<W: Ord + Clone>(counts: Option<&Counts<W>>) -> BTreeSet<W> {
    let all = counts.into_iter().flat_map(|counts| counts.iter());
    all.filter(|(_, places)| **places > 0)
        .map(|(what, _)| what.clone())
        .collect()
}

#[cfg(test)]
#[path = "pin_walk_tests.rs"]
mod tests;
