//! A bare remote and clones of it, and the plain `git` that looks at what came of a write.

use std::path::{Path, PathBuf};
use std::process::Command;

use pindeck::sources::git::GitRepo;
use pindeck::sources::git::write::{Expected, FileAfter, FileBefore, FileChange, Push};
use tempfile::TempDir;

/// Runs git, expects it to succeed, gives its output without the last line break.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let out = command(dir, args).output().expect("git runs");
    assert!(
        out.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).trim_end_matches('\n').to_owned()
}

/// The bytes that git prints.
pub fn git_bytes(dir: &Path, args: &[&str]) -> Vec<u8> {
    let out = command(dir, args).output().expect("git runs");
    assert!(
        out.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    out.stdout
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(dir)
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// A bare remote with one commit, and the folder for clones.
pub struct World {
    /// Holds everything; gone when dropped.
    pub root: TempDir,
    /// The bare remote.
    pub remote: PathBuf,
}

impl World {
    /// A remote whose `main` has these files.
    pub fn with(files: &[(&str, &[u8])]) -> Self {
        Self::of_format(files, "sha1")
    }

    /// The same with another object format.
    pub fn of_format(files: &[(&str, &[u8])], format: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let format = format!("--object-format={format}");
        git(root.path(), &["init", "-q", "--bare", &format, "remote.git"]);
        let remote = root.path().join("remote.git");
        git(&remote, &["config", "uploadpack.allowFilter", "true"]);
        git(&remote, &["config", "http.receivepack", "true"]);
        git(root.path(), &["init", "-q", &format, "seed"]);
        let seed = root.path().join("seed");
        identify(&seed);
        for (path, bytes) in files {
            let path = seed.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(path, bytes).expect("written");
        }
        git(&seed, &["add", "-A"]);
        git(&seed, &["commit", "-q", "-m", "first"]);
        let url = remote.display().to_string();
        git(&seed, &["push", "-q", &url, "HEAD:refs/heads/main"]);
        Self { root, remote }
    }

    /// `file://` and the remote's path.
    pub fn file_url(&self) -> String {
        format!("file://{}", self.remote.display())
    }

    /// A clone with an identity.
    pub fn clone_as(&self, name: &str, url: &str, options: &[&str]) -> PathBuf {
        let mut args = vec!["clone", "-q"];
        args.extend_from_slice(options);
        args.extend_from_slice(&[url, name]);
        git(self.root.path(), &args);
        let dir = self.root.path().join(name);
        identify(&dir);
        dir
    }

    /// Puts a hook at the remote.
    pub fn remote_hook(&self, name: &str, script: &str) {
        hook(&self.remote.join("hooks"), name, script);
    }

    /// The commit that `main` of the remote is at.
    pub fn head(&self) -> String {
        git(&self.remote, &["rev-parse", "refs/heads/main"])
    }
}

/// Whether the installed git knows reftables (2.45).
pub fn knows_reftables() -> bool {
    let root = tempfile::tempdir().expect("a folder");
    let made = command(root.path(), &["init", "-q", "--ref-format=reftable"]).output();
    let known = made.expect("git runs").status.success();
    if !known {
        super::skip::skipped(super::skip::Want::Program, "this git knows no reftables");
    }
    known
}

/// Gives a clone an identity of its own.
pub fn identify(dir: &Path) {
    git(dir, &["config", "user.name", "Ada"]);
    git(dir, &["config", "user.email", "ada@example.test"]);
}

/// Writes an executable script.
pub fn hook(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder).expect("created");
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Everything about a clone that is the person's own: files, index, HEAD, branches.
pub fn belongings(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let git_dir = PathBuf::from(git(dir, &["rev-parse", "--absolute-git-dir"]));
    let mut all = vec![
        (
            "index".to_owned(),
            std::fs::read(git_dir.join("index")).unwrap_or_default(),
        ),
        ("HEAD".to_owned(), std::fs::read(git_dir.join("HEAD")).expect("there")),
        (
            "heads".to_owned(),
            git_bytes(dir, &["for-each-ref", "refs/heads", "refs/tags", "refs/stash"]),
        ),
        (
            "config".to_owned(),
            std::fs::read(git_dir.join("config")).unwrap_or_default(),
        ),
    ];
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable").flatten() {
            let path = entry.path();
            if path.file_name().is_some_and(|n| n == ".git") {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap_or_default();
                all.push((path.display().to_string(), bytes));
            }
        }
    }
    all.sort();
    all
}

/// The repository at a folder, as pindeck sees it.
pub fn repo(dir: &Path) -> GitRepo {
    GitRepo::discover(dir).expect("found")
}

/// A commit on `base` that gives one file this text.
pub fn commit(repo: &GitRepo, base: &str, path: &str, text: &str) -> String {
    let change = FileChange {
        path: path.to_owned(),
        was: FileBefore::Unchecked,
        to: FileAfter::Bytes(text.as_bytes().to_vec()),
    };
    repo.commit_on(base, &[change], "Promote app\n").expect("commits")
}

/// The push of a commit to `main` of `origin`, planned on `base`.
pub fn to_main<'a>(commit: &'a str, base: &'a str) -> Push<'a> {
    Push {
        remote: "origin",
        branch: "main",
        commit,
        expected: Expected::At(base),
    }
}
