//! What git and the remote said about a push: porcelain lines, the remote's own words, and the link to
//! a pull request among them.

use crate::domain::text::Untrusted;

/// What became of a push, as far as its output tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushReport {
    /// The remote has it.
    Landed,
    /// The ref was rejected; git's summary says how, `[rejected] (fetch first)`, say.
    Rejected(String),
    /// The person's own pre-push hook said no, in these words.
    HookRefused(Vec<Untrusted>),
    /// The remote was never reached, so nothing landed.
    NeverReached,
    /// The remote did not let us in, so nothing landed.
    AccessDenied,
    /// Nobody can say yet.
    Lost,
}

/// The output of a `git push --porcelain`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushOutput {
    /// What the remote said, line by line.
    pub words: Vec<Untrusted>,
    /// Where the forge says a pull request can be opened.
    pub url: Option<String>,
    /// What became of the push.
    pub report: PushReport,
}

impl PushOutput {
    /// Reads what git printed when it pushed one ref and ended with `status` (`None` = by a signal).
    /// `has_hook` says whether a pre-push hook ran first.
    pub fn read(status: Option<i32>, stdout: &str, stderr: &str, refname: &str, has_hook: bool) -> Self {
        let statuses = ref_statuses(stdout, refname);
        let words = remote_lines(stderr);
        let rejected = statuses.iter().find(|one| one.flag == '!');
        let report = if let Some(rejected) = rejected {
            PushReport::Rejected(rejected.summary.clone())
        } else if status == Some(0) && !statuses.is_empty() {
            PushReport::Landed
        } else if status == Some(1) && statuses.is_empty() && has_hook && !stderr.contains("fatal: ") {
            PushReport::HookRefused(hook_lines(stdout, stderr))
        } else {
            match connection_failure(stderr, true) {
                ConnectionFailure::NeverReached => PushReport::NeverReached,
                ConnectionFailure::AccessDenied => PushReport::AccessDenied,
                ConnectionFailure::Lost => PushReport::Lost,
            }
        };
        Self {
            url: pull_request_url(&words),
            words,
            report,
        }
    }
}

/// Most lines of a remote that are kept, and most characters of each.
const MOST_LINES: usize = 60;
const MOST_CHARS: usize = 400;

/// The remote's own words, without git's `remote: ` in front.
fn remote_lines(stderr: &str) -> Vec<Untrusted> {
    let lines = stderr
        .split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("remote:"));
    bounded(lines.map(|line| line.strip_prefix(' ').unwrap_or(line)))
}

/// Everything that was said, bounded.
pub(super) fn all_lines(text: &str) -> Vec<Untrusted> {
    let lines = text.split(['\n', '\r']);
    bounded(lines.map(|line| line.strip_prefix("remote: ").unwrap_or(line)))
}

/// Git's own last words when a push did not go through.
const BOILERPLATE: &[&str] = &["error: failed to push some refs to ", "hint: ", "To ", "Done"];

/// What a hook said on either stream, without git's own words.
fn hook_lines(stdout: &str, stderr: &str) -> Vec<Untrusted> {
    let lines = stderr.lines().chain(stdout.lines());
    bounded(lines.filter(|line| !BOILERPLATE.iter().any(|start| line.starts_with(start))))
}

fn bounded<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Untrusted> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines.map(str::trim_end) {
        // Blank lines keep paragraphs apart; more than one says no more.
        if line.is_empty() && kept.last().is_none_or(String::is_empty) {
            continue;
        }
        if kept.len() == MOST_LINES {
            kept.push("…".to_owned());
            break;
        }
        kept.push(line.chars().take(MOST_CHARS).collect());
    }
    while kept.last().is_some_and(String::is_empty) {
        kept.pop();
    }
    kept.into_iter().map(Untrusted::from).collect()
}

/// One ref's fate, as `git push --porcelain` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RefStatus {
    /// ` ` moved, `*` new, `=` already there, `!` rejected, …
    pub flag: char,
    /// The summary, `[rejected] (fetch first)`, say.
    pub summary: String,
}

