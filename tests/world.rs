//! A whole release world made by real tools, served as it was: what `pindeck status --json` says of it, field
//! by field, at what price, and what remains true when a registry fails.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod world {
    mod answers;
    mod budget;
    mod faults;
    mod listings;
    mod passes;
    mod served;
    mod version_labels;
    mod walk;
}
