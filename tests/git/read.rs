//! Reading real repositories: tip, files, history, merges.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use pindeck::sources::git::{BlobChange, CommitChanges, CommitOrder, FileFilter, GitError, GitRepo, TreeEntry};

use crate::support::git_world::knows_reftables;

use super::program::git;

fn commit(dir: &Path, file: &str, text: &str, message: &str) -> String {
    std::fs::create_dir_all(dir.join(file).parent().expect("a folder")).expect("created");
    std::fs::write(dir.join(file), text).expect("written");
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", message]);
    git(dir, &["rev-parse", "HEAD"])
}

/// Every file counts.
struct AllFiles;

impl FileFilter for AllFiles {
    fn may_contain(&self, _folder: &str) -> bool {
        true
    }

    fn counts(&self, _path: &str) -> bool {
        true
    }
}

fn visited(repo: &GitRepo, tip: &str, order: CommitOrder, files: &dyn FileFilter) -> Vec<CommitChanges> {
    let mut all = Vec::new();
    repo.visit(tip, order, files, &mut |commit| {
        all.push(commit);
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
    assert_eq!((tip.ahead, tip.behind, repo.is_dirty()), (1, 0, true));
    assert_eq!(
        repo.read_at(&tip.commit, "a.yaml").expect("reads"),
        TreeEntry::File(b"one\n".to_vec())
    );
    let outside = repo.read_at(&tip.commit, "../outside");
    assert!(matches!(outside, Err(GitError::OutsidePath { .. })), "{outside:?}");
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
    for (path, is) in [
        ("link.yaml", TreeEntry::Link),
        ("link.yaml/below", TreeEntry::Link),
        ("dir", TreeEntry::Folder),
        ("dir/./", TreeEntry::Folder),
        (".", TreeEntry::Folder),
        ("dir/b.yaml", TreeEntry::Absent),
        ("dir/a.yaml/below", TreeEntry::Absent),
        ("./dir/a.yaml", TreeEntry::File(b"one\n".to_vec())),
    ] {
        assert_eq!(repo.read_at(&head, path).expect("reads"), is, "{path}");
    }
    for path in ["../link.yaml", "/etc/passwd", "dir/../../x"] {
        let outside = repo.read_at(&head, path);
        assert!(
            matches!(outside, Err(GitError::OutsidePath { .. })),
            "{path}: {outside:?}"
        );
    }
}

/// A submodule is a commit of another repository: never a file, never a folder to go into, even where
/// its working tree lies there and its name looks like a manifest's.
#[test]
fn submodules_are_never_entered() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q"]);
    let first = commit(root.path(), "a.yaml", "a: 1\n", "first");
    for link in ["sub", "envs/link.yaml"] {
        let entry = format!("160000,{first},{link}");
        git(root.path(), &["update-index", "--add", "--cacheinfo", &entry]);
    }
    std::fs::create_dir_all(root.path().join("sub")).expect("made");
    std::fs::write(root.path().join("sub/inner.yaml"), "image: x:1\n").expect("written");
    std::fs::write(
        root.path().join(".gitmodules"),
        "[submodule \"sub\"]\n\tpath = sub\n\turl = ../..\n",
    )
    .expect("written");
    git(root.path(), &["add", ".gitmodules"]);
    git(root.path(), &["commit", "-q", "-m", "links"]);
    let tip = git(root.path(), &["rev-parse", "HEAD"]);
    let repo = GitRepo::discover(root.path()).expect("found");
    let files: Vec<String> = repo.files(&tip).expect("files").into_iter().map(|f| f.path).collect();
    assert_eq!(files, [".gitmodules", "a.yaml"]);
    for path in [
        "sub",
        "sub/inner.yaml",
        "sub/a.yaml",
        "envs/link.yaml",
        "envs/link.yaml/a.yaml",
    ] {
        assert_eq!(repo.read_at(&tip, path).expect(path), TreeEntry::Submodule, "{path}");
    }
    let all = visited(&repo, &tip, CommitOrder::Date, &AllFiles);
    let changed: Vec<String> = all
        .into_iter()
        .flat_map(|c| c.sides)
        .flatten()
        .map(|c| c.path)
        .collect();
    assert_eq!(changed, [".gitmodules", "a.yaml"]);
    assert_eq!(
        repo.touched(&tip).expect("touched"),
        [".gitmodules", "envs/link.yaml", "sub"]
    );
}

/// Fifty thousand files in one folder: each is there once, and a commit that changes one costs one.
#[test]
fn a_huge_folder_is_read_whole_and_compared_by_what_differs() {
    const MANY: usize = 50_000;
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q"]);
    commit(root.path(), "a.yaml", "a: 1\n", "first");
    let blob = git(root.path(), &["rev-parse", "HEAD:a.yaml"]);
    let other = git(root.path(), &["rev-parse", "HEAD^{tree}"]);
    let tree = |changed: bool| {
        let mut listed: String = (0..MANY)
            .map(|n| format!("100644 blob {blob}\tf{n:05}.yaml\n"))
            .collect();
        if changed {
            listed = listed.replacen("\tf00007.yaml", "\tg00007.yaml", 1);
            listed += &format!("040000 tree {other}\tsub\n");
        }
        let mut made = Command::new("git")
            .arg("-C")
            .arg(root.path())
            .arg("mktree")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut stdin = made.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, listed.as_bytes()).expect("written");
        drop(stdin);
        let out = made.wait_with_output().expect("git ends");
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    let one = git(root.path(), &["commit-tree", "-m", "many", &tree(false)]);
    let two = git(root.path(), &["commit-tree", "-m", "one more", "-p", &one, &tree(true)]);
    let repo = GitRepo::discover(root.path()).expect("found");
    let files = repo.files(&two).expect("files");
    assert_eq!(files.len(), MANY + 1);
    let seen = visited(&repo, &two, CommitOrder::Date, &AllFiles);
    let counts: Vec<Vec<usize>> = seen
        .iter()
        .map(|commit| commit.sides.iter().map(Vec::len).collect())
        .collect();
    assert_eq!(counts, [[3], [MANY]]);
}

#[test]
fn a_content_that_is_not_what_its_name_says_is_not_read() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q"]);
    commit(root.path(), "a.yaml", "image: one\n", "One");
    commit(root.path(), "b.yaml", "image: two\n", "Two");
    let object = |path: &str| {
        let id = git(root.path(), &["rev-parse", &format!("HEAD:{path}")]);
        (root.path().join(".git/objects").join(&id[..2]).join(&id[2..]), id)
    };
    let ((one, id), (two, _)) = (object("a.yaml"), object("b.yaml"));
    std::fs::remove_file(&one).expect("removed");
    std::fs::copy(two, one).expect("replaced");
    let repo = GitRepo::discover(root.path()).expect("found");
    let error = repo.blob(&id).expect_err("other bytes").to_string();
    assert!(error.contains("do not hash to its name"), "{error}");
}

