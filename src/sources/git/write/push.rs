//! The push: one commit onto one branch, never forced, its outcome never guessed.

use std::time::Duration;

use super::error::{PushError, RefusedBy};
use super::push_output::{self, PushOutput, PushReport};
use super::tree::is_oid;
use crate::domain::proposal::BRANCHES;
use crate::domain::text::Untrusted;
use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use crate::sources::git::remote_failure::{RemoteFailure, remote_failure};
use crate::sources::git::repo::GitRepo;

/// Longest a push may take: a pre-push hook or the remote's checks may be slow.
const PUSH_TIMEOUT: Duration = Duration::from_secs(900);

/// What to push where.
#[derive(Debug, Clone, Copy)]
pub struct Push<'a> {
    /// The remote's name.
    pub remote: &'a str,
    /// The branch, without `refs/heads/`.
    pub branch: &'a str,
    /// Full id of the commit that the branch shall point at.
    pub commit: &'a str,
    /// What the branch must be at.
    pub expected: Expected<'a>,
}

/// What the remote's branch must be at for a push to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// This commit: the one that was planned on.
    At(&'a str),
    /// There must be no such branch yet.
    Absent,
}

/// A push that the remote has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The whole ref.
    pub refname: String,
    /// What the remote said, line by line.
    pub words: Vec<Untrusted>,
    /// Where the forge says a pull request can be opened.
    pub url: Option<String>,
    /// The remote had it already (an earlier try landed).
    pub already: bool,
}

impl GitRepo {
    /// Pushes a commit. Hooks outside the tracked tree run, here and at the remote. The remote-tracking
    /// branch follows, as with any push; nothing else of the clone changes. Pushing what is there already
    /// succeeds.
    ///
    /// A branch that was rewound between the look and the push cannot be told from one that was not: git
    /// offers no such check without its force options, and those are not used.
    ///
    /// # Errors
    /// A [`PushError`]; nothing landed unless it is [`PushError::Unclear`].
    pub fn push(&self, push: Push<'_>) -> Result<Pushed, PushError> {
        self.push_with(push, None)
    }

    /// The same with a second branch of the same remote, if there is one: the remote takes both or neither.
    ///
    /// # Errors
    /// As [`GitRepo::push`]; [`PushError::NotAtomic`] if the remote cannot promise that.
    pub fn push_with(&self, push: Push<'_>, beside: Option<Push<'_>>) -> Result<Pushed, PushError> {
        self.push_to(push, &format!("refs/heads/{}", push.branch), &[], beside)
    }

    /// The same to a ref of this name, with options for the remote.
    pub(super) fn push_to(
        &self,
        push: Push<'_>,
        refname: &str,
        options: &[String],
        beside: Option<Push<'_>>,
    ) -> Result<Pushed, PushError> {
        let refname = refname.to_owned();
        self.program().run(&["check-ref-format", &refname], LOCAL_TIMEOUT)?;
        for one in std::iter::once(&push).chain(&beside) {
            if !is_oid(one.commit) {
                return Err(GitError::NoCommit {
                    what: one.commit.to_owned(),
                }
                .into());
            }
            let named = format!("refs/heads/{}", one.branch);
            self.program().run(&["check-ref-format", &named], LOCAL_TIMEOUT)?;
        }
        let mut done = Pushed {
            refname: refname.clone(),
            words: Vec::new(),
            url: None,
            already: true,
        };
        // Where the first landed before, so did the second.
        if self.is_there(push)? {
            return Ok(done);
        }
        if let Some(beside) = beside {
            self.is_there(beside)?;
        }
        done.already = false;
        let hooks = self.hooks()?;
        let git = hooks.apply(&self.checked_program()?).for_network().uninterruptible();
        let second = beside.map(|beside| format!("refs/heads/{}", beside.branch));
        let spec = format!("{}:{refname}", push.commit);
        let second_spec = beside
            .zip(second.as_deref())
            .map(|(beside, name)| format!("{}:{name}", beside.commit));
        let mut args = vec![
            "push",
            "--porcelain",
            "--no-progress",
            "--no-follow-tags",
            "--recurse-submodules=no",
        ];
        args.extend(options.iter().map(String::as_str));
        args.extend(second.as_deref().map(|_| "--atomic"));
        args.extend(["--", push.remote, &spec]);
        args.extend(second_spec.as_deref());
        let ran = match git.try_run(&args, &[], PUSH_TIMEOUT) {
            Ok(ran) => ran,
            Err(GitError::TimedOut { seconds, .. }) => {
                let said = format!("it did not end within {seconds} s");
                return self.unclear(push, done, vec![said.into()]);
            }
            Err(error) => return Err(error.into()),
        };
        let stdout = String::from_utf8_lossy(&ran.stdout);
        if second.is_some() && ran.stderr.contains("does not support --atomic push") {
            return Err(PushError::NotAtomic {
                remote: push.remote.to_owned(),
            });
        }
        let names: Vec<&str> = std::iter::once(&*refname).chain(second.as_deref()).collect();
        let said = PushOutput::read(ran.status, &stdout, &ran.stderr, &names, hooks.runs("pre-push"));
        (done.words, done.url) = (said.words, said.url);
        match said.report {
            PushReport::Landed => Ok(done),
            PushReport::Rejected(summary) => self.rejected(push, done, &summary, &ran.stderr),
            PushReport::HookRefused(words) => Err(PushError::Refused {
                by: RefusedBy::PrePush,
                words,
            }),
            PushReport::NoPushOptions => Err(PushError::NoPushOptions {
                remote: push.remote.to_owned(),
            }),
            PushReport::NeverReached => Err(unreachable(push.remote, &ran.stderr)),
            PushReport::AccessDenied => Err(auth(push.remote, &ran.stderr)),
            PushReport::Lost => self.unclear(push, done, push_output::all_lines(&ran.stderr)),
        }
    }

