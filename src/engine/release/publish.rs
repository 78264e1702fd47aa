//! The git step: commits on the head that was planned on, then one push. What the remote or a hook says
//! reaches the person in its own words.

use tokio::sync::mpsc;

use crate::domain::policy::WriteMode;
use crate::domain::text::Untrusted;
use crate::domain::write::{Progress, Proposal, WriteFailure};
use crate::engine::blocking;
use crate::sources::git::GitRepo;
use crate::sources::git::write::{Expected, FileChange, Push, PushError, WriteError};

use super::Prepared;
use super::desk::{Desk, failure};

/// A push that the remote has.
pub(super) struct Landed {
    pub commits: Vec<String>,
    pub url: Option<String>,
    pub words: Vec<Untrusted>,
}

/// How the git step ended.
pub(super) enum Published {
    /// The remote has it.
    Landed(Landed),
    /// Somebody else pushed first; nothing landed.
    Overtaken,
}

/// Commits every draft on top of the one before, and pushes the last.
pub(super) async fn publish(
    desk: &Desk,
    confirmed: &Proposal,
    prepared: &Prepared,
    progress: &mpsc::Sender<Progress>,
) -> Result<Published, WriteFailure> {
    let base = desk.ledger.tip.commit.clone();
    let work: Vec<(Vec<FileChange>, String)> = prepared
        .drafts
        .iter()
        .map(|draft| {
            let files = draft.files.iter().cloned();
            let changes = files.map(|(path, bytes)| FileChange::write(path, bytes)).collect();
            (changes, draft.plan.message.clone())
        })
        .collect();
    let repo = desk.engine.inner.repo.clone();
    let (from, write) = (base.clone(), work);
    let commits = blocking(move || commit(&repo, from, &write)).await.map_err(failure)??;
    let _ = progress.try_send(Progress::Pushing);
    let Some(last) = commits.last().cloned() else {
        return Err(WriteFailure::Failed(
            "there was nothing to commit; this is a bug in pindeck".into(),
        ));
    };
    let repo = desk.engine.inner.repo.clone();
    let (remote, branch, write) = (confirmed.remote.clone(), confirmed.branch.clone(), prepared.write);
    let pushed = blocking(move || {
        repo.push(Push {
            remote: &remote,
            branch: &branch,
            commit: &last,
            expected: match write {
                WriteMode::Push => Expected::At(&base),
                WriteMode::Branch => Expected::Absent,
            },
        })
    })
    .await
    .map_err(failure)?;
    match pushed {
        Ok(pushed) => Ok(Published::Landed(Landed {
            commits,
            url: pushed.url,
            words: pushed.words,
        })),
        Err(PushError::NonFastForward { .. }) => Ok(Published::Overtaken),
        Err(error) => Err(not_pushed(&error)),
    }
}

fn commit(repo: &GitRepo, base: String, work: &[(Vec<FileChange>, String)]) -> Result<Vec<String>, WriteFailure> {
    let mut commits: Vec<String> = Vec::new();
    for (changes, message) in work {
        let parent = commits.last().unwrap_or(&base);
        let made = repo.commit_on(parent, changes, message);
        commits.push(made.map_err(|error| not_committed(&error))?);
    }
    Ok(commits)
}

fn not_committed(error: &WriteError) -> WriteFailure {
    let words = Untrusted::new(error.to_string());
    match error {
        WriteError::NoIdentity | WriteError::TooOld { .. } => WriteFailure::Usage(words),
        WriteError::Hook { .. } => WriteFailure::RemoteRefused(words),
        WriteError::Moved { .. } => WriteFailure::Conflict(None, words),
        _ => WriteFailure::Failed(words),
    }
}

fn not_pushed(error: &PushError) -> WriteFailure {
    let words = Untrusted::new(error.to_string());
    match error.exit_code() {
        5 => WriteFailure::Conflict(None, words),
        6 => WriteFailure::Unknown(words),
        7 => WriteFailure::RemoteRefused(words),
        _ => WriteFailure::Failed(words),
    }
}
