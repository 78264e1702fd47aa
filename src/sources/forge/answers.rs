//! What forges answer, read from bytes: pull requests and the results of checks. Whatever is not of the shape that is
//! documented is an error, and no text of it is believed further than it was asked for.

use jiff::Timestamp;
use serde::Deserialize;

use super::address::ForgeAddress;
use crate::domain::id::{Digest, Target};
use crate::domain::proposal::{CheckCounts, ForgeKind, ForgeProposal, ProposalState, ProposedPin};

/// Pull requests of one answer.
const MOST: usize = 100;

/// A pull request to be opened. Every text is of one line.
#[derive(Debug, Clone, Copy)]
pub struct NewProposal<'a> {
    /// The branch that is proposed, without `refs/heads/`.
    pub branch: &'a str,
    /// The branch that it is for.
    pub base: &'a str,
    /// What stands in lists, at most 200 characters.
    pub title: &'a str,
    /// What it does.
    pub description: &'a str,
}

impl NewProposal<'_> {
    /// The same as what is looked for by its branch.
    pub(super) fn as_pin(&self) -> ProposedPin {
        ProposedPin {
            target: Target::new("", ""),
            from: None,
            to: Digest::from_bytes([0; 32]),
            branch: self.branch.to_owned(),
            head: String::new(),
            at: Timestamp::UNIX_EPOCH,
            is_contained: false,
        }
    }
}

/// A pull request with what tells whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProposal {
    /// What the forge says of it.
    pub proposal: ForgeProposal,
    /// The branch that it comes from, as the forge names it.
    pub branch: String,
    /// It comes from the same repository, and from no fork of it.
    pub is_own: bool,
}

/// Pull requests of GitHub, Forgejo and Gitea.
#[derive(Deserialize)]
struct PullRequest {
    number: u64,
    state: String,
    html_url: Option<String>,
    /// Forgejo and Gitea.
    merged: Option<bool>,
    /// GitHub, in lists too.
    merged_at: Option<String>,
    draft: Option<bool>,
    head: PullRequestHead,
}

#[derive(Deserialize)]
struct PullRequestHead {
    #[serde(rename = "ref")]
    name: String,
    sha: Option<String>,
    repo: Option<HeadRepository>,
}

#[derive(Deserialize)]
struct HeadRepository {
    full_name: Option<String>,
}

/// Merge requests of GitLab.
#[derive(Deserialize)]
struct MergeRequest {
    iid: u64,
    state: String,
    web_url: Option<String>,
    draft: Option<bool>,
    sha: Option<String>,
    source_branch: String,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    head_pipeline: Option<Pipeline>,
}

#[derive(Deserialize)]
struct Pipeline {
    status: String,
}

/// One or several: forges answer with a list where they are asked by a branch, with an object by a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral<T> {
    Several(Vec<T>),
    One(Box<T>),
}

impl<T> OneOrSeveral<T> {
    fn into_all(self) -> Vec<T> {
        match self {
            Self::Several(all) => all,
            Self::One(one) => vec![*one],
        }
    }
}

/// Reads the pull requests of an answer: a list of them, or one.
///
/// # Errors
/// If it is something else.
pub fn read_proposals(forge: &ForgeAddress, body: &[u8]) -> Result<Vec<FoundProposal>, String> {
    let wrong = malformed;
    let found: Result<Vec<FoundProposal>, String> = match forge.kind {
        ForgeKind::Gitlab => {
            let all: OneOrSeveral<MergeRequest> = serde_json::from_slice(body).map_err(wrong)?;
            all.into_all()
                .into_iter()
                .map(|one| merge_request(forge, one))
                .collect()
        }
        ForgeKind::Github | ForgeKind::Forgejo | ForgeKind::Gitea => {
            let all: OneOrSeveral<PullRequest> = serde_json::from_slice(body).map_err(wrong)?;
            all.into_all().into_iter().map(|one| pull_request(forge, one)).collect()
        }
    };
    let found = found?;
    if found.len() > MOST {
        return Err(format!(
            "it lists {} pull requests, and {MOST} were asked for",
            found.len()
        ));
    }
    Ok(found)
}

fn pull_request(forge: &ForgeAddress, one: PullRequest) -> Result<FoundProposal, String> {
    let is_merged = one.merged == Some(true) || one.merged_at.is_some();
    let state = match one.state.as_str() {
        "open" => ProposalState::Open,
        "closed" if is_merged => ProposalState::Merged,
        "closed" => ProposalState::Closed,
        _ => return Err("its state is none that is known".to_owned()),
    };
    let from = one.head.repo.and_then(|repository| repository.full_name);
    Ok(FoundProposal {
        proposal: proposal(forge, one.number, one.html_url, state, one.draft, one.head.sha, None)?,
        branch: one.head.name,
        // A fork that is gone has no repository any more.
        is_own: from.is_some_and(|from| from.eq_ignore_ascii_case(&forge.repository)),
    })
}

