//! What a merge changed against each of its parents, asked of one running `git diff-tree`.

use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, NETWORK_TIMEOUT};
use crate::sources::git::stream::{self, GitStream};
use crate::sources::git::tree_entry::RawEntry;

use super::log::{ChangedBlobs, sides, unknown_form};

/// A `diff-tree` that answers line by line.
pub(super) struct MergeSides(GitStream<Vec<u8>>);

impl MergeSides {
    /// Starts it.
    ///
    /// # Errors
    /// If git cannot be started.
    pub(crate) fn start(git: &GitProgram) -> Result<Self, GitError> {
        let args = [
            "diff-tree",
            "--stdin",
            "--always",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-renames",
        ];
        Ok(Self(GitStream::start(git, &args, stream::up_to_nul, NETWORK_TIMEOUT)?))
    }

    /// The files in which a commit and one of its parents differ.
    ///
    /// # Errors
    /// If git cannot read one of them.
    pub(crate) fn against(&mut self, commit: &str, parent: &str) -> Result<Vec<ChangedBlobs>, GitError> {
        let unknown = || unknown_form("a merge");
        self.0.ask(&format!("{commit} {parent}"))?;
        // An answer begins with the commit's name and has no end of its own: the beginning of another one, in
        // which nothing differs, is its end.
        self.0.ask(&format!("{commit} {commit}"))?;
        let is_name = |piece: &[u8]| piece == commit.as_bytes();
        if !self.0.next()?.is_some_and(|piece| is_name(&piece)) {
            return Err(unknown());
        }
        let mut changed = Vec::new();
        loop {
            let piece = self.0.next()?.ok_or_else(unknown)?;
            if is_name(&piece) {
                return Ok(changed);
            }
            let (was, is) = sides(&String::from_utf8_lossy(&piece)).ok_or_else(unknown)?;
            let path = self.0.next()?.ok_or_else(unknown)?;
            let (was, is) = (was.and_then(RawEntry::regular), is.and_then(RawEntry::regular));
            // A name that is no text is no manifest's.
            if let (Ok(path), true) = (String::from_utf8(path), was != is) {
                changed.push((path, was, is));
            }
        }
    }
}
