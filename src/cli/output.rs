//! Lines of the result on stdout, and warnings on stderr.

use std::io::{self, Write as _};

use crate::domain::failure::Failure;

/// Prints one line of the result. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// If stdout does not take it.
pub(super) fn say(line: &str) -> Result<(), Failure> {
    say_on(line).map(drop)
}

/// Prints one line of a result that has no end. The answer is `false` when nobody reads any more.
///
/// # Errors
/// If stdout does not take it.
pub(super) fn say_on(line: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(output_failed(&error)),
    }
}

/// The failure of a result that could not be written to stdout.
pub(super) fn output_failed(error: &io::Error) -> Failure {
    Failure::failed(format!("the result could not be written to stdout: {error}")).hint("give stdout somewhere to go")
}

/// Prints one line for people on stderr.
pub(super) fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "pindeck: {line}");
}

/// Prints one line on stderr as it is. Where nobody reads, nothing is said.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
