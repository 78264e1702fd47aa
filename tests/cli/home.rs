//! A home folder, small real repositories in it, and runs of the built program that see nothing else of this
//! machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// stdout as the one JSON document it must be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The error document, checked against the exit status.
    pub fn error(&self) -> Value {
        let document = self.json();
        assert_eq!(document["schema"], "pindeck/error/v1", "{self:?}");
        assert_eq!(document["code"], self.status, "{self:?}");
        for field in ["message", "next"] {
            assert!(
                document[field].as_str().is_some_and(|t| !t.is_empty()),
                "{field}: {self:?}"
            );
        }
        document
    }
}

/// A home of its own, so that nothing of the developer's machine is read or written.
pub struct Home {
    pub root: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }

    /// A repository with these files in one commit.
    pub fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = self.path(name);
        std::fs::create_dir_all(&dir).expect("made");
        git(&dir, &["init", "-q", "-b", "main"]);
        for (path, text) in files {
            self.write(&format!("{name}/{path}"), text);
        }
        commit(&dir, "first");
        dir
    }

    /// The binary, in a folder, with nothing of this machine's environment.
    pub fn command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pindeck"));
        command
            .current_dir(dir)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    pub fn run(&self, dir: &Path, args: &[&str]) -> Said {
        finish(self.command(dir, args))
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Said {
    let out = command.output().expect("the binary runs");
    Said {
        status: out.status.code().unwrap_or(-1),
        out: String::from_utf8(out.stdout).expect("stdout is UTF-8"),
        err: String::from_utf8(out.stderr).expect("stderr is UTF-8"),
    }
}

pub fn git(dir: &Path, args: &[&str]) {
    let done = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

pub fn commit(dir: &Path, subject: &str) {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", subject]);
}

/// `sha256:` and 64 times the same digit.
pub fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// A deployment of one image.
pub fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: {image}\n"
    )
}

/// A repository with one service in two environments.
pub fn shop(home: &Home) -> PathBuf {
    let image = |tag: &str, d| deployment(&format!("registry.example.com/shop/api:{tag}@{}", digest(d)));
    home.repository(
        "gitops",
        &[
            ("envs/staging/api.yaml", &image("1.1.0", 'b')),
            ("envs/production/api.yaml", &image("1.0.0", 'a')),
        ],
    )
}
