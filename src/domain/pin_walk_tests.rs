use super::super::pin_set::BranchPart;
use super::*;
use proptest::prelude::*;

type State = BTreeSet<u8>;

fn delta(what: u8, more: i64) -> PinDelta<(), u8, ()> {
    PinDelta {
        key: (),
        what,
        note: (),
        more,
        overridden: false,
    }
}

fn keys(set: &PinSet<u8, ()>) -> State {
    set.keys().copied().collect()
}

/// A history as the tests write it: commits in the order in which they were made.
#[derive(Debug, Clone, Default)]
struct Graph {
    commits: Vec<(Vec<usize>, State)>,
}

impl Graph {
    fn add(&mut self, parents: &[usize], state: &[u8]) -> usize {
        self.commits.push((parents.to_vec(), state.iter().copied().collect()));
        self.commits.len() - 1
    }

    fn deltas(&self, parent: Option<usize>, commit: usize) -> Vec<PinDelta<(), u8, ()>> {
        let none = State::new();
        let before = parent.map_or(&none, |parent| &self.commits[parent].1);
        let after = &self.commits[commit].1;
        let delta = |what: &u8, more| delta(*what, more);
        let came = after.difference(before).map(|what| delta(what, 1));
        came.chain(before.difference(after).map(|what| delta(what, -1)))
            .collect()
    }

    /// Walks from the last commit; the order is that of git: newest first, children before parents.
    fn changes(&self) -> Vec<PinSetChange<(), u8, ()>> {
        let head = self.commits.len() - 1;
        let state = self.commits[head].1.iter().map(|what| delta(*what, 1));
        let mut walk = PinWalk::new(&head.to_string(), state);
        let mut out = Vec::new();
        for commit in (0..=head).rev() {
            let parents: Vec<_> = self.commits[commit]
                .0
                .iter()
                .map(|parent| (parent.to_string(), self.deltas(Some(*parent), commit)))
                .collect();
            walk.step(&commit.to_string(), &parents);
            out.extend(walk.ready());
        }
        out.extend(walk.finish());
        out
    }

    fn told(&self) -> Vec<(usize, Vec<u8>, Vec<u8>, BranchPart)> {
        let numbers = |set: &PinSet<u8, ()>| set.keys().copied().collect();
        let changes = self.changes();
        let line = changes.iter().map(|c| {
            (
                c.commit.parse().expect("a number"),
                numbers(&c.from),
                numbers(&c.to),
                c.part,
            )
        });
        line.collect()
    }

    /// The states along first parents, newest first, equal neighbours told once.
    fn branch_states(&self) -> Vec<State> {
        let mut at = Some(self.commits.len() - 1);
        let mut out: Vec<State> = Vec::new();
        while let Some(commit) = at {
            let (parents, state) = &self.commits[commit];
            if out.last() != Some(state) {
                out.push(state.clone());
            }
            at = parents.first().copied();
        }
        out
    }
}

#[test]
fn a_line_of_commits_is_told_as_it_is() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let same = graph.add(&[root], &[1]);
    let second = graph.add(&[same], &[2]);
    graph.add(&[second], &[2]);
    assert_eq!(
        graph.told(),
        [
            (second, vec![1], vec![2], BranchPart::Branch),
            (root, vec![], vec![1], BranchPart::Branch)
        ]
    );
}

#[test]
fn a_merge_brings_the_work_of_its_side() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let side = graph.add(&[root], &[2]);
    let other = graph.add(&[root], &[1]);
    let merge = graph.add(&[other, side], &[2]);
    assert_eq!(
        graph.told(),
        [
            (side, vec![1], vec![2], BranchPart::Branch),
            (root, vec![], vec![1], BranchPart::Branch)
        ]
    );
    assert_eq!(graph.changes()[0].landed, merge.to_string());
}

#[test]
fn what_stood_only_on_the_way_is_marked() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let first = graph.add(&[root], &[2]);
    let second = graph.add(&[first], &[3]);
    graph.add(&[root, second], &[3]);
    assert_eq!(
        graph.told()[..2],
        [
            (second, vec![2], vec![3], BranchPart::Branch),
            (first, vec![1], vec![2], BranchPart::Passed)
        ]
    );
}

