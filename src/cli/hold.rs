//! `pindeck hold`: digests that may not step forward.

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::board::Hold as InForce;
use crate::domain::failure::Failure;
use crate::domain::id::Target;
use crate::domain::text::Clean;
use crate::domain::write::{Ask, Request};

use super::args::{HoldArgs, HoldCommand};
use super::command_context::CommandContext;
use super::output::say;
use super::text::Table;
use super::{json, write};

#[derive(Debug, Serialize)]
struct HoldsDoc<'a> {
    holds: &'a [InForce],
}

/// Runs `pindeck hold`.
///
/// # Errors
/// If there is no usable repository, or its holds cannot be read.
pub(crate) async fn run(context: &CommandContext, args: &HoldArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let (ask, reason, how) = match &args.command {
        HoldCommand::List(list) => {
            let holds = engine.holds().await?;
            if list.json {
                json::print("hold", HoldsDoc { holds: &holds })?;
            } else {
                for line in lines(&holds) {
                    say(&line)?;
                }
            }
            return Ok(context.with_freshness(&engine, Exit::Done));
        }
        HoldCommand::Add(add) => {
            let target = Target::new(add.service.as_str(), add.environment.as_str());
            let digest = add.digest;
            (Ask::Hold { target, digest }, Some(add.reason.clone()), &add.write)
        }
        HoldCommand::Release(release) => {
            let target = Target::new(release.service.as_str(), release.environment.as_str());
            (Ask::ReleaseHold { target }, release.reason.clone(), &release.write)
        }
    };
    let request = Request {
        reason,
        ..Request::new(ask)
    };
    Ok(write::run(&engine, "hold", request, &how.into()).await)
}

fn lines(holds: &[InForce]) -> Vec<String> {
    if holds.is_empty() {
        return vec!["no holds".to_owned()];
    }
    let mut table = Table::new(&["SERVICE", "ENVIRONMENT", "DIGEST", "SINCE", "BY", "REASON"]);
    for hold in holds {
        let cells = [
            hold.service.to_string(),
            hold.environment.to_string(),
            hold.digest.to_string(),
            hold.since.map_or_else(String::new, |at| at.to_string()),
            hold.by.as_ref().map_or_else(String::new, |by| by.raw().to_owned()),
            hold.reason.raw().to_owned(),
        ];
        table.row(cells.map(|c| Clean::from_untrusted(&c).into_string()));
    }
    table.lines()
}
