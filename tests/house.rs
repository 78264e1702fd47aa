//! The rules of the house: who may import whom, how long files are, and which crates and licences come in.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod house {
    mod circles;
    mod dependencies;
    mod exits;
    mod imports;
    mod links;
    mod proofs;
    mod quotations;
    mod read_only;
    mod rust_tokens;
    mod tree;
    mod types;
    mod words;
    mod workflows;
}
