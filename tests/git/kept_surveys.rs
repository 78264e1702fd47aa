//! A board that is made of what earlier runs kept is the board that the repository gives: in random histories, with
//! nothing kept, with everything, and with entries that are damaged or somebody else's.

use std::path::{Path, PathBuf};

use pindeck::domain::board::Board;
use pindeck::engine::{Engine, OpenOptions};
use proptest::prelude::*;

use super::pin_property::{steps, story};
use super::pin_story::{CONFIG, Story, pod};

/// A person's folders: the cache, and the state with the key that its entries are sealed under.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn surveys(&self) -> PathBuf {
        self.0.path().join("cache/surveys")
    }

    fn entries(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.surveys()).into_iter().flatten();
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
        files.sort();
        files
    }

    /// What a new process would show of a repository.
    fn shown(&self, dir: &Path) -> String {
        shown(dir, Some(self))
    }
}

/// Everything that a board says, times of asking aside.
fn shown(dir: &Path, home: Option<&Home>) -> String {
    let options = OpenOptions {
        dir: dir.to_owned(),
        offline: true,
        cache_dir: home.map(|home| home.0.path().join("cache")),
        cache_bytes: 1 << 20,
        state_dir: home.map(|home| home.0.path().join("state")),
        ..OpenOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let engine = Engine::open(options).expect("opens");
    let board = runtime.block_on(engine.board()).expect("a board");
    // The same process asks again: then it is what it kept itself.
    let again = runtime.block_on(engine.board()).expect("a board");
    let (board, again) = (words(&board), words(&again));
    assert_eq!(board, again);
    board
}

fn words(board: &Board) -> String {
    let mut out = format!(
        "{:#?}\n{:#?}\n{:#?}\n",
        board.repository, board.environments, board.unmanaged
    );
    out += &format!("{:#?}\n{:#?}\n", board.notices, board.rules);
    for row in &board.services {
        out += &format!("{:?} {:?}\n", row.name, row.image);
        for cell in &row.cells {
            out += &format!(
                "{:#?} {:?} {:?} {:?}\n",
                cell.pin, cell.pinned_by, cell.skipped, cell.hold
            );
        }
    }
    for drift in &board.drift {
        out += &format!("{} {:?} {:?}\n", drift.id, drift.kind, drift.detail);
    }
    out
}

fn repository(story: &Story) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    story.make(root.path(), CONFIG);
    root
}

/// Ways in which an entry may be damaged.
fn damaged(text: &[u8], way: u8, at: &prop::sample::Index) -> Vec<u8> {
    let mut text = text.to_vec();
    let at = at.index(text.len().max(1));
    match way {
        0 => text.truncate(at),
        1 => text[at] ^= 1,
        2 => text.clear(),
        3 => text.extend_from_slice(b"{}"),
        _ => text = b"nothing of ours\n{}".to_vec(),
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_kept_changes_nothing_but_time(
        steps in steps(), way in 0u8..5, at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let (whole, _) = story(&steps);
        // An earlier state of the repository, with whatever was kept of it.
        let mut earlier = whole.clone();
        earlier.commits.truncate(cut.index(whole.commits.len()) + 1);
        let home = Home::new();
        for story in [&earlier, &whole] {
            let dir = repository(story);
            let plain = shown(dir.path(), None);
            prop_assert_eq!(&home.shown(dir.path()), &plain, "with nothing kept of this commit");
            prop_assert_eq!(&home.shown(dir.path()), &plain, "with everything kept");
            for entry in home.entries() {
                let text = std::fs::read(&entry).expect("readable");
                std::fs::write(&entry, damaged(&text, way, &at)).expect("written");
            }
            prop_assert_eq!(&home.shown(dir.path()), &plain, "with damaged entries");
            prop_assert_eq!(&home.shown(dir.path()), &plain, "with mended ones");
        }
    }
}

/// Two commits that differ in one digest, and the entry of the other one in the place of this one's.
#[test]
fn an_entry_about_another_commit_or_of_another_key_is_not_believed() {
    let mut first = Story::default();
    first.then("one", &[("production/a.yaml", pod(&[1]))]);
    let mut second = Story::default();
    second.then("two", &[("production/a.yaml", pod(&[2]))]);
    let (first, second) = (repository(&first), repository(&second));
    let (ours, theirs) = (Home::new(), Home::new());
    let plain = ours.shown(first.path());
    let mine = ours.entries();
    assert_eq!(mine.len(), 1);
    ours.shown(second.path());
    let other = ours
        .entries()
        .into_iter()
        .find(|entry| *entry != mine[0])
        .expect("two entries");
    std::fs::copy(other, &mine[0]).expect("copied");
    assert_eq!(ours.shown(first.path()), plain);
    // The right entry by its name, sealed by somebody else.
    theirs.shown(first.path());
    let forged = theirs.entries().remove(0);
    assert_eq!(forged.file_name(), mine[0].file_name());
    let text = std::fs::read_to_string(&forged).expect("readable");
    let lie = text.replace(&"01".repeat(32), &"03".repeat(32));
    assert_ne!(lie, text);
    std::fs::write(&mine[0], lie).expect("written");
    assert_eq!(ours.shown(first.path()), plain);
}

/// Whoever judges or writes reads the repository itself: the history and its targets come from there.
#[test]
fn a_repository_that_nobody_kept_anything_of_needs_no_cache() {
    let mut story = Story::default();
    story.then("one", &[("production/a.yaml", pod(&[1]))]);
    let dir = repository(&story);
    let home = Home::new();
    std::fs::create_dir_all(home.0.path().join("cache")).expect("made");
    std::fs::write(home.surveys(), "a file in the place of the folder").expect("written");
    assert_eq!(home.shown(dir.path()), shown(dir.path(), None));
}
