//! How long `pindeck status` takes over a slow link, and how much of it a registry refuses: at 50 ms a request, beside servers
//! that take so many requests a second.
//!
//! `PINDECK_BIN=PATH cargo bench --profile dev --bench link` measures that program; `PINDECK_LINK=500` names the services.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it is a program for people")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::fleet::{Fleet, content};
use support::peer::git;
use support::server::{Reply, Server};
use support::signed_world::Key;
use support::stage::path;

const AWAY: Duration = Duration::from_millis(50);

/// A bucket of requests that fills again with so many a second.
struct Bucket {
    a_second: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    fn takes(&mut self) -> bool {
        let now = Instant::now();
        let more = now.duration_since(self.filled).as_secs_f64() * self.a_second;
        self.left = (self.left + more).min(self.a_second);
        self.filled = now;
        let taken = self.left >= 1.0;
        self.left -= f64::from(u8::from(taken));
        taken
    }
}

/// A way to be asked.
struct Link {
    name: &'static str,
    /// Requests a second that the server takes.
    takes: Option<f64>,
    /// Requests a second that the policy allows.
    allowed: Option<u32>,
}

const LINKS: [Link; 3] = [
    Link {
        name: "50 ms away",
        takes: None,
        allowed: None,
    },
    Link {
        name: "50 ms away, takes 200 a second, and the policy says so",
        takes: Some(200.0),
        allowed: Some(200),
    },
    Link {
        name: "50 ms away, takes 30 a second, and nobody says so",
        takes: Some(30.0),
        allowed: None,
    },
];

fn main() {
    let services = std::env::var("PINDECK_LINK").ok().and_then(|text| text.parse().ok());
    let services: usize = services.unwrap_or(500);
    let program = std::env::var_os("PINDECK_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pindeck").into(), PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let key = Key::new();
    let (fake, digests) = content(services, &key);
    for link in LINKS {
        let refused = Arc::new(AtomicUsize::new(0));
        // Until the cache is filled nothing is limited.
        let bucket: Arc<Mutex<Option<Bucket>>> = Arc::default();
        let far = Arc::new(AtomicUsize::new(0));
        let (served, limits, counted, away) = (
            fake.clone(),
            Arc::clone(&bucket),
            Arc::clone(&refused),
            Arc::clone(&far),
        );
        let server = Server::start_without_log(move |seen| {
            if away.load(Ordering::SeqCst) == 0 {
                return served.answer(seen);
            }
            let mut bucket = limits.lock().expect("not poisoned");
            let reply = match bucket.as_mut().is_none_or(Bucket::takes) {
                true => served.answer(seen),
                false => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    Reply::error(429, "TOOMANYREQUESTS")
                }
            };
            Reply::After(AWAY, Box::new(reply))
        });
        let server = runtime.block_on(server);
        let fleet = Fleet::of(&digests, &key, &server.address.to_string());
        if let Some(allowed) = link.allowed {
            allow(&fleet.clone, &server.address.to_string(), allowed);
        }
        let status = || {
            let (before, began) = (server.total(), Instant::now());
            let mut command = Command::new(&program);
            command.arg("-C").arg(&fleet.clone).args(["status", "--json"]);
            command.env("HOME", fleet.home.path());
            command.env("PINDECK_CACHE_DIR", fleet.home.path().join("cache"));
            command.env("XDG_STATE_HOME", fleet.home.path().join("state"));
            let output = command.output().expect("it starts");
            (output.status.code(), server.total() - before, began.elapsed())
        };
        // The first look fills the cache, over no distance.
        status();
        far.store(1, Ordering::SeqCst);
        *bucket.lock().expect("not poisoned") = link.takes.map(|a_second| Bucket {
            a_second,
            left: a_second,
            filled: Instant::now(),
        });
        let (code, requests, took) = status();
        let refused = refused.load(Ordering::SeqCst);
        println!(
            "{services} services x 4, {}: {:.1} s, {requests} requests, {refused} refused ({:.2} %), exit status {code:?}",
            link.name,
            took.as_secs_f64(),
            refused as f64 * 100.0 / requests as f64
        );
    }
}

/// Has the policy allow so many requests a second.
fn allow(clone: &Path, registry: &str, a_second: u32) {
    let file = clone.join("pindeck.toml");
    let mut policy = std::fs::read_to_string(&file).expect("a policy");
    policy.push_str(&format!(
        "[registries.\"{registry}\"]\nrequests_per_second = {a_second}\n"
    ));
    std::fs::write(&file, policy).expect("written");
    git(clone, ["-C", path(clone), "commit", "-q", "-a", "-m", "a limit"]);
}
