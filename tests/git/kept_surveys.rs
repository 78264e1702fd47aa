//! A board that is made of what earlier runs kept is the board that the repository gives: in random histories, with
//! nothing kept, with everything, and with entries that are damaged or somebody else's.

use std::path::{Path, PathBuf};

use pindeck::domain::board::Board;
use pindeck::engine::{Engine, OpenOptions};
use proptest::prelude::*;

use super::pin_property::{cases, steps, story};
use super::pin_story::{CONFIG, Story, pod};

/// A person's folders: the cache, and the state with the key that its entries are sealed under.
pub(super) struct Home(tempfile::TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(super) fn surveys(&self) -> PathBuf {
        self.0.path().join("cache/surveys")
    }

    pub(super) fn pasts(&self) -> PathBuf {
        self.0.path().join("cache/pasts")
    }

    pub(super) fn facts(&self) -> PathBuf {
        self.0.path().join("cache/facts")
    }

    fn entries(&self) -> Vec<PathBuf> {
        entries(&self.surveys())
    }

    /// What a new process would show of a repository.
    fn shown(&self, dir: &Path) -> String {
        shown(dir, Some(self))
    }
}

pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    files.sort();
    files
}

/// What an entry says, without its seal.
fn body(entry: &Path) -> String {
    let text = std::fs::read_to_string(entry).expect("readable");
    let (_, body) = text.split_once('\n').expect("a seal");
    body.to_owned()
}

/// Everything that a board says, times of asking aside.
pub(super) fn shown(dir: &Path, home: Option<&Home>) -> String {
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

pub(super) fn words(board: &Board) -> String {
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
pub(super) fn damaged(text: &[u8], way: u8, at: &prop::sample::Index) -> Vec<u8> {
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

/// Takes one object out of a repository, for good.
pub(super) fn lose(dir: &Path, object: &str) {
    let git = |args: &[&str]| crate::support::git_world::git(dir, args);
    let oid = git(&["rev-parse", object]);
    let objects = dir.join(".git/objects");
    let packs = std::fs::read_dir(objects.join("pack")).expect("packs");
    let packs: Vec<PathBuf> = packs.map(|file| file.expect("readable").path()).collect();
    for pack in packs
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "pack"))
    {
        let moved = dir.join("moved.pack");
        std::fs::rename(pack, &moved).expect("moved");
        let input = std::fs::File::open(&moved).expect("there");
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(dir).args(["unpack-objects", "-q"]).stdin(input);
        assert!(command.status().expect("git runs").success());
        std::fs::remove_file(moved).expect("removed");
    }
    std::fs::remove_file(objects.join(&oid[..2]).join(&oid[2..])).expect("it is a file of its own");
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn what_was_kept_changes_nothing_but_time(
        steps in steps(), way in 0u8..5, at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let (whole, _) = story(&steps);
        // An earlier state of the repository, with whatever was kept of it.
        let mut earlier = whole.clone();
        earlier.commits.truncate(cut.index(whole.commits.len()) + 1);
        let home = Home::new();
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("gitops");
        // Back to the earlier state at last: as if the branch had been rewritten.
        for story in [&earlier, &whole, &earlier] {
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::create_dir_all(&dir).expect("made");
            story.make(&dir, CONFIG);
            let plain = shown(&dir, None);
            prop_assert_eq!(&home.shown(&dir), &plain, "with nothing kept of this commit");
            prop_assert_eq!(&home.shown(&dir), &plain, "with everything kept");
            // What was found out from an earlier past is what is found out from nothing, to the last word.
            let alone = Home::new();
            alone.shown(&dir);
            for entry in alone.entries() {
                let other = home.surveys().join(entry.file_name().expect("a name"));
                prop_assert_eq!(body(&other), body(&entry));
            }
            for entry in home.entries().into_iter().chain(entries(&home.pasts())) {
                let text = std::fs::read(&entry).expect("readable");
                std::fs::write(&entry, damaged(&text, way, &at)).expect("written");
            }
            prop_assert_eq!(&home.shown(&dir), &plain, "with damaged entries");
            prop_assert_eq!(&home.shown(&dir), &plain, "with mended ones");
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

/// After new commits only these are read: what lies beneath the last commit need not even be there any more.
#[test]
fn the_next_commit_goes_on_from_the_last_one() {
    let mut story = Story::default();
    // It is there from the beginning, and never was in staging: both are only known at the end of the history.
    story.then("the first", &[("production/b.yaml", pod(&[7]))]);
    for n in 1..=4 {
        story.then(
            "a version",
            &[("production/a.yaml", pod(&[n])), ("staging/a.yaml", pod(&[n]))],
        );
    }
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("gitops");
    let make = |story: &Story| {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("made");
        story.make(&dir, CONFIG)
    };
    let (home, damaged) = (Home::new(), Home::new());
    make(&story);
    home.shown(&dir);
    // A side branch that begins at the last commit, its merge, and a commit on top.
    let last = story.commits.len() - 1;
    let mut files = story.commits[last].3.clone();
    files.insert("staging/a.yaml".to_owned(), pod(&[5]).expect("a pod"));
    let side = story.add(&[last], "on the side", files.clone());
    story.add(&[last, side], "merged", files);
    story.then("on top", &[("production/a.yaml", pod(&[2]))]);
    make(&story);
    let plain = shown(&dir, None);
    lose(&dir, "c1:production/a.yaml");
    // What is kept of contents and commits would tell it, too.
    std::fs::remove_dir_all(home.facts()).expect("removed");
    assert_eq!(home.shown(&dir), plain);
    assert_ne!(
        damaged.shown(&dir),
        plain,
        "without what was kept, the oldest version is missing"
    );
}
