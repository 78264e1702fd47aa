//! Other repositories that environments lie in: each is found or cloned once, and fetched like the policy's own.
//!
//! Nobody's file makes this machine clone from, or push to, a place that the person has not approved
//! ([`crate::config::approval`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::board::Fetch;
use crate::domain::environment_repository::{EnvironmentRepository, RepositoryAddress};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::policy::{PolicySource, TeamPolicy};
use crate::domain::quoted;
use crate::sources::git::{FetchedRefs, GitRepo};

use super::options::OpenOptions;
use super::repository_place::{PlaceName, RepositoryPlace, add_to_approved, canonical};

/// Folder of the clones that pindeck makes for itself, in the cache.
pub(super) const FOLDER: &str = "repositories";

/// In a clone of our own: when it was fetched last.
const FETCHED: &str = "pindeck-fetched";

/// The other repositories of one engine, by their names: found once.
#[derive(Default)]
pub struct OtherRepositories(Mutex<BTreeMap<String, GitRepo>>);

impl OtherRepositories {
    fn known(&self, name: &str) -> Option<GitRepo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: &str, repo: &GitRepo) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), repo.clone());
    }
}

/// A repository that was read.
#[derive(Debug, Clone)]
pub(super) struct ReadRepository {
    /// Its name; `None` = it is that of the policy.
    pub name: Option<String>,
    /// The clone.
    pub repo: GitRepo,
    /// It is pindeck's own.
    pub is_ours: bool,
    /// Whether it was fetched first.
    pub fetch: Fetch,
    /// What the fetch said of its branches.
    pub refs: Option<FetchedRefs>,
}

/// How other repositories are come by.
pub(super) struct RepositoryReader<'a> {
    /// Those that were found before.
    pub others: &'a OtherRepositories,
    /// How the engine was opened.
    pub options: &'a OpenOptions,
    /// The repository of the policy.
    pub home: &'a GitRepo,
    /// Another one that somebody named by standing in it: it is read as it is here, and nobody has to approve it.
    pub here: Option<&'a GitRepo>,
    /// Whether they are fetched first, and cloned where they are not here yet.
    pub is_fetched: bool,
}

