//! What a commit has at a path.

use super::error::GitError;

/// A regular file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path, `/`-separated.
    pub path: String,
    /// Its blob.
    pub oid: String,
}

/// An entry of a tree, as git stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawEntry {
    /// Its mode (gitformat-tree), `0o100644` for an ordinary file.
    pub mode: u32,
    /// The id of the blob, tree or commit.
    pub oid: String,
}

/// What the mode of a tree entry says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Link,
    Folder,
    Submodule,
}

impl RawEntry {
    pub(crate) fn kind(&self) -> EntryKind {
        match self.mode & 0o170_000 {
            0o100_000 => EntryKind::File,
            0o040_000 => EntryKind::Folder,
            0o160_000 => EntryKind::Submodule,
            // 0o120000; git knows no other mode, and an unknown one is followed as little.
            _ => EntryKind::Link,
        }
    }

    /// The blob, if this is a regular file.
    pub(crate) fn regular(self) -> Option<String> {
        (self.kind() == EntryKind::File).then_some(self.oid)
    }
}

/// Everything that a commit has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TreeListing {
    /// Its regular files.
    pub files: Vec<TreeFile>,
    /// Paths of its symbolic links, which are never followed.
    pub links: Vec<String>,
}

/// What a commit has at a path. A link, a folder or a submodule is never taken for nothing: whoever asks
/// for a file by its name has to say what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry<F> {
    /// The commit has nothing at this path.
    Absent,
    /// A regular file.
    File(F),
    /// A symbolic link, or something behind one.
    Link,
    /// A folder, where a file was asked for.
    Folder,
    /// Another repository, or something in it.
    Submodule,
}

impl TreeEntry<String> {
    /// The same of an entry as git stores it: a file is the id of its blob.
    pub(super) fn of(entry: Option<RawEntry>) -> Self {
        let Some(entry) = entry else { return Self::Absent };
        match entry.kind() {
            EntryKind::File => Self::File(entry.oid),
            EntryKind::Link => Self::Link,
            EntryKind::Folder => Self::Folder,
            EntryKind::Submodule => Self::Submodule,
        }
    }
}

impl<F> TreeEntry<F> {
    /// The file, or `None` if there is nothing at all.
    ///
    /// # Errors
    /// If there is something else than a regular file.
    pub(crate) fn regular(self, path: &str) -> Result<Option<F>, GitError> {
        let what = match self {
            Self::File(file) => return Ok(Some(file)),
            Self::Absent => return Ok(None),
            Self::Link => "a symbolic link",
            Self::Folder => "a folder",
            Self::Submodule => "a submodule",
        };
        Err(GitError::NotAFile {
            path: path.to_owned(),
            what,
        })
    }

    /// The same with what is made of the file.
    ///
    /// # Errors
    /// Whatever making it fails of.
    pub(crate) fn try_map<T, E>(self, make: impl FnOnce(F) -> Result<T, E>) -> Result<TreeEntry<T>, E> {
        Ok(match self {
            Self::File(file) => TreeEntry::File(make(file)?),
            Self::Absent => TreeEntry::Absent,
            Self::Link => TreeEntry::Link,
            Self::Folder => TreeEntry::Folder,
            Self::Submodule => TreeEntry::Submodule,
        })
    }
}
