//! CPU of `pindeck status` on worlds of 50 to 1,500 services, and how it grows: cold, warm and offline.
//!
//! `cargo bench --bench fleet`; `PINDECK_FLEET=50,150` names other sizes. The registry is in this process, and only the
//! child's CPU is counted.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::process::Command;

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::{cpu_seconds, exponent, median};
use support::fleet::{Fleet, content};
use support::server::Server;
use support::signed_world::Key;

const SIZES: &str = "50,150,500";
const ROUNDS: usize = 3;
const WAYS: [&str; 3] = ["cold", "warm", "offline"];

fn main() {
    let sizes = std::env::var("PINDECK_FLEET").unwrap_or_else(|_| SIZES.to_owned());
    let sizes: Vec<usize> = sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut all: Vec<(f64, [f64; 3])> = Vec::new();
    for services in sizes {
        let key = Key::new();
        let (fake, digests) = content(services, &key);
        let server = runtime.block_on(Server::start(move |seen| fake.answer(seen)));
        let fleet = Fleet::of(&digests, &key, &server.address.to_string());
        let (cache, mut costs) = (fleet.home.path().join("cache"), [const { Vec::new() }; 3]);
        let mut requests = [0; 3];
        for _ in 0..ROUNDS {
            let _ = std::fs::remove_dir_all(&cache);
            for (way, costs) in costs.iter_mut().enumerate() {
                let before = server.total();
                let mut command = Command::new(env!("CARGO_BIN_EXE_pindeck"));
                command.arg("-C").arg(&fleet.clone).args(["status", "--json"]);
                command.args((WAYS[way] == "offline").then_some("--offline"));
                command.env("HOME", fleet.home.path()).env("PINDECK_CACHE_DIR", &cache);
                command.env("XDG_STATE_HOME", fleet.home.path().join("state"));
                costs.push(cpu_seconds(&mut command));
                requests[way] = server.total() - before;
            }
        }
        let costs = costs.map(median);
        println!(
            "{services:5} services x 4: cold {:.2} s ({} requests), warm {:.2} s ({}), offline {:.2} s",
            costs[0], requests[0], costs[1], requests[1], costs[2]
        );
        all.push((services as f64, costs));
    }
    for pair in all.windows(2) {
        let grows = |way: usize| exponent((pair[0].0, pair[0].1[way]), (pair[1].0, pair[1].1[way]));
        let words: Vec<String> = (0..3).map(|way| format!("{} {:.2}", WAYS[way], grows(way))).collect();
        println!("exponent from {} to {}: {}", pair[0].0, pair[1].0, words.join(", "));
    }
}
