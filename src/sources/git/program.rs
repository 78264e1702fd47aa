//! Running the `git` program: for fetch, push and commits (hooks, signing, ssh configuration and
//! credential helpers are the user's set-up, and libgit2 ignores them), and for reading what git2
//! cannot.
//!
//! No credential ever appears on a command line, and no prompt blocks a run: `GIT_TERMINAL_PROMPT`
//! is off and askpass programs are not started unless the caller allows it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::error::GitError;

/// Longest a network operation may take.
pub const NETWORK: Duration = Duration::from_secs(120);

/// How to run git in one repository.
#[derive(Debug, Clone)]
pub struct Program {
    dir: PathBuf,
    env: Vec<(String, String)>,
}

/// What a run said.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Exit status; `None` = killed by a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Whether it ended with status 0.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }

    /// Standard output as text without its last line break.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }
}

impl Program {
    /// Runs in this folder.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            env: Vec::new(),
        }
    }

    /// The same with one more environment variable.
    #[must_use]
    pub fn with_env(&self, name: &str, value: impl Into<String>) -> Self {
        let mut other = self.clone();
        other.env.push((name.to_owned(), value.into()));
        other
    }

    /// Runs git and waits at most `limit`. A status other than 0 is an error.
    ///
    /// # Errors
    /// If git cannot be started, does not end in time or fails.
    pub fn run(&self, args: &[&str], limit: Duration) -> Result<Ran, GitError> {
        let ran = self.try_run(args, &[], limit)?;
        if ran.ok() {
            return Ok(ran);
        }
        Err(GitError::Failed {
            command: args.first().copied().unwrap_or("").to_owned(),
            status: ran.status,
            words: ran.stderr.trim().into(),
        })
    }

    /// Runs git with this standard input; any status is an answer.
    ///
    /// # Errors
    /// If git cannot be started or does not end in time.
    pub fn try_run(&self, args: &[&str], input: &[u8], limit: Duration) -> Result<Ran, GitError> {
        let mut child = self.spawn(args)?;
        let input = input.to_vec();
        let stdin = child.stdin.take();
        let writer = std::thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                // A program that does not read its input says so by its status.
                let _ = stdin.write_all(&input);
            }
        });
        let (tx, rx) = mpsc::channel();
        let out = collect(child.stdout.take(), tx.clone(), true);
        let err = collect(child.stderr.take(), tx, false);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let deadline = std::time::Instant::now() + limit;
        for _ in 0..2 {
            match rx.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
                Ok((true, bytes)) => stdout = bytes,
                Ok((false, bytes)) => stderr = bytes,
                Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let command = args.first().copied().unwrap_or("").to_owned();
                    return Err(GitError::TimedOut {
                        command,
                        seconds: limit.as_secs(),
                    });
                }
            }
        }
        let status = child
            .wait()
            .map_err(|e| GitError::NoProgram { detail: e.to_string() })?;
        for thread in [writer, out, err] {
            let _ = thread.join();
        }
        Ok(Ran {
            status: status.code(),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    fn spawn(&self, args: &[&str]) -> Result<Child, GitError> {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.dir)
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .env("GCM_INTERACTIVE", "never")
            .env("LC_ALL", "C")
            // Nothing of the caller's own git invocation (a hook, say) may redirect ours.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if std::env::var_os("GIT_SSH_COMMAND").is_none() && std::env::var_os("GIT_SSH").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
            .spawn()
            .map_err(|e| GitError::NoProgram { detail: e.to_string() })
    }
}

fn collect(
    pipe: Option<impl std::io::Read + Send + 'static>,
    tx: mpsc::Sender<(bool, Vec<u8>)>,
    is_stdout: bool,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // A broken pipe ends the text; the status tells the rest.
            let _ = pipe.take(256 << 20).read_to_end(&mut bytes);
        }
        let _ = tx.send((is_stdout, bytes));
    })
}
