//! What goes wrong says what happened and what to do next, on the right stream, with the right status.

use super::home::{Home, deployment, digest};

#[test]
fn every_mistake_has_its_status_its_message_and_its_next_step() {
    let home = Home::new();
    let image = format!("registry.example.com/shop/api:1.0.0@{}", digest('a'));
    let repository = home.repository("gitops", &[("envs/production/api.yaml", &deployment(&image))]);
    let nowhere = home.path("nowhere");
    std::fs::create_dir_all(&nowhere).expect("made");
    let broken = home.write("broken.toml", "version = 1\nenvironmets = []\n");
    let broken = broken.display().to_string();
    let cases: &[(&std::path::Path, &[&str], i32, &str, &str)] = &[
        (&nowhere, &["status"], 2, "no git repository", "-C DIR"),
        (
            &repository,
            &["-C", "missing", "status"],
            2,
            "no git repository",
            "-C DIR",
        ),
        (
            &repository,
            &["status", "--env", "prodution"],
            2,
            "\"prodution\"",
            "did you mean \"production\"?",
        ),
        (
            &repository,
            &["status", "--service", "apj", "--offline"],
            2,
            "\"apj\"",
            "did you mean \"api\"?",
        ),
        (
            &repository,
            &["history", "apj", "--env", "production"],
            2,
            "\"apj\"",
            "did you mean \"api\"?",
        ),
        (
            &repository,
            &["history", "api", "--env", "x"],
            2,
            "\"x\"",
            "known: production",
        ),
        (
            &repository,
            &["evidence", "api", "--env", "x"],
            2,
            "\"x\"",
            "known: production",
        ),
        (
            &repository,
            &["status", "--config", "none.toml"],
            2,
            "none.toml cannot be read",
            "--config",
        ),
        (
            &repository,
            &["status", "--config", &broken],
            2,
            "broken.toml:2: unknown key",
            "did you mean \"environments\"?",
        ),
        (
            &repository,
            &["verify", "r.example/a:1", "--policy", "p"],
            2,
            "needs a digest",
            "REPOSITORY@sha256:",
        ),
        (&repository, &["verify", "r.example/a:1"], 2, "--policy", "verify"),
        (
            &repository,
            &["diff", "x:y:z", "api:production"],
            2,
            "x:y",
            "known: api",
        ),
        (&repository, &["statsu"], 2, "statsu", "status"),
        (&repository, &["drift", "--interval", "5s"], 2, "--watch", ""),
        (
            &repository,
            &[
                "promote",
                "api",
                "--to",
                "production",
                "--from",
                "staging",
                "--digest",
                &digest('b'),
            ],
            2,
            "--digest",
            "",
        ),
        (&repository, &["promote", "api", "--to", "production"], 2, "", ""),
        (
            &repository,
            &["revert", "api", "--env", "production", "--to", "sha256:abc"],
            2,
            "64",
            "",
        ),
        (&repository, &[], 2, "needs a terminal", "pindeck status"),
    ];
    for (dir, args, status, message, next) in cases {
        let said = home.run(dir, args);
        assert_eq!(said.status, *status, "{args:?}: {said:?}");
        assert_eq!(said.out, "", "{args:?}: an error is no result");
        assert!(
            said.err.contains(message) && said.err.contains(next),
            "{args:?}: {said:?}"
        );
        if args.is_empty() {
            continue;
        }
        let with_json = [*args, &["--json"]].concat();
        let said = home.run(dir, &with_json);
        let error = said.error();
        assert_eq!(said.status, *status, "{args:?}: {said:?}");
        let whole = format!("{} {}", error["message"], error["next"]).replace("\\\"", "\"");
        assert!(whole.contains(message) && whole.contains(next), "{args:?}: {whole}");
    }
}

