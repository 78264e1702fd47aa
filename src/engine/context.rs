//! The context that every question is answered in: what git says, the policies and trust in force, one
//! memo of answers from the registries, and the time that counts as now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::id::{Digest, ServiceId};
use crate::domain::policy::{Environment, Policy, Service, TeamPolicy};
use crate::domain::reference::Repository;
use crate::domain::trusted_root::RefreshedRoots;
use crate::sources::evidence::Trust;

use super::assess::{Assessed, Subject, assess};
use super::elsewhere::Elsewhere;
use super::image_presence::{ImageDepth, PresenceScope};
use super::ledger::Ledger;
use super::once_map::OnceMap;
use super::pins::Naming;
use super::registry_memo::RegistryMemo;
use super::registry_turns::RegistryTurns;

/// What a digest is judged by: a policy, and how much of the image must be there.
#[derive(Clone)]
pub(super) struct Criteria<'a> {
    /// The policy; `None` = nothing to judge by.
    pub policy: Option<&'a Arc<Policy>>,
    /// How much of the image must be there.
    pub extent: PresenceScope,
}

/// What makes two assessments the same question: place, digest, service, name of the policy, extent.
pub(super) type AssessmentKey = (Repository, Digest, Option<ServiceId>, Option<String>, PresenceScope);

/// The context of one question or one pass. `L` is the ledger; it is `()` outside any repository, where a
/// policy file alone says what counts.
pub(super) struct Context<L = Ledger> {
    /// What the commit that counts says.
    pub ledger: L,
    /// The questions to the registries, each asked once.
    pub memo: RegistryMemo,
    /// The time that counts as now.
    pub now: Timestamp,
    team: Arc<TeamPolicy>,
    /// Places of the configured services among those of the team.
    services: HashMap<ServiceId, usize>,
    environments: Vec<Environment>,
    policies: BTreeMap<String, Arc<Policy>>,
    trust: Arc<Trust>,
    assessed: OnceMap<AssessmentKey, Assessed>,
    turns: RegistryTurns,
}

impl Context {
    /// The context of a ledger.
    pub(crate) fn new(ledger: Ledger, trust: Arc<Trust>, memo: RegistryMemo) -> Self {
        let (team, environments) = (Arc::clone(&ledger.team), ledger.environments.clone());
        Self::with(ledger, team, environments, trust, memo)
    }

    /// The configured service whose name a repository belongs to, by the names of this ledger.
    pub(crate) fn service_of(&self, repository: &Repository) -> Option<&ServiceId> {
        self.ledger.naming.service(repository)
    }
}

impl Context<()> {
    /// The context of a policy file outside any repository.
    pub(crate) fn of_policy(team: TeamPolicy, trust: Arc<Trust>, memo: RegistryMemo) -> Self {
        let environments = team.environments.clone();
        Self::with((), Arc::new(team), environments, trust, memo)
    }

    /// The configured service that this repository is of: by its image, `also`, or an environment's own registry, as inside of
    /// a repository.
    pub(crate) fn service_of(&self, repository: &Repository) -> Option<ServiceId> {
        let naming = Naming::with_unlisted(&self.team, &self.environments, BTreeMap::new());
        naming.service(repository).cloned()
    }
}

impl<L> Context<L> {
    pub(super) fn with(
        ledger: L,
        team: Arc<TeamPolicy>,
        environments: Vec<Environment>,
        trust: Arc<Trust>,
        memo: RegistryMemo,
    ) -> Self {
        let named = team.policies.iter();
        let mut services = HashMap::new();
        for (place, service) in team.services.iter().enumerate() {
            services.entry(service.name.clone()).or_insert(place);
        }
        Self {
            services,
            policies: named
                .map(|(name, policy)| (name.clone(), Arc::new(trust.refreshed().cover(policy))))
                .collect(),
            ledger,
            memo,
            now: Timestamp::now(),
            team,
            environments,
            trust,
            assessed: OnceMap::default(),
            turns: RegistryTurns::default(),
        }
    }

    /// What signatures are checked with.
    pub(super) fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// The policy of the team.
    pub(crate) fn team(&self) -> &TeamPolicy {
        &self.team
    }

