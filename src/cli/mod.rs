//! The command line: one file per subcommand.
//!
//! stdout carries the result and nothing else; progress, warnings and errors go to stderr.

pub mod args;
mod backend;
mod cache;
mod cockpit;
mod config;
mod demo;
mod diff;
mod drift;
mod evidence;
pub mod exit;
mod generate;
mod history;
mod hold;
mod init;
mod json;
mod log;
mod names;
mod pin;
mod promote;
mod resume;
mod revert;
pub mod signals;
mod situation;
mod status;
mod text;
mod verify;
pub mod write;

use crate::cli::exit::Exit;
use crate::domain::failure::{Failure, Hint, Part};
use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};
use situation::Situation;

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

fn start(cli: Cli) -> Result<Exit, Failure> {
    log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("no worker threads could be started: {e}")))?;
    let result = runtime.block_on(dispatch(cli));
    // A git operation that blocks must not keep an interrupted program alive.
    runtime.shutdown_background();
    result
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let at = Situation::new(cli.global)?;
    let at = &at;
    let Some(command) = cli.command else {
        return cockpit::run(at).await;
    };
    // Reads end where they are when a signal comes. Writes listen to it themselves: they end only
    // where nothing is half done.
    match command {
        Command::Status(args) => signals::or_interrupted(status::run(at, &args)).await,
        Command::Evidence(args) => signals::or_interrupted(evidence::run(at, &args)).await,
        Command::Verify(args) => signals::or_interrupted(verify::run(at, &args)).await,
        Command::Drift(args) => signals::or_interrupted(drift::run(at, &args)).await,
        Command::Diff(args) => signals::or_interrupted(diff::run(at, &args)).await,
        Command::Demo(args) => demo::run(at, &args).await,
        Command::Pin(args) => pin::run(at, &args).await,
        Command::Promote(args) => promote::run(at, &args).await,
        Command::Revert(args) => revert::run(at, &args).await,
        Command::Hold(args) => hold::run(at, &args).await,
        Command::Resume(args) => resume::run(at, &args).await,
        Command::History(args) => signals::or_interrupted(history::run(at, &args)).await,
        Command::Cache(args) => cache::run(at, &args),
        Command::Generate(args) => generate::run(&args),
        Command::Init(args) => signals::or_interrupted(init::run(at, &args)).await,
        Command::Config(args) => signals::or_interrupted(config::run(at, &args)).await,
    }
}

/// One line of the result. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// If stdout does not take it.
fn say(line: &str) -> Result<(), Failure> {
    say_on(line).map(drop)
}

/// The same for something without an end: `false` when nobody reads any more.
///
/// # Errors
/// If stdout does not take it.
fn say_on(line: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(output_failed(&error)),
    }
}

/// The result could not be written to stdout.
fn output_failed(error: &io::Error) -> Failure {
    Failure::failed(format!("the result could not be written to stdout: {error}")).hint("give stdout somewhere to go")
}

/// One line for people, beside the result.
fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "pindeck: {line}");
}
