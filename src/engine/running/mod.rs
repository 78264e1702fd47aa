//! What the clusters run, beside what is pinned (docs/reference/running.md). Nothing here decides about evidence.

mod judge;
mod look;
mod owners;
pub(super) mod sightings;
pub(crate) mod wait;
pub(crate) mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::running::observation::{NamespaceRunning, NamespaceSeen, RunningState, worst};
use crate::domain::running::report::RunningReport;
use look::{ClusterPlace, ReconcilersLook};
use owners::OwnerLook;
use sightings::RunningSightings;

use super::cluster_access::ClusterClients;
use super::context::Context;
use super::lineage::Lineage;
use super::open::{Engine, SurveyedCommit, blocking};
use super::options::OpenOptions;
use super::registry_memo::RegistryMemo;
use super::survey::CommitSurvey;

/// Which pins are asked about; empty lists are all.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningFilter {
    /// Names of services.
    pub services: Vec<String>,
    /// Names of environments.
    pub environments: Vec<String>,
}

/// One pin with what runs of it.
#[derive(Debug, Clone)]
pub(crate) struct PinRunning {
    /// What git asks for.
    pub pin: Pin,
    /// The one word; `None` where the pin names no bytes, or no cluster is named for its environment.
    pub state: Option<RunningState>,
    /// What each namespace says.
    pub namespaces: Vec<NamespaceRunning>,
}

/// What runs.
#[derive(Debug, Clone)]
pub(crate) struct RunningAnswer {
    /// The pins, by service and then in promotion order.
    pub pins: Vec<PinRunning>,
    /// When the clusters were asked.
    pub observed_at: Timestamp,
    /// The namespaces that were looked at, each with its cluster before it.
    pub places: Vec<ClusterPlace>,
}

impl Engine {
    /// What the clusters run of the pins. A cluster that cannot be asked is part of the answer.
    ///
    /// # Errors
    /// If git or the configuration cannot be read, a name is not known, or no environment says where it runs.
    pub(crate) async fn running(&self, filter: &RunningFilter) -> Result<RunningAnswer, Failure> {
        let (surveyed, _) = self.survey().await?;
        check(&surveyed, filter)?;
        let is_wanted = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
        let environments: Vec<&Environment> = surveyed
            .environments
            .iter()
            .filter(|env| is_wanted(&filter.environments, env.name.as_str()))
            .collect();
        if !environments.iter().any(|env| env.running.is_known()) {
            return Err(Failure::usage("no environment says in which cluster it runs")
                .hint("name the clusters in pindeck.toml with [[clusters]], and in `running` of the environments"));
        }
        let named = environments
            .iter()
            .filter(|env| filter.environments.iter().any(|name| *name == env.name.as_str()));
        for env in named {
            surveyed.checkouts.check_read(&env.name)?;
        }
        for env in &environments {
            self.note_stale(&surveyed, &env.name);
        }
        let environments: Vec<Environment> = environments.into_iter().cloned().collect();
        let context = Arc::new(self.survey_context(surveyed)?);
        let commits = self.pin_commits(&context).await;
        let observer = RunningObserver {
            clients: &self.inner.clusters,
            options: self.options(),
            memo: &context.memo,
            survey: &context.ledger,
        };
        let is_asked = |pin: &Pin| is_wanted(&filter.services, pin.target.service.as_str());
        let seen = observer.look(&environments).await;
        let mut pins = observer.pins(&environments, &is_asked, &seen, &commits).await;
        pins.sort_by(|a, b| a.pin.target.service.cmp(&b.pin.target.service));
        Ok(RunningAnswer {
            pins,
            observed_at: Timestamp::now(),
            places: seen.namespaces.into_keys().collect(),
        })
    }
}

impl Engine {
    /// The commits that pinned everything. Where the history cannot be read, none is known.
    async fn pin_commits(&self, context: &Arc<Context<SurveyedCommit>>) -> PinCommits {
        let (this, context) = (self.clone(), Arc::clone(context));
        match blocking(move || this.lineage(&context.ledger)).await {
            Ok(Ok(lineage)) => commits_of(&lineage),
            Ok(Err(_)) | Err(_) => PinCommits::default(),
        }
    }

    /// What the clusters run of all pins, for a board. Nothing where no network may be asked. `commits` tells who
    /// pinned what, once that is known.
    pub(super) async fn observe(
        &self,
        memo: &RegistryMemo,
        survey: &CommitSurvey,
        commits: impl Future<Output = PinCommits>,
    ) -> Vec<(PinKey, RunningReport)> {
        let known = survey.environments.iter().filter(|env| env.running.is_known());
        let environments: Vec<Environment> = known.cloned().collect();
        if self.options().offline || environments.is_empty() {
            return Vec::new();
        }
        let observer = RunningObserver {
            clients: &self.inner.clusters,
            options: self.options(),
            memo,
            survey,
        };
        // The clusters are asked while the history is read.
        let (seen, commits) = futures_util::future::join(observer.look(&environments), commits).await;
        let found = observer.pins(&environments, &|_| true, &seen, &commits).await;
        self.remember(found, Timestamp::now())
    }

