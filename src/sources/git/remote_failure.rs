//! What talking to a remote failed of: one reading of git's words for fetching, asking and pushing, so that the
//! same trouble has the same exit status in each.

use super::error::GitError;
use crate::domain::text::Wording;

/// What talking to a remote failed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RemoteFailure {
    /// It did not let us in.
    AccessDenied,
    /// The connection never came about.
    NeverReached,
    /// Anything else: the connection may have been lost at any point.
    Lost,
}

/// Reads git's English words (it runs with `LC_ALL=C.UTF-8`); what the remote itself said is not git's.
/// Once something may have been `sent`, any sign of a connection that ended early outweighs the rest.
pub(super) fn remote_failure(stderr: &str, sent: bool) -> RemoteFailure {
    const ENDED_EARLY: &[&str] = &[
        "hung up",
        "unexpected disconnect",
        "early eof",
        "broken pipe",
        "connection reset",
        "closed by remote host",
        "empty reply",
        "timed out",
    ];
    const NEVER: &[&str] = &[
        "could not resolve",
        "ssh: connect to host",
        "failed to connect to",
        "couldn't connect to",
        "could not connect to",
        "unable to connect to",
        "name or service not known",
        "temporary failure in name resolution",
        "ssl certificate problem",
    ];
    const AUTH: &[&str] = &[
        "authentication failed",
        "could not read username",
        "could not read password",
        "terminal prompts disabled",
        "permission denied (",
        "host key verification failed",
        "returned error: 401",
        "returned error: 403",
        "returned error: 404",
        "access denied",
        "permission to ",
        "repository not found",
        "' not found",
        "does not appear to be a git repository",
    ];
    let own: Vec<&str> = stderr.lines().filter(|line| !line.starts_with("remote:")).collect();
    let said = own.join("\n").to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if sent && has(ENDED_EARLY) {
        RemoteFailure::Lost
    } else if has(NEVER) {
        RemoteFailure::NeverReached
    } else if has(AUTH) {
        RemoteFailure::AccessDenied
    } else {
        RemoteFailure::Lost
    }
}

/// What a failure of git means where it was asked to talk to a remote.
pub(super) fn of_remote(error: GitError, remote: &str) -> GitError {
    let remote = remote.to_owned();
    match error {
        GitError::Failed { words, command, status } => match remote_failure(words.raw(), false) {
            RemoteFailure::AccessDenied => GitError::AccessDenied { remote, words },
            RemoteFailure::NeverReached => GitError::Unreachable {
                remote,
                words: Wording::of_another(words),
            },
            // Git may also have failed on this side.
            RemoteFailure::Lost => GitError::Failed { command, status, words },
        },
        GitError::TimedOut { command, seconds } => GitError::Unreachable {
            remote,
            words: Wording::own(format!("git {command} did not end within {seconds} s")),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_told_apart() {
        for (said, what) in [
            (
                "fatal: unable to access 'http://h/': Could not resolve host: h",
                RemoteFailure::NeverReached,
            ),
            (
                "ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.",
                RemoteFailure::NeverReached,
            ),
            (
                "fatal: Authentication failed for 'http://h/'",
                RemoteFailure::AccessDenied,
            ),
            (
                "fatal: could not read Username for 'http://h': terminal prompts disabled",
                RemoteFailure::AccessDenied,
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                RemoteFailure::AccessDenied,
            ),
            ("fatal: repository 'http://h/x/' not found", RemoteFailure::AccessDenied),
            (
                "error: RPC failed; curl 52 Empty reply from server\nsend-pack: unexpected disconnect while reading sideband packet",
                RemoteFailure::Lost,
            ),
            ("fatal: the remote end hung up unexpectedly", RemoteFailure::Lost),
            (
                "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
                RemoteFailure::Lost,
            ),
        ] {
            assert_eq!(remote_failure(said, true), what, "{said}");
        }
    }

    #[test]
    fn nothing_that_may_have_been_sent_is_called_certain() {
        for said in [
            "remote: sh: notify: not found\nfatal: the remote end hung up unexpectedly",
            "remote: Permission to deploy denied (by the chat bot)\nsend-pack: unexpected disconnect while reading sideband packet",
            "client_loop: send disconnect: Broken pipe\nPermission denied (publickey",
            "Read from remote host h: Connection timed out\nfatal: Could not read from remote repository.",
            "remote: Authentication failed\n",
        ] {
            assert_eq!(remote_failure(said, true), RemoteFailure::Lost, "{said}");
        }
        // Before anything was sent, the same is only a matter of words.
        let said = "git@h: Permission denied (publickey).\nfatal: The remote end hung up unexpectedly";
        assert_eq!(
            (remote_failure(said, false), remote_failure(said, true)),
            (RemoteFailure::AccessDenied, RemoteFailure::Lost)
        );
    }
}
