//! `pindeck demo`: the cockpit on the embedded world.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::app::state::Setup;
use crate::cli::exit::Exit;
use crate::demo::{DemoOptions, READY, Script, World};
use crate::domain::failure::{Failure, shell_word};
use crate::domain::id::Target;
use crate::engine::{Engine, OpenOptions};

use super::args::DemoArgs;
use super::backend::EngineBackend;
use super::cockpit;
use super::command_context::CommandContext;
use super::signals::Interrupts;

/// How often the cockpit looks again: everything is on this machine.
const REFRESH: SignedDuration = SignedDuration::from_secs(4);
/// From one thing that happens to the next, at speed 1.
const STEP: Duration = Duration::from_secs(20);

/// Runs `pindeck demo`.
///
/// # Errors
/// If the world cannot be made, or the cockpit cannot run.
pub(crate) async fn run(context: &CommandContext, args: &DemoArgs) -> Result<Exit, Failure> {
    let options = DemoOptions {
        dir: args.dir.clone(),
        cluster: true,
    };
    let interrupts = Interrupts::listen();
    // Interrupted while it is made, its folder goes with it.
    let world = match interrupts.or(World::start(options)).await {
        Ok(world) => world?,
        Err(status) => return Ok(status),
    };
    let engine = Engine::open(options_of(context, &world))?;
    // Nobody listened between the making of the world and the cockpit's own listening.
    if let Some(status) = interrupts.status() {
        return Ok(status);
    }
    let setup = Setup {
        banner: Some("demo".to_owned()),
        read_only: context.global.read_only,
        offline: false,
        refresh_every: Some(REFRESH),
        global_arguments: format!("-C {}", shell_word(&world.clone_dir().display().to_string())),
        log: super::log::path().map(|path| path.display().to_string()),
        start_at: Some(Target::new(READY.0, READY.1)),
        guided: !context.global.read_only,
        ..Setup::default()
    };
    let world = Arc::new(world);
    let (stop, stopped) = watch::channel(false);
    let happening = tokio::spawn(happen(Arc::clone(&world), args.speed, stopped));
    let ended = cockpit::open(
        context,
        Arc::new(EngineBackend::new(engine, &context.user.keys)),
        setup,
        None,
    )
    .await;
    // Whatever is happening is waited for: nothing may write into the folder any more when it goes.
    let _ = stop.send(true);
    let _ = happening.await;
    if args.dir.is_some() {
        let repository = shell_word(&world.clone_dir().display().to_string());
        super::output::warn(&format!(
            "the demo's world is kept in {}; its registries and its cluster were in this process and have ended with it. \
             What git knows can be looked at with `pindeck -C {repository} --offline`; a world that answers needs \
             another `pindeck demo`",
            world.folder().display()
        ));
    } else if let Err(error) = world.remove() {
        let folder = world.folder().display();
        super::output::warn(&format!("the demo's folder {folder} could not be removed: {error}"));
    }
    ended
}

/// Cache and state of the demo are its own: they end with it.
fn options_of(context: &CommandContext, world: &World) -> OpenOptions {
    let own = |name: &str| Some(Path::join(world.folder(), name));
    OpenOptions {
        dir: world.clone_dir(),
        config: None,
        offline: false,
        no_fetch: false,
        clusters: world.clusters(),
        cache_dir: own("cache"),
        state_dir: own("state"),
        data_dir: own("data"),
        ..context.options()
    }
}

/// Lets things happen at the asked pace; 0 stands still.
async fn happen(world: Arc<World>, speed: f64, mut stopped: watch::Receiver<bool>) {
    if speed <= 0.0 {
        return;
    }
    let pause = STEP.div_f64(speed.clamp(0.01, 1000.0));
    let mut script = Script::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let world = Arc::clone(&world);
        let stepped = tokio::task::spawn_blocking(move || {
            let result = script.step(&world);
            (script, result)
        });
        let Ok((back, result)) = stepped.await else { return };
        script = back;
        match result {
            Ok(happened) => tracing::info!(?happened, "the demo's CI"),
            Err(error) => tracing::warn!(%error, "the demo's CI"),
        }
    }
}
