//! Attacks that must not succeed, as a table that anybody can add to and read.
//!
//! Every file of `tests/attacks/` is about one thing that an attacker may want and exports its part of the table
//! as `pub const ATTACKS: &[Attack]`. One test runs them all and ends with the line `N attacks, N held`.

// In a test a broken expectation is the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod support;

mod attacks {
    pub mod credentials;
    pub mod evidence;
    pub mod evidence_costs;
    pub mod git;
    #[cfg(unix)]
    pub mod holds;
    pub mod journal;
    pub mod large_boards;
    pub mod manifests;
    #[cfg(unix)]
    pub mod policy;
    pub mod presence;
    pub mod presence_costs;
    pub mod presence_orders;
    pub mod presence_shapes;
    pub mod writes;
}

/// One attack.
pub struct Attack {
    /// A short name, unique in the table.
    pub name: &'static str,
    /// What it tries, as a sentence without its full stop.
    pub tries: &'static str,
    /// Carries it out; panics if it succeeds.
    pub attempt: fn(),
}

/// The whole table: a line for each file of `tests/attacks/`.
const TABLE: &[&[Attack]] = &[
    attacks::credentials::ATTACKS,
    attacks::presence::ATTACKS,
    attacks::presence_costs::ATTACKS,
    attacks::presence_shapes::ATTACKS,
    attacks::evidence::ATTACKS,
    attacks::evidence_costs::ATTACKS,
    attacks::git::ATTACKS,
    #[cfg(unix)]
    attacks::holds::ATTACKS,
    attacks::journal::ATTACKS,
    attacks::large_boards::ATTACKS,
    attacks::manifests::ATTACKS,
    #[cfg(unix)]
    attacks::policy::ATTACKS,
    attacks::writes::ATTACKS,
];

/// Runs the future of an attack on a runtime of its own.
pub fn on_a_runtime(attempt: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(attempt);
}

/// The words of a panic.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a panic without words".to_owned(),
    }
}

#[test]
fn no_attack_succeeds() {
    let table: Vec<&Attack> = TABLE.iter().copied().flatten().collect();
    let names: BTreeSet<&str> = table.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), table.len(), "two attacks have the same name");
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(attack) = table.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match catch_unwind(AssertUnwindSafe(attack.attempt)) {
                        Ok(()) => println!("held       {}: {}", attack.name, attack.tries),
                        Err(panic) => {
                            println!("SUCCEEDED  {}: {}", attack.name, attack.tries);
                            broken
                                .lock()
                                .unwrap()
                                .push(format!("{}: {}", attack.name, words(&*panic)));
                        }
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    println!("{} attacks, {} held", table.len(), table.len() - broken.len());
    assert!(broken.is_empty(), "these succeeded:\n  {}", broken.join("\n  "));
}
