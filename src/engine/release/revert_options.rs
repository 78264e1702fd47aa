//! Options of a revert that do not go together.

use crate::domain::failure::{Failure, Hint};
use crate::domain::policy::{Environment, WriteMode};
use crate::domain::write::{Ask, Request, Scope};

/// Refuses what cannot be done in one revert.
///
/// # Errors
/// If two options contradict each other, or the environment takes one of them not.
pub(super) fn check(request: &Request, environment: &Environment, scope: Scope) -> Result<(), Failure> {
    if request.take_copies && scope == Scope::WholeCommit {
        return Err(
            Failure::usage("a whole commit brings back what it changed, and takes no other copies along")
                .hint("revert this pin alone, with its copies"),
        );
    }
    if let (true, WriteMode::Branch, Ask::Revert { target, .. }) =
        (request.release_hold, environment.write, &request.ask)
    {
        return Err(Failure::usage(format!(
            "{} is written by pull requests, where a hold must not end before the pin changes",
            environment.name
        ))
        .hint(Hint::with(
            "release the hold by itself: `pindeck hold release {} --env {}`",
            &[(&target.service).into(), (&target.environment).into()],
        )));
    }
    Ok(())
}
