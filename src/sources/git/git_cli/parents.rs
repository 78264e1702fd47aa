//! Commits with their parents and nothing else, as `git rev-list` prints them.

use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, NETWORK_TIMEOUT};
use crate::sources::git::reader::VisitParents;
use crate::sources::git::stream::{self, GitStream};

/// Reports every commit that is reachable from some commits with its parents, newest first, until told to stop.
///
/// # Errors
/// If git cannot be started or cannot read a commit.
pub(super) fn visit(git: &GitProgram, from: &[String], each: VisitParents<'_>) -> Result<(), GitError> {
    let args = ["rev-list", "--parents", "--stdin"];
    let mut lines = GitStream::start(git, &args, stream::line, NETWORK_TIMEOUT)?;
    lines.ask_all(from)?;
    while let Some(line) = lines.next()? {
        let mut words = line.split_ascii_whitespace();
        let Some(commit) = words.next() else { continue };
        if each(commit, &mut words).is_break() {
            break;
        }
    }
    Ok(())
}
