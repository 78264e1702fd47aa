//! Checkouts as pipelines and people have them: detached, empty, owned by somebody else, locked, or with a
//! remote that cannot be reached.

use std::path::Path;
use std::process::{Command, Output};

use pindeck::sources::git::{GitError, GitRepo, Tip};

use crate::support::git_world::{World, git, identify, repo};

fn tip(dir: &Path) -> Result<Tip, GitError> {
    repo(dir).tip(None)
}

/// A clone with a second commit that only it has, checked out as `how` says.
fn clone_with_own_work(how: &[&str]) -> (World, std::path::PathBuf) {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    std::fs::write(dir.join("a"), "proposed\n").expect("written");
    git(&dir, &["commit", "-q", "-a", "-m", "Proposed"]);
    git(&dir, &["tag", "v1"]);
    git(&dir, how);
    git(&dir, &["branch", "-q", "-D", "main"]);
    (world, dir)
}

#[test]
fn without_a_branch_the_remotes_default_branch_counts() {
    let (world, dir) = clone_with_own_work(&["checkout", "-q", "v1"]);
    for repo in [repo(&dir), repo(&dir).read_by_program()] {
        let tip = repo.tip(None).expect("a tip");
        assert_eq!((tip.branch.as_str(), tip.commit), ("main", world.head()));
        assert_eq!(tip.remote.as_deref(), Some("origin"));
        // A branch that is named counts all the same.
        git(&world.remote, &["branch", "-f", "release", "main"]);
        git(&dir, &["fetch", "-q", "origin"]);
        assert_eq!(repo.tip(Some("release")).expect("a tip").branch, "release");
    }
}

#[test]
fn a_default_branch_that_is_not_known_is_asked_for() {
    for how in [
        &["checkout", "-q", "v1"][..],
        &["checkout", "-q", "-b", "proposal", "v1"],
    ] {
        let (world, dir) = clone_with_own_work(how);
        git(&dir, &["remote", "set-head", "origin", "--delete"]);
        let repo = repo(&dir);
        let unknown = repo.tip(None);
        assert!(
            matches!(unknown, Err(GitError::NoDefaultBranch { .. })),
            "{how:?}: {unknown:?}"
        );
        let refs = git(&dir, &["for-each-ref"]);
        repo.fetch("origin").expect("fetches");
        assert_eq!(repo.tip(None).expect("a tip").commit, world.head(), "{how:?}");
        assert_eq!(git(&dir, &["for-each-ref"]), refs, "nothing is written to the clone");
    }
}

#[test]
fn a_repository_without_a_commit_says_so() {
    let root = tempfile::tempdir().expect("a folder");
    git(root.path(), &["init", "-q", "empty"]);
    git(root.path(), &["init", "-q", "--bare", "remote.git"]);
    git(root.path(), &["clone", "-q", "remote.git", "clone"]);
    for name in ["empty", "clone"] {
        let error = tip(&root.path().join(name)).expect_err("nothing to read");
        assert!(matches!(error, GitError::NoCommit { .. }), "{name}: {error:?}");
        for command in ["status", "init"] {
            let out = pindeck(&root.path().join(name), &[command], &[]);
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert!(
                said.contains("has no commit yet") && said.contains("commit your manifests"),
                "{name}: {said}"
            );
            assert!(!out.status.success(), "{name} {command}");
        }
    }
    // The first commit, not pushed yet: the branch is not on the remote.
    let clone = root.path().join("clone");
    identify(&clone);
    std::fs::write(clone.join("a"), "1\n").expect("written");
    git(&clone, &["add", "-A"]);
    git(&clone, &["commit", "-q", "-m", "First"]);
    let error = tip(&clone).expect_err("not pushed");
    assert!(matches!(error, GitError::NoBranch { .. }), "{error:?}");
}

#[test]
fn pushes_that_go_elsewhere_are_refused_by_name() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    git(&dir, &["remote", "add", "fork", "file:///nowhere"]);
    let repo = repo(&dir);
    let check = || repo.check_push_remote("origin").map_err(|e| e.to_string());
    assert_eq!(check(), Ok(()));
    git(&dir, &["config", "remote.pushDefault", "fork"]);
    assert!(check().expect_err("elsewhere").contains("remote.pushDefault"));
    // The branch's own setting comes first.
    git(&dir, &["config", "branch.main.pushRemote", "origin"]);
    assert_eq!(check(), Ok(()));
    git(&dir, &["config", "branch.main.pushRemote", "fork"]);
    assert!(check().expect_err("elsewhere").contains("branch.main.pushRemote"));
    git(&dir, &["config", "branch.main.pushRemote", "not-here"]);
    assert_eq!(check(), Ok(()), "a remote that this clone does not have");
}

#[test]
fn a_lock_is_waited_for_and_then_named() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    git(&world.remote, &["branch", "-f", "other", "main"]);
    let folder = dir.join(".git/refs/remotes/origin");
    std::fs::create_dir_all(&folder).expect("made");
    let lock = folder.join("other.lock");
    std::fs::write(&lock, "").expect("written");
    match repo(&dir).fetch("origin") {
        Err(GitError::Locked { lock: named }) => assert!(named.ends_with("other.lock"), "{named}"),
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(&lock).expect("removed");
    repo(&dir).fetch("origin").expect("nobody is at it any more");
}

/// Runs pindeck with more environment.
fn pindeck(cwd: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_pindeck"))
        .args(args)
        .current_dir(cwd)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("PINDECK_CACHE_DIR", home.path().join("cache"))
        .envs(environment.iter().copied())
        .output()
        .expect("pindeck runs")
}

