//! Git as the ledger: tip, policy, pins and holds of one commit. Blocking.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use crate::config::ConfigError;
use crate::domain::board::Hold;
use crate::domain::failure::Failure;
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::pin::Unmanaged;
use crate::domain::policy::{Environment, PolicySource, TeamPolicy};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::git::manifest::{self, DetectionRule, Found};
use crate::sources::git::{GitRepo, Tip, TreeFile};

use super::checkout::{BranchCheckout, Checkouts};
use super::effective::{self, Effective, EffectiveReference, ScannedCommit};
use super::file_scans::{FILE_CAP, ScanCache};
use super::holds;
use super::named_scans;
use super::options::OpenOptions;
use super::other_repositories::{OtherRepositories, RepositoryReader};
use super::pins::{EnvironmentPaths, Grouped, Naming, group, naming};
use super::survey::CommitSurvey;
use super::team_file::{TEAM_FILE, team_policy};
use super::vendored;

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
    /// What each branch contains that counts, this one too, in the order of [`Checkouts::all`].
    branches: Arc<Vec<ReadBranch>>,
}

/// What the files of one branch contain.
struct ReadBranch {
    commit: Arc<ScannedCommit>,
    effective: Arc<Effective>,
    services_by_place: Arc<BTreeMap<(String, String), ServiceId>>,
}

impl Deref for Ledger {
    type Target = CommitSurvey;

    fn deref(&self) -> &CommitSurvey {
        &self.survey
    }
}

impl Ledger {
    /// The same for the branch that an environment is read from: pins, policy and holds are those of all, the commit
    /// and its files those of that branch.
    ///
    /// # Errors
    /// If that branch could not be read: what is in it is not known, and not nothing.
    pub(crate) fn of(&self, environment: &EnvId) -> Result<Cow<'_, Self>, Failure> {
        self.checkouts.check_read(environment)?;
        let known = self.environments.iter().find(|known| known.name == *environment);
        let place = known.and_then(|known| self.checkouts.place_of(known));
        Ok(self.on(place.unwrap_or(0)).unwrap_or(Cow::Borrowed(self)))
    }

    /// The same for the branch of the policy.
    pub(crate) fn at_home(&self) -> Cow<'_, Self> {
        self.on(0).unwrap_or(Cow::Borrowed(self))
    }

    /// The same for each branch, that of the policy first.
    pub(crate) fn on_each(&self) -> impl Iterator<Item = Cow<'_, Self>> {
        (0..self.branches.len()).filter_map(|place| self.on(place))
    }

    /// What the other branches contain.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = (&BranchCheckout, &ScannedCommit)> {
        let all = self.checkouts.all().zip(self.branches.iter()).enumerate();
        let others = all.filter(|(place, _)| *place != self.place);
        others.map(|(_, (checkout, read))| (checkout, &*read.commit))
    }

    /// The same for the branch at a place; `None` = there is none.
    pub(crate) fn on(&self, place: usize) -> Option<Cow<'_, Self>> {
        if self.place == place {
            return Some(Cow::Borrowed(self));
        }
        let read = self.branches.get(place)?;
        Some(Cow::Owned(Self {
            survey: CommitSurvey {
                tip: self.checkouts.at(place).tip.clone(),
                place,
                ..self.survey.clone()
            },
            commit: Arc::clone(&read.commit),
            effective: Arc::clone(&read.effective),
            services_by_place: Arc::clone(&read.services_by_place),
            unmatched: self.unmatched.clone(),
            branches: Arc::clone(&self.branches),
        }))
    }

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

/// Reads tips, policy, pins and holds.
///
/// # Errors
/// If the repository, the branch, the configuration or a blob cannot be read.
pub fn read(repo: &GitRepo, options: &OpenOptions, scans: &ScanCache) -> Result<Ledger, Failure> {
    let others = OtherRepositories::default();
    let reader = RepositoryReader {
        others: &others,
        options,
        home: repo,
        here: None,
        is_fetched: false,
    };
    read_with(&reader, scans)
}

/// The same with other repositories as they are known, or fetched first.
///
/// # Errors
/// As [`read`].
pub(super) fn read_with(reader: &RepositoryReader<'_>, scans: &ScanCache) -> Result<Ledger, Failure> {
    read_at(policy_at_tip(reader)?, scans)
}

