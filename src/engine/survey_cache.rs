//! What was found out about a commit, kept on disk: its pins, and who pinned them. Both are functions of the commit,
//! of the part of the policy that tells services and environments, and of the running program; the name of an entry
//! contains all of these.
//!
//! Only boards are made of kept surveys. Whatever judges, plans or writes reads the repository itself, so that no entry
//! decides about a gate, a target or the last known good. Entries lie in a [`SealedFolder`] all the same: what another
//! program writes there is never shown.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ledger::PolicyAtTip;
use super::lineage::Lineage;
use super::pins::{Grouped, Naming};
use super::sealed_folder::{EntryName, FolderBounds, SealedFolder};
use super::survey::CommitSurvey;
use crate::config::infer;
use crate::domain::board::{Hold, PinKey};
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::{Location, Pin, PinnedBy, Role, Style, Unmanaged};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::sources::evidence::SealKey;

/// Name of the folder, in the cache.
pub(super) const FOLDER: &str = "surveys";

/// Raised whenever the layout of entries changes.
const LAYOUT: u32 = 1;

/// A few commits of a few repositories.
const BOUNDS: FolderBounds = FolderBounds {
    entries: 32,
    entry_bytes: 32 << 20,
};

/// Surveys of commits, from earlier runs.
#[derive(Debug, Clone)]
pub(super) struct SurveyCache(SealedFolder);

/// A survey with the history of its pins.
#[derive(Clone)]
pub(super) struct KeptSurvey {
    /// What the commit says.
    pub survey: CommitSurvey,
    /// Who pinned what.
    pub lineage: Arc<Lineage>,
}

/// What decides about a survey besides the commit and the policy.
pub(super) struct SurveyedRepository {
    /// URL of the remote, where it is known.
    pub remote_url: Option<String>,
    /// Where a shallow clone is cut: text of git's own file.
    pub boundary: String,
}

/// The name of the survey of a commit.
pub(super) fn name(policy: &PolicyAtTip, repositories: &[SurveyedRepository]) -> EntryName {
    let mut name = EntryName::new(LAYOUT);
    let team = &policy.team;
    name.part(env!("PINDECK_SOURCES").as_bytes())
        .part(format!("{:?}", policy.checkouts.commits()).as_bytes())
        .part(format!("{:?}", (&team.environments, &team.services, &team.ignore)).as_bytes())
        .part(format!("{:?}", team.source).as_bytes())
        .part(policy.text.as_bytes());
    for repository in repositories {
        name.part(repository.remote_url.as_deref().unwrap_or_default().as_bytes())
            .part(repository.boundary.as_bytes());
    }
    name
}

impl SurveyCache {
    pub(super) fn new(dir: PathBuf, key: SealKey) -> Self {
        Self(SealedFolder::new(dir, key, BOUNDS))
    }

    /// The survey of that name. `holds` are those of the commit: they are read anew each time.
    pub(super) fn get(
        &self,
        name: &EntryName,
        policy: &PolicyAtTip,
        holds: impl FnOnce() -> Result<Vec<Hold>, Untrusted>,
    ) -> Option<KeptSurvey> {
        let name = name.digest();
        let kept: Option<StoredSurvey> = serde_json::from_str(&self.0.get(name)?).ok();
        if kept.is_none() {
            self.0.remove(name);
        }
        Some(kept?.restore(policy, holds))
    }

