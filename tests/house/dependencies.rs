//! The dependency check: licences, banned crates, doubled heavy crates and sources, by the rules of
//! `deny.toml`, over what `cargo metadata` resolves for this machine. Needs no network.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    name: String,
    reason: Option<String>,
    #[serde(default)]
    deny_multiple_versions: bool,
}

/// One crate of the resolved graph.
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

fn rules() -> Deny {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml")).expect("deny.toml");
    toml::from_str(&text).expect("a valid deny.toml")
}

/// Everything the resolver picked for this machine, features considered.
fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = Command::new(&cargo).arg("-vV").output().expect("cargo -vV");
    let host = String::from_utf8(host.stdout).expect("text");
    let host = host
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .expect("a host triple")
        .to_owned();
    let out = Command::new(&cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            &host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        out.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    let meta: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let root = text(&meta["resolve"]["root"]).expect("a root package");
    let used: BTreeSet<String> = reachable(&meta["resolve"]["nodes"], &root);
    meta["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .filter(|p| p["id"].as_str().is_some_and(|id| id != root && used.contains(id)))
        .map(|p| Package {
            name: text(&p["name"]).expect("a name"),
            version: text(&p["version"]).expect("a version"),
            license: text(&p["license"]),
            source: text(&p["source"]),
        })
        .collect()
}

fn reachable(nodes: &Value, root: &str) -> BTreeSet<String> {
    let edges: BTreeMap<&str, Vec<&str>> = nodes
        .as_array()
        .expect("nodes")
        .iter()
        .map(|n| {
            let to = n["deps"]
                .as_array()
                .expect("deps")
                .iter()
                .filter_map(|d| d["pkg"].as_str())
                .collect();
            (n["id"].as_str().expect("an id"), to)
        })
        .collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if seen.insert(id.to_owned()) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    seen
}

/// Whether an SPDX expression can be met with allowed licences. `/` is the old spelling of OR.
fn licence_holds(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let holds = any_of(&words, &mut at, allowed);
    holds && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut holds = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= all_of(words, at, allowed);
    }
    holds
}

fn all_of(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut holds = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, allowed);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = any_of(words, at, allowed);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return holds && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let full = format!("{word} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
        return allowed(&full);
    }
    allowed(word)
}

#[test]
fn every_licence_is_on_the_list() {
    let rules = rules();
    let packages = packages();
    assert!(packages.len() > 50, "only {} crates resolved", packages.len());
    let mut complaints = Vec::new();
    for package in &packages {
        let extra = rules
            .licenses
            .exceptions
            .iter()
            .find(|e| e.name == package.name)
            .map(|e| &e.allow);
        let allowed = |l: &str| rules.licenses.allow.contains(l) || extra.is_some_and(|e| e.contains(l));
        let licence = package.license.as_deref().unwrap_or("none given");
        if !licence_holds(licence, &allowed) {
            complaints.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(
        complaints.is_empty(),
        "licences not allowed by deny.toml:\n  {}",
        complaints.join("\n  ")
    );
    println!("{} crates, every licence allowed", packages.len());
}

#[test]
fn no_banned_crate_and_no_second_copy_of_a_heavy_one() {
    let packages = packages();
    let mut complaints = Vec::new();
    for ban in rules().bans.deny {
        let found: Vec<&str> = packages
            .iter()
            .filter(|p| p.name == ban.name)
            .map(|p| p.version.as_str())
            .collect();
        let allowed = usize::from(ban.deny_multiple_versions);
        if found.len() > allowed {
            let why = ban.reason.as_deref().unwrap_or("one version at most");
            complaints.push(format!("{} {}: {why}", ban.name, found.join(", ")));
        }
    }
    assert!(
        complaints.is_empty(),
        "banned by deny.toml:\n  {}",
        complaints.join("\n  ")
    );
}

#[test]
fn everything_comes_from_one_registry() {
    let packages = packages();
    let sources: BTreeSet<Option<&str>> = packages.iter().map(|p| p.source.as_deref()).collect();
    let one_registry = sources.len() == 1 && sources.iter().all(|s| s.is_some_and(|s| s.starts_with("registry+")));
    assert!(
        one_registry,
        "crates from git, from a path or from several registries: {sources:?}"
    );
}

#[test]
fn licence_expressions_are_read_right() {
    let allowed = |l: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&l);
    for (expression, holds) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR ISC) AND MIT", true),
        ("ISC AND (GPL-3.0 OR OpenSSL)", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("none given", false),
        ("(MIT", false),
    ] {
        assert_eq!(licence_holds(expression, &allowed), holds, "{expression}");
    }
}
