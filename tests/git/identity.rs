//! Who a commit is by: the person that git knows, or nobody, and then nothing is written.

use pindeck::sources::git::write::{FileBefore, WriteError};

use super::write::{change, repo};
use crate::support::git_world::{World, git};

/// Whoever runs the tests may have an identity of their own, so this runs once more without it.
#[test]
fn nobody_writes_without_a_name() {
    const MARK: &str = "GIT_WRITE_TEST_NAMELESS";
    if std::env::var_os(MARK).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().expect("known"));
        again
            .args(["--exact", "git::identity::nobody_writes_without_a_name"])
            .env(MARK, "1");
        again
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for name in [
            "EMAIL",
            "GIT_AUTHOR_NAME",
            "GIT_AUTHOR_EMAIL",
            "GIT_COMMITTER_NAME",
            "GIT_COMMITTER_EMAIL",
        ] {
            again.env_remove(name);
        }
        let out = again.output().expect("runs");
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let who = repo.identity().expect("known");
    let ada = "Ada <ada@example.test>";
    assert_eq!(
        (who.author.as_str(), who.committer.as_str(), who.signing),
        (ada, ada, None)
    );
    for missing in ["user.email", "user.name"] {
        let was = git(&dir, &["config", missing]);
        git(&dir, &["config", "--unset", missing]);
        let objects = git(&dir, &["count-objects"]);
        let refused = repo.commit_on(&world.head(), &[change("a", FileBefore::Unchecked, b"2\n")], "m\n");
        assert!(matches!(refused, Err(WriteError::NoIdentity)), "{missing}: {refused:?}");
        assert_eq!(git(&dir, &["count-objects"]), objects, "nothing was written");
        git(&dir, &["config", missing, &was]);
    }
    assert!(repo.identity().is_ok());
}
