//! The git step: commits on the head that was planned on, then one push; or two, the hold's first, where two branches
//! cannot be pushed at once. What the remote or a hook says reaches the person in its own words.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::policy::WriteMode;
use crate::domain::recovery::WriteStep;
use crate::domain::text::Untrusted;
use crate::domain::write::{Progress, WriteFailure};
use crate::engine::checkout::BranchCheckout;
use crate::engine::journal::FirstPush;
use crate::engine::open::blocking;
use crate::sources::git::GitRepo;
use crate::sources::git::write::{Expected, FileChange, Push, PushError, Pushed};

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
    let made = MadeCommits::make(write, context, prepared).await?;
    if let Some(running) = &mut write.running {
        // What landed is told by the last one, so that is the pin's.
        let noted: Vec<String> = made.holds().chain(&made.pins).cloned().collect();
        let noted = running.committed(&context.ledger().tip.commit, &noted, Timestamp::now());
        noted.map_err(Failure::from)?;
    }
    // The commits are in this clone alone: it can still be stopped.
    if *write.cancel.borrow() {
        return Err(WriteFailure::from(Failure::interrupted()).into());
    }
    let home = &context.ledger().checkouts.home;
    let is_one_remote = is_one_remote(context);
    let branch = write.confirmed.branch.clone();
    let of_holds = |commit: Option<&String>, at: &str| -> Result<Option<OwnedPush>, Failure> {
        let Some(commit) = commit else { return Ok(None) };
        Ok(Some(OwnedPush {
            repo: home.repo.clone(),
            remote: remote_of_holds(home)?,
            branch: match prepared.write {
                WriteMode::Push => home.tip.branch.clone(),
                WriteMode::Branch => format!("{branch}-hold"),
            },
            commit: commit.clone(),
            at: (prepared.write == WriteMode::Push).then(|| at.to_owned()),
        }))
    };
    let tip = home.tip.commit.as_str();
    let beside = of_holds(made.holds().last(), tip)?;
    let begins = of_holds(made.begins.last(), tip)?;
    let ends = of_holds(made.ends.last(), made.begins.last().map_or(tip, String::as_str))?;
    let pin = OwnedPush {
        repo: context.repo.clone(),
        remote: write.confirmed.remote.clone(),
        branch: branch.clone(),
        commit: made.last().to_owned(),
        at: (prepared.write == WriteMode::Push).then(|| context.ledger().tip.commit.clone()),
    };
    let opening = match prepared.write {
        WriteMode::Push => None,
        WriteMode::Branch => Some(opening(context, prepared).await?),
    };
    let is_apart = beside.is_some() && !is_one_remote;
    write.step(WriteStep::Pushing)?;
    write.say(Progress::Pushing);
    let mut notes = Vec::new();
    if let (WriteMode::Branch, Some(hold)) = (prepared.write, &beside) {
        notes.push(
            format!(
                "the hold is on {}, a proposal of its own for {}: open it too, and merge both",
                hold.branch, home.tip.branch
            )
            .into(),
        );
    }
    let mut pushed = match is_apart {
        true => None,
        false => Some(push(pin.clone(), beside.clone(), opening.clone()).await?),
    };
    let mut later = None;
    if let (Some(_), None | Some(Err(PushError::NotAtomic { .. }))) = (&beside, &pushed) {
        // Not all at once, so the hold that begins first: a pin without it could step forward again. What ends comes
        // last: the digest that it names is no free one before it is pinned.
        if let Some(hold) = &begins {
            note_first(write, hold)?;
            if !push_hold(write, hold).await? {
                return Ok(None);
            }
        }
        later = ends;
        pushed = None;
    }
    let pushed = match pushed {
        Some(pushed) => pushed,
        None => push(pin, None, opening.clone()).await?,
    };
    match pushed {
        Ok((mut pushed, took_options)) => {
            // The remote has it: from here on nothing makes it a failure.
            if let Some(running) = &mut write.running
                && let Err(error) = running.step(WriteStep::Pushed, Timestamp::now())
            {
                pushed.words.push(stays(&error));
            }
            let not_ended = match later {
                Some(end) => push_end(end, &mut pushed.words).await,
                None => None,
            };
            let mut landed = LandedPush {
                commits: made.of_plans(write, not_ended.is_none()),
                is_open: took_options == Some(true) && pushed.url.as_deref().is_some_and(opening::is_there),
                url: pushed.url,
                words: pushed.words,
                refname: pushed.refname,
                notes: Vec::new(),
            };
            if took_options == Some(false) {
                landed.notes.push(WITHOUT_OPTIONS.into());
            }
            landed.notes.extend(notes);
            landed.notes.extend(not_ended);
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
        Err(error) if error.is_certain() => {
            let failure = Failure::from(&error);
            Err(match write.hold_landed {
                true => half(&failure),
                false => WriteFailure::from(failure).into(),
            })
        }
        Err(error) => {
            let failure = Failure::from(&error);
            Err(WriteEnd::Unclear(match write.hold_landed {
                true => failure.within("the hold is pushed").into(),
                false => failure.into(),
            }))
        }
    }
}

