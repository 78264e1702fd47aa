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
mod generate;
mod history;
mod hold;
mod init;
mod json;
mod log;
mod names;
mod outcome;
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

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Cli, Command};
use outcome::Failure;
use situation::Situation;

/// Parses, runs, and answers the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let json = arguments
        .iter()
        .skip(1)
        .take_while(|a| *a != "--")
        .any(|a| a == "--json");
    let result = match Cli::try_parse_from(&arguments) {
        Ok(cli) => start(cli),
        Err(error) if !error.use_stderr() => match error.print() {
            Ok(()) => Ok(outcome::DONE),
            Err(error) => Err(Failure::output(&error)),
        },
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json => {
            let _ = error.print();
            Ok(outcome::USAGE)
        }
        Err(error) => Err(misspoken(&error)),
    };
    result.unwrap_or_else(|failure| {
        if json {
            json::print_failure(&failure);
        }
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "pindeck: {}", failure.message);
        if !failure.next.is_empty() {
            let _ = writeln!(stderr, "  next: {}", failure.next);
        }
        if failure.code == outcome::FAILED
            && let Some(path) = log::path().filter(|path| path.exists())
        {
            let _ = writeln!(stderr, "  log: {}", path.display());
        }
        failure.code
    })
}

/// Clap's words as a failure of ours: the first paragraph is what is wrong, the rest what would be right.
fn misspoken(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text.trim().splitn(2, "\n\n");
    let fold = |part: Option<&str>| {
        let words: Vec<&str> = part.unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    };
    let message = fold(paragraphs.next());
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Failure::usage(message, fold(paragraphs.next()))
}

fn start(cli: Cli) -> Result<u8, Failure> {
    log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(outcome::FAILED, format!("no worker threads could be started: {e}"), ""))?;
    let result = runtime.block_on(dispatch(cli));
    // A git operation that blocks must not keep an interrupted program alive.
    runtime.shutdown_background();
    result
}

async fn dispatch(cli: Cli) -> Result<u8, Failure> {
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
        Err(error) => Err(Failure::output(&error)),
    }
}

/// One line for people, beside the result.
fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "pindeck: {line}");
}
