//! Which commit counts: what the upstream branch is at, as far as this clone knows.

use std::collections::BTreeMap;

use super::error::GitError;
use super::reader::GitReader;

/// The commit that counts, and how the local branch stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Path of the repository for people.
    pub path: String,
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
    /// Full commit id, in hexadecimal digits.
    pub commit: String,
    /// The remote whose tracking branch was read; `None` = local.
    pub remote: Option<String>,
    /// Local commits that the tip lacks.
    pub ahead: u32,
    /// Commits of the tip that the local branch lacks.
    pub behind: u32,
}

/// The remote that pins are read from.
pub(super) fn remote(reader: &dyn GitReader) -> Option<String> {
    let upstream = reader.head_branch().and_then(|branch| reader.upstream(&branch));
    upstream
        .map(|(remote, _)| remote)
        .or_else(|| default_remote(&reader.remotes()))
}

/// Whether only the remote's default branch can tell which branch counts.
pub(super) fn needs_remote_head(reader: &dyn GitReader, remote: &str) -> bool {
    match reader.head_branch() {
        None => true,
        Some(branch) => reader.upstream(&branch).is_none() && reader.tracking(remote, &branch).is_none(),
    }
}

/// The commit of `branch`, or of the branch that counts here. `learned` has the default branches that remotes named when
/// they were asked: they are newer than what the clone knows of them.
pub(super) fn find(
    reader: &dyn GitReader,
    path: String,
    branch: Option<&str>,
    learned: &BTreeMap<String, String>,
) -> Result<Tip, GitError> {
    let head_branch = reader.head_branch();
    let upstream = head_branch.as_deref().and_then(|name| reader.upstream(name));
    let local_name = || head_branch.clone().unwrap_or_else(|| "HEAD".to_owned());
    let remote = remote(reader);
    let (branch, remote) = match remote {
        None => (branch.map_or_else(local_name, str::to_owned), None),
        Some(remote) => {
            let same_name = || {
                head_branch
                    .clone()
                    .filter(|name| reader.tracking(&remote, name).is_some())
            };
            let default = || learned.get(&remote).cloned().or_else(|| reader.remote_head(&remote));
            let name = branch
                .map(str::to_owned)
                .or_else(|| upstream.map(|(_, branch)| branch))
                .or_else(same_name)
                .or_else(default);
            match name {
                Some(name) => (name, Some(remote)),
                // Nothing of the remote is known, or it is empty: what is here is all there is.
                None if head_branch.is_some() && !reader.has_tracking(&remote) => (local_name(), None),
                None => return Err(GitError::NoDefaultBranch { remote }),
            }
        }
    };
    let here = reader.local(&branch);
    let no_commit = || GitError::NoCommit { what: branch.clone() };
    let commit = match &remote {
        None => here.clone().ok_or_else(no_commit)?,
        Some(remote) => match reader.tracking(remote, &branch) {
            Some(commit) => commit,
            None if here.is_none() && !reader.has_tracking(remote) => return Err(no_commit()),
            None => {
                return Err(GitError::NoBranch {
                    branch,
                    remote: remote.clone(),
                });
            }
        },
    };
    let (ahead, behind) = match (&remote, here) {
        (Some(_), Some(here)) => reader.ahead_behind(&here, &commit).unwrap_or((0, 0)),
        _ => (0, 0),
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Tip {
        path,
        branch,
        commit,
        remote,
        ahead: count(ahead),
        behind: count(behind),
    })
}

/// The commit of `branch`, or of the remote's default branch, as a remote had them when it was fetched last: what is checked
/// out here says nothing.
pub(super) fn find_at(
    reader: &dyn GitReader,
    path: String,
    remote: &str,
    branch: Option<&str>,
) -> Result<Tip, GitError> {
    let remote = remote.to_owned();
    let branch = branch.map(str::to_owned).or_else(|| reader.remote_head(&remote));
    let Some(branch) = branch else {
        return Err(GitError::NoDefaultBranch { remote });
    };
    let Some(commit) = reader.tracking(&remote, &branch) else {
        return Err(GitError::NoBranch { branch, remote });
    };
    Ok(Tip {
        path,
        branch,
        commit,
        remote: Some(remote),
        ahead: 0,
        behind: 0,
    })
}

/// `origin`, or the only remote there is.
fn default_remote(remotes: &[String]) -> Option<String> {
    match remotes {
        [only] => Some(only.clone()),
        all => all.iter().find(|name| *name == "origin").cloned(),
    }
}
