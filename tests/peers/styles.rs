//! Every manifest style of the world, promoted and reverted by the command line: two registries that hold
//! what was built and production's own, all of them real, with a real remote over file, HTTP and ssh whose
//! hooks really run. After each step others look at what came of it: git, crane, oras, cosign.

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