/// The porcelain lines about `refname`.
fn ref_statuses(stdout: &str, refname: &str) -> Vec<RefStatus> {
    let parse = |line: &str| {
        let mut fields = line.splitn(3, '\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        let mut flags = flag.chars();
        let (flag, None) = (flags.next()?, flags.next()) else {
            return None;
        };
        let (_, to) = refs.rsplit_once(':')?;
        (to == refname).then(|| RefStatus {
            flag,
            summary: summary.trim_end().to_owned(),
        })
    };
    stdout.lines().filter_map(parse).collect()
}

/// The link that the forge offers for opening (or looking at) a pull request.
fn pull_request_url(words: &[Untrusted]) -> Option<String> {
    const TELLING: &[&str] = &[
        "/pull/new/",
        "/merge_requests/new",
        "/pull-requests/new",
        "/compare/",
        "/pulls/",
    ];
    let mut announced = false;
    let mut first_telling = None;
    for line in words {
        let lower = line.raw().to_ascii_lowercase();
        announced |= lower.contains("pull request") || lower.contains("merge request");
        let Some(url) = url(line.raw()) else { continue };
        if announced {
            return Some(url);
        }
        if first_telling.is_none() && TELLING.iter().any(|part| url.contains(part)) {
            first_telling = Some(url);
        }
    }
    first_telling
}

/// The first plain web address of a line.
fn url(line: &str) -> Option<String> {
    let start = line.find("https://").or_else(|| line.find("http://"))?;
    let url: String = line[start..].chars().take_while(char::is_ascii_graphic).collect();
    let url = url.trim_end_matches(['.', ',', ')', '>', '"', '\'']);
    let host = url.split("//").nth(1)?.split('/').next()?;
    // A user in front of the host could carry a secret, or mislead.
    (!host.is_empty() && !host.contains('@')).then(|| url.to_owned())
}

/// What talking to a remote failed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionFailure {
    /// It did not let us in.
    AccessDenied,
    /// The connection never came about.
    NeverReached,
    /// Anything else: the connection may have been lost at any point.
    Lost,
}

