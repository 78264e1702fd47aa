//! A digest that is missing in one repository, with the answers of a status in every order that can matter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::Digest;
use pindeck::domain::board::Board;

use super::presence::{TwoRegistries, must_be_missing, serve};
use crate::support::peer::pindeck;
use crate::support::scheduler::{EveryOrder, Question, Scheduler};
use crate::support::signed_world::Clone;

/// Two registries whose answers a scheduler lets go.
struct Scheduled {
    world: TwoRegistries,
    scheduler: Scheduler,
    clone: Arc<Clone>,
    runs: AtomicUsize,
}

impl Scheduled {
    fn new(of_index: bool, production_first: bool) -> Self {
        let world = TwoRegistries::new(of_index);
        let scheduler = Scheduler::default();
        let addresses = [
            scheduler.serve("first", world.fakes[0].clone()),
            scheduler.serve("second", world.fakes[1].clone()),
        ];
        let clone = world.clone_with(addresses.map(|address| address.to_string()), production_first);
        Self {
            world,
            scheduler,
            clone: Arc::new(clone),
            runs: AtomicUsize::new(0),
        }
    }

    /// A status with an empty cache, its answers let go in the order that `choose` decides.
    fn status(&self, choose: impl FnMut(&[Question]) -> usize) -> Board {
        let cache = format!("cache-{}", self.runs.fetch_add(1, Ordering::SeqCst));
        let clone = Arc::clone(&self.clone);
        let status = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(clone.engine(&cache).board()).expect("a status")
        };
        self.scheduler.run(status, choose)
    }
}

/// Keeps every answer back and lets those that can make a difference go in every order: what both
/// registries say of the manifest that one of them has lost, by digest and by the index that names it, and
/// for a single image all else about it too. The rest goes at once. Which pin asks first is turned as well.
#[test]
fn no_order_of_answers_makes_a_missing_digest_verified() {
    let mut all = 0;
    for (of_index, production_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let scheduled = Scheduled::new(of_index, production_first);
        let world = &scheduled.world;
        let digests: Vec<Digest> = [Some(world.pinned), world.part].into_iter().flatten().collect();
        let concerns = |question: &Question| {
            digests.iter().any(|digest| {
                let by_digest = question.2.ends_with(&format!("/manifests/{digest}"));
                by_digest || (!of_index && question.2.contains(&digest.hex()))
            })
        };
        let (mut order, mut runs) = (EveryOrder::default(), 0);
        loop {
            let mut path = Vec::new();
            let board = scheduled.status(|waiting| {
                let free = waiting.iter().position(|question| !concerns(question));
                let at = free.unwrap_or_else(|| order.choose(waiting.len()));
                path.push(waiting[at].clone());
                at
            });
            must_be_missing(&board, world.part, &format!("{path:#?}"));
            runs += 1;
            if !order.advance() {
                break;
            }
            assert!(runs < 400, "there are too many orders to try them all");
        }
        println!("{runs} orders of a status, index: {of_index}, production first: {production_first}");
        all += runs;
    }
    assert!(all > 10, "only {all} orders: the scheduler does not keep answers back");
}

/// The same with the answers to all questions, in orders drawn from a fixed seed.
#[test]
fn no_drawn_order_of_all_answers_makes_a_missing_digest_verified() {
    for of_index in [false, true] {
        let scheduled = Scheduled::new(of_index, of_index);
        for seed in 1..=15u64 {
            let mut state = seed;
            let board = scheduled.status(|waiting| {
                // xorshift64
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % waiting.len() as u64).expect("small")
            });
            must_be_missing(&board, scheduled.world.part, &format!("seed {seed}"));
        }
    }
}

/// Cold runs of the program itself, whose threads race as they like: 6, or as many as
/// `PINDECK_COLD_RUNS` says.
#[test]
fn cold_runs_of_the_program_never_verify_a_missing_digest() {
    let runs = std::env::var("PINDECK_COLD_RUNS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(6);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for run in 0..runs {
        let world = TwoRegistries::new(run % 2 == 0);
        let servers = runtime.block_on(async { [serve(&world.fakes[0]).await, serve(&world.fakes[1]).await] });
        let clone = world.clone_with([servers[0].address.to_string(), servers[1].address.to_string()], false);
        let folder = clone.folder.to_str().expect("UTF-8");
        let answer = pindeck(clone.home.path(), ["-C", folder, "status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&answer.stdout).expect("a document");
        let pins = status["services"][0]["pins"].as_array().expect("pins");
        let production = pins
            .iter()
            .find(|pin| pin["environment"] == "production")
            .expect("production");
        assert_eq!(production["verdict"]["result"], "rejected", "run {run}: {production:#}");
        let drift = status["drift"].as_array().expect("drift");
        let missing = drift
            .iter()
            .any(|drift| drift["kind"] == "missing-from-registry" && drift["environment"] == "production");
        assert!(missing, "run {run}: {status:#}");
    }
    println!("{runs} cold runs");
}
