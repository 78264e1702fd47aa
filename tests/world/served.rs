//! The frozen world, served by registries of the test process.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::dump::{Dump, World};
use crate::support::peer::{Answer, pindeck};
use pindeck::demo::registry::{DemoRegistry, Ways};
use serde_json::Value;

/// The world, served by registries of this process.
pub struct Served {
    pub home: tempfile::TempDir,
    /// By the host that the manifests name.
    pub registries: BTreeMap<String, DemoRegistry>,
    pub clone: PathBuf,
    pub policy: PathBuf,
    pub expected: Value,
    _runtime: tokio::runtime::Runtime,
}

/// Registry A has no referrers API and minds what is accepted, as docker-registry; registry B has one and
/// describes referrers as go-containerregistry does.
fn ways(dump: &Dump) -> Ways {
    if dump.folder.file_name().is_some_and(|name| name == "A") {
        Ways::docker_registry()
    } else {
        Ways::go_containerregistry()
    }
}

impl Served {
    /// `None` (said loudly) without a world.
    pub fn start() -> Option<Self> {
        let world = World::find();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut registries = BTreeMap::new();
        for (host, dump) in &world.registries {
            let registry = runtime.block_on(DemoRegistry::start(ways(dump))).unwrap();
            registry.load(dump).unwrap();
            registries.insert(host.clone(), registry);
        }
        let endpoints = registries
            .iter()
            .map(|(host, registry)| (host.as_str(), format!("http://{}", registry.host())))
            .collect();
        let policy = world.policy_in(home.path(), &endpoints);
        let clone = world.clone_in(home.path());
        let text = std::fs::read_to_string(world.folder.join("EXPECTED.json")).unwrap();
        Some(Self {
            expected: serde_json::from_str(&text).unwrap(),
            home,
            registries,
            clone,
            policy,
            _runtime: runtime,
        })
    }

    /// Runs a pindeck of its own settings and cache in the clone.
    pub fn run(&self, args: &[&str]) -> Answer {
        let place = [
            "-C",
            self.clone.to_str().unwrap(),
            "--config",
            self.policy.to_str().unwrap(),
        ];
        pindeck(self.home.path(), args.iter().copied().chain(place))
    }

    pub fn status(&self) -> (i32, Value) {
        let answer = self.run(&["status", "--json"]);
        let document = serde_json::from_str(&answer.stdout)
            .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", answer.stdout, answer.stderr));
        (answer.code, document)
    }

    pub fn requests(&self) -> usize {
        self.registries.values().map(|r| r.requests().len()).sum()
    }

    pub fn forget(&self) {
        self.registries.values().for_each(DemoRegistry::forget);
    }
}

/// The pins of a status document.
pub fn pins(status: &Value) -> impl Iterator<Item = (&str, &Value)> {
    status["services"].as_array().unwrap().iter().flat_map(|service| {
        let name = service["name"].as_str().unwrap();
        service["pins"].as_array().unwrap().iter().map(move |pin| (name, pin))
    })
}
