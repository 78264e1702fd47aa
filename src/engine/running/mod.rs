//! What the clusters run, beside what is pinned (docs/reference/running.md). Nothing here decides about evidence.

mod judge;
mod look;
pub(super) mod sightings;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::running::observation::{NamespaceRunning, RunningState, worst};
use crate::domain::running::report::RunningReport;
use look::ClusterPlace;
use sightings::RunningSightings;

use super::cluster_access::ClusterClients;
use super::open::Engine;
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
}

impl Engine {
    /// What the clusters run of the pins. A cluster that cannot be asked is part of the answer.
    ///
    /// # Errors
    /// If git or the configuration cannot be read, a name is not known, or no environment says where it runs.
    pub(crate) async fn running(&self, filter: &RunningFilter) -> Result<RunningAnswer, Failure> {
        let (ledger, _) = self.ledger().await?;
        check(&ledger, filter)?;
        let is_wanted = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
        let environments: Vec<&Environment> = ledger
            .environments
            .iter()
            .filter(|env| is_wanted(&filter.environments, env.name.as_str()))
            .collect();
        if !environments.iter().any(|env| env.running.is_known()) {
            return Err(Failure::usage("no environment says in which cluster it runs")
                .hint("name the clusters in pindeck.toml with [[clusters]], and in `running` of the environments"));
        }
        let environments: Vec<Environment> = environments.into_iter().cloned().collect();
        let context = self.context(ledger)?;
        let observer = RunningObserver {
            clients: &self.inner.clusters,
            options: self.options(),
            memo: &context.memo,
            survey: &context.ledger,
        };
        let is_asked = |pin: &Pin| is_wanted(&filter.services, pin.target.service.as_str());
        let mut pins = observer.pins(&environments, &is_asked).await;
        pins.sort_by(|a, b| a.pin.target.service.cmp(&b.pin.target.service));
        Ok(RunningAnswer {
            pins,
            observed_at: Timestamp::now(),
        })
    }
}

impl Engine {
    /// What the clusters run of all pins, for a board. Nothing where no network may be asked.
    pub(super) async fn observe(&self, memo: &RegistryMemo, survey: &CommitSurvey) -> Vec<(PinKey, RunningReport)> {
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
        let found = observer.pins(&environments, &|_| true).await;
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

impl RunningObserver<'_> {
    /// What runs of the pins of some environments, in their order.
    pub(super) async fn pins(
        &self,
        environments: &[Environment],
        is_asked: &(dyn Fn(&Pin) -> bool + Sync),
    ) -> Vec<PinRunning> {
        let places: BTreeSet<ClusterPlace> = environments.iter().flat_map(look::places).collect();
        let seen = look::look(&places, self.clients, self.options).await;
        let mut out = Vec::new();
        for env in environments {
            let here = self.survey.pins().filter(|pin| pin.target.environment == env.name);
            for pin in here.filter(|pin| is_asked(pin)) {
                let namespaces = judge::judge(self.memo, self.survey, env, pin, &seen).await;
                out.push(PinRunning {
                    pin: pin.clone(),
                    state: worst(&namespaces),
                    namespaces,
                });
            }
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
