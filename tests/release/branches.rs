//! Environments on branches of their own: read from there, written there, with the policy and the holds always on the
//! branch of the policy.

use std::collections::BTreeMap;
use std::process::Output;

use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState};
use pindeck::domain::write::{Ask, Request, WriteFailure, WriteState};
use pindeck::domain::{Digest, Target};
use pindeck::engine::{Engine, OpenOptions};
use serde_json::Value;

use crate::support::git_world::hook;
use crate::support::peer::git;
use crate::support::repositories::{PRODUCTION, STAGING, commits_of, digest_in, told};
use crate::support::stage::{Stage, execute, held, path, promote_digest, revert, write};

/// The world with staging and production on branches of their own. What the branch of the policy has in their folders
/// names digests that nobody has: whoever reads it there says something else.
async fn on_branches() -> Option<Stage> {
    let stage = Stage::start().await?;
    for name in ["staging", "production"] {
        stage.at_remote(["branch", &format!("env/{name}"), "main"]);
        stage.configure(name, &format!("branch = \"env/{name}\""));
    }
    for file in [STAGING, PRODUCTION] {
        let nobodys = format!("sha256:{}", "0".repeat(64));
        stage.somebody_changes(file, |text| {
            let known = digest_in(&text).to_string();
            text.replace(&known, &nobodys)
        });
    }
    Some(stage)
}

fn heads(stage: &Stage) -> BTreeMap<String, String> {
    let all = stage.at_remote(["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"]);
    let pairs = all.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
}

/// The branches that are not where they were.
fn moved(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let is_new = |(name, id): &(&String, &String)| before.get(*name) != Some(*id);
    after.iter().filter(is_new).map(|(name, _)| name.clone()).collect()
}

fn file_on(stage: &Stage, branch: &str, file: &str) -> String {
    git(
        stage.home.path(),
        ["-C", path(&stage.remote), "show", &format!("{branch}:{file}")],
    )
}

