//! A world on real registries: docker-registry for each dump, a clone of the GitOps repository, the policy with
//! the addresses filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::docker_registry::{DockerRegistry, Storage};
use super::dump::{Dump, World};
use super::peer::{find, pindeck};

/// docker-registry over a dump laid straight into its storage: a push would refuse corrupt and dangling
/// content. It has no referrers API, so what was written by a registry with one gets the fallback tags that
/// clients would have written here.
fn serve(dump: &Dump, home: &Path, program: &Path) -> DockerRegistry {
    let storage = Storage::in_folder(home);
    for (name, repository) in &dump.repositories {
        for blob in &repository.blobs {
            storage.put_as(name, blob, &dump.bytes(blob));
        }
        let mut referrers: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (manifest, media_type) in &repository.manifests {
            let bytes = dump.bytes(manifest);
            storage.put_manifest(name, &bytes);
            let body: Value = serde_json::from_slice(&bytes).expect("a manifest");
            if let Some(subject) = body["subject"]["digest"].as_str() {
                let kind = body.get("artifactType").unwrap_or(&body["config"]["mediaType"]);
                let descriptor =
                    json!({"mediaType": media_type, "digest": manifest, "size": bytes.len(), "artifactType": kind});
                referrers.entry(subject.replace(':', "-")).or_default().push(descriptor);
            }
        }
        for (tag, list) in referrers
            .into_iter()
            .filter(|(tag, _)| !repository.tags.contains_key(tag))
        {
            let media_type = "application/vnd.oci.image.index.v1+json";
            let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": list});
            let digest = storage.put_manifest(name, index.to_string().as_bytes());
            storage.tag(name, &tag, &digest);
        }
        for (tag, digest) in &repository.tags {
            storage.tag(name, tag, digest);
        }
    }
    DockerRegistry::start(program, home)
}

/// The world, served.
pub struct LiveWorld {
    /// What is served.
    pub world: World,
    /// A folder of its own, gone when dropped.
    pub home: tempfile::TempDir,
    /// By the host that the manifests name.
    pub servers: BTreeMap<String, DockerRegistry>,
    /// A clone of its GitOps repository.
    pub clone: PathBuf,
    /// Its policy, with the addresses of the servers.
    pub policy: PathBuf,
}

impl LiveWorld {
    /// Starts the registries; `None` (said loudly) without a world or without docker-registry.
    pub fn start() -> Option<Self> {
        let world = World::find();
        let program = find("docker-registry")?;
        let home = tempfile::tempdir().unwrap();
        let servers: BTreeMap<String, DockerRegistry> = world
            .registries
            .iter()
            .enumerate()
            .map(|(i, (host, dump))| {
                let folder = home.path().join(format!("registry-{i}"));
                std::fs::create_dir_all(&folder).unwrap();
                (host.clone(), serve(dump, &folder, &program))
            })
            .collect();
        let endpoints = servers
            .iter()
            .map(|(h, s)| (h.as_str(), format!("http://{}", s.address)))
            .collect();
        let policy = world.policy_in(home.path(), &endpoints);
        let clone = world.clone_in(home.path());
        Some(Self {
            world,
            home,
            servers,
            clone,
            policy,
        })
    }

    /// What `pindeck status --json` says of it.
    pub fn status(&self) -> Value {
        let place = self.clone.to_str().unwrap();
        let policy = self.policy.to_str().unwrap();
        let args = ["-C", place, "--config", policy, "--no-fetch", "status", "--json"];
        let answer = pindeck(self.home.path(), args).expect("pindeck status");
        serde_json::from_str(&answer.stdout).expect("one JSON document")
    }

    /// A reference that another program can reach.
    pub fn reachable(&self, image: &str, digest: &str) -> String {
        let (host, repository) = image.split_once('/').expect("a host");
        format!("{}/{repository}@{digest}", self.servers[host].address)
    }
}
