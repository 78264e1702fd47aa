//! A push that asks the forge to open the pull request in the same breath: by push options (GitLab), or to a ref for
//! review (`refs/for/BRANCH` of Forgejo and Gitea). A remote that takes no options gets the branch alone.

use super::error::PushError;
use super::push::{Push, Pushed, not_asked};
use crate::sources::git::error::GitError;
use crate::sources::git::program::{LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use crate::sources::git::proposals::REVIEWS;
use crate::sources::git::remote_failure::of_remote;
use crate::sources::git::repo::GitRepo;

/// How a pull request is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Proposing<'a> {
    /// What the forge is told, each a text of one line: `merge_request.create`.
    pub options: &'a [String],
    /// The branch that the change is for, where it is pushed for review and becomes no branch of the remote
    /// (`refs/for/BRANCH`). Only a forge that is known to take it may be asked: any other server makes an ordinary
    /// ref of that name.
    pub review_for: Option<&'a str>,
}

/// A push that asked for a pull request, and landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedPush {
    /// What the remote has.
    pub pushed: Pushed,
    /// The remote took the options. What it made of them, its words tell.
    pub took_options: bool,
}

impl GitRepo {
    /// Pushes a commit as [`GitRepo::push`] does, and asks for a pull request along with it. A remote that takes no
    /// push options is sent nothing at first, and then, once, the branch without them.
    ///
    /// # Errors
    /// As [`GitRepo::push`].
    pub fn propose(&self, push: Push<'_>, how: Proposing<'_>) -> Result<ProposedPush, PushError> {
        // Git refuses an option of several lines, and would push nothing.
        let lines = how.options.iter().filter(|option| !option.contains(['\n', '\0']));
        let options: Vec<String> = lines.map(|option| format!("--push-option={option}")).collect();
        let refname = match how.review_for {
            Some(branch) => format!("refs/for/{branch}"),
            None => format!("refs/heads/{}", push.branch),
        };
        match self.push_to(push, &refname, &options, None) {
            Ok(pushed) => {
                if how.review_for.is_some() {
                    self.remember_review(push)?;
                }
                Ok(ProposedPush {
                    // What was there already was sent no options.
                    took_options: !pushed.already,
                    pushed,
                })
            }
            Err(PushError::NoPushOptions { .. }) => Ok(ProposedPush {
                pushed: self.push(push)?,
                took_options: false,
            }),
            Err(error) => Err(error),
        }
    }

    /// Keeps a ref of our own at what was pushed for review: the remote has no branch by which it is found again.
    fn remember_review(&self, push: Push<'_>) -> Result<(), GitError> {
        let refname = format!("{REVIEWS}{}", push.branch);
        let git = self.program();
        // It landed: a clone that cannot keep the ref only forgets about it.
        if let Err(error) = git.run(&["update-ref", &refname, push.commit], LOCAL_TIMEOUT) {
            tracing::warn!(%refname, %error, "a review is not remembered");
        }
        Ok(())
    }

    /// Whether a pull request of the remote is at this commit.
    pub(super) fn is_pull_request(&self, remote: &str, commit: &str) -> Result<bool, PushError> {
        let (git, asked) = self.push_side(remote)?;
        let args = ["ls-remote", "--refs", "--", &asked, "refs/pull/*/head"];
        let ran = git.for_network().try_run(&args, &[], NETWORK_TIMEOUT);
        let ran = ran.map_err(|error| of_remote(error, remote))?;
        if !ran.ok() {
            return Err(not_asked(remote, &ran.stderr));
        }
        let text = ran.text();
        let mut found = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(found.any(|(oid, _)| oid == commit))
    }
}
