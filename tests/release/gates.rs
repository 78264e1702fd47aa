//! Every gate closes when it should, says what would open it, and holds for the right kind of write.

use pindeck::domain::Target;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState, Plan};
use pindeck::domain::write::{Ask, Request, Source, WriteFailure};
use pindeck::engine::{Engine, OpenOptions};

use crate::support::peer::git;
use crate::support::stage::{Stage, path, promote, revert};

const PRODUCTION: &str = "apps/payments/overlays/production/kustomization.yaml";
const STAGING: &str = "apps/payments/overlays/staging/kustomization.yaml";

fn gate(plan: &Plan, name: GateName) -> (GateState, String) {
    let gate = plan.gates.iter().find(|g| g.gate == name).expect("the gate is there");
    (gate.state, gate.in_full().clean().into_string())
}

async fn planned(engine: &Engine, request: Request) -> Plan {
    let mut proposal = engine.plan(request).await.expect("a plan");
    proposal.plans.remove(0)
}

fn digest_in(text: &str) -> String {
    text[text.find("sha256:").expect("a digest")..][..71].to_owned()
}

fn with_policy(stage: &Stage, line: &str) {
    stage.edit_policy(|text| text.replace("[policies.release]\n", &format!("[policies.release]\n{line}\n")));
}

/// Runs git in a clone of somebody else.
fn theirs(stage: &Stage, date: &str, args: &[&str]) {
    let folder = stage.home.path().join("theirs");
    let setup = format!(
        "export GIT_COMMITTER_DATE='{date}' GIT_AUTHOR_DATE='{date}'; exec git -c user.name=T -c user.email=t@example.com \"$@\""
    );
    let all = ["-c", &setup, "git", "-C", path(&folder)]
        .into_iter()
        .chain(args.iter().copied());
    crate::support::peer::run(std::path::Path::new("/bin/sh"), stage.home.path(), all).expect("git");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_date_that_a_committer_chose_makes_a_pin_older_than_the_commits_below() {
    let Some(stage) = Stage::start().await else { return };
    with_policy(&stage, "soak = \"24h\"");
    let engine = stage.engine();
    // An honest commit of today, and on top of it one that says it is of last year.
    let (old, other) = (digest_in(&stage.file(STAGING)), digest_in(&stage.file(PRODUCTION)));
    stage.somebody_changes(PRODUCTION, |text| {
        text.replace(&other, &format!("sha256:{}", "1".repeat(64)))
    });
    let clone = stage.home.path().join("theirs");
    std::fs::write(clone.join(STAGING), stage.file(STAGING).replace(&old, &other)).unwrap();
    theirs(&stage, "2025-06-01T00:00:00Z", &["commit", "-q", "-am", "old"]);
    theirs(&stage, "2025-06-01T00:00:00Z", &["push", "-q", "origin", "HEAD:main"]);
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(plan.to.to_string(), other);
    let (state, detail) = gate(&plan, GateName::Soak);
    assert_eq!(state, GateState::Closed, "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_counts_from_the_day_of_the_merge() {
    let Some(stage) = Stage::start().await else { return };
    with_policy(&stage, "soak = \"24h\"");
    let engine = stage.engine();
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(
        gate(&plan, GateName::Soak).0,
        GateState::Open,
        "pinned in staging long ago"
    );

    // A side branch of last year pins another digest in staging; it is merged only now.
    let clone = stage.home.path().join("theirs");
    git(stage.home.path(), ["clone", "-q", path(&stage.remote), path(&clone)]);
    let old = digest_in(&stage.file(STAGING));
    let other = digest_in(&stage.file(PRODUCTION));
    theirs(&stage, "2025-06-01T00:00:00Z", &["checkout", "-q", "-b", "side"]);
    std::fs::write(clone.join(STAGING), stage.file(STAGING).replace(&old, &other)).unwrap();
    theirs(&stage, "2025-06-01T00:00:00Z", &["commit", "-q", "-am", "side"]);
    theirs(&stage, "2025-06-01T00:00:00Z", &["checkout", "-q", "main"]);
    let now = jiff::Timestamp::now().to_string();
    theirs(&stage, &now, &["merge", "-q", "--no-ff", "-m", "merge side", "side"]);
    theirs(&stage, &now, &["push", "-q", "origin", "main"]);
    // Production must not pin it already.
    stage.somebody_changes(PRODUCTION, |text| {
        text.replace(&other, &format!("sha256:{}", "1".repeat(64)))
    });
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(plan.to.to_string(), other);
    let (state, detail) = gate(&plan, GateName::Soak);
    assert_eq!(state, GateState::Closed, "{detail}");
    assert!(detail.contains("opens at"), "{detail}");
    assert_eq!(gate(&plan, GateName::After).0, GateState::Open);

    // Waived only where the policy lists it, and on record.
    let mut request = promote(&["payments"], "production");
    request.break_glass = Some("customers\nare down".into());
    let plan = planned(&engine, request).await;
    assert_eq!(gate(&plan, GateName::Soak).0, GateState::Waived);
    assert!(plan.message.contains("\nPindeck-Waived: soak\n"), "{}", plan.message);
    assert!(
        plan.message.contains("\nPindeck-Break-Glass: customers are down\n"),
        "{}",
        plan.message
    );

    // No soak ever stops a rollback.
    let plan = planned(
        &engine,
        revert("payments", "production", Some(old.parse().expect("a digest"))),
    )
    .await;
    assert!(
        plan.gates
            .iter()
            .all(|g| matches!(g.gate, GateName::Presence | GateName::Verdict | GateName::ReadOnly)),
        "{:?}",
        plan.gates
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn order_freeze_and_read_only() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let dev = digest_in(&stage.file("apps/checkout/dev/checkout.yaml"));
    let mut request = promote(&["checkout"], "production");
    if let Ask::Promote { from, .. } = &mut request.ask {
        *from = Some(Source::Digest(dev.parse().expect("a digest")));
    }
    let (state, detail) = gate(&planned(&engine, request).await, GateName::After);
    assert_eq!(state, GateState::Closed);
    assert!(detail.contains("staging"), "{detail}");

    // Every minute of the week: it is frozen now, whenever now is.
    with_policy(
        &stage,
        "freeze = [{ from = \"Mon 00:00\", to = \"Sun 12:00\", zone = \"UTC\" }, { from = \"Sun 12:00\", to = \"Mon 00:00\", zone = \"UTC\" }]",
    );
    let engine = stage.engine();
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(gate(&plan, GateName::Freeze).0, GateState::Closed);

    let read_only = Engine::open(OpenOptions {
        dir: stage.clone.clone(),
        config: Some(stage.policy.clone()),
        read_only: true,
        ..OpenOptions::default()
    })
    .expect("a repository");
    let plan = planned(&read_only, promote(&["payments"], "production")).await;
    let (state, detail) = gate(&plan, GateName::ReadOnly);
    assert!(state == GateState::Closed && detail.contains("--read-only"), "{detail}");
    let plan = planned(&read_only, revert("payments", "production", None)).await;
    assert_eq!(gate(&plan, GateName::ReadOnly).0, GateState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_in_an_earlier_environment_closes_the_later_ones_only() {
    let Some(stage) = Stage::start().await else { return };
    let digest = digest_in(&stage.file(STAGING));
    stage.somebody_changes("pindeck-holds.toml", |_| {
        format!("version = 1\n[[hold]]\nservice = \"payments\"\nenvironment = \"staging\"\ndigest = \"{digest}\"\nreason = \"leaks\"\n")
    });
    let engine = stage.engine();
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    let (state, detail) = gate(&plan, GateName::Hold);
    assert_eq!(state, GateState::Closed);
    assert!(detail.contains("hold release payments --env staging"), "{detail}");
    // Break-glass waives no hold.
    let mut request = promote(&["payments"], "production");
    request.break_glass = Some("in a hurry".into());
    assert_eq!(
        gate(&planned(&engine, request).await, GateName::Hold).0,
        GateState::Closed
    );

    stage.somebody_changes("pindeck-holds.toml", |_| "version = 1\n[[hold]]\n".to_owned());
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(
        gate(&plan, GateName::Hold).0,
        GateState::Closed,
        "holds that cannot be read close the gate"
    );
    // Nobody knows then what is on hold, so nothing goes back either.
    let plan = planned(&engine, revert("payments", "production", None)).await;
    assert_eq!(gate(&plan, GateName::Hold).0, GateState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_record_opens_no_gate() {
    let Some(stage) = Stage::start().await else { return };
    with_policy(&stage, "soak = \"24h\"");
    let digest = digest_in(&stage.file(PRODUCTION));
    let forged = |action: &str| {
        format!(
            "Something\n\nPindeck-Action: {action}\nPindeck-Service: payments\nPindeck-Environment: production\n\
             Pindeck-From: {digest}\nPindeck-To: {digest}\nPindeck-Policy: release {digest}\nPindeck-Verdict: verified\n\
             Pindeck-Reason: all is well\nPindeck-Waived: soak\nPindeck-Waived: order\nPindeck-Waived: hold\n\
             Pindeck-Waived: evidence\nPindeck-Break-Glass: customers are down\n"
        )
    };
    // A hold that is there, a commit that says that it was released, and one that says that everything was promoted.
    let hold = format!(
        "version = 1\n[[hold]]\nservice = \"payments\"\nenvironment = \"staging\"\ndigest = \"{digest}\"\nreason = \"leaks\"\n"
    );
    stage.somebody_commits("pindeck-holds.toml", &forged("hold"), |_| hold);
    let old = digest_in(&stage.file(STAGING));
    stage.somebody_commits(PRODUCTION, &forged("promote"), |text| {
        text.replace(&digest, &format!("sha256:{}", "1".repeat(64)))
    });
    stage.somebody_commits(STAGING, &forged("pin"), |text| text.replace(&old, &digest));
    stage.somebody_commits("README.md", &forged("release-hold"), |text| text + "\n");
    stage.somebody_commits("README.md", &forged("revert"), |text| text + "\n");
    let engine = stage.engine();
    let plan = planned(&engine, promote(&["payments"], "production")).await;
    assert_eq!(plan.to.to_string(), digest);
    let (soak, detail) = gate(&plan, GateName::Soak);
    assert_eq!(soak, GateState::Closed, "pinned in staging a moment ago: {detail}");
    let (hold, detail) = gate(&plan, GateName::Hold);
    assert_eq!(hold, GateState::Closed, "nobody released it: {detail}");
    assert!(
        plan.gates.iter().all(|gate| gate.state != GateState::Waived),
        "{:?}",
        plan.gates
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_reaches_another_environment_is_not_edited() {
    let Some(stage) = Stage::start().await else { return };
    stage.somebody_changes(STAGING, |text| {
        text.replace("- ../../base", "- ../../base\n- ../production")
    });
    let plan = planned(&stage.engine(), promote(&["payments"], "production")).await;
    let (state, detail) = gate(&plan, GateName::Edit);
    assert_eq!(state, GateState::Closed);
    assert!(detail.contains("staging") && plan.edits.is_empty(), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_digest_comes_from_is_never_guessed() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let usage = |failure: WriteFailure| match failure {
        WriteFailure::Failed(failure) if failure.kind == FailureKind::Usage => failure.sentence().clean().into_string(),
        other => panic!("{other:?}"),
    };
    // The environment before pins by tag only.
    let words = usage(
        engine
            .plan(promote(&["notifier"], "integration"))
            .await
            .expect_err("by tag"),
    );
    assert!(words.contains("pindeck pin notifier --env dev"), "{words}");
    // The first environment takes the candidate, and the proposal says so.
    let proposal = engine.plan(promote(&["checkout"], "dev")).await.expect("a plan");
    assert!(matches!(
        &proposal.request.ask,
        Ask::Promote {
            from: Some(Source::Candidate),
            ..
        }
    ));
    // Two environments that must agree do not.
    stage.configure("production", "after = [\"dev\", \"staging\"]");
    let words = usage(
        stage
            .engine()
            .plan(promote(&["checkout"], "production"))
            .await
            .expect_err("two digests"),
    );
    assert!(
        words.contains("dev pins sha256:") && words.contains("staging pins sha256:"),
        "{words}"
    );
    let words = usage(
        engine
            .plan(promote(&["nothing"], "production"))
            .await
            .expect_err("no such service"),
    );
    assert!(words.contains("payments"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_commit_that_touched_more_is_reverted_for_the_pin_alone_or_whole_on_request() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let (before, readme) = (stage.file(PRODUCTION), stage.file("README.md"));
    let digest = digest_in(&stage.file(STAGING));
    let old = digest_in(&before);
    stage.somebody_changes("README.md", |text| {
        let production = stage.home.path().join("theirs").join(PRODUCTION);
        std::fs::write(production, before.replace(&old, &digest)).unwrap();
        format!("{text}\nreleased\n")
    });
    let commit = stage.head();
    let proposal = engine
        .plan(revert("payments", "production", None))
        .await
        .expect("a plan");
    assert_eq!(proposal.whole_commit.as_deref(), Some(commit.as_str()));
    let files: Vec<&str> = proposal.plans[0].edits.iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, [PRODUCTION, "pindeck-holds.toml"]);
    assert!(!proposal.plans[0].message.contains("This reverts commit"));

    let mut request = revert("payments", "production", None);
    if let Ask::Revert { scope, .. } = &mut request.ask {
        *scope = pindeck::domain::write::Scope::WholeCommit;
    }
    let plan = planned(&engine, request).await;
    let files: Vec<&str> = plan.edits.iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, ["README.md", PRODUCTION, "pindeck-holds.toml"]);
    assert!(
        plan.message.contains(&format!("This reverts commit {commit}.")),
        "{}",
        plan.message
    );
    assert_ne!(stage.file("README.md"), readme, "planning writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_added_with_a_reason_and_end_where_they_were_made() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let target = || Target::new("payments", "staging");
    let add = |reason: Option<&str>| {
        let mut request = Request::new(Ask::Hold {
            target: target(),
            digest: None,
        });
        request.reason = reason.map(str::to_owned);
        request
    };
    assert_eq!(
        engine.plan(add(None)).await.expect_err("no reason").kind(),
        FailureKind::Usage
    );
    let done = crate::support::stage::write(&engine, add(Some("leaks\nmemory")))
        .await
        .expect("held");
    assert_eq!(done.commits, [stage.head()]);
    let text = stage.file("pindeck-holds.toml");
    assert!(
        text.contains("reason = \"leaks memory\"") && text.contains("by = \"Ada\""),
        "{text}"
    );
    let message = stage.at_remote(["log", "-1", "--format=%B", "main"]);
    assert!(
        message.contains("\nPindeck-Action: hold\n") && message.contains("\nPindeck-Reason: leaks memory"),
        "{message}"
    );
    let held = engine.plan(promote(&["payments"], "production")).await.expect("a plan");
    assert_eq!(gate(&held.plans[0], GateName::Hold).0, GateState::Closed);
    let elsewhere = Request::new(Ask::ReleaseHold {
        target: Target::new("payments", "production"),
    });
    assert_eq!(
        engine.plan(elsewhere).await.expect_err("made in staging").kind(),
        FailureKind::Usage
    );
    crate::support::stage::write(&engine, Request::new(Ask::ReleaseHold { target: target() }))
        .await
        .expect("released");
    assert_eq!(engine.holds().await.expect("readable"), []);
    let again = Request::new(Ask::ReleaseHold { target: target() });
    assert!(engine.plan(again).await.expect("nothing to do").plans.is_empty());
}

/// The plan of taking back whole a commit that moved the pin of payments in production and did this too.
async fn whole_commit(stage: &Stage, and: impl FnOnce(&std::path::Path)) -> Result<Plan, WriteFailure> {
    let (before, digest) = (stage.file(PRODUCTION), digest_in(&stage.file(STAGING)));
    let old = digest_in(&before);
    stage.somebody_changes(PRODUCTION, |text| {
        and(&stage.home.path().join("theirs"));
        text.replace(&old, &digest)
    });
    let mut request = revert("payments", "production", None);
    if let Ask::Revert { scope, .. } = &mut request.ask {
        *scope = pindeck::domain::write::Scope::WholeCommit;
    }
    Ok(stage.engine().plan(request).await?.plans.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_commit_is_not_taken_back_where_nothing_is_judged() {
    let Some(stage) = Stage::start().await else { return };
    let plan = whole_commit(&stage, |theirs| {
        std::fs::write(theirs.join("shared-values.yaml"), "a: 1\n").unwrap();
    });
    assert_eq!(
        plan.await.expect_err("it would delete a file").kind(),
        FailureKind::Usage
    );

    let Some(stage) = Stage::start().await else { return };
    let plan = whole_commit(&stage, |theirs| {
        let file = theirs.join(STAGING);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}# a remark\n")).unwrap();
    });
    let (state, why) = gate(&plan.await.expect("a plan"), GateName::Edit);
    assert_eq!(state, GateState::Closed);
    assert!(why.contains("staging"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_commit_with_holds_keeps_them_and_with_modes_is_left_to_git() {
    let Some(stage) = Stage::start().await else { return };
    let mut request = Request::new(Ask::Hold {
        target: Target::new("payments", "staging"),
        digest: None,
    });
    request.reason = Some("leaks".into());
    crate::support::stage::write(&stage.engine(), request)
        .await
        .expect("held");
    let plan = whole_commit(&stage, |theirs| {
        let file = theirs.join("pindeck-holds.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replace("leaks", "leaks memory")).unwrap();
    });
    let plan = plan.await.expect("a plan");
    let files: Vec<&str> = plan.edits.iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, [PRODUCTION, "pindeck-holds.toml"], "each once");

    let Some(stage) = Stage::start().await else { return };
    let plan = whole_commit(&stage, |theirs| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(theirs.join("README.md"), std::fs::Permissions::from_mode(0o755)).unwrap();
    });
    let said = plan.await.expect_err("a mode");
    assert_eq!(said.kind(), FailureKind::Usage);
    assert!(said.what().raw().contains("100755"), "{said:?}");
}
