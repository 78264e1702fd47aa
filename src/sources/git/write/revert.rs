//! The tree of a revert, by a three-way merge without a checkout: what `git revert` would commit.

use super::commit::{object, writer};
use super::error::WriteError;
use super::tree::{differing, is_oid, root_of};
use crate::sources::git::error::GitError;
use crate::sources::git::program::NETWORK_TIMEOUT;
use crate::sources::git::repo::GitRepo;

/// What reverting a commit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertOutcome {
    /// It applies cleanly.
    Clean {
        /// The resulting tree, for [`GitRepo::commit_tree_on`].
        tree: String,
        /// Files that differ from the base; empty = the commit is undone already.
        files: Vec<String>,
    },
    /// Later commits changed the same lines.
    Conflict {
        /// In these files.
        paths: Vec<String>,
    },
    /// It is a merge: which side stays is for a person to say.
    Merge {
        /// How many parents it has.
        parents: usize,
    },
    /// It is the first commit: reverting it would remove everything.
    Root,
}

impl GitRepo {
    /// The tree that reverting `commit` on top of `base` gives. Nothing refers to it yet.
    ///
    /// # Errors
    /// If a commit cannot be read, the clone is too shallow to tell, or git is too old.
    pub fn revert_on(&self, base: &str, commit: &str) -> Result<RevertOutcome, WriteError> {
        let git = writer(self)?;
        for id in [base, commit] {
            if !is_oid(id) {
                return Err(GitError::NoCommit { what: id.to_owned() }.into());
            }
        }
        let before = root_of(&git, base)?;
        let raw = git.run(&["cat-file", "commit", commit], NETWORK_TIMEOUT)?;
        let text = String::from_utf8_lossy(&raw.stdout).into_owned();
        let header = text.split("\n\n").next().unwrap_or_default();
        let parents: Vec<&str> = header.lines().filter_map(|line| line.strip_prefix("parent ")).collect();
        let parent = match parents.as_slice() {
            [] => return Ok(RevertOutcome::Root),
            [parent] => *parent,
            more => return Ok(RevertOutcome::Merge { parents: more.len() }),
        };
        // At a shallow boundary the commit still names its parent, but it is not here.
        if object(
            &git,
            &["rev-parse", "--verify", "--quiet", &format!("{parent}^{{commit}}")],
        )
        .is_err()
        {
            return Err(WriteError::Shallow {
                commit: commit.to_owned(),
            });
        }
        let merge_base = format!("--merge-base={commit}");
        let args = [
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
            &merge_base,
            base,
            parent,
        ];
        let ran = git.try_run(&args, &[], NETWORK_TIMEOUT)?;
        let mut said = ran.stdout.split(|b| *b == 0).filter(|part| !part.is_empty());
        let tree = said.next().map(|id| String::from_utf8_lossy(id).into_owned());
        match (ran.status, tree) {
            (Some(0), Some(tree)) if is_oid(&tree) => {
                let files = differing(&git, &before, &tree)?;
                Ok(RevertOutcome::Clean { tree, files })
            }
            (Some(1), Some(tree)) if is_oid(&tree) => {
                let mut paths: Vec<String> = said.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
                paths.dedup();
                Ok(RevertOutcome::Conflict { paths })
            }
            (status, _) => Err(GitError::Failed {
                command: "merge-tree".to_owned(),
                status,
                words: ran.stderr.trim().into(),
            }
            .into()),
        }
    }
}