impl RepositoryReader<'_> {
    /// Reads each of several repositories once, all at the same time, by the addresses in the policy.
    pub(super) fn read_all<'r>(
        &self,
        repositories: impl Iterator<Item = &'r EnvironmentRepository>,
        source: &PolicySource,
    ) -> BTreeMap<String, Result<ReadRepository, Failure>> {
        let named: BTreeMap<&str, &EnvironmentRepository> =
            repositories.map(|one| (one.address.as_str(), one)).collect();
        std::thread::scope(|scope| {
            let started: Vec<_> = named
                .into_iter()
                .map(|(address, one)| (address, scope.spawn(move || self.read(one, source))))
                .collect();
            let ended = started.into_iter().map(|(address, work)| {
                let read = work
                    .join()
                    .unwrap_or_else(|_| Err(Failure::bug("reading a repository")));
                (address.to_owned(), read)
            });
            ended.collect()
        })
    }

    fn read(&self, repository: &EnvironmentRepository, source: &PolicySource) -> Result<ReadRepository, Failure> {
        let place = self.place_of(repository, source)?;
        let as_it_is = |repo: &GitRepo, name| ReadRepository {
            name,
            repo: repo.clone(),
            is_ours: false,
            fetch: Fetch::NotAsked,
            refs: None,
        };
        if place.is_of(self.home) {
            return Ok(as_it_is(self.home, None));
        }
        if let Some(here) = self.here.filter(|here| place.is_of(here)) {
            return Ok(as_it_is(here, Some(place.name)));
        }
        let (repo, is_new) = self.repo_of(&place)?;
        let name = Some(place.name.clone());
        let mut read = ReadRepository {
            name,
            repo,
            is_ours: place.is_ours(),
            fetch: Fetch::NotAsked,
            refs: None,
        };
        if !self.is_fetched {
            return Ok(read);
        }
        let Some(remote) = read.repo.remote()? else {
            return Ok(read);
        };
        let fetched = match (is_new, place.is_ours()) {
            (true, _) => Ok(None),
            (false, true) => read.repo.fetch_own().map(Some),
            (false, false) => read.repo.fetch(&remote).map(Some),
        };
        match fetched {
            Ok(refs) => {
                (read.fetch, read.refs) = (Fetch::Fresh(Timestamp::now()), refs);
                if place.is_ours() {
                    note_fetched(&read.repo);
                }
            }
            Err(error) => read.fetch = failed(&repository.address, &error.into(), last_fetched(&read.repo)),
        }
        Ok(read)
    }

    /// Whether a repository of the policy is this one, or the remote that it is fetched from.
    pub(super) fn is_of(&self, repo: &GitRepo, repository: &EnvironmentRepository, source: &PolicySource) -> bool {
        match self.place_of(repository, source) {
            Ok(place) => place.is_of(repo),
            Err(_) => PlaceName::of(&repository.address, &self.base(source)).is_of(repo),
        }
    }

    /// The folder that folders in the policy are relative to.
    fn base(&self, source: &PolicySource) -> PathBuf {
        let of_file = match source {
            PolicySource::File(file) => std::path::absolute(file).ok(),
            PolicySource::Commit(_) | PolicySource::None => None,
        };
        let of_file = of_file.and_then(|file| file.parent().map(Path::to_owned));
        let of_tree = || self.home.work_dir().unwrap_or(self.home.common_dir()).to_owned();
        // The links on the way to the policy are no links of the place.
        canonical(&of_file.unwrap_or_else(of_tree))
    }

    /// Where a repository of the policy is.
    ///
    /// # Errors
    /// If a file of a repository names it, and this person has not approved it: then nothing of it was looked at.
    fn place_of(&self, repository: &EnvironmentRepository, source: &PolicySource) -> Result<RepositoryPlace, Failure> {
        let name = PlaceName::of(&repository.address, &self.base(source));
        let is_known =
            !repository.by_repository || name.is_of(self.home) || self.here.is_some_and(|here| name.is_of(here));
        if is_known {
            return Ok(name.resolved());
        }
        let approved = &self.options.approved_repositories;
        name.check_approved(approved)?;
        let tree = self.home.work_dir().unwrap_or(self.home.common_dir());
        name.resolved_from(tree, approved)
    }

    /// Makes sure that a repository that a write was begun in may still be touched: the policy of now says so, or the person.
    ///
    /// # Errors
    /// In words that say what to do, if neither does.
    pub(super) fn check_approved_still(&self, name: &str, team: &TeamPolicy) -> Result<(), Failure> {
        for repository in team.environments.iter().filter_map(|one| one.repository.as_ref()) {
            match self.place_of(repository, &team.source) {
                Ok(place) if place.name == name => return Ok(()),
                Err(failure) if PlaceName::of(&repository.address, &self.base(&team.source)).name == name => {
                    return Err(failure);
                }
                Ok(_) | Err(_) => {}
            }
        }
        // The person's own word, which needs no policy.
        if self
            .options
            .approved_repositories
            .iter()
            .any(|approved| approved == name)
        {
            return Ok(());
        }
        let what = format!(
            "{} is neither named by the policy any more nor approved by you, so it is not asked",
            quoted(name)
        );
        Err(Failure::usage(what).hint(add_to_approved(name)))
    }

    /// The clone of a place, and whether it was made just now.
    fn repo_of(&self, place: &RepositoryPlace) -> Result<(GitRepo, bool), Failure> {
        if let Some(known) = known(self.others, place)? {
            return Ok((known, false));
        }
        let folder = place.folder.clone().unwrap_or_else(|| self.clone_folder(&place.name));
        let is_new = place.is_ours() && !folder.exists();
        if is_new {
            if !self.is_fetched {
                return Err(not_here(&place.name, self.options));
            }
            let made = GitRepo::clone_to(&place.name, &folder);
            made.map_err(|error| unreachable(&Failure::from(error), &place.name))?;
        }
        let found = GitRepo::at(&folder);
        let repo = match place.is_ours() {
            true => {
                let repo = found?;
                repo.check_as_made(&place.name)?;
                repo
            }
            // A folder that is not there now may be a disk that is not mounted: that is not an empty repository.
            false => found.map_err(|error| unreachable(&Failure::from(error), &place.name))?,
        };
        self.others.keep(&place.name, &repo);
        Ok((repo, is_new))
    }

    /// Where our own clone of a place is.
    fn clone_folder(&self, name: &str) -> PathBuf {
        clone_folder(self.options, self.home, name)
    }
}

