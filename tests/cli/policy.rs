//! `pindeck policy`: policies of clusters' gates beside pindeck's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::home::{Home, commit, deployment, digest, shop};
use super::served::{has, sane, time};
use crate::support::gate_policies;
use crate::support::packed::Packed;
use crate::support::stage::{Stage, path};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/admission")
}

fn policies() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data()).expect("the table");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    all.sort();
    all
}

/// A repository with two services in two environments under the policy of the table.
fn repository(home: &Home) -> PathBuf {
    let image = |name: &str, d| deployment(&format!("registry.example.com/shop/{name}:1.0.0@{}", digest(d)));
    let read = |name: &str| std::fs::read_to_string(data().join("shop").join(name)).expect("there");
    home.repository(
        "table",
        &[
            ("pindeck.toml", &read("pindeck.toml")),
            ("keys/a.pub", &read("keys/a.pub")),
            ("keys/b.pub", &read("keys/b.pub")),
            ("envs/staging/api.yaml", &image("api", 'b')),
            ("envs/staging/web.yaml", &image("web", 'c')),
            ("envs/production/api.yaml", &image("api", 'a')),
            ("envs/production/web.yaml", &image("web", 'c')),
        ],
    )
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Whether the document has what a line of the table expects: `RULE | ANSWER | part of the detail`.
fn is_met(document: &Value, line: &str) -> bool {
    let mut parts = line.split(" | ");
    let rule = parts.next().expect("a rule");
    let (answer, detail) = (parts.next(), parts.next().unwrap_or_default());
    if rule == "cluster" {
        let digests = list(&document["digests"]);
        let mut of_api = digests.iter().filter(|one| one["service"] == "api");
        return of_api.any(|one| Some(one["cluster"].as_str().expect("an answer")) == answer);
    }
    let rows = list(&document["files"]).iter().flat_map(|file| list(&file["rules"]));
    let mut rows = rows.filter(|row| row["rule"] == rule && answer.is_none_or(|answer| row["answer"] == answer));
    rows.any(|row| row["detail"].as_str().expect("a detail").contains(detail))
}

#[test]
fn every_row_of_the_table_has_its_line() {
    let home = Home::new();
    let repository = repository(&home);
    let files = policies();
    assert!(files.len() >= 30, "{}", files.len());
    let mut wrong = Vec::new();
    let mut rules = BTreeSet::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("there");
        let shown = file.to_str().expect("a path");
        let said = home.run(&repository, &["--offline", "policy", "compare", shown, "--json"]);
        if said.status != 0 {
            wrong.push(format!("{shown}: {said:?}"));
            continue;
        }
        let document = said.json();
        assert_eq!(document["schema"], "pindeck/policy-compare/v1");
        time(&document["generated_at"]);
        sane(&document, "$");
        has(&document, "files digests");
        for file in list(&document["files"]) {
            has(file, "file kind name rules unread");
            for rule in list(&file["rules"]) {
                has(rule, "rule answer detail");
                rules.insert(rule["rule"].as_str().expect("a rule").to_owned());
            }
        }
        for one in list(&document["digests"]) {
            has(one, "service environment digest pindeck cluster why");
        }
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect ")).collect();
        assert!(!expected.is_empty(), "{shown}");
        for line in expected {
            if !is_met(&document, line) {
                wrong.push(format!(
                    "{shown}: no {line:?} in {:#}\n{:#}",
                    document["files"], document["digests"]
                ));
            }
        }
    }
    println!("{} policies, {} rules: {rules:?}", files.len(), rules.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_the_projects_publish_is_read_and_what_they_call_invalid_is_refused() {
    let home = Home::new();
    let repository = repository(&home);
    let folder = Packed::Policies.folder();
    let (mut read, mut refused, mut wrong) = (0, 0, Vec::new());
    for group in ["policy-controller", "kyverno"] {
        let entries = std::fs::read_dir(folder.join(group)).expect("the corpus");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let said = home.run(
                &repository,
                &["policy", "import", path.to_str().expect("a path"), "--json"],
            );
            // Not a policy of a gate, or the expected state of one in a test.
            let is_none = ["e2e-test-deployment.yaml", "policy-ready.yaml"].contains(&name.as_str());
            if name.starts_with("invalid-") || is_none {
                refused += 1;
                let error = if said.status == 2 { said.error() } else { Value::Null };
                let message = error["message"].as_str().unwrap_or_default();
                if !message.contains(&format!("{name}:")) {
                    wrong.push(format!("{name}: {said:?}"));
                }
            } else {
                read += 1;
                if said.status != 0 {
                    wrong.push(format!("{name}: {said:?}"));
                }
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_taken_over_is_valid_and_in_force_only_where_it_is_named() {
    let home = Home::new();
    let repository = shop(&home);
    let file = policies()
        .into_iter()
        .find(|path| path.to_string_lossy().contains("two-keys-or"))
        .expect("there");
    let file = file.to_str().expect("a path");
    let said = home.run(&repository, &["init", "--from-policy", file]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("keys/gate.1.pub"), "{said:?}");
    assert!(repository.join("keys/gate.2.pub").exists());
    let text = std::fs::read_to_string(repository.join("pindeck.toml")).expect("written");
    assert!(
        text.contains("[policies.gate]") && !text.contains("\npolicy = "),
        "{text}"
    );
    assert_eq!(home.run(&repository, &["config", "check"]).status, 0);
    commit(&repository, "policy");
    assert_eq!(home.run(&repository, &["config", "check"]).status, 0);

    let other = policies()
        .into_iter()
        .find(|path| path.to_string_lossy().contains("provenance-cue"))
        .expect("there");
    let other = other.to_str().expect("a path");
    let said = home.run(&repository, &["policy", "import", other, "--write"]);
    assert_eq!(said.status, 2, "nobody confirms: {said:?}");
    assert_eq!(
        home.run(
            &repository,
            &["--read-only", "policy", "import", other, "--write", "--yes"]
        )
        .status,
        2
    );
    let said = home.run(&repository, &["policy", "import", other, "--write", "--yes"]);
    assert_eq!(said.status, 0, "{said:?}");
    let text = std::fs::read_to_string(repository.join("pindeck.toml")).expect("written");
    assert!(
        text.contains("[policies.gate-2]") && text.contains("# Not read, line"),
        "{text}"
    );
    assert_eq!(home.run(&repository, &["config", "check"]).status, 0);
    let printed = home.run(&repository, &["policy", "import", other]);
    assert!(
        printed
            .out
            .contains("predicate_types = [\"https://slsa.dev/provenance/v1\"]"),
        "{printed:?}"
    );
    assert!(printed.out.contains("#   -----BEGIN PUBLIC KEY-----"), "{printed:?}");
}

#[test]
fn hostile_policies_cost_a_named_error() {
    let home = Home::new();
    let repository = shop(&home);
    let bomb: String = (0..40)
        .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n + 1))
        .collect();
    let large = format!("# {}\n", "x".repeat(1 << 20));
    for (name, bytes) in [
        ("bomb.yaml", bomb.into_bytes()),
        ("large.yaml", large.into_bytes()),
        ("latin.yaml", b"kind: \xe9\n".to_vec()),
        ("none.yaml", b"kind: Pod\n".to_vec()),
    ] {
        let file = home.path(name);
        std::fs::write(&file, bytes).expect("written");
        let said = home.run(
            &repository,
            &["policy", "compare", file.to_str().expect("a path"), "--json"],
        );
        assert_eq!(said.status, 2, "{name}: {said:?}");
        assert!(
            said.error()["message"]
                .as_str()
                .expect("a text")
                .contains(&format!("{name}:1:")),
            "{said:?}"
        );
    }
    let said = home.run(&repository, &["policy", "compare", "nowhere.yaml", "--json"]);
    assert_eq!(said.status, 2);
    said.error();
}

/// Compares on the world; the document.
async fn on_the_world(stage: &Stage, home: &Home, policies: &str) -> Value {
    let folder = stage.policy.parent().expect("a folder");
    let file = home.write("gate.yaml", policies);
    let named = format!("world={}", folder.join("trusted-root.json").display());
    let other = folder.join("trusted-root.json");
    let policy = path(&stage.policy);
    let args = [
        "policy",
        "compare",
        path(&file),
        "--root",
        &named,
        "--root",
        path(&other),
        "--config",
        policy,
    ];
    let args: Vec<&str> = args.into_iter().chain(["--json", "--exit-code"]).collect();
    let command = home.command(&stage.clone, &args);
    let said = tokio::task::spawn_blocking(move || super::home::finish(command))
        .await
        .expect("finished");
    assert_eq!(said.status, 3, "{} {}", said.err, said.out);
    said.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_world_both_sides_are_judged_and_differences_told() {
    let Some(stage) = Stage::start().await else { return };
    let home = Home::new();
    let folder = stage.policy.parent().expect("a folder").to_path_buf();
    type Writer = fn(&Path, gate_policies::Kind) -> String;
    let gates: [(&str, Writer); 2] = [("tags", gate_policies::controller), ("bundles", gate_policies::kyverno)];
    let mut said = BTreeSet::new();
    for (name, write) in gates {
        let all: String = gate_policies::KINDS.iter().map(|kind| write(&folder, *kind)).collect();
        let document = on_the_world(&stage, &home, &all).await;
        let digests = list(&document["digests"]);
        let pinned = digests.iter().filter(|one| one["pinned"] == true).count();
        println!("{name}: {} digests, {pinned} pinned", digests.len());
        assert!(digests.len() > pinned && pinned > 20);
        for pindeck in ["verified", "warned", "rejected", "unknown"] {
            for cluster in ["admit", "refuse", "cannot-say"] {
                let both = |one: &&Value| one["pindeck"] == pindeck && one["cluster"] == cluster;
                let count = digests.iter().filter(both).count();
                println!("  {pindeck} here, {cluster} there: {count}");
                for one in digests.iter().filter(both) {
                    said.insert(format!("{name} {pindeck} {cluster} {}: {}", one["service"], one["why"]));
                }
            }
        }
        // What verifies here is refused there for one reason: it is stored the other way.
        for one in digests
            .iter()
            .filter(|one| one["pindeck"] == "verified" && one["cluster"] == "refuse")
        {
            let why = one["why"].as_str().expect("a reason");
            assert!(
                why.contains("no signature that counts (it is stored as"),
                "{name}: {one}"
            );
        }
        let rows: Vec<&Value> = list(&document["files"])
            .iter()
            .flat_map(|file| list(&file["rules"]))
            .collect();
        let has = |rule: &str, answer: &str| rows.iter().any(|row| row["rule"] == rule && row["answer"] == answer);
        for rule in [
            "keys",
            "identities",
            "root",
            "require signature",
            "require sbom",
            "require test-result",
        ] {
            assert!(has(rule, "same"), "{name}: {rule}: {rows:#?}");
        }
    }
    let seen = |start: &str, part: &str| said.iter().any(|one| one.starts_with(start) && one.contains(part));
    // A failed test result is no business of a gate without conditions.
    assert!(seen("bundles rejected admit", "catalog"), "{said:#?}");
    // The image itself is gone: a gate does not look.
    assert!(seen("tags rejected cannot-say", "frontend"), "{said:#?}");
    assert!(
        seen("tags verified admit", "checkout") && seen("bundles verified admit", "catalog"),
        "{said:#?}"
    );
}
