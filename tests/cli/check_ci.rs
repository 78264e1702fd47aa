//! What docs/ci ships, run for real as far as that goes without a forge: the hook on a bare repository, the scripts
//! of the workflow and of the job in clones of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::gated::Gate;
use super::home::{Said, deployment, finish, git};
use crate::support::git_world::hook;

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci").join(name);
    std::fs::read_to_string(path).expect("shipped")
}

/// The bare repository with the hook, and a clone of it.
fn served(gate: &Gate) -> (PathBuf, PathBuf) {
    gate.set_up(|_| {}, |_| {}, |_| {});
    gate.git(&[
        "clone",
        "-q",
        "--bare",
        "--branch",
        "main",
        gate.folder.to_str().expect("UTF-8"),
        "../remote.git",
    ]);
    let remote = gate.home.path("remote.git");
    git(&remote, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    git(&remote, &["branch", "-q", "-D", "change"]);
    // Large pushes are kept in packs, small ones as single objects: both are looked at.
    hook(
        &remote.join("hooks"),
        "pre-receive",
        shipped("pre-receive").trim_start_matches("#!/bin/sh\n"),
    );
    gate.git(&["clone", "-q", remote.to_str().expect("UTF-8"), "../clone"]);
    let clone = gate.home.path("clone");
    git(&clone, &["checkout", "-q", "main"]);
    (remote, clone)
}

/// Pushes as a person would; the hook finds the built program.
fn push(gate: &Gate, clone: &Path, args: &[&str], set: &[(&str, &str)]) -> Said {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(clone)
        .args(["push", "-q", "origin"])
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", gate.home.root.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PINDECK", env!("CARGO_BIN_EXE_pindeck"))
        .envs(set.iter().copied());
    tokio::task::block_in_place(|| finish(command))
}

fn commit_pin(gate: &Gate, clone: &Path, environment: &str, image: &str) {
    std::fs::write(clone.join(format!("envs/{environment}/api.yaml")), deployment(image)).expect("written");
    git(
        clone,
        &[
            "commit",
            "-q",
            "-am",
            &format!("{environment}: {}", image.len() + gate.server.total()),
        ],
    );
}

