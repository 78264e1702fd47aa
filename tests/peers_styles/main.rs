//! Every manifest style of the world, promoted and reverted by the command line: two registries that hold
//! what was built and production's own, all of them real, with a real remote over file, HTTP and ssh whose
//! hooks really run. After each step others look at what came of it: git, crane, oras, cosign.

// In a test a broken expectation is the message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../support/cosign.rs"]
#[allow(dead_code)]
mod cosign;
#[path = "../support/docker_registry.rs"]
#[allow(dead_code)]
mod docker_registry;
#[path = "../support/dump.rs"]
#[allow(dead_code)]
mod dump;
#[path = "../support/git_http.rs"]
#[allow(dead_code)]
mod git_http;
#[path = "../support/git_world.rs"]
#[allow(dead_code)]
mod git_world;
#[path = "../support/live_world.rs"]
#[allow(dead_code)]
mod live_world;
#[path = "../support/peer.rs"]
#[allow(dead_code)]
mod peer;
#[path = "../support/sshd.rs"]
#[allow(dead_code)]
mod sshd;

mod case;
mod content;
mod place;
mod steps;

use place::{Place, Way};

#[test]
fn each_style_forward_and_back_over_file() {
    let Some(place) = Place::start(Way::File) else { return };
    for (at, case) in case::ALL.iter().enumerate() {
        steps::walk(&place, case, at);
    }
    place.ends_whole();
}

#[test]
fn each_style_forward_and_back_over_http() {
    let Some(place) = Place::start(Way::Http) else { return };
    for (at, case) in case::ALL.iter().enumerate() {
        steps::walk(&place, case, at);
    }
    place.ends_whole();
}

#[test]
fn forward_and_back_over_ssh() {
    let Some(place) = Place::start(Way::Ssh) else { return };
    for (at, case) in case::ALL.iter().enumerate().take(2) {
        steps::walk(&place, case, at);
    }
    place.ends_whole();
}