    /// Whether a branch has the commit already; else it must be as it is expected.
    fn is_there(&self, push: Push<'_>) -> Result<bool, PushError> {
        match (self.remote_branch(push.remote, push.branch)?, push.expected) {
            (Some(found), _) if found == push.commit => Ok(true),
            (Some(found), Expected::Absent) => {
                let branch = push.branch.to_owned();
                Err(PushError::BranchExists { branch, found })
            }
            (None, Expected::Absent) => Ok(false),
            (Some(found), Expected::At(expected)) if found == expected => Ok(false),
            (found, Expected::At(_)) => Err(moved(push, found)),
        }
    }

    /// What a branch of a remote is at; `None` = there is none.
    ///
    /// # Errors
    /// If the remote cannot be asked.
    pub(crate) fn remote_branch(&self, remote: &str, branch: &str) -> Result<Option<String>, PushError> {
        let refname = format!("refs/heads/{branch}");
        let (git, asked) = self.push_side(remote)?;
        let ran =
            match git
                .for_network()
                .try_run(&["ls-remote", "--refs", "--", &asked, &refname], &[], NETWORK_TIMEOUT)
            {
                Err(error @ GitError::TimedOut { .. }) => return Err(unreachable(remote, &error.to_string())),
                other => other?,
            };
        if !ran.ok() {
            return Err(not_asked(remote, &ran.stderr));
        }
        // A pattern matches the ends of longer names, too.
        let text = ran.text();
        let mut found = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(found.find(|(_, name)| *name == refname).map(|(oid, _)| oid.to_owned()))
    }

    /// Where a push to this remote goes, as a program and a name to ask it by: `pushurl` may name another
    /// place than pins are read from.
    pub(super) fn push_side(&self, remote: &str) -> Result<(GitProgram, String), PushError> {
        let git = self.checked_program()?;
        let urls = |args: &[&str]| -> Result<Vec<String>, PushError> {
            // A remote may also be an address: then there is one place.
            let ran = git.try_run(args, &[], LOCAL_TIMEOUT)?;
            let lines = if ran.ok() { ran.text() } else { String::new() };
            Ok(lines.lines().map(str::to_owned).collect())
        };
        let fetched = urls(&["remote", "get-url", "--", remote])?;
        let pushed = urls(&["remote", "get-url", "--push", "--all", "--", remote])?;
        match pushed.as_slice() {
            [] => Ok((git, remote.to_owned())),
            [one] if fetched.first() == Some(one) => Ok((git, remote.to_owned())),
            // By a name of its own: an address may contain a password, which no command line may show.
            [one] => Ok((
                git.with_hidden_config("remote.pindeck-push.url", one),
                "pindeck-push".to_owned(),
            )),
            several => Err(PushError::SeveralPlaces {
                remote: remote.to_owned(),
                count: several.len(),
            }),
        }
    }

