//! Options of a revert that do not go together.

use crate::domain::failure::{Failure, Hint};
use crate::domain::policy::{Environment, WriteMode};
use crate::domain::write::{Ask, Request};

/// Refuses what cannot be done in one revert.
///
/// # Errors
/// If the environment cannot take one of the options.
pub(super) fn check(request: &Request, environment: &Environment) -> Result<(), Failure> {
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
