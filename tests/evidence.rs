//! Evidence of our own making, genuine evidence that was tampered with, and a corpus of real evidence: what is
//! verified, what is not, and for which cause.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod evidence {
    mod corpus;
    mod genuine;
    mod hostile;
    mod keys;
    mod shapes;
    mod statements;
    mod times;
    mod tuf;
    mod tuf_forged;
}