/// What each commit changed against each parent, with the names that files had then.
fn told(repo: &GitRepo, tip: &str, files: &dyn FileFilter) -> Vec<(String, Vec<Vec<String>>)> {
    let text = |oid: &Option<String>| match oid {
        Some(oid) => String::from_utf8(repo.blob(oid).expect("a blob")).expect("text"),
        None => "-".to_owned(),
    };
    let all = visited(repo, tip, CommitOrder::Topological, files);
    let one = |commit: &CommitChanges| {
        let side = |side: &Vec<BlobChange>| {
            let line = |c: &BlobChange| format!("{} {}>{}", c.path, text(&c.before).trim(), text(&c.after).trim());
            side.iter().map(line).collect()
        };
        (
            commit.commit.subject.raw().to_owned(),
            commit.sides.iter().map(side).collect(),
        )
    };
    all.iter().map(one).collect()
}

#[test]
fn every_commit_is_told_with_each_of_its_parents() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    git(dir, &["init", "-q", "."]);
    commit(dir, "old/a.yaml", "v1\n", "v1");
    git(dir, &["mv", "old/a.yaml", "new.yaml"]);
    git(dir, &["commit", "-q", "-m", "move"]);
    git(dir, &["checkout", "-q", "-b", "side"]);
    commit(dir, "new.yaml", "v2\n", "side");
    git(dir, &["checkout", "-q", "main"]);
    commit(dir, "deep/er/b.yaml", "x\n", "main");
    git(dir, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let tip = git(dir, &["rev-parse", "HEAD"]);
    let expected = |only_new: bool| {
        let sides = |all: &[&[&str]]| -> Vec<Vec<String>> {
            let ours = |path: &&&str| !only_new || path.starts_with("new.yaml");
            let side = |side: &&[&str]| side.iter().filter(ours).map(|path| (*path).to_owned()).collect();
            all.iter().map(side).collect()
        };
        let mut all = vec![
            (
                "merge".to_owned(),
                sides(&[&["new.yaml v1>v2"], &["deep/er/b.yaml ->x"]]),
            ),
            ("side".to_owned(), sides(&[&["new.yaml v1>v2"]])),
            ("main".to_owned(), sides(&[&["deep/er/b.yaml ->x"]])),
            ("move".to_owned(), sides(&[&["new.yaml ->v1", "old/a.yaml v1>-"]])),
            ("v1".to_owned(), sides(&[&["old/a.yaml ->v1"]])),
        ];
        all.sort();
        all
    };
    struct OnlyNew;
    impl FileFilter for OnlyNew {
        fn may_contain(&self, _folder: &str) -> bool {
            false
        }

        fn counts(&self, path: &str) -> bool {
            path == "new.yaml"
        }

        fn may_have_been(&self, path: &str) -> bool {
            path == "old/a.yaml"
        }
    }
    let repo = GitRepo::discover(dir).expect("found");
    for repo in [repo.clone(), repo.read_by_program()] {
        let sorted = |files: &dyn FileFilter| {
            let mut all = told(&repo, &tip, files);
            all.sort();
            all
        };
        assert_eq!(sorted(&AllFiles), expected(false));
        assert_eq!(sorted(&OnlyNew), expected(true));
        // Where the file has come, what may have been it before is told.
        let all = visited(&repo, &tip, CommitOrder::Date, &OnlyNew);
        let gone = all.iter().flat_map(|one| {
            one.gone
                .iter()
                .flatten()
                .map(|file| (one.commit.subject.raw(), &*file.path))
        });
        assert_eq!(gone.collect::<Vec<_>>(), [("move", "old/a.yaml")]);
    }
}

