//! The branches of proposals, as this clone knows them: their commits say what they pin, and their files prove it.

use super::error::GitError;
use super::program::LOCAL_TIMEOUT;
use super::reader::{CommitMeta, GitReader};
use super::repo::GitRepo;
use crate::domain::id::Target;
use crate::domain::message;
use crate::domain::proposal::{BRANCHES, ProposedPin};

/// Refs of our own at what was pushed for review, each followed by the name of its branch.
pub(super) const REVIEWS: &str = "refs/pindeck/reviews/";

/// Branches that are looked at, the newest first.
const MOST_BRANCHES: usize = 64;

/// So many branches are looked through for those that the remote still has.
const MOST_KNOWN: usize = 64 * MOST_BRANCHES;

/// Commits of one branch that are looked at, the newest first.
const MOST_COMMITS: usize = 64;

/// Files of one commit that are looked into for the digest, and the size up to which.
const MOST_FILES: usize = 64;
const LARGEST_FILE: u64 = 4 << 20;

/// What a clone knows of a remote's `pindeck/…`, or of what was pushed for review.
struct ProposalBranch {
    name: String,
    head: String,
    is_review: bool,
}

impl GitRepo {
    /// The pins that the branches of proposals of a remote ask for. `is_there` tells whether the remote has a branch;
    /// what was pushed for review is known to the clone alone. `tip` is the commit of the branch that counts.
    ///
    /// A pin counts only where a file of its commit has the digest: what a message says is no more than words.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(crate) fn proposals(
        &self,
        remote: &str,
        tip: &str,
        is_there: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<ProposedPin>, GitError> {
        let mut branches = self.proposal_branches(remote)?;
        // The limit counts what is there: whoever may push branches could fill it with some that they delete again.
        branches.retain(|branch| branch.is_review || is_there(&branch.name));
        branches.truncate(MOST_BRANCHES);
        let mut out = Vec::new();
        if branches.is_empty() {
            return Ok(out);
        }
        let reader = self.reader()?;
        for branch in branches {
            let Some((beyond, _)) = reader.ahead_behind(&branch.head, tip) else {
                continue;
            };
            // A branch that is wholly contained no longer shows where it began: its commits are pindeck's own.
            let is_contained = beyond == 0;
            let most = if is_contained {
                MOST_COMMITS
            } else {
                beyond.min(MOST_COMMITS)
            };
            let mut next = Some(branch.head.clone());
            let mut at = None;
            for _ in 0..most {
                let Some(id) = next.take() else { break };
                let Ok(commit) = reader.commit(&id) else { break };
                at = at.or(Some(commit.at));
                let recorded = message::recorded(commit.message.raw());
                if is_contained && recorded.is_none() {
                    break;
                }
                next = commit.parents.first().cloned();
                let Some(recorded) = recorded else { continue };
                if !has_digest(reader.as_ref(), &commit, &recorded.to.hex()) {
                    continue;
                }
                out.push(ProposedPin {
                    target: Target {
                        service: recorded.service,
                        environment: recorded.environment,
                    },
                    from: recorded.from,
                    to: recorded.to,
                    branch: branch.name.clone(),
                    head: branch.head.clone(),
                    at: at.unwrap_or(commit.at),
                    is_contained,
                });
            }
        }
        Ok(out)
    }

    /// The branches of proposals that this clone knows, the newest first.
    fn proposal_branches(&self, remote: &str) -> Result<Vec<ProposalBranch>, GitError> {
        let tracking = format!("refs/remotes/{remote}/");
        let count = format!("--count={MOST_KNOWN}");
        let args = [
            "for-each-ref",
            "--sort=-committerdate",
            &count,
            "--format=%(objectname) %(refname)",
            &format!("{tracking}{BRANCHES}"),
            REVIEWS,
        ];
        let text = self.program().run(&args, LOCAL_TIMEOUT)?.text();
        let read = |line: &str| {
            let (head, refname) = line.split_once(' ')?;
            let (name, is_review) = match refname.strip_prefix(REVIEWS) {
                Some(name) => (name, true),
                None => (refname.strip_prefix(&tracking)?, false),
            };
            Some(ProposalBranch {
                name: name.to_owned(),
                head: head.to_owned(),
                is_review,
            })
        };
        Ok(text.lines().filter_map(read).collect())
    }
}

/// Whether a file that the commit changed has the digest in it.
fn has_digest(reader: &dyn GitReader, commit: &CommitMeta, digest: &str) -> bool {
    let parent = commit.parents.first().map(String::as_str);
    let Ok(changes) = reader.compare(parent, &commit.id) else {
        return false;
    };
    let blobs = changes.into_iter().filter_map(|change| change.new?.regular());
    blobs.take(MOST_FILES).any(|oid| {
        let found = reader.blob_if(&oid, LARGEST_FILE, &|_| true).ok().flatten();
        found.is_some_and(|bytes| bytes.windows(digest.len()).any(|part| part == digest.as_bytes()))
    })
}
