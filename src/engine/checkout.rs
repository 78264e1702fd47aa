//! Which branch an environment is read from and written to: the one place that says so (docs/reference/git.md,
//! "Environments on branches of their own").

use crate::domain::failure::Failure;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::sources::git::{GitRepo, Tip};

/// The branches of a repository that count: that of the policy, and those that environments are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkouts {
    /// The branch of `pindeck.toml`: its policy and its keys count for all of them.
    pub home: Tip,
    /// The other branches that environments are read from, each once.
    pub others: Vec<Tip>,
}

impl Checkouts {
    /// Nothing but the branch of the policy.
    pub(super) const fn only(home: Tip) -> Self {
        Self {
            home,
            others: Vec::new(),
        }
    }

    /// Finds the branches of a policy's environments.
    ///
    /// # Errors
    /// If one of them is not known: an environment that cannot be read is no environment without pins.
    pub(super) fn find(repo: &GitRepo, home: Tip, team: &TeamPolicy) -> Result<Self, Failure> {
        let mut found = Self::only(home);
        for environment in &team.environments {
            let Some(branch) = &environment.branch else { continue };
            if found.all().any(|tip| tip.branch == *branch) {
                continue;
            }
            let tip = repo.tip(Some(branch)).map_err(|error| {
                let name = &environment.name;
                Failure::from(error).within(format!("environment {name} is read from branch {branch}"))
            })?;
            found.others.push(tip);
        }
        Ok(found)
    }

    /// All of them, that of the policy first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Tip> {
        std::iter::once(&self.home).chain(&self.others)
    }

    /// What was read of each: its name and commit.
    pub(super) fn commits(&self) -> Vec<(&str, &str)> {
        self.all()
            .map(|tip| (tip.branch.as_str(), tip.commit.as_str()))
            .collect()
    }

    /// The name of the branch that an environment is read from.
    pub(super) fn branch_of<'a>(&'a self, environment: &'a Environment) -> &'a str {
        environment.branch.as_deref().unwrap_or(&self.home.branch)
    }
}