/// Commits of one second, as a machine makes them: still newest first.
#[test]
fn commits_of_the_same_second_keep_their_order() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    git(dir, &["init", "-q", "."]);
    let mut made = Vec::new();
    for n in 0..40 {
        std::fs::write(dir.join("a.yaml"), format!("{n}\n")).expect("written");
        git(dir, &["add", "-A"]);
        let message = format!("n{n}");
        let date = "--date=2026-01-01T00:00:00Z";
        let args = [
            "-C",
            dir.to_str().expect("UTF-8"),
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.test",
        ];
        let out = Command::new("git")
            .args(args)
            .args(["commit", "-q", "-m", &message, date])
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            .output()
            .expect("git runs");
        assert!(out.status.success());
        made.insert(0, git(dir, &["rev-parse", "HEAD"]));
    }
    let repo = GitRepo::discover(dir).expect("found");
    for order in [CommitOrder::Date, CommitOrder::Topological] {
        for repo in [repo.clone(), repo.read_by_program()] {
            let all = visited(&repo, &made[0], order, &AllFiles);
            let ids: Vec<String> = all.into_iter().map(|commit| commit.commit.id).collect();
            assert_eq!(ids, made, "{order:?}");
        }
    }
}

/// Everything that is read of a repository, as text to be compared.
fn everything(dir: &Path) -> String {
    let repo = GitRepo::discover(dir).expect("found");
    let tip = repo.tip(None).expect("a tip");
    let mut said = format!(
        "{} {:?} {} {} {}\n",
        tip.branch,
        tip.remote,
        tip.ahead,
        tip.behind,
        repo.is_dirty()
    );
    let short = |text: String| text.replace(&"line\n".repeat(30), "lines ");
    let name = |id: &str| git(dir, &["log", "-1", "--format=%s", id]);
    let text = |oid: &Option<String>| {
        let bytes = oid.as_ref().map(|oid| repo.blob(oid).expect("reads"));
        bytes.map(|b| short(String::from_utf8_lossy(&b).into_owned()))
    };
    for file in repo.files(&tip.commit).expect("reads") {
        let TreeEntry::File(read) = repo.read_at(&tip.commit, &file.path).expect("reads") else {
            panic!("{} is a file", file.path);
        };
        assert_eq!(read, repo.blob(&file.oid).expect("reads"));
        said += &format!("{} {:?}\n", file.path, String::from_utf8_lossy(&read));
    }
    for path in ["not/there", "link.yaml", "link.yaml/below", "old", "new.yaml/below"] {
        let entry = repo.entry(&tip.commit, path).expect("reads");
        said += &format!("{path}: {entry:?}\n");
    }
    for order in [CommitOrder::Date, CommitOrder::Topological] {
        let mut lines = Vec::new();
        for CommitChanges {
            commit, sides, is_cut, ..
        } in visited(&repo, &tip.commit, order, &AllFiles)
        {
            assert!(!is_cut);
            assert_eq!(commit.subject.raw(), name(&commit.id));
            for (at, side) in sides.iter().enumerate() {
                for change in side {
                    lines.push(format!(
                        "{} by {} ({at} of {}): {} {:?} -> {:?}",
                        commit.message.raw().trim(),
                        commit.author.raw(),
                        commit.parents.len(),
                        change.path,
                        text(&change.before),
                        text(&change.after)
                    ));
                }
            }
        }
        // Commits of the same second have no order.
        lines.sort();
        said += &format!("{order:?}:\n{}\n", lines.join("\n"));
    }
    for commit in git(dir, &["rev-list", "--topo-order", &tip.commit]).lines() {
        let touched = repo.touched(commit).expect("reads");
        let back = repo.preview_revert(&tip.commit, commit);
        let back = match back {
            Ok(back) => format!(
                "{:?}",
                back.map(|files| files
                    .into_iter()
                    .map(|f| (f.path, f.after.map(|b| short(String::from_utf8_lossy(&b).into_owned()))))
                    .collect::<Vec<_>>())
            ),
            Err(_) => "cannot be taken back".to_owned(),
        };
        said += &format!("{} touched {touched:?}, back: {back}\n", name(commit));
    }
    said
}

