//! The shared world with environments in repositories of their own.

use std::path::{Path, PathBuf};
use std::process::Output;

use pindeck::domain::{Digest, Target};
use pindeck::engine::{Engine, OpenOptions};

use super::peer::git;
use super::stage::{Stage, path, promote_digest, write};

pub const PRODUCTION: &str = "apps/payments/overlays/production/kustomization.yaml";
pub const STAGING: &str = "apps/payments/overlays/staging/kustomization.yaml";

/// The first digest that a text names.
pub fn digest_in(text: &str) -> Digest {
    let text = &text[text.find("sha256:").expect("a digest")..][..71];
    text.parse().expect("a digest")
}

/// Everything that a board says of the pins, as text.
pub async fn told(engine: &Engine) -> Vec<String> {
    let board = engine.board().await.expect("a board");
    let mut out: Vec<String> = Vec::new();
    for cell in board.services.iter().flat_map(|row| &row.cells) {
        let pin = &cell.pin;
        let what = (
            &pin.component,
            &pin.tag,
            pin.digest,
            &pin.locations,
            &cell.pinned_by,
            cell.skipped,
        );
        out.push(format!("{} {what:?}", pin.target));
    }
    let facts = board.drift.iter().map(|one| {
        let about = (&one.service, &one.environment, &one.tag, one.expected, one.found);
        format!("{} {:?} {about:?}", one.id, one.kind)
    });
    out.extend(facts);
    out
}

/// The commits of the history of a pin, newest first.
pub async fn commits_of(engine: &Engine, target: &Target) -> Vec<String> {
    let history = engine.history(target, None, false).await.expect("a history");
    history.into_iter().map(|record| record.entry.commit).collect()
}

/// The world with staging on a branch and production in a repository of its own. What the branch of the policy has in
/// their folders names digests that nobody has: whoever reads it there says something else.
pub async fn in_repositories() -> Option<Stage> {
    let stage = Stage::start().await?;
    stage.at_remote(["branch", "env/staging", "main"]);
    stage.configure("staging", "branch = \"env/staging\"");
    let production = production(&stage);
    git(
        stage.home.path(),
        ["clone", "-q", "--bare", path(&stage.remote), path(&production)],
    );
    stage.configure("production", "repository = \"../production.git\"");
    for file in [STAGING, PRODUCTION] {
        let nobodys = format!("sha256:{}", "0".repeat(64));
        stage.somebody_changes(file, |text| {
            let known = digest_in(&text).to_string();
            text.replace(&known, &nobodys)
        });
    }
    Some(stage)
}

/// The bare repository of production.
pub fn production(stage: &Stage) -> PathBuf {
    stage.home.path().join("production.git")
}

/// Runs git on the repository of production.
pub fn at_production<const N: usize>(stage: &Stage, args: [&str; N]) -> String {
    let production = production(stage);
    let all: Vec<&str> = ["-C", path(&production)].into_iter().chain(args).collect();
    git(stage.home.path(), all).trim_end().to_owned()
}

/// A file of production.
pub fn file_of_production(stage: &Stage, file: &str) -> String {
    at_production(stage, ["show", &format!("main:{file}")])
}

/// The commits that `main` of the policy's repository and of production's are at.
pub fn both_heads(stage: &Stage) -> (String, String) {
    (stage.head(), at_production(stage, ["rev-parse", "main"]))
}

/// Brings the pin of payments in production to the digest of staging: the old one and the new one.
pub async fn promoted(stage: &Stage, engine: &Engine) -> (Digest, Digest) {
    let old = digest_in(&file_of_production(stage, PRODUCTION));
    let new = digest_in(&stage.at_remote(["show", &format!("env/staging:{STAGING}")]));
    write(engine, promote_digest("payments", "production", new))
        .await
        .expect("promoted");
    (old, new)
}

/// Somebody changes a file of production and pushes it.
pub fn somebody_changes_production(stage: &Stage, file: &str, change: impl FnOnce(String) -> String) {
    let folder = stage.home.path().join("somebody-at-production");
    if !folder.exists() {
        git(
            stage.home.path(),
            ["clone", "-q", path(&production(stage)), path(&folder)],
        );
    }
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["-C", path(&folder)].into_iter().chain(args.iter().copied()).collect();
        git(stage.home.path(), all)
    };
    run(&["pull", "-q", "--ff-only"]);
    let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    std::fs::write(folder.join(file), change(text)).expect("written");
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", "something of theirs"]);
    run(&["push", "-q", "origin", "HEAD:main"]);
}

/// An engine with a cache of its own, as on another machine that has the same clone.
pub fn engine_with_cache(stage: &Stage, cache: &str, change: impl FnOnce(&mut OpenOptions)) -> Engine {
    let mut options = OpenOptions {
        dir: stage.clone.clone(),
        config: Some(stage.policy.clone()),
        cache_dir: Some(stage.home.path().join(cache)),
        cache_bytes: 1 << 28,
        ..OpenOptions::default()
    };
    change(&mut options);
    Engine::open(options).expect("a repository")
}

/// Runs the program in the stage's clone: with the policy file outside of it, or with the repository's own.
pub async fn pindeck(stage: &Stage, own_policy: bool, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command.arg("-C").arg(&stage.clone);
    if !own_policy {
        command.arg("--config").arg(&stage.policy);
    }
    let command = command.args(args).env("HOME", stage.home.path());
    let command = command.env("PINDECK_CACHE_DIR", stage.home.path().join("program-cache"));
    let command = command.env("XDG_STATE_HOME", stage.home.path().join("state"));
    let of_git = stage.home.path().join(".gitconfig");
    let command = match of_git.exists() {
        true => command.env("GIT_CONFIG_GLOBAL", &of_git),
        false => command,
    };
    let config = stage.home.path().join("user.toml");
    match config.exists() {
        true => command.env("PINDECK_CONFIG", &config),
        false => command.env_remove("PINDECK_CONFIG"),
    };
    command.output().await.expect("runs")
}

/// Copies what is in a folder into another one.
pub fn copied(from: &Path, to: &Path) {
    let all = from.join(".");
    let ran = std::process::Command::new("cp")
        .args(["-r", path(&all), path(to)])
        .status();
    assert!(ran.expect("cp").success());
}

/// The repository's own file is the policy from now on, for who names none.
pub fn with_own_policy(stage: &Stage) {
    let theirs = stage.home.path().join("theirs");
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["-C", path(&theirs)].into_iter().chain(args.iter().copied()).collect();
        git(stage.home.path(), all)
    };
    run(&["pull", "-q", "--ff-only"]);
    copied(stage.policy.parent().expect("a folder"), &theirs);
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", "the policy"]);
    run(&["push", "-q", "origin", "HEAD:main"]);
}

/// The person approves these places, and no others.
pub fn approve(stage: &Stage, places: &[&Path]) {
    let all: Vec<String> = places.iter().map(|place| format!("{:?}", path(place))).collect();
    let text = format!("approved_repositories = [{}]\n", all.join(", "));
    std::fs::write(stage.home.path().join("user.toml"), text).expect("written");
}
