//! The repository of 4,069 real files, which benches and tests look at as people do.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::packed::{Packed, file_ending};
use super::peer::git;
use super::stage::path;

/// Makes a repository of the 4,069 real files of the test data, in one commit on `main`.
pub fn large_tree(tree: &Path) {
    fs::create_dir_all(tree).expect("made");
    let archive = file_ending(&Packed::Gitops.folder().join("scale"), ".tar.gz").expect("the tree");
    let unpacked = Command::new("tar")
        .args(["xzf", path(&archive), "-C", path(tree)])
        .status();
    assert!(unpacked.expect("tar runs").success());
    for args in [
        &["init", "-q", "-b", "main"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "a tree"],
    ] {
        git(tree, ["-C", path(tree)].iter().chain(args).copied());
    }
}
