//! Proposals that wait on branches of their own: found in git, explained by the forge where one is known.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::freshness::Answered;
use crate::domain::policy::{TeamPolicy, WriteMode};
use crate::domain::proposal::{ForgeProposal, ForgeSettings, ProposalReport, ProposalState, ProposedPin, chosen};
use crate::sources::forge::{ForgeAddress, ForgeClient, settings_elsewhere};
use crate::sources::git::{GitError, GitRepo};

use super::checkout::BranchCheckout;
use super::open::{Engine, blocking};
use super::survey::CommitSurvey;

/// Proposals that a forge is asked about in one pass, the newest first.
const MOST_ASKED: usize = 32;

/// Of these, at the same time.
const AT_ONCE: usize = 4;

/// How long a pass waits for what a forge has to say of all of them: verdicts and drift do not wait for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// What proposals there may be of each pin.
pub(super) type ProposalsByPin = BTreeMap<PinKey, Vec<ProposalReport>>;

/// The one that each cell shows.
pub(super) fn shown(all: &ProposalsByPin) -> Vec<(PinKey, ProposalReport)> {
    let cells = all.iter();
    cells
        .filter_map(|(key, reports)| Some((key.clone(), chosen(reports.clone())?)))
        .collect()
}

impl Engine {
    /// The forge of a policy, if there is one and its make is known. Blocking: its program may be asked for a token.
    ///
    /// # Errors
    /// If there is no TLS.
    pub(super) fn forge(
        &self,
        team: &TeamPolicy,
        repo: &GitRepo,
        remote: Option<&str>,
    ) -> Result<Option<Arc<ForgeClient>>, Failure> {
        let url = remote.and_then(|remote| repo.remote_url(remote));
        let approved = &self.options().approved_registries;
        let settings = self.forge_settings(team, repo, url.as_deref());
        let address = ForgeAddress::of(settings.as_deref(), url.as_deref(), approved);
        address.map(|address| self.inner.forges.client(address)).transpose()
    }

