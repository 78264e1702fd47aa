//! The cockpit: in a real terminal, on its embedded world, and in a repository without configuration.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod cockpit {
    mod demo;
    mod first_look;
    #[cfg(unix)]
    mod pty;
}
