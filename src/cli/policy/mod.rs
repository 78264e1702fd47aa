//! `pindeck policy`: the team's policy beside the cluster's own gate.

mod compare;
mod import;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;

use super::args::{PolicyArgs, PolicyCommand};
use super::command_context::CommandContext;

pub(crate) use import::{existing_names, import, write_keys};

/// Runs `pindeck policy`.
///
/// # Errors
/// If a policy cannot be read, or there is no usable repository.
pub(crate) async fn run(context: &CommandContext, args: &PolicyArgs) -> Result<Exit, Failure> {
    match &args.command {
        PolicyCommand::Compare(args) => compare::run(context, args).await,
        PolicyCommand::Import(args) => import::run(context, args).await,
    }
}
