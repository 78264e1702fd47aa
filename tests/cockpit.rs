//! The cockpit: in a real terminal, on its embedded world, and in a repository without configuration.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod cockpit {
    mod demo;
    #[cfg(unix)]
    mod endings;
    #[cfg(unix)]
    mod failing;
    #[cfg(unix)]
    mod faults;
    mod first_look;
    mod fleet;
    #[cfg(unix)]
    mod input;
    #[cfg(unix)]
    mod plain;
    #[cfg(unix)]
    mod pty;
    #[cfg(unix)]
    mod shells;
    #[cfg(target_os = "linux")]
    mod soak;
    #[cfg(target_os = "linux")]
    mod soak_figures;
    #[cfg(unix)]
    mod terminal;
    #[cfg(unix)]
    mod tmux;
    #[cfg(unix)]
    mod writes;
}