    /// Keeps a survey. A cache that cannot be written is no failure of the question.
    pub(super) fn put(&self, name: &EntryName, survey: &CommitSurvey, lineage: &Lineage) {
        if let Ok(body) = serde_json::to_string(&StoredSurvey::of(survey, lineage)) {
            self.0.put(name.digest(), &body);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredSurvey {
    /// Where the configuration names none.
    inferred: Vec<StoredEnvironment>,
    unlisted: Vec<(Repository, ServiceId)>,
    services: Vec<(ServiceId, Option<Repository>, Vec<StoredPin>)>,
    unmanaged: Vec<Unmanaged>,
    notices: Vec<Untrusted>,
    is_cut: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredEnvironment {
    name: String,
    paths: Vec<String>,
    after: Vec<EnvId>,
}

/// A pin with its history.
#[derive(Serialize, Deserialize)]
struct StoredPin {
    environment: EnvId,
    component: Option<String>,
    image: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
    locations: Vec<StoredLocation>,
    uncertain: Option<String>,
    pinned: Option<PinnedBy>,
    /// Whether it skipped an environment; told of some pins only, and not known of all of these.
    is_told: bool,
    skipped: Option<bool>,
    earlier: Option<Vec<(EnvId, Vec<Digest>)>>,
}

#[derive(Serialize, Deserialize)]
struct StoredLocation {
    file: String,
    line: u32,
    style: Style,
    /// `None` = the pin's own.
    image: Option<Repository>,
    read_only: Option<String>,
    reason: Option<String>,
    role: Role,
    yaml_path: String,
}

impl StoredSurvey {
    fn of(survey: &CommitSurvey, lineage: &Lineage) -> Self {
        let is_inferred = survey.team.environments.is_empty();
        let inferred = survey.environments.iter().filter(|_| is_inferred);
        let services = survey.grouped.services.iter().map(|(name, image, pins)| {
            let pins = pins.iter().map(|pin| StoredPin::of(pin, lineage));
            (name.clone(), image.clone(), pins.collect())
        });
        let unlisted = survey.naming.unlisted().iter();
        Self {
            inferred: inferred
                .map(|one| StoredEnvironment {
                    name: one.name.to_string(),
                    paths: one.paths.clone(),
                    after: one.after.clone(),
                })
                .collect(),
            unlisted: unlisted.map(|(image, name)| (image.clone(), name.clone())).collect(),
            services: services.collect(),
            unmanaged: survey.grouped.unmanaged.clone(),
            notices: survey.notices.clone(),
            is_cut: lineage.cut,
        }
    }

    fn restore(self, policy: &PolicyAtTip, holds: impl FnOnce() -> Result<Vec<Hold>, Untrusted>) -> KeptSurvey {
        let environments = if policy.team.environments.is_empty() {
            let each = self.inferred.into_iter().map(|one| {
                let mut environment = infer::environment(&one.name, one.paths);
                environment.after = one.after;
                environment
            });
            each.collect()
        } else {
            policy.team.environments.clone()
        };
        let mut lineage = Lineage {
            cut: self.is_cut,
            ..Lineage::default()
        };
        let services = self.services.into_iter().map(|(name, image, pins)| {
            let pins = pins.into_iter().map(|pin| pin.restore(&name, &mut lineage)).collect();
            (name, image, pins)
        });
        let grouped = Arc::new(Grouped {
            services: services.collect(),
            unmanaged: self.unmanaged,
        });
        let unlisted = self.unlisted.into_iter().collect();
        let survey = CommitSurvey {
            tip: policy.checkouts.home.tip.clone(),
            place: 0,
            checkouts: Arc::new(policy.checkouts.clone()),
            team: Arc::new(policy.team.clone()),
            naming: Naming::with_unlisted(&policy.team, &environments, unlisted),
            environments,
            grouped,
            holds: holds(),
            notices: self.notices,
        };
        KeptSurvey {
            survey,
            lineage: Arc::new(lineage),
        }
    }
}

impl StoredPin {
    fn of(pin: &Pin, lineage: &Lineage) -> Self {
        let key = pin.key();
        let location = |one: &Location| StoredLocation {
            file: one.file.clone(),
            line: one.line,
            style: one.style,
            image: (one.image != pin.image).then(|| one.image.clone()),
            read_only: one.read_only.clone(),
            reason: one.reason.clone(),
            role: one.role,
            yaml_path: one.yaml_path.clone(),
        };
        let earlier = lineage.earlier.get(&key);
        Self {
            environment: pin.target.environment.clone(),
            component: pin.component.clone(),
            image: pin.image.clone(),
            tag: pin.tag.clone(),
            digest: pin.digest,
            locations: pin.locations.iter().map(location).collect(),
            uncertain: pin.uncertain.clone(),
            pinned: lineage.pinned.get(&key).cloned(),
            is_told: lineage.skipped.contains_key(&key),
            skipped: lineage.skipped.get(&key).copied().flatten(),
            earlier: earlier.map(|all| all.iter().map(|(env, seen)| (env.clone(), seen.clone())).collect()),
        }
    }

    fn restore(self, service: &ServiceId, lineage: &mut Lineage) -> Pin {
        let image = self.image;
        let location = |one: StoredLocation| Location {
            file: one.file,
            line: one.line,
            style: one.style,
            image: one.image.unwrap_or_else(|| image.clone()),
            read_only: one.read_only,
            reason: one.reason,
            role: one.role,
            yaml_path: one.yaml_path,
        };
        let locations = self.locations.into_iter().map(location).collect();
        let pin = Pin {
            target: Target {
                service: service.clone(),
                environment: self.environment,
            },
            component: self.component,
            image: image.clone(),
            tag: self.tag,
            digest: self.digest,
            locations,
            uncertain: self.uncertain,
        };
        let key: PinKey = pin.key();
        if let Some(by) = self.pinned {
            lineage.pinned.insert(key.clone(), by);
        }
        if let Some(earlier) = self.earlier {
            let earlier: BTreeMap<EnvId, Vec<Digest>> = earlier.into_iter().collect();
            lineage.earlier.insert(key.clone(), earlier);
        }
        if self.is_told {
            lineage.skipped.insert(key, self.skipped);
        }
        pin
    }
}
