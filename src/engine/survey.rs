//! What one commit says of pins, policy and holds, apart from the files that it was read from: all that a board needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::checkout::{BranchCheckout, Checkouts};
use super::pins::{Grouped, Naming};
use crate::domain::board::{EnvironmentOrigin, Fetch, Hold, RepositoryInfo};
use crate::domain::failure::Failure;
use crate::domain::hold::HoldsInForce;
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::text::Untrusted;
use crate::sources::git::{GitRepo, Tip};

/// What one commit says.
#[derive(Debug, Clone)]
pub struct CommitSurvey {
    /// The commit and branch that were read.
    pub tip: Tip,
    /// Its place among the branches that count.
    pub(crate) place: usize,
    /// All branches that count; this one is among them.
    pub checkouts: Arc<Checkouts>,
    /// The policy in force.
    pub team: Arc<TeamPolicy>,
    /// Environments in promotion order, configured or inferred.
    pub environments: Vec<Environment>,
    /// Which repository belongs to which service.
    pub naming: Naming,
    /// Pins by service, those of all branches.
    pub grouped: Arc<Grouped>,
    /// Holds in force: always those of the policy's own branch.
    pub holds: Result<Vec<Hold>, Untrusted>,
    /// What a person should know about the files, one sentence each.
    pub notices: Vec<Untrusted>,
}

impl CommitSurvey {
    /// What a person should know about the repository, one sentence each.
    pub fn all_notices(&self) -> impl Iterator<Item = Untrusted> {
        let unread = self.checkouts.unread.values().map(Failure::sentence);
        let stale = self.checkouts.stale();
        let stale = stale.map(|why| format!("not fetched, showing what was known before: {}", why.raw()).into());
        let own = self.notices.iter().chain(self.holds.as_ref().err());
        unread.chain(stale).chain(own.cloned())
    }

    /// Every pin, service by service.
    pub fn pins(&self) -> impl Iterator<Item = &Pin> {
        self.grouped.services.iter().flat_map(|(.., pins)| pins)
    }

    /// Whether an environment is read from this branch.
    pub(crate) fn is_here(&self, environment: &Environment) -> bool {
        self.checkouts.place_of(environment) == Some(self.place)
    }

    /// The clone that this branch is read from.
    pub(crate) fn repo(&self) -> &GitRepo {
        &self.checkouts.at(self.place).repo
    }

    /// The place of the branch that the environment of that name is read from; of one that is not known, the policy's.
    pub(crate) fn place_of(&self, name: &EnvId) -> usize {
        let known = self.environments.iter().find(|environment| environment.name == *name);
        known.and_then(|known| self.checkouts.place_of(known)).unwrap_or(0)
    }

    /// That branch.
    pub(crate) fn checkout_of(&self, name: &EnvId) -> &BranchCheckout {
        self.checkouts.at(self.place_of(name))
    }

    /// Whether the environment of that name is read from this branch.
    pub(crate) fn has_here(&self, name: &EnvId) -> bool {
        let mut all = self.environments.iter();
        all.any(|environment| environment.name == *name && self.is_here(environment))
    }

    /// Whether this is the branch of the policy, which has the holds too.
    pub(crate) fn is_home(&self) -> bool {
        self.place == 0
    }

    /// The environments that are read from this branch, in promotion order.
    pub(crate) fn environments_here(&self) -> Vec<Environment> {
        let here = self.environments.iter().filter(|environment| self.is_here(environment));
        here.cloned().collect()
    }

    /// The names of all services, configured or inferred.
    pub(crate) fn service_names(&self) -> BTreeSet<ServiceId> {
        self.grouped.services.iter().map(|(name, ..)| name.clone()).collect()
    }

    /// The holds, with everything that a question about them needs. `services` are the names of
    /// [`CommitSurvey::service_names`].
    ///
    /// # Errors
    /// If the holds could not be read: then everything is closed.
    pub(crate) fn holds_in_force<'h, 'a>(
        &'h self,
        services: &'a BTreeSet<ServiceId>,
    ) -> Result<HoldsInForce<'h, 'a>, &'h Untrusted>
    where
        'h: 'a,
    {
        Ok(HoldsInForce {
            holds: self.holds.as_ref()?,
            environments: &self.environments,
            services,
        })
    }

    /// The same for a caller whose gate is closed anyway where the holds could not be read: none, then.
    pub(crate) fn readable_holds<'a>(&'a self, services: &'a BTreeSet<ServiceId>) -> HoldsInForce<'a, 'a> {
        HoldsInForce {
            holds: self.holds.as_deref().unwrap_or_default(),
            environments: &self.environments,
            services,
        }
    }

    /// Where an environment is read from, unless that is the branch of the policy.
    fn origin(&self, environment: &Environment) -> Option<(EnvId, EnvironmentOrigin)> {
        let name = &environment.name;
        let origin = match (self.checkouts.place_of(environment), self.checkouts.unread.get(name)) {
            (Some(0), _) | (None, None) => return None,
            (Some(place), _) => {
                let checkout = self.checkouts.at(place);
                EnvironmentOrigin {
                    repository: checkout.repository.clone(),
                    branch: Some(checkout.tip.branch.clone()),
                    commit: Some(checkout.tip.commit.clone()),
                    fetch: checkout.fetch.clone(),
                    unread: None,
                }
            }
            (None, Some(failure)) => EnvironmentOrigin {
                repository: environment
                    .repository
                    .as_ref()
                    .map(|one| one.address.as_str().to_owned()),
                branch: environment.branch.clone(),
                commit: None,
                fetch: Fetch::NotAsked,
                unread: Some(failure.clone()),
            },
        };
        Some((name.clone(), origin))
    }

    /// The repository part of the board. `dirty`: the working tree has changes.
    pub(crate) fn repository(&self, fetch: Fetch, dirty: bool) -> RepositoryInfo {
        RepositoryInfo {
            path: self.tip.path.clone(),
            branch: self.tip.branch.clone(),
            commit: self.tip.commit.clone(),
            remote: self.tip.remote.clone(),
            ahead: self.tip.ahead,
            behind: self.tip.behind,
            dirty,
            elsewhere: self.environments.iter().filter_map(|env| self.origin(env)).collect(),
            fetch,
        }
    }
}
