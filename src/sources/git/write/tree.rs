//! New trees from old ones: only the folders on the way to a changed file are read and written, so a
//! repository of any size costs the same, and objects that a partial clone lacks are never fetched.

use std::collections::{BTreeMap, BTreeSet};

use super::error::WriteError;
use crate::domain::id::Digest;
use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use crate::sources::git::repo::GitRepo;

/// One file to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path in the repository, `/`-separated.
    pub path: String,
    /// What must be there for the change to be made.
    pub was: FileBefore,
    /// What shall be there. A file that exists keeps its mode; a new one is an ordinary file.
    pub to: FileAfter,
}

impl FileChange {
    /// New content for a file that was read as `before`; `None` = there was no such file. Where the parent of the
    /// commit has anything else there, the commit is refused.
    pub(crate) fn replacing(path: impl Into<String>, before: Option<&[u8]>, bytes: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            was: before.map_or(FileBefore::Absent, |before| FileBefore::Bytes(Digest::of(before))),
            to: FileAfter::Bytes(bytes),
        }
    }

    /// What the file shall contain; `None` = it shall be gone.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        match &self.to {
            FileAfter::Bytes(bytes) => Some(bytes),
            FileAfter::Deleted => None,
        }
    }
}

/// What must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileBefore {
    /// Nothing.
    Absent,
    /// A regular file of this blob id.
    Blob(String),
    /// A regular file whose bytes have this SHA-256.
    Bytes(Digest),
    /// Nothing or any regular file. Only for commits that no plan stands behind: the product never writes so.
    Unchecked,
}

/// What a file becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAfter {
    /// These bytes, exactly: no filter, no line-end rule.
    Bytes(Vec<u8>),
    /// Gone.
    Deleted,
}

const FILE: &str = "100644";
const FOLDER: &str = "040000";

#[derive(Debug, Clone)]
struct ListedEntry {
    mode: String,
    kind: String,
    oid: String,
}

/// Entries by their names, as bytes: git knows no encoding.
type TreeEntries = BTreeMap<Vec<u8>, ListedEntry>;

impl GitRepo {
    /// The tree of `start` (a commit or a tree) with these changes; its id. Nothing refers to it yet.
    ///
    /// # Errors
    /// If a file is not as expected, a path is no place for a file, or git fails.
    pub fn tree_with(&self, start: &str, changes: &[FileChange]) -> Result<String, WriteError> {
        let git = self.program();
        let root = root_of(&git, start)?;
        let mut wanted = BTreeMap::new();
        for change in changes {
            let parts = parts(&change.path)?;
            if wanted.insert(parts, change).is_some() {
                return Err(path_error(&change.path, "it is changed twice"));
            }
        }
        let all: Vec<(&[&[u8]], &FileChange)> = wanted.iter().map(|(parts, c)| (parts.as_slice(), *c)).collect();
        let writer = Writer { git: &git };
        let tree = match writer.folder(Some(&root), &all)? {
            Some(tree) => tree,
            None => writer.make(&TreeEntries::new())?,
        };
        prove(&git, &root, &tree, changes)?;
        Ok(tree)
    }
}

struct Writer<'a> {
    git: &'a GitProgram,
}

impl Writer<'_> {
    /// Rewrites one folder; `None` = it is empty now.
    fn folder(&self, tree: Option<&str>, changes: &[(&[&[u8]], &FileChange)]) -> Result<Option<String>, WriteError> {
        let mut folder = match tree {
            Some(tree) => read(self.git, tree)?,
            None => TreeEntries::new(),
        };
        let mut at = 0;
        while let Some((parts, change)) = changes.get(at) {
            let Some((name, rest)) = parts.split_first() else {
                return Err(path_error(&change.path, "it names no file"));
            };
            if rest.is_empty() {
                self.file(&mut folder, name, change)?;
                at += 1;
                continue;
            }
            // Changes are sorted, so those of one folder stand together.
            let together = changes[at..]
                .iter()
                .take_while(|(p, _)| p.len() > 1 && p[0] == *name)
                .count();
            let inner: Vec<(&[&[u8]], &FileChange)> =
                changes[at..at + together].iter().map(|(p, c)| (&p[1..], *c)).collect();
            let below = match folder.get(*name) {
                Some(entry) if entry.kind == "tree" => Some(entry.oid.clone()),
                Some(_) => return Err(path_error(&change.path, "a folder on the way to it is none")),
                None => None,
            };
            match self.folder(below.as_deref(), &inner)? {
                Some(oid) => {
                    let entry = ListedEntry {
                        mode: FOLDER.to_owned(),
                        kind: "tree".to_owned(),
                        oid,
                    };
                    folder.insert(name.to_vec(), entry);
                }
                None => {
                    folder.remove(*name);
                }
            }
            at += together;
        }
        if folder.is_empty() {
            return Ok(None);
        }
        self.make(&folder).map(Some)
    }

    fn file(&self, folder: &mut TreeEntries, name: &[u8], change: &FileChange) -> Result<(), WriteError> {
        let moved = || WriteError::Moved {
            path: change.path.clone(),
        };
        let there = folder.get(name);
        if there.is_some_and(|entry| !entry.mode.starts_with("100")) {
            // Writing through a link would write somewhere else.
            return Err(path_error(&change.path, "it is no regular file"));
        }
        let as_expected = match (&change.was, there) {
            (FileBefore::Unchecked, _) | (FileBefore::Absent, None) => true,
            (FileBefore::Blob(oid), Some(entry)) => entry.oid == *oid,
            (FileBefore::Bytes(digest), Some(entry)) => {
                Digest::of(&self.git.run(&["cat-file", "blob", &entry.oid], NETWORK_TIMEOUT)?.stdout) == *digest
            }
            (FileBefore::Absent, Some(_)) | (FileBefore::Blob(_) | FileBefore::Bytes(_), None) => false,
        };
        if !as_expected {
            return Err(moved());
        }
        match &change.to {
            FileAfter::Deleted if there.is_none() => return Err(moved()),
            FileAfter::Deleted => {
                folder.remove(name);
            }
            FileAfter::Bytes(bytes) => {
                let mode = there.map_or_else(|| FILE.to_owned(), |entry| entry.mode.clone());
                let oid = made(self.git, &["hash-object", "-w", "--stdin", "--no-filters"], bytes)?;
                let kind = "blob".to_owned();
                folder.insert(name.to_vec(), ListedEntry { mode, kind, oid });
            }
        }
        Ok(())
    }

    fn make(&self, folder: &TreeEntries) -> Result<String, WriteError> {
        let mut text = Vec::new();
        for (name, entry) in folder {
            text.extend_from_slice(format!("{} {} {}\t", entry.mode, entry.kind, entry.oid).as_bytes());
            text.extend_from_slice(name);
            text.push(0);
        }
        // A partial clone need not have what the tree names.
        Ok(made(self.git, &["mktree", "-z", "--missing"], &text)?)
    }
}

