//! `pindeck pin`: pins by tag get the digest that their tag names now.

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::EnvId;
use crate::domain::write::{Ask, Request};

use super::args::PinArgs;
use super::command_context::CommandContext;
use super::write;

/// Runs `pindeck pin`.
///
/// # Errors
/// If there is no usable repository.
pub(crate) async fn run(context: &CommandContext, args: &PinArgs) -> Result<Exit, Failure> {
    let ask = Ask::Pin {
        services: args.services.iter().map(|s| s.as_str().into()).collect(),
        environment: args.environment.as_ref().map(EnvId::new),
    };
    let request = Request {
        reason: args.reason.clone(),
        acknowledge_warned: args.acknowledge_warned,
        ..Request::new(ask)
    };
    Ok(write::run(&context.engine()?, "pin", request, &(&args.write).into()).await)
}
