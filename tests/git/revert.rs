//! Reverts without a checkout: the very trees that real reverts made, and honest answers where there is
//! none.

use std::path::{Path, PathBuf};

use pindeck::domain::Digest;
use pindeck::sources::git::write::{Expected, FileAfter, FileBefore, FileChange, Push, WriteError};
use pindeck::sources::git::{GitError, GitRepo, RevertOutcome, RevertedFile, TreeEntry};

use crate::support::git_world::{World, git, git_bytes, identify, knows_reftables};
use crate::support::packed::{Packed, file_ending};
use crate::support::skip::{Want, skipped};

fn repo(dir: &Path) -> GitRepo {
    GitRepo::discover(dir).expect("found")
}

fn unbundle(bundle: &Path) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a folder");
    git(
        root.path(),
        &["clone", "-q", "--bare", &bundle.display().to_string(), "history"],
    );
    let dir = root.path().join("history");
    identify(&dir);
    (root, dir)
}

/// Makes every revert of a history again: each commit that says what it reverts, on its own parent.
/// Gives how many came out byte for byte, and those that did not.
fn again(dir: &Path, reverts: &[(String, String)]) -> (usize, Vec<String>) {
    let repo = repo(dir);
    let by_program = repo.read_by_program();
    let mut same = 0;
    let mut other = Vec::new();
    for (commit, reverted) in reverts {
        let parent = git(dir, &["rev-parse", &format!("{commit}^1")]);
        let theirs = git(dir, &["rev-parse", &format!("{commit}^{{tree}}")]);
        let ours = repo.revert(&parent, reverted).expect("answers");
        assert_eq!(by_program.revert(&parent, reverted).expect("answers"), ours, "{commit}");
        let tree = tree_of(&repo, &parent, &ours);
        assert_eq!(merged_by_git(dir, &parent, reverted, &tree), tree, "{commit}");
        match tree {
            Some(tree) if tree == theirs => same += 1,
            _ => other.push(format!("{commit}: {ours:?}")),
        }
    }
    (same, other)
}

/// The tree that a revert gives; `None` = it conflicts.
fn tree_of(repo: &GitRepo, base: &str, outcome: &RevertOutcome) -> Option<String> {
    let RevertOutcome::Clean(files) = outcome else {
        return None;
    };
    Some(repo.tree_with(base, &changes(files)).expect("a tree"))
}

/// The changes that make a revert.
fn changes(files: &[RevertedFile]) -> Vec<FileChange> {
    let change = |file: &RevertedFile| {
        assert_eq!(file.unsupported, None, "{}", file.path);
        FileChange {
            path: file.path.clone(),
            was: file
                .before
                .as_ref()
                .map_or(FileBefore::Absent, |b| FileBefore::Bytes(Digest::of(b))),
            to: file.after.clone().map_or(FileAfter::Deleted, FileAfter::Bytes),
        }
    };
    files.iter().map(change).collect()
}

/// What git itself makes of a revert, where it is new enough (2.40) to do it without a checkout; else `ours`.
fn merged_by_git(dir: &Path, base: &str, reverted: &str, ours: &Option<String>) -> Option<String> {
    let parents = git(dir, &["rev-list", "--parents", "-1", reverted]);
    let [_, parent] = parents.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let merge_base = format!("--merge-base={reverted}");
    let out = std::process::Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["merge-tree", "--write-tree", "--no-messages", &merge_base, base, parent])
        .output()
        .expect("git runs");
    match out.status.code() {
        Some(0) => Some(String::from_utf8_lossy(&out.stdout).trim().to_owned()),
        Some(1) => None,
        Some(129) => ours.clone(),
        _ => panic!("{}", String::from_utf8_lossy(&out.stderr)),
    }
}

/// Commits of a branch that name a commit they revert.
fn reverts_of(dir: &Path) -> Vec<(String, String)> {
    let log = git(dir, &["log", "--format=%H%x1f%B%x1e", "main"]);
    log.split('\x1e')
        .filter_map(|entry| {
            let (commit, message) = entry.trim().split_once('\x1f')?;
            let (_, rest) = message.split_once("This reverts commit ")?;
            let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            (id.len() >= 40).then(|| (commit.to_owned(), id))
        })
        .collect()
}

