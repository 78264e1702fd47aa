//! Which repository and branch an environment is read from and written to: the one place that says so
//! (docs/reference/git.md, "Environments on branches of their own" and "Environments in other repositories").

use std::collections::BTreeMap;

use crate::domain::board::Fetch;
use crate::domain::environment_repository::EnvironmentRepository;
use crate::domain::failure::Failure;
use crate::domain::id::EnvId;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::quoted;
use crate::sources::git::{FetchedRefs, GitError, GitRepo, Tip};

use super::other_repositories::{ReadRepository, RepositoryReader};

/// One branch of one repository.
#[derive(Debug, Clone)]
pub struct BranchCheckout {
    /// The other repository, as an address of git or a folder; `None` = that of `pindeck.toml`.
    pub repository: Option<String>,
    /// The clone that it is read from.
    pub repo: GitRepo,
    /// That clone is pindeck's own, in which nobody works.
    pub is_ours: bool,
    /// The branch and its commit.
    pub tip: Tip,
    /// Whether another repository was fetched first. How the policy's own was fetched is told apart from this.
    pub fetch: Fetch,
    /// What that fetch said of its branches; `None` = nothing was fetched.
    pub refs: Option<FetchedRefs>,
}

impl BranchCheckout {
    /// A branch of the repository of the policy.
    pub(super) const fn of_home(repo: GitRepo, tip: Tip) -> Self {
        Self {
            repository: None,
            repo,
            is_ours: false,
            tip,
            fetch: Fetch::NotAsked,
            refs: None,
        }
    }

    /// Its name for people.
    pub(super) fn shown(&self) -> String {
        let branch = &self.tip.branch;
        match &self.repository {
            None => format!("branch {branch}"),
            Some(repository) => format!("branch {branch} of {repository}"),
        }
    }

    /// The same of the branch of the policy, as seen from another one.
    pub(super) fn shown_beside(&self, here: &Self) -> String {
        let branch = &self.tip.branch;
        match here.repository {
            None => format!("branch {branch}"),
            Some(_) => format!("branch {branch} of the policy's repository"),
        }
    }

    /// Its name before the name of a file.
    pub(super) fn prefix(&self) -> String {
        let branch = &self.tip.branch;
        match &self.repository {
            None => branch.clone(),
            Some(repository) => format!("{repository} {branch}"),
        }
    }
}

/// Where a policy says that an environment is: repository and branch, as they are written there.
type WrittenPlace = (Option<String>, Option<String>);

/// The branches that count: that of the policy, and those that environments are on.
#[derive(Debug, Clone)]
pub struct Checkouts {
    /// The branch of `pindeck.toml`: its policy and its keys count for all of them.
    pub home: BranchCheckout,
    /// The other ones that environments are read from, each once.
    pub others: Vec<BranchCheckout>,
    /// Which of them a place is.
    places: BTreeMap<WrittenPlace, usize>,
    /// Environments that nothing is known of, with the reason: they are not without pins.
    pub unread: BTreeMap<EnvId, Failure>,
}

impl Checkouts {
    /// Nothing but the branch of the policy.
    pub(super) fn only(home: BranchCheckout) -> Self {
        let places = [None, Some(home.tip.branch.clone())].map(|branch| ((None, branch), 0));
        Self {
            home,
            others: Vec::new(),
            places: places.into(),
            unread: BTreeMap::new(),
        }
    }

    /// Finds the branches of a policy's environments. Another repository that cannot be read leaves its environments
    /// unread.
    ///
    /// # Errors
    /// If a branch of the policy's own repository is not known: an environment that cannot be read is no environment
    /// without pins.
    pub(super) fn find(
        home: BranchCheckout,
        team: &TeamPolicy,
        reader: &RepositoryReader<'_>,
    ) -> Result<Self, Failure> {
        let mut found = Self::only(home);
        let others = team.environments.iter().filter_map(|one| one.repository.as_ref());
        let read = reader.read_all(others, &team.source);
        for environment in &team.environments {
            if found.place_of(environment).is_some() {
                continue;
            }
            let within = |failure: Failure, place: &str| {
                failure.within(format!("environment {} is read from {place}", environment.name))
            };
            match &environment.repository {
                None => {
                    let branch = environment.branch.as_deref();
                    let tip = found
                        .home
                        .repo
                        .tip(branch)
                        .map_err(|error| within(error.into(), &format!("branch {}", branch.unwrap_or_default())))?;
                    let here = BranchCheckout::of_home(found.home.repo.clone(), tip);
                    found.add(environment, here);
                }
                Some(repository) => {
                    let place = repository.address.as_str();
                    match read
                        .get(place)
                        .map(|read| found.checkout_of(environment, repository, read))
                    {
                        Some(Ok(checkout)) => found.add(environment, checkout),
                        Some(Err(failure)) => {
                            found.unread.insert(environment.name.clone(), within(failure, place));
                        }
                        None => return Err(Failure::bug("a repository was not looked for")),
                    }
                }
            }
        }
        Ok(found)
    }

