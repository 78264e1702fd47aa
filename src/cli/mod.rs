//! The command line: one file per subcommand.
//!
//! stdout carries the result and nothing else; progress, warnings and errors go to stderr.

pub(crate) mod args;
mod backend;
mod cache;
mod check;
mod cockpit;
mod command_context;
mod config;
mod demo;
mod diff;
mod drift;
mod evidence;
pub(crate) mod exit;
mod generate;
mod history;
mod hold;
mod init;
mod json;
mod log;
mod names;
mod output;
mod pin;
mod policy;
mod promote;
mod resume;
mod revert;
mod root_warnings;
mod running;
pub(crate) mod signals;
mod status;
mod text;
mod trust;
mod verify;
pub(crate) mod write;

use crate::cli::exit::Exit;
use crate::domain::failure::{Failure, Hint, Part};
use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use args::{Cli, CliCommand};
use command_context::CommandContext;
use output::output_failed;

/// Runs the command line and returns the number of its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let json = arguments
        .iter()
        .skip(1)
        .take_while(|a| *a != "--")
        .any(|a| a == "--json");
    let status = match Cli::try_parse_from(&arguments) {
        Ok(cli) => start(cli),
        Err(error) if !error.use_stderr() => match error.print() {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(output_failed(&error)),
        },
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json => {
            let _ = error.print();
            Ok(Exit::Usage)
        }
        Err(error) => Err(wrong_arguments(&error, &arguments)),
    };
    let status = status.unwrap_or_else(|failure| {
        if json {
            json::print_failure(&failure);
        }
        let mut stderr = io::stderr().lock();
        let status = Exit::of(failure.kind);
        let _ = writeln!(stderr, "pindeck: {}", failure.what.clean());
        let _ = writeln!(stderr, "  next: {}", failure.next());
        if status == Exit::Failed
            && let Some(path) = log::path().filter(|path| path.exists())
        {
            let _ = writeln!(stderr, "  log: {}", path.display());
        }
        status
    });
    status.code()
}

/// What is wrong with the arguments, as a failure. The parser's text quotes what was typed, so the hint is
/// made only of the names that pindeck itself defines.
fn wrong_arguments(error: &clap::Error, arguments: &[OsString]) -> Failure {
    use clap::error::{ContextKind, ContextValue};
    let text = error.render().to_string();
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let failure = Failure::usage(message.strip_prefix("error: ").unwrap_or(&message));
    let names = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => Vec::new(),
    };
    let part = |names: &[String]| Part::names(names.iter().map(String::as_str));
    for kind in [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ] {
        let suggested = names(kind);
        if !suggested.is_empty() {
            return failure.hint(Hint::with("did you mean {}? See `pindeck --help`", &[part(&suggested)]));
        }
    }
    let program = Cli::command();
    let mut known = program.get_subcommands().map(clap::Command::get_name);
    match known.find(|name| arguments.iter().any(|argument| argument == name)) {
        Some(subcommand) => failure.hint(Hint::with("see `pindeck {} --help`", &[Part::name(subcommand)])),
        None => failure,
    }
}

/// Threads at most for work that blocks: the cache's files, judging evidence, asking for the addresses of hosts. Each thread
/// takes memory, and what comes in a burst waits for them as well in a queue. They are far more than there are cores, for a
/// write takes one for as long as it lasts, and a name server that does not answer takes several for its whole time limit.
const BLOCKING_THREADS: usize = 64;

fn start(cli: Cli) -> Result<Exit, Failure> {
    log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("no worker threads could be started: {e}")))?;
    let result = runtime.block_on(dispatch(cli));
    // A git operation that blocks must not keep an interrupted program alive.
    runtime.shutdown_background();
    result
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let context = CommandContext::new(cli.global)?;
    let context = &context;
    let Some(command) = cli.command else {
        return cockpit::run(context).await;
    };
    // Reads end where they are when a signal comes. Writes listen to it themselves: they end only
    // where nothing is half done.
    match command {
        CliCommand::Status(args) => signals::or_interrupted(status::run(context, &args)).await,
        CliCommand::Evidence(args) => signals::or_interrupted(evidence::run(context, &args)).await,
        CliCommand::Verify(args) => signals::or_interrupted(verify::run(context, &args)).await,
        CliCommand::Drift(args) => signals::or_interrupted(drift::run(context, &args)).await,
        CliCommand::Diff(args) => signals::or_interrupted(diff::run(context, &args)).await,
        CliCommand::Check(args) => signals::or_interrupted(check::run(context, &args)).await,
        CliCommand::Running(args) => signals::or_interrupted(running::run(context, &args)).await,
        CliCommand::Demo(args) => demo::run(context, &args).await,
        CliCommand::Policy(args) => signals::or_interrupted(policy::run(context, &args)).await,
        CliCommand::Pin(args) => pin::run(context, &args).await,
        CliCommand::Promote(args) => promote::run(context, &args).await,
        CliCommand::Revert(args) => revert::run(context, &args).await,
        CliCommand::Hold(args) => hold::run(context, &args).await,
        CliCommand::Resume(args) => resume::run(context, &args).await,
        CliCommand::History(args) => signals::or_interrupted(history::run(context, &args)).await,
        CliCommand::Cache(args) => cache::run(context, &args),
        CliCommand::Generate(args) => generate::run(&args),
        CliCommand::Init(args) => signals::or_interrupted(init::run(context, &args)).await,
        CliCommand::Trust(args) => signals::or_interrupted(trust::run(context, &args)).await,
        CliCommand::Config(args) => signals::or_interrupted(config::run(context, &args)).await,
    }
}