/// Brings the pin of payments in production to the digest of staging.
async fn promoted(stage: &Stage, engine: &Engine) -> (Digest, Digest) {
    let old = digest_in(&file_on(stage, "env/production", PRODUCTION));
    let new = digest_in(&file_on(stage, "env/staging", STAGING));
    write(engine, promote_digest("payments", "production", new))
        .await
        .expect("promoted");
    (old, new)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_of_branches_is_the_board_of_folders() {
    let Some(folders) = Stage::start().await else { return };
    let Some(branches) = on_branches().await else { return };
    // Ports differ from run to run, and they are no part of what is told.
    let (one, other) = (folders.engine(), branches.engine());
    let expected = told(&one).await;
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(told(&other).await, expected);
    // From what was kept, in this process and in another.
    assert_eq!(told(&other).await, expected);
    assert_eq!(told(&branches.engine()).await, expected);
    for target in [
        Target::new("payments", "production"),
        Target::new("checkout", "staging"),
        Target::new("payments", "dev"),
    ] {
        let history = commits_of(&other, &target).await;
        assert!(!history.is_empty(), "{target}");
        assert_eq!(history, commits_of(&one, &target).await, "{target}");
        let (here, there) = (other.earlier_digests(&target).await, one.earlier_digests(&target).await);
        assert_eq!(here.expect("readable"), there.expect("readable"), "{target}");
    }
    let board = other.board().await.expect("a board");
    let repository = board.repository.as_ref().expect("a repository");
    let read: Vec<(Option<&str>, Option<&str>)> =
        board.environments.iter().map(|env| repository.read_from(env)).collect();
    let heads = heads(&branches);
    let expected =
        ["main", "main", "env/staging", "env/production"].map(|name| (Some(name), Some(heads[name].as_str())));
    assert_eq!(read, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_on_one_branch_is_read_without_the_others() {
    let Some(stage) = on_branches().await else { return };
    let engine = stage.engine();
    let before = told(&engine).await;
    let (old, new) = promoted(&stage, &engine).await;
    let after = told(&engine).await;
    assert_eq!(told(&stage.engine()).await, after, "as a run that knows nothing of it");
    let is_production = |line: &&String| line.starts_with("payments in production ");
    let line = |all: &[String]| all.iter().find(is_production).cloned().expect("a pin");
    assert!(line(&before).contains(&old.to_string()) && line(&after).contains(&new.to_string()));
    let rest = |all: Vec<String>| -> Vec<String> {
        let pins = all
            .into_iter()
            .filter(|line| line.contains(" in ") && !line.contains("payments"));
        pins.collect()
    };
    assert_eq!(rest(before), rest(after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_goes_to_the_branch_of_its_environment() {
    let Some(stage) = on_branches().await else { return };
    let engine = stage.engine();
    let before = heads(&stage);
    let new = digest_in(&file_on(&stage, "env/staging", STAGING));
    let done = write(&engine, promote_digest("payments", "production", new))
        .await
        .expect("promoted");
    assert_eq!(done.state, WriteState::Pushed);
    assert_eq!(done.pushed.as_deref(), Some("refs/heads/env/production"));
    let after = heads(&stage);
    assert_eq!(moved(&before, &after), ["env/production"]);
    assert_eq!(done.commits, [after["env/production"].clone()]);
    let parent = stage.at_remote(["rev-parse", "env/production^"]);
    assert_eq!(parent, before["env/production"]);
    assert_eq!(digest_in(&file_on(&stage, "env/production", PRODUCTION)), new);
    // Asked again, there is nothing left to do.
    let again = write(&engine, promote_digest("payments", "production", new))
        .await
        .expect("already");
    assert_eq!(again.state, WriteState::Already);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_and_its_hold_land_on_two_branches_or_on_none() {
    let Some(stage) = on_branches().await else { return };
    let engine = stage.engine();
    let (old, new) = promoted(&stage, &engine).await;
    let before = heads(&stage);
    // The branch of the policy takes nothing: then neither does the other one.
    let refuses = "test \"$1\" != refs/heads/main || { echo 'main is closed'; exit 1; }";
    hook(&stage.remote.join("hooks"), "update", refuses);
    let proposal = engine
        .plan(revert("payments", "production", Some(old)))
        .await
        .expect("a plan");
    let plan = &proposal.plans[0];
    assert!(
        plan.warnings
            .iter()
            .any(|words| words.raw().contains("lies on branch main")),
        "{:?}",
        plan.warnings
    );
    let files: Vec<&str> = plan.edits.iter().map(|edit| edit.file.as_str()).collect();
    assert_eq!(files, [PRODUCTION, "pindeck-holds.toml"]);
    let refused = execute(&engine, proposal.clone()).await.expect_err("main is closed");
    assert_eq!(refused.kind(), FailureKind::RemoteRefused, "{refused:?}");
    assert!(refused.what().raw().contains("main is closed"), "{refused:?}");
    assert_eq!(heads(&stage), before, "neither branch moved");
    assert!(engine.left_behind().await.expect("readable").is_empty());
    std::fs::remove_file(stage.remote.join("hooks/update")).expect("gone");

    let done = execute(&engine, proposal).await.expect("reverted");
    let after = heads(&stage);
    assert_eq!(moved(&before, &after), ["env/production", "main"]);
    assert_eq!(done.commits, [after["env/production"].clone(), after["main"].clone()]);
    assert_eq!(done.pushed.as_deref(), Some("refs/heads/env/production"));
    assert_eq!(held(&engine).await, [new]);
    let subject = |branch: &str| stage.at_remote(["log", "-1", "--format=%s", branch]);
    assert_eq!(subject("main"), "Hold payments in production");
    assert_eq!(subject("env/production"), "Revert payments in production");
    let tree = stage.at_remote(["ls-tree", "--name-only", "env/production"]);
    assert!(
        !tree.contains("pindeck-holds"),
        "holds lie with the policy alone: {tree}"
    );
    // The whole commit was undone, and says so although its hold lies elsewhere.
    let body = stage.at_remote(["log", "-1", "--format=%b", "env/production"]);
    assert!(body.contains("This reverts commit "), "{body}");
    // The hold closes the way on the other branch.
    let plan = engine
        .plan(promote_digest("payments", "production", new))
        .await
        .expect("a plan");
    let gate = plan.plans[0]
        .gates
        .iter()
        .find(|gate| gate.gate == GateName::Hold)
        .expect("a gate");
    assert_eq!(gate.state, GateState::Closed);
    // Its end is a commit on the branch of the policy alone.
    let before = heads(&stage);
    let ask = Ask::ReleaseHold {
        target: Target::new("payments", "production"),
    };
    write(&engine, Request::new(ask)).await.expect("released");
    assert_eq!(moved(&before, &heads(&stage)), ["main"]);
    assert!(held(&engine).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pushes_to_the_other_branch_first_is_not_overrun() {
    let Some(stage) = on_branches().await else { return };
    let engine = stage.engine();
    let (old, new) = promoted(&stage, &engine).await;
    stage.somebody_changes("README.md", |text| text + "one\n");
    let before = heads(&stage);
    // While the push is under way for the first time, somebody else's lands on the branch of the policy.
    let race = format!(
        "cat >/dev/null; test ! -e raced || exit 0; : > raced; unset $(git rev-parse --local-env-vars); \
         cd '{}' && git pull -q --ff-only && echo two >> README.md && git -c user.name=Them -c user.email=them@example.test commit -qam theirs && git push -q origin HEAD:main",
        path(&stage.home.path().join("theirs"))
    );
    hook(&stage.clone.join(".git/hooks"), "pre-push", &race);
    let done = write(&engine, revert("payments", "production", Some(old)))
        .await
        .expect("reverted");
    assert!(stage.clone.join("raced").exists(), "there was a race");
    let after = heads(&stage);
    assert_eq!(done.commits, [after["env/production"].clone(), after["main"].clone()]);
    assert_eq!(
        stage.at_remote(["rev-parse", "env/production^"]),
        before["env/production"]
    );
    assert_eq!(
        stage.at_remote(["rev-parse", "main~2"]),
        before["main"],
        "theirs, then the hold"
    );
    assert!(file_on(&stage, "main", "README.md").ends_with("one\ntwo\n"));
    assert_eq!(held(&engine).await, [new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_of_a_revert_brings_its_hold_as_a_second_one() {
    let Some(stage) = on_branches().await else { return };
    let engine = stage.engine();
    let (old, _) = promoted(&stage, &engine).await;
    stage.configure("production", "write = \"branch\"");
    let before = heads(&stage);
    let engine = stage.engine();
    let done = write(&engine, revert("payments", "production", Some(old)))
        .await
        .expect("proposed");
    assert_eq!(done.state, WriteState::Proposed);
    let after = heads(&stage);
    let new = moved(&before, &after);
    let branch = done
        .pushed
        .as_deref()
        .and_then(|name| name.strip_prefix("refs/heads/"))
        .expect("a branch");
    assert_eq!(new, [branch.to_owned(), format!("{branch}-hold")]);
    let parent = |branch: &str| stage.at_remote(["rev-parse", &format!("{branch}^")]);
    assert_eq!(parent(branch), before["env/production"]);
    assert_eq!(parent(&format!("{branch}-hold")), before["main"]);
    assert!(file_on(&stage, &format!("{branch}-hold"), "pindeck-holds.toml").contains("production"));
}

/// Runs a script in somebody's clone, on a branch at the remote's newest commit, and pushes it.
fn somebody(stage: &Stage, branch: &str, script: &str) {
    let folder = stage.home.path().join("somebody");
    if !folder.exists() {
        git(stage.home.path(), ["clone", "-q", path(&stage.remote), path(&folder)]);
    }
    let all = format!(
        "cd '{}' && git fetch -q && git checkout -q -B work origin/{branch} && {script} && git add -A \
         && git -c user.name=T -c user.email=t@example.com commit -q -m theirs && git push -q origin HEAD:{branch}",
        path(&folder)
    );
    let ran = std::process::Command::new("/bin/sh")
        .args(["-ec", &all])
        .output()
        .expect("sh");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_branch_of_the_policy_decides() {
    let Some(stage) = on_branches().await else { return };
    let expected = told(&stage.engine()).await;
    // The team's own file, on the branch that is checked out.
    let policy = stage.policy.parent().expect("a folder");
    somebody(&stage, "main", &format!("cp -r '{}'/. .", path(policy)));
    // Whoever may write to production says there that nothing is asked of it, and that everything is on hold.
    let script = "printf 'version = 1\\n[[environments]]\\nname = \"production\"\\npaths = [\"**\"]\\n' > pindeck.toml \
                  && echo garbage > pindeck-holds.toml";
    somebody(&stage, "env/production", script);
    let engine = Engine::open(OpenOptions {
        dir: stage.clone.clone(),
        ..OpenOptions::default()
    });
    let engine = engine.expect("a repository");
    assert_eq!(told(&engine).await, expected);
    assert!(engine.holds().await.expect("readable").is_empty());
    let new = digest_in(&file_on(&stage, "env/staging", STAGING));
    let plan = engine
        .plan(promote_digest("payments", "production", new))
        .await
        .expect("a plan");
    let plan = &plan.plans[0];
    assert_eq!(plan.closed_gate(), None);
    assert_eq!(
        (plan.policy.name.as_str(), plan.policy.source.as_str()),
        ("release", stage.head().as_str())
    );
    assert_eq!(plan.base_commit, heads(&stage)["env/production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_apart_or_found_is_said() {
    let Some(stage) = on_branches().await else { return };
    let everywhere = Ask::Pin {
        services: Vec::new(),
        environment: None,
    };
    let several = stage
        .engine()
        .plan(Request::new(everywhere))
        .await
        .expect_err("several branches");
    assert_eq!(several.kind(), FailureKind::Usage);
    assert!(several.what().raw().contains("on several branches"), "{several:?}");
    stage.edit_policy(|text| text.replace("env/staging", "env/gone"));
    let engine = stage.engine();
    let gone = engine.board().await.expect_err("no such branch");
    let words = gone.sentence().raw().to_owned();
    assert!(
        words.contains("environment staging is read from branch env/gone"),
        "{words}"
    );
    let refused = engine
        .plan(revert("payments", "production", None))
        .await
        .expect_err("no such branch");
    assert!(matches!(refused, WriteFailure::Failed(_)), "{refused:?}");
}

/// Runs the program in the stage's clone.
async fn pindeck(stage: &Stage, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    let command = command.arg("-C").arg(&stage.clone).arg("--config").arg(&stage.policy);
    let command = command.args(args).env("HOME", stage.home.path());
    let command = command.env("PINDECK_CACHE_DIR", stage.home.path().join("cache"));
    let command = command.env("XDG_STATE_HOME", stage.home.path().join("state"));
    command.env_remove("PINDECK_CONFIG").output().await.expect("runs")
}

/// Changes the digest of payments in production to that of staging, in a branch made of `from`; its name.
fn proposed(stage: &Stage, from: &str) -> String {
    let new = digest_in(&file_on(stage, "env/staging", STAGING));
    let old = digest_in(&file_on(stage, from, PRODUCTION));
    let name = format!("change-of-{}", from.replace('/', "-"));
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["-C", path(&stage.clone)]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        git(stage.home.path(), all)
    };
    run(&["fetch", "-q", "origin"]);
    run(&["checkout", "-q", "-b", &name, &format!("origin/{from}")]);
    let file = stage.clone.join(PRODUCTION);
    let text = std::fs::read_to_string(&file).expect("readable");
    std::fs::write(&file, text.replace(&old.to_string(), &new.to_string())).expect("written");
    run(&["commit", "-q", "-a", "-m", "another digest"]);
    run(&["checkout", "-q", "main"]);
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_judges_the_environments_of_the_branch_that_it_is_for() {
    let Some(stage) = on_branches().await else { return };
    let check = async |base: &str, head: &str| -> (Option<i32>, Value) {
        let out = pindeck(&stage, &["check", "--base", base, "--head", head, "--json"]).await;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        (
            out.status.code(),
            serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}")),
        )
    };
    let (on_branch, on_main) = (proposed(&stage, "env/production"), proposed(&stage, "main"));
    let about = |said: &Value| -> Vec<String> {
        let findings = said["findings"].as_array().into_iter().flatten();
        let named = findings.filter(|one| one["environment"] == "production");
        named
            .map(|one| one["kind"].as_str().expect("a kind").to_owned())
            .collect()
    };
    // The digest stands in staging, which is read from its own branch: no environment is skipped. Its tag is not changed.
    let (status, said) = check("origin/env/production", &on_branch).await;
    assert_eq!(about(&said), ["tag-digest-mismatch", "reverted-digest"], "{said:#}");
    assert_eq!(
        (status, &said["pins"][0]["pinned_in"]),
        (Some(4), &serde_json::json!(["staging"]))
    );
    // A hold on the branch of the policy is kept on every branch.
    let hold = Ask::Hold {
        target: Target::new("payments", "production"),
        digest: Some(digest_in(&file_on(&stage, "env/staging", STAGING))),
    };
    let mut hold = Request::new(hold);
    hold.reason = Some("it crashes".to_owned());
    write(&stage.engine(), hold).await.expect("held");
    let (status, said) = check("origin/env/production", &on_branch).await;
    assert_eq!(status, Some(4), "{said:#}");
    assert!(about(&said).contains(&"hold-violated".to_owned()), "{said:#}");
    // The same files on the branch of the policy are no pins of production.
    let (status, said) = check("origin/main", &on_main).await;
    assert_eq!((status, about(&said)), (Some(0), Vec::new()), "{said:#}");
    // A commit is on no branch in particular.
    let (status, said) = check(&heads(&stage)["env/production"], &on_branch).await;
    assert_eq!(status, Some(2));
    assert!(
        said["message"].to_string().contains("on branches of their own"),
        "{said:#}"
    );
}
