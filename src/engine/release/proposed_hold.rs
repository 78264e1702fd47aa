//! What became of a hold that was proposed on its own, where its pin is to be proposed later.

use crate::domain::failure::Failure;
use crate::domain::hold::HoldChange;
use crate::domain::write::WriteFailure;
use crate::engine::holds;
use crate::engine::open::blocking;
use crate::sources::git::write::PushError;

use super::draft::Prepared;
use super::plan_context::PlanContext;
use super::running_write::RunningWrite;

/// Where the proposal of a hold has come that is not in force.
enum ProposedHold {
    /// It waits to be merged.
    Waits,
    /// It was merged, whichever way, and has ended since.
    Ended,
    /// Its branch is gone, and nobody has merged it.
    Gone,
}

/// Checks that a hold that was proposed on its own waits to be merged, where it is not in force: where somebody ended it or
/// took the proposal away, its pin must not be proposed without it.
pub(super) async fn still_waits(
    write: &RunningWrite<'_>,
    context: &PlanContext,
    prepared: &Prepared,
) -> Result<(), WriteFailure> {
    let first = write.running.as_ref().and_then(|running| running.entry().first.clone());
    let home = context.ledger().checkouts.home.clone();
    let (Some(first), Some(remote)) = (first, home.tip.remote.clone()) else {
        return Ok(());
    };
    let begins: Vec<HoldChange> = prepared
        .drafts
        .iter()
        .flat_map(|draft| draft.plan.holds.iter().filter(|change| !change.is_end()).cloned())
        .collect();
    let branch = home.tip.branch.clone();
    let proposal = first.branch.clone();
    let found = blocking(move || -> Result<ProposedHold, PushError> {
        let is_merged = home.repo.landed(&remote, &home.tip.branch, &first.commit)?;
        // Merged as a commit of another name (squashed, rebased), it stood on the branch for a while.
        let changes = home
            .repo
            .commits_changing(holds::FILE, &first.commit, &home.tip.commit)?;
        let stood = |commit: &String| {
            let there = holds::read(&home.repo, commit).unwrap_or_default();
            let stands = |change: &HoldChange| there.iter().any(|hold| change.is_of(hold));
            begins.iter().any(stands)
        };
        if is_merged || changes.iter().any(stood) {
            return Ok(ProposedHold::Ended);
        }
        Ok(match home.repo.remote_branch(&first.remote, &first.branch)? {
            Some(_) => ProposedHold::Waits,
            None => ProposedHold::Gone,
        })
    });
    let what = match found.await?.map_err(|error| Failure::from(&error))? {
        ProposedHold::Waits => return Ok(()),
        ProposedHold::Ended => format!("the hold of this write was merged into {branch} and has ended since"),
        ProposedHold::Gone => {
            format!("the proposal of the hold of this write ({proposal}) is gone, and was not merged")
        }
    };
    Err(Failure::conflict(format!("{what}; nothing was proposed without it"))
        .hint("drop it (`pindeck resume --drop`), and plan it again")
        .into())
}
