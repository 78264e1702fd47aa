//! Wall time, CPU and requests of `pindeck status` on a whole world served by real registries, cold and warm,
//! beside a shell loop of crane, cosign and jq that asks for about the same in the same run.
//!
//! `cargo bench --bench status`; needs docker-registry (tests/peers/install), and crane, cosign and jq for the
//! comparison.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::child_cpu::of_children;
use support::{cosign, live_world, peer};

const RUNS: usize = 7;

fn main() {
    let Some(world) = live_world::LiveWorld::start() else {
        return;
    };
    let cache = world.home.path().join("xdg/cache");
    let cold = median(|| {
        let _ = std::fs::remove_dir_all(&cache);
        timed(&world)
    });
    let warm = median(|| timed(&world));
    let pins = pins(&warm.1);
    println!(
        "{} pins, {} of them by digest, median of {RUNS} runs",
        count(&warm.1),
        pins.lines().count()
    );
    for (name, (time, status, _)) in [("cold", &cold), ("warm", &warm)] {
        let budget = &status["budget"];
        println!(
            "pindeck status, {name}: {:>8.1} ms, {} requests, {} answers from the cache",
            millis(*time),
            budget["requests"],
            budget["from_cache"]
        );
    }
    let (Some(crane), Some(cosign)) = (peer::find("crane"), peer::find("cosign3")) else {
        return;
    };
    if Command::new("jq").arg("--version").output().is_err() {
        println!("SKIPPED the comparison for want of jq");
        return;
    }
    let pins = with_trust(&world, &pins);
    let before = of_children();
    let times: Vec<Duration> = (0..3).map(|_| peers_loop(&world, &crane, &cosign, &pins)).collect();
    let cpu = (of_children() - before) / times.len() as f64;
    let peers = middle(times);
    println!("crane + cosign + jq:  {:>8.1} ms, {cpu:.2} s CPU", millis(peers));
    println!(
        "ratio to pindeck: cold {:.1}, warm {:.1}; of CPU {:.1} and {:.1}",
        ratio(peers, cold.0),
        ratio(peers, warm.0),
        cpu / cold.2,
        cpu / warm.2
    );
}

/// How long a status takes, what it says, and its CPU seconds.
type Timed = (Duration, Value, f64);

fn timed(world: &live_world::LiveWorld) -> Timed {
    let (before, began) = (of_children(), Instant::now());
    let status = world.status();
    (began.elapsed(), status, of_children() - before)
}

/// The run with the median time, and the mean of the CPU seconds: they are counted in hundredths.
fn median(mut run: impl FnMut() -> Timed) -> Timed {
    let mut runs: Vec<_> = (0..RUNS).map(|_| run()).collect();
    let cpu = runs.iter().map(|(_, _, cpu)| cpu).sum::<f64>() / RUNS as f64;
    runs.sort_by_key(|(time, _, _)| *time);
    let (time, status, _) = runs.swap_remove(RUNS / 2);
    (time, status, cpu)
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn count(status: &Value) -> usize {
    status["services"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|s| s["pins"].as_array())
        .map(Vec::len)
        .sum()
}

/// Service, image, digest and tag of every pin by digest, a line each.
fn pins(status: &Value) -> String {
    let mut lines = String::new();
    for service in status["services"].as_array().into_iter().flatten() {
        for pin in service["pins"].as_array().into_iter().flatten() {
            let Some(digest) = pin["digest"].as_str() else { continue };
            let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
            let (service, image, tag) = (text(&service["name"]), text(&pin["image"]), text(&pin["tag"]));
            lines.push_str(&format!("{service}\t{image}\t{digest}\t{tag}\n"));
        }
    }
    lines
}

/// The lines that the shell loop reads.
fn with_trust(world: &live_world::LiveWorld, pins: &str) -> String {
    let policy: toml::Table = std::fs::read_to_string(&world.policy)
        .expect("the policy")
        .parse()
        .expect("TOML");
    let folder = world.policy.parent().expect("a folder");
    let mut lines = String::new();
    for line in pins.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [service, image, digest, tag] = fields[..] else {
            continue;
        };
        let reference = world.reachable(image, digest);
        let repository = reference.split('@').next().unwrap_or_default();
        let trust = cosign::trust(&policy, service, folder).join(" ");
        lines.push_str(&format!("{repository}\t{digest}\t{tag}\t{trust}\n"));
    }
    lines
}

fn peers_loop(world: &live_world::LiveWorld, crane: &Path, cosign: &Path, pins: &str) -> Duration {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers-loop.sh");
    let began = Instant::now();
    let mut child = Command::new("sh")
        .arg(script)
        .args([crane, cosign])
        .env("HOME", world.home.path())
        .env("DOCKER_CONFIG", world.home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(pins.as_bytes())
        .expect("the pins");
    child.wait().expect("the loop ends");
    began.elapsed()
}
