//! What the fuzz targets begin with, and what they once broke: each target's body, compiled by the stable toolchain, is given every
//! seed. A target that breaks on one of them fails here, and not only where nightly and cargo-fuzz are.
//!
//! Seeds are files of tests/data that look like what a target reads, and what lies in `fuzz/seeds/TARGET`: written by hand, or kept
//! from a run that failed.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
// What several targets share is a part of each.
#![allow(clippy::duplicate_mod)]

extern crate self as libfuzzer_sys;

#[path = "fuzz/seeds.rs"]
mod seeds;

#[allow(dead_code, reason = "other programs use the rest of it")]
#[path = "support/packed.rs"]
mod packed;

#[path = "fuzz/target.rs"]
mod target;

/// What the crate of this name makes a program of is a function here.
#[macro_export]
macro_rules! fuzz_target {
    (|$input:ident: &[u8]| $body:block) => {
        pub fn run($input: &[u8]) {
            $body
        }
    };
    (|$input:ident: &str| $body:block) => {
        pub fn run(input: &[u8]) {
            // As the crate does: the text ends where it is none.
            let $input = match std::str::from_utf8(input) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&input[..error.valid_up_to()]).unwrap_or_default(),
            };
            $body
        }
    };
}

/// What is given an input.
type Body = fn(&[u8]);

const TARGETS: &[(&str, Body)] = &[
    ("admission", target::admission::run),
    ("bundle", target::bundle::run),
    ("cluster_list", target::cluster_list::run),
    ("edit", target::edit::run),
    ("forge", target::forge::run),
    ("kubeconfig", target::kubeconfig::run),
    ("legacy", target::legacy::run),
    ("manifest", target::manifest::run),
    ("pattern", target::pattern::run),
    ("provenance", target::provenance::run),
    ("push_output", target::push_output::run),
    ("reference", target::reference::run),
    ("sbom", target::sbom::run),
    ("source", target::source::run),
    ("statement", target::statement::run),
    ("team", target::team::run),
    ("test_result", target::test_result::run),
    ("trusted_root", target::trusted_root::run),
    ("vsa", target::vsa::run),
    ("vulns", target::vulns::run),
];

/// The names in the list of programs of the workspace of targets.
fn programs() -> Vec<String> {
    let list = std::fs::read_to_string(seeds::root().join("fuzz/Cargo.toml")).expect("fuzz/Cargo.toml");
    let list: toml::Table = list.parse().expect("TOML");
    let programs = list["bin"].as_array().expect("programs").iter();
    let name = |program: &toml::Value| program["name"].as_str().expect("a name").to_owned();
    let mut names: Vec<String> = programs.map(name).collect();
    names.sort();
    names
}

#[test]
fn each_target_is_here_and_has_seeds() {
    assert_eq!(programs(), TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, _) in TARGETS {
        let seeds = seeds::of(name);
        assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
    }
}

#[test]
fn no_target_breaks_on_a_seed() {
    for (name, body) in TARGETS {
        for seed in seeds::of(name) {
            let ended = std::panic::catch_unwind(|| body(&seed.bytes));
            assert!(ended.is_ok(), "{name} breaks on {}", seed.origin);
        }
    }
}

/// `.ci/fuzz` begins with it: the seeds, as files in the folders of the targets.
#[test]
#[ignore = "writes the seeds into the folder that PINDECK_FUZZ_CORPUS names; .ci/fuzz"]
fn writes_seeds() {
    let folder = std::env::var_os("PINDECK_FUZZ_CORPUS").expect("PINDECK_FUZZ_CORPUS names a folder");
    for (name, _) in TARGETS {
        let of_target = std::path::Path::new(&folder).join(name);
        std::fs::create_dir_all(&of_target).expect("a folder");
        for seed in seeds::of(name) {
            let digest = pindeck::domain::Digest::of(&seed.bytes).hex();
            std::fs::write(of_target.join(&digest[..16]), &seed.bytes).expect("written");
        }
    }
}
