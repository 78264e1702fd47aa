//! Git as the ledger: tip, policy, pins and holds of one commit. Blocking.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ConfigError, approval, files, team, user};
use crate::domain::board::Hold;
use crate::domain::failure::Failure;
use crate::domain::id::ServiceId;
use crate::domain::pin::Unmanaged;
use crate::domain::policy::{Environment, PolicySource, TeamPolicy};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::git::manifest::{self, DetectionRule, Found, Scan};
use crate::sources::git::{FileOwner, GitError, GitRepo, Tip, TreeFile, owner_of};

use super::effective::{self, Effective, ScannedCommit};
use super::holds;
use super::named_scans;
use super::options::OpenOptions;
use super::pins::{EnvironmentPaths, Grouped, Naming, group, naming};
use super::survey::CommitSurvey;
use super::vendored;

/// Name of the team's file at the repository's root.
pub(crate) const TEAM_FILE: &str = "pindeck.toml";
/// Manifests larger than this are not read (they are reported).
pub(crate) const FILE_CAP: u64 = 16 << 20;

/// Files that make up a policy and are larger than this are an error.
const POLICY_CAP: u64 = 4 << 20;

/// Scans by (path, blob): a second look touches changed files only.
#[derive(Default)]
pub struct ScanCache(Mutex<HashMap<(String, String), Arc<Scan>>>);

