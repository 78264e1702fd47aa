//! Real git repositories: reading them, their history, commits without a checkout, pushes and reverts.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod git {
    mod checkouts;
    mod commit_order;
    mod file_scans;
    mod history;
    mod identity;
    mod kept_facts;
    mod kept_pasts;
    mod kept_surveys;
    mod lineage;
    mod pin_property;
    mod pin_states;
    mod pin_story;
    mod places;
    mod program;
    mod propose;
    mod push;
    mod read;
    mod revert;
    mod write;
}
