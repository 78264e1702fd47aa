//! Environments in other repositories: read from there, written there, with the policy and the holds always in the
//! repository of the policy.

use pindeck::domain::Target;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState};
use pindeck::domain::write::{Ask, Request, WriteState};
use serde_json::Value;

use crate::support::git_world::{belongings, hook};
use crate::support::peer::git;
use crate::support::repositories::{
    PRODUCTION, STAGING, approve, at_production, both_heads, commits_of, digest_in, engine_with_cache,
    file_of_production, in_repositories, pindeck, production, promoted, somebody_changes_production, told,
    with_own_policy,
};
use crate::support::stage::{Stage, execute, held, path, promote, promote_digest, revert, write};

#[tokio::test(flavor = "multi_thread")]
async fn the_board_of_repositories_is_the_board_of_folders() {
    let Some(folders) = Stage::start().await else { return };
    let Some(stage) = in_repositories().await else { return };
    let (one, other) = (folders.engine(), stage.engine());
    let expected = told(&one).await;
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(told(&other).await, expected);
    // From what was kept, in this process and in another.
    assert_eq!(told(&other).await, expected);
    assert_eq!(told(&stage.engine()).await, expected);
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
    let out = pindeck(&stage, false, &["status", "--json"]).await;
    let said: Value = serde_json::from_slice(&out.stdout).expect("a document");
    let of = |name: &str| -> Value {
        let all = said["environments"].as_array().expect("a list");
        all.iter().find(|one| one["name"] == name).expect("there").clone()
    };
    let there = of("production");
    assert_eq!(there["repository"], path(&production(&stage)));
    assert_eq!(
        (&there["branch"], &there["commit"]),
        (&Value::from("main"), &Value::from(both_heads(&stage).1))
    );
    assert_eq!(
        (&there["fetch"]["state"], &there["unread"]),
        (&Value::from("fresh"), &Value::Null)
    );
    assert_eq!(
        (&of("staging")["repository"], &of("staging")["fetch"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_goes_to_the_repository_of_its_environment() {
    let Some(stage) = in_repositories().await else { return };
    let engine = stage.engine();
    let (before, mine) = (both_heads(&stage), belongings(&stage.clone));
    let new = digest_in(&stage.at_remote(["show", &format!("env/staging:{STAGING}")]));
    let done = write(&engine, promote(&["payments"], "production"))
        .await
        .expect("promoted");
    assert_eq!(done.state, WriteState::Pushed);
    assert_eq!(done.pushed.as_deref(), Some("refs/heads/main"));
    let after = both_heads(&stage);
    assert_eq!((&after.0, &done.commits), (&before.0, &vec![after.1.clone()]));
    assert_eq!(at_production(&stage, ["rev-parse", "main^"]), before.1);
    assert_eq!(digest_in(&file_of_production(&stage, PRODUCTION)), new);
    // As whom the person commits in the policy's repository.
    assert_eq!(
        at_production(&stage, ["log", "-1", "--format=%an <%ae>", "main"]),
        "Ada <ada@example.com>"
    );
    let again = write(&engine, promote_digest("payments", "production", new))
        .await
        .expect("already");
    assert_eq!(again.state, WriteState::Already);
    // A pin there, too, finds what is pinned there.
    let pin = Ask::Pin {
        services: vec!["payments".into()],
        environment: Some("production".into()),
    };
    let pinned = write(&engine, Request::new(pin)).await.expect("already");
    assert_eq!(pinned.state, WriteState::Already);
    let config = |all: &[(String, Vec<u8>)]| {
        all.iter()
            .filter(|(name, _)| name != "heads")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        config(&belongings(&stage.clone)),
        config(&mine),
        "nobody's clone was touched"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_pushes_its_hold_first_and_says_so() {
    let Some(stage) = in_repositories().await else { return };
    let engine = stage.engine();
    let (old, new) = promoted(&stage, &engine).await;
    let before = both_heads(&stage);
    let proposal = engine
        .plan(revert("payments", "production", Some(old)))
        .await
        .expect("a plan");
    let said: Vec<&str> = proposal.plans[0].warnings.iter().map(|words| words.raw()).collect();
    let words = "two repositories cannot be pushed to at once, so the hold is pushed first and then the pin";
    assert!(said.iter().any(|one| one.contains(words)), "{said:?}");
    // A closed repository of the policy keeps both from landing.
    hook(&stage.remote.join("hooks"), "update", "echo 'main is closed'; exit 1");
    let refused = execute(&engine, proposal.clone()).await.expect_err("main is closed");
    assert_eq!(refused.kind(), FailureKind::RemoteRefused, "{refused:?}");
    assert_eq!(both_heads(&stage), before);
    assert!(engine.left_behind().await.expect("readable").is_empty());
    std::fs::remove_file(stage.remote.join("hooks/update")).expect("gone");

    let done = execute(&engine, proposal).await.expect("reverted");
    let after = both_heads(&stage);
    assert_eq!(done.commits, [after.1.clone(), after.0.clone()]);
    assert_eq!(held(&engine).await, [new]);
    assert_eq!(digest_in(&file_of_production(&stage, PRODUCTION)), old);
    assert_eq!(
        stage.at_remote(["log", "-1", "--format=%s", "main"]),
        "Hold payments in production"
    );
    let tree = at_production(&stage, ["ls-tree", "--name-only", "main"]);
    assert!(
        !tree.contains("pindeck-holds"),
        "holds lie with the policy alone: {tree}"
    );
    let body = at_production(&stage, ["log", "-1", "--format=%b", "main"]);
    assert!(body.contains("This reverts commit "), "{body}");
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
    // Its end is a commit in the repository of the policy alone.
    let before = both_heads(&stage);
    let target = Target::new("payments", "production");
    write(&engine, Request::new(Ask::ReleaseHold { target }))
        .await
        .expect("released");
    assert_eq!(both_heads(&stage).1, before.1);
    assert!(held(&engine).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_repository_of_the_policy_decides() {
    let Some(stage) = in_repositories().await else { return };
    let expected = told(&stage.engine()).await;
    let nothing_asked = "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"**\"]\n";
    somebody_changes_production(&stage, "pindeck.toml", |_| nothing_asked.to_owned());
    somebody_changes_production(&stage, "pindeck-holds.toml", |_| "garbage".to_owned());
    let engine = stage.engine();
    assert_eq!(told(&engine).await, expected);
    assert!(engine.holds().await.expect("readable").is_empty());
    let plan = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    let plan = &plan.plans[0];
    assert_eq!((plan.policy.name.as_str(), plan.closed_gate()), ("release", None));
    assert_eq!(plan.base_commit, both_heads(&stage).1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pushes_to_the_other_repository_first_is_not_overrun() {
    let Some(stage) = in_repositories().await else { return };
    let engine = stage.engine();
    let proposal = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    somebody_changes_production(&stage, "README.md", |text| text + "one\n");
    let theirs = both_heads(&stage).1;
    execute(&engine, proposal).await.expect("nothing of it changed");
    assert_eq!(at_production(&stage, ["rev-parse", "main^"]), theirs);
    // The pin itself: what was confirmed is not what would land.
    let now = digest_in(&file_of_production(&stage, PRODUCTION));
    let (old, _) = (both_heads(&stage), now);
    let proposal = engine
        .plan(revert("payments", "production", None))
        .await
        .expect("a plan");
    let other = format!("sha256:{}", "1".repeat(64));
    somebody_changes_production(&stage, PRODUCTION, |text| text.replace(&now.to_string(), &other));
    let moved = execute(&engine, proposal).await.expect_err("it moved");
    assert_eq!(moved.kind(), FailureKind::Conflict, "{moved:?}");
    assert_eq!(both_heads(&stage).0, old.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_never_empty() {
    let Some(stage) = in_repositories().await else { return };
    let known = told(&stage.engine()).await;
    let (there, away) = (production(&stage), stage.home.path().join("away.git"));
    std::fs::rename(&there, &away).expect("moved");
    // What was fetched before is shown, and said to be old.
    let engine = stage.engine();
    let board = engine.board().await.expect("a board");
    assert_eq!(told(&engine).await, known);
    let why = board.unreachable().expect("not everything was reached");
    assert!(
        why.contains("environment production") && why.contains("it is shown as of 2"),
        "{why}"
    );
    let refused = engine
        .plan(promote(&["payments"], "production"))
        .await
        .expect_err("not fetched");
    assert_eq!(refused.kind(), FailureKind::Unreachable, "{refused:?}");
    // Another environment can be written to all the same.
    let target = Target::new("payments", "staging");
    let plan = engine.plan(revert("payments", "staging", None)).await;
    assert!(plan.is_ok(), "{target}: {plan:?}");
    // Where it was never read, nothing is known of it, and the others are there.
    let fresh = engine_with_cache(&stage, "another-cache", |_| {});
    let others: Vec<String> = told(&fresh).await;
    assert!(
        others.iter().any(|line| line.starts_with("payments in staging ")),
        "{others:?}"
    );
    assert!(!others.iter().any(|line| line.contains("in production ")), "{others:?}");
    let board = fresh.board().await.expect("a board");
    let repository = board.repository.as_ref().expect("a repository");
    let unread = repository.unread(&"production".into()).expect("said");
    assert_eq!(unread.kind, FailureKind::Unreachable, "{unread:?}");
    assert!(
        !board
            .drift
            .iter()
            .any(|one| one.environment.as_ref().is_some_and(|env| env.as_str() == "production"))
    );
    let target = Target::new("payments", "production");
    let history = fresh.history(&target, None, false).await.expect_err("not known");
    assert_eq!(history.kind, FailureKind::Unreachable, "{history:?}");
    let refused = fresh
        .plan(revert("payments", "production", None))
        .await
        .expect_err("not known");
    assert_eq!(refused.kind(), FailureKind::Unreachable, "{refused:?}");
    let out = pindeck(&stage, false, &["status", "--json"]).await;
    assert_eq!(out.status.code(), Some(6));
    let said: Value = serde_json::from_slice(&out.stdout).expect("a document");
    let all = said["environments"].as_array().expect("a list");
    let there = all.iter().find(|one| one["name"] == "production").expect("named");
    assert!(
        there["unread"]
            .as_str()
            .is_some_and(|why| why.contains("could not be read")),
        "{there}"
    );
    assert_eq!(there["commit"], Value::Null);
    // And with nothing asked, nothing is called unreachable.
    let offline = engine_with_cache(&stage, "cache", |options| options.offline = true);
    assert_eq!(offline.board().await.expect("a board").unreachable(), None);
    std::fs::rename(&away, production(&stage)).expect("back");
    assert_eq!(told(&fresh).await, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_nobody_approved_is_neither_cloned_nor_pushed_to() {
    let Some(stage) = in_repositories().await else { return };
    with_own_policy(&stage);
    let out = pindeck(&stage, true, &["status", "--json"]).await;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(6), "{said}");
    assert!(
        said.contains("not read before you approve it") && said.contains("approved_repositories"),
        "{said}"
    );
    assert!(
        !stage.home.path().join("program-cache/repositories").exists(),
        "nothing was cloned"
    );
    // Whoever reads the answer alone is not told that there is nothing.
    let text = pindeck(&stage, true, &["status"]).await;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains("production: not read, so what is pinned there is not known"),
        "{text}"
    );
    let text = pindeck(&stage, true, &["drift"]).await;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(!text.lines().any(|line| line == "no drift"), "{text}");
    let out = pindeck(
        &stage,
        true,
        &["promote", "payments", "--to", "production", "--yes", "--json"],
    )
    .await;
    assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stdout));
    let out = pindeck(&stage, true, &["config", "check"]).await;
    let both = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(both.contains("approved_repositories"), "{both}");
    // The person says so, by the folder that it is.
    approve(&stage, &[&production(&stage)]);
    let out = pindeck(&stage, true, &["status", "--json"]).await;
    let said: Value = serde_json::from_slice(&out.stdout).expect("a document");
    let all = said["environments"].as_array().expect("a list");
    let there = all.iter().find(|one| one["name"] == "production").expect("named");
    assert_eq!(
        there["commit"],
        both_heads(&stage).1,
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebodys_own_clone_is_read_where_it_is_and_stays_as_it_is() {
    let Some(stage) = in_repositories().await else { return };
    let expected = told(&stage.engine()).await;
    let theirs = stage.home.path().join("my-production");
    git(
        stage.home.path(),
        ["clone", "-q", path(&production(&stage)), path(&theirs)],
    );
    for (key, value) in [("user.name", "Bea"), ("user.email", "bea@example.com")] {
        git(stage.home.path(), ["-C", path(&theirs), "config", key, value]);
    }
    stage.edit_policy(|text| text.replace("../production.git", "../my-production"));
    // Unfinished work, and a commit that is not pushed: neither counts.
    std::fs::write(theirs.join("unfinished"), "x").expect("written");
    std::fs::write(theirs.join(PRODUCTION), "nothing here").expect("written");
    git(
        stage.home.path(),
        ["-C", path(&theirs), "commit", "-q", "-a", "-m", "not pushed"],
    );
    let engine = stage.engine();
    assert_eq!(told(&engine).await, expected);
    let mine = belongings(&theirs);
    let before = both_heads(&stage);
    write(&engine, promote(&["payments"], "production"))
        .await
        .expect("promoted");
    assert_eq!(at_production(&stage, ["rev-parse", "main^"]), before.1);
    assert_eq!(at_production(&stage, ["log", "-1", "--format=%an", "main"]), "Bea");
    assert_eq!(belongings(&theirs), mine);
    // No branch is checked out: the remote's default one counts.
    git(
        stage.home.path(),
        ["-C", path(&theirs), "checkout", "-q", "-f", "--detach"],
    );
    let detached = engine_with_cache(&stage, "cache", |_| {});
    let pins = told(&detached).await;
    assert_eq!(pins.len(), told(&engine).await.len());
    // Pushes that go elsewhere are refused by name.
    git(
        stage.home.path(),
        ["-C", path(&theirs), "remote", "add", "mine", path(&stage.remote)],
    );
    git(
        stage.home.path(),
        ["-C", path(&theirs), "config", "remote.pushDefault", "mine"],
    );
    let elsewhere = engine
        .plan(revert("payments", "production", None))
        .await
        .expect_err("elsewhere");
    assert!(elsewhere.what().raw().contains("remote.pushDefault"), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_and_its_hold_are_two_branches_in_two_repositories() {
    let Some(stage) = in_repositories().await else { return };
    let engine = stage.engine();
    let (old, _) = promoted(&stage, &engine).await;
    stage.configure("production", "write = \"branch\"");
    let before = both_heads(&stage);
    let engine = stage.engine();
    let done = write(&engine, revert("payments", "production", Some(old)))
        .await
        .expect("proposed");
    assert_eq!((done.state, both_heads(&stage)), (WriteState::Proposed, before.clone()));
    let branch = done
        .pushed
        .as_deref()
        .and_then(|name| name.strip_prefix("refs/heads/"))
        .expect("a branch");
    assert_eq!(at_production(&stage, ["rev-parse", &format!("{branch}^")]), before.1);
    assert_eq!(stage.at_remote(["rev-parse", &format!("{branch}-hold^")]), before.0);
    let board = engine.board().await.expect("a board");
    let cells = board.services.iter().flat_map(|row| &row.cells);
    let mut cells = cells.filter(|cell| cell.pin.target == Target::new("payments", "production"));
    let proposal = cells
        .find_map(|cell| cell.proposal.as_ref())
        .expect("shown beside the pin");
    assert_eq!(proposal.pin.branch, branch);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repository_of_the_policy_by_another_name_is_the_same() {
    let Some(stage) = Stage::start().await else { return };
    let expected = told(&stage.engine()).await;
    stage.configure("production", "repository = \"../remote.git\"");
    let engine = stage.engine();
    assert_eq!(told(&engine).await, expected);
    assert!(
        !stage.home.path().join("cache/repositories").exists(),
        "no second clone"
    );
    let done = write(&engine, revert("payments", "production", None))
        .await
        .expect("reverted");
    assert_eq!(done.commits, [stage.head()], "the pin and its hold are one commit");
}
