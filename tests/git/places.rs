//! Odd remotes and odd names: where a push goes, and what it must leave as it is.

use pindeck::domain::failure::FailureKind;
use pindeck::sources::git::write::PushError;

use crate::support::git_world::{World, commit, git, repo, to_main};

#[test]
fn the_place_that_is_pushed_to_is_the_one_that_is_asked() {
    let (world, elsewhere) = (World::with(&[("a", b"1\n")]), World::with(&[("a", b"1\n")]));
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let base = world.head();
    git(&elsewhere.remote, &["fetch", "-q", &world.file_url(), "+main:main"]);
    git(&dir, &["config", "remote.origin.pushurl", &elsewhere.file_url()]);
    let next = commit(&repo, &base, "a", "2\n");
    repo.push(to_main(&next, &base)).expect("lands");
    assert_eq!((elsewhere.head(), world.head()), (next.clone(), base.clone()));
    assert!(repo.landed("origin", "main", &next).expect("asked"));
    assert!(repo.push(to_main(&next, &base)).expect("there").already);
    // Whoever was first there is not pushed over.
    let third = commit(&repo, &base, "a", "3\n");
    let moved = repo.push(to_main(&third, &base)).expect_err("it moved there");
    assert_eq!(moved.kind(), FailureKind::Conflict, "{moved}");
    // One push to two places is not all or nothing.
    git(&dir, &["config", "--add", "remote.origin.pushurl", &world.file_url()]);
    let fourth = commit(&repo, &next, "a", "4\n");
    let refused = repo.push(to_main(&fourth, &next)).expect_err("two places");
    assert!(
        matches!(refused, PushError::SeveralPlaces { count: 2, .. }),
        "{refused:?}"
    );
    assert_eq!((elsewhere.head(), world.head()), (next, base));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_stays_as_it_is() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.yaml");
    std::fs::write(dir.join(odd), "image: x\n").expect("written");
    git(&dir, &["add", "-A"]);
    git(&dir, &["commit", "-q", "-m", "Odd"]);
    git(&dir, &["push", "-q", "origin", "HEAD:main"]);
    let (repo, base) = (repo(&dir), world.head());
    let names: Vec<String> = repo.files(&base).expect("reads").into_iter().map(|f| f.path).collect();
    assert_eq!(names, ["a"], "what cannot be named is no manifest");
    let next = commit(&repo, &base, "a", "2\n");
    repo.push(to_main(&next, &base)).expect("lands");
    let others = |at: &str| -> Vec<String> {
        let listed = git(&world.remote, &["ls-tree", "-r", at]);
        listed
            .lines()
            .filter(|line| !line.ends_with("\ta"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(others(&base).len(), 1);
    assert_eq!(others(&next), others(&base));
}