impl ScanCache {
    /// The scan of one file, from the cache or made now; `None` where there is nothing to read.
    pub(crate) fn scan(
        &self,
        path: &str,
        oid: &str,
        read: impl FnOnce() -> Result<Option<Vec<u8>>, Failure>,
    ) -> Result<Option<Arc<Scan>>, Failure> {
        let key = (path.to_owned(), oid.to_owned());
        if let Some(known) = self.lock().get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(bytes) = read()? else { return Ok(None) };
        let made = Arc::new(manifest::scan(path, &bytes));
        self.lock().insert(key, Arc::clone(&made));
        Ok(Some(made))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Arc<Scan>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything one commit says, with what it was read from.
#[derive(Clone)]
pub struct Ledger {
    /// What it says.
    pub survey: CommitSurvey,
    /// What its files contain.
    pub commit: Arc<ScannedCommit>,
    /// The references of the commit as they are deployed.
    pub effective: Arc<Effective>,
    /// Services of places whose text alone does not tell them: by file and entry.
    pub services_by_place: Arc<BTreeMap<(String, String), ServiceId>>,
    /// Path patterns that match no file; each is among the notices too.
    pub unmatched: Vec<ConfigError>,
}

impl Deref for Ledger {
    type Target = CommitSurvey;

    fn deref(&self) -> &CommitSurvey {
        &self.survey
    }
}

impl Ledger {
    /// The service that a reference of a file belongs to, today or in the past: by its place where other files decide
    /// what it is, else by its text.
    pub(crate) fn service_of(&self, file: &str, found: &Found) -> Option<&ServiceId> {
        let entry = effective::entry(&found.yaml_path);
        self.service_at(
            file,
            &entry,
            found.repository.as_ref(),
            found.tag.as_deref(),
            found.digest.is_some(),
            found.rule,
        )
    }

    /// The same of the parts of a reference: its entry, repository, tag, whether it has a digest, and the rule that
    /// found it.
    pub(crate) fn service_at(
        &self,
        file: &str,
        entry: &str,
        repository: Option<&Repository>,
        tag: Option<&str>,
        has_digest: bool,
        rule: DetectionRule,
    ) -> Option<&ServiceId> {
        if !self.services_by_place.is_empty()
            && let Some(known) = self.services_by_place.get(&(file.to_owned(), entry.to_owned()))
        {
            return Some(known);
        }
        self.naming.pinned_service(repository?, tag, has_digest, rule).ok()
    }
}

/// Reads tip, policy, pins and holds.
///
/// # Errors
/// If the repository, the branch, the configuration or a blob cannot be read.
pub fn read(repo: &GitRepo, options: &OpenOptions, scans: &ScanCache) -> Result<Ledger, Failure> {
    read_at(repo, policy_at_tip(repo, options)?, scans)
}

/// The commit that counts and the policy in force there, before anything else is read.
pub(super) struct PolicyAtTip {
    /// The commit and its branch.
    pub tip: Tip,
    /// The policy in force.
    pub team: TeamPolicy,
    /// Its text; empty where there is none.
    pub text: String,
}

/// Reads tip and policy.
///
/// # Errors
/// If the repository, the branch or the configuration cannot be read.
pub(super) fn policy_at_tip(repo: &GitRepo, options: &OpenOptions) -> Result<PolicyAtTip, Failure> {
    let mut tip = repo.tip(None)?;
    let (mut team, mut text) = team_policy(repo, &tip.commit, options)?;
    if let Some(branch) = team.branch.clone()
        && branch != tip.branch
    {
        tip = repo.tip(Some(&branch))?;
        (team, text) = team_policy(repo, &tip.commit, options)?;
    }
    Ok(PolicyAtTip { tip, team, text })
}

/// The same as if there were no configuration at all.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_unconfigured(repo: &GitRepo, scans: &ScanCache) -> Result<Ledger, Failure> {
    let unconfigured = PolicyAtTip {
        tip: repo.tip(None)?,
        team: TeamPolicy::default(),
        text: String::new(),
    };
    read_at(repo, unconfigured, scans)
}

/// Reads pins and holds under a policy that was read.
///
/// # Errors
/// If the repository or a blob cannot be read.
pub(super) fn read_at(repo: &GitRepo, policy: PolicyAtTip, scans: &ScanCache) -> Result<Ledger, Failure> {
    let PolicyAtTip { tip, team, text } = policy;
    let listing = repo.list(&tip.commit)?;
    let files = Arc::new(listing.files);
    let unmatched = unmatched(&team, &text, &files);
    let mut notices: Vec<Untrusted> = unmatched.iter().map(|p| p.to_string().into()).collect();
    let mut commit = scan_all(repo, tip.remote.as_deref(), &files, scans, &mut notices)?;
    commit.links = Arc::new(listing.links);
    let environments = environments(&team, &commit);
    let (effective, naming, grouped) = pins(&commit, &team, &environments);
    let services_by_place = services_by_place(&commit, &naming, &grouped);
    let survey = CommitSurvey {
        holds: holds_at(repo, &tip.commit),
        tip,
        team: Arc::new(team),
        environments,
        naming,
        grouped,
        notices,
    };
    Ok(Ledger {
        survey,
        services_by_place: Arc::new(services_by_place),
        commit: Arc::new(commit),
        effective: Arc::new(effective),
        unmatched,
    })
}

/// The holds of a commit, or why they cannot be read.
pub(super) fn holds_at(repo: &GitRepo, commit: &str) -> Result<Vec<Hold>, Untrusted> {
    holds::read(repo, commit).map_err(|error| Untrusted::new(error.to_string()))
}

/// Path patterns that match nothing: a typing error would hide an environment's pins.
fn unmatched(team: &TeamPolicy, text: &str, files: &[TreeFile]) -> Vec<ConfigError> {
    let file = match &team.source {
        PolicySource::File(name) => name.as_str(),
        _ => TEAM_FILE,
    };
    let paths: Vec<String> = files.iter().map(|f| f.path.clone()).collect();
    crate::config::check::unmatched_paths(team, text, file, &paths)
}

/// Configured environments, else inferred ones.
fn environments(team: &TeamPolicy, commit: &ScannedCommit) -> Vec<Environment> {
    if !team.environments.is_empty() {
        return team.environments.clone();
    }
    let deployments = effective::deploying_files(commit);
    let files: Vec<String> = commit.files.iter().map(|file| file.path.clone()).collect();
    crate::config::infer::environments(&deployments, &files)
}

fn scan_all(
    repo: &GitRepo,
    remote: Option<&str>,
    files: &Arc<Vec<TreeFile>>,
    scans: &ScanCache,
    notices: &mut Vec<Untrusted>,
) -> Result<ScannedCommit, Failure> {
    let mut commit = ScannedCommit {
        files: Arc::clone(files),
        remote_url: remote.and_then(|remote| repo.remote_url(remote)),
        ..ScannedCommit::default()
    };
    let blobs = repo.blobs()?;
    let mut scan = |file: &TreeFile| -> Result<Option<Arc<manifest::Scan>>, Failure> {
        // Not every reader knows a size before it has the bytes.
        let is_small = |bytes: &[u8]| bytes.len() as u64 <= FILE_CAP;
        match file.size {
            Some(size) if size > FILE_CAP => Ok(None),
            _ => scans.scan(&file.path, &file.oid, || Ok(blobs.read_if(&file.oid, &is_small)?)),
        }
    };
    for file in files.iter().filter(|f| manifest::is_manifest(&f.path)) {
        if let Some(scan) = scan(file)? {
            commit.scans.insert(file.path.clone(), scan);
        } else {
            notices.push(format!("{} is larger than {} MiB and was not read", file.path, FILE_CAP >> 20).into());
        }
    }
    named_scans::add(&mut commit, files, &mut scan)?;
    commit.copied = vendored::copied_files(files, &commit.scans);
    Ok(commit)
}

/// Another commit of the same repository, as it is rendered for the environments of this ledger. Its own policy is not
/// looked at.
///
/// # Errors
/// If the commit or a blob cannot be read.
pub(super) fn rendered(
    repo: &GitRepo,
    commit: &str,
    (ledger, environments): (&Ledger, &[Environment]),
    scans: &ScanCache,
) -> Result<(ScannedCommit, Effective), Failure> {
    let listing = repo.list(commit)?;
    let files = Arc::new(listing.files);
    let mut commit = scan_all(repo, ledger.tip.remote.as_deref(), &files, scans, &mut Vec::new())?;
    commit.links = Arc::new(listing.links);
    let effective = effective::render(&commit, environments);
    Ok((commit, effective))
}

/// Renders what was scanned and groups it into pins.
fn pins(commit: &ScannedCommit, team: &TeamPolicy, environments: &[Environment]) -> (Effective, Naming, Grouped) {
    let effective = effective::render(commit, environments);
    let naming = naming(&effective.references, team, environments);
    let grouped = grouped(commit, &effective, &naming, (team, environments));
    (effective, naming, grouped)
}

/// The pins of a rendered commit, and everything that is seen and not managed.
pub(super) fn grouped(
    commit: &ScannedCommit,
    effective: &Effective,
    naming: &Naming,
    (team, environments): (&TeamPolicy, &[Environment]),
) -> Grouped {
    let mut grouped = group(&effective.references, naming, team, environments);
    grouped.unmanaged.extend(effective.unmanaged.iter().cloned());
    // A placeholder that renders replace, or a digest whose image other values name, is accounted for.
    let is_settled = |one: &&Unmanaged| effective.settled.contains(&(one.file.clone(), one.line));
    let seen = commit.scans.values().flat_map(|scan| &scan.unmanaged);
    grouped.unmanaged.extend(seen.filter(|one| !is_settled(one)).cloned());
    grouped.unmanaged.extend(vendored::unmanaged(commit));
    grouped.unmanaged.extend(unread(commit, environments));
    grouped
}

/// Files of environments that may name images and are not read, or only in part.
fn unread(commit: &ScannedCommit, environments: &[Environment]) -> Vec<Unmanaged> {
    let paths = EnvironmentPaths::new(environments);
    let mut out = Vec::new();
    for file in commit.files.iter().map(|file| file.path.as_str()) {
        let language = [
            (".jsonnet", "Jsonnet"),
            (".libsonnet", "Jsonnet"),
            (".cue", "CUE"),
            (".tf", "Terraform"),
        ];
        let language = language
            .iter()
            .find(|(end, _)| file.ends_with(end))
            .map(|(_, name)| *name);
        let problem = commit.scans.get(file).and_then(|scan| scan.problem.as_ref());
        let reason = match (language, problem) {
            (Some(language), _) => format!("{language} is not read: the images that it names are not known"),
            (None, Some(problem)) => format!("the file could not be read, or only in part: {problem}"),
            (None, None) => continue,
        };
        if paths.of(file).next().is_some() {
            out.push(Unmanaged {
                file: file.to_owned(),
                line: 1,
                text: file.rsplit('/').next().unwrap_or(file).into(),
                reason,
            });
        }
    }
    out
}

/// Places whose text alone tells another service than the one that is deployed, or none.
fn services_by_place(
    commit: &ScannedCommit,
    naming: &Naming,
    grouped: &Grouped,
) -> BTreeMap<(String, String), ServiceId> {
    let mut out = BTreeMap::new();
    // The references of each file by their paths in it; of several, the first.
    let mut known: HashMap<&str, HashMap<&str, &Found>> = HashMap::new();
    let pins = grouped.services.iter().flat_map(|(_, _, pins)| pins);
    for (pin, location) in pins.flat_map(|pin| pin.deciding().map(move |location| (pin, location))) {
        let in_file = known.entry(&location.file).or_insert_with(|| {
            let mut by_path = HashMap::new();
            for found in commit.scans.get(&location.file).into_iter().flat_map(|scan| scan.all()) {
                by_path.entry(found.yaml_path.as_str()).or_insert(found);
            }
            by_path
        });
        let Some(found) = in_file.get(location.yaml_path.as_str()) else {
            continue;
        };
        let (tag, has_digest) = (found.tag.as_deref(), found.digest.is_some());
        let by_text = found
            .repository
            .as_ref()
            .and_then(|image| naming.pinned_service(image, tag, has_digest, found.rule).ok());
        if by_text != Some(&pin.target.service) {
            let place = (location.file.clone(), effective::entry(&location.yaml_path));
            out.insert(place, pin.target.service.clone());
        }
    }
    out
}

/// The team policy and its text: the file named by `--config`, else the commit's own, else none.
pub(super) fn team_policy(
    repo: &GitRepo,
    commit: &str,
    options: &OpenOptions,
) -> Result<(TeamPolicy, String), Failure> {
    match &options.config {
        Some(file) => team_of_file(file, &options.approved_registries),
        None => team_of_commit(repo, commit, &options.approved_registries, &|_| {}),
    }
}

/// The team policy of a commit's own file, and its text; of every file that it names, `named` is told.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(super) fn team_of_commit(
    repo: &GitRepo,
    commit: &str,
    approved: &[String],
    named: &dyn Fn(&str),
) -> Result<(TeamPolicy, String), Failure> {
    let Some(bytes) = policy_bytes(repo, commit, TEAM_FILE)? else {
        return Ok((TeamPolicy::default(), String::new()));
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(TEAM_FILE, "it is not UTF-8"))?;
    let read = |path: &str| {
        named(path);
        let found = policy_bytes(repo, commit, path).map_err(io::Error::other)?;
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file in this commit"))
    };
    let mut team = team::load(&text, TEAM_FILE, &read, PolicySource::Commit(commit.to_owned()))?;
    approval::settle(&mut team, approved);
    Ok((team, text))
}

