//! The engine as it is opened on one repository: what it keeps from question to question, and the contexts that
//! questions are answered in.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use crate::domain::board::Fetch;
use crate::domain::failure::Failure;
use crate::domain::id::EnvId;
use crate::domain::policy::TeamPolicy;
use crate::domain::text::Untrusted;
use crate::domain::trusted_root::RootInForce;
use crate::sources::evidence::Trust;
use crate::sources::git::{FetchedRefs, GitRepo};
use crate::sources::registry::{ContentCache, Credentials, Options, Registry};

use super::checkout::{BranchCheckout, Checkouts};
use super::cluster_access::ClusterClients;
use super::context::Context;
use super::file_scans::ScanCache;
use super::forge_access::Forges;
use super::journal::{Journal, Observer};
use super::kept_facts::{FactsOf, KeptFacts};
use super::kept_folders::{pasts, surveys, verdicts};
use super::ledger::{self, Ledger};
use super::lineage::{self, Lineage};
use super::options::OpenOptions;
use super::other_repositories::{OtherRepositories, RepositoryReader};
use super::past_cache;
use super::pin_states::BlobReferences;
use super::refresh_memory::RefreshMemory;
use super::registry_memo::RegistryMemo;
use super::sealed_folder::EntryName;
use super::survey::CommitSurvey;
use super::survey_cache::{self, KeptSurvey, SurveyedRepository};
use super::trusted_roots;
use super::verdict_cache::VerdictCache;

/// Answers questions about one GitOps repository. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    options: OpenOptions,
    pub(super) repo: GitRepo,
    journal: Journal,
    pub(super) scans: Arc<ScanCache>,
    facts: Arc<KeptFacts>,
    pub(super) references: BlobReferences,
    pub(super) clusters: ClusterClients,
    pub(super) forges: Forges,
    pub(super) others: OtherRepositories,
    /// The verdicts of earlier runs; `None` where there is no place for them.
    verdicts: OnceLock<Option<VerdictCache>>,
    kept: Mutex<RefreshMemory>,
}

/// Which scans of files are believed.
#[derive(Clone, Copy)]
enum ScansBelieved {
    /// Those of this process.
    ReadHere,
    /// Those of earlier ones, too.
    Kept,
}

/// The names under which is kept what a survey comes to.
pub(super) struct KeptNames {
    survey: EntryName,
    /// By the place of the branch; none = the history is cut, and is read as it is.
    pasts: BTreeMap<usize, EntryName>,
}

/// What the commit that counts says, and whether the history of its pins is known.
pub(super) enum SurveyedCommit {
    /// Read from the repository, with the names under which the survey and the past are kept.
    Read(Box<Ledger>, KeptNames),
    /// Known from before, with the history.
    Kept(Box<KeptSurvey>),
}

impl Deref for SurveyedCommit {
    type Target = CommitSurvey;

    fn deref(&self) -> &CommitSurvey {
        match self {
            Self::Read(ledger, _) => ledger,
            Self::Kept(kept) => &kept.survey,
        }
    }
}

impl Engine {
    /// Leaves what was scanned where it is when the engine ends: a program that ends with its command need not take it
    /// apart.
    pub fn leave_scans(&self) {
        std::mem::forget((Arc::clone(&self.inner.scans), Arc::clone(&self.inner.facts)));
    }

    /// Finds the repository. Nothing is read yet.
    ///
    /// # Errors
    /// If there is no usable repository at or above `dir`.
    pub fn open(options: OpenOptions) -> Result<Self, Failure> {
        let repo = GitRepo::discover(&options.dir)?;
        let journal = Journal::of(&repo);
        Ok(Self::with(options, repo, journal))
    }

