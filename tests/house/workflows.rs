//! Workflows of ours use what they use by digest: a tag is a label that can move.

use std::fs;

use super::tree::{root, verdict};

/// The actions that are used, with the commit that was looked up for each: one that was made up would fail in the last step of a release.
const KNOWN: [&str; 6] = [
    "actions/attest-build-provenance@e8998f949152b193b063cb0ec769d69d929409be # v2.4.0",
    "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0",
    "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
    "oras-project/setup-oras@1d808f7d7f6995cc68b7bf507bfe5c5446e1dc9d # v2.0.1",
    "sigstore/cosign-installer@faadad0cce49287aee09b3a48701e75088a2c6ad # v4.0.0",
];

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
            if !KNOWN.contains(&action.trim()) {
                complaints.push(format!("{}:{}: nobody looked up {action}", path.display(), number + 1));
            }
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
        // Without what a comment says.
        let words = line.trim().trim_start_matches("- run: ");
        let words = words.split(" #").next().unwrap_or_default();
        if ["cosign ", "oras ", "cargo build", "dpkg-deb", "sha256sum"]
            .iter()
            .any(|tool| words.contains(tool))
            && !words.starts_with('#')
        {
            complaints.push(format!("a step that `just release` and the tests do not have: {words}"));
        }
    }
    // Pushed under a name of the run, then judged, then published; the version is given to the image by what judges it.
    let steps = [
        "gh release view",
        "build-$GITHUB_RUN_ID",
        "bash .ci/publish all ",
        "gh release create",
    ];
    let places: Vec<Option<usize>> = steps.iter().map(|step| text.find(step)).collect();
    if places.contains(&None) || !places.is_sorted() {
        complaints.push(format!("{steps:?} come in another order"));
    }
    let publish = fs::read_to_string(root().join(".ci/publish")).expect("the script");
    let (judged, tagged) = (publish.find("do judged "), publish.find("\" tag \""));
    if text.contains("$IMAGE:${GITHUB_REF_NAME") || judged.is_none() || judged > tagged {
        complaints.push("the image has its version before it is judged".to_owned());
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
