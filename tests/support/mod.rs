//! What several themes set up: repositories, registries, worlds, and real programs.
//!
//! A theme declares it as `pub mod support;`: what one theme does not use, another one does.

#![allow(missing_docs, reason = "test code explains itself where it needs to")]

pub mod answering;
pub mod api_requests;
pub mod ask;
pub mod child_cpu;
pub mod cosign;
pub mod docker_registry;
pub mod dump;
pub mod evidence_cases;
pub mod fake;
pub mod fake_forge;
pub mod fixtures;
pub mod fleet;
pub mod forge;
pub mod gate_policies;
pub mod genuine;
pub mod git_http;
pub mod git_world;
pub mod kube_server;
pub mod large_tree;
pub mod live_world;
pub mod own_registry;
pub mod packed;
pub mod peer;
pub mod private_sigstore;
pub mod release_steps;
pub mod repositories;
pub mod scale_world;
pub mod scheduler;
pub mod server;
pub mod signed_world;
pub mod sixty;
pub mod skip;
#[cfg(unix)]
pub mod sshd;
pub mod stage;
pub mod trees;
pub mod tuf_site;
