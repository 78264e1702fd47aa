//! What one commit says of pins, policy and holds, apart from the files that it was read from: all that a board needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::checkout::Checkouts;
use super::pins::{Grouped, Naming};
use crate::domain::board::{Fetch, Hold, RepositoryInfo};
use crate::domain::hold::HoldsInForce;
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::text::Untrusted;
use crate::sources::git::Tip;

/// What one commit says.
#[derive(Debug, Clone)]
pub struct CommitSurvey {
    /// The commit and branch that were read.
    pub tip: Tip,
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
    pub fn all_notices(&self) -> impl Iterator<Item = &Untrusted> {
        self.notices.iter().chain(self.holds.as_ref().err())
    }

    /// Every pin, service by service.
    pub fn pins(&self) -> impl Iterator<Item = &Pin> {
        self.grouped.services.iter().flat_map(|(.., pins)| pins)
    }

    /// Whether an environment is read from this branch.
    pub(crate) fn is_here(&self, environment: &Environment) -> bool {
        self.checkouts.branch_of(environment) == self.tip.branch
    }

    /// The branch that the environment of that name is read from; of one that is not known, the policy's.
    pub(crate) fn branch_of(&self, name: &EnvId) -> &str {
        let known = self.environments.iter().find(|environment| environment.name == *name);
        known.map_or(&*self.checkouts.home.branch, |known| self.checkouts.branch_of(known))
    }

    /// Whether the environment of that name is read from this branch.
    pub(crate) fn has_here(&self, name: &EnvId) -> bool {
        let mut all = self.environments.iter();
        all.any(|environment| environment.name == *name && self.is_here(environment))
    }

    /// Whether this is the branch of the policy, which has the holds too.
    pub(crate) fn is_home(&self) -> bool {
        self.checkouts.home.branch == self.tip.branch
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

    /// The repository part of the board.
    pub(crate) fn repository(&self, fetch: Fetch) -> RepositoryInfo {
        RepositoryInfo {
            path: self.tip.path.clone(),
            branch: self.tip.branch.clone(),
            commit: self.tip.commit.clone(),
            remote: self.tip.remote.clone(),
            ahead: self.tip.ahead,
            behind: self.tip.behind,
            dirty: self.tip.dirty,
            branches: (self.checkouts.others.iter())
                .map(|tip| (tip.branch.clone(), tip.commit.clone()))
                .collect(),
            fetch,
        }
    }
}
