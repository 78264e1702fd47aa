//! The steps of a release, run as the release workflow runs them: by the scripts in `.ci`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A workflow of the repository `acme/pindeck` at the tag of this version.
pub const SOURCE: &str = "https://github.com/acme/pindeck";

/// The version that is released.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One of the scripts, in the surroundings of GitHub's runner.
pub fn script(name: &str, args: &[&str]) -> Command {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci").join(name);
    let mut command = Command::new("bash");
    command.arg(path).args(args);
    for (name, value) in [
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/pindeck"),
        ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
        ("PINDECK", env!("CARGO_BIN_EXE_pindeck")),
    ] {
        command.env(name, value);
    }
    command.env("GITHUB_REF", format!("refs/tags/v{VERSION}"));
    command.env_remove("IMAGE");
    command
}

/// A program of a few bytes that is this pindeck, so that it is packed in no time.
pub fn stand_in(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    let program = folder.join("pindeck");
    let line = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_pindeck"));
    std::fs::write(&program, line).expect("written");
    let made = Command::new("chmod").arg("755").arg(&program).status();
    assert!(made.expect("chmod runs").success());
    program
}

/// Runs a script that must succeed; its standard output.
pub fn done(mut command: Command) -> Vec<u8> {
    let Output { status, stdout, stderr } = command.output().expect("bash runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    assert!(status.success(), "{command:?}: {said}");
    stdout
}
