//! `pindeck promote`: digests step forward, all of a set or none.

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::EnvId;
use crate::domain::write::{Ask, Source};

use super::args::PromoteArgs;
use super::command_context::CommandContext;
use super::write;

/// Runs `pindeck promote`.
///
/// # Errors
/// If there is no usable repository.
pub(crate) async fn run(context: &CommandContext, args: &PromoteArgs) -> Result<Exit, Failure> {
    let from = match (&args.from, args.digest) {
        (_, Some(digest)) => Some(Source::Digest(digest)),
        (Some(from), None) if from == "candidate" => Some(Source::Candidate),
        (Some(from), None) => Some(Source::Environment(EnvId::new(from))),
        (None, None) => None,
    };
    let ask = Ask::Promote {
        services: args.services.iter().map(|s| s.as_str().into()).collect(),
        to: EnvId::new(&args.to),
        from,
    };
    let request = args.rewrite.request(ask);
    Ok(write::run(&context.engine()?, "promote", request, &(&args.rewrite.write).into()).await)
}
