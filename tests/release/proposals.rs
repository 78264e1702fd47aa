//! Proposals end to end, by the built program: pushed with options and without, opened by an API, found again by their
//! branches, merged by the word of git, and explained by a forge that may fail.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::fake_forge::FakeForge;
use crate::support::git_world::{World, git, hook};
use crate::support::server::{Reply, Server};
use crate::support::stage::Stage;

const PRODUCTION: &str = "apps/payments/overlays/production/kustomization.yaml";
const SECRET: &str = "s3cr3t-of-the-forge";
const PROMOTE: [&str; 7] = [
    "promote",
    "payments",
    "--to",
    "production",
    "--yes",
    "--confirm",
    "production",
];

/// Runs the program in a clone, with a token of the forge or without.
async fn run(home: &Path, clone: &Path, policy: Option<&Path>, args: &[&str], token: bool) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command.arg("-C").arg(clone);
    if let Some(policy) = policy {
        command.arg("--config").arg(policy);
    }
    command
        .args(args)
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PINDECK_CACHE_DIR", home.join("cache"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for name in [
        "PINDECK_CONFIG",
        "GITEA_TOKEN",
        "GITLAB_TOKEN",
        "GITHUB_TOKEN",
        "GH_TOKEN",
    ] {
        command.env_remove(name);
    }
    match token {
        true => command.env("PINDECK_FORGE_TOKEN", SECRET),
        false => command.env_remove("PINDECK_FORGE_TOKEN"),
    };
    command.output().await.expect("runs")
}

async fn pindeck(stage: &Stage, args: &[&str], token: bool) -> Output {
    run(stage.home.path(), &stage.clone, Some(&stage.policy), args, token).await
}

fn json(out: &Output) -> Value {
    let said = || String::from_utf8_lossy(&out.stderr).into_owned();
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", said()))
}

fn words(out: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    )
}

/// The stage with proposals for production, on a forge.
async fn stage(forge: &str) -> Option<Stage> {
    let stage = Stage::start().await?;
    stage.configure("production", "write = \"branch\"");
    stage.edit_policy(|text| format!("{text}\n[forge]\n{forge}"));
    Some(stage)
}

async fn promoted(stage: &Stage, token: bool) -> Value {
    let args: Vec<&str> = PROMOTE.iter().copied().chain(["--json"]).collect();
    let out = pindeck(stage, &args, token).await;
    assert_eq!(out.status.code(), Some(0), "{}", words(&out));
    let said = json(&out);
    assert_eq!(said["state"], "proposed", "{said}");
    said
}

/// The proposal of payments in production, as `status --json` tells it.
async fn proposal(stage: &Stage, token: bool) -> Value {
    let out = pindeck(stage, &["status", "--json"], token).await;
    assert_eq!(out.status.code(), Some(0), "{}", words(&out));
    of_board(&json(&out))
}

