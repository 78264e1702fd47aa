//! Registry content as files: `index.json` with tags, manifests and blobs per repository, bytes under
//! `blobs/sha256/HEX` (see the README beside a world).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pindeck::domain::Digest;
use serde::Deserialize;
use serde_json::Value;

/// What one repository holds.
#[derive(Debug, Deserialize)]
pub struct Repository {
    /// Tag to digest.
    pub tags: BTreeMap<String, Digest>,
    /// Digest to media type.
    pub manifests: BTreeMap<Digest, String>,
    /// Everything that is not a manifest.
    pub blobs: Vec<Digest>,
}

/// The content of one registry.
#[derive(Debug)]
pub struct Dump {
    /// Its folder.
    pub folder: PathBuf,
    /// By name, without the registry's host.
    pub repositories: BTreeMap<String, Repository>,
}

impl Dump {
    /// Reads a dump.
    pub fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("index.json")).expect("index.json");
        let index: BTreeMap<String, Value> = serde_json::from_str(&text).expect("a valid index.json");
        let repositories = index
            .into_iter()
            .filter(|(_, value)| value.is_object())
            .map(|(name, value)| (name, serde_json::from_value(value).expect("a repository")))
            .collect();
        Self {
            folder: folder.to_owned(),
            repositories,
        }
    }

    /// The bytes under a digest, whether they hash to it or not.
    pub fn bytes(&self, digest: &Digest) -> Vec<u8> {
        fs::read(self.folder.join("blobs/sha256").join(digest.hex())).expect("content that the index names")
    }
}

/// A release world: dumps of its registries, its policy, its GitOps repository, what is expected.
#[derive(Debug)]
pub struct World {
    /// Its folder.
    pub folder: PathBuf,
    /// By the host that the manifests name.
    pub registries: BTreeMap<String, Dump>,
}

impl World {
    /// The world named by `PINDECK_WORLD`, else the shared one; `None` (said loudly) where there is none.
    pub fn find() -> Option<Self> {
        let named = std::env::var_os("PINDECK_WORLD").map(PathBuf::from);
        let folder = named
            .clone()
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/world"));
        if !folder.is_dir() {
            assert!(
                named.is_none(),
                "PINDECK_WORLD names {}, which is no folder",
                folder.display()
            );
            println!("SKIPPED: there is no world in {}", folder.display());
            return None;
        }
        Some(Self {
            registries: registries(&folder),
            folder,
        })
    }

    /// The policy, with an endpoint for each host, in a copy of the files it names.
    pub fn policy_in(&self, home: &Path, endpoints: &BTreeMap<&str, String>) -> PathBuf {
        let copy = home.join("policy");
        for entry in fs::read_dir(&self.folder).unwrap().map(|e| e.unwrap().path()) {
            let name = entry.file_name().unwrap();
            if entry.is_file() && entry.extension().is_some_and(|e| e != "bundle") {
                fs::create_dir_all(&copy).unwrap();
                fs::write(copy.join(name), fs::read(&entry).unwrap()).unwrap();
            } else if entry.is_dir() && name != "registries" {
                for file in fs::read_dir(&entry).unwrap().map(|e| e.unwrap().path()) {
                    fs::create_dir_all(copy.join(name)).unwrap();
                    fs::write(
                        copy.join(name).join(file.file_name().unwrap()),
                        fs::read(&file).unwrap(),
                    )
                    .unwrap();
                }
            }
        }
        let mut text = fs::read_to_string(self.folder.join("pindeck.toml")).unwrap();
        for (host, endpoint) in endpoints {
            text.push_str(&format!("\n[registries.\"{host}\"]\nendpoint = \"{endpoint}\"\n"));
        }
        fs::write(copy.join("pindeck.toml"), text).unwrap();
        copy.join("pindeck.toml")
    }

    /// A clone of its GitOps repository.
    pub fn clone_in(&self, home: &Path) -> PathBuf {
        let clone = home.join("gitops");
        let bundle = self.folder.join("gitops.bundle");
        crate::peer::git(home, ["clone", "-q", bundle.to_str().unwrap(), clone.to_str().unwrap()]);
        clone
    }
}

/// A dump belongs to the host all of whose repositories it holds.
fn registries(folder: &Path) -> BTreeMap<String, Dump> {
    let policy: toml::Table = fs::read_to_string(folder.join("pindeck.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for service in policy["services"].as_array().expect("services") {
        let also = service
            .get("also")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten();
        for image in service
            .get("image")
            .into_iter()
            .chain(also)
            .filter_map(toml::Value::as_str)
        {
            let (host, repository) = image.split_once('/').expect("a host");
            hosts.entry(host.to_owned()).or_default().insert(repository.to_owned());
        }
    }
    let folders = fs::read_dir(folder.join("registries"))
        .expect("registries")
        .map(|e| e.unwrap().path());
    let mut found = BTreeMap::new();
    for dump in folders.filter(|f| f.is_dir()).map(|f| Dump::read(&f)) {
        let holds = |names: &BTreeSet<String>| names.iter().all(|n| dump.repositories.contains_key(n));
        let mut of = hosts
            .iter()
            .filter(|(_, names)| holds(names))
            .map(|(host, _)| host.clone());
        let host = of
            .next()
            .unwrap_or_else(|| panic!("{} belongs to no host", dump.folder.display()));
        assert!(
            of.next().is_none(),
            "{} belongs to several hosts",
            dump.folder.display()
        );
        found.insert(host, dump);
    }
    found
}
