//! Event loop, executor and clock: what ties the pure cockpit to a terminal and an engine.
//!
//! One task owns the state. Input, answers and time reach it as messages over bounded channels; what
//! it wants done goes to the executor as commands.

pub(crate) mod backend;
pub(crate) mod clock;
pub(crate) mod display;
pub(crate) mod event_loop;
pub(crate) mod executor;
mod faults;
pub(crate) mod folding;
#[cfg(feature = "measure")]
pub mod headless;
pub(crate) mod input;
mod options;
mod pace;
mod parting;
pub(crate) mod plain;
mod remembered;
mod session;
mod signals;

#[cfg(test)]
#[path = "pictures_tests.rs"]
mod pictures;

use std::sync::Arc;

pub(crate) use backend::Backend;
pub(crate) use options::{CockpitEnd, CockpitOptions, RunError};
pub(crate) use parting::Parting;
pub(crate) use remembered::Remembered;

/// Runs the cockpit until the person leaves.
///
/// # Errors
/// A [`RunError`]; the terminal has been given back by then.
pub(crate) async fn run(backend: Arc<dyn Backend>, options: CockpitOptions) -> Result<CockpitEnd, RunError> {
    event_loop::run(backend, options).await
}