/// A repository that git takes for that of another user is trusted exactly where git trusts it.
#[test]
fn safe_directory_is_what_git_says_it_is() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let linked = world.root.path().join("linked");
    git(
        &dir,
        &["worktree", "add", "-q", "--detach", &linked.display().to_string()],
    );
    let dir = dir.canonicalize().expect("there");
    let (own, above) = (
        dir.display().to_string(),
        dir.parent().expect("a folder").display().to_string(),
    );
    let config = world.root.path().join("config");
    let included = world.root.path().join("included");
    let mut trusted = 0;
    let mut cases: Vec<Vec<String>> = vec![
        vec![],
        vec![own.clone()],
        vec![format!("{own}/")],
        vec![format!("{own}/.git")],
        vec!["*".to_owned()],
        vec![format!("{above}/*")],
        vec![above.clone()],
        vec![own.clone(), String::new()],
        vec![String::new(), own.clone()],
        vec!["%(prefix)/x".to_owned()],
        vec!["/elsewhere".to_owned()],
    ];
    cases.push(vec![linked.canonicalize().expect("there").display().to_string()]);
    for values in cases {
        let text: String = values
            .iter()
            .map(|v| format!("[safe]\n\tdirectory = \"{v}\"\n"))
            .collect();
        std::fs::write(&included, &text).expect("written");
        let count = values.len().to_string();
        let keys: Vec<(String, String)> = values
            .iter()
            .enumerate()
            .flat_map(|(n, value)| {
                let key = (format!("GIT_CONFIG_KEY_{n}"), "safe.directory".to_owned());
                [key, (format!("GIT_CONFIG_VALUE_{n}"), value.clone())]
            })
            .collect();
        let config = config.display().to_string();
        let global = vec![("GIT_CONFIG_GLOBAL", config.as_str())];
        let mut by_environment = vec![("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_COUNT", count.as_str())];
        by_environment.extend(keys.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let include = format!("[include]\n\tpath = {}\n", included.display());
        for (how, file, mut environment) in [
            ("file", text.as_str(), global.clone()),
            ("include", include.as_str(), global),
            ("environment", "", by_environment),
        ] {
            std::fs::write(&config, file).expect("written");
            environment.push(("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"));
            environment.push(("GIT_CONFIG_NOSYSTEM", "1"));
            for place in [&dir, &linked] {
                let by_git = Command::new("git")
                    .args(["rev-parse", "--git-dir"])
                    .current_dir(place)
                    .envs(environment.iter().copied())
                    .output()
                    .expect("git runs")
                    .status
                    .success();
                let out = pindeck(place, &["--no-fetch", "status"], &environment);
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                assert_eq!(
                    out.status.success(),
                    by_git,
                    "{how} {values:?} at {}: {said}",
                    place.display()
                );
                trusted += usize::from(by_git);
                if !by_git {
                    let advice = format!(
                        "git config --global --add safe.directory {}",
                        place.canonicalize().expect("there").display()
                    );
                    assert!(said.contains(&advice), "{said}");
                }
            }
        }
    }
    assert!(trusted >= 12, "only {trusted} were trusted");
}

#[test]
fn git_dir_is_honoured_or_refused_by_name() {
    let (one, two) = (World::with(&[("a", b"1\n")]), World::with(&[("a", b"2\n")]));
    let dir = one.clone_as("work", &one.file_url(), &[]);
    let other = two.clone_as("work", &two.file_url(), &[]);
    let path = |out: &Output| {
        let document: serde_json::Value = serde_json::from_slice(&out.stdout).expect("a document");
        document["repository"]["commit"].as_str().map(str::to_owned)
    };
    let named = other.join(".git").display().to_string();
    let out = pindeck(&dir, &["--no-fetch", "status", "--json"], &[("GIT_DIR", &named)]);
    assert_eq!(path(&out), Some(two.head()));
    let out = pindeck(&dir, &["--no-fetch", "status"], &[("GIT_DIR", "not/there")]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2));
    assert!(said.contains("GIT_DIR names not/there"), "{said}");
}

#[test]
fn what_was_not_fetched_is_never_shown_as_certain() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let fetch = |args: &[&str]| {
        let out = pindeck(&dir, args, &[]);
        let document: serde_json::Value = serde_json::from_slice(&out.stdout).expect("a document");
        (out.status.code(), document["repository"]["fetch"].clone())
    };
    let (code, fresh) = fetch(&["status", "--json"]);
    assert_eq!((code, &fresh["state"]), (Some(0), &"fresh".into()));
    assert!(fresh["at"].is_string() && fresh["error"].is_null(), "{fresh}");
    for flag in ["--no-fetch", "--offline"] {
        let (code, not_asked) = fetch(&[flag, "status", "--json"]);
        assert_eq!(code, Some(0));
        assert_eq!(
            not_asked,
            serde_json::json!({"state": "not-asked", "at": null, "error": null})
        );
    }
    std::fs::rename(&world.remote, world.root.path().join("moved.git")).expect("moved");
    let (code, failed) = fetch(&["status", "--json"]);
    assert_eq!((code, &failed["state"]), (Some(6), &"failed".into()));
    assert!(failed["at"].is_string() && failed["error"].is_string(), "{failed}");
    for args in [
        &["drift", "--json"][..],
        &["drift", "--json", "--exit-code"],
        &["hold", "list", "--json"],
    ] {
        assert_eq!(pindeck(&dir, args, &[]).status.code(), Some(6), "{args:?}");
    }
    let repo: GitRepo = repo(&dir);
    assert!(repo.tip(None).is_ok(), "what was known before is still there");
}