/// The commits that count and the policy in force there, before anything else is read.
pub(super) struct PolicyAtTip {
    /// The commit of the policy and its branch, and those that environments are read from.
    pub checkouts: Checkouts,
    /// The policy in force.
    pub team: TeamPolicy,
    /// Its text; empty where there is none.
    pub text: String,
}

/// Reads tips and policy.
///
/// # Errors
/// If the repository, a branch or the configuration cannot be read.
pub(super) fn policy_at_tip(reader: &RepositoryReader<'_>) -> Result<PolicyAtTip, Failure> {
    let (tip, team, text) = policy_of_home(reader)?;
    let home = BranchCheckout::of_home(reader.home.clone(), tip);
    let checkouts = Checkouts::find(home, &team, reader)?;
    Ok(PolicyAtTip { checkouts, team, text })
}

/// The commit of the policy, the policy and its text; nothing of other repositories is looked at.
///
/// # Errors
/// If the repository, its branch or the configuration cannot be read.
pub(super) fn policy_of_home(reader: &RepositoryReader<'_>) -> Result<(Tip, TeamPolicy, String), Failure> {
    let (repo, options) = (reader.home, reader.options);
    let mut tip = repo.tip(None)?;
    let (mut team, mut text) = team_policy(repo, &tip.commit, options)?;
    if let Some(branch) = team.branch.clone()
        && branch != tip.branch
    {
        tip = repo.tip(Some(&branch))?;
        (team, text) = team_policy(repo, &tip.commit, options)?;
    }
    Ok((tip, team, text))
}

/// The same as if there were no configuration at all.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_unconfigured(repo: &GitRepo, scans: &ScanCache) -> Result<Ledger, Failure> {
    let unconfigured = PolicyAtTip {
        checkouts: Checkouts::only(BranchCheckout::of_home(repo.clone(), repo.tip(None)?)),
        team: TeamPolicy::default(),
        text: String::new(),
    };
    read_at(unconfigured, scans)
}

/// Reads pins and holds under a policy that was read.
///
/// # Errors
/// If the repository or a blob cannot be read.
pub(super) fn read_at(policy: PolicyAtTip, scans: &ScanCache) -> Result<Ledger, Failure> {
    let PolicyAtTip { checkouts, team, text } = policy;
    let mut notices: Vec<Untrusted> = Vec::new();
    let mut commits = Vec::new();
    for BranchCheckout { repo, tip, .. } in checkouts.all() {
        let listing = repo.list(&tip.commit)?;
        let mut commit = scan_all(
            repo,
            tip.remote.as_deref(),
            &Arc::new(listing.files),
            scans,
            &mut notices,
        )?;
        commit.links = Arc::new(listing.links);
        commits.push(commit);
    }
    let environments = environments(&team, commits.first());
    let mut unmatched = Vec::new();
    let mut rendered = Vec::new();
    for (place, commit) in commits.into_iter().enumerate() {
        let is_here = |environment: &&Environment| checkouts.place_of(environment) == Some(place);
        let here: Vec<Environment> = environments.iter().filter(is_here).cloned().collect();
        unmatched.extend(self::unmatched((&team, &text), &here, &commit.files));
        let effective = effective::render(&commit, &here);
        rendered.push((checkouts.at(place), commit, effective, here));
    }
    let (naming, grouped) = pins(&rendered, &team, &environments);
    let branches = rendered.into_iter().map(|(_, commit, effective, here)| {
        let here: BTreeSet<&EnvId> = here.iter().map(|environment| &environment.name).collect();
        ReadBranch {
            services_by_place: Arc::new(services_by_place(&commit, &naming, &grouped, &here)),
            commit: Arc::new(commit),
            effective: Arc::new(effective),
        }
    });
    let branches: Arc<Vec<ReadBranch>> = Arc::new(branches.collect());
    let home = branches.first().ok_or_else(|| Failure::bug("no branch was read"))?;
    notices.splice(0..0, unmatched.iter().map(|p: &ConfigError| p.to_string().into()));
    let survey = CommitSurvey {
        holds: holds_at(&checkouts.home.repo, &checkouts.home.tip.commit),
        tip: checkouts.home.tip.clone(),
        place: 0,
        checkouts: Arc::new(checkouts),
        team: Arc::new(team),
        environments,
        naming,
        grouped: Arc::new(grouped),
        notices,
    };
    Ok(Ledger {
        survey,
        services_by_place: Arc::clone(&home.services_by_place),
        commit: Arc::clone(&home.commit),
        effective: Arc::clone(&home.effective),
        unmatched,
        branches: Arc::clone(&branches),
    })
}