    fn checkout_of(
        &self,
        environment: &Environment,
        repository: &EnvironmentRepository,
        read: &Result<ReadRepository, Failure>,
    ) -> Result<BranchCheckout, Failure> {
        let read = read.clone()?;
        let branch = environment.branch.as_deref();
        let Some(name) = read.name else {
            // It is the repository of the policy by another name.
            return Ok(match branch {
                None => self.home.clone(),
                Some(branch) => BranchCheckout::of_home(self.home.repo.clone(), self.home.repo.tip(Some(branch))?),
            });
        };
        let tip = match read.is_ours {
            true => read.repo.tip_of_own(branch).map_err(|error| not_there(error, &name))?,
            false => read.repo.tip(branch)?,
        };
        let mut fetch = read.fetch;
        if let (Some(refs), Some(remote)) = (&read.refs, &tip.remote)
            && let Err(error) = read.repo.check_is_there(refs, remote, &tip.branch)
        {
            if matches!(error, GitError::BranchGone { .. }) {
                return Err(not_there(error, &name));
            }
            fetch = super::other_repositories::failed(&repository.address, &error.into(), None);
        }
        Ok(BranchCheckout {
            repository: Some(name),
            repo: read.repo,
            is_ours: read.is_ours,
            tip,
            fetch,
            refs: read.refs,
        })
    }

    fn add(&mut self, environment: &Environment, checkout: BranchCheckout) {
        let is_it =
            |known: &BranchCheckout| known.repository == checkout.repository && known.tip.branch == checkout.tip.branch;
        let known = self.all().position(is_it);
        let place = known.unwrap_or(self.others.len() + 1);
        if known.is_none() {
            self.others.push(checkout);
        }
        self.places.insert(written_place(environment), place);
    }

    /// All of them, that of the policy first.
    pub(super) fn all(&self) -> impl Iterator<Item = &BranchCheckout> {
        std::iter::once(&self.home).chain(&self.others)
    }

    /// The one at a place among all of them.
    pub(super) fn at(&self, place: usize) -> &BranchCheckout {
        self.all().nth(place).unwrap_or(&self.home)
    }

    /// What was read of each, as text: its repository, branch and commit; and what could not be read.
    pub(super) fn commits(&self) -> Vec<String> {
        let read = self.all().map(|one| {
            let (repository, tip) = (one.repository.as_deref().unwrap_or_default(), &one.tip);
            format!("{repository} {} {}", tip.branch, tip.commit)
        });
        read.chain(self.unread.keys().map(|name| format!("unread {name}")))
            .collect()
    }

    /// The place of the one that an environment is read from; `None` = none of them.
    pub(super) fn place_of(&self, environment: &Environment) -> Option<usize> {
        self.places.get(&written_place(environment)).copied()
    }

    /// Why an environment is not known, if it is not.
    pub(super) fn check_read(&self, environment: &EnvId) -> Result<(), Failure> {
        self.unread.get(environment).cloned().map_or(Ok(()), Err)
    }

    /// The same of all environments: for what must not be decided while one of them is not known.
    pub(super) fn check_all_read(&self) -> Result<(), Failure> {
        self.unread.values().next().cloned().map_or(Ok(()), Err)
    }

    /// What of other repositories is not up to date, in words.
    pub(super) fn stale(&self) -> impl Iterator<Item = &crate::domain::text::Untrusted> {
        self.others.iter().filter_map(|one| match &one.fetch {
            Fetch::Failed(_, words) => Some(words),
            Fetch::Fresh(_) | Fetch::NotAsked => None,
        })
    }
}

/// A branch that another repository does not have, or has no more: nothing is known of what is in it, whatever was there once.
fn not_there(error: GitError, name: &str) -> Failure {
    let what = match &error {
        GitError::NoDefaultBranch { .. } => format!("{} names no branch as its default one", quoted(name)),
        GitError::NoBranch { branch, .. } | GitError::BranchGone { branch, .. } => {
            format!("branch {branch} is not in {}", quoted(name))
        }
        _ => return error.into(),
    };
    Failure::failed(what).hint("name the branch that counts now: `branch` of that environment in pindeck.toml")
}

fn written_place(environment: &Environment) -> WrittenPlace {
    let repository = environment.repository.as_ref();
    let address = repository.map(|repository| repository.address.as_str().to_owned());
    (address, environment.branch.clone())
}
