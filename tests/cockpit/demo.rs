//! The embedded world is what it promises: every situation a newcomer should meet, judged by the engine
//! itself, and things that happen while one watches.

use std::collections::BTreeSet;

use pindeck::demo::{DemoEvent, DemoOptions, Script, World};
use pindeck::domain::board::Board;
use pindeck::domain::evidence::CauseKind;
use pindeck::domain::verdict::{CheckOf, Outcome};
use pindeck::domain::{DriftKind, EvidenceKind};
use pindeck::engine::{Engine, OpenOptions};

fn engine(world: &World) -> Engine {
    Engine::open(OpenOptions {
        dir: world.clone_dir(),
        ..OpenOptions::default()
    })
    .expect("a repository")
}

fn result(board: &Board, service: &str, environment: &str) -> (Outcome, BTreeSet<(CheckOf, CauseKind)>) {
    let row = board.row(&service.into()).expect("a service");
    let cell = row.cell(&environment.into()).expect("a pin");
    let verdict = cell
        .verdict()
        .unwrap_or_else(|| panic!("{service} in {environment} was not judged"));
    let causes = verdict.causes.iter().map(|c| (c.check, c.cause)).collect();
    (verdict.result, causes)
}

fn drift(board: &Board) -> BTreeSet<(DriftKind, String, String)> {
    let one = |d: &pindeck::domain::Drift| {
        let environment = d.environment.as_ref().map_or("", |e| e.as_str());
        (d.kind, d.service.to_string(), environment.to_owned())
    };
    board.drift.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promised_situation_is_there() {
    let world = World::start(DemoOptions::default()).await.expect("a world");
    let board = engine(&world).board().await.expect("a board");
    assert_eq!(board.unreachable(), None);
    assert_eq!((board.services.len(), board.environments.len()), (8, 4));
    let signature = CheckOf::Evidence(EvidenceKind::Signature);
    let provenance = CheckOf::Evidence(EvidenceKind::Provenance);
    let sbom = CheckOf::Evidence(EvidenceKind::Sbom);
    let tests = CheckOf::Evidence(EvidenceKind::TestResult);
    let every = |cause| [signature, provenance, sbom, tests].map(|check| (check, cause)).into();
    let none = BTreeSet::new();
    for environment in ["dev", "integration", "staging", "production"] {
        assert_eq!(
            result(&board, "checkout", environment),
            (Outcome::Verified, none.clone())
        );
    }
    for (service, environment, outcome, causes) in [
        (
            "catalog",
            "dev",
            Outcome::Rejected,
            [(tests, CauseKind::PolicyFailed)].into(),
        ),
        ("catalog", "staging", Outcome::Warned, none.clone()),
        ("catalog", "production", Outcome::Verified, none.clone()),
        (
            "payments",
            "staging",
            Outcome::Rejected,
            [(provenance, CauseKind::Absent), (tests, CauseKind::Absent)].into(),
        ),
        ("payments", "production", Outcome::Verified, none.clone()),
        ("search", "dev", Outcome::Rejected, every(CauseKind::Absent)),
        (
            "search",
            "integration",
            Outcome::Rejected,
            every(CauseKind::WrongSubject),
        ),
        ("ledger", "staging", Outcome::Rejected, every(CauseKind::OtherSigner)),
        ("ledger", "production", Outcome::Verified, none.clone()),
        (
            "frontend",
            "production",
            Outcome::Rejected,
            [(CheckOf::Digest, CauseKind::Absent)].into(),
        ),
        ("accounts", "production", Outcome::Verified, none.clone()),
    ] {
        assert_eq!(
            result(&board, service, environment),
            (outcome, causes),
            "{service} in {environment}"
        );
    }
    let found = drift(&board);
    for (kind, service, environment) in [
        (DriftKind::PinnedByTag, "notifier", "dev"),
        (DriftKind::MissingFromRegistry, "frontend", "production"),
        (DriftKind::RebuiltPerEnvironment, "payments", ""),
        (DriftKind::TagMoved, "payments", "production"),
        (DriftKind::EvidenceElsewhere, "search", "integration"),
        (DriftKind::SkippedEnvironment, "payments", "staging"),
    ] {
        let wanted = (kind, service.to_owned(), environment.to_owned());
        assert!(found.contains(&wanted), "{wanted:?} is not among {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_is_real() {
    let world = World::start(DemoOptions::default()).await.expect("a world");
    let git = |args: &[&str]| {
        let out = std::process::Command::new("git")
            .arg("-C")
            .arg(world.folder().join("remote.git"))
            .args(args)
            .output()
            .expect("git");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    };
    let commits: usize = git(&["rev-list", "--count", "main"]).trim().parse().expect("a number");
    assert!(commits >= 60, "{commits} commits");
    let reverts = git(&["log", "--format=%H %b", "--grep=This reverts commit"]);
    let of: Vec<&str> = reverts
        .lines()
        .filter_map(|l| l.split("This reverts commit ").nth(1))
        .collect();
    assert_eq!(of.len(), 2, "{reverts}");
    for id in of {
        git(&["cat-file", "-e", id.trim_end_matches('.')]);
    }
    git(&["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn things_happen_while_one_watches() {
    let world = World::start(DemoOptions::default()).await.expect("a world");
    let engine = engine(&world);
    let before = engine.board().await.expect("a board");
    let mut script = Script::default();
    assert!(matches!(script.step(&world), Ok(DemoEvent::Built(_))));
    assert!(matches!(script.step(&world), Ok(DemoEvent::TagMoved(_))));
    assert!(matches!(script.step(&world), Ok(DemoEvent::Promoted(_))));
    assert!(matches!(script.step(&world), Ok(DemoEvent::Built(_))));
    let after = engine.board().await.expect("a board");
    let (old, new) = (drift(&before), drift(&after));
    let appeared: BTreeSet<_> = new.difference(&old).collect();
    let moved = (DriftKind::TagMoved, "search".to_owned(), "production".to_owned());
    assert!(appeared.contains(&moved), "{appeared:?}");
    let tag = |board: &Board| {
        let row = board.row(&"checkout".into()).expect("a service");
        row.candidate.value().and_then(Option::as_ref).map(|c| c.tag.clone())
    };
    assert_eq!(
        (tag(&before).as_deref(), tag(&after).as_deref()),
        (Some("1.5.0"), Some("1.5.1"))
    );
    let pinned = |board: &Board| {
        let row = board.row(&"notifier".into()).expect("a service");
        row.cell(&"staging".into()).and_then(|cell| cell.pin.tag.clone())
    };
    assert_eq!(pinned(&after).as_deref(), Some("5.1.0"));
    assert_ne!(pinned(&before), pinned(&after));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_folder_is_kept_and_an_occupied_one_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("kept");
    let options = DemoOptions {
        dir: Some(dir.clone()),
        ..DemoOptions::default()
    };
    drop(World::start(options.clone()).await.expect("a world"));
    assert!(dir.join("remote.git/HEAD").is_file());
    assert!(dir.join("gitops/pindeck.toml").is_file());
    let error = World::start(options).await.err().expect("occupied");
    assert!(error.to_string().contains("not empty"), "{error}");
}