#[test]
fn the_reverts_of_the_release_world_come_out_byte_for_byte() {
    let world = Packed::World.folder();
    let (_root, dir) = unbundle(&world.join("gitops.bundle"));
    let reverts = reverts_of(&dir);
    assert!(!reverts.is_empty(), "the world has reverts");
    let (same, other) = again(&dir, &reverts);
    assert_eq!((same, other), (reverts.len(), Vec::new()));
    eprintln!("{same} reverts made again");
}

#[test]
fn the_reverts_of_a_real_history_come_out_byte_for_byte() {
    let corpus = Packed::Gitops.folder();
    let Some(bundle) = file_ending(&corpus.join("history"), ".bundle") else {
        skipped(Want::Data, "no history in the corpus");
        return;
    };
    let (_root, dir) = unbundle(&bundle);
    let text = std::fs::read_to_string(corpus.join("history/replay.jsonl")).expect("there");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json"));
    let id = |value: &serde_json::Value| value.as_str().expect("an id").to_owned();
    // The bundle's ids are not those that the messages name: what was reverted is the commit before that
    // took the same file from what it is afterwards to what it was before. Some that are called reverts
    // went back several commits, or part of one, by hand: no single commit is undone by those.
    let mut reverts = Vec::new();
    let mut all = 0;
    for revert in lines.filter(|line| line["kind"] == "revert") {
        all += 1;
        let (commit, parent) = (id(&revert["commit"]), id(&revert["parent"]));
        let files: Vec<String> = revert["files"].as_array().expect("files").iter().map(&id).collect();
        let mut args = vec![
            "log",
            "--min-parents=1",
            "--max-parents=1",
            "--format=%H",
            &parent,
            "--",
        ];
        args.extend(files.iter().map(String::as_str));
        let tree = |at: &str| git(&dir, &["ls-tree", at, "--", &files[0]]);
        let wanted = (tree(&parent), tree(&commit));
        let made_it = |bad: &&str| (tree(bad), tree(&format!("{bad}^"))) == wanted;
        let before = git(&dir, &args);
        if let Some(bad) = before.lines().take(20).find(made_it) {
            reverts.push((commit, bad.to_owned()));
        }
    }
    assert!(
        !reverts.is_empty(),
        "{all} reverts, none of which undoes a commit before it"
    );
    let (same, other) = again(&dir, &reverts);
    eprintln!(
        "{same} of {} ({all} in all) made again byte for byte; others: {other:#?}",
        reverts.len()
    );
    assert_eq!(same + other.len(), reverts.len());
    assert!(other.is_empty(), "{other:#?}");
}

struct Line {
    world: World,
    dir: PathBuf,
}

