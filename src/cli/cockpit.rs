//! `pindeck` without a subcommand: the cockpit, or its line mode.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::app::Keymap;
use crate::app::state::Setup;
use crate::cli::exit::Exit;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::engine::Engine;
use crate::runtime::plain::{self, PlainEnd, PlainOptions};
use crate::runtime::{self, Backend, CockpitEnd, CockpitOptions, Parting, Remembered, RunError};

use super::backend::EngineBackend;
use super::command_context::CommandContext;
use super::signals::Interrupts;

/// How often the cockpit looks again by itself.
const REFRESH: Duration = Duration::from_secs(60);

/// When trusted roots are looked at first: the first pass has said by then which ones the policy names.
const ROOTS_FIRST: Duration = Duration::from_secs(20);
/// How long after that again.
const ROOTS_AGAIN: Duration = Duration::from_secs(3600);

/// Opens the cockpit on this place's repository.
///
/// # Errors
/// If there is no repository, no terminal, or the preferences name something unknown.
pub(crate) async fn run(context: &CommandContext) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let setup = Setup {
        banner: None,
        read_only: context.global.read_only,
        offline: context.global.offline,
        refresh_every: (!context.global.offline).then(|| SignedDuration::try_from(REFRESH).unwrap_or_default()),
        global_arguments: context.global_arguments(),
        log: super::log::path().map(|path| path.display().to_string()),
        ..Setup::default()
    };
    let columns_file = columns_file(&context.options().dir);
    let refreshing = tokio::spawn(keep_roots_fresh(engine.clone()));
    let ended = open(
        context,
        Arc::new(EngineBackend::new(engine, &context.user.keys)),
        setup,
        columns_file,
    )
    .await;
    refreshing.abort();
    ended
}

/// Looks after the trusted roots in the background, for as long as the cockpit is open. A new one counts from the next
/// pass on.
async fn keep_roots_fresh(engine: Engine) {
    let mut pause = ROOTS_FIRST;
    loop {
        tokio::time::sleep(pause).await;
        engine.refresh_due_roots(runtime::clock::now()).await;
        pause = ROOTS_AGAIN;
    }
}

/// Runs a backend in the way this place asks for.
///
/// # Errors
/// As [`run`].
pub(crate) async fn open(
    context: &CommandContext,
    backend: Arc<dyn Backend>,
    setup: Setup,
    columns_file: Option<PathBuf>,
) -> Result<Exit, Failure> {
    if context.global.plain {
        return line_by_line(context, backend, setup).await;
    }
    let user = &context.user;
    let options = CockpitOptions {
        setup,
        keys: user.keys.clone(),
        theme: user.theme.clone(),
        remembered: Remembered {
            theme_file: crate::config::user::state_dir().map(|dir| dir.join("theme")),
            columns_file,
        },
        mouse: user.mouse,
        glyphs: user.glyphs.clone(),
        colours: user.colors.clone(),
        tell,
    };
    match runtime::run(backend, options).await? {
        CockpitEnd::Quit => Ok(Exit::Done),
        CockpitEnd::Signal(number) => Ok(Exit::Signal(number)),
    }
}

/// The cockpit as a conversation.
async fn line_by_line(context: &CommandContext, backend: Arc<dyn Backend>, setup: Setup) -> Result<Exit, Failure> {
    let options = PlainOptions {
        setup,
        keymap: Keymap::with(&context.user.keys).map_err(RunError::from)?,
        is_terminal: io::stdin().is_terminal(),
        clock: runtime::clock::now,
        columns: runtime::folding::columns,
    };
    let interrupts = Interrupts::listen();
    let lines = plain::lines(io::BufReader::new(io::stdin()));
    match plain::run(backend, options, lines, interrupts.cancel(), &mut io::stdout()).await {
        Ok(Ok(PlainEnd::Quit)) => Ok(Exit::Done),
        Ok(Ok(PlainEnd::Interrupted)) => Ok(interrupts.status().unwrap_or(Exit::of(FailureKind::Interrupted))),
        Ok(Err(failure)) => Err(failure),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(super::output::output_failed(&error)),
    }
}

/// Says what becomes of a write that was in flight when the cockpit ended.
fn tell(parting: Parting) {
    match parting {
        Parting::Waiting { what } => super::output::warn(&format!(
            "in flight: {what}. Waiting for its end; a second signal does not wait"
        )),
        Parting::Ended {
            proposal: Some(proposal),
            result,
            ..
        } => {
            for line in super::write::ended(&proposal, result.as_deref()) {
                super::output::note(&line);
            }
        }
        Parting::Ended { what, result, .. } => match result {
            Ok(_) => super::output::note(&format!("finished: {what}")),
            Err(failure) => super::output::warn(&format!("not finished: {what}: {}", failure.what().clean())),
        },
        Parting::Left { what } => super::output::warn(&format!(
            "not ended: {what}. `pindeck resume` says what stands, and finishes or drops it"
        )),
    }
}

/// Where the columns that were put away are remembered: for each repository its own, because environments of
/// the same name mean something else in another one.
fn columns_file(repository: &Path) -> Option<PathBuf> {
    let repository = repository.canonicalize().ok()?;
    let name = Digest::of(repository.as_os_str().as_encoded_bytes()).hex()[..16].to_owned();
    Some(crate::config::user::state_dir()?.join("columns").join(name))
}
