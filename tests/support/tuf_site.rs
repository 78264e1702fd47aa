//! TUF repositories behind local servers: the public one as it was on three dates, and ones of keys of our own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use pindeck::domain::Digest;
use pindeck::sources::registry::{Documents, Limits};
use pindeck::sources::tuf::TufSource;
use serde_json::{Value, json};

use super::packed::Packed;
use super::server::{Reply, Server};

/// Served files by their path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Something else than the file, for a path.
pub type Lie = Arc<dyn Fn() -> Reply + Send + Sync>;

/// A server whose files can be exchanged.
pub struct Site {
    pub mirror: String,
    files: Arc<Mutex<Files>>,
    lies: Arc<Mutex<BTreeMap<String, Lie>>>,
    server: Server,
}

impl Site {
    pub async fn start(files: Files) -> Self {
        let files = Arc::new(Mutex::new(files));
        let lies: Arc<Mutex<BTreeMap<String, Lie>>> = Arc::default();
        let (served, told) = (Arc::clone(&files), Arc::clone(&lies));
        let server = Server::start(move |seen| {
            let path = seen.path.trim_start_matches('/');
            if let Some(lie) = told.lock().unwrap().get(path) {
                return lie();
            }
            match served.lock().unwrap().get(path) {
                Some(bytes) => Reply::new(200, bytes.clone()),
                None => Reply::new(404, "nothing here"),
            }
        })
        .await;
        Self {
            mirror: format!("http://{}", server.address),
            files,
            lies,
            server,
        }
    }

    /// Serves these files, honestly.
    pub fn serve(&self, files: Files) {
        self.exchange(files);
        self.lies.lock().unwrap().clear();
    }

    /// Serves these files; what lies goes on lying.
    pub fn exchange(&self, files: Files) {
        *self.files.lock().unwrap() = files;
    }

    pub fn lie(&self, path: &str, reply: impl Fn() -> Reply + Send + Sync + 'static) {
        self.lies.lock().unwrap().insert(path.to_owned(), Arc::new(reply));
    }

    pub fn source(&self, start: &[u8]) -> TufSource {
        TufSource {
            name: "public-good",
            mirror: self.mirror.clone(),
            start: start.to_vec(),
        }
    }

    /// Paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.path).collect()
    }
}

/// A reader that gives up soon.
pub fn documents() -> Arc<Documents> {
    Arc::new(Documents::with_limits(Limits {
        tries: 1,
        deadline: Duration::from_secs(10),
        ..Limits::default()
    }))
}

/// The states of the public repository, oldest first.
pub fn states() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(Packed::Tuf.folder())
        .expect("the packed states")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("metadata").is_dir())
        .collect();
    found.sort();
    found
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The version of a metadata file.
pub fn version(bytes: &[u8]) -> u64 {
    let value: Value = serde_json::from_slice(bytes).expect("JSON");
    value["signed"]["version"].as_u64().expect("a version")
}

/// A state laid out as the public server does: names with versions and hashes.
pub fn laid_out(state: &Path) -> Files {
    let mut files = Files::new();
    let metadata = state.join("metadata");
    for entry in std::fs::read_dir(metadata.join("root_history")).expect("roots") {
        let path = entry.expect("an entry").path();
        files.insert(path.file_name().unwrap().to_string_lossy().into_owned(), read(&path));
    }
    files.insert("timestamp.json".to_owned(), read(&metadata.join("timestamp.json")));
    for role in ["snapshot", "targets"] {
        let bytes = read(&metadata.join(format!("{role}.json")));
        files.insert(format!("{}.{role}.json", version(&bytes)), bytes);
    }
    let root = read(&state.join("targets/trusted_root.json"));
    let name = format!("targets/{}.trusted_root.json", Digest::of(&root).hex());
    files.insert(name, root);
    files
}

/// The `trusted_root.json` of a state.
pub fn trusted_root(state: &Path) -> String {
    String::from_utf8(read(&state.join("targets/trusted_root.json"))).expect("text")
}

/// The path of the only file whose name ends so.
pub fn path_ending(files: &Files, ending: &str) -> String {
    let mut all = files.keys().filter(|path| path.ends_with(ending));
    all.next_back().unwrap_or_else(|| panic!("no {ending}")).clone()
}

/// Somebody's key.
pub struct Signer {
    pair: Ed25519KeyPair,
    pub id: String,
}

impl Signer {
    /// A key made of one byte, so that every run has the same.
    pub fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
        let id = Digest::of(pair.public_key().as_ref()).hex();
        Self { pair, id }
    }

    fn public(&self) -> Value {
        let hex: String = self
            .pair
            .public_key()
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": hex } })
    }
}

/// Signs a role by these.
pub fn signed(signed: &Value, by: &[&Signer]) -> Vec<u8> {
    let bytes = sigstore_tuf::canonical_json::to_canonical_bytes(signed).expect("canonical");
    let signatures: Vec<Value> = by
        .iter()
        .map(|signer| {
            let sig: String = signer
                .pair
                .sign(&bytes)
                .as_ref()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            json!({ "keyid": signer.id, "sig": sig })
        })
        .collect();
    serde_json::to_vec(&json!({ "signed": signed, "signatures": signatures })).expect("JSON")
}

/// One version of a repository of our own.
pub struct Edition<'a> {
    pub root: u64,
    pub timestamp: u64,
    pub snapshot: u64,
    pub targets: u64,
    pub expires: &'a str,
    pub trusted_root: &'a str,
    /// Who may sign roots, with how many of them are enough.
    pub roots: (&'a [&'a Signer], usize),
    /// Who signs everything below.
    pub online: &'a Signer,
}

impl Edition<'_> {
    /// Its root metadata, signed by these.
    pub fn root_by(&self, by: &[&Signer]) -> Vec<u8> {
        let (roots, threshold) = self.roots;
        let keys: BTreeMap<&str, Value> = roots
            .iter()
            .copied()
            .chain([self.online])
            .map(|signer| (signer.id.as_str(), signer.public()))
            .collect();
        let ids: Vec<&str> = roots.iter().map(|signer| signer.id.as_str()).collect();
        let below = json!({ "keyids": [self.online.id], "threshold": 1 });
        let body = json!({
            "_type": "root", "spec_version": "1.0.31", "version": self.root, "expires": self.expires,
            "consistent_snapshot": true, "keys": keys,
            "roles": {
                "root": { "keyids": ids, "threshold": threshold },
                "timestamp": below, "snapshot": below, "targets": below,
            },
        });
        signed(&body, by)
    }

    /// Everything but the root metadata.
    pub fn files(&self) -> Files {
        let target = self.trusted_root.as_bytes();
        let role = |kind: &str, version: u64| json!({ "_type": kind, "spec_version": "1.0.31", "version": version, "expires": self.expires });
        let mut targets = role("targets", self.targets);
        let hash = Digest::of(target).hex();
        targets["targets"] = json!({ "trusted_root.json": { "length": target.len(), "hashes": { "sha256": hash } } });
        let mut snapshot = role("snapshot", self.snapshot);
        snapshot["meta"] = json!({ "targets.json": { "version": self.targets } });
        let mut timestamp = role("timestamp", self.timestamp);
        timestamp["meta"] = json!({ "snapshot.json": { "version": self.snapshot } });
        let by = [self.online];
        Files::from([
            ("timestamp.json".to_owned(), signed(&timestamp, &by)),
            (format!("{}.snapshot.json", self.snapshot), signed(&snapshot, &by)),
            (format!("{}.targets.json", self.targets), signed(&targets, &by)),
            (format!("targets/{hash}.trusted_root.json"), target.to_vec()),
        ])
    }
}
