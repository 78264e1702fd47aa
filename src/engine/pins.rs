//! From references found in files to pins: which environment, which service (docs/reference/contract.md, "Pin",
//! "Service of an unlisted repository"). Pure.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobMatcher};

use crate::config::infer;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::{Location, Pin, Unmanaged};
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::reference::Repository;
use crate::sources::git::manifest::Found;

/// Tiers from here on become pins only where a configured service names the image (docs/reference/manifests.md,
/// styles 9 and 10).
pub const LOOSE_TIER: u8 = 9;

/// A reference found in one file.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The file.
    pub file: String,
    /// What was found there.
    pub found: Found,
}

/// The services of a repository with their pins, before anything else is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouped {
    /// Service rows in configured order, then by name: name, image CI pushes to, pins.
    pub services: Vec<(ServiceId, Option<Repository>, Vec<Pin>)>,
    /// What could not become a pin, with the reason.
    pub unmanaged: Vec<Unmanaged>,
}

/// Compiled path globs of the environments.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths(Vec<(EnvId, Vec<GlobMatcher>)>);

impl EnvironmentPaths {
    /// Compiles validated globs; `*` does not cross `/`, `**` does.
    pub fn new(environments: &[Environment]) -> Self {
        let compile = |glob: &String| {
            globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .build()
                .as_ref()
                .map(Glob::compile_matcher)
                .ok()
        };
        Self(
            environments
                .iter()
                .map(|e| (e.name.clone(), e.paths.iter().filter_map(compile).collect()))
                .collect(),
        )
    }

    /// The environment of that name.
    pub fn named(&self, name: &str) -> Option<&EnvId> {
        self.0.iter().map(|(env, _)| env).find(|env| env.as_str() == name)
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a EnvId> {
        self.0
            .iter()
            .filter(move |(_, globs)| globs.iter().any(|g| g.is_match(file)))
            .map(|(env, _)| env)
    }
}

/// Which service holds a repository.
#[derive(Debug, Clone)]
pub struct Naming {
    known: BTreeMap<Repository, ServiceId>,
    unlisted: BTreeMap<Repository, ServiceId>,
    ignored: Vec<GlobMatcher>,
}

impl Naming {
    /// Configured names (image, `also`, the environments' own registries) and the shortest unique
    /// suffix for every other repository seen.
    pub fn new(team: &TeamPolicy, environments: &[Environment], seen: &BTreeSet<Repository>) -> Self {
        let mut known = BTreeMap::new();
        for service in &team.services {
            let own = environments
                .iter()
                .filter_map(|e| service.image.under(e.registry.as_deref()?));
            for repository in std::iter::once(service.image.clone())
                .chain(service.also.iter().cloned())
                .chain(own)
            {
                known.entry(repository).or_insert_with(|| service.name.clone());
            }
        }
        let ignored: Vec<GlobMatcher> = team
            .ignore
            .iter()
            .filter_map(|g| Glob::new(g).ok())
            .map(|g| g.compile_matcher())
            .collect();
        let rest: Vec<Repository> = seen
            .iter()
            .filter(|r| !known.contains_key(r) && !ignored.iter().any(|g| g.is_match(r.to_string())))
            .cloned()
            .collect();
        let taken: BTreeSet<&ServiceId> = known.values().collect();
        let mut unlisted = infer::service_names(&rest);
        // A configured name is never shared with a repository that nobody listed.
        for (repository, name) in &mut unlisted {
            if taken.contains(name) {
                *name = ServiceId::new(repository.path());
            }
        }
        // Nor is one path in two registries one service: only `also` says that.
        let mut times: BTreeMap<ServiceId, usize> = BTreeMap::new();
        for name in unlisted.values() {
            *times.entry(name.clone()).or_default() += 1;
        }
        for (repository, name) in &mut unlisted {
            if taken.contains(name) || times[name] > 1 {
                *name = ServiceId::new(repository.to_string());
            }
        }
        Self {
            known,
            unlisted,
            ignored,
        }
    }

    /// The service, unless the repository is ignored.
    pub fn service(&self, repository: &Repository) -> Option<&ServiceId> {
        self.known.get(repository).or_else(|| self.unlisted.get(repository))
    }

    /// The service and repository that a found reference is a pin of, if it is one (docs/reference/contract.md, "Pin"): its
    /// repository is written and a service's (so it is not ignored), and a loose reference is listed.
    pub fn pin_of<'a>(&'a self, found: &'a Found) -> Option<(&'a ServiceId, &'a Repository)> {
        let repository = found.repository.as_ref()?;
        let counts = found.tier < LOOSE_TIER || self.is_listed(repository);
        let service = self.service(repository)?;
        counts.then_some((service, repository))
    }