    /// Whether a branch of the remote contains a commit now: it is asked, not remembered.
    ///
    /// # Errors
    /// If the remote cannot be asked.
    pub fn landed(&self, remote: &str, branch: &str, commit: &str) -> Result<bool, PushError> {
        let Some(head) = self.remote_branch(remote, branch)? else {
            return Ok(branch.starts_with(BRANCHES) && self.is_pull_request(remote, commit)?);
        };
        if head == commit {
            return Ok(true);
        }
        if !self.has_commit(commit)? {
            // What is not even here was never sent from here.
            return Ok(false);
        }
        if !self.has_commit(&head)? {
            self.fetch_branch(remote, branch)?;
        }
        let git = self.program();
        let ran = git.try_run(&["merge-base", "--is-ancestor", commit, &head], &[], NETWORK_TIMEOUT)?;
        match ran.status {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            status => Err(PushError::Git(GitError::Failed {
                command: "merge-base".to_owned(),
                status,
                words: ran.stderr.trim().into(),
            })),
        }
    }

    fn fetch_branch(&self, remote: &str, branch: &str) -> Result<(), PushError> {
        let hooks = self.hooks()?;
        let (git, asked) = self.push_side(remote)?;
        let git = hooks.apply(&git).for_network();
        let refname = format!("refs/heads/{branch}");
        let args = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            &asked,
            &refname,
        ];
        let ran = git.try_run(&args, &[], NETWORK_TIMEOUT)?;
        if ran.ok() {
            return Ok(());
        }
        Err(not_asked(remote, &ran.stderr))
    }

    /// The remote, or git on its behalf, rejected the ref.
    fn rejected(&self, push: Push<'_>, done: Pushed, summary: &str, stderr: &str) -> Result<Pushed, PushError> {
        let said = format!("{} {stderr}", summary);
        let has = |word: &str| said.contains(word);
        if summary.contains("[remote failure]") {
            return self.unclear(push, done, push_output::all_lines(stderr));
        }
        let behind = [
            "fetch first",
            "non-fast-forward",
            "needs force",
            "already exists",
            "stale info",
        ];
        if !summary.starts_with("[remote rejected]") && behind.iter().any(|word| summary.contains(word)) {
            return Err(moved(push, None));
        }
        // Two pushes met at the remote: its lock, or the value it had promised, was gone.
        let met = has("but expected") || has("incorrect old value") || has(".lock': File exists");
        if met && summary.starts_with("[remote rejected]") {
            return Err(moved(push, None));
        }
        if has("failed to update ref") || has("cannot lock ref") {
            let found = self.remote_branch(push.remote, push.branch)?;
            let expected = match push.expected {
                Expected::At(commit) => Some(commit),
                Expected::Absent => None,
            };
            if found.as_deref() != expected {
                return Err(moved(push, found));
            }
        }
        let mut words = done.words;
        words.push(summary.into());
        Err(PushError::Refused {
            by: RefusedBy::Remote,
            words,
        })
    }

    /// The connection was lost: the remote tells what became of it, if it can be asked.
    fn unclear(&self, push: Push<'_>, done: Pushed, words: Vec<Untrusted>) -> Result<Pushed, PushError> {
        let lost = PushError::Unclear {
            remote: push.remote.to_owned(),
            words,
        };
        match self.landed(push.remote, push.branch, push.commit) {
            Ok(true) => Ok(done),
            Ok(false) => match (self.remote_branch(push.remote, push.branch), push.expected) {
                // The branch is elsewhere now, so ours can no longer be taken.
                (Ok(Some(found)), Expected::At(expected)) if found != expected => Err(moved(push, Some(found))),
                // Still where it was: the remote may be about to move it.
                _ => Err(lost),
            },
            Err(_) => Err(lost),
        }
    }
}

fn moved(push: Push<'_>, found: Option<String>) -> PushError {
    PushError::NonFastForward {
        branch: push.branch.to_owned(),
        found,
    }
}

/// The error for a question to a remote that had no answer.
pub(super) fn not_asked(remote: &str, stderr: &str) -> PushError {
    match remote_failure(stderr, false) {
        RemoteFailure::AccessDenied => auth(remote, stderr),
        RemoteFailure::NeverReached | RemoteFailure::Lost => unreachable(remote, stderr),
    }
}

fn unreachable(remote: &str, stderr: &str) -> PushError {
    PushError::Unreachable {
        remote: remote.to_owned(),
        words: push_output::all_lines(stderr),
    }
}

fn auth(remote: &str, stderr: &str) -> PushError {
    PushError::Auth {
        remote: remote.to_owned(),
        words: push_output::all_lines(stderr),
    }
}