/// The remote that holds are pushed to.
fn remote_of_holds(home: &BranchCheckout) -> Result<String, Failure> {
    let remote = home.tip.remote.clone().ok_or_else(|| {
        let what = format!("the hold belongs on {}, which is on no remote", home.shown());
        Failure::usage(what).hint("push that branch first")
    })?;
    home.repo.check_push_remote(&remote).map_err(Failure::from)?;
    Ok(remote)
}

/// Whether the branch that is written and that of the policy are at one remote.
fn is_one_remote(context: &PlanContext) -> bool {
    let ledger = context.ledger();
    let (here, home) = (ledger.checkouts.at(ledger.place), &ledger.checkouts.home);
    here.repository.is_none() && here.tip.remote == home.tip.remote
}

/// The commits of a write, each in its own clone.
struct MadeCommits {
    /// Of the holds that begin, on the branch of the policy, where the pins lie elsewhere.
    begins: Vec<String>,
    /// Of those that end, on top of them.
    ends: Vec<String>,
    /// Of the plans.
    pins: Vec<String>,
}

impl MadeCommits {
    async fn make(write: &RunningWrite<'_>, context: &PlanContext, prepared: &Prepared) -> Result<Self, WriteEnd> {
        let pins_on = context.ledger().tip.commit.clone();
        let work: Vec<(Vec<FileChange>, String)> = prepared
            .drafts
            .iter()
            .map(|draft| (draft.files.clone(), draft.plan.message.clone()))
            .collect();
        // What waits in a proposal of its own since an earlier try is not made again.
        let is_proposed = write.hold_landed && prepared.write == WriteMode::Branch;
        let beside = |is_end: bool| -> Vec<(Vec<FileChange>, String)> {
            let all = prepared.drafts.iter().flat_map(|draft| draft.beside.clone());
            all.filter(|beside| beside.is_end == is_end && !is_proposed)
                .map(|beside| (vec![beside.change], beside.message))
                .collect()
        };
        let (begins, ends) = (beside(false), beside(true));
        let (repo, home) = (context.repo.clone(), context.ledger().checkouts.home.clone());
        let made = blocking(move || {
            let begins = commit(&home.repo, home.tip.commit.clone(), &begins)?;
            let base = begins.last().unwrap_or(&home.tip.commit).clone();
            let ends = commit(&home.repo, base, &ends)?;
            Ok::<_, WriteFailure>(Self {
                begins,
                ends,
                pins: commit(&repo, pins_on, &work)?,
            })
        });
        let made = made.await??;
        match made.pins.is_empty() {
            true => Err(WriteFailure::from(Failure::bug("there was nothing to commit")).into()),
            false => Ok(made),
        }
    }

    /// The one that is pushed.
    fn last(&self) -> &str {
        self.pins.last().map_or("", String::as_str)
    }

    /// Those of the holds, in order.
    fn holds(&self) -> impl Iterator<Item = &String> {
        self.begins.iter().chain(&self.ends)
    }

    /// Each plan's at the plan's place, and then those of holds; `ended` tells whether those that end landed.
    fn of_plans(self, write: &RunningWrite<'_>, ended: bool) -> Vec<String> {
        let landed = write
            .running
            .as_ref()
            .and_then(|running| running.entry().first.as_ref());
        let landed = landed.filter(|_| self.begins.is_empty() && write.hold_landed);
        let landed = landed.map(|first| first.commit.clone());
        let ends = self.ends.into_iter().filter(|_| ended);
        self.pins
            .into_iter()
            .chain(landed)
            .chain(self.begins)
            .chain(ends)
            .collect()
    }
}

/// A push, as it travels to another thread.
#[derive(Clone)]
struct OwnedPush {
    repo: GitRepo,
    remote: String,
    branch: String,
    commit: String,
    /// What the branch must be at; `None` = there must be no such branch.
    at: Option<String>,
}

impl OwnedPush {
    fn as_push(&self) -> Push<'_> {
        Push {
            remote: &self.remote,
            branch: &self.branch,
            commit: &self.commit,
            expected: self.at.as_deref().map_or(Expected::Absent, Expected::At),
        }
    }
}

