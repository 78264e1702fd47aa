use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::pin_set::ParentDeltas;
use super::super::pin_walk::PinWalk;

type Walk = PinWalk<(), u8, ()>;

/// Commits in the order in which they were made: the parents of each, and its date.
type Graph = Vec<(Vec<usize>, u8)>;

fn graphs() -> impl Strategy<Value = Graph> {
    let commit = (prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0u8..6);
    prop::collection::vec(commit, 1..16).prop_map(|commits| {
        let parents = |at: usize, chosen: Vec<prop::sample::Index>| {
            let chosen: BTreeSet<usize> = chosen.iter().filter(|_| at > 0).map(|one| one.index(at)).collect();
            chosen.into_iter().collect()
        };
        let each = commits.into_iter().enumerate();
        each.map(|(at, (chosen, date))| (parents(at, chosen), date)).collect()
    })
}

/// A walk by date, as readers do it: of the same date the commit that was found first.
struct ByDate<'g> {
    graph: &'g Graph,
    waiting: Vec<usize>,
    found: BTreeSet<usize>,
}

impl<'g> ByDate<'g> {
    fn from(graph: &'g Graph, begin: impl IntoIterator<Item = usize>) -> Self {
        let waiting: Vec<usize> = begin.into_iter().collect();
        let found = waiting.iter().copied().collect();
        Self { graph, waiting, found }
    }
}

impl Iterator for ByDate<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let newest = self.waiting.iter().map(|at| self.graph[*at].1).max()?;
        let place = self.waiting.iter().position(|at| self.graph[*at].1 == newest)?;
        let next = self.waiting.remove(place);
        for parent in &self.graph[next].0 {
            if self.found.insert(*parent) {
                self.waiting.push(*parent);
            }
        }
        Some(next)
    }
}

fn names(graph: &Graph, commit: usize) -> Vec<String> {
    graph[commit].0.iter().map(ToString::to_string).collect()
}

/// Everything that is reachable from a commit.
fn reachable(graph: &Graph, from: usize) -> BTreeSet<usize> {
    ByDate::from(graph, [from]).collect()
}

/// Whether, of what is reachable, something leads back to one of the first commits of the walk that is not one of them.
fn leads_back(graph: &Graph, walked: &BTreeSet<usize>) -> bool {
    let all = reachable(graph, graph.len() - 1);
    let left = all.difference(walked);
    left.copied()
        .any(|commit| graph[commit].0.iter().any(|parent| walked.contains(parent)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Wherever a walk by date stops, and however little of the rest is read, the answer is that of the whole graph.
    #[test]
    fn what_is_left_tells_whether_it_leads_back(graph in graphs(), stop in 0usize..16) {
        let head = graph.len() - 1;
        let mut walk = Walk::new(&head.to_string(), []);
        let mut walked = BTreeSet::new();
        for commit in ByDate::from(&graph, [head]).take(stop) {
            let parents: Vec<ParentDeltas<(), u8, ()>> =
                names(&graph, commit).into_iter().map(|parent| (parent, Vec::new())).collect();
            walk.step(&commit.to_string(), &parents);
            walked.insert(commit);
            if walk.is_out_of_order() {
                return Ok(());
            }
        }
        let mut left = walk.unwalked();
        let open: Vec<usize> = left.open().map(|one| one.parse().expect("a number")).collect();
        if !left.is_decided() {
            for commit in ByDate::from(&graph, open) {
                let parents = names(&graph, commit);
                if left.step(&commit.to_string(), parents.iter().map(String::as_str)).is_break() {
                    break;
                }
            }
        }
        prop_assert_eq!(left.leads_back(), leads_back(&graph, &walked));
    }
}

#[test]
fn one_commit_that_everything_leads_to_is_asked_nothing() {
    // 0 - 1 - 2, and the walk has come to 2.
    let mut walk = Walk::new("2", []);
    walk.step("2", &[("1".to_owned(), Vec::new())]);
    assert!(walk.unwalked().is_decided());
    assert!(!walk.unwalked().leads_back());
}

#[test]
fn a_side_that_is_left_is_read_until_it_comes_together() {
    // 4 merges 3 and 2; both come from 1.
    let mut walk = Walk::new("4", []);
    walk.step("4", &[("3".to_owned(), Vec::new()), ("2".to_owned(), Vec::new())]);
    let mut left = walk.unwalked();
    assert!(!left.is_decided());
    assert!(left.step("3", ["1"]).is_continue());
    assert!(
        left.step("2", ["1"]).is_break(),
        "all leads to 1, and nobody has to read on"
    );
    assert!(!left.leads_back());
}