/// Reads git's English words (it runs with `LC_ALL=C.UTF-8`); what the remote itself said is not git's.
/// Once something may have been `sent`, any sign of a connection that ended early outweighs the rest.
pub(super) fn connection_failure(stderr: &str, sent: bool) -> ConnectionFailure {
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
        ConnectionFailure::Lost
    } else if has(NEVER) {
        ConnectionFailure::NeverReached
    } else if has(AUTH) {
        ConnectionFailure::AccessDenied
    } else {
        ConnectionFailure::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(words: &[Untrusted]) -> Vec<&str> {
        words.iter().map(Untrusted::raw).collect()
    }

    #[test]
    fn the_remote_is_heard_in_its_own_words() {
        let stderr = "remote: \nremote: error: GH006: Protected branch.        \nremote: \nremote: \nremote: Ask Ada\rremote: now\nerror: failed to push some refs\n";
        assert_eq!(
            raw(&remote_lines(stderr)),
            ["error: GH006: Protected branch.", "", "Ask Ada", "now"]
        );
        let flood = "remote: x\n".repeat(10_000);
        assert_eq!(remote_lines(&flood).len(), MOST_LINES + 1);
        assert_eq!(
            remote_lines(&format!("remote: {}", "y".repeat(9000)))[0].raw().len(),
            MOST_CHARS
        );
    }

    #[test]
    fn what_became_of_a_push_is_read_from_all_of_its_output() {
        let main = "refs/heads/main";
        let read =
            |status, stdout: &str, stderr: &str, hook| PushOutput::read(status, stdout, stderr, main, hook).report;
        let moved = " \taaa:refs/heads/main\t111..222\nDone\n";
        let rejected = "!\taaa:refs/heads/main\t[rejected] (fetch first)\nDone\n";
        assert_eq!(read(Some(0), moved, "", false), PushReport::Landed);
        // A line of a ref is no success while git says that it failed.
        assert_eq!(
            read(Some(1), moved, "fatal: the remote end hung up", false),
            PushReport::Lost
        );
        assert_eq!(read(None, moved, "", false), PushReport::Lost);
        assert_eq!(read(Some(0), "", "", false), PushReport::Lost);
        let summary = "[rejected] (fetch first)".to_owned();
        assert_eq!(read(Some(1), rejected, "", true), PushReport::Rejected(summary));
        assert_eq!(
            read(Some(1), "", "no\n", true),
            PushReport::HookRefused(vec!["no".into()])
        );
        assert_eq!(read(Some(1), "", "no\n", false), PushReport::Lost);
        assert_eq!(
            read(Some(128), "", "fatal: Could not resolve host: h", true),
            PushReport::NeverReached
        );
    }

    #[test]
    fn porcelain_lines_are_those_of_the_ref() {
        let out =
            "To file:///x\n \taaa:refs/heads/main\t111..222\n!\tbbb:refs/heads/other\t[rejected] (fetch first)\nDone\n";
        let main = ref_statuses(out, "refs/heads/main");
        assert_eq!(
            (main.len(), main[0].flag, main[0].summary.as_str()),
            (1, ' ', "111..222")
        );
        let other = ref_statuses(out, "refs/heads/other");
        assert_eq!(
            (other[0].flag, other[0].summary.as_str()),
            ('!', "[rejected] (fetch first)")
        );
        assert!(ref_statuses("a hook printed\twith:refs/heads/main\ttabs", "refs/heads/main").is_empty());
    }

    #[test]
    fn forges_print_links_in_their_own_ways() {
        let words = |text: &str| remote_lines(text);
        let github = "remote: \nremote: Create a pull request for 'x' on GitHub by visiting:\nremote:      https://github.com/o/r/pull/new/x\nremote: \n";
        let gitlab = "remote: \nremote: To create a merge request for x, visit:\nremote:   https://gitlab.com/o/r/-/merge_requests/new?merge_request%5Bsource_branch%5D=x\n";
        let gitea = "remote: Create a new pull request for 'x':\nremote:   https://git.example/o/r/compare/main...x\n";
        let advisory = "remote: found 3 vulnerabilities: https://github.com/o/r/security/dependabot\n";
        assert_eq!(
            pull_request_url(&words(github)).as_deref(),
            Some("https://github.com/o/r/pull/new/x")
        );
        assert_eq!(
            pull_request_url(&words(gitlab)).as_deref(),
            Some("https://gitlab.com/o/r/-/merge_requests/new?merge_request%5Bsource_branch%5D=x")
        );
        assert_eq!(
            pull_request_url(&words(gitea)).as_deref(),
            Some("https://git.example/o/r/compare/main...x")
        );
        assert_eq!(pull_request_url(&words(advisory)), None);
        let both = format!("{advisory}{github}");
        assert_eq!(
            pull_request_url(&words(&both)).as_deref(),
            Some("https://github.com/o/r/pull/new/x")
        );
        let hostile = "remote: Create a pull request: https://token@evil.example/\u{1b}[31m\n";
        assert_eq!(pull_request_url(&words(hostile)), None);
        let steering = "remote: merge request: https://git.example/a\u{1b}[31m\n";
        assert_eq!(
            pull_request_url(&words(steering)).as_deref(),
            Some("https://git.example/a")
        );
    }

    #[test]
    fn troubles_are_told_apart() {
        for (said, what) in [
            (
                "fatal: unable to access 'http://h/': Could not resolve host: h",
                ConnectionFailure::NeverReached,
            ),
            (
                "ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.",
                ConnectionFailure::NeverReached,
            ),
            (
                "fatal: Authentication failed for 'http://h/'",
                ConnectionFailure::AccessDenied,
            ),
            (
                "fatal: could not read Username for 'http://h': terminal prompts disabled",
                ConnectionFailure::AccessDenied,
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                ConnectionFailure::AccessDenied,
            ),
            (
                "fatal: repository 'http://h/x/' not found",
                ConnectionFailure::AccessDenied,
            ),
            (
                "error: RPC failed; curl 52 Empty reply from server\nsend-pack: unexpected disconnect while reading sideband packet",
                ConnectionFailure::Lost,
            ),
            ("fatal: the remote end hung up unexpectedly", ConnectionFailure::Lost),
            (
                "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
                ConnectionFailure::Lost,
            ),
        ] {
            assert_eq!(connection_failure(said, true), what, "{said}");
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
            assert_eq!(connection_failure(said, true), ConnectionFailure::Lost, "{said}");
        }
        // Before anything was sent, the same is only a matter of words.
        let said = "git@h: Permission denied (publickey).\nfatal: The remote end hung up unexpectedly";
        assert_eq!(
            (connection_failure(said, false), connection_failure(said, true)),
            (ConnectionFailure::AccessDenied, ConnectionFailure::Lost)
        );
    }
}
