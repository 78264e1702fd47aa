//! How what pindeck costs grows with each thing that grows: services, environments, history, evidence of a digest, packages of
//! an SBOM, Pods. One thing grows at a time; the rest is as in `scale_world::USUAL`.
//!
//! `cargo bench --bench scale`. `PINDECK_BIN=PATH cargo bench --profile dev --bench scale` measures that program, and needs no
//! release build: only the child counts. `PINDECK_SCALE="services=50,500 pods=1000"` names other sizes and leaves out what it does
//! not name. With `PINDECK_SCALE_WRITE=1` the rows go into docs/SCALE.md, too. The registry and the cluster are in
//! this process and on the same processors, so that wall time is an upper bound.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::path::PathBuf;

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::{Cost, cost, exponent};
use support::scale_world::{ScaleWorld, Size, USUAL};

/// What grows, how far, and which command says what it costs.
const GROWING: [(&str, &str, &[&str]); 6] = [
    ("services", "50,150,500,1500,5000", &["status", "--json"]),
    ("environments", "2,5,10,20", &["status", "--json"]),
    ("commits", "100,1000,10000,50000", &["status", "--json"]),
    ("evidence", "1,10,100,500", &["status", "--json"]),
    ("packages", "100,1000,10000,50000", &["status", "--json"]),
    ("pods", "100,1000,5000,20000", &["running", "--json"]),
];

fn of(what: &str, number: usize) -> Size {
    let mut size = USUAL;
    match what {
        // Five environments, as a large shop has them.
        "services" => (size.services, size.environments) = (number, 5),
        "environments" => size.environments = number,
        "commits" => size.commits = number,
        "evidence" => (size.services, size.evidence) = (5, number),
        "packages" => (size.services, size.packages) = (5, number),
        _ => size.pods = number,
    }
    size
}

fn sizes(what: &str, usual: &str) -> Vec<usize> {
    let asked = std::env::var("PINDECK_SCALE").ok();
    let of_this = match &asked {
        None => Some(usual),
        Some(asked) => asked
            .split_whitespace()
            .find_map(|one| one.strip_prefix(what)?.strip_prefix('=')),
    };
    let numbers = of_this.unwrap_or_default().split(',');
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn words(cost: Cost, requests: usize) -> String {
    format!(
        "{:.2} s, {:.2} s, {} MiB, {requests}",
        cost.cpu,
        cost.wall,
        cost.peak >> 20
    )
}

fn main() {
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut page = String::from(
        "| what grows | to | cold: CPU, wall, memory, requests | the same again | `--offline` | CPU grows by (cold, again, offline) |\n|---|---|---|---|---|---|\n",
    );
    for (what, usual, args) in GROWING {
        let mut before: Option<(f64, [f64; 3])> = None;
        for number in sizes(what, usual) {
            let world = runtime.block_on(ScaleWorld::start(of(what, number)));
            let run = |offline: bool| {
                let asked = world.registry.total();
                let more: &[&str] = if offline { &["--offline"] } else { &[] };
                let mut command = world.command(&program, &[more, args].concat());
                let cost = cost(&mut command);
                (cost, world.registry.total() - asked)
            };
            let costs = [run(false), run(false), run(true)];
            let cpu = costs.map(|(cost, _)| cost.cpu);
            let grows = before.map_or_else(String::new, |before| {
                let by = |way: usize| exponent((before.0, before.1[way]), (number as f64, cpu[way].max(0.01)));
                format!("{:.2}, {:.2}, {:.2}", by(0), by(1), by(2))
            });
            let [cold, again, offline] = costs.map(|(cost, requests)| words(cost, requests));
            let row = format!("| {what} | {number} | {cold} | {again} | {offline} | {grows} |");
            println!("{row}");
            page.push_str(&row);
            page.push('\n');
            before = Some((number as f64, cpu.map(|cpu| cpu.max(0.01))));
        }
    }
    println!("\n{page}");
    if std::env::var_os("PINDECK_SCALE_WRITE").is_some() {
        write(&page);
    }
}

/// Puts the table where docs/SCALE.md has its place.
fn write(page: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/SCALE.md");
    let text = std::fs::read_to_string(&path).expect("docs/SCALE.md");
    let (before, rest) = text.split_once("<!-- table -->\n").expect("where the table goes");
    let (_, after) = rest.split_once("<!-- end of table -->").expect("where the table ends");
    let new = format!("{before}<!-- table -->\n{page}<!-- end of table -->{after}");
    std::fs::write(path, new).expect("written");
}