impl Line {
    fn new() -> Self {
        Self::with(&[("a.yaml", b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("b.yaml", b"b\n")])
    }

    fn with(files: &[(&str, &[u8])]) -> Self {
        let world = World::with(files);
        let dir = world.clone_as("work", &world.file_url(), &["--bare"]);
        Self { world, dir }
    }

    fn commit(&self, base: &str, changes: &[(&str, Option<&str>)]) -> String {
        let changes: Vec<FileChange> = changes
            .iter()
            .map(|(path, text)| FileChange {
                path: (*path).to_owned(),
                was: FileBefore::Unchecked,
                to: text.map_or(FileAfter::Deleted, |t| FileAfter::Bytes(t.as_bytes().to_vec())),
            })
            .collect();
        repo(&self.dir).commit_on(base, &changes, "m\n").expect("commits")
    }
}

#[test]
fn a_clean_revert_is_committed_with_one_more_file() {
    let line = Line::new();
    let repo = repo(&line.dir);
    let first = line.world.head();
    let bad = line.commit(
        &first,
        &[("a.yaml", Some("1\nBAD\n3\n4\n5\n6\n7\n8\n9\n")), ("gone", Some("x\n"))],
    );
    let later = line.commit(
        &bad,
        &[("a.yaml", Some("1\nBAD\n3\n4\n5\n6\n7\n8\nlater\n")), ("b.yaml", None)],
    );
    let RevertOutcome::Clean(files) = repo.revert(&later, &bad).expect("answers") else {
        panic!("clean");
    };
    assert_eq!(
        files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(),
        ["a.yaml", "gone"]
    );
    let holds = FileChange {
        path: "pindeck-holds.toml".to_owned(),
        was: FileBefore::Absent,
        to: FileAfter::Bytes(b"version = 1\n".to_vec()),
    };
    let message = format!("Revert app in prod\n\nThis reverts commit {bad}.\n");
    let all: Vec<FileChange> = changes(&files).into_iter().chain([holds]).collect();
    let done = repo.commit_on(&later, &all, &message).expect("commits");
    assert_eq!(git(&line.dir, &["rev-parse", &format!("{done}^")]), later);
    assert_eq!(
        git(&line.dir, &["diff", "--name-status", &later, &done]),
        "M\ta.yaml\nD\tgone\nA\tpindeck-holds.toml"
    );
    assert_eq!(
        git_bytes(&line.dir, &["show", &format!("{done}:a.yaml")]),
        b"1\n2\n3\n4\n5\n6\n7\n8\nlater\n"
    );
    // Undone already: nothing is left to commit.
    let nothing = repo.revert(&first, &bad).expect("answers");
    assert_eq!(nothing, RevertOutcome::Clean(Vec::new()));
    let nothing = repo.commit_on(&first, &[], "m\n");
    assert!(matches!(nothing, Err(WriteError::Empty)), "{nothing:?}");
}

#[test]
fn what_cannot_be_reverted_says_why() {
    let line = Line::new();
    let repo = repo(&line.dir);
    let first = line.world.head();
    let bad = line.commit(&first, &[("a.yaml", Some("1\nBAD\n3\n4\n5\n6\n7\n8\n9\n"))]);
    let later = line.commit(&bad, &[("a.yaml", Some("1\nWORSE\n3\n4\n5\n6\n7\n8\n9\n"))]);
    assert_eq!(
        repo.revert(&later, &bad).expect("answers"),
        RevertOutcome::Conflict {
            paths: vec!["a.yaml".to_owned()]
        }
    );
    let gone = line.commit(&bad, &[("a.yaml", None)]);
    assert_eq!(
        repo.revert(&gone, &bad).expect("answers"),
        RevertOutcome::Conflict {
            paths: vec!["a.yaml".to_owned()]
        }
    );
    let side = line.commit(&first, &[("b.yaml", Some("side\n"))]);
    let tree = git(&line.dir, &["rev-parse", &format!("{side}^{{tree}}")]);
    let merge = git(
        &line.dir,
        &["commit-tree", "-m", "merge", "-p", &bad, "-p", &side, &tree],
    );
    assert_eq!(
        repo.revert(&merge, &merge).expect("answers"),
        RevertOutcome::Merge { parents: 2 }
    );
    assert_eq!(repo.revert(&later, &first).expect("answers"), RevertOutcome::Root);
    for odd in ["main", "--help", "0000000000000000000000000000000000000000", ""] {
        assert!(repo.revert(&later, odd).is_err(), "{odd:?}");
        assert!(repo.revert(odd, &later).is_err(), "{odd:?}");
    }
}

#[test]
fn a_clone_too_shallow_says_so_instead_of_taking_the_commit_for_the_first() {
    let line = Line::new();
    let first = line.world.head();
    let bad = line.commit(&first, &[("a.yaml", Some("BAD\n"))]);
    git(&line.dir, &["push", "-q", "origin", &format!("{bad}:refs/heads/main")]);
    let shallow = line.world.clone_as("shallow", &line.world.file_url(), &["--depth=1"]);
    let answer = repo(&shallow).revert(&bad, &bad);
    assert!(
        matches!(&answer, Err(GitError::Shallow { commit }) if *commit == bad),
        "{answer:?}"
    );
    git(&shallow, &["fetch", "-q", "--unshallow"]);
    assert!(matches!(repo(&shallow).revert(&bad, &bad), Ok(RevertOutcome::Clean(_))));
}

/// What git2 does not know at all: SHA-256 names, reftables.
#[test]
fn other_formats_are_written_pushed_and_reverted() {
    for (name, format, options) in [
        ("sha256", "sha256", &[][..]),
        ("reftable", "sha1", &["--ref-format=reftable"][..]),
        ("treeless", "sha1", &["--filter=tree:0", "--no-checkout"][..]),
    ] {
        if name == "reftable" && !knows_reftables() {
            continue;
        }
        let world = World::of_format(&[("envs/a.yaml", b"v: 1\n"), ("b.yaml", b"b\n")], format);
        let dir = world.clone_as(name, &world.file_url(), options);
        let repo = repo(&dir);
        let base = repo.tip(None).expect("a tip").commit;
        assert_eq!(base, world.head(), "{name}");
        let change = |path: &str, text: &[u8]| FileChange {
            path: path.to_owned(),
            was: FileBefore::Unchecked,
            to: FileAfter::Bytes(text.to_vec()),
        };
        let to_main = |commit: &str, base: &str| {
            let push = Push {
                remote: "origin",
                branch: "main",
                commit,
                expected: Expected::At(base),
            };
            repo.push(push).unwrap_or_else(|e| panic!("{name}: {e}"));
        };
        let bad = repo
            .commit_on(&base, &[change("envs/a.yaml", b"v: 2\n")], "m\n")
            .expect("commits");
        to_main(&bad, &base);
        assert_eq!(
            repo.tip(None).expect("a tip").commit,
            bad,
            "{name}: the tracking branch follows"
        );
        assert_eq!(
            repo.read_at(&bad, "envs/a.yaml").expect("reads"),
            TreeEntry::File(b"v: 2\n".to_vec())
        );
        let RevertOutcome::Clean(files) = repo.revert(&bad, &bad).expect("answers") else {
            panic!("{name}: clean");
        };
        assert_eq!(files.len(), 1, "{name}: {files:?}");
        assert_eq!(files[0].after.as_deref(), Some(&b"v: 1\n"[..]), "{name}");
        let holds = change("pindeck-holds.toml", b"version = 1\n");
        let all: Vec<FileChange> = changes(&files).into_iter().chain([holds]).collect();
        let back = repo.commit_on(&bad, &all, "m\n").expect("commits");
        to_main(&back, &bad);
        assert_eq!(world.head(), back, "{name}");
        assert_eq!(
            git(&world.remote, &["diff", "--name-only", &base, &back]),
            "pindeck-holds.toml",
            "{name}"
        );
        git(&world.remote, &["fsck", "--strict"]);
    }
}

/// A history in which files are edited, renamed, made and deleted after the commit that is reverted: both
/// ways to read it, and git itself where it is new enough, come to the same.
#[test]
fn every_kind_of_later_change_gives_what_git_gives() {
    let long = |middle: &str| format!("{}{middle}\n{}", "line\n".repeat(20), "end\n".repeat(20));
    let line = Line::with(&[
        ("a.yaml", long("one").as_bytes()),
        ("b.yaml", long("b").as_bytes()),
        ("old.yaml", long("old").as_bytes()),
        ("gone.yaml", long("gone").as_bytes()),
    ]);
    let repo = repo(&line.dir);
    let first = line.world.head();
    let moved = long("old");
    let bad = line.commit(
        &first,
        &[
            ("a.yaml", Some(&long("BAD"))),
            ("made.yaml", Some("made\n")),
            ("old.yaml", None),
            ("new.yaml", Some(&moved)),
            ("gone.yaml", None),
        ],
    );
    let edited = format!("{}later\n", long("BAD"));
    let moved_later = format!("{}later\n", long("old"));
    // What it is, files with their new content, and whether it is a conflict.
    type LaterChange<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)], bool);
    let steps: &[LaterChange<'_>] = &[
        ("nothing", &[("b.yaml", Some("b\n"))], true),
        ("an edit beside it", &[("a.yaml", Some(&edited))], true),
        ("an edit of the same line", &[("a.yaml", Some("WORSE\n"))], false),
        ("a rename", &[("a.yaml", None), ("c.yaml", Some(&edited))], true),
        ("a deletion", &[("a.yaml", None)], false),
        ("an edit of what it made", &[("made.yaml", Some("other\n"))], false),
        ("a deletion of what it made", &[("made.yaml", None)], true),
        ("an edit of what it renamed", &[("new.yaml", Some(&moved_later))], true),
        (
            "a second rename of it",
            &[("new.yaml", None), ("newer.yaml", Some(&moved))],
            false,
        ),
        ("the same content again", &[("gone.yaml", Some(&long("gone")))], true),
        ("other content in its place", &[("gone.yaml", Some("other\n"))], false),
        ("a folder in its place", &[("gone.yaml/x", Some("x\n"))], false),
        ("the revert itself", &[("a.yaml", Some(&long("one")))], true),
    ];
    for (what, changes, is_clean) in steps {
        let later = line.commit(&bad, changes);
        let ours = repo.revert(&later, &bad).expect(what);
        assert_eq!(repo.read_by_program().revert(&later, &bad).expect(what), ours, "{what}");
        let tree = tree_of(&repo, &later, &ours);
        assert_eq!(tree.is_some(), *is_clean, "{what}: {ours:?}");
        assert_eq!(merged_by_git(&line.dir, &later, &bad, &tree), tree, "{what}: {ours:?}");
    }
}