/// The clone that a write was begun in, by the name of its repository: as it is known, without asking anybody.
///
/// # Errors
/// If it is not there any more.
pub(super) fn reopened(
    others: &OtherRepositories,
    options: &OpenOptions,
    home: &GitRepo,
    name: &str,
) -> Result<GitRepo, Failure> {
    let place = match name.starts_with('/') {
        // The name of a folder is its path, whatever stands in it.
        true => PlaceName::of_folder(Path::new(name)).resolved(),
        false => {
            let address = RepositoryAddress::parse(name);
            let address = address.map_err(|why| Failure::failed(format!("{} {why}", quoted(name))))?;
            PlaceName::of(&address, Path::new("/")).resolved()
        }
    };
    if let Some(known) = known(others, &place)? {
        return Ok(known);
    }
    let folder = place
        .folder
        .clone()
        .unwrap_or_else(|| clone_folder(options, home, name));
    if !folder.exists() && place.is_ours() {
        if options.offline {
            return Err(not_here(name, options));
        }
        let made = GitRepo::clone_to(name, &folder);
        made.map_err(|error| unreachable(&Failure::from(error), name))?;
    }
    let repo = GitRepo::at(&folder)?;
    if place.is_ours() {
        repo.check_as_made(name)?;
    }
    Ok(repo)
}

/// A clone that was found before. One of our own is looked at each time: a cockpit runs for days, and others write where it
/// lies, or take it away.
fn known(others: &OtherRepositories, place: &RepositoryPlace) -> Result<Option<GitRepo>, Failure> {
    let Some(known) = others.known(&place.name) else {
        return Ok(None);
    };
    if place.is_ours() {
        if !known.common_dir().exists() {
            return Ok(None);
        }
        known.check_as_made(&place.name)?;
    }
    Ok(Some(known))
}

fn clone_folder(options: &OpenOptions, home: &GitRepo, name: &str) -> PathBuf {
    let cache = options.cache_dir.clone();
    let cache = cache.unwrap_or_else(|| home.common_dir().join("pindeck"));
    cache.join(FOLDER).join(Digest::of(name.as_bytes()).hex())
}

/// A repository that could not be fetched: what is known of it is old.
pub(super) fn failed(address: &RepositoryAddress, failure: &Failure, known: Option<Timestamp>) -> Fetch {
    let known = known.map_or_else(String::new, |at| format!(" (it is shown as of {at})"));
    let words = format!("{}: {}{known}", quoted(address.as_str()), failure.sentence().raw());
    Fetch::Failed(Timestamp::now(), words.into())
}

/// Whatever git met on the way to a repository: nothing is known of it.
fn unreachable(failure: &Failure, name: &str) -> Failure {
    let kind = match failure.kind {
        kind @ (FailureKind::Denied | FailureKind::Usage) => kind,
        _ => FailureKind::Unreachable,
    };
    Failure {
        kind,
        ..failure.clone()
    }
    .within(format!("{} could not be read", quoted(name)))
}

fn not_here(name: &str, options: &OpenOptions) -> Failure {
    let what = format!("{} was never fetched here", quoted(name));
    match options.offline {
        true => Failure::new(FailureKind::NotChecked, what).hint("run it once without --offline"),
        false => Failure::unreachable(what).hint("`pindeck status` fetches it"),
    }
}

fn note_fetched(repo: &GitRepo) {
    let file = repo.common_dir().join(FETCHED);
    if let Err(error) = std::fs::write(&file, Timestamp::now().to_string()) {
        tracing::warn!(path = %file.display(), %error, "when it was fetched could not be noted");
    }
}

fn last_fetched(repo: &GitRepo) -> Option<Timestamp> {
    let text = std::fs::read_to_string(repo.common_dir().join(FETCHED)).ok()?;
    let at: Timestamp = text.trim().parse().ok()?;
    Timestamp::from_second(at.as_second()).ok()
}
