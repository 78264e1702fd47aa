//! Commits with their parents and nothing else, as `git rev-list` prints them.

use std::ops::ControlFlow;

use super::error::GitError;
use super::program::{GitProgram, NETWORK_TIMEOUT};
use super::stream::{self, GitStream};

/// Is told a commit and its parents.
type VisitParents<'a> = &'a mut dyn FnMut(&str, &mut dyn Iterator<Item = &str>) -> ControlFlow<()>;

/// Reports every commit that is reachable from some commits with its parents, newest first, until told to stop. Where a clone
/// is cut, a commit has none.
///
/// # Errors
/// If git cannot be started or cannot read a commit.
pub(super) fn visit<'a>(
    git: &GitProgram,
    from: impl Iterator<Item = &'a str>,
    each: VisitParents<'_>,
) -> Result<(), GitError> {
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
