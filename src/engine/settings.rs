//! The configuration as a question of its own: is it valid, what is in force, what could it be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{ConfigError, approval, check, init};
use crate::domain::failure::Failure;
use crate::domain::pin::Unmanaged;
use crate::domain::policy::{Environment, PolicySource, TeamPolicy};
use crate::sources::evidence::Trust;
use crate::sources::git::{GitRepo, Tip, TreeEntry};

use super::ledger;
use super::open::{Engine, blocking};
use super::options::OpenOptions;
use super::team_file::{self, TEAM_FILE};

/// Files looked at in a working tree, at most.
const FILES_LOOKED_AT: usize = 200_000;

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The team policy: environments, services, policies, trust profiles, registries.
    pub team: Arc<TeamPolicy>,
    /// Environments in promotion order, configured or inferred.
    pub environments: Vec<Environment>,
    /// Services found, with how many pins each has.
    pub services: Vec<(String, usize)>,
    /// A `pindeck.toml` in the working tree, other than the one in force, was checked too.
    pub draft: bool,
    /// What is wrong, where it can still be read.
    pub problems: Vec<Failure>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl Engine {
    /// Reads and checks the configuration. With `draft`, an uncommitted `pindeck.toml` in the working
    /// tree is checked too: it is not in force, but it is about to be.
    ///
    /// # Errors
    /// If it is wrong, or git cannot be read.
    pub async fn settings(&self, draft: bool) -> Result<Settings, Failure> {
        let (ledger, _) = self.ledger().await?;
        self.tools(&ledger.team)?;
        let mut problems: Vec<Failure> = ledger.unmatched.iter().cloned().map(Into::into).collect();
        if let Err(problem) = &ledger.holds {
            problems.push(Failure::usage(problem.clone()));
        }
        problems.extend(ledger.checkouts.unread.values().cloned());
        let mut notes = anonymous(&ledger.team, &self.options().approved_registries);
        let mut has_draft = false;
        if draft && self.options().config.is_none() {
            let this = self.clone();
            let tip = ledger.tip.clone();
            let found = blocking(move || draft_problems(&this.inner.repo, &tip)).await??;
            if let Some(found) = found {
                has_draft = true;
                notes.push(format!(
                    "the working tree's {TEAM_FILE} differs from the one in force; it was checked too, and counts once it is on the branch"
                ));
                problems.extend(found.into_iter().map(Failure::from));
            }
        }
        let unmanaged = &ledger.grouped.unmanaged;
        if !unmanaged.is_empty() {
            notes.push(format!(
                "{} images or digests are seen and not managed; pindeck status names the first of each reason, and all with --json:",
                unmanaged.len()
            ));
            let reasons = Unmanaged::by_reason(unmanaged);
            notes.extend(reasons.iter().map(|one| format!("{} {}", one.count, one.reason)));
        }
        Ok(Settings {
            services: ledger
                .grouped
                .services
                .iter()
                .map(|(name, _, pins)| (name.to_string(), pins.len()))
                .collect(),
            environments: ledger.survey.environments,
            team: ledger.survey.team,
            draft: has_draft,
            problems,
            notes,
        })
    }

    /// The text of a first `pindeck.toml` (`pindeck init`): environments, services and pins as found at the commit that
    /// counts, without looking at a configuration that may be there already. Nothing is fetched and nothing written.
    /// The text parses and validates against the same commit.
    ///
    /// # Errors
    /// If git cannot be read.
    pub async fn first_configuration(&self) -> Result<String, Failure> {
        let this = self.clone();
        let work = move || {
            let inner = &this.inner;
            let ledger = ledger::read_unconfigured(&inner.repo, &inner.scans)?;
            Ok::<_, Failure>(init::render(&init::Survey {
                environments: &ledger.environments,
                services: &ledger.grouped.services,
                unmanaged: &ledger.grouped.unmanaged,
                learned: None,
            }))
        };
        blocking(work).await?
    }

    /// Where the repository's own `pindeck.toml` belongs; `None` in a bare repository.
    pub(crate) fn team_file(&self) -> Option<PathBuf> {
        self.inner.repo.work_dir().map(|dir| dir.join(TEAM_FILE))
    }
}

