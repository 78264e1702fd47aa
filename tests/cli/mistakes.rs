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
