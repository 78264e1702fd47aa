//! Frozen registries (`pindeck::demo::registry::Dump`) and the release world they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use pindeck::demo::registry;
use pindeck::domain::Digest;

/// The content of one registry; reading it must succeed.
#[derive(Debug)]
pub struct Dump(registry::Dump);

impl Deref for Dump {
    type Target = registry::Dump;

    fn deref(&self) -> &registry::Dump {
        &self.0
    }
}

impl Dump {
    /// Reads a dump.
    pub fn read(folder: &Path) -> Self {
        Self(registry::Dump::read(folder).expect("a frozen registry"))
    }

    /// The bytes under a digest, whether they hash to it or not.
    pub fn bytes(&self, digest: &Digest) -> Vec<u8> {
        self.0.bytes(digest).expect("content that the index names").to_vec()
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
    /// The world of the test data.
    pub fn find() -> Self {
        let folder = super::packed::Packed::World.folder();
        Self {
            registries: registries(&folder),
            folder,
        }
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
        super::peer::git(home, ["clone", "-q", bundle.to_str().unwrap(), clone.to_str().unwrap()]);
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
