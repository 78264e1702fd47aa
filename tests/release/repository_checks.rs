//! A change in the repository of an environment, checked by the policy and the holds of another one.

use pindeck::domain::Target;
use pindeck::domain::write::{Ask, Request};
use serde_json::Value;

use crate::support::peer::git;
use crate::support::repositories::{
    PRODUCTION, STAGING, copied, digest_in, file_of_production, in_repositories, production,
};
use crate::support::stage::{path, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_other_repository_is_checked_by_the_policy_of_this_one() {
    let Some(stage) = in_repositories().await else { return };
    // The policy in a clone of its own repository.
    let policy = stage.clone.join("pindeck.toml");
    let folder = stage.policy.parent().expect("a folder");
    copied(folder, &stage.clone);
    git(stage.home.path(), ["-C", path(&stage.clone), "fetch", "-q"]);
    let theirs = stage.home.path().join("their-production");
    git(
        stage.home.path(),
        ["clone", "-q", path(&production(&stage)), path(&theirs)],
    );
    let run = |args: &[&str]| {
        let all: Vec<&str> = [
            "-C",
            path(&theirs),
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
        ]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
        git(stage.home.path(), all)
    };
    run(&["checkout", "-q", "-b", "change"]);
    let new = digest_in(&stage.at_remote(["show", &format!("env/staging:{STAGING}")]));
    let old = digest_in(&file_of_production(&stage, PRODUCTION));
    let text = std::fs::read_to_string(theirs.join(PRODUCTION)).expect("readable");
    std::fs::write(
        theirs.join(PRODUCTION),
        text.replace(&old.to_string(), &new.to_string()),
    )
    .expect("written");
    run(&["commit", "-q", "-a", "-m", "another digest"]);
    let check = async |config: &std::path::Path| -> (Option<i32>, Value) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
        let command = command.arg("-C").arg(&theirs).arg("--config").arg(config);
        let command = command.args(["check", "--base", "origin/main", "--head", "change", "--json"]);
        let command = command
            .env("HOME", stage.home.path())
            .env("PINDECK_CACHE_DIR", stage.home.path().join("c"));
        let out = command.env_remove("PINDECK_CONFIG").output().await.expect("runs");
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        (
            out.status.code(),
            serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}")),
        )
    };
    let (status, said) = check(&policy).await;
    let findings = said["findings"].as_array().into_iter().flatten();
    let about: Vec<&str> = findings
        .filter(|one| one["environment"] == "production")
        .map(|one| one["kind"].as_str().expect("a kind"))
        .collect();
    // The digest stands in staging, on its branch of the policy's repository. Its tag is not changed.
    assert_eq!(
        (status, about),
        (Some(4), vec!["tag-digest-mismatch", "reverted-digest"]),
        "{said:#}"
    );
    assert_eq!(said["pins"][0]["pinned_in"], serde_json::json!(["staging"]), "{said:#}");
    // A hold beside the policy is kept there.
    let hold = Ask::Hold {
        target: Target::new("payments", "production"),
        digest: Some(new),
    };
    let mut hold = Request::new(hold);
    hold.reason = Some("it crashes".to_owned());
    write(&stage.engine(), hold).await.expect("held");
    git(stage.home.path(), ["-C", path(&stage.clone), "fetch", "-q"]);
    let (_, said) = check(&policy).await;
    assert!(said.to_string().contains("hold-violated"), "{said:#}");
    // A policy that lies in no clone has no holds beside it.
    let (status, said) = check(&stage.policy).await;
    assert_eq!(status, Some(2), "{said:#}");
    assert!(
        said["message"]
            .to_string()
            .contains("their policy and holds in another one"),
        "{said:#}"
    );
}
