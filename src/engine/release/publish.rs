//! The git step: commits on the head that was planned on, then one push. What the remote or a hook says
//! reaches the person in its own words.

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::policy::WriteMode;
use crate::domain::recovery::WriteStep;
use crate::domain::text::Untrusted;
use crate::domain::write::{Progress, WriteFailure};
use crate::engine::open::blocking;
use crate::sources::git::GitRepo;
use crate::sources::git::write::{Expected, FileChange, Push, PushError};

use super::draft::Prepared;
use super::opening::{self, Opening};
use super::plan_context::PlanContext;
use super::running_write::{RunningWrite, WriteEnd, stays};

/// A push that the remote has.
pub(super) struct LandedPush {
    pub commits: Vec<String>,
    pub url: Option<String>,
    pub words: Vec<Untrusted>,
    /// The whole ref that it landed on.
    pub refname: String,
    /// The pull request is there, and `url` leads to it.
    pub is_open: bool,
    /// What pindeck itself has to say of it.
    pub notes: Vec<Untrusted>,
}

/// Commits every draft on top of the one before, and pushes the last. `None` = somebody else pushed
/// first, nothing landed.
pub(super) async fn publish(
    write: &mut RunningWrite<'_>,
    context: &PlanContext,
    prepared: &Prepared,
) -> Result<Option<LandedPush>, WriteEnd> {
    let base = context.ledger().tip.commit.clone();
    let work: Vec<(Vec<FileChange>, String)> = prepared
        .drafts
        .iter()
        .map(|draft| (draft.files.clone(), draft.plan.message.clone()))
        .collect();
    let beside: Vec<(Vec<FileChange>, String)> = prepared
        .drafts
        .iter()
        .filter_map(|draft| draft.beside.clone())
        .map(|beside| (vec![beside.change], beside.message))
        .collect();
    let repo = context.engine.inner.repo.clone();
    let (from, home) = (base.clone(), context.ledger().checkouts.home.clone());
    let on_home = home.commit.clone();
    let made = blocking(move || {
        let beside = commit(&repo, on_home, &beside)?;
        Ok::<_, WriteFailure>((commit(&repo, from, &work)?, beside))
    });
    let (commits, beside) = made.await??;
    let Some(last) = commits.last().cloned() else {
        return Err(WriteFailure::from(Failure::bug("there was nothing to commit")).into());
    };
    let beside_last = beside.last().cloned();
    // What landed is told by the last one, so that is the pin's.
    let noted: Vec<String> = beside.iter().chain(&commits).cloned().collect();
    // Each plan's commit stands at the plan's place.
    let commits: Vec<String> = commits.into_iter().chain(beside).collect();
    if let Some(running) = &mut write.running {
        let noted = running.committed(&base, &noted, Timestamp::now());
        noted.map_err(Failure::from)?;
    }
    // The commits are in this clone alone: it can still be stopped.
    if *write.cancel.borrow() {
        return Err(WriteFailure::from(Failure::interrupted()).into());
    }
    write.step(WriteStep::Pushing)?;
    write.say(Progress::Pushing);
    let repo = context.engine.inner.repo.clone();
    let (remote, branch, mode) = (
        write.confirmed.remote.clone(),
        write.confirmed.branch.clone(),
        prepared.write,
    );
    let opening = match mode {
        WriteMode::Push => None,
        WriteMode::Branch => Some(opening(context, prepared).await?),
    };
    let pushed = blocking(move || {
        let push = Push {
            remote: &remote,
            branch: &branch,
            commit: &last,
            expected: match mode {
                WriteMode::Push => Expected::At(&base),
                WriteMode::Branch => Expected::Absent,
            },
        };
        let proposed = format!("{branch}-hold");
        let beside = beside_last.as_deref().map(|commit| match mode {
            WriteMode::Push => Push {
                branch: &home.branch,
                commit,
                expected: Expected::At(&home.commit),
                ..push
            },
            WriteMode::Branch => Push {
                branch: &proposed,
                commit,
                ..push
            },
        });
        let options = opening.as_ref().and_then(|opening| opening.options(&branch));
        let pushed = match (&opening, options, beside) {
            (Some(opening), Some(options), None) => repo
                .propose(push, opening.proposing(&options))
                .map(|done| (done.pushed, Some(done.took_options))),
            _ => repo.push_with(push, beside).map(|pushed| (pushed, None)),
        };
        let aside = beside
            .filter(|_| mode == WriteMode::Branch)
            .map(|_| (proposed.clone(), home.branch.clone()));
        pushed.map(|(pushed, took_options)| (pushed, took_options, opening, aside))
    })
    .await
    .map_err(|error| WriteEnd::Unclear(error.into()))?;
    match pushed {
        Ok((mut pushed, took_options, opening, aside)) => {
            // The remote has it: from here on nothing makes it a failure.
            if let Some(running) = &mut write.running
                && let Err(error) = running.step(WriteStep::Pushed, Timestamp::now())
            {
                pushed.words.push(stays(&error));
            }
            let mut landed = LandedPush {
                commits,
                is_open: took_options == Some(true) && pushed.url.as_deref().is_some_and(opening::is_there),
                url: pushed.url,
                words: pushed.words,
                refname: pushed.refname,
                notes: Vec::new(),
            };
            if took_options == Some(false) {
                landed.notes.push(WITHOUT_OPTIONS.into());
            }
            if let Some((branch, home)) = aside {
                landed.notes.push(
                    format!("the hold is on {branch}, a proposal of its own for {home}: open it too, and merge both")
                        .into(),
                );
            }
            if let Some(opening) = opening {
                match opening.open(&write.confirmed.branch).await {
                    Ok(None) => {}
                    Ok(Some(url)) => (landed.url, landed.is_open) = (Some(url), true),
                    Err(note) => landed.notes.push(note),
                }
            }
            Ok(Some(landed))
        }
        Err(PushError::NonFastForward { .. }) => Ok(None),
        Err(error) if error.is_certain() => Err(WriteFailure::from(Failure::from(&error)).into()),
        Err(error) => Err(WriteEnd::Unclear(Failure::from(&error).into())),
    }
}

/// What is said where the remote takes no push options.
const WITHOUT_OPTIONS: &str = "the remote takes no push options: the branch was pushed again without them, and nobody has opened a pull request for it";

/// How the pull request of a write is opened.
async fn opening(context: &PlanContext, prepared: &Prepared) -> Result<Opening, WriteFailure> {
    let engine = context.engine.clone();
    let (team, base) = (context.ledger().team.clone(), context.ledger().tip.branch.clone());
    let (remote, plans) = (context.remote.clone(), prepared.proposal.plans.clone());
    Ok(blocking(move || Opening::of(&engine, &team, &remote, &base, &plans)).await?)
}

fn commit(repo: &GitRepo, base: String, work: &[(Vec<FileChange>, String)]) -> Result<Vec<String>, WriteFailure> {
    let mut commits: Vec<String> = Vec::new();
    for (changes, message) in work {
        let parent = commits.last().unwrap_or(&base);
        let made = repo.commit_on(parent, changes, message);
        commits.push(made.map_err(|error| Failure::from(&error))?);
    }
    Ok(commits)
}
