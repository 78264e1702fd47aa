//! Commits without a checkout: exactly the bytes meant, on any kind of clone, as the person's git would
//! have made them, and nothing of the person's own touched.

use std::path::Path;

use pindeck::domain::id::Digest;
use pindeck::sources::git::GitRepo;
use pindeck::sources::git::write::{Become, Expected, FileChange, Push, Signing, Was, WriteError};

#[path = "support/git_world.rs"]
mod git_world;
use git_world::{World, belongings, git, git_bytes, hook};

const PIN: &[u8] = b"image: app@sha256:aa\n";

fn repo(dir: &Path) -> GitRepo {
    GitRepo::discover(dir).expect("found")
}

fn change(path: &str, was: Was, bytes: &[u8]) -> FileChange {
    FileChange {
        path: path.to_owned(),
        was,
        to: Become::Bytes(bytes.to_vec()),
    }
}

fn push<'a>(commit: &'a str, base: &'a str) -> Push<'a> {
    Push {
        remote: "origin",
        branch: "main",
        commit,
        expected: Expected::At(base),
    }
}

#[test]
fn one_file_changes_and_the_persons_own_things_stay_as_they_are() {
    let world = World::with(&[
        ("envs/prod/app.yaml", PIN),
        ("other.txt", b"x\n"),
        ("envs/dev/app.yaml", b"y\n"),
    ]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    // A person in the middle of something: staged, changed, untracked, on a branch of their own.
    git(&dir, &["checkout", "-q", "-b", "mine"]);
    std::fs::write(dir.join("other.txt"), "staged\n").expect("written");
    git(&dir, &["add", "other.txt"]);
    std::fs::write(dir.join("envs/prod/app.yaml"), "half a thought").expect("written");
    std::fs::write(dir.join("untracked"), "mine").expect("written");
    let before = belongings(&dir);

    let repo = repo(&dir);
    let base = world.head();
    let changes = [change(
        "envs/prod/app.yaml",
        Was::Bytes(Digest::of(PIN)),
        b"image: app@sha256:bb\n",
    )];
    let first = repo
        .commit_on(&base, &changes, "Promote app\n\nTrailer: yes\n")
        .expect("commits");
    let changes = [change("pindeck-holds.toml", Was::Absent, b"version = 1\n")];
    let second = repo.commit_on(&first, &changes, "Hold app\n").expect("commits on that");
    assert_eq!(world.head(), base, "nothing is pushed yet");
    let pushed = repo.push(push(&second, &base)).expect("lands");
    assert_eq!((pushed.refname.as_str(), pushed.already), ("refs/heads/main", false));

    assert_eq!(belongings(&dir), before);
    assert_eq!(world.head(), second);
    assert_eq!(
        git(&dir, &["rev-parse", "refs/remotes/origin/main"]),
        second,
        "as after any push"
    );
    assert_eq!(
        git(&world.remote, &["diff", "--name-status", &base, &second]),
        "M\tenvs/prod/app.yaml\nA\tpindeck-holds.toml"
    );
    assert_eq!(
        git_bytes(&world.remote, &["show", &format!("{first}:envs/prod/app.yaml")]),
        b"image: app@sha256:bb\n"
    );
    assert_eq!(
        git(&world.remote, &["rev-list", "--count", &format!("{base}..{second}")]),
        "2"
    );
    assert_eq!(
        git(&world.remote, &["log", "-1", "--format=%an <%ae>|%cn|%B", &first]),
        "Ada <ada@example.test>|Ada|Promote app\n\nTrailer: yes"
    );
    git(&world.remote, &["fsck", "--strict"]);
    assert!(repo.push(push(&second, &base)).expect("is there").already);
}
