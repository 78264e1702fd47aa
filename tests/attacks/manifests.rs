//! Attacks by whoever writes manifests: what is deployed is another image than the one that is shown.
//!
//! Most of them are small repositories in `tests/data/rendered/deceived.txt`. Here are those that no visible
//! character shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use pindeck::domain::policy::Environment;
use pindeck::engine::effective::{ScannedCommit, render};
use pindeck::sources::git::TreeFile;
use pindeck::sources::git::manifest::{is_manifest, scan};

use crate::Attack;
use crate::support::git_world::git;

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "line-ends-that-readers-disagree-about",
        tries: "an image stands in a comment for one reader of YAML and is content for another",
        attempt: line_ends_that_readers_disagree_about,
    },
    Attack {
        name: "kustomization-by-a-link",
        tries: "a kustomization that changes the images beside it is a symbolic link, which is not followed here",
        attempt: kustomization_by_a_link,
    },
    Attack {
        name: "kustomization-too-large-to-read",
        tries: "a kustomization changes the images below it and is too large, or too broken, to be read",
        attempt: kustomization_too_large_to_read,
    },
];

const APP: &str = "envs/production/app.yaml";
const KUSTOMIZATION: &str = "envs/production/kustomization.yaml";

fn reference(letter: char) -> String {
    format!("r.example/app@sha256:{}", letter.to_string().repeat(64))
}

/// Whether what is deployed is called uncertain; `unread` are files that are there and were not scanned.
fn is_uncertain(files: &BTreeMap<&str, String>, unread: &[&str]) -> bool {
    let scanned = files.iter().filter(|(path, _)| is_manifest(path));
    let commit = ScannedCommit {
        scans: scanned
            .map(|(path, text)| ((*path).to_owned(), Arc::new(scan(path, text.as_bytes()))))
            .collect(),
        files: Arc::new(
            std::iter::chain(files.keys(), unread)
                .map(|path| TreeFile {
                    path: (*path).to_owned(),
                    oid: String::new(),
                })
                .collect(),
        ),
        ..ScannedCommit::default()
    };
    let production = Environment {
        name: "production".into(),
        paths: vec!["envs/production/**".to_owned()],
        branch: None,
        repository: None,
        policy: None,
        after: Vec::new(),
        registry: None,
        write: Default::default(),
        confirm: Default::default(),
        read_only: false,
        platforms: Default::default(),
        running: Default::default(),
    };
    let references = render(&commit, &[production]).references;
    assert_eq!(references.len(), 1, "{references:?}");
    references[0].uncertain.is_some()
}

fn workload(comment: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app}}\nspec:\n  template:\n    spec:\n      containers:\n        -\n{comment}            image: {}\n            name: app\n",
        reference('a')
    )
}

fn line_ends_that_readers_disagree_about() {
    let plain = BTreeMap::from([(APP, workload("          # as usual\n"))]);
    assert!(!is_uncertain(&plain, &[]));
    for end in ['\u{85}', '\u{2028}', '\u{2029}'] {
        let hidden = [
            format!("image: {}", reference('b')),
            "args:".to_owned(),
            "- |".to_owned(),
        ];
        let lines: String = hidden
            .iter()
            .map(|line| format!("          # as usual{end}          {line}\n"))
            .collect();
        let files = BTreeMap::from([(APP, workload(&lines))]);
        assert!(is_uncertain(&files, &[]), "{end:?} in the workload");
        let kustomization =
            format!("resources: [app.yaml]\n# as usual{end}images: [{{name: r.example/app, newTag: other}}]\n");
        let files = BTreeMap::from([(APP, workload("")), (KUSTOMIZATION, kustomization)]);
        assert!(is_uncertain(&files, &[]), "{end:?} in the kustomization");
    }
}

fn kustomization_too_large_to_read() {
    let files = BTreeMap::from([(APP, workload(""))]);
    assert!(!is_uncertain(&files, &[]));
    for unread in [KUSTOMIZATION, "envs/kustomization.yml", "Kustomization"] {
        assert!(is_uncertain(&files, &[unread]), "{unread}");
    }
    let broken = "images: [{name: r.example/app, newTag: other}]\nresources: {{[\n".to_owned();
    let files = BTreeMap::from([(APP, workload("")), (KUSTOMIZATION, broken)]);
    assert!(is_uncertain(&files, &[]));
}

fn kustomization_by_a_link() {
    let home = tempfile::tempdir().expect("a folder");
    let at = |path: &str| home.path().join(path);
    git(home.path(), &["init", "-q", "-b", "main"]);
    std::fs::create_dir_all(at("envs/production")).expect("made");
    std::fs::create_dir_all(at("shared")).expect("made");
    std::fs::write(at(APP), workload("")).expect("written");
    let kustomization = format!(
        "resources: [app.yaml]\nimages: [{{name: r.example/app, digest: \"sha256:{}\"}}]\n",
        "b".repeat(64)
    );
    std::fs::write(at("shared/images.txt"), kustomization).expect("written");
    let configuration = "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\n";
    std::fs::write(at("pindeck.toml"), configuration).expect("written");
    let commit = |what: &str| {
        git(home.path(), &["add", "-A"]);
        git(
            home.path(),
            &[
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@example.com",
                "commit",
                "-q",
                "-m",
                what,
            ],
        );
    };
    let uncertain = || {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_pindeck"))
            .args(["--offline", "status", "--json", "-C"])
            .arg(home.path())
            .env("HOME", home.path())
            .env("PINDECK_CACHE_DIR", at("cache"))
            .env("XDG_STATE_HOME", at("state"))
            .output()
            .expect("pindeck runs");
        let status: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("a document");
        status["services"][0]["pins"][0]["uncertain"].clone()
    };
    commit("before");
    assert!(uncertain().is_null());
    std::os::unix::fs::symlink("../../shared/images.txt", at(KUSTOMIZATION)).expect("linked");
    commit("a link");
    let said = uncertain();
    assert!(said.as_str().is_some_and(|why| why.contains(KUSTOMIZATION)), "{said}");
}
