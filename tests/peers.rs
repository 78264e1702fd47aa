//! pindeck beside real programs: docker-registry, crane, oras, sshd and two generations of cosign.
//!
//! A test whose program is missing says so and ends (see `support::peer`).

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod peers {
    mod admission;
    mod cluster;
    mod own_release;
    mod release;
    mod styles;
    mod verify;
}
