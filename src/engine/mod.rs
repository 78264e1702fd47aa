//! Uses the sources to answer domain questions. CLI and cockpit share it; neither can step around
//! what it decides.

pub mod assess;
pub mod cache;
pub mod candidate_lookup;
pub mod collect;
mod context;
pub mod diff;
pub mod history;
pub mod holds;
mod image_labels;
pub mod image_presence;
pub mod journal;
pub mod ledger;
pub mod lineage;
pub mod once_map;
pub mod pins;
pub mod refresh;
pub mod registry_memo;
pub mod release;
pub mod settings;
pub mod tag_journal;
mod vendored;
pub mod verdict_cache;
pub mod verify;
pub mod watch;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::board::{Board, Fetch, Update};
use crate::domain::drift::Drift;
use crate::domain::failure::Failure;
use crate::domain::policy::TeamPolicy;
use crate::domain::text::Untrusted;
use crate::sources::evidence::Trust;
use crate::sources::git::GitRepo;
use crate::sources::registry::{ContentCache, Credentials, Options, Registry};

use context::Context;
use journal::Journal;
use ledger::{Ledger, ScanCache};
use lineage::Lineage;
use registry_memo::RegistryMemo;
use verdict_cache::VerdictCache;

/// Folder of kept verdicts, in the cache.
const VERDICTS: &str = "verdicts";
/// Upper bound of kept verdicts.
const VERDICTS_KEPT: usize = 20_000;

/// How the engine is opened: the global flags and the user's settings.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Folder to look for the repository from.
    pub dir: PathBuf,
    /// Team policy outside the repository (`--config`).
    pub config: Option<PathBuf>,
    /// Registries for which a repository's own endpoint, CA and plain HTTP may be used with this
    /// user's credentials.
    pub approved_registries: Vec<String>,
    /// Ask no network at all.
    pub offline: bool,
    /// Do not fetch the remote first.
    pub no_fetch: bool,
    /// Refuse every write.
    pub read_only: bool,
    /// Folder of the disposable cache; `None` = keep nothing.
    pub cache_dir: Option<PathBuf>,
    /// Upper bound of the content cache, in bytes.
    pub cache_bytes: u64,
    /// Folder of what is remembered from run to run (tag moves); `None` = remember nothing.
    pub state_dir: Option<PathBuf>,
}

/// Answers questions about one GitOps repository. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    options: OpenOptions,
    repo: GitRepo,
    journal: Journal,
    scans: ScanCache,
    kept: Mutex<Kept>,
}

