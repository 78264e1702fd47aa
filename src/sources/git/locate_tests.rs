use std::fs::{create_dir_all, write};
use std::os::unix::fs::symlink;

use super::*;

/// A folder in which repositories are made by hand.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, path: &str) -> PathBuf {
        canonical(self.0.path()).join(path)
    }

    /// What git takes for a repository, with this configuration.
    fn git_dir(&self, path: &str, config: &str) -> PathBuf {
        let dir = self.at(path);
        for folder in ["objects", "refs"] {
            create_dir_all(dir.join(folder)).expect("made");
        }
        write(dir.join("HEAD"), "ref: refs/heads/main\n").expect("written");
        write(dir.join("config"), config).expect("written");
        dir
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.at(path);
        create_dir_all(path.parent().expect("a folder")).expect("made");
        write(path, text).expect("written");
    }

    fn locate(&self, path: &str) -> Result<RepositoryPaths, GitError> {
        locate(&self.at(path), &GitEnvironment::default())
    }

    fn top(&self, path: &str) -> PathBuf {
        self.locate(path).expect("found").top().to_owned()
    }
}

const BARE: &str = "[core]\n\tbare = true\n";

#[test]
fn a_bare_repository_among_the_files_of_another_is_never_the_repository() {
    let place = Place::new();
    place.git_dir("clone/.git", "");
    for hidden in ["clone/envs", "clone/deep/er/envs.git", "clone/with/work"] {
        place.git_dir(hidden, "[core]\n\tbare = false\n\tworktree = ..\n");
        for below in ["", "/objects", "/refs"] {
            let start = format!("{hidden}{below}");
            assert_eq!(place.top(&start), place.at("clone"), "{start}");
        }
    }
    // Not through a link from outside either.
    symlink(place.at("clone/envs"), place.at("link")).expect("linked");
    assert_eq!(place.top("link"), place.at("clone"));
}

#[test]
fn a_git_file_does_not_lead_to_files_of_another_working_tree() {
    let place = Place::new();
    place.git_dir("clone/.git", "");
    place.git_dir("clone/envs", BARE);
    for (at, target) in [
        ("elsewhere", place.at("clone/envs").display().to_string()),
        ("clone/sub", "../envs".to_owned()),
    ] {
        place.file(&format!("{at}/.git"), &format!("gitdir: {target}\n"));
        let refused = place.locate(at);
        assert!(
            matches!(refused, Err(GitError::TrackedRepository { .. })),
            "{at}: {refused:?}"
        );
    }
    // A linked working tree whose shared folder is such a one.
    let linked = place.git_dir("own/worktrees/x", "");
    write(linked.join("commondir"), place.at("clone/envs").display().to_string()).expect("written");
    place.file("linked/.git", &format!("gitdir: {}\n", linked.display()));
    let refused = place.locate("linked");
    assert!(
        matches!(refused, Err(GitError::TrackedRepository { .. })),
        "{refused:?}"
    );
    for text in ["gitdir: nowhere\n", "something else", ""] {
        place.file("broken/.git", text);
        let refused = place.locate("broken");
        assert!(
            matches!(refused, Err(GitError::BrokenLink { .. })),
            "{text:?}: {refused:?}"
        );
    }
}

#[test]
fn a_bare_repository_counts_where_it_is_named_exactly() {
    let place = Place::new();
    let bare = place.git_dir("bare.git", BARE);
    let found = place.locate("bare.git").expect("named");
    assert_eq!(
        (found.git_dir.as_path(), found.work_dir.as_ref()),
        (bare.as_path(), None)
    );
    let refused = place.locate("bare.git/objects").expect_err("only below it");
    assert!(matches!(&refused, GitError::BareRepository { .. }), "{refused:?}");
    assert!(refused.to_string().contains("bare.git"), "{refused}");
    let named = GitEnvironment {
        git_dir: Some("bare.git".into()),
        ..GitEnvironment::default()
    };
    assert_eq!(locate(&place.at(""), &named).expect("named").git_dir, bare);
    let wrong = GitEnvironment {
        git_dir: Some("objects".into()),
        ..GitEnvironment::default()
    };
    let refused = locate(&bare, &wrong);
    assert!(
        matches!(&refused, Err(GitError::GitDirVariable { value }) if value == "objects"),
        "{refused:?}"
    );
}

#[test]
fn usual_repositories_are_found_from_anywhere_in_them() {
    let place = Place::new();
    place.git_dir("clone/.git", "");
    place.git_dir("clone/vendor/inner/.git", "");
    create_dir_all(place.at("clone/a/b")).expect("made");
    for start in ["clone", "clone/a/b", "clone/.git"] {
        assert_eq!(place.top(start), place.at("clone"), "{start}");
    }
    assert_eq!(place.top("clone/vendor/inner"), place.at("clone/vendor/inner"));
    // A submodule, and a linked working tree of it all.
    place.git_dir("clone/.git/modules/sub", "[core]\n\tworktree = ../../../sub\n");
    place.file("clone/sub/.git", "gitdir: ../.git/modules/sub\n");
    assert_eq!(place.top("clone/sub"), place.at("clone/sub"));
    let linked = place.git_dir("clone/.git/worktrees/linked", "");
    write(linked.join("commondir"), "../..\n").expect("written");
    write(
        linked.join("gitdir"),
        format!("{}\n", place.at("linked/.git").display()),
    )
    .expect("written");
    place.file("linked/.git", &format!("gitdir: {}\n", linked.display()));
    let found = place.locate("linked").expect("found");
    assert_eq!(found.common_dir, place.at("clone/.git"));
    assert_eq!(found.top(), place.at("linked"));
    // One bare repository with its working trees beside it.
    place.git_dir("project/.bare", BARE);
    place.file("project/.git", "gitdir: ./.bare\n");
    assert_eq!(
        place.locate("project").expect("found").git_dir,
        place.at("project/.bare")
    );
    assert!(place.locate("nowhere").is_err());
}

#[test]
fn the_search_ends_at_a_ceiling() {
    let place = Place::new();
    place.git_dir("clone/.git", "");
    create_dir_all(place.at("clone/a/b")).expect("made");
    let ceiling = GitEnvironment {
        ceilings: vec![place.at("clone")],
        ..GitEnvironment::default()
    };
    let refused = locate(&place.at("clone/a/b"), &ceiling);
    assert!(matches!(refused, Err(GitError::NotARepository { .. })), "{refused:?}");
    assert!(
        locate(&place.at("clone"), &ceiling).is_ok(),
        "the start itself is always looked at"
    );
}
