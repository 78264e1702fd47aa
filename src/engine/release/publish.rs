//! The git step: commits on the head that was planned on, then one push.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::text::Untrusted;
use crate::domain::write::{Progress, Proposal, WriteFailure};
use crate::sources::git::{GitError, GitRepo};

use super::Prepared;
use super::desk::{Desk, failure};

pub(super) struct Landed {
    pub commits: Vec<String>,
    pub url: Option<String>,
    pub words: Vec<Untrusted>,
}

pub(super) enum Published {
    Landed(Landed),
    Overtaken,
}

const SHORT: Duration = Duration::from_secs(60);

pub(super) async fn publish(
    desk: &Desk,
    confirmed: &Proposal,
    prepared: &Prepared,
    progress: &mpsc::Sender<Progress>,
) -> Result<Published, WriteFailure> {
    let base = desk.ledger.tip.commit.clone();
    type Made = (Vec<(String, Vec<u8>)>, String);
    let work: Vec<Made> = prepared
        .drafts
        .iter()
        .map(|d| (d.files.clone(), d.plan.message.clone()))
        .collect();
    let commits = desk
        .git(move |repo| {
            let mut at = base;
            let mut all = Vec::new();
            for (files, message) in &work {
                at = commit(repo, &at, files, message)?;
                all.push(at.clone());
            }
            Ok(all)
        })
        .await?;
    let _ = progress.try_send(Progress::Pushing);
    let (remote, branch) = (confirmed.remote.clone(), confirmed.branch.clone());
    let last = commits.last().cloned().unwrap_or_default();
    let repo = desk.engine.inner.repo.clone();
    let ran = crate::engine::blocking(move || {
        let spec = format!("{last}:refs/heads/{branch}");
        repo.program()
            .try_run(&["push", "--porcelain", &remote, &spec], &[], Duration::from_secs(120))
    })
    .await
    .map_err(failure)?
    .map_err(|e| failure(e.into()))?;
    if ran.ok() {
        return Ok(Published::Landed(Landed {
            commits,
            url: None,
            words: vec![ran.stderr.into()],
        }));
    }
    if ran.text().contains("fetch first") || ran.text().contains("non-fast-forward") {
        return Ok(Published::Overtaken);
    }
    Err(WriteFailure::RemoteRefused(ran.stderr.into()))
}

fn commit(repo: &GitRepo, base: &str, files: &[(String, Vec<u8>)], message: &str) -> Result<String, GitError> {
    let index = tempfile::tempdir().map_err(|e| GitError::NoProgram { detail: e.to_string() })?;
    let git = repo
        .program()
        .with_env("GIT_INDEX_FILE", index.path().join("index").display().to_string());
    git.run(&["read-tree", base], SHORT)?;
    for (path, bytes) in files {
        let oid = git.try_run(&["hash-object", "-w", "--stdin"], bytes, SHORT)?.text();
        git.run(
            &["update-index", "--add", "--cacheinfo", &format!("100644,{oid},{path}")],
            SHORT,
        )?;
    }
    let tree = git.run(&["write-tree"], SHORT)?.text();
    Ok(git
        .try_run(&["commit-tree", &tree, "-p", base], message.as_bytes(), SHORT)?
        .text())
}