fn merge_request(forge: &ForgeAddress, one: MergeRequest) -> Result<FoundProposal, String> {
    let state = match one.state.as_str() {
        // Locked: it is being merged right now.
        "opened" | "locked" => ProposalState::Open,
        "merged" => ProposalState::Merged,
        "closed" => ProposalState::Closed,
        _ => return Err("its state is none that is known".to_owned()),
    };
    let checks = one.head_pipeline.map(|pipeline| counted([pipeline.status.as_str()]));
    Ok(FoundProposal {
        proposal: proposal(forge, one.iid, one.web_url, state, one.draft, one.sha, checks)?,
        branch: one.source_branch,
        is_own: one.source_project_id.is_some() && one.source_project_id == one.target_project_id,
    })
}

fn proposal(
    forge: &ForgeAddress,
    number: u64,
    url: Option<String>,
    state: ProposalState,
    draft: Option<bool>,
    head: Option<String>,
    checks: Option<CheckCounts>,
) -> Result<ForgeProposal, String> {
    if number == 0 {
        return Err("it has no number".to_owned());
    }
    let is_commit = |head: &String| matches!(head.len(), 40 | 64) && head.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(ForgeProposal {
        number,
        url: url.filter(|url| forge.is_own(url)),
        state,
        is_draft: draft == Some(true),
        head: head.filter(is_commit),
        checks,
    })
}

/// The pull request of a branch among those that were found: an open one, else the newest.
pub(super) fn of_branch(found: Vec<FoundProposal>, branch: &str) -> Option<ForgeProposal> {
    let own = found.into_iter().filter(|one| one.is_own && one.branch == branch);
    own.map(|one| one.proposal)
        .max_by_key(|one| (one.state == ProposalState::Open, one.number))
}

#[derive(Deserialize)]
struct CheckResults {
    /// GitHub's check runs.
    check_runs: Option<Vec<CheckRun>>,
    /// How many there are, where only a part of them is listed.
    total_count: Option<u64>,
    /// Statuses of a commit: GitHub's have a `state`, those of Forgejo and Gitea a `status`.
    statuses: Option<Vec<CommitStatus>>,
}

#[derive(Deserialize)]
struct CheckRun {
    status: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct CommitStatus {
    state: Option<String>,
    status: Option<String>,
}

/// Reads the results of checks of a commit.
///
/// # Errors
/// If the answer is something else.
pub fn read_checks(body: &[u8]) -> Result<CheckCounts, String> {
    let results: CheckResults = serde_json::from_slice(body).map_err(malformed)?;
    if results.check_runs.is_none() && results.statuses.is_none() {
        return Err("it has neither check runs nor statuses".to_owned());
    }
    let runs = results.check_runs.unwrap_or_default();
    let runs = counted(runs.iter().map(|run| match (run.status.as_str(), &run.conclusion) {
        ("completed", Some(conclusion)) => conclusion.as_str(),
        _ => "pending",
    }));
    let statuses = results.statuses.unwrap_or_default();
    let words = statuses
        .iter()
        .map(|one| one.status.as_deref().or(one.state.as_deref()));
    let mut counts = runs.with(counted(words.map(|word| word.unwrap_or("pending"))));
    // What does not stand in the answer has not passed, as far as anybody here knows.
    let read = u64::from(counts.passed) + u64::from(counts.failed) + u64::from(counts.pending);
    let unread = results.total_count.unwrap_or(0).saturating_sub(read);
    counts.pending = counts.pending.saturating_add(u32::try_from(unread).unwrap_or(u32::MAX));
    Ok(counts)
}

/// Why an answer is not what was asked for, without a word of it: the reader's message repeats what a stranger wrote.
fn malformed(error: serde_json::Error) -> String {
    let what = if error.is_eof() {
        "it ends too early"
    } else {
        "it is not the JSON that was asked for"
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// Results by what they come to. A word that nobody knows is none that passed.
fn counted<'a>(words: impl IntoIterator<Item = &'a str>) -> CheckCounts {
    let mut counts = CheckCounts::default();
    for word in words {
        let count = match word {
            "success" | "neutral" | "skipped" | "warning" => &mut counts.passed,
            "failure" | "failed" | "error" | "cancelled" | "canceled" | "timed_out" | "action_required" | "stale"
            | "startup_failure" => &mut counts.failed,
            _ => &mut counts.pending,
        };
        *count = count.saturating_add(1);
    }
    counts
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
