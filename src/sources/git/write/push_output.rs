//! What git and the remote said about a push: porcelain lines, the remote's own words, and the link to
//! a pull request among them.

use crate::domain::text::Untrusted;
use crate::sources::git::remote_failure::{RemoteFailure, remote_failure};

/// What became of a push, as far as its output tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushReport {
    /// The remote has it.
    Landed,
    /// The ref was rejected; git's summary says how, `[rejected] (fetch first)`, say.
    Rejected(String),
    /// The person's own pre-push hook said no, in these words.
    HookRefused(Vec<Untrusted>),
    /// The remote takes no push options, so git sent it nothing.
    NoPushOptions,
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
    /// Reads what git printed when it pushed these refs and ended with `status` (`None` = by a signal).
    /// `has_hook` says whether a pre-push hook ran first.
    pub fn read(status: Option<i32>, stdout: &str, stderr: &str, refnames: &[&str], has_hook: bool) -> Self {
        let each: Vec<Vec<RefStatus>> = refnames.iter().map(|name| ref_statuses(stdout, name)).collect();
        let are_all_told = each.iter().all(|one| !one.is_empty());
        let statuses: Vec<RefStatus> = each.into_iter().flatten().collect();
        let words = remote_lines(stderr);
        let mut refused = statuses.iter().filter(|one| one.flag == '!');
        // Of refs that go together, those that only went down with another one say nothing of the cause.
        let cause = refused.clone().find(|one| !one.summary.contains("atomic"));
        let rejected = cause.or_else(|| refused.next());
        let report = if let Some(rejected) = rejected {
            PushReport::Rejected(rejected.summary.clone())
        } else if status == Some(0) && are_all_told {
            PushReport::Landed
        } else if status == Some(1) && statuses.is_empty() && has_hook && !stderr.contains("fatal: ") {
            PushReport::HookRefused(hook_lines(stdout, stderr))
        } else if status != Some(0) && statuses.is_empty() && takes_no_options(stderr) {
            PushReport::NoPushOptions
        } else {
            match remote_failure(stderr, true) {
                RemoteFailure::NeverReached => PushReport::NeverReached,
                RemoteFailure::AccessDenied => PushReport::AccessDenied,
                RemoteFailure::Lost => PushReport::Lost,
            }
        };
        Self {
            url: pull_request_url(&words),
            words,
            report,
        }
    }
}

/// Whether git itself says so; what the remote says stands behind `remote: `.
fn takes_no_options(stderr: &str) -> bool {
    let mut lines = stderr.lines();
    lines.any(|line| line == "fatal: the receiving end does not support push options")
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
        // What is pushed for review becomes a ref of the forge's own making.
        let is_it = to == refname || refname.starts_with("refs/for/") && to.starts_with("refs/pull/");
        is_it.then(|| RefStatus {
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
            |status, stdout: &str, stderr: &str, hook| PushOutput::read(status, stdout, stderr, &[main], hook).report;
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
        let no_options = "fatal: the receiving end does not support push options";
        assert_eq!(read(Some(128), "", no_options, true), PushReport::NoPushOptions);
        // The remote cannot say it on git's behalf, and not where a ref has its fate.
        let said = format!("remote: {no_options}\n");
        assert_eq!(read(Some(128), "", &said, false), PushReport::Lost);
        let rejected = PushReport::Rejected("[rejected] (fetch first)".to_owned());
        assert_eq!(
            read(
                Some(1),
                "!\taaa:refs/heads/main\t[rejected] (fetch first)\n",
                no_options,
                false
            ),
            rejected
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
        let review = ref_statuses("*\taaa:refs/pull/7/head\t[new reference]\n", "refs/for/main");
        assert_eq!((review.len(), review[0].flag), (1, '*'));
        assert!(ref_statuses("*\taaa:refs/pull/7/head\t[new reference]\n", "refs/heads/x").is_empty());
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
}
