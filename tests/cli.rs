//! The command line as a pipeline sees it: the built program over small real repositories. Standard output,
//! standard error, exit status, and the documents of the contract.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod cli {
    mod api_server;
    mod cache;
    mod check;
    mod check_behind;
    mod check_cases;
    mod check_ci;
    mod check_commits;
    mod check_heads;
    mod check_inputs;
    mod check_readers;
    mod check_reports;
    mod check_size;
    mod check_sources;
    mod check_styles;
    mod check_world;
    mod clones;
    mod config;
    mod coverage;
    mod credentials;
    mod demo_cluster;
    mod diff;
    mod drift;
    mod elsewhere;
    mod evidence;
    mod gated;
    mod generate;
    mod history;
    mod hold;
    mod home;
    mod independent_scan;
    mod init;
    mod init_learned;
    mod interrupts;
    mod mistakes;
    mod one_answer;
    #[cfg(target_os = "linux")]
    mod packages;
    mod pin;
    mod policy;
    mod promote;
    mod resume;
    mod revert;
    mod running;
    mod running_board;
    mod running_halves;
    mod served;
    mod status;
    mod streams;
    mod trust;
    mod verify;
    mod waiting;
}
