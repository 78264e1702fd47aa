//! Ctrl-Z: give the terminal back, stop, take it again when continued.

use std::io;

use super::guard::Guard;

/// Stops this process and everything started with it, as the shell's own Ctrl-Z would; returns
/// when continued.
///
/// # Errors
/// If the terminal cannot be switched, or nothing can be stopped.
pub(crate) fn suspend(guard: &Guard) -> io::Result<()> {
    guard.pause()?;
    let stopped = stop();
    guard.resume()?;
    stopped
}

/// Stops the whole process group: under `cargo run` or a wrapper script, stopping this process alone
/// would leave the terminal with nobody to answer.
#[cfg(unix)]
fn stop() -> io::Result<()> {
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn stop() -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no job control",
    ))
}
