//! `pindeck cache`: what is kept, and emptying it.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::config::user;
use crate::domain::failure::Failure;
use crate::engine::cache::{self, CacheContents};

use super::args::{CacheArgs, CacheCommand};
use super::command_context::CommandContext;
use super::json;
use super::output::say;

#[derive(Debug, Serialize)]
struct CacheDoc<'a> {
    path: &'a str,
    #[serde(flatten)]
    holdings: CacheContents,
    limit_bytes: u64,
    cleared: bool,
}

/// Runs `pindeck cache`.
///
/// # Errors
/// If there is no place for a cache, or it cannot be read or emptied.
pub(crate) fn run(context: &CommandContext, args: &CacheArgs) -> Result<Exit, Failure> {
    let dir: PathBuf = user::cache_dir()
        .ok_or_else(|| Failure::failed("there is no folder for a cache here").hint("set HOME or PINDECK_CACHE_DIR"))?;
    let path = dir.display().to_string();
    let (result, as_json, cleared) = match args.command {
        CacheCommand::Info(how) => (cache::holdings(&dir), how.json, false),
        CacheCommand::Clear(how) => (cache::clear(&dir), how.json, true),
    };
    let holdings = result.map_err(|error| {
        Failure::failed(format!("the cache in {path} cannot be used: {error}"))
            .hint("correct its permissions, or delete it: everything in it can be fetched again")
    })?;
    let limit_bytes = context.options().cache_bytes;
    if as_json {
        json::print(
            "cache",
            CacheDoc {
                path: &path,
                holdings,
                limit_bytes,
                cleared,
            },
        )?;
        return Ok(Exit::Done);
    }
    let what = format!(
        "{} pieces of content ({} bytes), {} verdicts, {} surveys of commits and {} clones of repositories",
        holdings.entries, holdings.bytes, holdings.verdicts, holdings.surveys, holdings.repositories
    );
    if cleared {
        say(&format!("removed {what} from {path}"))?;
    } else {
        say(&format!(
            "{path}: {what}; at most {limit_bytes} bytes of content are kept"
        ))?;
    }
    Ok(Exit::Done)
}