/// Whether a text can only be an object id.
pub(super) fn is_oid(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Runs what prints one object id.
pub(super) fn made(git: &GitProgram, args: &[&str], input: &[u8]) -> Result<String, GitError> {
    let ran = git.try_run(args, input, LOCAL_TIMEOUT)?;
    let id = ran.text();
    if ran.ok() && is_oid(&id) {
        return Ok(id);
    }
    Err(GitError::Failed {
        command: args.first().copied().unwrap_or_default().to_owned(),
        status: ran.status,
        words: ran.stderr.trim().into(),
    })
}

/// The tree of a commit or tree.
pub(super) fn root_of(git: &GitProgram, start: &str) -> Result<String, GitError> {
    if !is_oid(start) {
        return Err(GitError::NoCommit { what: start.to_owned() });
    }
    made(
        git,
        &["rev-parse", "--verify", "--quiet", &format!("{start}^{{tree}}")],
        &[],
    )
}

fn read(git: &GitProgram, tree: &str) -> Result<TreeEntries, GitError> {
    let ran = git.run(&["ls-tree", "-z", tree], NETWORK_TIMEOUT)?;
    let mut folder = TreeEntries::new();
    for line in ran.stdout.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        let unknown_form = || GitError::Object {
            what: format!("tree {tree}"),
            detail: "an entry of unknown form".to_owned(),
        };
        let tab = line.iter().position(|b| *b == b'\t').ok_or_else(unknown_form)?;
        let meta = std::str::from_utf8(&line[..tab]).map_err(|_| unknown_form())?;
        let mut words = meta.split(' ');
        let (Some(mode), Some(kind), Some(oid)) = (words.next(), words.next(), words.next()) else {
            return Err(unknown_form());
        };
        let entry = ListedEntry {
            mode: mode.to_owned(),
            kind: kind.to_owned(),
            oid: oid.to_owned(),
        };
        folder.insert(line[tab + 1..].to_vec(), entry);
    }
    Ok(folder)
}

fn path_error(path: &str, reason: &'static str) -> WriteError {
    WriteError::Path {
        path: path.to_owned(),
        reason,
    }
}

fn parts(path: &str) -> Result<Vec<&[u8]>, WriteError> {
    if path.contains('\0') {
        return Err(path_error(path, "it contains a NUL"));
    }
    let parts: Vec<&str> = path.split('/').collect();
    for part in &parts {
        if part.is_empty() || matches!(*part, "." | "..") || part.eq_ignore_ascii_case(".git") {
            return Err(path_error(path, "it leads out of the tracked files"));
        }
    }
    Ok(parts.into_iter().map(str::as_bytes).collect())
}

/// The new tree differs from the old one in the changed files and nowhere else.
fn prove(git: &GitProgram, old: &str, new: &str, changes: &[FileChange]) -> Result<(), WriteError> {
    let differing = differing(git, old, new)?;
    let meant: BTreeSet<&str> = changes.iter().map(|c| c.path.as_str()).collect();
    let stray: Vec<String> = differing
        .into_iter()
        .filter(|path| !meant.contains(path.as_str()))
        .collect();
    if stray.is_empty() {
        return Ok(());
    }
    Err(WriteError::Unproven {
        paths: stray.join(", "),
    })
}

/// Paths in which two trees differ.
pub(super) fn differing(git: &GitProgram, old: &str, new: &str) -> Result<Vec<String>, GitError> {
    let ran = git.run(
        &["diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new],
        NETWORK_TIMEOUT,
    )?;
    let paths = ran.stdout.split(|b| *b == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
}
