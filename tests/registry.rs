//! The registry layer against servers that behave, misbehave and lie; with exact request counts.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod registry {
    mod auth;
    mod budget;
    mod client;
    mod copy;
    mod copy_broken;
    mod copy_unlisted;
    mod faults;
    mod listings;
    mod one_host;
    mod oracle;
}
