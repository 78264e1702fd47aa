//! Attacks on the file of holds: to make holds seem absent while it is there.

use std::os::unix::fs::symlink;
use std::path::Path;

use pindeck::engine::{Engine, OpenOptions};

use crate::support::git_world::{World, git};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "holds-that-are-no-file",
        tries: "pindeck-holds.toml is a link, a folder or a submodule, so that holds seem absent",
        attempt: || on_a_runtime(holds_that_are_no_file()),
    },
    Attack {
        name: "holds-by-another-name",
        tries: "the file of holds has a name that only a file system that folds case takes for it",
        attempt: || on_a_runtime(holds_by_another_name()),
    },
    Attack {
        name: "holds-too-large",
        tries: "the file of holds is larger than anybody reads",
        attempt: || on_a_runtime(holds_too_large()),
    },
    Attack {
        name: "holds-not-fetched",
        tries: "a partial clone cannot fetch the file of holds",
        attempt: || on_a_runtime(holds_not_fetched()),
    },
];

/// Why the holds of a clone cannot be read; panics if they can.
async fn refused(dir: &Path, what: &str) -> String {
    let options = OpenOptions {
        dir: dir.to_owned(),
        no_fetch: true,
        ..OpenOptions::default()
    };
    let (ledger, _) = Engine::open(options).expect("opens").ledger().await.expect("reads");
    let problem = ledger.holds.as_ref().expect_err(what).clean().into_string();
    assert!(
        problem.contains("pindeck-holds.toml cannot be read"),
        "{what}: {problem}"
    );
    assert!(problem.contains("nothing can be promoted until"), "{what}: {problem}");
    assert!(
        ledger.all_notices().any(|notice| notice.clean().to_string() == problem),
        "{what}: nobody is told"
    );
    problem
}

async fn holds_by_another_name() {
    for name in [
        "Pindeck-Holds.toml",
        "PINDECK-HOLDS.TOML",
        "pindec\u{212a}-holds.toml",
        "pindeck-holds.toml.",
    ] {
        for beside in [false, true] {
            let mut files: Vec<(&str, &[u8])> = vec![("a.yaml", b"a: 1\n"), (name, b"version = 1\n")];
            if beside {
                files.push(("pindeck-holds.toml", b"version = 1\n"));
            }
            let world = World::with(&files);
            let dir = world.clone_as("work", &world.file_url(), &[]);
            let problem = refused(&dir, name).await;
            assert!(problem.contains("file system folds case"), "{problem}");
        }
    }
}

async fn holds_too_large() {
    let text = format!("version = 1\n{}", "# padding\n".repeat(600_000));
    let world = World::with(&[("a.yaml", b"a: 1\n"), ("pindeck-holds.toml", text.as_bytes())]);
    // Read by libgit2, and by the git program.
    for (name, options) in [("whole", &[][..]), ("partial", &["--filter=blob:limit=1g"][..])] {
        git(
            world.root.path().join("remote.git").as_path(),
            &["config", "uploadpack.allowFilter", "true"],
        );
        let dir = world.clone_as(name, &world.file_url(), options);
        let problem = refused(&dir, name).await;
        assert!(problem.contains("larger than 4 MiB"), "{problem}");
    }
}

async fn holds_not_fetched() {
    let world = World::with(&[("a.yaml", b"a: 1\n"), ("pindeck-holds.toml", b"version = 1\n")]);
    git(
        world.root.path().join("remote.git").as_path(),
        &["config", "uploadpack.allowFilter", "true"],
    );
    let dir = world.clone_as("work", &world.file_url(), &["--filter=blob:none", "--no-checkout"]);
    // The manifests are there; the holds are not, and nobody can be asked for them any more.
    git(&dir, &["cat-file", "-e", "HEAD:a.yaml"]);
    git(&dir, &["remote", "set-url", "origin", "file:///nowhere/at/all.git"]);
    refused(&dir, "a partial clone").await;
}

async fn holds_that_are_no_file() {
    for what in ["link", "dangling link", "folder", "submodule"] {
        let world = World::with(&[("a.yaml", b"a: 1\n"), ("other.toml", b"version = 1\n")]);
        let dir = world.clone_as("work", &world.file_url(), &[]);
        let holds = dir.join("pindeck-holds.toml");
        match what {
            "link" => symlink("other.toml", &holds).expect("linked"),
            "dangling link" => symlink("nowhere", &holds).expect("linked"),
            "folder" => {
                std::fs::create_dir(&holds).expect("made");
                std::fs::write(holds.join("x"), "version = 1\n").expect("written");
            }
            _ => {
                let entry = format!("160000,{},pindeck-holds.toml", world.head());
                git(&dir, &["update-index", "--add", "--cacheinfo", &entry]);
            }
        }
        if what != "submodule" {
            git(&dir, &["add", "-A"]);
        }
        git(&dir, &["commit", "-q", "-m", "Holds"]);
        git(&dir, &["push", "-q", "origin", "HEAD:main"]);
        let options = OpenOptions {
            dir: dir.clone(),
            ..OpenOptions::default()
        };
        let (ledger, _) = Engine::open(options).expect("opens").ledger().await.expect("reads");
        assert!(ledger.holds.is_err(), "{what}: holds seem absent");
    }
}