#[test]
fn nothing_pinned_is_said_and_is_no_failure() {
    let home = Home::new();
    let empty = home.repository("empty", &[("README.md", "nothing")]);
    let said = home.run(&empty, &["status", "--offline"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("no pins") && said.out.contains("pindeck init"),
        "{said:?}"
    );
    let document = home.run(&empty, &["status", "--offline", "--json"]).json();
    assert_eq!(document["services"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_unreachable_registry_is_unknown_and_never_unsigned() {
    let home = Home::new();
    let policy = "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"p\"\n\
        [policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n[trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n";
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt\nIqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==\n-----END PUBLIC KEY-----\n";
    let image = format!("127.0.0.1:1/shop/api:1.0.0@{}", digest('a'));
    let repository = home.repository(
        "gitops",
        &[
            ("pindeck.toml", policy),
            ("ci.pub", key),
            ("envs/production/api.yaml", &deployment(&image)),
        ],
    );
    let said = home.run(&repository, &["status", "--json", "--exit-code"]);
    assert_eq!(said.status, 6, "{said:?}");
    let pin = &said.json()["services"][0]["pins"][0];
    assert_eq!(pin["verdict"]["result"], "unknown");
    let causes = pin["verdict"]["causes"].as_array().expect("causes");
    assert_eq!(causes.len(), 1, "{pin}");
    assert_eq!(
        (&causes[0]["check"], &causes[0]["cause"]),
        (&"digest".into(), &"unreachable".into())
    );
    let reference = format!("127.0.0.1:1/shop/api@{}", digest('a'));
    for args in [
        vec!["verify", &reference, "--policy", "p"],
        vec!["evidence", "api", "--env", "production"],
        vec!["drift", "--exit-code"],
        vec!["history", "api", "--env", "production", "--verify"],
    ] {
        let said = home.run(&repository, &args);
        assert_eq!(said.status, 6, "{args:?}: {said:?}");
        assert!(
            !said.out.contains("unsigned") && !said.out.contains("verified"),
            "{said:?}"
        );
    }
    // Asked of history alone, nothing needs a registry.
    assert_eq!(
        home.run(&repository, &["history", "api", "--env", "production"]).status,
        0
    );
}

#[test]
fn what_strangers_wrote_steers_no_terminal() {
    let home = Home::new();
    let hostile = "Ship\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}it";
    let image = format!("registry.example.com/shop/api:1.0.0@{}", digest('a'));
    let repository = home.repository("gitops", &[("README.md", "x")]);
    home.write("gitops/envs/production/api.yaml", &deployment(&image));
    super::home::commit(&repository, hostile);
    for args in [
        &["history", "api", "--env", "production"][..],
        &["history", "api", "--env", "production", "--json"],
        &["status", "--offline"],
        &["status", "--offline", "--json"],
        &["drift", "--offline"],
        &["--plain", "--offline"],
        &["status", "--env", hostile],
        &["evidence", hostile, "--offline"],
        &["evidence", hostile, "--offline", "--json"],
    ] {
        let said = home.run(&repository, args);
        for (stream, text) in [("stdout", &said.out), ("stderr", &said.err)] {
            let steering = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}'));
            assert!(!text.chars().any(steering), "{args:?} {stream}: {text:?}");
        }
    }
    let document = home
        .run(&repository, &["history", "api", "--env", "production", "--json"])
        .json();
    assert_eq!(
        document["entries"][0]["subject"], hostile,
        "JSON keeps what was written"
    );
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let home = Home::new();
    let mut command = home.command(home.root.path(), &["generate", "man"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
    drop(child.stdout.take());
    assert!(child.wait().expect("ended").success());
}

#[test]
fn the_log_is_a_file_without_secrets_and_never_the_screen() {
    let home = Home::new();
    let repository = home.repository("gitops", &[("README.md", "x")]);
    let mut command = home.command(&repository, &["status", "--offline"]);
    command
        .env("PINDECK_LOG", "trace")
        .env("XDG_STATE_HOME", home.path("state"));
    let said = super::home::finish(command);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(home.path("state/pindeck/pindeck.log").exists());
    assert!(!said.err.contains("TRACE") && !said.out.contains("TRACE"));
    let mut command = home.command(&repository, &["status", "--offline"]);
    command
        .env("PINDECK_LOG", "pindeck=loud")
        .env("XDG_STATE_HOME", home.path("state"));
    let said = super::home::finish(command);
    assert_eq!(said.status, 0, "a bad filter stops nothing: {said:?}");
    assert!(said.err.contains("PINDECK_LOG"), "{said:?}");
}

#[test]
fn what_was_left_behind_is_not_finished_or_dropped_by_nobody() {
    let home = Home::new();
    let dir = home.repository("gitops", &[("README.md", "x\n")]);
    let id = "20260101T000000Z-abc";
    let entry = serde_json::json!({
        "schema": "pindeck/journal/v1", "id": id, "started": "2026-01-01T00:00:00Z", "step": "planned",
        "reached": "2026-01-01T00:00:00Z",
        "request": {"ask": {"Pin": {"services": [], "environment": null}}, "tag": null, "reason": null,
            "acknowledge_warned": false, "break_glass": null},
        "base": "", "remote": "origin", "branch": "main", "new_branch": false, "commits": [],
        "writes": [{"verb": "pin", "service": "api", "environment": "production", "from": null,
            "to": digest('1'), "edits": [], "copies": [],
            "terms": {"image": "r.example/api", "policy": "release", "policy_digest": digest('2'),
                "verdict": null, "gates": [], "type_name": true}}],
    });
    let file = home.write(&format!("gitops/.git/pindeck/journal/{id}.json"), &entry.to_string());
    for (args, words) in [
        (&["resume"][..], "--confirm production"),
        (&["resume", "--json"], "--confirm production"),
        (&["resume", "--yes", "--json"], "--confirm production"),
        (&["resume", "--yes", "--confirm", "staging"], "--confirm staging"),
        (&["resume", "--drop"], "--yes"),
        (&["resume", "--drop", "--json"], "--yes"),
    ] {
        let said = home.run(&dir, args);
        assert_eq!(said.status, 2, "{args:?}: {said:?}");
        assert!(
            format!("{}{}", said.out, said.err).contains(words),
            "{args:?}: {said:?}"
        );
        assert!(file.exists(), "{args:?}");
    }
    let said = home.run(&dir, &["resume", "--drop", "--yes"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!file.exists());
}