/// The holds of a commit, or why they cannot be read.
pub(super) fn holds_at(repo: &GitRepo, commit: &str) -> Result<Vec<Hold>, Untrusted> {
    holds::read(repo, commit).map_err(|error| Untrusted::new(error.to_string()))
}

/// Path patterns that match nothing: a typing error would hide an environment's pins.
fn unmatched((team, text): (&TeamPolicy, &str), here: &[Environment], files: &[TreeFile]) -> Vec<ConfigError> {
    let file = match &team.source {
        PolicySource::File(name) => name.as_str(),
        _ => TEAM_FILE,
    };
    let paths: Vec<String> = files.iter().map(|f| f.path.clone()).collect();
    match team.environments.is_empty() {
        true => Vec::new(),
        false => crate::config::check::unmatched_paths(here, text, file, &paths),
    }
}

/// Configured environments, else those that the branch of the policy gives rise to.
fn environments(team: &TeamPolicy, home: Option<&ScannedCommit>) -> Vec<Environment> {
    let Some(commit) = home.filter(|_| team.environments.is_empty()) else {
        return team.environments.clone();
    };
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
    let manifests: Vec<&TreeFile> = files.iter().filter(|file| manifest::is_manifest(&file.path)).collect();
    for (file, scan) in manifests.iter().zip(scans.scan_all(repo, &manifests)?) {
        if let Some(scan) = scan {
            commit.scans.insert(file.path.clone(), scan);
        } else {
            notices.push(format!("{} is larger than {} MiB and was not read", file.path, FILE_CAP >> 20).into());
        }
    }
    let blobs = repo.blobs()?;
    let mut scan = |file: &TreeFile| scans.scan(file, &blobs);
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

/// A branch that was rendered for the environments that are read from it.
type RenderedBranch<'c> = (&'c BranchCheckout, ScannedCommit, Effective, Vec<Environment>);

/// Groups what all branches deploy into pins.
fn pins(rendered: &[RenderedBranch<'_>], team: &TeamPolicy, environments: &[Environment]) -> (Naming, Grouped) {
    let references: Cow<'_, [EffectiveReference]> = match rendered {
        [(_, _, effective, _)] => Cow::Borrowed(&effective.references),
        several => several
            .iter()
            .flat_map(|(_, _, effective, _)| effective.references.iter().cloned())
            .collect(),
    };
    let naming = naming(&references, team, environments);
    let mut grouped = group(&references, &naming, team, environments);
    for (at, (checkout, commit, effective, here)) in rendered.iter().enumerate() {
        let mut seen = seen_only(commit, effective, here);
        if at > 0 {
            seen.iter_mut()
                .for_each(|one| one.reason.push_str(&format!(" (on {})", checkout.shown())));
        }
        grouped.unmanaged.extend(seen);
    }
    (naming, grouped)
}

/// The pins of a rendered commit, and everything that is seen and not managed.
pub(super) fn grouped(
    commit: &ScannedCommit,
    effective: &Effective,
    naming: &Naming,
    (team, environments): (&TeamPolicy, &[Environment]),
) -> Grouped {
    let mut grouped = group(&effective.references, naming, team, environments);
    grouped.unmanaged.extend(seen_only(commit, effective, environments));
    grouped
}

/// What a rendered commit contains that is seen and not managed.
fn seen_only(commit: &ScannedCommit, effective: &Effective, environments: &[Environment]) -> Vec<Unmanaged> {
    let mut out = effective.unmanaged.clone();
    // A placeholder that renders replace, or a digest whose image other values name, is accounted for.
    let is_settled = |one: &&Unmanaged| effective.settled.contains(&(one.file.clone(), one.line));
    let seen = commit.scans.values().flat_map(|scan| &scan.unmanaged);
    out.extend(seen.filter(|one| !is_settled(one)).cloned());
    out.extend(vendored::unmanaged(commit));
    out.extend(unread(commit, environments));
    out
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
    here: &BTreeSet<&EnvId>,
) -> BTreeMap<(String, String), ServiceId> {
    let mut out = BTreeMap::new();
    // The references of each file by their paths in it; of several, the first.
    let mut known: HashMap<&str, HashMap<&str, &Found>> = HashMap::new();
    let pins = grouped.services.iter().flat_map(|(_, _, pins)| pins);
    let pins = pins.filter(|pin| here.contains(&pin.target.environment));
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
