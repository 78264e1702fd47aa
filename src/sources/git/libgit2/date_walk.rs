//! Commits by date, newest first, as they are found: the order of libgit2's own walk, for commits that need not be read.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

/// A commit with what the walk needs of it.
pub(super) struct DatedCommit<C> {
    pub id: String,
    pub parents: Vec<String>,
    /// When it was committed.
    pub seconds: i64,
    /// What it is walked for.
    pub commit: C,
}

/// A walk over everything that some commits lead back to.
pub(super) struct DateWalk<C> {
    waiting: BinaryHeap<WaitingCommit<C>>,
    seen: HashSet<String>,
    count: u64,
}

impl<C> Default for DateWalk<C> {
    fn default() -> Self {
        Self {
            waiting: BinaryHeap::new(),
            seen: HashSet::new(),
            count: 0,
        }
    }
}

impl<C> DateWalk<C> {
    /// Begins at a commit.
    pub(super) fn push<E>(&mut self, id: &str, load: &impl Fn(String) -> Result<DatedCommit<C>, E>) -> Result<(), E> {
        if self.seen.insert(id.to_owned()) {
            let commit = load(id.to_owned())?;
            self.count += 1;
            self.waiting.push(WaitingCommit {
                commit,
                number: self.count,
            });
        }
        Ok(())
    }

    /// The newest commit that is left, once its parents wait for their turn.
    pub(super) fn next<E>(
        &mut self,
        load: &impl Fn(String) -> Result<DatedCommit<C>, E>,
    ) -> Result<Option<DatedCommit<C>>, E> {
        let Some(WaitingCommit { commit, .. }) = self.waiting.pop() else {
            return Ok(None);
        };
        for parent in &commit.parents {
            self.push(parent, load)?;
        }
        Ok(Some(commit))
    }
}

/// A commit that waits for its turn: the newest goes first, of the same second the one that was found first.
struct WaitingCommit<C> {
    commit: DatedCommit<C>,
    number: u64,
}

impl<C> Ord for WaitingCommit<C> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_date = self.commit.seconds.cmp(&other.commit.seconds);
        by_date.then_with(|| other.number.cmp(&self.number))
    }
}

impl<C> PartialOrd for WaitingCommit<C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> PartialEq for WaitingCommit<C> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<C> Eq for WaitingCommit<C> {}
