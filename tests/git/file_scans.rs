//! The files of a commit are read by several threads, and files of one name and content once: what comes out is what each
//! file says by itself.

use std::path::{Path, PathBuf};

use pindeck::engine::OpenOptions;
use pindeck::engine::file_scans::ScanCache;
use pindeck::engine::ledger::{Ledger, read};
use pindeck::sources::git::GitRepo;
use pindeck::sources::git::manifest::scan;

use crate::support::git_world::{git, identify};
use crate::support::packed::Packed;

fn committed(dir: &Path) {
    git(dir, &["init", "-q", "-b", "main"]);
    identify(dir);
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "files"]);
}

fn ledger(dir: &Path) -> Ledger {
    let repo = GitRepo::discover(dir).expect("a repository");
    read(&repo, &OpenOptions::default(), &ScanCache::default()).expect("a ledger")
}

/// Every file of a folder and of those below it.
fn files_in(root: &Path) -> Vec<PathBuf> {
    let (mut out, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => out.push(path),
            }
        }
    }
    out
}

#[test]
fn each_file_says_what_it_says_alone_wherever_it_lies() {
    let root = tempfile::tempdir().expect("a folder");
    // Real manifests, each in two folders.
    for (n, file) in files_in(&Packed::Gitops.folder()).into_iter().enumerate() {
        let name = file.file_name().expect("a name");
        for folder in ["one", "two/deeper"] {
            let folder = root.path().join(folder).join(n.to_string());
            std::fs::create_dir_all(&folder).expect("made");
            std::fs::copy(&file, folder.join(name)).expect("copied");
        }
    }
    committed(root.path());
    for is_packed in [false, true] {
        if is_packed {
            git(root.path(), &["gc", "-q"]);
        }
        let ledger = ledger(root.path());
        let (mut with_path, mut shared) = (0, 0);
        for (path, found) in &ledger.commit.scans {
            let bytes = std::fs::read(root.path().join(path)).expect("readable");
            assert_eq!(**found, scan(path, &bytes), "{path}");
            match found.unmanaged.is_empty() {
                true => shared += 1,
                false => with_path += 1,
            }
        }
        assert!(with_path > 0 && shared > 100, "{with_path} and {shared}");
    }
}

#[test]
fn what_is_too_large_is_named_and_not_read() {
    let root = tempfile::tempdir().expect("a folder");
    let large = "# nothing\n".repeat((17 << 20) / 10) + "image: r.example/large:1\n";
    std::fs::write(root.path().join("large.yaml"), large).expect("written");
    std::fs::write(root.path().join("small.yaml"), "image: r.example/small:1\n").expect("written");
    committed(root.path());
    for is_packed in [false, true] {
        if is_packed {
            git(root.path(), &["gc", "-q"]);
        }
        let ledger = ledger(root.path());
        assert!(ledger.commit.scans.contains_key("small.yaml"));
        assert!(!ledger.commit.scans.contains_key("large.yaml"));
        let said = "large.yaml is larger than 16 MiB and was not read";
        assert!(
            ledger.notices.iter().any(|notice| notice.raw() == said),
            "{:?}",
            ledger.notices
        );
    }
}
