//! What follows from contents and commits alone is kept whatever the rules are, and changes nothing but time: boards and
//! histories of random repositories under rules that change, with nothing kept, with everything, and with damaged entries.

use std::path::{Path, PathBuf};

use pindeck::domain::id::Target;
use pindeck::engine::{Engine, OpenOptions};
use proptest::prelude::*;

use super::kept_surveys::{damaged, entries, lose, words};
use super::pin_property::{cases, steps, story};
use super::pin_story::{CONFIG, Story, digest, pod, tagged};

/// Rules that lie outside of the repository, so that the same commits are read by several.
const RULES: [&str; 4] = [
    CONFIG,
    "version = 1\n[[environments]]\nname = \"staging\"\npaths = [\"staging/**\"]\n\
     [[environments]]\nname = \"production\"\npaths = [\"production/**\"]\nafter = [\"staging\"]\n\
     [[environments]]\nname = \"elsewhere\"\npaths = [\"elsewhere/**\"]\nafter = [\"production\"]\n",
    "version = 1\n[[environments]]\nname = \"deep\"\npaths = [\"production/deep/**\"]\n",
    "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"production/*.yaml\", \"staging/**\"]\n",
];

const ENVIRONMENTS: [&str; 4] = ["staging", "production", "elsewhere", "deep"];

struct Asked<'a> {
    dir: &'a Path,
    home: Option<&'a Path>,
    rules: &'a Path,
}

impl Asked<'_> {
    fn engine(&self) -> Engine {
        let options = OpenOptions {
            dir: self.dir.to_owned(),
            config: Some(self.rules.to_owned()),
            offline: true,
            cache_dir: self.home.map(|home| home.join("cache")),
            cache_bytes: 1 << 20,
            state_dir: self.home.map(|home| home.join("state")),
            ..OpenOptions::default()
        };
        Engine::open(options).expect("opens")
    }

    /// What new processes would show: the board, or the history of the service in an environment.
    fn shown(&self, environment: Option<&str>) -> String {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let engine = self.engine();
        match environment {
            None => words(&runtime.block_on(engine.board()).expect("a board")),
            Some(environment) => {
                let target = Target::new("api", environment);
                // A target that there is not under these rules is as well told by its failure.
                format!("{:#?}", runtime.block_on(engine.history(&target, None, false)))
            }
        }
    }

    fn all(&self, is_history_first: bool) -> Vec<String> {
        let board = || vec![self.shown(None)];
        let histories = || ENVIRONMENTS.iter().map(|one| self.shown(Some(one)));
        match is_history_first {
            true => histories().chain(board()).collect(),
            false => board().into_iter().chain(histories()).collect(),
        }
    }
}

fn facts(home: &Path) -> Vec<PathBuf> {
    entries(&home.join("cache/facts"))
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn rules_that_change_find_the_same_with_what_was_kept(
        steps in steps(), cut in any::<prop::sample::Index>(), order in prop::collection::vec(0..RULES.len(), 3),
        is_history_first in any::<bool>(), damage in prop::option::of((0u8..5, any::<prop::sample::Index>())),
    ) {
        let (whole, _) = story(&steps);
        let mut earlier = whole.clone();
        earlier.commits.truncate(cut.index(whole.commits.len()) + 1);
        let root = tempfile::tempdir().expect("a folder");
        let (dir, home, rules) = (root.path().join("gitops"), root.path().join("home"), root.path().join("rules.toml"));
        for (story, number) in [&earlier, &whole, &earlier].into_iter().zip(order) {
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::create_dir_all(&dir).expect("made");
            story.make(&dir, CONFIG);
            std::fs::write(&rules, RULES[number]).expect("written");
            let with = |home| Asked { dir: &dir, home, rules: &rules };
            let plain = with(None).all(is_history_first);
            prop_assert_eq!(with(Some(&home)).all(is_history_first), plain.clone(), "rules {}", number);
            if let Some((way, at)) = &damage {
                for entry in facts(&home) {
                    let text = std::fs::read(&entry).expect("readable");
                    std::fs::write(&entry, damaged(&text, *way, at)).expect("written");
                }
                // A board that is kept would not ask for them.
                let _ = std::fs::remove_dir_all(home.join("cache/surveys"));
                let _ = std::fs::remove_dir_all(home.join("cache/pasts"));
            }
            prop_assert_eq!(with(Some(&home)).all(is_history_first), plain, "once more, rules {}", number);
        }
    }
}

/// Four versions in two environments, and rules that lie beside them.
fn four_versions(root: &Path) -> (PathBuf, PathBuf) {
    let mut story = Story::default();
    for n in 1..=4 {
        story.then(
            "a version",
            &[("production/a.yaml", pod(&[n])), ("staging/a.yaml", pod(&[n]))],
        );
    }
    let dir = root.join("gitops");
    std::fs::create_dir_all(&dir).expect("made");
    story.make(&dir, CONFIG);
    (dir, root.join("rules.toml"))
}

/// Under other rules, the past is not read again: what it consists of need not even be there any more. Whoever kept nothing
/// misses it.
#[test]
fn other_rules_read_no_content_again() {
    let root = tempfile::tempdir().expect("a folder");
    let (dir, rules) = four_versions(root.path());
    let (home, other) = (root.path().join("home"), root.path().join("other"));
    let with = |home, number: usize| {
        std::fs::write(&rules, RULES[number]).expect("written");
        Asked {
            dir: &dir,
            home,
            rules: &rules,
        }
    };
    let plain = with(None, 1).all(false);
    // A board alone asks no further back than it has to.
    with(Some(&home), 0).all(false);
    assert_eq!(facts(&home).len(), 3, "scans, references, changes");
    lose(&dir, "c0:production/a.yaml");
    assert_eq!(with(Some(&home), 1).all(false), plain);
    assert_ne!(with(Some(&other), 1).all(false), plain);
}

/// Whatever plans or writes begins with the ledger, and that reads the files themselves, in the process that shows what was
/// kept, too.
#[test]
fn a_plan_reads_the_files_itself() {
    let root = tempfile::tempdir().expect("a folder");
    let (dir, rules) = four_versions(root.path());
    let home = root.path().join("home");
    let with = |number: usize| {
        std::fs::write(&rules, RULES[number]).expect("written");
        Asked {
            dir: &dir,
            home: Some(&home),
            rules: &rules,
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    with(0).shown(None);
    let engine = with(1).engine();
    runtime.block_on(engine.ledger()).expect("everything is there");
    lose(&dir, "main:production/a.yaml");
    let engine = with(2).engine();
    runtime.block_on(engine.board()).expect("it is shown as it was kept");
    let read = runtime.block_on(engine.ledger());
    assert!(read.is_err(), "a plan is not made of what was kept");
}

/// Three entries for a repository, whatever commit it is at.
#[test]
fn new_commits_go_into_the_same_entries() {
    let mut story = Story::default();
    let root = tempfile::tempdir().expect("a folder");
    let (dir, rules, home) = (
        root.path().join("gitops"),
        root.path().join("rules.toml"),
        root.path().join("home"),
    );
    std::fs::write(&rules, CONFIG).expect("written");
    for n in 1..=4 {
        story.then("a version", &[("production/a.yaml", pod(&[n]))]);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("made");
        story.make(&dir, CONFIG);
        let home = Some(home.as_path());
        Asked {
            dir: &dir,
            home,
            rules: &rules,
        }
        .all(false);
    }
    assert_eq!(facts(&home).len(), 3);
}

/// A repository that nobody has any more, whose place a service took: files that pinned it besides, and went later, are part of
/// the past, whether or not a board was shown before.
#[test]
fn a_history_with_a_former_repository_is_whole_with_nothing_kept() {
    let former = |n: u8| tagged(&format!("r.example/shop/old:v{n}@{}", digest(n)));
    let mut story = Story::default();
    story.then("first", &[("staging/a.yaml", pod(&[9]))]);
    story.then(
        "both",
        &[("production/a.yaml", former(1)), ("production/b.yaml", former(2))],
    );
    story.then("another name", &[("production/a.yaml", pod(&[3]))]);
    story.then("one goes", &[("production/b.yaml", None)]);
    let root = tempfile::tempdir().expect("a folder");
    let (dir, rules) = (root.path().join("gitops"), root.path().join("rules.toml"));
    std::fs::create_dir_all(&dir).expect("made");
    story.make(&dir, CONFIG);
    std::fs::write(&rules, RULES[1]).expect("written");
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    let with = |home| Asked {
        dir: &dir,
        home: Some(home),
        rules: &rules,
    };
    let cold = with(&first).shown(Some("production"));
    with(&second).shown(None);
    let warm = with(&second).shown(Some("production"));
    assert_eq!(cold, warm);
    for n in [1, 2, 3] {
        assert!(cold.contains(&digest(n).to_string()), "{n}: {cold}");
    }
}
