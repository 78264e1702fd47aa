//! CPU and memory of `pindeck status` on worlds of 50 to 1,500 services in four environments, and how they grow: cold, warm
//! and offline.
//!
//! `cargo bench --bench fleet`; `PINDECK_FLEET=50,150` names other sizes. `PINDECK_BIN=PATH cargo bench --profile dev --bench fleet`
//! measures that program, and needs no release build: the registry is in this process, and only the child counts.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::path::PathBuf;
use std::process::Command;

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::{cost, exponent, median};
use support::fleet::{Fleet, content};
use support::server::Server;
use support::signed_world::Key;

const SIZES: &str = "50,150,500,1500";
const ROUNDS: usize = 3;
const WAYS: [&str; 3] = ["cold", "warm", "offline"];

fn main() {
    let sizes = std::env::var("PINDECK_FLEET").unwrap_or_else(|_| SIZES.to_owned());
    let sizes: Vec<usize> = sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut all: Vec<(f64, [f64; 3])> = Vec::new();
    for services in sizes {
        let key = Key::new();
        let (fake, digests) = content(services, &key);
        let server = runtime.block_on(Server::start_without_log(move |seen| fake.answer(seen)));
        let fleet = Fleet::of(&digests, &key, &server.address.to_string());
        let (cache, mut costs) = (fleet.home.path().join("cache"), [const { Vec::new() }; 3]);
        let (mut requests, mut peaks) = ([0; 3], [0; 3]);
        for _ in 0..ROUNDS {
            let _ = std::fs::remove_dir_all(&cache);
            for (way, costs) in costs.iter_mut().enumerate() {
                let before = server.total();
                let mut command = Command::new(&program);
                command.arg("-C").arg(&fleet.clone).args(["status", "--json"]);
                command.args((WAYS[way] == "offline").then_some("--offline"));
                command.env("HOME", fleet.home.path()).env("PINDECK_CACHE_DIR", &cache);
                command.env("XDG_STATE_HOME", fleet.home.path().join("state"));
                let cost = cost(&mut command);
                costs.push(cost.cpu);
                peaks[way] = peaks[way].max(cost.peak >> 20);
                requests[way] = server.total() - before;
            }
        }
        let costs = costs.map(median);
        let words = (0..3).map(|way| {
            let (name, cpu, peak, requests) = (WAYS[way], costs[way], peaks[way], requests[way]);
            format!("{name} {cpu:.2} s, {peak} MiB, {requests} requests")
        });
        println!("{services:5} services x 4: {}", words.collect::<Vec<_>>().join("; "));
        all.push((services as f64, costs));
    }
    for pair in all.windows(2) {
        let grows = |way: usize| exponent((pair[0].0, pair[0].1[way]), (pair[1].0, pair[1].1[way]));
        let words: Vec<String> = (0..3).map(|way| format!("{} {:.2}", WAYS[way], grows(way))).collect();
        println!("exponent from {} to {}: {}", pair[0].0, pair[1].0, words.join(", "));
    }
}
