//! Reading real repositories: tip, files, history, renames, merges.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use pindeck::sources::git::{Change, GitRepo};

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.test",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(
        out.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn commit(dir: &Path, file: &str, text: &str, message: &str) -> String {
    std::fs::create_dir_all(dir.join(file).parent().expect("a folder")).expect("created");
    std::fs::write(dir.join(file), text).expect("written");
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", message]);
    git(dir, &["rev-parse", "HEAD"])
}

fn changes(repo: &GitRepo, tip: &str, paths: &[&str]) -> Vec<Change> {
    let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
    let mut all = Vec::new();
    repo.changes(tip, &paths, &mut |change| {
        all.push(change);
        ControlFlow::Continue(())
    })
    .expect("walks");
    all
}

#[test]
fn reads_the_remote_tracking_commit_and_only_reports_the_working_tree() {
    let root = tempfile::tempdir().expect("a folder");
    let (bare, work) = (root.path().join("remote.git"), root.path().join("work"));
    git(root.path(), &["init", "-q", "--bare", "remote.git"]);
    git(root.path(), &["clone", "-q", "remote.git", "work"]);
    let pushed = commit(&work, "a.yaml", "one\n", "first");
    git(&work, &["push", "-q", "-u", "origin", "HEAD:main"]);
    commit(&work, "a.yaml", "local\n", "not pushed");
    std::fs::write(work.join("a.yaml"), "dirty\n").expect("written");
    let repo = GitRepo::discover(&work.join(".")).expect("found");
    let tip = repo.tip(None).expect("a tip");
    assert_eq!(
        (tip.commit.as_str(), tip.remote.as_deref(), tip.branch.as_str()),
        (pushed.as_str(), Some("origin"), "main")
    );
    assert_eq!((tip.ahead, tip.behind, tip.dirty), (1, 0, true));
    assert_eq!(
        repo.read_at(&tip.commit, "a.yaml").expect("reads").as_deref(),
        Some(&b"one\n"[..])
    );
    assert_eq!(repo.read_at(&tip.commit, "../outside").expect("reads"), None);
    // Somebody else pushes; a fetch shows it, nothing local moves.
    git(root.path(), &["clone", "-q", "-b", "main", "remote.git", "other"]);
    let theirs = commit(&root.path().join("other"), "b.yaml", "x\n", "theirs");
    git(&root.path().join("other"), &["push", "-q", "origin", "HEAD:main"]);
    repo.fetch("origin").expect("fetches");
    assert_eq!(repo.tip(None).expect("a tip").commit, theirs);
    assert_eq!(std::fs::read_to_string(work.join("a.yaml")).expect("there"), "dirty\n");
    drop(bare);
}

#[test]
fn without_a_remote_local_head_counts() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q", "."]);
    assert!(
        GitRepo::discover(root.path()).expect("found").tip(None).is_err(),
        "no commit yet"
    );
    let head = commit(root.path(), "a.yaml", "one\n", "first");
    let tip = GitRepo::discover(root.path()).expect("found").tip(None).expect("a tip");
    assert_eq!((tip.commit, tip.remote), (head, None));
}

#[test]
fn links_are_not_files() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q", "."]);
    std::os::unix::fs::symlink("/etc/passwd", root.path().join("link.yaml")).expect("linked");
    let head = commit(root.path(), "dir/a.yaml", "one\n", "first");
    let repo = GitRepo::discover(root.path()).expect("found");
    let files: Vec<String> = repo.files(&head).expect("reads").into_iter().map(|f| f.path).collect();
    assert_eq!(files, ["dir/a.yaml"]);
    assert_eq!(repo.read_at(&head, "link.yaml").expect("reads"), None);
}

#[test]
fn history_follows_renames_and_side_branches() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    git(dir, &["init", "-q", "."]);
    let long = "line\n".repeat(30);
    let first = commit(dir, "old/a.yaml", &format!("{long}v1\n"), "v1");
    let second = commit(dir, "old/a.yaml", &format!("{long}v2\n"), "v2");
    git(dir, &["mv", "old/a.yaml", "new.yaml"]);
    git(dir, &["commit", "-q", "-m", "move"]);
    git(dir, &["checkout", "-q", "-b", "side"]);
    let side = commit(dir, "new.yaml", &format!("{long}v3\n"), "v3 on a side branch");
    git(dir, &["checkout", "-q", "main"]);
    commit(dir, "other.yaml", "x\n", "elsewhere");
    git(dir, &["merge", "-q", "--no-ff", "-m", "merge side", "side"]);
    let tip = git(dir, &["rev-parse", "HEAD"]);
    let repo = GitRepo::discover(dir).expect("found");
    let found = changes(&repo, &tip, &["new.yaml"]);
    let ids: Vec<&str> = found.iter().map(|c| c.commit.id.as_str()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert_eq!(ids[0], side, "the merge itself changed nothing");
    assert_eq!(ids[2..], [second.as_str(), first.as_str()]);
    assert_eq!(found[1].before, found[1].after, "the move kept the bytes");
    assert!(found.iter().all(|c| c.path == "new.yaml"));
}

#[test]
fn all_paths_when_none_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q", "."]);
    commit(root.path(), "a/gone.yaml", "one\n", "first");
    std::fs::remove_file(root.path().join("a/gone.yaml")).expect("removed");
    let tip = commit(root.path(), "b.yaml", "two\n", "second");
    let repo = GitRepo::discover(root.path()).expect("found");
    let found = changes(&repo, &tip, &[]);
    let seen: Vec<(&str, bool)> = found.iter().map(|c| (c.path.as_str(), c.after.is_some())).collect();
    assert_eq!(seen, [("a/gone.yaml", false), ("b.yaml", true), ("a/gone.yaml", true)]);
}