/// Reads and checks a policy file outside any repository: whether its paths match something cannot be
/// told then.
///
/// # Errors
/// If it is wrong, or no file is named.
pub(crate) async fn settings_of_file(options: &OpenOptions) -> Result<Settings, Failure> {
    let Some(file) = options.config.clone() else {
        return Err(Failure::usage("there is no configuration to read")
            .hint("name a file with --config, or run it in a GitOps repository"));
    };
    let approved = options.approved_registries.clone();
    let (team, _) = blocking(move || team_file::team_of_file(&file, &approved)).await??;
    super::open::tools(options, &team)?;
    Ok(Settings {
        environments: team.environments.clone(),
        services: Vec::new(),
        team: Arc::new(team),
        draft: false,
        problems: Vec::new(),
        notes: vec!["there is no repository here: whether its paths match files was not checked".to_owned()],
    })
}

/// Registries that a repository's own file redirects and that nobody approved.
fn anonymous(team: &TeamPolicy, approved: &[String]) -> Vec<String> {
    let unapproved = team
        .registries
        .iter()
        .filter(|(_, s)| s.anonymous && approval::is_redirected(s));
    let github = team.github.iter().filter(|github| github.anonymous).map(|github| {
        format!(
            "attestations are asked for at {} without your token: the repository's own file names that host; \
             to trust it with the token, add {:?} to approved_registries in your own configuration",
            github.host, github.host
        )
    });
    let forge = team.forge.iter().filter(|forge| forge.by_repository);
    let forge = forge.filter_map(|forge| forge.host.as_ref().filter(|host| !approved.contains(*host)));
    let forge = forge.map(|host| {
        format!(
            "the forge {host} is asked without your token: the repository's own file names that host; \
             to trust it with the token, add {host:?} to approved_registries in your own configuration"
        )
    });
    unapproved
        .map(|(name, _)| {
            format!(
                "registry {name} is used without your credentials: the repository's own file says where it is; \
                 to trust it with them, add {name:?} to approved_registries in your own configuration"
            )
        })
        .chain(github)
        .chain(forge)
        .collect()
}

/// What is wrong with a working tree's file; `None` where there is none, or it is the committed one.
fn draft_problems(repo: &GitRepo, tip: &Tip) -> Result<Option<Vec<ConfigError>>, Failure> {
    let Some(root) = repo.work_dir() else { return Ok(None) };
    let file = root.join(TEAM_FILE);
    if file.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (team, text) = team_file::team_of_working_tree(root, Path::new(TEAM_FILE), &file.display().to_string())?;
    if repo.read_at(&tip.commit, TEAM_FILE)? == TreeEntry::File(text.clone().into_bytes()) {
        return Ok(None);
    }
    Trust::new(&team.trust)?;
    let mut files: BTreeSet<String> = repo.files(&tip.commit)?.into_iter().map(|f| f.path).collect();
    below(root, root, &mut files);
    let files: Vec<String> = files.into_iter().collect();
    // What lies elsewhere is checked once the file counts.
    let is_here =
        |env: &&Environment| env.repository.is_none() && env.branch.as_ref().is_none_or(|branch| *branch == tip.branch);
    let here: Vec<Environment> = team.environments.iter().filter(is_here).cloned().collect();
    Ok(Some(check::unmatched_paths(&here, &text, TEAM_FILE, &files)))
}

/// Paths of the files below a folder, as git writes them; links are not followed.
fn below(root: &Path, folder: &Path, into: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if into.len() > FILES_LOOKED_AT {
            return;
        }
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                below(root, &path, into);
            }
        } else if let Ok(inside) = path.strip_prefix(root) {
            into.insert(inside.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// Where a policy came from, for people and plans.
pub(crate) fn source_words(source: &PolicySource) -> String {
    match source {
        PolicySource::None => "none: inferred, read-only".to_owned(),
        PolicySource::Commit(commit) => format!("{TEAM_FILE} at commit {commit}"),
        PolicySource::File(file) => format!("file {file}"),
    }
}
