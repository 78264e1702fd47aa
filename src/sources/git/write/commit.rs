//! Commits from trees: the person's identity, their commit-msg hook, their signature.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use super::error::WriteError;
use super::tree::{FileChange, is_oid, root_of};
use crate::domain::text::Untrusted;
use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, LOCAL_TIMEOUT};
use crate::sources::git::repo::GitRepo;

/// Oldest git that has all that is used, with some years of room: that of Ubuntu 22.04.
const OLDEST: (u32, u32) = (2, 34);
const OLDEST_NAME: &str = "2.34";

/// Longest a hook or a signature (somebody may have to touch a key) may take.
const HOOK_TIMEOUT: Duration = Duration::from_secs(600);

/// Who commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitIdentity {
    /// `Name <email>` of the author.
    pub author: String,
    /// `Name <email>` of the committer.
    pub committer: String,
    /// How commits are signed, if they are.
    pub signing: Option<Signing>,
}

/// How commits are signed (`gpg.format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// `gpg.format = openpgp`, which is also the default.
    OpenPgp,
    /// S/MIME.
    X509,
    /// An ssh key.
    Ssh,
}

impl GitRepo {
    /// Who would commit, and how it would be signed. Ask before anything is written.
    ///
    /// # Errors
    /// If git does not know who the person is (it never guesses here), or is too old.
    pub fn identity(&self) -> Result<CommitIdentity, WriteError> {
        let git = writer(self)?;
        let ident = |which: &str| -> Result<String, WriteError> {
            let ran = git.try_run(&["var", which], &[], LOCAL_TIMEOUT)?;
            let text = ran.text();
            // Behind the address stands the time.
            match text.rfind('>') {
                Some(end) if ran.ok() => Ok(text[..=end].to_owned()),
                _ => Err(WriteError::NoIdentity),
            }
        };
        Ok(CommitIdentity {
            author: ident("GIT_AUTHOR_IDENT")?,
            committer: ident("GIT_COMMITTER_IDENT")?,
            signing: signing(&git)?,
        })
    }

    /// Commits `changes` on top of `parent`; the new commit's id. Nothing refers to it yet: push it, or
    /// make it the parent of the next one.
    ///
    /// # Errors
    /// If the identity is missing, a file is not as expected, a hook refuses, signing fails, or nothing
    /// would change.
    pub fn commit_on(&self, parent: &str, changes: &[FileChange], message: &str) -> Result<String, WriteError> {
        let identity = self.identity()?;
        let git = writer(self)?;
        let before = root_of(&git, parent)?;
        let tree = self.tree_with(parent, changes)?;
        if tree == before {
            return Err(WriteError::Empty);
        }
        let message = self.after_hook(message)?;
        let mut args = vec!["commit-tree", "-p", parent, "-F", "-"];
        if identity.signing.is_some() {
            args.push("-S");
        }
        args.push(&tree);
        let ran = git.try_run(&args, message.as_bytes(), HOOK_TIMEOUT)?;
        let commit = ran.text();
        if ran.ok() && is_oid(&commit) {
            return Ok(commit);
        }
        let words = ran.stderr.trim().into();
        if identity.signing.is_some() {
            return Err(WriteError::Signing { words });
        }
        Err(WriteError::Git(GitError::Failed {
            command: "commit-tree".to_owned(),
            status: ran.status,
            words,
        }))
    }

    /// The name under which the person commits; `None` = git does not know it.
    pub(crate) fn committer_name(&self) -> Option<Untrusted> {
        let ran = self
            .program()
            .run(&["var", "GIT_COMMITTER_IDENT"], LOCAL_TIMEOUT)
            .ok()?;
        let name = ran.text().split_once(" <")?.0.to_owned();
        (!name.is_empty()).then(|| name.into())
    }

    /// Whether this clone has a commit.
    ///
    /// # Errors
    /// If git cannot be run.
    pub(crate) fn has_commit(&self, id: &str) -> Result<bool, GitError> {
        if !is_oid(id) {
            return Ok(false);
        }
        let git = self.program().with_env("GIT_NO_LAZY_FETCH", "1");
        Ok(git
            .try_run(&["cat-file", "-e", &format!("{id}^{{commit}}")], &[], LOCAL_TIMEOUT)?
            .ok())
    }

    /// The message as the commit-msg hook leaves it.
    fn after_hook(&self, message: &str) -> Result<String, WriteError> {
        let hooks = self.hooks()?;
        let Some(hook) = hooks.file("commit-msg") else {
            return Ok(message.to_owned());
        };
        let failed = |e: std::io::Error| GitError::Scratch { detail: e.to_string() };
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        file.write_all(message.as_bytes()).map_err(failed)?;
        let path = file.path().display().to_string();
        let git = self.program().with_env("GIT_EDITOR", ":");
        let ran = git.try_run_hook(hook, &[&path], HOOK_TIMEOUT)?;
        let words = format!("{}\n{}", ran.stderr.trim(), ran.text()).trim().to_owned();
        let refused = |words: String| WriteError::Hook {
            hook: "commit-msg",
            words: words.into(),
        };
        if !ran.ok() {
            return Err(refused(words));
        }
        let changed = std::fs::read(&path).map_err(failed)?;
        let changed = String::from_utf8(changed).map_err(|_| refused("it left a message that is not UTF-8".into()))?;
        if changed.trim().is_empty() || changed.contains('\0') {
            return Err(refused("it left no message".into()));
        }
        Ok(changed)
    }
}

/// The program set up for commits, once it is known to be new enough.
pub(super) fn writer(repo: &GitRepo) -> Result<GitProgram, WriteError> {
    // The same program for as long as this process lives.
    static NEW_ENOUGH: OnceLock<()> = OnceLock::new();
    let git = repo.checked_program()?;
    if NEW_ENOUGH.get().is_none() {
        let said = git.run(&["version"], LOCAL_TIMEOUT)?.text();
        let found = said.trim_start_matches("git version ").to_owned();
        if !is_new_enough(&found) {
            return Err(WriteError::TooOld {
                found,
                needed: OLDEST_NAME,
            });
        }
        let _ = NEW_ENOUGH.set(());
    }
    Ok(git
        .with_config("user.useConfigOnly", "true")
        .with_config("i18n.commitEncoding", "UTF-8")
        .with_config("merge.renormalize", "false"))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST
}

fn signing(git: &GitProgram) -> Result<Option<Signing>, GitError> {
    let asked = git.try_run(
        &["config", "--type=bool", "--get", "commit.gpgSign"],
        &[],
        LOCAL_TIMEOUT,
    )?;
    match asked.status {
        Some(0) if asked.text() == "true" => {}
        Some(0 | 1) => return Ok(None),
        // A value that is no boolean: whoever wrote it meant something.
        _ => {
            return Err(GitError::Failed {
                command: "config".to_owned(),
                status: asked.status,
                words: asked.stderr.trim().into(),
            });
        }
    }
    let format = git
        .try_run(&["config", "--get", "gpg.format"], &[], LOCAL_TIMEOUT)?
        .text();
    Ok(Some(match format.as_str() {
        "ssh" => Signing::Ssh,
        "x509" => Signing::X509,
        _ => Signing::OpenPgp,
    }))
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in [
            "2.34.1",
            "2.39.5",
            "2.47.3",
            "2.100",
            "3.0.1.windows.1",
            "2.43.0 (Apple Git-1)",
        ] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["2.33.8", "2.4.9", "1.9", "", "x"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