    /// The refreshed roots that it verifies with.
    pub(crate) fn refreshed_roots(&self) -> &RefreshedRoots {
        self.trust.refreshed()
    }

    /// All environments in promotion order, configured or inferred.
    pub(crate) fn environments(&self) -> &[Environment] {
        &self.environments
    }

    /// The environment of that name.
    pub(crate) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.name.as_str() == name)
    }

    /// What the team configured for a service.
    pub(crate) fn service(&self, name: &ServiceId) -> Option<&Service> {
        self.team.services.get(*self.services.get(name)?)
    }

    /// The policy of that name.
    pub(crate) fn policy(&self, name: &str) -> Option<&Arc<Policy>> {
        self.policies.get(name)
    }

    /// The policy of an environment, if it has one.
    pub(crate) fn policy_of(&self, environment: &Environment) -> Option<&Arc<Policy>> {
        self.policy(environment.policy.as_deref()?)
    }

    /// What a digest is judged by in an environment.
    pub(crate) fn criteria(&self, environment: Option<&Environment>, depth: ImageDepth) -> Criteria<'_> {
        Criteria {
            policy: environment.and_then(|environment| self.policy_of(environment)),
            extent: PresenceScope {
                depth,
                platforms: environment.map(|e| e.platforms.clone()).unwrap_or_default(),
            },
        }
    }

    /// Assesses a digest where it lives, for a service. The same question is answered once.
    pub(crate) async fn assess(
        &self,
        repository: &Repository,
        digest: Digest,
        service: Option<&ServiceId>,
        criteria: Criteria<'_>,
    ) -> Assessed {
        let key = question(repository, digest, service, &criteria);
        let answer = || async {
            let _turn = self.turns.wait(repository.registry()).await;
            let subject = self.subject(repository, digest, service, criteria);
            // On the heap, and only now: assessing is deep, and many callers wait for it.
            Box::pin(assess(&self.memo, subject, self.now)).await
        };
        self.assessed.get(key, answer).await
    }

    /// Takes what an earlier pass found as the answer; where somebody has asked in this one, what that found.
    pub(super) async fn take_over(&self, question: AssessmentKey, known: Assessed) -> Assessed {
        self.assessed.get(question, || std::future::ready(known)).await
    }

    /// The same in another memo, past everything that was answered in this one: for what must be read from
    /// the registry again.
    pub(crate) async fn assess_in(
        &self,
        memo: &RegistryMemo,
        repository: &Repository,
        digest: Digest,
        service: Option<&ServiceId>,
        criteria: Criteria<'_>,
    ) -> Assessed {
        Box::pin(assess(
            memo,
            self.subject(repository, digest, service, criteria),
            self.now,
        ))
        .await
    }

    /// What [`Context::assess`] answered, if it was asked.
    pub(crate) fn answered(
        &self,
        repository: &Repository,
        digest: Digest,
        service: Option<&ServiceId>,
        criteria: &Criteria<'_>,
    ) -> Option<Assessed> {
        self.assessed.peek(&question(repository, digest, service, criteria))
    }

    fn subject(
        &self,
        repository: &Repository,
        digest: Digest,
        service: Option<&ServiceId>,
        criteria: Criteria<'_>,
    ) -> Subject {
        let configured = service.and_then(|name| self.service(name));
        Subject {
            repository: repository.clone(),
            digest,
            service: service.cloned(),
            service_signer: configured.and_then(|s| s.signer.clone()),
            source: configured.and_then(|s| s.source.clone()),
            elsewhere: Elsewhere::of(&self.team, configured),
            policy: criteria.policy.cloned(),
            trust: Arc::clone(&self.trust),
            extent: criteria.extent,
        }
    }
}

/// The question that an assessment answers.
pub(super) fn question(
    repository: &Repository,
    digest: Digest,
    service: Option<&ServiceId>,
    criteria: &Criteria<'_>,
) -> AssessmentKey {
    let policy = criteria.policy.map(|policy| policy.name.clone());
    (
        repository.clone(),
        digest,
        service.cloned(),
        policy,
        criteria.extent.clone(),
    )
}
