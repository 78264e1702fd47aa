//! Every image reference of a repository is a pin, an overridden place, or unmanaged with its reason; what is inferred is
//! what the owner would say, and what `init` writes comes to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::clones::{self, Clone};
use super::home::{Home, commit, finish, git};
use super::independent_scan::mentions;
use crate::support::packed::{Packed, file_ending};
use crate::support::skip::{Want, skipped};

/// Whether a file may name images that pindeck reads.
fn is_read(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end)) || path.ends_with("/Kustomization")
}

/// Lines with a pin, an overridden place or something unmanaged, by file.
fn accounted(document: &Value) -> BTreeMap<String, BTreeSet<usize>> {
    let mut out: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let pins = list(&document["services"]).flat_map(|service| list(&service["pins"]));
    let places = pins.flat_map(|pin| list(&pin["locations"]));
    for place in places.chain(list(&document["unmanaged"])) {
        let line = usize::try_from(place["line"].as_u64().expect("a line")).expect("small");
        out.entry(text(&place["file"])).or_default().insert(line);
    }
    for one in list(&document["unmanaged"]) {
        assert!(!text(&one["reason"]).is_empty(), "{one}");
        assert!(one["reference"].is_string(), "{one}");
    }
    out
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// References that the independent scan finds and the document passes over; and how many there are.
fn passed_over<'f>(document: &Value, files: impl Iterator<Item = (&'f str, String)>) -> (usize, Vec<String>) {
    let accounted = accounted(document);
    let (mut count, mut out) = (0, Vec::new());
    for (path, body) in files.filter(|(path, _)| is_read(path)) {
        for mention in mentions(&body) {
            count += 1;
            let known = accounted.get(path);
            if known.is_none_or(|known| known.is_disjoint(&mention.lines)) {
                out.push(format!("{path}:{:?}: {}", mention.lines, mention.text));
            }
        }
    }
    (count, out)
}

fn build(home: &Home, clone: &Clone) -> PathBuf {
    let files: Vec<(&str, &str)> = clone
        .files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    home.repository(&clone.name, &files)
}

fn status(home: &Home, repository: &Path, more: &[&str]) -> Value {
    let said = home.run(repository, &[&["--offline", "status", "--json"], more].concat());
    assert_eq!(said.status, 0, "{said:?}");
    said.json()
}

#[test]
fn everything_is_accounted_for_and_called_as_its_owner_calls_it() {
    let home = Home::new();
    let mut wrong = Vec::new();
    let clones = clones::all();
    let mut references = 0;
    for clone in &clones {
        let repository = build(&home, clone);
        let document = status(&home, &repository, &[]);
        let mut say = |what: String| wrong.push(format!("{}: {what}", clone.name));
        let (count, over) = passed_over(&document, clone.files.iter().map(|(p, t)| (p.as_str(), t.clone())));
        references += count;
        if !over.is_empty() {
            say(format!("passed over {over:#?}"));
        }
        let shown = home.run(&repository, &["config", "show", "--json"]).json();
        let environments: Vec<(String, Vec<String>)> = list(&shown["environments"])
            .map(|env| (text(&env["name"]), list(&env["after"]).map(text).collect()))
            .collect();
        if environments != clone.environments {
            say(format!("environments {environments:?}"));
        }
        let services: BTreeSet<String> = list(&document["services"]).map(|one| text(&one["name"])).collect();
        if services != clone.services {
            let invented: Vec<_> = services.difference(&clone.services).collect();
            let lacking: Vec<_> = clone.services.difference(&services).collect();
            say(format!("services invented {invented:?}, lacking {lacking:?}"));
        }
        for image in &clone.left {
            let is_named = |one: &Value| {
                let reference = text(&one["reference"]);
                reference.contains(image.as_str())
            };
            if !list(&document["unmanaged"]).any(is_named) {
                say(format!("{image} is not named as unmanaged"));
            }
        }
    }
    assert!(clones.len() >= 12 && references > 100, "{} {references}", clones.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{} repositories, {references} references", clones.len());
}

/// What a status says about pins: names, pins, since when, drift.
fn said_of_pins(document: &Value) -> Value {
    let environments: Vec<&Value> = list(&document["environments"]).map(|env| &env["name"]).collect();
    serde_json::json!({
        "environments": environments,
        "services": document["services"],
        "drift": document["drift"],
        "unmanaged": document["unmanaged"],
    })
}

#[test]
fn with_the_file_of_init_and_without_it_status_says_the_same() {
    let home = Home::new();
    for clone in clones::all() {
        let repository = build(&home, &clone);
        // A second commit moves every tag, so that `pinned` and the history have something to tell.
        for (path, body) in &clone.files {
            home.write(&format!("{}/{path}", clone.name), &body.replace(": 1.", ": 2."));
        }
        git(&repository, &["commit", "-q", "--allow-empty", "-am", "newer"]);
        let before = said_of_pins(&status(&home, &repository, &[]));
        let printed = home.run(&repository, &["--offline", "init", "--print"]);
        assert_eq!(printed.status, 0, "{printed:?}");
        let file = home.write("proposed.toml", &printed.out).display().to_string();
        let after = said_of_pins(&status(&home, &repository, &["--config", &file]));
        assert_eq!(before, after, "{}\n{}", clone.name, printed.out);
        // Committed, it is the repository's own word, and its own lines are no manifests.
        home.write(&format!("{}/pindeck.toml", clone.name), &printed.out);
        commit(&repository, "policy");
        let committed = said_of_pins(&status(&home, &repository, &[]));
        assert_eq!(before, committed, "{}", clone.name);
    }
}

#[test]
fn what_init_writes_takes_in_the_application_of_tomorrow() {
    let home = Home::new();
    let one = super::home::deployment("registry.example.com/shop/web:1.0.0");
    let files: Vec<String> = ["web", "api"]
        .iter()
        .flat_map(|app| ["dev", "prod"].map(|env| format!("apps/{app}/overlays/{env}/app.yaml")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), one.as_str())).collect();
    let repository = home.repository("tomorrow", &files);
    let printed = home.run(&repository, &["--offline", "init", "--print"]);
    assert!(printed.out.contains("\"apps/*/overlays/prod/**\""), "{printed:?}");
    let file = home.write("proposed.toml", &printed.out).display().to_string();
    let image = super::home::deployment("registry.example.com/shop/mail:1.0.0");
    home.write("tomorrow/apps/mail/overlays/prod/app.yaml", &image);
    commit(&repository, "mail");
    let document = status(&home, &repository, &["--config", &file]);
    let names: Vec<String> = list(&document["services"]).map(|one| text(&one["name"])).collect();
    assert!(names.contains(&"mail".to_owned()), "{names:?}");
}

