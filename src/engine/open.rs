//! The engine as it is opened on one repository: what it keeps from question to question, and the contexts that
//! questions are answered in.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::board::Fetch;
use crate::domain::drift::Drift;
use crate::domain::failure::Failure;
use crate::domain::policy::TeamPolicy;
use crate::domain::text::Untrusted;
use crate::sources::evidence::{SealKey, Trust};
use crate::sources::git::GitRepo;
use crate::sources::registry::{ContentCache, Credentials, Options, Registry};

use super::context::Context;
use super::journal::{Journal, Observer};
use super::ledger::{self, Ledger, ScanCache};
use super::lineage::{self, Lineage};
use super::options::OpenOptions;
use super::pin_states::BlobReferences;
use super::registry_memo::RegistryMemo;
use super::verdict_cache::{FOLDER as VERDICTS, VerdictCache};

/// Upper bound of kept verdicts.
const VERDICTS_KEPT: usize = 20_000;
/// File of the key that kept verdicts are sealed under, in the state folder.
const VERDICT_KEY: &str = "verdict-key";

/// Answers questions about one GitOps repository. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    options: OpenOptions,
    pub(super) repo: GitRepo,
    journal: Journal,
    pub(super) scans: ScanCache,
    pub(super) references: BlobReferences,
    kept: Mutex<RefreshMemory>,
}

/// What stays true from one refresh to the next.
#[derive(Default)]
pub(super) struct RefreshMemory {
    lineage: Option<(String, Arc<TeamPolicy>, Arc<Lineage>)>,
    tools: Option<(Arc<TeamPolicy>, Registry, Arc<Trust>)>,
    pub(super) drift: Vec<Drift>,
    /// How the last fetch ended.
    fetch: Option<Fetch>,
}

impl Engine {
    /// Finds the repository. Nothing is read yet.
    ///
    /// # Errors
    /// If there is no usable repository at or above `dir`.
    pub fn open(options: OpenOptions) -> Result<Self, Failure> {
        let repo = GitRepo::discover(&options.dir)?;
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

    fn with(options: OpenOptions, repo: GitRepo, journal: Journal) -> Self {
        Self {
            inner: Arc::new(Inner {
                journal,
                options,
                repo,
                scans: ScanCache::default(),
                references: BlobReferences::default(),
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
        self.read_ledger(true).await
    }

    /// Why the last fetch failed, so that what was read since may be out of date.
    pub(crate) fn fetch_failure(&self) -> Option<Untrusted> {
        match &self.kept().fetch {
            Some(Fetch::Failed(_, error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// The same as the last fetch left it: for questions about what is on screen already.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub(crate) async fn ledger_as_known(&self) -> Result<Ledger, Failure> {
        Ok(self.read_ledger(false).await?.0)
    }

    async fn read_ledger(&self, fetch: bool) -> Result<(Ledger, Fetch), Failure> {
        let this = self.clone();
        let work = move || {
            let options = &this.inner.options;
            let mut fetched = Fetch::NotAsked;
            if fetch
                && !options.offline
                && !options.no_fetch
                && let Some(remote) = this.inner.repo.remote()?
            {
                fetched = match this.inner.repo.fetch(&remote) {
                    Ok(()) => Fetch::Fresh(Timestamp::now()),
                    Err(error) => Fetch::Failed(Timestamp::now(), Failure::from(error).sentence()),
                };
            }
            let mut ledger = ledger::read(&this.inner.repo, options, &this.inner.scans)?;
            if let Fetch::Failed(_, error) = &fetched {
                let notice = format!("not fetched, showing what was known before: {}", error.raw());
                ledger.notices.push(notice.into());
            }
            if fetch {
                this.kept().fetch = Some(fetched.clone());
            }
            Ok((ledger, fetched))
        };
        blocking(work).await?
    }

    /// The registry client and the compiled trust profiles of a policy; kept while it is the same.
    pub(super) fn tools(&self, team: &Arc<TeamPolicy>) -> Result<(Registry, Arc<Trust>), Failure> {
        let mut kept = self.kept();
        if let Some((same, registry, trust)) = &kept.tools
            && **same == **team
        {
            return Ok((registry.clone(), Arc::clone(trust)));
        }
        let (registry, trust) = tools(&self.inner.options, team)?;
        kept.tools = Some((Arc::clone(team), registry.clone(), Arc::clone(&trust)));
        Ok((registry, trust))
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
        Ok(Context::new(ledger, trust, memo(&self.inner.options, registry)))
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
    pub(super) fn lineage(&self, ledger: &Ledger) -> Result<Arc<Lineage>, Failure> {
        if let Some((commit, team, known)) = &self.kept().lineage
            && *commit == ledger.tip.commit
            && **team == *ledger.team
        {
            return Ok(Arc::clone(known));
        }
        let traced = Arc::new(lineage::trace(&self.inner.repo, ledger, &self.inner.references)?);
        self.kept().lineage = Some((ledger.tip.commit.clone(), Arc::clone(&ledger.team), Arc::clone(&traced)));
        Ok(traced)
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
    Ok((registry, Arc::new(Trust::new(&team.trust)?)))
}

/// A memo in which every question to the registries is asked once, with the verdicts kept from earlier runs.
fn memo(options: &OpenOptions, registry: Registry) -> RegistryMemo {
    RegistryMemo::new(registry, verdicts(options))
}

/// Runs blocking work on its own thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::bug)
}

/// The verdicts kept from earlier runs; `None` where there is no place for them, or none for the key that tells
/// ours from what another program wrote.
fn verdicts(options: &OpenOptions) -> Option<VerdictCache> {
    let (cache, state) = (options.cache_dir.as_ref()?, options.state_dir.as_ref()?);
    let path = state.join(VERDICT_KEY);
    let key = SealKey::of_file(&path).inspect_err(
        |error| tracing::warn!(path = %path.display(), %error, "no verdicts are kept: the key cannot be used"),
    );
    Some(VerdictCache::new(cache.join(VERDICTS), key.ok()?, VERDICTS_KEPT))
}
