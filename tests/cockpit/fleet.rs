//! Sixty services in four environments: what the engine finds is what the generator meant, and a shop for a person to try
//! the cockpit on.

use pindeck::domain::verdict::Outcome;
use pindeck::engine::{Engine, OpenOptions};

use crate::support::sixty::{self, ENVIRONMENTS, Sixty, behind, fault, is_held, name};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_services_are_what_they_are_meant_to_be() {
    let fleet = Sixty::start(60).await;
    let engine = Engine::open(OpenOptions {
        dir: fleet.clone.clone(),
        ..OpenOptions::default()
    })
    .expect("a repository");
    let board = engine.board().await.expect("a board");
    assert_eq!(board.unreachable(), None);
    assert_eq!(board.services.len(), 60);
    let (mut rejected, mut three_behind, mut held) = (0, 0, 0);
    for service in 0..60 {
        let row = board.row(&name(service).as_str().into()).expect("a service");
        for (at, env) in ENVIRONMENTS.iter().enumerate() {
            let cell = row.cell(&(*env).into()).expect("a pin");
            let version = Sixty::pinned(service, at);
            assert_eq!(cell.pin.digest, Some(fleet.digest(service, version)));
            assert_eq!(
                cell.behind.unwrap_or(0) as usize,
                behind(service, at),
                "{} in {env}",
                name(service)
            );
            let wanted = if fault(service, version).is_some() {
                Outcome::Rejected
            } else {
                Outcome::Verified
            };
            let verdict = cell.verdict().expect("judged");
            assert_eq!(
                verdict.result,
                wanted,
                "{} in {env}: {:?}",
                name(service),
                verdict.causes
            );
            rejected += usize::from(wanted == Outcome::Rejected);
            three_behind += usize::from(at == 3 && cell.behind == Some(3));
        }
        held += usize::from(is_held(service) && behind(service, 3) > 0);
    }
    let holds = board.rules.holds.as_ref().expect("holds");
    assert_eq!(holds.len(), held);
    println!("{rejected} rejected, {three_behind} three behind in production, {held} held");
    assert!(rejected >= 8 && three_behind >= 10 && held >= 2);
}

/// `cargo test --test cockpit a_fleet_for_a_person -- --ignored --nocapture`, with `PINDECK_FLEET` naming a file: as long
/// as that file is there, the shop stays, and the file says where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "stays up for a person until its file is removed"]
async fn a_fleet_for_a_person() {
    let file = std::env::var_os("PINDECK_FLEET").map(std::path::PathBuf::from);
    let file = file.expect("PINDECK_FLEET names a file; remove it to end this");
    let fleet = Sixty::start(60).await;
    std::fs::write(&file, sixty::advice(&fleet) + "\n").expect("written");
    println!("{}\nremove {} to end this", sixty::advice(&fleet), file.display());
    while file.exists() {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}
