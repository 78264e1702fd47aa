//! Event loop, executor and clock: what ties the pure cockpit to a terminal and an engine.
//!
//! One task owns the state. Input, answers and time reach it as messages over bounded channels; what
//! it wants done goes to the executor as commands.

pub mod backend;
pub mod clock;
pub mod display;
pub mod event_loop;
pub mod executor;
pub mod input;
mod options;
pub mod plain;
mod remembered;

use std::sync::Arc;

pub use backend::{Backend, BackendJob};
pub use options::{CockpitEnd, CockpitOptions, RunError};
pub use remembered::Remembered;

/// Runs the cockpit until the person leaves.
///
/// # Errors
/// A [`RunError`]; the terminal has been given back by then.
pub async fn run(backend: Arc<dyn Backend>, options: CockpitOptions) -> Result<CockpitEnd, RunError> {
    event_loop::run(backend, options).await
}
