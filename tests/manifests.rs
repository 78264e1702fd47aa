//! Manifests: a corpus of real ones, cases of our own, and hostile files.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod manifests {
    mod cases;
    mod corpus;
    mod hostile;
    mod rendered;
    mod sops;
}
