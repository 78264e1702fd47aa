//! The binary against a real remote over HTTP, with everything a team may have configured: hooks on both
//! sides, signatures, a person in the middle of something. What the remote says reaches the person.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::git_http::GitHttp;
use crate::support::git_world::{belongings, git, git_bytes, hook};
use crate::support::skip::{Want, skipped};
use crate::support::stage::Stage;

const PRODUCTION: &str = "apps/payments/overlays/production/kustomization.yaml";

/// Runs the binary in the stage's clone.
async fn pindeck(stage: &Stage, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command
        .arg("-C")
        .arg(&stage.clone)
        .arg("--config")
        .arg(&stage.policy)
        .args(args)
        .env("HOME", stage.home.path())
        .env("PINDECK_CACHE_DIR", stage.home.path().join("cache"))
        .env("XDG_STATE_HOME", stage.home.path().join("state"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // As if git itself had started it, from a hook or an alias: none of this may redirect a write.
        .env("GIT_INDEX_FILE", stage.home.path().join("somebody-elses-index"))
        .env("GIT_OBJECT_DIRECTORY", stage.home.path().join("somebody-elses-objects"))
        .env("GIT_PREFIX", "apps/")
        .env_remove("PINDECK_CONFIG");
    command.output().await.expect("runs")
}

fn json(out: &Output) -> Value {
    let said = || {
        format!(
            "{}\n{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        )
    };
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", said()))
}

fn code(out: &Output) -> i32 {
    out.status.code().expect("it ended by itself")
}

fn over_http(stage: &Stage) -> GitHttp {
    let server = GitHttp::serve(stage.home.path());
    git(&stage.remote, &["config", "http.receivepack", "true"]);
    git(
        &stage.clone,
        &["remote", "set-url", "origin", &server.url("remote.git")],
    );
    server
}

/// Signs with a new ssh key; false where there is no `ssh-keygen`.
fn sign(stage: &Stage) -> bool {
    let key = stage.home.path().join("signing-key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        skipped(Want::Program, "no ssh-keygen, commits are not signed");
        return false;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = stage.home.path().join("allowed-signers");
    std::fs::write(&allowed, format!("ada@example.com {public}")).unwrap();
    for (name, value) in [
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", key.to_str().unwrap()),
        ("gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()),
    ] {
        git(&stage.clone, &["config", name, value]);
    }
    true
}

fn journal_is_empty(stage: &Stage) -> bool {
    let Ok(entries) = std::fs::read_dir(stage.clone.join(".git/pindeck/journal")) else {
        return true;
    };
    entries.flatten().count() == 0
}

fn show(stage: &Stage, commit: &str, path: &str) -> Vec<u8> {
    git_bytes(&stage.remote, &["show", &format!("{commit}:{path}")])
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn forward_and_back_over_http_with_hooks_and_signatures() {
    let Some(stage) = Stage::start().await else { return };
    let _server = over_http(&stage);
    let signed = sign(&stage);
    let log = stage.home.path().join("heard");
    let note = |name: &str| format!("echo {name} >> {}", log.display());
    let installed = stage.clone.join(".git/hooks");
    hook(
        &installed,
        "commit-msg",
        &format!("{}; printf 'Change-Id: I1\\n' >> \"$1\"", note("commit-msg")),
    );
    hook(
        &installed,
        "pre-push",
        &format!("cat > /dev/null; {}", note("pre-push")),
    );
    hook(&stage.remote.join("hooks"), "pre-receive", &note("pre-receive"));
    // A person in the middle of something.
    git(&stage.clone, &["checkout", "-q", "-b", "mine"]);
    std::fs::write(stage.clone.join(PRODUCTION), "half a thought").unwrap();
    std::fs::write(stage.clone.join("staged"), "staged").unwrap();
    git(&stage.clone, &["add", "staged"]);
    let mine = belongings(&stage.clone);

    let base = stage.head();
    let out = pindeck(
        &stage,
        &[
            "promote",
            "payments",
            "--to",
            "production",
            "--yes",
            "--confirm",
            "production",
            "--json",
        ],
    )
    .await;
    assert_eq!(code(&out), 0, "{}", String::from_utf8_lossy(&out.stderr));
    let said = json(&out);
    let promoted = stage.head();
    assert_eq!(
        (&said["state"], &said["pushed"]),
        (&"pushed".into(), &"refs/heads/main".into())
    );
    assert_eq!(said["commits"], serde_json::json!([promoted]));
    assert_eq!(read(&log), "commit-msg\npre-push\npre-receive\n");
    assert_eq!(
        git(&stage.remote, &["diff", "--name-only", &base, &promoted]),
        PRODUCTION
    );
    let plan = &said["plans"][0];
    let (from, to) = (plan["from"].as_str().unwrap(), plan["to"].as_str().unwrap());
    let before = String::from_utf8(show(&stage, &base, PRODUCTION)).unwrap();
    let after = String::from_utf8(show(&stage, &promoted, PRODUCTION)).unwrap();
    assert!(before.contains(from) && after.contains(to) && !after.contains(from));
    let message = git(&stage.remote, &["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("Promote payments to production\n"), "{message}");
    assert!(
        message.ends_with("Change-Id: I1"),
        "what the hook added is kept: {message}"
    );
    let trailers = git(
        &stage.remote,
        &["log", "-1", "--format=%(trailers:key=Pindeck-To,valueonly)", "main"],
    );
    assert_eq!(trailers.trim(), to);
    if signed {
        git(&stage.clone, &["verify-commit", &promoted]);
    }

    // Back, now with hooks in the tracked tree: those never run.
    let tracked = stage.clone.join("hooks");
    for name in ["commit-msg", "pre-push", "reference-transaction"] {
        hook(&tracked, name, &note(&format!("tracked-{name}")));
    }
    git(&stage.clone, &["config", "core.hooksPath", "hooks"]);
    std::fs::write(&log, "").unwrap();
    let out = pindeck(
        &stage,
        &[
            "revert",
            "payments",
            "--env",
            "production",
            "--yes",
            "--confirm",
            "production",
            "--json",
        ],
    )
    .await;
    assert_eq!(code(&out), 0, "{}", String::from_utf8_lossy(&out.stderr));
    let reverted = stage.head();
    assert_eq!(read(&log), "pre-receive\n");
    std::fs::remove_dir_all(&tracked).unwrap();
    git(&stage.clone, &["config", "--unset", "core.hooksPath"]);
    assert_eq!(
        show(&stage, &reverted, PRODUCTION),
        before.as_bytes(),
        "byte for byte as before"
    );
    assert_eq!(
        git(&stage.remote, &["diff", "--name-only", &promoted, &reverted]),
        format!("{PRODUCTION}\npindeck-holds.toml")
    );
    let message = git(&stage.remote, &["log", "-1", "--format=%B", "main"]);
    assert!(
        message.contains(&format!("This reverts commit {promoted}.")),
        "{message}"
    );
    if signed {
        git(&stage.clone, &["verify-commit", &reverted]);
    }
    assert_eq!(
        belongings(&stage.clone),
        mine,
        "nothing of the person's own was touched"
    );
    assert!(journal_is_empty(&stage));
    for theirs in ["somebody-elses-index", "somebody-elses-objects"] {
        assert!(!stage.home.path().join(theirs).exists(), "{theirs}");
    }
    git(&stage.remote, &["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_the_person_in_the_remotes_own_words() {
    let Some(stage) = Stage::start().await else { return };
    let _server = over_http(&stage);
    let base = stage.head();
    let promote = [
        "promote",
        "payments",
        "--to",
        "production",
        "--yes",
        "--confirm",
        "production",
    ];
    let with_json: Vec<&str> = promote.iter().copied().chain(["--json"]).collect();
    for (place, name, script) in [
        (
            stage.remote.join("hooks"),
            "pre-receive",
            "echo 'only on Mondays: ask Ada' >&2; exit 1",
        ),
        (
            stage.clone.join(".git/hooks"),
            "pre-push",
            "cat > /dev/null; echo 'only on Mondays: ask Ada' >&2; exit 1",
        ),
        (
            stage.clone.join(".git/hooks"),
            "commit-msg",
            "echo 'only on Mondays: ask Ada' >&2; exit 1",
        ),
    ] {
        hook(&place, name, script);
        let out = pindeck(&stage, &promote).await;
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(code(&out), 7, "{name}: {words}");
        assert!(words.contains("only on Mondays: ask Ada"), "{name}: {words}");
        let out = pindeck(&stage, &with_json).await;
        let said = json(&out);
        assert_eq!(
            (code(&out), &said["schema"], &said["code"]),
            (7, &"pindeck/error/v1".into(), &7.into()),
            "{name}"
        );
        assert!(
            said["message"].as_str().unwrap().contains("only on Mondays: ask Ada"),
            "{name}: {said}"
        );
        assert_eq!(stage.head(), base, "{name}");
        assert!(journal_is_empty(&stage), "{name}: what was refused is over");
        std::fs::remove_file(place.join(name)).unwrap();
    }
    let out = pindeck(&stage, &with_json).await;
    assert_eq!(code(&out), 0, "{}", String::from_utf8_lossy(&out.stderr));
    assert_ne!(stage.head(), base);
}

/// Whether the remote lets nobody read, or lets nobody write: it cannot be reached by this person, and nothing
/// is wrong with what was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_lets_nobody_in_is_unknown_for_reading_and_for_writing() {
    let Some(stage) = Stage::start().await else { return };
    let server = over_http(&stage);
    let base = stage.head();
    let promote = [
        "promote",
        "payments",
        "--to",
        "production",
        "--yes",
        "--confirm",
        "production",
        "--json",
    ];
    server
        .manners
        .read_only
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let out = pindeck(&stage, &promote).await;
    assert_eq!((code(&out), &json(&out)["code"]), (6, &6.into()), "{}", json(&out));
    server
        .manners
        .read_only
        .store(false, std::sync::atomic::Ordering::SeqCst);
    *server.manners.password.lock().unwrap() = Some("ada:secret".to_owned());
    let out = pindeck(&stage, &promote).await;
    assert_eq!((code(&out), &json(&out)["code"]), (6, &6.into()), "{}", json(&out));
    assert_eq!(stage.head(), base);
    assert!(journal_is_empty(&stage), "what was not let in is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nameless_person_is_told_before_anything_is_written() {
    let Some(stage) = Stage::start().await else { return };
    git(&stage.clone, &["config", "--unset", "user.email"]);
    let objects = git(&stage.clone, &["count-objects"]);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command.arg("-C").arg(&stage.clone).arg("--config").arg(&stage.policy);
    command.args([
        "promote",
        "payments",
        "--to",
        "production",
        "--yes",
        "--confirm",
        "production",
    ]);
    command
        .env("HOME", stage.home.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for name in ["EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        command.env_remove(name);
    }
    let out = command.output().await.unwrap();
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(code(&out), 2, "{words}");
    assert!(words.contains("git config --global user.email"), "{words}");
    assert_eq!(git(&stage.clone, &["count-objects"]), objects);
    assert!(journal_is_empty(&stage));
}