/// A file of the policy at a commit, if it is there.
fn policy_bytes(repo: &GitRepo, commit: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
    let Some(blob) = repo.entry(commit, path)?.regular(path)? else {
        return Ok(None);
    };
    let is_small = |bytes: &[u8]| bytes.len() as u64 <= POLICY_CAP;
    let bytes = match repo.blob_size(&blob) {
        Some(size) if size > POLICY_CAP => None,
        _ => repo.blobs()?.read_if(&blob, &is_small)?,
    };
    let too_large = || GitError::Object {
        what: path.to_owned(),
        detail: format!("it is larger than {} MiB", POLICY_CAP >> 20),
    };
    bytes.map(Some).ok_or_else(too_large)
}

/// The team policy of a file that the user named, and its text. Whose word it is depends on where it lies:
/// a file of any repository says nothing about who gets the user's credentials, unless that is `approved`.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(crate) fn team_of_file(file: &Path, approved: &[String]) -> Result<(TeamPolicy, String), Failure> {
    let shown = file.display().to_string();
    match owner_of(file, user::config_dir().as_deref()).map_err(|error| unreadable(&shown, error))? {
        FileOwner::Person => {
            let folder = file.parent().map(PathBuf::from).unwrap_or_default();
            let bytes = files::read_own(file).map_err(|error| unreadable(&shown, error))?;
            team_of_bytes(bytes, &shown, &|path| files::read_own(&folder.join(path)))
        }
        FileOwner::Repository { top, inside } => {
            let (mut team, text) = team_of_working_tree(&top, &inside, &shown)?;
            approval::settle(&mut team, approved);
            Ok((team, text))
        }
        FileOwner::LinkInRepository { link } => Err(unreadable(
            &shown,
            format!(
                "the way to it leads over {}, a symbolic link of a working tree",
                link.display()
            ),
        )),
    }
}

