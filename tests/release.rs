//! Writes end to end: planned, confirmed, carried out against a bare remote and registries in process.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod support;

mod release {
    mod branches;
    mod components;
    mod crash;
    mod faults;
    mod forge_api;
    mod gates;
    mod holds_gone;
    mod known_good;
    mod left_elsewhere;
    mod loose_copies;
    mod own_clones;
    mod own_registry;
    mod own_release;
    mod proposals;
    mod proposed_holds;
    mod races;
    mod remote_branches;
    mod remotes;
    mod rendered_trees;
    mod repositories;
    mod repository_checks;
    mod shared_world;
    mod styles;
    mod tags_beside;
    mod two_pushes;
    mod two_pushes_kept;
}
