//! `pindeck revert`: an earlier digest comes back.

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::Target;
use crate::domain::write::{Ask, Request, Scope};

use super::args::RevertArgs;
use super::command_context::CommandContext;
use super::write;

/// Runs `pindeck revert`.
///
/// # Errors
/// If there is no usable repository.
pub(crate) async fn run(context: &CommandContext, args: &RevertArgs) -> Result<Exit, Failure> {
    let ask = Ask::Revert {
        target: Target::new(args.service.as_str(), args.environment.as_str()),
        to: args.to,
        scope: if args.whole_commit {
            Scope::WholeCommit
        } else {
            Scope::Auto
        },
    };
    let request = Request {
        release_hold: args.release_hold,
        ..args.rewrite.request(ask)
    };
    Ok(write::run(&context.engine()?, "revert", request, &(&args.rewrite.write).into()).await)
}