/// What stays true from one refresh to the next.
#[derive(Default)]
struct Kept {
    lineage: Option<(String, Arc<TeamPolicy>, Arc<Lineage>)>,
    tools: Option<(Arc<TeamPolicy>, Registry, Arc<Trust>)>,
    drift: Vec<Drift>,
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
    pub fn open_observed(options: OpenOptions, observer: journal::Observer) -> Result<Self, Failure> {
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
                kept: Mutex::default(),
            }),
        }
    }

    /// The journal of writes.
    fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// The options it was opened with.
    pub fn options(&self) -> &OpenOptions {
        &self.inner.options
    }

    /// Reads git: tip, policy, pins, holds. Fetches the remote first unless told not to; a failed
    /// fetch is a notice, and the ledger is that of the last known remote-tracking commit.
    ///
    /// # Errors
    /// If repository, configuration or manifests cannot be read.
    pub async fn ledger(&self) -> Result<(Ledger, Fetch), Failure> {
        self.read_ledger(true).await
    }

    /// Why the last fetch failed, so that what was read since may be out of date.
    pub fn fetch_failure(&self) -> Option<Untrusted> {
        match &self.kept().fetch {
            Some(Fetch::Failed(_, error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// The same as the last fetch left it: for questions about what is on screen already.
    ///
    /// # Errors
    /// As [`Engine::ledger`].
    pub async fn ledger_as_known(&self) -> Result<Ledger, Failure> {
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

    /// The text of a first `pindeck.toml` (`pindeck init`): environments, services and pins as found at
    /// the commit that counts, without looking at a configuration that may be there already. Nothing
    /// is fetched and nothing written. The text parses and validates against the same commit.
    ///
    /// # Errors
    /// If git cannot be read.
    pub async fn first_configuration(&self) -> Result<String, Failure> {
        let this = self.clone();
        blocking(move || ledger::first_configuration(&this.inner.repo, &this.inner.scans)).await?
    }

    /// The registry client and the compiled trust profiles of a policy; kept while it is the same.
    fn tools(&self, team: &Arc<TeamPolicy>) -> Result<(Registry, Arc<Trust>), Failure> {
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
    fn uncached(&self, team: &Arc<TeamPolicy>) -> Result<Registry, Failure> {
        Ok(Registry::new(Options {
            settings: team.registries.clone(),
            credentials: Credentials::from_environment(),
            cache: None,
            offline: self.inner.options.offline,
            memory: remembered(&self.inner.options),
        })?)
    }

    /// The context of one question or one pass: every question is asked once in it.
    fn context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (registry, trust) = self.tools(&ledger.team)?;
        Ok(Context::new(ledger, trust, memo(&self.inner.options, registry)))
    }

    /// The same, checking every signature anew: for what a person or a gate relies on now.
    fn judging_context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (registry, trust) = self.tools(&ledger.team)?;
        Ok(Context::new(ledger, trust, RegistryMemo::new(registry, None)))
    }

    /// The same believing no cache: for what is judged right before it is written.
    fn uncached_context(&self, ledger: Ledger) -> Result<Context, Failure> {
        let (_, trust) = self.tools(&ledger.team)?;
        let registry = self.uncached(&ledger.team)?;
        Ok(Context::new(ledger, trust, RegistryMemo::new(registry, None)))
    }

    /// The history of the pins, traced once per commit and policy. Blocking.
    fn lineage(&self, ledger: &Ledger) -> Result<Arc<Lineage>, Failure> {
        if let Some((commit, team, known)) = &self.kept().lineage
            && *commit == ledger.tip.commit
            && **team == *ledger.team
        {
            return Ok(Arc::clone(known));
        }
        let traced = Arc::new(lineage::trace(&self.inner.repo, ledger, &self.inner.scans)?);
        self.kept().lineage = Some((ledger.tip.commit.clone(), Arc::clone(&ledger.team), Arc::clone(&traced)));
        Ok(traced)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One whole pass, folded into a board.
    ///
    /// # Errors
    /// As [`Engine::refresh`].
    pub async fn board(&self) -> Result<Board, Failure> {
        let (tx, mut rx) = mpsc::channel(256);
        let this = self.clone();
        let pass = tokio::spawn(async move { this.refresh(tx).await });
        let mut board = Board::default();
        while let Some(update) = rx.recv().await {
            board.apply(update);
        }
        pass.await.map_err(|e| Failure::bug(e))??;
        Ok(board)
    }

    /// One whole pass: streams everything found out, as it is found out.
    ///
    /// # Errors
    /// If git or the configuration cannot be read. What single registries do not answer is part of
    /// the stream, not an error.
    pub async fn refresh(&self, tx: mpsc::Sender<Update>) -> Result<(), Failure> {
        refresh::run(self, tx).await
    }
}

/// Where registries' ways are remembered from run to run.
fn remembered(options: &OpenOptions) -> Option<PathBuf> {
    options.state_dir.clone().or_else(|| options.cache_dir.clone())
}

/// The registry client and the compiled trust profiles of a policy.
fn tools(options: &OpenOptions, team: &TeamPolicy) -> Result<(Registry, Arc<Trust>), Failure> {
    let cache = options
        .cache_dir
        .as_ref()
        .and_then(|dir| ContentCache::open(dir, options.cache_bytes).ok());
    let registry = Registry::new(Options {
        settings: team.registries.clone(),
        credentials: Credentials::from_environment(),
        cache,
        offline: options.offline,
        memory: remembered(options),
    })?;
    Ok((registry, Arc::new(Trust::new(&team.trust)?)))
}

/// A memo: one pass in which every question is asked once.
fn memo(options: &OpenOptions, registry: Registry) -> RegistryMemo {
    let verdicts = options.cache_dir.as_ref().map(|dir| dir.join(VERDICTS));
    RegistryMemo::new(registry, verdicts.map(|dir| VerdictCache::new(dir, VERDICTS_KEPT)))
}

/// Runs blocking work on its own thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::bug(e))
}
