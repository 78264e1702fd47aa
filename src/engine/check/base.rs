//! The policy that judges a change, and the branches that it names. The base says it; where its branch is that of an
//! environment, the branch of the policy does.

use std::path::Path;

use crate::domain::failure::Failure;
use crate::domain::policy::{PolicySource, TeamPolicy};
use crate::domain::quoted;
use crate::engine::checkout::{BranchCheckout, Checkouts};
use crate::engine::ledger::PolicyAtTip;
use crate::engine::open::Engine;
use crate::engine::other_repositories::RepositoryReader;
use crate::engine::team_file::{TEAM_FILE, team_policy};
use crate::sources::git::{FileOwner, GitRepo, Tip, owner_of};

use super::refs::{CheckQuestion, ComparedCommits};

/// The policy, and the place of the base's branch among those that count, if it is one.
///
/// # Errors
/// If the policy or a branch that it names cannot be read, or nobody can tell which of them the base is.
pub(super) fn policy(
    engine: &Engine,
    question: &CheckQuestion,
    commits: &ComparedCommits,
) -> Result<(PolicyAtTip, Option<usize>), Failure> {
    let (repo, options) = (&engine.inner.repo, engine.options());
    let (mut team, mut text) = team_policy(repo, &commits.base, options)?;
    let remote = repo.remote()?;
    let branch = branch_of_base(repo, remote.as_deref(), question, commits)?;
    let reader = engine.reader(false);
    let mut repositories = team.environments.iter().filter_map(|one| one.repository.as_ref());
    let is_elsewhere = repositories.any(|one| reader.is_of(repo, one, &team.source));
    let has_branches = is_elsewhere || team.environments.iter().any(|one| one.branch.is_some());
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
    };
    if is_elsewhere {
        return of_another(engine, base, team, text);
    }
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
    let mut checkouts = Checkouts::find(BranchCheckout::of_home(repo.clone(), home), &team, &reader)?;
    checkouts.check_all_read()?;
    // The base counts, wherever its branch is by now.
    let is_base = |one: &&mut BranchCheckout| one.repository.is_none() && one.tip.branch == base.branch;
    for here in checkouts.others.iter_mut().filter(is_base) {
        here.tip = base.clone();
    }
    let mut all = checkouts.all();
    let place = all.position(|one| one.repository.is_none() && one.tip.branch == base.branch);
    drop(all);
    Ok((PolicyAtTip { checkouts, team, text }, place))
}

/// The same where the change is one of a repository that environments lie in: the policy is the file of `--config`, and
/// everything beside it is that of the repository that this file lies in.
fn of_another(
    engine: &Engine,
    base: Tip,
    team: TeamPolicy,
    text: String,
) -> Result<(PolicyAtTip, Option<usize>), Failure> {
    let repo = &engine.inner.repo;
    let owner = match &team.source {
        PolicySource::File(file) => owner_of(Path::new(file), None).ok(),
        PolicySource::Commit(_) | PolicySource::None => None,
    };
    let Some(FileOwner::Repository { top, .. }) = owner else {
        let what = "environments lie in this repository, and their policy and holds in another one";
        return Err(Failure::usage(what).hint("name the policy with --config, in a clone of its own repository"));
    };
    let policy = GitRepo::at(&top)?;
    let reader = RepositoryReader {
        home: &policy,
        here: Some(repo),
        ..engine.reader(false)
    };
    let home = BranchCheckout::of_home(policy.clone(), policy.tip(team.branch.as_deref())?);
    let mut checkouts = Checkouts::find(home, &team, &reader)?;
    checkouts.check_all_read()?;
    let is_base = |one: &BranchCheckout| one.repo.common_dir() == repo.common_dir() && one.tip.branch == base.branch;
    let Some(place) = checkouts.all().position(is_base).filter(|place| *place > 0) else {
        let what = format!(
            "no environment is read from branch {} of this repository",
            quoted(&base.branch)
        );
        return Err(Failure::usage(what).hint("name the branch that the change is proposed for with --base"));
    };
    for here in checkouts.others.iter_mut().filter(|one| is_base(one)) {
        here.tip = base.clone();
    }
    Ok((PolicyAtTip { checkouts, team, text }, Some(place)))
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
