//! What reaches stdout, stderr and the log: nothing that steers a terminal, and no secrets.

use super::home::{Home, deployment, digest};

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
