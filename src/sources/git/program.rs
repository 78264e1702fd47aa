//! Running the `git` program: for fetch, push and commits (hooks, signing, ssh configuration and
//! credential helpers are the user's set-up, and libgit2 ignores them), and for reading what git2
//! cannot.
//!
//! No credential ever appears on a command line, and no prompt blocks a run: `GIT_TERMINAL_PROMPT`
//! is off and askpass programs are not started unless the caller allows it.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::error::GitError;

/// Longest a network operation may take.
pub(super) const NETWORK_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest an operation on this machine may take.
pub(super) const LOCAL_TIMEOUT: Duration = Duration::from_secs(60);

/// What of the caller's own git invocation (a hook, an alias) would redirect ours, and objects that
/// only this clone believes in. `GIT_CONFIG_*` stays: pipelines configure git by it.
const NOT_INHERITED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_DEFAULT_HASH",
    "LANGUAGE",
];

/// Settings that no configuration changes: git asks no program which files have changed.
const OVERRIDDEN: &[&str] = &["core.fsmonitor=false"];

/// How to run git in one repository.
#[derive(Debug, Clone)]
pub(super) struct GitProgram {
    dir: PathBuf,
    /// The repository, said outright: git searches for none then, and finds no other one.
    repository: Vec<OsString>,
    config: Vec<String>,
    env: Vec<(String, String)>,
    uninterruptible: bool,
}

/// What a run said.
#[derive(Debug, Clone)]
pub(super) struct GitOutput {
    /// Exit status; `None` = killed by a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl GitOutput {
    /// Whether it ended with status 0.
    pub(crate) fn ok(&self) -> bool {
        self.status == Some(0)
    }

    /// Standard output as text without its last line break.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }
}

impl GitProgram {
    /// Runs for a repository, in its working tree or, where there is none, in its git folder. Neither is
    /// searched for.
    pub(crate) fn new(git_dir: &Path, work_dir: Option<&Path>) -> Self {
        let mut repository = vec![OsString::from("--git-dir"), git_dir.into()];
        let work_dir = work_dir.filter(|dir| dir.is_dir());
        if let Some(work_dir) = work_dir {
            repository.extend([OsString::from("--work-tree"), work_dir.into()]);
        }
        Self {
            repository,
            ..Self::discovering(work_dir.unwrap_or(git_dir))
        }
    }

    /// Runs in this folder and searches for a repository there, by git's own rules.
    pub(crate) fn discovering(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            repository: Vec::new(),
            config: Vec::new(),
            env: Vec::new(),
            uninterruptible: false,
        }
    }

    /// The folder it runs in.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same with one setting that overrides all configuration (`-c name=value`).
    #[must_use]
    pub(crate) fn with_config(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.config.push(format!("{name}={value}"));
        other
    }

    /// The same with one more setting that no command line shows, beside those of the environment.
    #[must_use]
    pub(crate) fn with_hidden_config(&self, name: &str, value: &str) -> Self {
        let set = std::env::var("GIT_CONFIG_COUNT").ok();
        let at: u32 = set.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
        self.with_env("GIT_CONFIG_COUNT", (at + 1).to_string())
            .with_env(&format!("GIT_CONFIG_KEY_{at}"), name)
            .with_env(&format!("GIT_CONFIG_VALUE_{at}"), value)
    }

    /// The same, out of reach of the terminal's interrupt and hang-up: for what must not be torn apart
    /// half-way. When its time is over, everything it started ends with it.
    #[must_use]
    pub(crate) fn uninterruptible(&self) -> Self {
        let mut other = self.clone();
        other.uninterruptible = true;
        other
    }

    /// The same with one more environment variable.
    #[must_use]
    pub(crate) fn with_env(&self, name: &str, value: impl Into<String>) -> Self {
        let mut other = self.clone();
        other.env.push((name.to_owned(), value.into()));
        other
    }

    /// The same for talking to a remote: ssh asks nothing, and is otherwise the one that the person
    /// has configured.
    #[must_use]
    pub(crate) fn for_network(&self) -> Self {
        if std::env::var_os("GIT_SSH_COMMAND").is_some() || std::env::var_os("GIT_SSH").is_some() {
            return self.clone();
        }
        let configured = self.try_run(&["config", "--get", "core.sshCommand"], &[], LOCAL_TIMEOUT);
        let command = match configured {
            Ok(ran) if ran.ok() && !ran.text().is_empty() => ran.text(),
            _ => "ssh".to_owned(),
        };
        let program = shlex::split(&command).and_then(|words| words.into_iter().next());
        if program.is_none_or(|program| program.rsplit('/').next() != Some("ssh")) {
            // Another program's options are not ours to know.
            return self.clone();
        }
        self.with_env("GIT_SSH_COMMAND", format!("{command} -o BatchMode=yes"))
    }

    /// Runs git and waits at most `limit`. A status other than 0 is an error.
    ///
    /// # Errors
    /// If git cannot be started, does not end in time or fails.
    pub(crate) fn run(&self, args: &[&str], limit: Duration) -> Result<GitOutput, GitError> {
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
    pub(crate) fn try_run(&self, args: &[&str], input: &[u8], limit: Duration) -> Result<GitOutput, GitError> {
        let command = args.first().copied().unwrap_or("").to_owned();
        self.wait(self.spawn(args)?, command, input, limit)
    }

    /// Runs a hook as git does: in the working tree or the git folder, told where the repository is. The
    /// file is started as it is, by its own path.
    ///
    /// # Errors
    /// If it cannot be started or does not end in time.
    pub(super) fn try_run_hook(&self, hook: &Path, args: &[&str], limit: Duration) -> Result<GitOutput, GitError> {
        let start = |program: &Path, first: Option<&Path>| {
            let mut command = Command::new(program);
            command.current_dir(&self.dir).args(first).args(args);
            self.prepare(&mut command);
            for pair in self.repository.chunks_exact(2) {
                let name = if pair[0] == "--git-dir" {
                    "GIT_DIR"
                } else {
                    "GIT_WORK_TREE"
                };
                command.env(name, &pair[1]);
            }
            command.spawn()
        };
        // A script without an interpreter line is one for the shell, as everywhere.
        let started = match start(hook, None) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
                start(Path::new("sh"), Some(hook))
            }
            other => other,
        };
        let child = started.map_err(|e| GitError::Hook {
            hook: hook.display().to_string(),
            detail: e.to_string(),
        })?;
        let name = hook.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.wait(child, name, &[], limit)
    }

    /// Gives a process its input, collects what it says, and ends it when its time is over.
    fn wait(&self, mut child: Child, command: String, input: &[u8], limit: Duration) -> Result<GitOutput, GitError> {
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
                    self.end(&mut child);
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
        Ok(GitOutput {
            status: status.code(),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    fn end(&self, child: &mut Child) {
        if self.uninterruptible
            && let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    pub(super) fn spawn(&self, args: &[&str]) -> Result<Child, GitError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.dir).args(&self.repository);
        for setting in OVERRIDDEN {
            command.arg("-c").arg(setting);
        }
        for setting in &self.config {
            command.arg("-c").arg(setting);
        }
        command.args(args);
        self.prepare(&mut command);
        command
            .spawn()
            .map_err(|e| GitError::NoProgram { detail: e.to_string() })
    }

    /// The environment and the pipes of every process that is started.
    fn prepare(&self, command: &mut Command) {
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .env("GCM_INTERACTIVE", "never")
            // The words of git are read: they must be the ones we know. Hooks may still print UTF-8.
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        if self.uninterruptible {
            command.process_group(0);
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
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