/// The large real tree of the shared corpus, in a repository of its own.
fn large_tree(home: &Home) -> Option<(PathBuf, PathBuf)> {
    let corpus = Packed::Gitops.folder();
    let Some(archive) = file_ending(&corpus.join("scale"), ".tar.gz") else {
        skipped(Want::Data, "no large tree in the corpus");
        return None;
    };
    let repository = home.path("large");
    std::fs::create_dir_all(&repository).expect("made");
    let mut unpack = std::process::Command::new("tar");
    unpack
        .arg("xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&repository)
        .arg("--strip-components=1");
    assert_eq!(finish(unpack).status, 0);
    git(&repository, &["init", "-q", "-b", "main"]);
    commit(&repository, "first");
    Some((repository, corpus.join("scale")))
}

#[test]
fn in_a_large_real_tree_nothing_is_passed_over() {
    let home = Home::new();
    let Some((repository, scale)) = large_tree(&home) else {
        return;
    };
    let mut run = home.command(&repository, &["--offline", "status", "--json"]);
    run.env("PINDECK_LOG", "debug");
    let said = finish(run);
    assert_eq!(said.status, 0, "{}", said.err);
    let document = said.json();
    let mut files = Vec::new();
    walk(&repository, "", &mut files);
    let read = |path: &String| std::fs::read_to_string(repository.join(path)).unwrap_or_default();
    let (count, over) = passed_over(&document, files.iter().map(|path| (path.as_str(), read(path))));
    assert!(count > 700, "the independent scan finds {count} references");
    assert!(over.is_empty(), "{} of {count} are passed over: {over:#?}", over.len());

    // Another oracle: the digests that the corpus lists, with their lines.
    let accounted = accounted(&document);
    let expected = std::fs::read_to_string(scale.join("expected.jsonl")).expect("expectations");
    let mut digests = 0;
    for line in expected.lines() {
        let one: Value = serde_json::from_str(line).expect("JSON");
        let file = text(&one["file"]);
        for line in list(&one["lines"]) {
            let line = usize::try_from(line.as_u64().expect("a line")).expect("small");
            digests += 1;
            let known = accounted.get(&file).is_some_and(|known| known.contains(&line));
            assert!(known, "{file}:{line} is passed over");
        }
    }
    assert!(digests > 100, "{digests}");

    let environments: Vec<String> = list(&document["environments"]).map(|env| text(&env["name"])).collect();
    let owner = [
        "development",
        "staging",
        "ring-0",
        "ring-1",
        "ring-2",
        "ring-3",
        "ring-4",
        "production",
    ];
    assert_eq!(environments, owner);
    // Everything is rendered once, so who takes in whom is resolved once.
    let log = home.path(".local/state/pindeck/pindeck.log");
    let log = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(log.matches("a commit was rendered").count(), 1);
    println!("{count} references and {digests} listed digests, all accounted for");
}

fn walk(top: &Path, folder: &str, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(top.join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        if entry.file_type().expect("a kind").is_dir() {
            if name != ".git" {
                walk(top, &path, out);
            }
        } else {
            out.push(path);
        }
    }
}