fn same(name: &str, actual: &str, expected: &str) {
    let differing: Vec<_> = expected.lines().zip(actual.lines()).filter(|(e, a)| e != a).collect();
    assert_eq!(differing, [], "{name}");
    assert_eq!(actual.lines().count(), expected.lines().count(), "{name}: {actual}");
}

/// The same history in formats that git2 reads, reads in part, and does not read at all.
#[test]
fn what_git2_cannot_read_the_program_reads_the_same() {
    let root = tempfile::tempdir().expect("a folder");
    let make = |name: &str, formats: &[&str]| {
        let bare = format!("{name}.git");
        let mut init = vec!["init", "-q", "--bare"];
        init.extend_from_slice(formats);
        init.push(&bare);
        git(root.path(), &init);
        git(&root.path().join(&bare), &["config", "uploadpack.allowFilter", "true"]);
        let dir = root.path().join(name);
        let mut init = vec!["init", "-q"];
        init.extend_from_slice(formats);
        init.push(name);
        git(root.path(), &init);
        let long = "line\n".repeat(30);
        commit(&dir, "old/a.yaml", &format!("{long}v1\n"), "v1");
        commit(&dir, "b.yaml", "b1\n", "b1");
        git(&dir, &["checkout", "-q", "-b", "side"]);
        commit(&dir, "old/a.yaml", &format!("{long}v2\n"), "v2");
        git(&dir, &["checkout", "-q", "main"]);
        commit(&dir, "b.yaml", "b2\n", "b2");
        git(&dir, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        git(&dir, &["mv", "old/a.yaml", "new.yaml"]);
        git(&dir, &["commit", "-q", "-m", "move"]);
        commit(&dir, "new.yaml", &format!("{long}v3\n\u{e4}\n"), "v3\n\nwith a body\n");
        std::os::unix::fs::symlink("b.yaml", dir.join("link.yaml")).expect("linked");
        std::fs::remove_file(dir.join("b.yaml")).expect("removed");
        commit(&dir, "new [x]*.yaml", "odd name\n", "odd");
        let url = format!("file://{}", root.path().join(&bare).display());
        git(&dir, &["remote", "add", "origin", &url]);
        git(&dir, &["push", "-q", "-u", "origin", "main"]);
        (dir, url)
    };
    let (plain, url) = make("plain", &[]);
    let expected = everything(&plain);
    assert!(expected.contains("move"), "{expected}");
    for (name, formats) in [
        ("sha256", ["--object-format=sha256"]),
        ("reftable", ["--ref-format=reftable"]),
    ] {
        if name == "reftable" && !knows_reftables() {
            continue;
        }
        let (dir, _) = make(name, &formats);
        same(name, &everything(&dir), &expected);
    }
    for (name, filter) in [("blobless", "--filter=blob:none"), ("treeless", "--filter=tree:0")] {
        git(root.path(), &["clone", "-q", filter, "-b", "main", &url, name]);
        same(name, &everything(&root.path().join(name)), &expected);
    }
}
