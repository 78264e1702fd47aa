//! A repository without configuration: what is inferred, and the file that `pindeck init` proposes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use pindeck::config::team;
use pindeck::domain::policy::PolicySource;
use pindeck::engine::{Engine, OpenOptions};
use serde_json::Value;

use crate::support::packed::Packed;

fn open(dir: &Path) -> Engine {
    let options = OpenOptions {
        dir: dir.to_owned(),
        offline: true,
        no_fetch: true,
        ..OpenOptions::default()
    };
    Engine::open(options).expect("a repository")
}

#[tokio::test]
async fn the_world_needs_no_configuration_to_be_seen() {
    let world = Packed::World.folder();
    let root = tempfile::tempdir().expect("a folder");
    let checkout = root.path().join("gitops");
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--branch", "main"])
        .arg(world.join("gitops.bundle"))
        .arg(&checkout)
        .output()
        .expect("git runs");
    assert!(cloned.status.success(), "{}", String::from_utf8_lossy(&cloned.stderr));
    let expected: Value =
        serde_json::from_slice(&std::fs::read(world.join("EXPECTED.json")).expect("readable")).expect("JSON");
    let engine = open(&checkout);
    let (ledger, _) = engine.ledger().await.expect("a ledger");
    let mut files: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (_, _, pins) in &ledger.grouped.services {
        for pin in pins {
            let key = (pin.target.environment.to_string(), pin.image.to_string());
            files
                .entry(key)
                .or_default()
                .extend(pin.locations.iter().map(|l| l.file.clone()));
        }
    }
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    for pin in expected["pins"].as_array().expect("pins") {
        let key = (text(&pin["environment"]), text(&pin["image"]));
        let found = files.get(&key).is_some_and(|f| f.contains(&text(&pin["file"])));
        assert!(found, "{key:?}: {files:#?}");
    }
    // The proposal groups the same files into the same environments, in the same order, as the
    // configuration that the world's makers wrote by hand.
    let proposal = engine.first_configuration().await.expect("a proposal");
    let none = |path: &str| Err(std::io::Error::new(std::io::ErrorKind::NotFound, path.to_owned()));
    let ours =
        team::load(&proposal, "pindeck.toml", &none, PolicySource::None).unwrap_or_else(|e| panic!("{e}\n{proposal}"));
    let read = |path: &str| std::fs::read(world.join(path));
    let hand = std::fs::read_to_string(world.join("pindeck.toml")).expect("readable");
    let hand = team::load(&hand, "pindeck.toml", &read, PolicySource::None).expect("valid");
    let order = |team: &pindeck::domain::policy::TeamPolicy| -> Vec<String> {
        team.environments.iter().map(|e| e.name.to_string()).collect()
    };
    assert_eq!(order(&ours), order(&hand), "{proposal}");
    let services = |team: &pindeck::domain::policy::TeamPolicy| -> BTreeSet<(String, BTreeSet<String>)> {
        team.services
            .iter()
            .map(|s| {
                let all = std::iter::once(&s.image).chain(&s.also).map(ToString::to_string);
                (s.name.to_string(), all.collect())
            })
            .collect()
    };
    // `ledger` lives in two registries. That they are one service is for people to say, so it is a comment; the two
    // keep the names that they have without a configuration.
    let mut by_hand = services(&hand);
    by_hand.retain(|(name, images)| name != "ledger" || images.len() < 2);
    assert_eq!(services(&ours), by_hand, "{proposal}");
    for (one, other) in ours.environments.iter().zip(&hand.environments) {
        let matched = |env: &pindeck::domain::policy::Environment| -> BTreeSet<String> {
            let paths = pindeck::engine::pins::EnvironmentPaths::new(std::slice::from_ref(env));
            let files = ledger.commit.scans.iter().filter(|(_, scan)| !scan.found.is_empty());
            let files = files.map(|(file, _)| file.clone());
            files.filter(|f| paths.of(f).next().is_some()).collect()
        };
        assert_eq!(matched(one), matched(other), "{proposal}");
    }
}