    /// The same for a run inside a `pre-receive` hook, too: with the objects that are being received.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub(super) fn open_receiving(options: OpenOptions) -> Result<Self, Failure> {
        let repo = GitRepo::discover(&options.dir)?.with_incoming()?;
        let journal = Journal::of(&repo);
        Ok(Self::with(options, repo, journal))
    }

    /// The same, with somebody who is told of every step of every write just before and after it is
    /// written down: tests end the process there.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_observed(options: OpenOptions, observer: Observer) -> Result<Self, Failure> {
        let repo = GitRepo::discover(&options.dir)?;
        let journal = Journal::of(&repo).observed(observer);
        Ok(Self::with(options, repo, journal))
    }

    /// A memo in which every question to the registries is asked once, with the verdicts kept from earlier runs.
    fn memo(&self, registry: Registry) -> RegistryMemo {
        let verdicts = self.inner.verdicts.get_or_init(|| verdicts(&self.inner.options));
        RegistryMemo::new(registry, verdicts.clone())
    }

    fn with(options: OpenOptions, repo: GitRepo, journal: Journal) -> Self {
        Self {
            inner: Arc::new(Inner {
                journal,
                options,
                repo,
                scans: Arc::default(),
                facts: Arc::default(),
                references: BlobReferences::default(),
                clusters: ClusterClients::default(),
                forges: Forges::default(),
                others: OtherRepositories::default(),
                verdicts: OnceLock::new(),
                kept: Mutex::default(),
            }),
        }
    }

    /// The journal of writes.
    pub(super) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// The options it was opened with.
    pub(crate) fn options(&self) -> &OpenOptions {
        &self.inner.options
    }

    /// Reads git: the commit that counts and everything it says. Fetches the remote first unless told not to; a failed
    /// fetch is a notice, and the ledger is that of the last known remote-tracking commit.
    ///
    /// # Errors
    /// If repository, configuration or manifests cannot be read.
    pub async fn ledger(&self) -> Result<(Ledger, Fetch), Failure> {
        self.read_ledger(true, ScansBelieved::ReadHere).await
    }

    /// Why the last fetch failed, so that what was read since may be out of date.
    pub(crate) fn fetch_failure(&self) -> Option<Untrusted> {
        match &self.kept().fetch {
            Some(Fetch::Failed(_, error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// Notes that an answer may be out of date because the repository of an environment that it is about could not be
    /// fetched.
    pub(super) fn note_stale(&self, survey: &CommitSurvey, environment: &EnvId) {
        let fetch = &survey.checkout_of(environment).fetch;
        if matches!(fetch, Fetch::Failed(..)) {
            self.kept().fetch = Some(fetch.clone());
        }
    }

    /// The same as the last fetch left it: for questions about what is on screen already.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub(crate) async fn ledger_as_known(&self) -> Result<Ledger, Failure> {
        Ok(self.read_ledger(false, ScansBelieved::ReadHere).await?.0)
    }

    /// The same for a history that is shown: of what earlier runs scanned, too.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub(super) async fn ledger_to_show(&self, fetch: bool) -> Result<Ledger, Failure> {
        Ok(self.read_ledger(fetch, ScansBelieved::Kept).await?.0)
    }

    /// Scans with those of earlier runs, for what is shown and decides nothing.
    fn scans_to_show(&self) -> ScanCache {
        self.inner.facts.believed(&self.inner.scans, self.facts_of())
    }

    /// The same of the references of the past.
    pub(super) fn references_to_show(&self) -> BlobReferences {
        self.inner.facts.believed_past(&self.inner.references, self.facts_of())
    }

    fn facts_of(&self) -> FactsOf<'_> {
        FactsOf {
            options: &self.inner.options,
            repo: &self.inner.repo,
        }
    }

    /// Writes what was found out for later runs. Blocking.
    pub(super) fn save_facts(&self) {
        self.inner.facts.save();
    }

    async fn read_ledger(&self, fetch: bool, believed: ScansBelieved) -> Result<(Ledger, Fetch), Failure> {
        let this = self.clone();
        let work = move || {
            let fetched = if fetch { this.fetch()? } else { (Fetch::NotAsked, None) };
            let reader = this.reader(fetch);
            let ledger = match believed {
                ScansBelieved::ReadHere => ledger::read_with(&reader, &this.inner.scans)?,
                ScansBelieved::Kept => ledger::read_with(&reader, &this.scans_to_show())?,
            };
            let fetched = if fetch {
                this.settled(fetched, &ledger.checkouts)
            } else {
                Fetch::NotAsked
            };
            Ok((ledger, fetched))
        };
        blocking(work).await?
    }

    /// How other repositories are read: fetched first, unless told not to.
    pub(super) fn reader(&self, is_fetched: bool) -> RepositoryReader<'_> {
        let options = &self.inner.options;
        RepositoryReader {
            others: &self.inner.others,
            options,
            home: &self.inner.repo,
            here: None,
            is_fetched: is_fetched && !options.offline && !options.no_fetch,
        }
    }

    /// Fetches the remote, unless told not to. A failed fetch is no error: what was known before still is. Blocking.
    fn fetch(&self) -> Result<(Fetch, Option<FetchedRefs>), Failure> {
        let options = &self.inner.options;
        let mut fetched = (Fetch::NotAsked, None);
        if !options.offline
            && !options.no_fetch
            && let Some(remote) = self.inner.repo.remote()?
        {
            fetched = match self.inner.repo.fetch(&remote) {
                Ok(refs) => (Fetch::Fresh(Timestamp::now()), Some(refs)),
                Err(error) => (Fetch::Failed(Timestamp::now(), Failure::from(error).sentence()), None),
            };
        }
        let mut kept = self.kept();
        kept.fetch = Some(fetched.0.clone());
        kept.fetched.clone_from(&fetched.1);
        Ok(fetched)
    }

    /// What a fetch came to, now that the branches that count are known: one that is gone from the remote was not
    /// fetched. Blocking.
    fn settled(&self, (mut fetch, refs): (Fetch, Option<FetchedRefs>), checkouts: &Checkouts) -> Fetch {
        let Some(refs) = refs else { return fetch };
        for BranchCheckout { tip, .. } in checkouts.all().filter(|one| one.repository.is_none()) {
            if let Some(remote) = &tip.remote
                && let Err(error) = self.inner.repo.check_is_there(&refs, remote, &tip.branch)
            {
                fetch = Fetch::Failed(Timestamp::now(), Failure::from(error).sentence());
                self.kept().fetch = Some(fetch.clone());
            }
        }
        fetch
    }

    /// What the commit that counts says, for a board: as it was found out before, where nothing of it can have changed.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub(super) async fn survey(&self) -> Result<(SurveyedCommit, Fetch), Failure> {
        self.survey_after(true).await
    }

    /// The same, fetching the remote first or not.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub(super) async fn survey_after(&self, is_fetched: bool) -> Result<(SurveyedCommit, Fetch), Failure> {
        let this = self.clone();
        let work = move || {
            let fetched = if is_fetched {
                this.fetch()?
            } else {
                (Fetch::NotAsked, None)
            };
            let repo = &this.inner.repo;
            let policy = ledger::policy_at_tip(&this.reader(is_fetched))?;
            let fetched = this.settled(fetched, &policy.checkouts);
            let remote_url = |one: &BranchCheckout| one.repo.remote_url(one.tip.remote.as_deref()?);
            let surveyed: Vec<SurveyedRepository> = (policy.checkouts.all())
                .map(|one| SurveyedRepository {
                    remote_url: remote_url(one),
                    boundary: one.repo.cuts(),
                })
                .collect();
            let name = survey_cache::name(&policy, &surveyed);
            let is_whole = surveyed.iter().all(|one| one.boundary.is_empty());
            let known = this.kept().survey.clone().filter(|(known, _)| *known == name.digest());
            if let Some((_, mut kept)) = known {
                kept.survey.tip = policy.checkouts.home.tip.clone();
                kept.survey.checkouts = Arc::new(policy.checkouts);
                return Ok((SurveyedCommit::Kept(Box::new(kept)), fetched));
            }
            let holds = || ledger::holds_at(repo, &policy.checkouts.home.tip.commit);
            let kept = surveys(&this.inner.options).and_then(|cache| cache.get(&name, &policy, holds));
            let surveyed = match kept {
                Some(kept) => {
                    this.kept().survey = Some((name.digest(), kept.clone()));
                    SurveyedCommit::Kept(Box::new(kept))
                }
                None => {
                    let past = |(place, one): (usize, &BranchCheckout)| {
                        let url = remote_url(one);
                        (place, past_cache::name(&policy, &one.tip, url.as_deref()))
                    };
                    let all = policy.checkouts.all().enumerate();
                    let names = KeptNames {
                        survey: name,
                        pasts: all.filter(|_| is_whole).map(past).collect(),
                    };
                    let ledger = ledger::read_at(policy, &this.scans_to_show())?;
                    SurveyedCommit::Read(Box::new(ledger), names)
                }
            };
            Ok((surveyed, fetched))
        };
        blocking(work).await?
    }

    /// The registry client and the compiled trust profiles of a policy; kept while it is the same.
    pub(super) fn tools(&self, team: &Arc<TeamPolicy>) -> Result<(Registry, Arc<Trust>), Failure> {
        // A root that was refreshed since the last pass counts from this one.
        let refreshed = trusted_roots::refreshed(&self.inner.options, team);
        let mut kept = self.kept();
        if let Some((same, registry, trust)) = &kept.tools
            && **same == **team
            && *trust.refreshed() == refreshed
        {
            return Ok((registry.clone(), Arc::clone(trust)));
        }
        let (registry, trust) = tools(&self.inner.options, team)?;
        kept.tools = Some((Arc::clone(team), registry.clone(), Arc::clone(&trust)));
        Ok((registry, trust))
    }

    /// The trusted roots of the policy that was used last, for what is told about their age.
    pub(crate) fn roots_told(&self) -> Vec<RootInForce> {
        self.team_used()
            .map_or_else(Vec::new, |team| trusted_roots::in_force(&self.inner.options, &team))
    }

    /// The policy that was used last.
    pub(super) fn team_used(&self) -> Option<Arc<TeamPolicy>> {
        self.kept().tools.as_ref().map(|(team, ..)| Arc::clone(team))
    }

    /// A registry client that believes no cache: for what is judged right before it is written.
    pub(super) fn uncached(&self, team: &Arc<TeamPolicy>) -> Result<Registry, Failure> {
        Ok(Registry::new(Options {
            settings: team.registries.clone(),
            credentials: Credentials::from_environment(),
            cache: None,
            offline: self.inner.options.offline,
            memory: self
                .inner
                .options
                .state_dir
                .clone()
                .or_else(|| self.inner.options.cache_dir.clone()),
        })?)
    }

    /// The context of one question or one pass: every question is asked once in it.
    pub(super) fn context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (registry, trust) = self.tools(&ledger.team)?;
        Ok(Context::new(ledger, trust, self.memo(registry)))
    }

    /// The same of a survey, for a board.
    pub(super) fn survey_context(&self, surveyed: SurveyedCommit) -> Result<Context<SurveyedCommit>, Failure> {
        let (registry, trust) = self.tools(&surveyed.team)?;
        let (team, environments) = (Arc::clone(&surveyed.team), surveyed.environments.clone());
        let memo = self.memo(registry);
        Ok(Context::with(surveyed, team, environments, trust, memo))
    }

    /// The same, checking every signature anew: for what a person or a gate relies on now.
    pub(super) fn judging_context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (registry, trust) = self.tools(&ledger.team)?;
        Ok(Context::new(ledger, trust, RegistryMemo::new(registry, None)))
    }

    /// The same believing no cache: for what is judged right before it is written.
    pub(super) fn uncached_context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (_, trust) = self.tools(&ledger.team)?;
        let registry = self.uncached(&ledger.team)?;
        Ok(Context::new(ledger, trust, RegistryMemo::new(registry, None)))
    }

    /// The history of the pins, traced once per commit and policy. Blocking.
    pub(super) fn lineage(&self, surveyed: &SurveyedCommit) -> Result<Arc<Lineage>, Failure> {
        let (ledger, names) = match surveyed {
            SurveyedCommit::Kept(kept) => return Ok(Arc::clone(&kept.lineage)),
            SurveyedCommit::Read(ledger, names) => (ledger, names),
        };
        let cache = pasts(&self.inner.options);
        let known = |place: usize| cache.as_ref()?.get(names.pasts.get(&place)?);
        let (lineage, pasts) = lineage::trace_on(ledger, &self.references_to_show(), &known)?;
        let lineage = Arc::new(lineage);
        if let Some(cache) = surveys(&self.inner.options) {
            cache.put(&names.survey, ledger, &lineage);
        }
        for (place, past) in pasts {
            if let (Some(cache), Some(name)) = (&cache, names.pasts.get(&place)) {
                cache.put(name, &past);
            }
        }
        self.save_facts();
        let kept = KeptSurvey {
            survey: ledger.survey.clone(),
            lineage: Arc::clone(&lineage),
        };
        self.kept().survey = Some((names.survey.digest(), kept));
        Ok(lineage)
    }

    pub(super) fn kept(&self) -> std::sync::MutexGuard<'_, RefreshMemory> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The registry client and the compiled trust profiles of a policy.
pub(super) fn tools(options: &OpenOptions, team: &TeamPolicy) -> Result<(Registry, Arc<Trust>), Failure> {
    let cache = options
        .cache_dir
        .as_ref()
        .and_then(|dir| ContentCache::open(dir, options.cache_bytes).ok());
    let registry = Registry::new(Options {
        settings: team.registries.clone(),
        credentials: Credentials::from_environment(),
        cache,
        offline: options.offline,
        memory: options.state_dir.clone().or_else(|| options.cache_dir.clone()),
    })?;
    let refreshed = trusted_roots::refreshed(options, team);
    Ok((registry, Arc::new(Trust::with_roots(&team.trust, &refreshed)?)))
}

/// Runs blocking work on its own thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::bug)
}