#[test]
fn a_merge_that_settles_a_conflict_is_the_change() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let side = graph.add(&[root], &[3]);
    let main = graph.add(&[root], &[2]);
    let merge = graph.add(&[main, side], &[3]);
    assert_eq!(
        graph.told(),
        [
            (merge, vec![2], vec![3], BranchPart::Branch),
            (side, vec![1], vec![3], BranchPart::Side),
            (main, vec![1], vec![2], BranchPart::Branch),
            (root, vec![], vec![1], BranchPart::Branch)
        ]
    );
}

#[test]
fn a_side_that_the_merge_did_not_take_is_dropped() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let side = graph.add(&[root], &[3]);
    let main = graph.add(&[root], &[1]);
    graph.add(&[main, side], &[1]);
    let told = graph.told();
    assert!(
        told.contains(&(side, vec![1], vec![3], BranchPart::Dropped)),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|(.., part)| *part == BranchPart::Branch).count(), 1);
}

#[test]
fn the_same_change_on_both_sides_is_not_dropped() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let side = graph.add(&[root], &[2]);
    let main = graph.add(&[root], &[2]);
    graph.add(&[main, side], &[2]);
    assert!(graph.told().contains(&(side, vec![1], vec![2], BranchPart::Side)));
}

#[test]
fn a_side_that_took_the_branch_in_before_is_followed_to_its_own_work() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let begun = graph.add(&[root], &[1]);
    let main = graph.add(&[root], &[2]);
    let taken = graph.add(&[begun, main], &[2]);
    let work = graph.add(&[taken], &[3]);
    let other = graph.add(&[main], &[2]);
    graph.add(&[other, work], &[3]);
    assert_eq!(
        graph.told(),
        [
            (work, vec![2], vec![3], BranchPart::Branch),
            (main, vec![1], vec![2], BranchPart::Branch),
            (root, vec![], vec![1], BranchPart::Branch)
        ]
    );
}

#[test]
fn a_branch_that_is_merged_twice_is_told_once() {
    let mut graph = Graph::default();
    let root = graph.add(&[], &[1]);
    let first = graph.add(&[root], &[2]);
    let once = graph.add(&[root, first], &[2]);
    let second = graph.add(&[first], &[3]);
    graph.add(&[once, second], &[3]);
    assert_eq!(
        graph.told(),
        [
            (second, vec![2], vec![3], BranchPart::Branch),
            (first, vec![1], vec![2], BranchPart::Branch),
            (root, vec![], vec![1], BranchPart::Branch)
        ]
    );
}

#[test]
fn two_places_of_one_thing_make_no_change_when_one_goes() {
    let mut walk = PinWalk::new("c", [delta(1, 1), delta(1, 1)]);
    walk.step("c", &[("b".to_owned(), vec![delta(1, 1)])]);
    walk.step("b", &[("a".to_owned(), vec![])]);
    walk.step("a", &[]);
    let changes = walk.finish();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].commit, "a");
}

#[test]
fn beyond_a_cut_nothing_is_told() {
    let mut walk = PinWalk::new("b", [delta(1, 1)]);
    walk.step("b", &[("a".to_owned(), vec![])]);
    walk.cut("a");
    assert!(walk.is_done());
    assert!(walk.finish().is_empty());
}

/// The work that a merge took lies beyond the cut: the branch's way is told, and that nobody here made the change.
#[test]
fn what_a_cut_side_did_is_not_claimed_for_the_merge() {
    let mut walk = PinWalk::new("m", [delta(3, 1)]);
    let to_three = |from| vec![delta(3, 1), delta(from, -1)];
    walk.step("m", &[("main".to_owned(), to_three(1)), ("side".to_owned(), vec![])]);
    walk.step("side", &[("cut".to_owned(), to_three(2))]);
    walk.cut("cut");
    walk.cut("main");
    let told = walk.finish();
    let told: Vec<_> = told
        .iter()
        .map(|c| (c.commit.as_str(), keys(&c.from), keys(&c.to), c.is_beyond))
        .collect();
    let of = |what: u8| State::from([what]);
    assert_eq!(told, [("side", of(2), of(3), false), ("m", of(1), of(2), true)]);
}

