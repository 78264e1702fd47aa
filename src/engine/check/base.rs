//! The policy that judges a change, and the branches that it names. The base says it; where its branch is that of an
//! environment, the branch of the policy does.

use crate::domain::failure::Failure;
use crate::domain::policy::PolicySource;
use crate::domain::quoted;
use crate::engine::checkout::Checkouts;
use crate::engine::ledger::PolicyAtTip;
use crate::engine::options::OpenOptions;
use crate::engine::team_file::{TEAM_FILE, team_policy};
use crate::sources::git::{GitRepo, Tip};

use super::refs::{CheckQuestion, ComparedCommits};

/// The policy, and the name of the base's branch among those that count.
///
/// # Errors
/// If the policy or a branch that it names cannot be read, or nobody can tell which of them the base is.
pub(super) fn policy(
    repo: &GitRepo,
    options: &OpenOptions,
    question: &CheckQuestion,
    commits: &ComparedCommits,
) -> Result<(PolicyAtTip, String), Failure> {
    let (mut team, mut text) = team_policy(repo, &commits.base, options)?;
    let remote = repo.remote()?;
    let branch = branch_of_base(repo, remote.as_deref(), question, commits)?;
    let has_branches = team.environments.iter().any(|one| one.branch.is_some());
    if has_branches && branch.is_none() {
        let what = format!(
            "environments are on branches of their own, and {} names none: nobody can tell which of them changes",
            quoted(&commits.base_name)
        );
        return Err(Failure::usage(what).hint("name the branch that the change is proposed for with --base"));
    }
    let base = Tip {
        path: repo.shown_path(),
        branch: branch.unwrap_or_else(|| commits.base_name.clone()),
        commit: commits.base.clone(),
        remote,
        ahead: 0,
        behind: 0,
        dirty: false,
    };
    let is_base = |name: &Option<String>| name.as_deref() == Some(&base.branch);
    let mut home = base.clone();
    if team.environments.iter().any(|one| is_base(&one.branch)) && !is_base(&team.branch) {
        let is_file = matches!(team.source, PolicySource::File(_));
        if team.branch.is_none() && !is_file {
            let name = &base.branch;
            let what = format!(
                "{TEAM_FILE} on branch {name} says that an environment is read from there, and not where the policy is"
            );
            return Err(Failure::usage(what).hint(
                "say it with `branch` at the top of the policy, or name the policy with --config, from a checkout of its own \
                 branch",
            ));
        }
        home = repo.tip(team.branch.as_deref())?;
        (team, text) = team_policy(repo, &home.commit, options)?;
    }
    if home.branch == base.branch {
        home = base.clone();
    }
    let mut checkouts = Checkouts::find(repo, home, &team)?;
    // The base counts, wherever its branch is by now.
    for tip in checkouts.others.iter_mut().filter(|tip| tip.branch == base.branch) {
        *tip = base.clone();
    }
    Ok((PolicyAtTip { checkouts, team, text }, base.branch))
}

/// The branch that the base is, where it is one.
fn branch_of_base(
    repo: &GitRepo,
    remote: Option<&str>,
    question: &CheckQuestion,
    commits: &ComparedCommits,
) -> Result<Option<String>, Failure> {
    if let Some(named) = &question.base_branch {
        return Ok(Some(named.clone()));
    }
    let name = commits.base_name.as_str();
    let name = name.strip_prefix("refs/heads/").unwrap_or(name);
    let name = name.strip_prefix("refs/remotes/").unwrap_or(name);
    let there = remote.and_then(|remote| name.strip_prefix(remote)?.strip_prefix('/'));
    if let (Some(remote), Some(name)) = (remote, there)
        && repo.commit_named(&format!("refs/remotes/{remote}/{name}"))?.is_some()
    {
        return Ok(Some(name.to_owned()));
    }
    let is_here = repo.commit_named(&format!("refs/heads/{name}"))?.is_some();
    let is_there = match remote {
        Some(remote) => repo.commit_named(&format!("refs/remotes/{remote}/{name}"))?.is_some(),
        None => false,
    };
    Ok((is_here || is_there).then(|| name.to_owned()))
}
