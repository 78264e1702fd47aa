//! What a commit has at a path.

use super::error::GitError;

/// A regular file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path, `/`-separated.
    pub path: String,
    /// Its blob.
    pub oid: String,
    /// Its size in bytes, where it costs nothing to know.
    pub size: Option<u64>,
}

/// What a commit has at a path. A link, a folder or a submodule is never taken for nothing: whoever asks
/// for a file by its name has to say what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry<F> {
    /// Nothing.
    Absent,
    /// A regular file.
    File(F),
    /// A symbolic link, or something behind one.
    Link,
    /// A folder.
    Folder,
    /// Another repository, or something in it.
    Submodule,
}

impl<F> TreeEntry<F> {
    /// The file, or `None` if there is nothing at all.
    ///
    /// # Errors
    /// If there is something else than a regular file.
    pub fn regular(self, path: &str) -> Result<Option<F>, GitError> {
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
    pub fn try_map<T, E>(self, make: impl FnOnce(F) -> Result<T, E>) -> Result<TreeEntry<T>, E> {
        Ok(match self {
            Self::File(file) => TreeEntry::File(make(file)?),
            Self::Absent => TreeEntry::Absent,
            Self::Link => TreeEntry::Link,
            Self::Folder => TreeEntry::Folder,
            Self::Submodule => TreeEntry::Submodule,
        })
    }

    /// What an entry of this mode is (gitformat-tree); `file` is what a regular one becomes.
    pub(super) fn of_mode(mode: u32, file: impl FnOnce() -> F) -> Self {
        match mode & 0o170_000 {
            0o100_000 => Self::File(file()),
            0o040_000 => Self::Folder,
            0o160_000 => Self::Submodule,
            // 0o120000; git knows no other mode, and an unknown one is followed as little.
            _ => Self::Link,
        }
    }
}
