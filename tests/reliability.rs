//! What every operation does under every fault: one table, written down before it is run.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

#[cfg(unix)]
mod reliability {
    mod faults;
    mod matrix;
    mod place;
    mod scene;
}
