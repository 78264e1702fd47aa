//! The demo's GitOps repository: a bare remote with a history of promotions and reverts, written in one
//! go, and a clone of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;

use super::error::DemoError;

/// One commit to be.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub author: (&'static str, &'static str),
    pub at: Timestamp,
    pub message: String,
    pub files: Vec<(String, String)>,
}

/// A bare repository.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub path: PathBuf,
}

impl Remote {
    /// Makes it.
    pub(crate) fn create(path: &Path) -> Result<Self, DemoError> {
        let shown = path.display().to_string();
        git(&["init", "--quiet", "--bare", "--initial-branch=main", &shown], None)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Adds commits to `main`, in order; their ids.
    pub(crate) fn add(&self, commits: &[Commit]) -> Result<Vec<String>, DemoError> {
        let folder = self.path.display().to_string();
        let head = git(
            &["-C", &folder, "rev-parse", "--quiet", "--verify", "refs/heads/main"],
            None,
        )
        .ok();
        let marks = tempfile::NamedTempFile::new().map_err(DemoError::Folder)?;
        let mut stream = Vec::new();
        for (at, commit) in commits.iter().enumerate() {
            let (name, mail) = commit.author;
            let seconds = commit.at.as_second();
            let who = format!("{name} <{mail}> {seconds} +0000");
            let message = &commit.message;
            let mut text = format!(
                "commit refs/heads/main\nmark :{}\nauthor {who}\ncommitter {who}\ndata {}\n{message}\n",
                at + 1,
                message.len()
            );
            match (&head, at) {
                (Some(head), 0) => text.push_str(&format!("from {}\n", head.trim())),
                _ if at > 0 => text.push_str(&format!("from :{at}\n")),
                _ => {}
            }
            for (path, content) in &commit.files {
                text.push_str(&format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()));
            }
            stream.extend_from_slice(text.as_bytes());
        }
        let export = format!("--export-marks={}", marks.path().display());
        git(&["-C", &folder, "fast-import", "--quiet", &export], Some(&stream))?;
        let text = std::fs::read_to_string(marks.path()).map_err(DemoError::Folder)?;
        let mut ids = vec![String::new(); commits.len()];
        for line in text.lines() {
            let Some((mark, id)) = line.trim_start_matches(':').split_once(' ') else {
                continue;
            };
            if let Some(place) = mark.parse::<usize>().ok().and_then(|mark| ids.get_mut(mark - 1)) {
                *place = id.to_owned();
            }
        }
        Ok(ids)
    }

    /// Clones it, with an identity of its own for the commits of whoever plays.
    pub(crate) fn clone_to(&self, path: &Path) -> Result<(), DemoError> {
        let (from, to) = (self.path.display().to_string(), path.display().to_string());
        git(&["clone", "--quiet", &from, &to], None)?;
        for (name, value) in [
            ("user.name", "Demo visitor"),
            ("user.email", "visitor@shop.example"),
            ("commit.gpgsign", "false"),
        ] {
            git(&["-C", &to, "config", name, value], None)?;
        }
        Ok(())
    }
}

/// Runs git, untouched by the person's own settings.
fn git(args: &[&str], input: Option<&[u8]>) -> Result<String, DemoError> {
    let mut command = Command::new("git");
    command
        .args(args)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("GIT_CONFIG_GLOBAL", if cfg!(windows) { "NUL" } else { "/dev/null" })
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(DemoError::Git)?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A git that ends early closes the pipe; its exit status says why.
        let _ = stdin.write_all(input);
    }
    let out = child.wait_with_output().map_err(DemoError::Git)?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(DemoError::GitSaid {
        doing: args.join(" "),
        words: String::from_utf8_lossy(&out.stderr).trim().to_owned(),
    })
}
