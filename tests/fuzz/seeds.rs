//! The seeds of each target: files of the test data by what they say, and what lies in `fuzz/seeds`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::packed::Packed;

/// Longer inputs teach a fuzzer little: it is told to make none that are longer, too.
const LONGEST: usize = 16 << 10;

/// So many seeds of one kind, taken evenly from all there are.
const MOST: usize = 300;

/// One input to begin with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed {
    pub bytes: Vec<u8>,
    /// The file that it is from.
    pub origin: String,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All seeds of a target.
pub fn of(target: &str) -> Vec<Seed> {
    let mut seeds = match target {
        "manifest" | "edit" => manifests(),
        "admission" => evenly(files(
            &[root().join("tests/data/admission"), Packed::Policies.folder()],
            is_yaml,
        )),
        "cluster_list" => files(&[root().join("tests/data/cluster")], |path| path.ends_with(".json")),
        "team" => files(&[Packed::World.folder()], |path| path.ends_with("pindeck.toml")),
        _ => evenly(
            documents()
                .iter()
                .filter(|(kind, _)| *kind == target)
                .map(|(_, seed)| seed.clone()),
        ),
    };
    seeds.extend(files(&[root().join("fuzz/seeds").join(target)], |_| true));
    seeds
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// The first byte of an input chooses the file's name.
fn manifests() -> Vec<Seed> {
    let all = files(
        &[
            Packed::Gitops.folder(),
            root().join("tests/data/manifests"),
            root().join("tests/data/rendered"),
        ],
        |path| is_yaml(path) || path.ends_with(".json"),
    );
    let named = |(at, seed): (usize, Seed)| {
        let name = u8::try_from(at % 6).expect("small");
        Seed {
            bytes: [&[name], seed.bytes.as_slice()].concat(),
            origin: seed.origin,
        }
    };
    evenly(all).into_iter().enumerate().map(named).collect()
}

/// The files below some folders that are short enough, each content once.
fn files(folders: &[PathBuf], is_wanted: fn(&str) -> bool) -> Vec<Seed> {
    let mut found = BTreeSet::new();
    for folder in folders {
        collect(folder, is_wanted, &mut found);
    }
    let mut known = BTreeSet::new();
    let mut seeds: Vec<Seed> = found
        .into_iter()
        .filter(|seed: &Seed| known.insert(seed.bytes.clone()))
        .collect();
    seeds.sort_by(|a, b| a.origin.cmp(&b.origin));
    seeds
}

fn collect(folder: &Path, is_wanted: fn(&str) -> bool, found: &mut BTreeSet<Seed>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let origin = path.to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, is_wanted, found);
        } else if is_wanted(&origin) && entry.metadata().is_ok_and(|about| about.len() <= LONGEST as u64) {
            let bytes = fs::read(&path).expect("a readable file");
            found.insert(Seed { bytes, origin });
        }
    }
}

fn evenly(all: impl IntoIterator<Item = Seed>) -> Vec<Seed> {
    let all: Vec<Seed> = all.into_iter().collect();
    let step = all.len().div_ceil(MOST).max(1);
    all.into_iter().step_by(step).collect()
}

/// What the evidence says, and what is in it, by the targets that read it.
fn documents() -> &'static [(&'static str, Seed)] {
    static DOCUMENTS: OnceLock<Vec<(&'static str, Seed)>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let folders = [
            Packed::Evidence.folder(),
            Packed::World.folder(),
            root().join("tests/data/evidence"),
        ];
        let mut out = Vec::new();
        for seed in files(&folders, |_| true) {
            sort(&seed, &mut out);
        }
        let mut known = BTreeSet::new();
        out.retain(|(target, seed)| known.insert((*target, seed.bytes.clone())));
        out
    })
}

/// Gives a document to the targets that read such ones, and then what it carries.
fn sort(seed: &Seed, out: &mut Vec<(&'static str, Seed)>) {
    let Ok(Value::Object(said)) = serde_json::from_slice::<Value>(&seed.bytes) else {
        return;
    };
    let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    let inner = |value: &Value| Seed {
        bytes: serde_json::to_vec(value).expect("JSON"),
        origin: seed.origin.clone(),
    };
    let media_type = text("mediaType");
    if media_type.contains("trustedroot") {
        out.push(("trusted_root", seed.clone()));
    } else if media_type.contains("sigstore.bundle") {
        out.push(("bundle", seed.clone()));
        if let Some(envelope) = said.get("dsseEnvelope") {
            sort(&inner(envelope), out);
        }
    } else if said.contains_key("payloadType") {
        out.push(("statement", seed.clone()));
        out.push(("legacy", seed.clone()));
        if let Ok(bytes) = STANDARD.decode(text("payload")) {
            sort(
                &Seed {
                    bytes,
                    origin: seed.origin.clone(),
                },
                out,
            );
        }
    } else if text("_type").contains("in-toto") {
        out.push(("statement", seed.clone()));
        if let Some(predicate) = said.get("predicate") {
            let predicate = inner(predicate);
            let kind = text("predicateType").to_ascii_lowercase();
            let targets: &[&str] = match () {
                () if kind.contains("provenance") => &["provenance"],
                () if kind.contains("verification_summary") => &["vsa"],
                () if kind.contains("vuln") => &["vulns"],
                () if kind.contains("test-result") => &["test_result"],
                () if kind.contains("spdx") || kind.contains("cyclonedx") || kind.contains("bom") => &["sbom"],
                () => &[],
            };
            out.extend(targets.iter().map(|target| (*target, predicate.clone())));
        }
    } else if said.contains_key("critical") {
        out.push(("legacy", seed.clone()));
    } else if said.contains_key("bomFormat") || said.contains_key("spdxVersion") {
        out.push(("sbom", seed.clone()));
    }
}