/// What came of a push; with it, whether options that were sent along were taken.
type PushResult = Result<(Pushed, Option<bool>), PushError>;

async fn push(
    pin: OwnedPush,
    beside: Option<OwnedPush>,
    opening: Option<Arc<Opening>>,
) -> Result<PushResult, WriteEnd> {
    let pushed = blocking(move || {
        let (push, beside) = (pin.as_push(), beside.as_ref().map(OwnedPush::as_push));
        let options = opening.as_ref().and_then(|opening| opening.options(&pin.branch));
        match (&opening, options, beside) {
            (Some(opening), Some(options), None) => pin
                .repo
                .propose(push, opening.proposing(&options))
                .map(|done| (done.pushed, Some(done.took_options))),
            _ => pin.repo.push_with(push, beside).map(|pushed| (pushed, None)),
        }
    });
    pushed.await.map_err(|error| WriteEnd::Unclear(error.into()))
}

/// Writes down where the hold goes, before it is pushed on its own.
fn note_first(write: &mut RunningWrite<'_>, hold: &OwnedPush) -> Result<(), WriteFailure> {
    let first = FirstPush {
        remote: hold.remote.clone(),
        branch: hold.branch.clone(),
        commit: hold.commit.clone(),
    };
    match &mut write.running {
        Some(running) => Ok(running.pushes_first(first, Timestamp::now()).map_err(Failure::from)?),
        None => Err(Failure::bug("a push without its journal").into()),
    }
}

/// Pushes the hold alone; `false` = somebody else pushed first, and nothing landed.
async fn push_hold(write: &mut RunningWrite<'_>, hold: &OwnedPush) -> Result<bool, WriteEnd> {
    match push(hold.clone(), None, None).await? {
        Ok(_) => {}
        Err(PushError::NonFastForward { .. }) => return Ok(false),
        Err(error) if error.is_certain() => return Err(WriteFailure::from(Failure::from(&error)).into()),
        Err(error) => return Err(WriteEnd::Unclear(Failure::from(&error).into())),
    }
    write.hold_landed = true;
    match write.step(WriteStep::HoldPushed) {
        Ok(()) => Ok(true),
        Err(failure) => Err(half(&Failure::failed(failure.what().clone()))),
    }
}

/// Pushes the end of a hold after its pin; what it says is why it may still stand. The pin has landed, and what stands
/// closes, so that is no failure.
async fn push_end(end: OwnedPush, words: &mut Vec<Untrusted>) -> Option<Untrusted> {
    let why = match push(end, None, None).await {
        Ok(Ok((pushed, _))) => {
            words.extend(pushed.words);
            return None;
        }
        Ok(Err(error)) => Failure::from(&error),
        Err(end) => Failure::failed(end.into_failure().what().clone()),
    };
    Some(
        format!(
            "the pin is pushed, and the hold that was to end with it may still stand ({}): `pindeck hold list` shows it, and \
             `pindeck hold release` ends it",
            why.what.raw()
        )
        .into(),
    )
}

/// The hold landed, and the pin did not: which is which is said, and the journal keeps it.
pub(super) fn half(failure: &Failure) -> WriteEnd {
    WriteEnd::Unclear(half_done(failure).into())
}

/// The same as a failure. Nothing else of why it is so is a plain refusal.
pub(super) fn half_done(failure: &Failure) -> Failure {
    let what = format!("the hold is pushed, the pin is not: {}", failure.what.raw());
    let hint = match (failure.kind, &failure.hint) {
        (FailureKind::Conflict | FailureKind::Usage, Some(own)) => {
            own.or_else("`pindeck resume --drop` leaves the hold alone, and `pindeck hold release` ends it")
        }
        _ => "`pindeck resume` finishes it once the pin can be pushed; `pindeck resume --drop` leaves the hold alone, and \
              `pindeck hold release` ends it"
            .into(),
    };
    Failure::failed(what).hint(hint)
}

/// What is said where the remote takes no push options.
const WITHOUT_OPTIONS: &str = "the remote takes no push options: the branch was pushed again without them, and nobody has opened a pull request for it";

/// How the pull request of a write is opened.
async fn opening(context: &PlanContext, prepared: &Prepared) -> Result<Arc<Opening>, WriteFailure> {
    let engine = context.engine.clone();
    let (team, base) = (context.ledger().team.clone(), context.ledger().tip.branch.clone());
    let (repo, remote, plans) = (
        context.repo.clone(),
        context.remote.clone(),
        prepared.proposal.plans.clone(),
    );
    let opening = blocking(move || Opening::of(&engine, &team, (&repo, &remote), &base, &plans));
    Ok(Arc::new(opening.await?))
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
