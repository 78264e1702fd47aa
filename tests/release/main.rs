//! Writes end to end: planned, confirmed, carried out against a bare remote and registries in process.

// In a test a broken expectation is the message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "../support/dump.rs"]
mod dump;
#[allow(dead_code)]
#[path = "../registry/fake.rs"]
mod fake;
#[allow(dead_code)]
#[path = "../support/git_http.rs"]
mod git_http;
#[allow(dead_code)]
#[path = "../support/git_world.rs"]
mod git_world;
#[allow(dead_code)]
#[path = "../support/peer.rs"]
mod peer;
#[allow(dead_code)]
#[path = "../registry/server.rs"]
mod server;

mod crash;
mod faults;
mod gates;
mod own_registry;
mod races;
mod remotes;
mod shared_world;
mod stage;
mod styles;
