//! Real programs to compare with, as `tests/peers/install` left them.
//!
//! A test that needs one asks [`find`] and ends early without it; the run says so loudly, and fails where
//! `PINDECK_REQUIRE_PEERS` names the program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program of that name, or `None` after having said so.
pub fn find(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PINDECK_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers"),
        PathBuf::from,
    );
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Some(program);
    }
    let install = match name {
        "kube-apiserver" | "kube-controller-manager" | "etcd" => "tests/peers/install kube",
        _ => "tests/peers/install",
    };
    let required = std::env::var("PINDECK_REQUIRE_PEERS").unwrap_or_default();
    assert!(
        !required.split(',').any(|peer| peer == name),
        "{name} is required (PINDECK_REQUIRE_PEERS) and not in {}: run {install}",
        folder.display()
    );
    super::skip::skipped(super::skip::Want::Program, &format!("no {name}: run {install}"));
    None
}

/// What a program answered.
#[derive(Debug)]
pub struct Answer {
    /// Exit status; -1 where a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Answer {
    /// The answer of a run that must have worked.
    pub fn expect(self, what: &str) -> Self {
        assert_eq!(self.code, 0, "{what}\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs a program in `home`, which is also its HOME, so that nothing of the person's set-up counts.
pub fn run<A: AsRef<OsStr>>(program: &Path, home: &Path, args: impl IntoIterator<Item = A>) -> Answer {
    let out = Command::new(program)
        .args(args)
        .current_dir(home)
        .env("HOME", home)
        .env("DOCKER_CONFIG", home)
        .env("XDG_CONFIG_HOME", home.join("xdg/config"))
        .env("XDG_CACHE_HOME", home.join("xdg/cache"))
        .env("XDG_STATE_HOME", home.join("xdg/state"))
        .env("COSIGN_PASSWORD", "")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("REGISTRY_AUTH_FILE")
        .env_remove("PINDECK_CONFIG")
        .env_remove("PINDECK_CACHE_DIR")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{} does not run: {e}", program.display()));
    Answer {
        code: out.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// Runs the pindeck of this build.
pub fn pindeck<A: AsRef<OsStr>>(home: &Path, args: impl IntoIterator<Item = A>) -> Answer {
    run(Path::new(env!("CARGO_BIN_EXE_pindeck")), home, args)
}

/// Runs git, which must succeed; its standard output.
pub fn git<A: AsRef<OsStr>>(home: &Path, args: impl IntoIterator<Item = A>) -> String {
    let identity = [
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let all = identity
        .iter()
        .map(|a| OsStr::new(*a).to_owned())
        .chain(args.into_iter().map(|a| a.as_ref().to_owned()));
    run(Path::new("git"), home, all).expect("git").stdout
}