/// The team policy of a file of a working tree, and its text: links are not followed, and nothing outside
/// the tree is read.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(crate) fn team_of_working_tree(top: &Path, inside: &Path, shown: &str) -> Result<(TeamPolicy, String), Failure> {
    let bytes = files::read_below(top, inside).map_err(|error| unreadable(shown, error))?;
    let folder = inside.parent().map(PathBuf::from).unwrap_or_default();
    team_of_bytes(bytes, shown, &|path| files::read_below(top, &joined(&folder, path)?))
}

fn team_of_bytes(
    bytes: Vec<u8>,
    shown: &str,
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<(TeamPolicy, String), Failure> {
    let text = String::from_utf8(bytes).map_err(|_| unreadable(shown, "it is not UTF-8"))?;
    let team = team::load(&text, shown, read, PolicySource::File(shown.to_owned()))?;
    Ok((team, text))
}

/// A path relative to a folder of a working tree, as a path below the top.
fn joined(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let mut whole = folder.to_owned();
    for part in Path::new(path).components() {
        let inside = match part {
            Component::Normal(name) => {
                whole.push(name);
                true
            }
            Component::CurDir => true,
            Component::ParentDir => whole.pop(),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !inside {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it leads out of the repository",
            ));
        }
    }
    Ok(whole)
}

/// A team policy that cannot be read.
fn unreadable(file: &str, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{file} cannot be read: {why}")).hint("name a readable file with --config")
}