    /// What the policy says of the forge of a repository with this remote, which need not be the policy's own.
    pub(super) fn forge_settings<'t>(
        &self,
        team: &'t TeamPolicy,
        repo: &GitRepo,
        url: Option<&str>,
    ) -> Option<Cow<'t, ForgeSettings>> {
        let settings = team.forge.as_ref()?;
        let home = &self.inner.repo;
        if repo.common_dir() == home.common_dir() {
            return Some(Cow::Borrowed(settings));
        }
        let home_url = home.remote().ok().flatten().and_then(|remote| home.remote_url(&remote));
        Some(Cow::Owned(settings_elsewhere(settings, home_url.as_deref(), url)))
    }

    /// Requests that were sent to the forge so far.
    pub(super) fn forge_requests(&self) -> u64 {
        self.inner.forges.requests()
    }

    /// What the branches of proposals ask for, by the word of git alone. Nothing where no environment is written to
    /// by proposals.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(super) async fn proposed(&self, survey: &CommitSurvey) -> Result<ProposalsByPin, Failure> {
        let proposes = survey.environments.iter().any(|env| env.write == WriteMode::Branch);
        if !proposes && survey.team.forge.is_none() {
            return Ok(ProposalsByPin::new());
        }
        let surveyed = survey.clone();
        let at_home = self.kept().fetched.clone();
        let found = blocking(move || {
            let mut found = Vec::new();
            // Whether one has arrived is asked of the branch that its environment is read from.
            for (place, checkout) in surveyed.checkouts.all().enumerate() {
                let Some(remote) = &checkout.tip.remote else { continue };
                let fetched = match checkout.repository {
                    None => &at_home,
                    Some(_) => &checkout.refs,
                };
                // What a fetch did not tell of is gone from the remote; without a fetch, nobody knows better.
                let is_there = |branch: &str| fetched.as_ref().is_none_or(|refs| refs.names(branch));
                let mut here = checkout.repo.proposals(remote, &checkout.tip.commit, &is_there)?;
                here.retain(|one| surveyed.place_of(&one.target.environment) == place);
                found.extend(here);
            }
            Ok::<_, GitError>(found)
        })
        .await??;
        Ok(by_pin(survey, &found))
    }

    /// Whether the forge is asked what it says of proposals: where it is named or a token is there, and a network may
    /// be asked at all. Blocking.
    fn asked_forge(
        &self,
        survey: &CommitSurvey,
        checkout: &BranchCheckout,
    ) -> Result<Option<Arc<ForgeClient>>, Failure> {
        if self.options().offline {
            return Ok(None);
        }
        let client = self.forge(&survey.team, &checkout.repo, checkout.tip.remote.as_deref())?;
        Ok(client.filter(|client| client.has_token() || survey.team.forge.is_some()))
    }

    /// Asks the forge about what waits. What it does not answer leaves the proposal as git knows it.
    pub(super) async fn explain(&self, survey: &CommitSurvey, all: &mut ProposalsByPin) {
        let waits = |one: &&ProposalReport| one.state == ProposalState::Open && !one.pin.is_contained;
        let mut pins: BTreeMap<String, ProposedPin> = BTreeMap::new();
        for one in all.values().flatten().filter(waits) {
            pins.entry(one.pin.branch.clone()).or_insert_with(|| one.pin.clone());
        }
        if pins.is_empty() {
            return;
        }
        let (this, surveyed) = (self.clone(), survey.clone());
        let places: BTreeSet<usize> = (pins.values())
            .map(|pin| survey.place_of(&pin.target.environment))
            .collect();
        let asked = move || {
            let client = |place: usize| match this.asked_forge(&surveyed, surveyed.checkouts.at(place)) {
                Ok(client) => client.map(|client| (place, client)),
                Err(error) => {
                    tracing::warn!(%error, "the forge is not asked");
                    None
                }
            };
            places
                .into_iter()
                .filter_map(client)
                .collect::<BTreeMap<usize, Arc<ForgeClient>>>()
        };
        let clients = blocking(asked).await.unwrap_or_default();
        let client_of = |pin: &ProposedPin| clients.get(&survey.place_of(&pin.target.environment)).cloned();
        let mut asked: Vec<(ProposedPin, Arc<ForgeClient>)> = (pins.into_values())
            .filter_map(|pin| Some((pin.clone(), client_of(&pin)?)))
            .collect();
        asked.sort_by_key(|(pin, _)| std::cmp::Reverse(pin.at));
        asked.truncate(MOST_ASKED);
        let until = tokio::time::Instant::now() + PATIENCE;
        let ask = |(pin, client): (ProposedPin, Arc<ForgeClient>)| {
            let base = survey.checkout_of(&pin.target.environment).tip.branch.as_str();
            async move {
                let result = match tokio::time::timeout_at(until, client.proposal(&pin, base)).await {
                    Ok(result) => result.map_err(Failure::from),
                    Err(_) => Err(Failure::unreachable(
                        "the forge needed too long for the proposals of this pass",
                    )),
                };
                let at = Timestamp::now();
                (pin.branch, Answered { result, at })
            }
        };
        let answers: BTreeMap<String, Answered<Option<ForgeProposal>>> =
            futures_util::stream::iter(asked.into_iter().map(ask))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
        for one in all.values_mut().flatten() {
            if let Some(answer) = answers.get(&one.pin.branch) {
                one.forge.take(answer.clone());
                one.explained();
            }
        }
    }
}

/// The proposals of each pin: of its service in its environment and, where several pins share these, from or to its
/// digest.
fn by_pin(survey: &CommitSurvey, found: &[ProposedPin]) -> ProposalsByPin {
    let mut out = ProposalsByPin::new();
    if found.is_empty() {
        return out;
    }
    let targets: BTreeSet<_> = found.iter().map(|one| &one.target).collect();
    let pins: Vec<_> = survey.pins().filter(|pin| targets.contains(&pin.target)).collect();
    for pin in &pins {
        let shared = pins.iter().filter(|other| other.target == pin.target).count() > 1;
        let its = found.iter().filter(|one| {
            one.target == pin.target && (!shared || one.from == pin.digest || Some(one.to) == pin.digest)
        });
        let reports: Vec<ProposalReport> = its.map(|one| ProposalReport::of(one.clone(), pin.digest)).collect();
        if !reports.is_empty() {
            out.insert(pin.key(), reports);
        }
    }
    out
}
