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