fn of_board(board: &Value) -> Value {
    let services = board["services"].as_array().expect("services");
    let payments = services.iter().find(|one| one["name"] == "payments").expect("payments");
    let pins = payments["pins"].as_array().expect("pins");
    let pin = pins
        .iter()
        .find(|pin| pin["environment"] == "production")
        .expect("a pin");
    pin["proposal"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn push_options_open_it_and_git_says_when_it_is_merged() {
    let Some(stage) = stage("kind = \"gitlab\"\n").await else {
        return;
    };
    stage.at_remote(["config", "receive.advertisePushOptions", "true"]);
    hook(
        &stage.remote.join("hooks"),
        "pre-receive",
        "for i in 0 1 2 3 4; do eval echo \\\"\\$GIT_PUSH_OPTION_$i\\\"; done >> \"$GIT_DIR/heard\"; echo \"$GIT_PUSH_OPTION_COUNT\" >> \"$GIT_DIR/heard\"",
    );
    hook(
        &stage.remote.join("hooks"),
        "post-receive",
        "echo 'View merge request for it:'; echo '  https://forge.example/shop/gitops/-/merge_requests/41'",
    );
    let base = stage.head();
    let said = promoted(&stage, false).await;
    let (from, to) = (&said["plans"][0]["from"], &said["plans"][0]["to"]);
    let branch = said["branch"].as_str().expect("a branch").to_owned();
    let heard = std::fs::read_to_string(stage.remote.join("heard")).expect("options");
    let wanted = format!(
        "merge_request.create\nmerge_request.target=main\nmerge_request.title=Promote payments to production\nmerge_request.description=payments in production: {} -> {}\nmerge_request.remove_source_branch\n5\n",
        from.as_str().unwrap(),
        to.as_str().unwrap()
    );
    assert_eq!(heard, wanted);
    assert_eq!(
        said["proposal_url"],
        "https://forge.example/shop/gitops/-/merge_requests/41"
    );
    assert_eq!(
        (&said["proposal_open"], &said["notes"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(stage.head(), base, "the branch that counts has not moved");

    // Found again by its branch, here and in another person's clone.
    let found = proposal(&stage, false).await;
    assert_eq!(
        (&found["state"], &found["branch"]),
        (&"open".into(), &branch.as_str().into())
    );
    assert_eq!((&found["to"], &found["head"]), (to, &said["commits"][0]));
    assert_eq!(
        (&found["number"], &found["url"], &found["checks"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let theirs = stage.home.path().join("their-clone");
    git(
        stage.home.path(),
        &["clone", "-q", stage.remote.to_str().unwrap(), "their-clone"],
    );
    let out = run(
        stage.home.path(),
        &theirs,
        Some(&stage.policy),
        &["status", "--json"],
        false,
    )
    .await;
    assert_eq!(of_board(&json(&out))["head"], said["commits"][0]);
    let out = pindeck(&stage, &["status"], false).await;
    let text = words(&out);
    assert!(text.contains("PROPOSAL") && text.contains("proposed"), "{text}");
    assert!(text.contains(&format!("branch {branch}")), "{text}");
    let mut spoken = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    spoken
        .arg("-C")
        .arg(&stage.clone)
        .arg("--config")
        .arg(&stage.policy)
        .arg("--plain");
    spoken
        .env("HOME", stage.home.path())
        .stdin(std::process::Stdio::piped());
    let mut spoken = spoken.stdout(std::process::Stdio::piped()).spawn().expect("runs");
    {
        use tokio::io::AsyncWriteExt as _;
        let mut stdin = spoken.stdin.take().expect("piped");
        stdin
            .write_all(b"show payments production\nquit\n")
            .await
            .expect("written");
    }
    let spoken = spoken.wait_with_output().await.expect("ends");
    let spoken = String::from_utf8_lossy(&spoken.stdout).into_owned();
    assert!(spoken.contains("proposed"), "{spoken}");

    // Somebody squashes it: another commit, the same digest. That is merged, whatever any forge says.
    let patch = stage.at_remote(["show", &format!("{branch}:{PRODUCTION}")]);
    stage.somebody_commits(PRODUCTION, "Promote payments (#41)", |_| format!("{patch}\n"));
    let found = proposal(&stage, false).await;
    assert_eq!(
        (&found["state"], &found["overtaken"]),
        (&"merged".into(), &false.into())
    );
    stage.at_remote(["update-ref", "-d", &format!("refs/heads/{branch}")]);
    assert_eq!(
        proposal(&stage, false).await,
        Value::Null,
        "the branch is gone from the remote"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_push_options_nothing_is_lost_and_it_is_said() {
    for kind in ["gitlab", "forgejo"] {
        let Some(stage) = stage(&format!("kind = \"{kind}\"\nopen = \"push-option\"\n")).await else {
            return;
        };
        hook(
            &stage.remote.join("hooks"),
            "pre-receive",
            "echo run >> \"$GIT_DIR/heard\"",
        );
        let out = pindeck(&stage, &PROMOTE, false).await;
        let text = words(&out);
        assert_eq!(out.status.code(), Some(0), "{text}");
        assert!(text.contains("Note: the remote takes no push options"), "{text}");
        let heard = std::fs::read_to_string(stage.remote.join("heard")).expect("a push");
        assert_eq!(heard, "run\n", "{kind}: the remote saw one push");
        assert_eq!(stage.at_remote(["for-each-ref", "refs/for"]), "");
        let found = proposal(&stage, false).await;
        assert_eq!(found["state"], "open", "{kind}");
        let head = found["head"].as_str().expect("a commit");
        let pushed = stage.at_remote(["for-each-ref", "--format=%(objectname)", "refs/heads/pindeck"]);
        assert_eq!(pushed, head);
        assert!(
            !stage
                .clone
                .join(".git/pindeck/journal")
                .read_dir()
                .is_ok_and(|mut all| all.next().is_some())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_opens_it_and_tells_its_checks_and_a_forge_that_fails_leaves_the_board_whole() {
    for kind in ["gitea", "github", "gitlab"] {
        let forge = FakeForge::start(kind).await;
        let settings = format!(
            "kind = \"{kind}\"\nhost = \"{}{}\"\nrepository = \"shop/gitops\"\nopen = \"api\"\n",
            forge.url(),
            if kind == "github" { "/api/v3" } else { "" }
        );
        let Some(stage) = stage(&settings).await else { return };
        let said = promoted(&stage, true).await;
        assert_eq!(
            (&said["proposal_open"], &said["notes"]),
            (&true.into(), &serde_json::json!([])),
            "{kind}"
        );
        let url = said["proposal_url"].as_str().expect("a link").to_owned();
        assert!(url.starts_with(&forge.url()) && url.ends_with("/41"), "{kind}: {url}");
        forge.assert_well_asked();
        let head = said["commits"][0].as_str().expect("a commit").to_owned();
        forge.knows(|known| {
            assert_eq!(known.branch.as_deref(), said["branch"].as_str());
            known.head = head;
            known.checks = vec!["success".to_owned()];
        });
        let found = proposal(&stage, true).await;
        assert_eq!(
            (&found["number"], &found["url"]),
            (&41.into(), &url.as_str().into()),
            "{kind}"
        );
        assert_eq!(found["state"], "open");
        assert_eq!(
            found["checks"],
            serde_json::json!({"passed": 1, "failed": 0, "pending": 0}),
            "{kind}"
        );
        let out = pindeck(&stage, &["status"], true).await;
        assert!(
            words(&out).contains("proposed #41, checks 1/1 passed"),
            "{}",
            words(&out)
        );

        // The forge says that it is merged, and git says that it is not pinned: git is right.
        forge.knows(|known| known.state = "merged".to_owned());
        let found = proposal(&stage, true).await;
        assert_eq!(
            (&found["state"], &found["forge_state"]),
            (&"closed".into(), &"merged".into()),
            "{kind}"
        );
        forge.knows(|known| known.state = "closed".to_owned());
        assert_eq!(proposal(&stage, true).await["state"], "closed", "{kind}");
        // Offline, nobody is asked, and git still knows the branch.
        forge.server.forget();
        let out = pindeck(&stage, &["--offline", "status", "--json"], true).await;
        let found = of_board(&json(&out));
        assert_eq!(
            (&found["state"], &found["number"], forge.server.total()),
            (&"open".into(), &Value::Null, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_forge_answers_the_write_stands_and_the_board_is_whole() {
    for (status, words_of) in [
        (401, "does not let us in"),
        (404, "knows nothing"),
        (500, "500"),
        (429, "too many"),
    ] {
        let server = Server::start(move |_| Reply::new(status, "{\"message\":\"\\u001b[31mno\"}")).await;
        let settings = format!(
            "kind = \"gitlab\"\nhost = \"http://{}\"\nrepository = \"shop/gitops\"\nopen = \"api\"\n",
            server.address
        );
        let Some(stage) = stage(&settings).await else { return };
        let said = promoted(&stage, true).await;
        let note = said["notes"][0].as_str().expect("a note");
        assert!(
            note.contains("no pull request was opened") && note.contains(words_of),
            "{note}"
        );
        assert!(!note.contains('\u{1b}') && !note.contains(SECRET));
        let out = pindeck(&stage, &["status", "--json"], true).await;
        assert_eq!(out.status.code(), Some(0), "{}", words(&out));
        let board = json(&out);
        let found = of_board(&board);
        assert_eq!(
            (&found["state"], &found["number"]),
            (&"open".into(), &Value::Null),
            "{status}"
        );
        assert!(
            found["unreachable"].as_str().expect("words").contains(words_of),
            "{status}: {found}"
        );
        let verdicts = board["services"].as_array().expect("services").iter();
        let judged = verdicts.flat_map(|one| one["pins"].as_array().cloned().unwrap_or_default());
        assert!(
            judged.filter(|pin| pin["verdict"].is_object()).count() > 3,
            "{status}: the board is whole"
        );
    }
}

/// A repository that names a host of its own choosing gets no token: not for asking, and not for opening.
#[tokio::test(flavor = "multi_thread")]
async fn a_repositorys_file_gets_no_token_sent_to_its_host() {
    let evil = FakeForge::start("gitea").await;
    let (old, new) = ("a".repeat(64), "b".repeat(64));
    let manifest = |digest: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: app}}\nspec:\n  containers:\n  - {{name: app, image: \"127.0.0.1:9/shop/app@sha256:{digest}\"}}\n"
        )
    };
    let policy = format!(
        "version = 1\n[[environments]]\nname = \"prod\"\npaths = [\"prod/**\"]\nwrite = \"branch\"\n[forge]\nkind = \"gitea\"\nhost = \"{}\"\nrepository = \"shop/gitops\"\n",
        evil.url()
    );
    let world = World::with(&[
        ("prod/app.yaml", manifest(&old).as_bytes()),
        ("pindeck.toml", policy.as_bytes()),
    ]);
    let clone = world.clone_as("work", &world.file_url(), &[]);
    // One branch that does what it says, and one that only says so.
    let message = |to: &str| {
        format!(
            "Promote app to prod\n\nPindeck-Action: promote\nPindeck-Service: app\nPindeck-Environment: prod\nPindeck-From: sha256:{old}\nPindeck-To: sha256:{to}\n"
        )
    };
    git(&clone, &["checkout", "-q", "-b", "pindeck/true"]);
    std::fs::write(clone.join("prod/app.yaml"), manifest(&new)).unwrap();
    git(&clone, &["commit", "-q", "-am", &message(&new)]);
    git(&clone, &["checkout", "-q", "-b", "pindeck/words", "main"]);
    std::fs::write(clone.join("note"), "x").unwrap();
    git(&clone, &["add", "note"]);
    git(&clone, &["commit", "-q", "-m", &message(&"c".repeat(64))]);
    git(&clone, &["push", "-q", "origin", "pindeck/true", "pindeck/words"]);
    git(&clone, &["checkout", "-q", "main"]);
    let home = tempfile::tempdir().unwrap();
    let out = run(home.path(), &clone, None, &["status", "--json"], true).await;
    let board = json(&out);
    let found = &board["services"][0]["pins"][0]["proposal"];
    assert_eq!(found["branch"], "pindeck/true", "{board}");
    let seen = evil.server.seen();
    assert!(
        !seen.is_empty() && seen.iter().all(|seen| seen.method == "GET"),
        "{seen:?}"
    );
    assert!(
        seen.iter().all(|seen| !format!("{seen:?}").contains(SECRET)),
        "{seen:?}"
    );

    // The person approves that host by name: then, and only then, the token travels.
    let mine = home.path().join("mine.toml");
    std::fs::write(&mine, format!("approved_registries = [\"{}\"]\n", evil.url())).unwrap();
    evil.server.forget();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pindeck"));
    command
        .arg("-C")
        .arg(&clone)
        .args(["status", "--json"])
        .env("HOME", home.path());
    command.env("PINDECK_CONFIG", &mine).env("PINDECK_FORGE_TOKEN", SECRET);
    command.output().await.expect("runs");
    let seen = evil.server.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.headers.get("authorization") == Some(&format!("token {SECRET}")))
    );
    assert!(!seen.is_empty());
}
