//! Fetching a remote, and whether what counts is still there.

use std::sync::PoisonError;
use std::time::Duration;

use super::error::GitError;
use super::program::NETWORK_TIMEOUT;
use super::remote_failure::of_remote;
use super::repo::GitRepo;
use super::tip;

/// Fetches that are tried while another process is at the same refs or locks.
const FETCH_TRIES: u32 = 5;
/// The time between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// What a fetch said about the remote's branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedRefs {
    /// Git's lines, one a ref: ` = [up to date]      main       -> origin/main`.
    said: String,
}

impl FetchedRefs {
    /// Whether the fetch said anything about a branch of the remote. A branch can be there all the same: git shortens
    /// names that are long.
    pub(crate) fn names(&self, branch: &str) -> bool {
        let from = |line: &str| -> Option<bool> {
            let (from, _) = line.split_once(" -> ")?;
            Some(from.split_whitespace().next_back()? == branch)
        };
        self.said.lines().filter_map(from).any(|is_it| is_it)
    }
}

impl GitRepo {
    /// Fetches one remote with the program, within two minutes.
    ///
    /// # Errors
    /// Whatever git said.
    pub fn fetch(&self, remote: &str) -> Result<FetchedRefs, GitError> {
        self.fetch_within(remote, NETWORK_TIMEOUT)
    }

    /// Makes sure that a branch is still at the remote: what is not there any more keeps its tracking branch here as it
    /// was, and would look fresh for ever. Only a branch of which the fetch said nothing is asked for.
    ///
    /// # Errors
    /// [`GitError::BranchGone`], or whatever git said when it was asked.
    pub(crate) fn check_is_there(&self, fetched: &FetchedRefs, remote: &str, branch: &str) -> Result<(), GitError> {
        if fetched.names(branch) {
            return Ok(());
        }
        let refname = format!("refs/heads/{branch}");
        let git = self.hooks()?.apply(&self.checked_program()?).for_network();
        let asked = git.run(&["ls-remote", "--refs", "--", remote, &refname], NETWORK_TIMEOUT);
        let text = asked.map_err(|error| of_remote(error, remote))?.text();
        let mut names = text.lines().filter_map(|line| line.split_once('\t'));
        if names.any(|(_, name)| name == refname) {
            return Ok(());
        }
        Err(GitError::BranchGone {
            branch: branch.to_owned(),
            remote: remote.to_owned(),
        })
    }

    /// Fetches one remote with the program. Where only its default branch can tell which branch counts, the remote is
    /// asked for that, too: what the clone knows of it is of the day on which it was made.
    ///
    /// # Errors
    /// Whatever git said.
    pub(crate) fn fetch_within(&self, remote: &str, limit: Duration) -> Result<FetchedRefs, GitError> {
        let fetched = self.fetch_with(remote, &[], limit)?;
        if tip::needs_remote_head(self.reader()?.as_ref(), remote) {
            let head = self.ask_remote_head(remote, limit)?;
            let mut learned = self.remote_heads.lock().unwrap_or_else(PoisonError::into_inner);
            match head {
                Some(head) => learned.insert(remote.to_owned(), head),
                None => learned.remove(remote),
            };
        }
        Ok(fetched)
    }

    /// Fetches one remote with the program, with these options besides.
    pub(super) fn fetch_with(&self, remote: &str, more: &[&str], limit: Duration) -> Result<FetchedRefs, GitError> {
        // Tags are not ours to move about, and submodules are never read. Each branch that is there is told, changed or not.
        let mut args = vec![
            "fetch",
            "--verbose",
            "--no-progress",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
        ];
        args.extend(more);
        args.extend(["--", remote]);
        let git = self.hooks()?.apply(&self.checked_program()?).for_network();
        // Another git process may be at the same refs: its locks are waited for.
        let git = git
            .with_config("core.filesRefLockTimeout", "500")
            .with_config("core.packedRefsTimeout", "500")
            .with_config("fetch.output", "full");
        let mut tries = FETCH_TRIES;
        loop {
            tries -= 1;
            match git.run(&args, limit) {
                // Somebody else's fetch brought the ref forward between our look and our update.
                Err(GitError::Failed { words, .. }) if tries > 0 && words.raw().contains("but expected") => {}
                Err(GitError::Failed { words, .. }) if words.raw().contains(".lock': File exists") => {
                    if tries > 0 {
                        std::thread::sleep(BETWEEN_TRIES);
                        continue;
                    }
                    let lock = words.raw().split('\'').find(|part| part.ends_with(".lock"));
                    let lock = lock.unwrap_or("a lock file").to_owned();
                    return Err(GitError::Locked { lock });
                }
                Err(error) => return Err(of_remote(error, remote)),
                Ok(ran) => return Ok(FetchedRefs { said: ran.stderr }),
            }
        }
    }

    /// The default branch that a remote has now; `None` = it names none. Nothing is written to the clone.
    pub(super) fn ask_remote_head(&self, remote: &str, limit: Duration) -> Result<Option<String>, GitError> {
        let git = self.hooks()?.apply(&self.checked_program()?).for_network();
        let ran = git.run(&["ls-remote", "--symref", "--", remote, "HEAD"], limit);
        let ran = ran.map_err(|error| of_remote(error, remote))?;
        let text = ran.text();
        let mut heads = text
            .lines()
            .filter_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        Ok(heads.next().map(str::to_owned))
    }
}
