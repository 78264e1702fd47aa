//! Workflows of ours use what they use by digest: a tag is a label that can move.

use std::fs;

use super::tree::{root, verdict};

#[test]
fn every_action_is_named_by_its_commit() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    // Those that we run, and those that we give to others.
    let folders = [".github/workflows", "docs/ci"].map(|folder| fs::read_dir(root().join(folder)).expect("workflows"));
    for entry in folders.into_iter().flatten() {
        let path = entry.expect("an entry").path();
        for (number, line) in fs::read_to_string(&path).expect("readable").lines().enumerate() {
            let Some(action) = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ") else {
                continue;
            };
            seen += 1;
            let commit = action.split_once('@').map_or("", |(_, rest)| rest);
            let commit = commit.split_whitespace().next().unwrap_or_default();
            if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
                complaints.push(format!("{}:{}: {action}", path.display(), number + 1));
            }
        }
    }
    assert!(seen > 5, "only {seen} actions");
    verdict("each action is named by the commit that was looked at", &complaints);
}

#[test]
fn a_release_is_made_by_the_scripts_that_everybody_has() {
    let text = fs::read_to_string(root().join(".github/workflows/release.yml")).expect("the workflow");
    let mut complaints = Vec::new();
    for script in ["bash .ci/release ", "bash .ci/publish all "] {
        if text.matches(script).count() != 1 {
            complaints.push(format!("{script}is not run once"));
        }
    }
    for line in text.lines() {
        let words = line.trim().trim_start_matches("- run: ");
        if ["cosign ", "oras ", "cargo build", "dpkg-deb", "sha256sum"]
            .iter()
            .any(|tool| words.contains(tool))
            && !line.contains('#')
        {
            complaints.push(format!("a step that `just release` and the tests do not have: {words}"));
        }
    }
    verdict("steps of a release", &complaints);
}

#[test]
fn the_oldest_toolchain_is_the_same_everywhere() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("readable");
    let cargo = read("Cargo.toml");
    let promised = cargo
        .split("rust-version = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let promised = promised.expect("a rust-version");
    let mut complaints = Vec::new();
    for page in ["CONTRIBUTING.md", "docs/guide/install.md"] {
        if !read(page).contains(&format!("({promised} or newer")) {
            complaints.push(format!("{page} does not say {promised}"));
        }
    }
    if !read(".ci/oldest-toolchain").contains("rust-version")
        || !read(".github/workflows/ci.yml").contains(".ci/oldest-toolchain")
    {
        complaints.push("no workflow builds with it".to_owned());
    }
    verdict("the oldest toolchain", &complaints);
}