    /// Whether the configuration names this repository.
    pub fn is_listed(&self, repository: &Repository) -> bool {
        self.known.contains_key(repository)
    }

    /// Whether `ignore` matches.
    pub fn is_ignored(&self, repository: &Repository) -> bool {
        let name = repository.to_string();
        !self.is_listed(repository) && self.ignored.iter().any(|g| g.is_match(&name))
    }
}

/// The naming that the references of one commit give rise to.
pub fn naming(sightings: &[Sighting], team: &TeamPolicy, environments: &[Environment]) -> Naming {
    let paths = EnvironmentPaths::new(environments);
    let seen: BTreeSet<Repository> = sightings
        .iter()
        .filter(|s| s.found.tier < LOOSE_TIER && paths.of(&s.file).next().is_some())
        .filter_map(|s| s.found.repository.clone())
        .collect();
    Naming::new(team, environments, &seen)
}

/// Service, place of the environment, digest, tag (only without a digest).
type PinOrder = (ServiceId, usize, Option<Digest>, Option<String>);

/// Groups everything found into pins: one per (service, environment, digest or tag).
pub fn group(sightings: &[Sighting], naming: &Naming, team: &TeamPolicy, environments: &[Environment]) -> Grouped {
    let paths = EnvironmentPaths::new(environments);
    let mut pins: BTreeMap<PinOrder, Vec<Place>> = BTreeMap::new();
    let mut unmanaged = Vec::new();
    let order: BTreeMap<&EnvId, usize> = environments.iter().enumerate().map(|(i, e)| (&e.name, i)).collect();
    for Sighting { file, found } in sightings {
        let in_environments: Vec<&EnvId> = paths.of(file).collect();
        let Some(repository) = &found.repository else {
            if !in_environments.is_empty() {
                let unknown = "the repository is not written here (a template or another file supplies it)";
                let reason = found.reason.as_deref().or(found.read_only.as_deref());
                unmanaged.push(not_managed(file, found, reason.unwrap_or(unknown)));
            }
            continue;
        };
        if naming.is_ignored(repository) {
            continue;
        }
        if found.tier >= LOOSE_TIER && !naming.is_listed(repository) {
            if !in_environments.is_empty() {
                unmanaged.push(not_managed(
                    file,
                    found,
                    "a loose reference: it becomes a pin when a [[services]] entry names its image",
                ));
            }
            continue;
        }
        let Some(service) = naming.service(repository) else {
            continue;
        };
        for env in in_environments {
            let tag_key = if found.digest.is_none() {
                found.tag.clone()
            } else {
                None
            };
            let key = (service.clone(), order[env], found.digest, tag_key);
            pins.entry(key).or_default().extend(places(file, found, repository));
        }
    }
    let mut by_service: BTreeMap<ServiceId, Vec<Pin>> = BTreeMap::new();
    for ((service, env, digest, _), mut places) in pins {
        places.sort();
        let Some((first, _)) = places.first() else { continue };
        let target = Target {
            service: service.clone(),
            environment: environments[env].name.clone(),
        };
        let mut pin = Pin {
            target,
            image: first.image.clone(),
            tag: places.iter().find_map(|(_, tag)| tag.clone()),
            digest,
            locations: places.into_iter().map(|(location, _)| location).collect(),
        };
        pin.locations.dedup();
        by_service.entry(service).or_default().push(pin);
    }
    let mut services = Vec::new();
    for service in &team.services {
        let pins = by_service.remove(&service.name).unwrap_or_default();
        services.push((service.name.clone(), Some(service.image.clone()), pins));
    }
    for (name, pins) in by_service {
        let image = pins.first().map(|pin| pin.image.clone());
        services.push((name, image, pins));
    }
    Grouped { services, unmanaged }
}

/// A location with the tag that is written there.
type Place = (Location, Option<String>);

/// Where a reference stands: its own line, and every line that an alias brings it to.
fn places<'a>(file: &'a str, found: &'a Found, image: &'a Repository) -> impl Iterator<Item = Place> + 'a {
    let aliases = found.uses.iter().filter(|used| !used.overridden);
    let lines = std::iter::once(found.line).chain(aliases.map(|used| used.line));
    lines.map(move |line| {
        let location = Location {
            file: file.to_owned(),
            line,
            style: found.style,
            image: image.clone(),
            read_only: found.read_only.clone(),
            reason: found.reason.clone(),
        };
        (location, found.tag.clone())
    })
}

fn not_managed(file: &str, found: &Found, reason: &str) -> Unmanaged {
    Unmanaged {
        file: file.to_owned(),
        line: found.line,
        text: found.reference().into(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
#[path = "pins_tests.rs"]
mod tests;