    /// Notes what was seen, and says since when. A journal that cannot be written is no failure.
    fn remember(&self, found: Vec<PinRunning>, now: Timestamp) -> Vec<(PinKey, RunningReport)> {
        let path = self.options().state_dir.as_ref().map(|dir| RunningSightings::path(dir));
        let mut journal = match &path {
            Some(path) => RunningSightings::load(path),
            None => std::mem::take(&mut self.kept().sightings),
        };
        let mut reports = Vec::new();
        for one in found {
            let Some(state) = one.state else { continue };
            let key = one.pin.key();
            let report = RunningReport {
                state,
                since: journal.saw(&key, state, now),
                namespaces: one.namespaces,
            };
            reports.push((key, report));
        }
        match &path {
            Some(path) => {
                if let Err(error) = journal.save(path) {
                    tracing::warn!(path = %path.display(), %error, "the journal of what runs was not written");
                }
            }
            None => self.kept().sightings = journal,
        }
        reports
    }
}

/// Everything that it takes to see what runs.
pub(super) struct RunningObserver<'a> {
    /// The clusters that were asked before.
    pub clients: &'a ClusterClients,
    /// How the engine was opened.
    pub options: &'a OpenOptions,
    /// The questions to the registries.
    pub memo: &'a RegistryMemo,
    /// What git says.
    pub survey: &'a CommitSurvey,
}

/// What was seen in the clusters.
pub(super) struct ClustersSeen {
    namespaces: BTreeMap<ClusterPlace, NamespaceSeen>,
    reconcilers: BTreeMap<ClusterPlace, ReconcilersLook>,
}

/// The commit that pinned each pin, as far as that is known.
pub(super) type PinCommits = BTreeMap<PinKey, String>;

/// The commits of a history.
pub(super) fn commits_of(lineage: &Lineage) -> PinCommits {
    let pinned = lineage.pinned.iter();
    pinned.map(|(key, by)| (key.clone(), by.commit.clone())).collect()
}

impl RunningObserver<'_> {
    /// Looks at the clusters of some environments.
    pub(super) async fn look(&self, environments: &[Environment]) -> ClustersSeen {
        let places: BTreeSet<ClusterPlace> = environments.iter().flat_map(look::places).collect();
        let namespaces = look::look(&places, self.clients, self.options).await;
        let answers = namespaces.iter().filter(|(_, seen)| seen.unfinished.is_none());
        let answering: BTreeSet<&String> = answers.map(|((cluster, _), _)| cluster).collect();
        let places: BTreeSet<ClusterPlace> = environments.iter().flat_map(look::reconciler_places).collect();
        let reconcilers = look::look_for_reconcilers(&places, &answering, self.clients, self.options).await;
        ClustersSeen {
            namespaces,
            reconcilers,
        }
    }

    /// What runs of the pins of some environments, in their order.
    pub(super) async fn pins(
        &self,
        environments: &[Environment],
        is_asked: &(dyn Fn(&Pin) -> bool + Sync),
        seen: &ClustersSeen,
        commits: &PinCommits,
    ) -> Vec<PinRunning> {
        let mut out: Vec<PinRunning> = Vec::new();
        let mut looks: Vec<OwnerLook> = Vec::new();
        for env in environments {
            let reconcilers = owners::reconcilers_of(env, &seen.reconcilers);
            let here = self.survey.pins().filter(|pin| pin.target.environment == env.name);
            for pin in here.filter(|pin| is_asked(pin)) {
                let mut namespaces = judge::judge(self.memo, self.survey, env, pin, &seen.namespaces).await;
                let images = judge::images(self.survey, env, pin);
                for (place, running) in namespaces.iter_mut().enumerate() {
                    let key = (running.cluster.clone(), running.namespace.clone());
                    let (Some(digest), Some(here)) = (pin.digest, seen.namespaces.get(&key)) else {
                        continue;
                    };
                    let Some((reconcilers, missing)) = reconcilers.get(&key) else {
                        continue;
                    };
                    running.missing.extend(missing.iter().cloned());
                    looks.push(OwnerLook {
                        pin: out.len(),
                        place,
                        namespace: running.namespace.clone(),
                        digest,
                        repo: self.survey.checkout_of(&env.name).repo.clone(),
                        commit: commits.get(&pin.key()).cloned(),
                        images: images.clone(),
                        files: pin.deciding().map(|location| location.file.clone()).collect(),
                        workloads: (here.workloads.iter())
                            .filter(|one| one.runs(&images))
                            .cloned()
                            .collect(),
                        reconcilers: Arc::clone(reconcilers),
                    });
                }
                out.push(PinRunning {
                    pin: pin.clone(),
                    state: None,
                    namespaces,
                });
            }
        }
        let answers = blocking(move || owners::owners(looks)).await;
        for (pin, place, owner) in answers.into_iter().flatten() {
            let namespaces = out.get_mut(pin).map(|one| &mut one.namespaces);
            if let Some(running) = namespaces.and_then(|all| all.get_mut(place)) {
                *running = running.clone().with_owner(owner);
            }
        }
        for one in &mut out {
            one.state = worst(&one.namespaces);
        }
        out
    }
}

fn check(survey: &CommitSurvey, filter: &RunningFilter) -> Result<(), Failure> {
    let environments: Vec<&str> = survey.environments.iter().map(|env| env.name.as_str()).collect();
    let services: BTreeSet<&str> = survey.pins().map(|pin| pin.target.service.as_str()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    for (what, wanted, known) in [
        ("environment", &filter.environments, &environments),
        ("service", &filter.services, &services),
    ] {
        if let Some(wrong) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown(what, wrong, known));
        }
    }
    Ok(())
}
