//! Which branch of another repository counts is what its remote says now, never what it said on the day of the clone; and
//! where another repository is, and whose it is, is known before anything of it is touched.

use pindeck::domain::failure::FailureKind;
use pindeck::domain::write::{Ask, Request};
use pindeck::engine::Engine;
use serde_json::Value;

use crate::support::peer::git;
use crate::support::repositories::{
    PRODUCTION, approve, at_production, both_heads, digest_in, engine_with_cache, file_of_production, in_repositories,
    pindeck, production, told, with_own_policy,
};
use crate::support::stage::{Stage, execute, path, promote, write};

/// Why production is not read.
async fn unread(engine: &Engine) -> String {
    let board = engine.board().await.expect("a board");
    let repository = board.repository.as_ref().expect("a repository");
    let why = repository.unread(&"production".into()).expect("not read");
    let there = told(engine).await;
    assert!(!there.iter().any(|line| line.contains("in production ")), "{there:?}");
    why.sentence().raw().to_owned()
}

/// The branch that production is written on, and the commit that it is planned on.
async fn planned_on(engine: &Engine) -> (String, String) {
    let plan = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    (plan.branch.clone(), plan.plans[0].base_commit.clone())
}

/// One more branch at production, with a commit of its own on top of `main`.
fn branch_of_production(stage: &Stage, name: &str) -> String {
    let (who, mail) = ("user.name=Them", "user.email=them@example.test");
    let commit = [
        "-c",
        who,
        "-c",
        mail,
        "commit-tree",
        "-p",
        "main",
        "-m",
        "theirs",
        "main^{tree}",
    ];
    let commit = at_production(stage, commit);
    at_production(stage, ["branch", name, &commit]);
    commit
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_branch_is_the_one_of_now() {
    let Some(stage) = in_repositories().await else { return };
    let engine = stage.engine();
    let main = both_heads(&stage).1;
    assert_eq!(planned_on(&engine).await, ("main".to_owned(), main.clone()));
    let before = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    // The old one is still there, and says what it said.
    let trunk = branch_of_production(&stage, "trunk");
    at_production(&stage, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    let moved = execute(&engine, before).await.expect_err("another branch");
    assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
    for engine in [engine, stage.engine()] {
        assert_eq!(planned_on(&engine).await, ("trunk".to_owned(), trunk.clone()));
    }
    let done = write(&stage.engine(), promote(&["payments"], "production")).await;
    assert_eq!(done.expect("promoted").pushed.as_deref(), Some("refs/heads/trunk"));
    assert_eq!(both_heads(&stage).1, main, "nothing more on the old one");
    // As it was known, where nobody is asked.
    let known = engine_with_cache(&stage, "cache", |options| options.no_fetch = true);
    let trunk = at_production(&stage, ["rev-parse", "trunk"]);
    assert_eq!(told(&known).await, told(&stage.engine()).await);
    assert_eq!(planned_on_status(&stage).await, ("trunk".into(), trunk.into()));
    // The old one is gone, and then the new one too: a name that leads nowhere is no branch.
    at_production(&stage, ["branch", "-D", "main"]);
    assert!(
        told(&stage.engine())
            .await
            .iter()
            .any(|line| line.contains("in production "))
    );
    at_production(&stage, ["symbolic-ref", "HEAD", "refs/heads/nowhere"]);
    let why = unread(&stage.engine()).await;
    assert!(why.contains("names no branch as its default one"), "{why}");
    assert_eq!(unread(&known).await, why, "and that is known");
}

/// The same as a document says it.
async fn planned_on_status(stage: &Stage) -> (Value, Value) {
    let out = pindeck(stage, false, &["status", "--json"]).await;
    let said: Value = serde_json::from_slice(&out.stdout).expect("a document");
    let all = said["environments"].as_array().expect("a list");
    let there = all.iter().find(|one| one["name"] == "production").expect("named");
    (there["branch"].clone(), there["commit"].clone())
}

/// A clone of the repository of production in which somebody works, on no branch.
#[tokio::test(flavor = "multi_thread")]
async fn a_clone_on_no_branch_follows_its_remote() {
    let Some(stage) = in_repositories().await else { return };
    let theirs = stage.home.path().join("at-production");
    git(
        stage.home.path(),
        ["clone", "-q", path(&production(&stage)), path(&theirs)],
    );
    git(stage.home.path(), ["-C", path(&theirs), "checkout", "-q", "--detach"]);
    stage.edit_policy(|text| text.replace("../production.git", "../at-production"));
    let engine = stage.engine();
    assert_eq!(planned_on(&engine).await.0, "main");
    let trunk = branch_of_production(&stage, "trunk");
    at_production(&stage, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    assert_eq!(planned_on(&engine).await, ("trunk".to_owned(), trunk));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_gone_pins_nothing() {
    for is_ours in [true, false] {
        let Some(stage) = in_repositories().await else { return };
        let theirs = stage.home.path().join("at-production");
        at_production(&stage, ["branch", "-D", "env/staging"]);
        at_production(&stage, ["branch", "env", "main"]);
        if !is_ours {
            git(
                stage.home.path(),
                ["clone", "-q", path(&production(&stage)), path(&theirs)],
            );
            stage.edit_policy(|text| text.replace("../production.git", "../at-production"));
        }
        stage.configure("production", "branch = \"env\"");
        let engine = stage.engine();
        assert_eq!(planned_on(&engine).await.0, "env");
        // What takes its place cannot even be fetched beside it.
        at_production(&stage, ["branch", "-D", "env"]);
        if is_ours {
            at_production(&stage, ["branch", "env/production", "main"]);
        }
        for engine in [&engine, &stage.engine()] {
            let why = unread(engine).await;
            assert!(why.contains("branch env is not in "), "{why}");
        }
        let refused = engine.plan(promote(&["payments"], "production")).await;
        assert!(refused.is_err(), "{refused:?}");
        if is_ours {
            let known = engine_with_cache(&stage, "cache", |options| options.no_fetch = true);
            assert!(unread(&known).await.contains("branch env is not in "));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_clone_left_is_removed() {
    let Some(stage) = in_repositories().await else { return };
    let folder = stage.home.path().join("cache/repositories");
    let half = || {
        std::fs::create_dir_all(folder.join(".clone-killed/clone")).expect("made");
        folder.join(".clone-killed")
    };
    let left = half();
    // While another process makes one, nobody can tell whose it is.
    let lock = std::fs::File::create(folder.join(".clones.lock")).expect("made");
    lock.lock_shared().expect("locked");
    told(&stage.engine()).await;
    assert!(left.exists());
    drop(lock);
    let clones = || std::fs::read_dir(&folder).expect("there").flatten();
    let made: Vec<_> = clones().filter(|one| one.path().join(".git").exists()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    std::fs::remove_dir_all(made[0].path()).expect("gone");
    told(&stage.engine()).await;
    assert!(!left.exists(), "gone with the next clone");
    // By hand.
    let folder = stage.home.path().join("program-cache/repositories");
    std::fs::create_dir_all(folder.join(".clone-killed/clone")).expect("made");
    let out = pindeck(&stage, false, &["cache", "clear"]).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(!folder.join(".clone-killed").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_where_an_unapproved_folder_leads() {
    let Some(stage) = in_repositories().await else { return };
    let secret = stage.home.path().join("a-secret-place");
    git(
        stage.home.path(),
        ["clone", "-q", path(&production(&stage)), path(&secret)],
    );
    let link = stage.home.path().join("the-link");
    std::os::unix::fs::symlink(&secret, &link).expect("linked");
    stage.edit_policy(|text| text.replace("../production.git", "../the-link"));
    with_own_policy(&stage);
    // That the place behind it is approved under its own name says nothing of the link.
    approve(&stage, &[&secret]);
    let out = pindeck(&stage, true, &["status"]).await;
    let said = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(6), "{said}");
    assert!(said.contains("the-link") && !said.contains("a-secret-place"), "{said}");
    approve(&stage, &[&link]);
    let out = pindeck(&stage, true, &["status"]).await;
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_repository_is_approved_with_its_end() {
    let Some(stage) = in_repositories().await else { return };
    std::os::unix::fs::symlink("../../production.git", stage.home.path().join("gitops/apps/other")).expect("linked");
    stage.edit_policy(|text| text.replace("../production.git", "./apps/other"));
    with_own_policy(&stage);
    let link = stage.clone.join("apps/other");
    approve(&stage, &[&link]);
    let out = pindeck(&stage, true, &["status"]).await;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(6), "{said}");
    assert!(said.contains("is a link of the repository that leads to"), "{said}");
    approve(&stage, &[&link, &production(&stage)]);
    let out = pindeck(&stage, true, &["status"]).await;
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}

/// Git takes a remote that is a relative folder from the top of the working tree, wherever pindeck was started.
#[tokio::test(flavor = "multi_thread")]
async fn a_relative_remote_is_the_repository_that_it_is() {
    let Some(stage) = Stage::start().await else { return };
    let expected = told(&stage.engine()).await;
    let relative = ["-C", path(&stage.clone), "remote", "set-url", "origin", "../remote.git"];
    git(stage.home.path(), relative);
    for address in ["../remote.git".to_owned(), format!("file://{}", path(&stage.remote))] {
        let before = std::fs::read_to_string(&stage.policy).expect("readable");
        stage.configure("production", &format!("repository = \"{address}\""));
        assert_eq!(told(&stage.engine()).await, expected);
        let clones = stage.home.path().join("cache/repositories");
        assert!(!clones.exists(), "no second clone of {address}");
        stage.edit_policy(|_| before);
    }
    let done = write(&stage.engine(), promote(&["payments"], "production")).await;
    assert_eq!(done.expect("promoted").commits, [stage.head()]);
}

/// One write goes to one branch of one repository, and what would go to several says so before anything is written.
#[tokio::test(flavor = "multi_thread")]
async fn pins_of_several_repositories_are_set_one_after_the_other() {
    let Some(stage) = in_repositories().await else { return };
    let before = (both_heads(&stage), stage.at_remote(["rev-parse", "env/staging"]));
    let all = Ask::Pin {
        services: Vec::new(),
        environment: None,
    };
    let refused = write(&stage.engine(), Request::new(all)).await.expect_err("several");
    assert_eq!(refused.kind(), FailureKind::Usage, "{refused:?}");
    assert!(
        refused.what().raw().contains("one write goes to one of them"),
        "{refused:?}"
    );
    let out = pindeck(&stage, false, &["pin", "--all", "--yes"]).await;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("--env"), "{said}");
    assert_eq!(
        (both_heads(&stage), stage.at_remote(["rev-parse", "env/staging"])),
        before
    );
    // A set of one environment is one push, whichever repository that is in.
    let staging = stage.at_remote(["show", "env/staging:apps/payments/overlays/staging/kustomization.yaml"]);
    let set = promote(&["payments", "frontend"], "production");
    let done = write(&stage.engine(), set).await;
    match done {
        Ok(_) => assert_eq!(digest_in(&file_of_production(&stage, PRODUCTION)), digest_in(&staging)),
        // All or nothing.
        Err(refused) => assert_eq!((refused.kind(), both_heads(&stage)), (FailureKind::Refused, before.0)),
    }
}
