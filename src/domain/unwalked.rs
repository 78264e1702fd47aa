//! What a walk of pins has not come to: looked through for commits that lead to what was walked.
//!
//! A walk by date may meet a commit before one that leads to it, where clocks were wrong. It finds that out when it comes to
//! the later one. Who stops before that has heard what is not so; what is left tells.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;

/// The commits that are left. Feed it what is reachable from [`UnwalkedCommits::open`], newest first.
#[derive(Debug)]
pub(crate) struct UnwalkedCommits<'w> {
    walked: &'w HashSet<u64>,
    hasher: &'w RandomState,
    /// Commits that something led to and that were not met.
    open: BTreeSet<String>,
    met: HashSet<u64>,
    /// Something older than what is left may have been met, so that one commit which everything leads to proves nothing.
    has_ended: bool,
    leads_back: bool,
}

impl<'w> UnwalkedCommits<'w> {
    pub(super) fn new(
        walked: &'w HashSet<u64>,
        hasher: &'w RandomState,
        open: impl Iterator<Item = String>,
        has_ended: bool,
    ) -> Self {
        Self {
            walked,
            hasher,
            open: open.collect(),
            met: HashSet::new(),
            has_ended,
            leads_back: false,
        }
    }

    /// Whether what was met until now says everything: something leads back, or nothing can. Where all that was walked leads
    /// to one commit, that one is older than all of it, and so is what it leads to.
    pub(crate) fn is_decided(&self) -> bool {
        self.leads_back || self.open.is_empty() || (self.open.len() == 1 && !self.has_ended)
    }

    /// The commits to begin from, in the order of their names.
    pub(crate) fn open(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(String::as_str)
    }

    /// One commit with its parents, as far as the clone has them.
    pub(crate) fn step<'p>(&mut self, commit: &str, parents: impl IntoIterator<Item = &'p str>) -> ControlFlow<()> {
        self.open.remove(commit);
        self.met.insert(self.hasher.hash_one(commit));
        let mut is_last = true;
        for parent in parents {
            is_last = false;
            let number = self.hasher.hash_one(parent);
            self.leads_back |= self.walked.contains(&number);
            match self.met.contains(&number) {
                true => self.has_ended = true,
                false => {
                    self.open.insert(parent.to_owned());
                }
            }
        }
        self.has_ended |= is_last;
        match self.is_decided() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Whether one of them leads to a commit that was walked before it.
    pub(crate) fn leads_back(&self) -> bool {
        self.leads_back
    }
}

#[cfg(test)]
#[path = "unwalked_tests.rs"]
mod tests;