/// Random histories: each commit has one or two earlier parents; the state is a parent's, or another.
fn graphs() -> impl Strategy<Value = Graph> {
    let state = prop::collection::btree_set(0u8..5, 0..3);
    let commit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0u8..10,
        state,
    );
    prop::collection::vec(commit, 1..40).prop_map(|commits| {
        let mut graph = Graph::default();
        for (at, (first, second, kind, state)) in commits.into_iter().enumerate() {
            if at == 0 {
                graph.commits.push((vec![], state));
                continue;
            }
            // Mostly on top of what is newest, as people do.
            let first = if kind < 6 { at - 1 } else { first.index(at) };
            let second = second.index(at);
            let mut parents = vec![first];
            if kind % 3 == 0 && second != first {
                parents.push(second);
            }
            let state = match kind {
                0..=3 => graph.commits[first].1.clone(),
                4..=6 => graph.commits[second].1.clone(),
                _ => state,
            };
            graph.commits.push((parents, state));
        }
        graph
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Walking the entries back reproduces every state that the branch ever had, in its order.
    #[test]
    fn the_entries_lead_back_through_every_state_of_the_branch(graph in graphs()) {
        let changes = graph.changes();
        let mut state = graph.commits.last().expect("a head").1.clone();
        let mut walked = vec![state.clone()];
        for change in changes.iter().filter(|c| c.is_on_the_way()) {
            prop_assert!(keys(&change.to) == state, "{:?} does not lead to {:?}", change, state);
            state = keys(&change.from);
            walked.push(state.clone());
        }
        prop_assert!(state.is_empty(), "the way ends at {:?}", state);
        let mut left = walked.iter();
        for wanted in graph.branch_states() {
            prop_assert!(left.any(|state| *state == wanted), "{:?} is not on the way: {:?}", wanted, walked);
        }
    }

    /// What is pinned now was put there by the newest entry that has it.
    #[test]
    fn whoever_pinned_it_is_in_the_entries(graph in graphs()) {
        let changes = graph.changes();
        for what in &graph.commits.last().expect("a head").1 {
            let made = changes.iter().find(|c| c.to.contains_key(what) && !c.from.contains_key(what));
            prop_assert!(made.is_some(), "nobody made {}: {:?}", what, changes);
        }
    }

    /// An entry says what its commit really did, and no change is told twice.
    #[test]
    fn an_entry_is_what_its_commit_did(graph in graphs()) {
        let mut seen = BTreeSet::new();
        for change in graph.changes() {
            let commit: usize = change.commit.parse().expect("a number");
            let (parents, state) = &graph.commits[commit];
            let before = parents.first().map(|p| graph.commits[*p].1.clone()).unwrap_or_default();
            prop_assert_eq!(&keys(&change.to), state);
            prop_assert_eq!(keys(&change.from), before);
            prop_assert!(seen.insert(commit));
        }
    }

    /// Children before parents is all that matters: which of them comes first changes neither who did what nor what brought it.
    #[test]
    fn in_every_order_the_same_is_told(graph in graphs(), priorities in prop::collection::vec(any::<u8>(), 40)) {
        let told = |changes: Vec<PinSetChange<(), u8, ()>>| {
            let each = changes.into_iter().map(|c| (c.commit.clone(), keys(&c.from), keys(&c.to), c.landed.clone(), c.part, c.is_on_the_way()));
            let (on_the_way, mut aside): (Vec<_>, Vec<_>) = each.partition(|told| told.5);
            aside.sort_by(|a, b| (&a.0, &a.1, &a.2, &a.3).cmp(&(&b.0, &b.1, &b.2, &b.3)));
            (on_the_way, aside)
        };
        let mut walk = graph.begun();
        let mut changes = Vec::new();
        for commit in graph.ordered_by(&priorities) {
            walk.step(&commit.to_string(), &graph.sides(commit));
            prop_assert!(!walk.is_out_of_order());
            changes.extend(walk.ready());
        }
        changes.extend(walk.finish());
        prop_assert_eq!(told(changes), told(graph.changes()));
    }

    /// Where all that was walked leads to one commit, that commit's own past has the rest, whatever the clocks said.
    #[test]
    fn the_past_of_a_commit_that_all_leads_to_is_the_rest(
        graph in graphs(), late in prop::collection::vec(0usize..12, 40), at in any::<prop::sample::Index>(),
    ) {
        let head = graph.commits.len() - 1;
        let kept = at.index(head + 1);
        // Some clocks are wrong by some commits.
        let dates: Vec<usize> = (0..=head).map(|commit| commit + late[commit].saturating_sub(8) * 3).collect();
        let Some(newer) = graph.walked_to(kept, &dates) else { return Ok(()) };
        let rest = Graph { commits: graph.commits[..=kept].to_vec() };
        let (rest, whole) = (Walked::whole(&rest), Walked::whole(&graph));
        for what in &graph.commits[head].1 {
            let known = newer.pinned.get(what).or_else(|| rest.pinned.get(what));
            prop_assert_eq!(known, whole.pinned.get(what), "who pinned {}", what);
        }
        let stood: State = newer.stood.union(&rest.stood).copied().collect();
        prop_assert_eq!(stood, whole.stood);
    }
}

/// What a walk comes to.
#[derive(Default)]
struct Walked {
    /// Who pinned what.
    pinned: BTreeMap<u8, usize>,
    stood: State,
}

impl Walked {
    fn take(&mut self, walk: &mut PinWalk<(), u8, ()>, changes: Vec<PinSetChange<(), u8, ()>>) {
        self.stood.extend(walk.newly_seen().into_iter().map(|(_, what)| what));
        for change in changes.into_iter().filter(PinSetChange::is_on_the_way) {
            let commit = change.commit.parse().expect("a number");
            for what in change.to.keys().filter(|what| !change.from.contains_key(what)) {
                self.pinned.entry(*what).or_insert(commit);
            }
        }
    }

    fn whole(graph: &Graph) -> Self {
        let mut out = Self::default();
        let mut walk = graph.begun();
        for commit in (0..graph.commits.len()).rev() {
            walk.step(&commit.to_string(), &graph.sides(commit));
        }
        let changes = walk.finish();
        out.take(&mut walk, changes);
        out
    }
}

impl Graph {
    fn begun(&self) -> PinWalk<(), u8, ()> {
        let head = self.commits.len() - 1;
        let state = self.commits[head].1.iter().map(|what| delta(*what, 1));
        PinWalk::new(&head.to_string(), state)
    }

    fn sides(&self, commit: usize) -> Vec<ParentDeltas<(), u8, ()>> {
        let parents = self.commits[commit].0.iter();
        parents
            .map(|parent| (parent.to_string(), self.deltas(Some(*parent), commit)))
            .collect()
    }

    /// All that is reachable from the head, children before parents; among those that may come next by priority.
    fn ordered_by(&self, priorities: &[u8]) -> Vec<usize> {
        let head = self.commits.len() - 1;
        let mut reachable = BTreeSet::new();
        let mut open = vec![head];
        while let Some(commit) = open.pop() {
            if reachable.insert(commit) {
                open.extend(&self.commits[commit].0);
            }
        }
        let mut order = Vec::new();
        while !reachable.is_empty() {
            let has_child = |commit: usize| reachable.iter().any(|child| self.commits[*child].0.contains(&commit));
            let free = reachable.iter().copied().filter(|commit| !has_child(*commit));
            let next = free
                .max_by_key(|commit| (priorities[*commit], *commit))
                .expect("no circles");
            reachable.remove(&next);
            order.push(next);
        }
        order
    }

    /// The walk by date, as far as the commit that everything leads to; `None` = it never comes to that.
    fn walked_to(&self, kept: usize, dates: &[usize]) -> Option<Walked> {
        let head = self.commits.len() - 1;
        let mut out = Walked::default();
        let mut walk = self.begun();
        let mut queue = std::collections::BinaryHeap::from([(dates[head], head)]);
        let mut queued = BTreeSet::from([head]);
        while let Some((_, commit)) = queue.pop() {
            if commit == kept && walk.gathers_at(&commit.to_string()) {
                let changes = walk.ready();
                out.take(&mut walk, changes);
                return Some(out);
            }
            walk.step(&commit.to_string(), &self.sides(commit));
            let changes = walk.ready();
            out.take(&mut walk, changes);
            let parents: Vec<usize> = self.commits[commit].0.clone();
            queue.extend(
                parents
                    .into_iter()
                    .filter(|parent| queued.insert(*parent))
                    .map(|parent| (dates[parent], parent)),
            );
        }
        None
    }
}