fn tip(remote: &Path, name: &str) -> String {
    let out = Command::new("git")
        .arg("-C")
        .arg(remote)
        .args(["rev-parse", "--verify", "-q", name])
        .output()
        .expect("git");
    String::from_utf8(out.stdout).expect("UTF-8").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_refuses_a_bad_push_in_words_and_lets_a_good_one_pass() {
    let gate = Gate::start().await;
    let (remote, clone) = served(&gate);
    for keeps_packs in [false, true] {
        git(
            &remote,
            &["config", "receive.unpackLimit", if keeps_packs { "1" } else { "100" }],
        );
        let before = tip(&remote, "main");
        git(&clone, &["checkout", "-q", "-B", "main", "origin/main"]);
        commit_pin(&gate, &clone, "staging", &gate.image("1.3.0"));
        let said = push(&gate, &clone, &["main"], &[]);
        assert_ne!(said.status, 0, "{said:?}");
        for words in [
            "pin-rejected",
            "api in staging: rejected under policy release",
            "the push to refs/heads/main is refused (status 4)",
        ] {
            assert!(said.err.contains(words), "{words}: {said:?}");
        }
        assert_eq!(tip(&remote, "main"), before, "nothing landed");

        // A good one, which other changes come with.
        git(&clone, &["reset", "-q", "--hard", "origin/main"]);
        let good = if keeps_packs { "1.2.0" } else { "0.9.0" };
        let environment = if keeps_packs { "staging" } else { "production" };
        std::fs::write(clone.join("README.md"), format!("{good}\n")).expect("written");
        commit_pin(&gate, &clone, environment, &gate.image(good));
        let said = push(&gate, &clone, &["main"], &[]);
        assert_eq!(said.status, 0, "{said:?}");
        assert!(said.err.contains("passed: nothing found"), "{said:?}");
        assert_eq!(tip(&remote, "main"), tip(&clone, "main"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_knows_new_branches_deletions_and_what_would_be_lost() {
    let gate = Gate::start().await;
    let (remote, clone) = served(&gate);
    // A new branch is compared with the default branch.
    git(&clone, &["checkout", "-q", "-b", "feature"]);
    commit_pin(&gate, &clone, "staging", &gate.image("1.3.0"));
    let said = push(&gate, &clone, &["feature"], &[]);
    assert!(said.status != 0 && said.err.contains("pin-rejected"), "{said:?}");
    git(&clone, &["reset", "-q", "--hard", "origin/main"]);
    commit_pin(&gate, &clone, "staging", &gate.image("1.2.0"));
    assert_eq!(push(&gate, &clone, &["feature"], &[]).status, 0);
    // Several at once: one bad ref refuses the push.
    commit_pin(&gate, &clone, "staging", &gate.image("1.3.0"));
    let said = push(&gate, &clone, &["main", "feature"], &[]);
    assert_ne!(said.status, 0, "{said:?}");
    git(&clone, &["reset", "-q", "--hard", "HEAD^"]);
    // Another history of a branch that is not the default one.
    git(&clone, &["commit", "-q", "--amend", "-m", "again"]);
    assert_eq!(push(&gate, &clone, &["+feature"], &[]).status, 0);
    let said = push(&gate, &clone, &[":feature"], &[]);
    assert!(
        said.status == 0 && said.err.contains("refs/heads/feature is deleted"),
        "{said:?}"
    );
    // The default branch loses nothing.
    git(&clone, &["checkout", "-q", "main"]);
    git(&clone, &["reset", "-q", "--hard", "HEAD^"]);
    let before = tip(&remote, "main");
    let said = push(&gate, &clone, &["+main"], &[]);
    assert!(said.status != 0 && said.err.contains("would lose commits"), "{said:?}");
    assert_eq!(tip(&remote, "main"), before);
    // A replacement would show others another commit than the one that was checked.
    let said = push(
        &gate,
        &clone,
        &["HEAD:refs/replace/1111111111111111111111111111111111111111"],
        &[],
    );
    assert!(said.status != 0 && said.err.contains("another commit"), "{said:?}");
    // A tag is no branch.
    git(&clone, &["tag", "v1"]);
    assert_eq!(push(&gate, &clone, &["v1"], &[]).status, 0);
}

/// A branch that goes back to older commits of the default one brings their pins back, and nothing in it is new.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_goes_back_is_compared_with_what_it_was() {
    let gate = Gate::start().await;
    let (remote, clone) = served(&gate);
    git(&clone, &["checkout", "-q", "-b", "env/live"]);
    commit_pin(&gate, &clone, "staging", &gate.image("1.2.0"));
    assert_eq!(push(&gate, &clone, &["env/live"], &[]).status, 0);
    let live = tip(&remote, "env/live");
    // An unsigned digest stood there once, and the default branch has that commit.
    let log = Command::new("git")
        .arg("-C")
        .arg(&clone)
        .args(["log", "--format=%H", "--grep=0.7.0 to production", "main"])
        .output()
        .expect("git");
    let unsigned = String::from_utf8(log.stdout).expect("UTF-8").trim().to_owned();
    assert_eq!(unsigned.len(), 40);
    git(&clone, &["reset", "-q", "--hard", &unsigned]);
    let said = push(&gate, &clone, &["+env/live"], &[]);
    assert!(said.status != 0 && said.err.contains("pin-rejected"), "{said:?}");
    assert!(said.err.contains("would lose commits"), "{said:?}");
    assert_eq!(tip(&remote, "env/live"), live, "nothing landed");
    // Back to the state before its own last change: what stood there is good, and no more is asked of a step back.
    git(&clone, &["reset", "-q", "--hard", "main^"]);
    git(&clone, &["commit", "-q", "--allow-empty", "-m", "elsewhere"]);
    std::fs::write(clone.join("envs/staging/api.yaml"), deployment(&gate.image("1.2.0"))).expect("written");
    git(&clone, &["add", "-A"]);
    git(&clone, &["commit", "-q", "-m", "the same pins"]);
    let said = push(&gate, &clone, &["+env/live"], &[]);
    assert_eq!(said.status, 0, "{said:?}");
    // On the newest of the default branch, only that one counts.
    git(&clone, &["reset", "-q", "--hard", "main"]);
    assert_eq!(push(&gate, &clone, &["+env/live"], &[]).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_server_counts_and_a_program_that_is_not_there_refuses() {
    let gate = Gate::start().await;
    let (remote, clone) = served(&gate);
    let before = tip(&remote, "main");
    commit_pin(&gate, &clone, "staging", &gate.image("1.2.0"));
    gate.home
        .write("own/keys/ci.pub", &crate::support::signed_world::Key::new().pem());
    let own = gate.home.write("own/pindeck.toml", &gate.policy(""));
    let options = format!("--config {}", own.display());
    let said = push(&gate, &clone, &["main"], &[("PINDECK_OPTIONS", &options)]);
    assert!(said.status != 0 && said.err.contains("pin-rejected"), "{said:?}");
    let said = push(&gate, &clone, &["main"], &[("PINDECK", "/no/such/program")]);
    assert!(said.status != 0, "{said:?}");
    assert_eq!(tip(&remote, "main"), before);
    assert_eq!(push(&gate, &clone, &["main"], &[]).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_objects_that_git_did_not_make_is_refused() {
    let gate = Gate::start().await;
    gate.set_up(|_| {}, |_| {}, |_| {});
    std::fs::create_dir_all(gate.home.path("objects/tmp_objdir-incoming-x")).expect("made");
    for value in ["/", "objects/tmp_objdir-incoming-x", "/etc"] {
        let mut command = gate
            .home
            .command(&gate.folder, &["check", "--base", "main", "--head", "change"]);
        command.env("GIT_QUARANTINE_PATH", gate.home.path(value));
        let said = finish(command);
        assert!(
            said.status == 2 && said.err.contains("GIT_QUARANTINE_PATH"),
            "{value}: {said:?}"
        );
    }
}

/// Runs a script as a job does, with the built program in the path.
fn job(gate: &Gate, clone: &Path, script: &str, set: &[(&str, &str)]) -> Said {
    let bin = Path::new(env!("CARGO_BIN_EXE_pindeck"))
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("/bin/sh");
    command
        .current_dir(clone)
        .args(["-e", "-c", script])
        .env_clear()
        .env("PATH", format!("{bin}:{path}"))
        .env("HOME", gate.home.root.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(set.iter().copied());
    tokio::task::block_in_place(|| finish(command))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_of_the_workflow_and_of_the_job_judge_the_change() {
    let gate = Gate::start().await;
    let (remote, clone) = served(&gate);
    std::fs::remove_file(remote.join("hooks/pre-receive")).expect("removed");
    commit_pin(&gate, &clone, "staging", &gate.image("1.3.0"));
    let head = tip(&clone, "HEAD");
    // As the forge keeps it: the commit that merging the change makes.
    git(&clone, &["checkout", "-q", "--detach", "origin/main"]);
    git(&clone, &["merge", "-q", "--no-ff", "--no-edit", &head]);
    git(&clone, &["push", "-q", "origin", "HEAD:refs/pull/7/merge"]);
    git(&clone, &["checkout", "-q", "-B", "main", "origin/main"]);
    let base = tip(&clone, "main");

    let workflow = shipped("github-workflow.yml");
    let (_, script) = workflow.split_once("        run: |\n").expect("a script");
    let summary = gate.home.path("summary.md").display().to_string();
    let event = [
        ("GITHUB_EVENT_NAME", "pull_request_target"),
        ("GITHUB_SHA", base.as_str()),
        ("GITHUB_BASE_REF", "main"),
        ("NUMBER", "7"),
        ("GITHUB_STEP_SUMMARY", summary.as_str()),
    ];
    let said = job(&gate, &clone, script, &event);
    assert_eq!(said.status, 4, "{said:?}");
    assert!(
        said.out.starts_with(
            "::error file=envs/staging/api.yaml,line=10,endLine=10,title=pindeck%3A pin-rejected::api in staging"
        ),
        "{said:?}"
    );
    assert!(std::fs::read_to_string(&summary).is_ok_and(|text| text.contains("pin-rejected")));
    let queue = [
        ("QUEUE_BASE", base.as_str()),
        ("QUEUE_HEAD", head.as_str()),
        ("GITHUB_STEP_SUMMARY", summary.as_str()),
    ];
    assert_eq!(job(&gate, &clone, script, &queue).status, 4);

    let pipeline = shipped("gitlab-ci.yml");
    let (_, rest) = pipeline.split_once("  script:\n").expect("a script");
    let lines = rest.lines().map_while(|line| line.strip_prefix("    - "));
    let script: String = lines.map(|line| format!("{line}\n")).collect();
    let merge_request = [
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_COMMIT_SHA", head.as_str()),
    ];
    let said = job(&gate, &clone, &script, &merge_request);
    assert_eq!(said.status, 4, "{said:?}");
    for file in ["gl-code-quality-report.json", "pindeck-junit.xml"] {
        assert!(
            std::fs::read_to_string(clone.join(file)).is_ok_and(|text| text.contains("pin-rejected")),
            "{file}"
        );
    }
}
