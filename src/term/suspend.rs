//! Ctrl-Z: give the terminal back and stop. Who is continued takes it again only in the foreground.

use std::io;

use super::guard::Guard;

/// Gives the terminal back and stops this process and everything started with it, as the shell's own Ctrl-Z would;
/// returns when continued, perhaps in the background.
///
/// # Errors
/// If the terminal cannot be switched, or nothing can be stopped.
pub(crate) fn suspend(guard: &Guard) -> io::Result<()> {
    guard.pause()?;
    stop().or_else(|error| guard.resume().and(Err(error)))
}

/// Whether the terminal is ours to touch. A process in the background that switches the terminal is stopped once more,
/// and if that happens while `fg` continues it, nobody continues it again.
#[cfg(unix)]
pub(crate) fn is_in_foreground() -> bool {
    // Who is not told (no terminal, no job control) is stopped by nobody either.
    rustix::termios::tcgetpgrp(io::stdin()).map_or(true, |group| group == rustix::process::getpgrp())
}

/// Whether the terminal is ours to touch.
#[cfg(not(unix))]
pub(crate) fn is_in_foreground() -> bool {
    true
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
