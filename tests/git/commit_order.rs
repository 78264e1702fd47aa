//! Both ways of reading visit the commits in git's own order, whatever the clocks said.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pindeck::sources::git::{CommitOrder, FileFilter, GitRepo};
use proptest::prelude::*;

use super::pin_property::cases;
use super::pin_story::{CONFIG, Story};
use super::program::git;

/// Only the commits are looked at.
struct NoFiles;

impl FileFilter for NoFiles {
    fn may_contain(&self, _folder: &str) -> bool {
        false
    }

    fn counts(&self, _path: &str) -> bool {
        false
    }
}

fn order_of(repo: &GitRepo, tip: &str, order: CommitOrder) -> Vec<String> {
    let mut ids = Vec::new();
    repo.visit(tip, order, &NoFiles, &mut |visited| {
        ids.push(visited.commit.id);
        ControlFlow::Continue(())
    })
    .expect("a history");
    ids
}

proptest! {
    #![proptest_config(cases(32))]

    /// The first commit of each entry is the parent, the second one is merged; the time is in minutes, so that many
    /// commits are of the same second and some are older than what they came from.
    #[test]
    fn both_ways_visit_commits_as_git_does(
        commits in prop::collection::vec((any::<prop::sample::Index>(), any::<Option<prop::sample::Index>>(), 0i64..6), 1..24)
    ) {
        let mut story = Story::default();
        story.add(&[], "c0", BTreeMap::new());
        for (at, (parent, merged, minute)) in commits.iter().enumerate() {
            // Mostly on top of the last one: all of the story is to be seen from its end.
            let parent = if at % 3 == 0 { parent.index(at + 1) } else { at };
            let mut parents = vec![parent];
            parents.extend(merged.map(|merged| merged.index(at + 1)).filter(|merged| *merged != parent));
            story.add(&parents, &format!("c{}", at + 1), BTreeMap::new());
            story.commits[at + 1].1 = 1_700_000_000 + 60 * minute;
        }
        let root = tempfile::tempdir().expect("a folder");
        let tip = story.make(root.path(), CONFIG).pop().expect("a commit");
        let repo = GitRepo::discover(root.path()).expect("a repository");
        let orders: [(_, &[&str]); 2] = [
            (CommitOrder::Date, &["rev-list", &tip]),
            (CommitOrder::Topological, &["rev-list", "--topo-order", &tip]),
        ];
        for (order, args) in orders {
            let by_git = git(root.path(), args);
            let by_git: Vec<&str> = by_git.lines().collect();
            prop_assert_eq!(&order_of(&repo, &tip, order), &by_git, "libgit2, {:?}", order);
            prop_assert_eq!(&order_of(&repo.read_by_program(), &tip, order), &by_git, "git's program, {:?}", order);
        }
    }
}
