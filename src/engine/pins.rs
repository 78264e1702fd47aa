//! From references found in files to pins: which environment, which service (docs/reference/contract.md, "Pin",
//! "Service of an unlisted repository"). Pure.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobMatcher};

use crate::config::{infer, init};
use crate::domain::component;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::{Location, Pin, Role, Unmanaged};
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::reference::{Repository, valid_tag};
use crate::sources::git::manifest::{DetectionRule, Found};

use super::effective::{EffectiveReference, RelatedPlace};

pub use super::environment_paths::EnvironmentPaths;

/// The services of a repository with their pins, before anything else is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouped {
    /// Service rows in configured order, then by name (without a configuration those first that
    /// [`init::has_entry`] would list): name, image CI pushes to, pins.
    pub services: Vec<(ServiceId, Option<Repository>, Vec<Pin>)>,
    /// What could not become a pin, with the reason.
    pub unmanaged: Vec<Unmanaged>,
}

/// Which service a repository belongs to.
#[derive(Debug, Clone)]
pub struct Naming {
    /// The services of a repository; several of them are told apart by their component.
    known: BTreeMap<Repository, Vec<(Option<String>, ServiceId)>>,
    unlisted: BTreeMap<Repository, ServiceId>,
    ignored: Vec<GlobMatcher>,
}

impl Naming {
    /// Configured names (image, `also`, the environments' own registries), and for every other repository seen the
    /// shortest suffix that is unique among all of them and no configured name.
    pub fn new(team: &TeamPolicy, environments: &[Environment], seen: &BTreeSet<Repository>) -> Self {
        let mut naming = Self::with_unlisted(team, environments, BTreeMap::new());
        let counted = seen.iter().filter(|repository| !naming.is_ignored(repository));
        let counted: BTreeSet<Repository> = counted.cloned().collect();
        let taken: BTreeSet<&ServiceId> = naming.known.values().flatten().map(|(_, name)| name).collect();
        let mut unlisted = infer::service_names(&counted, &taken);
        unlisted.retain(|repository, _| !naming.known.contains_key(repository));
        naming.unlisted = unlisted;
        naming
    }

    /// Configured names, with those of all other repositories as they were found before ([`Naming::unlisted`]).
    pub(super) fn with_unlisted(
        team: &TeamPolicy,
        environments: &[Environment],
        unlisted: BTreeMap<Repository, ServiceId>,
    ) -> Self {
        let mut known: BTreeMap<Repository, Vec<(Option<String>, ServiceId)>> = BTreeMap::new();
        for service in &team.services {
            let own = environments
                .iter()
                .filter_map(|e| service.image.under(e.registry.as_deref()?));
            for repository in std::iter::once(service.image.clone())
                .chain(service.also.iter().cloned())
                .chain(own)
            {
                let here = known.entry(repository).or_default();
                if here.iter().all(|(component, _)| *component != service.component) {
                    here.push((service.component.clone(), service.name.clone()));
                }
            }
        }
        let ignored = team.ignore.iter().filter_map(|g| Glob::new(g).ok());
        Self {
            known,
            unlisted,
            ignored: ignored.map(|glob| glob.compile_matcher()).collect(),
        }
    }

    /// The same with names for repositories that have none yet. No name changes, so what another commit pins is compared
    /// under the names that the policy's own commit gives.
    pub(super) fn with_more(&self, seen: &BTreeSet<Repository>) -> Self {
        let is_new = |one: &&Repository| {
            !self.known.contains_key(*one) && !self.unlisted.contains_key(*one) && !self.is_ignored(one)
        };
        let new: BTreeSet<Repository> = seen.iter().filter(is_new).cloned().collect();
        let configured = self.known.values().flatten().map(|(_, name)| name);
        let taken: BTreeSet<&ServiceId> = configured.chain(self.unlisted.values()).collect();
        let more = infer::service_names(&new, &taken);
        let mut out = self.clone();
        out.unlisted.extend(more);
        out
    }

    /// The names of repositories that the configuration does not name.
    pub(super) fn unlisted(&self) -> &BTreeMap<Repository, ServiceId> {
        &self.unlisted
    }

    /// The service, unless the repository is ignored. Of several, the first.
    pub fn service(&self, repository: &Repository) -> Option<&ServiceId> {
        let known = self.known.get(repository).and_then(|all| all.first());
        known.map(|(_, name)| name).or_else(|| self.unlisted.get(repository))
    }

    /// The service of a reference: where several share a repository, the tag tells which.
    pub fn service_of(&self, repository: &Repository, tag: Option<&str>) -> Option<&ServiceId> {
        let Some(known) = self.known.get(repository) else {
            return self.unlisted.get(repository);
        };
        let named = known.iter().find(|(component, _)| match (component, tag) {
            (Some(component), Some(tag)) => is_variant(tag, component),
            _ => false,
        });
        let other = || known.iter().find(|(component, _)| component.is_none());
        named.or_else(other).map(|(_, name)| name)
    }

    /// The service that a reference pins, or why it pins none: the one rule that makes a pin of what was found.
    pub(crate) fn pinned_service(
        &self,
        repository: &Repository,
        tag: Option<&str>,
        has_digest: bool,
        rule: DetectionRule,
    ) -> Result<&ServiceId, NotAPin> {
        if self.is_ignored(repository) {
            return Err(NotAPin::Ignored);
        }
        if rule.is_loose() && !self.is_listed(repository) {
            return Err(NotAPin::Loose);
        }
        // A template expression or an interpolation is no tag.
        if !has_digest && tag.is_some_and(|tag| !valid_tag(tag)) {
            return Err(NotAPin::NoTag);
        }
        self.service_of(repository, tag).ok_or(NotAPin::Shared)
    }

    /// Every repository that is a service's.
    pub(crate) fn repositories_of<'a>(&'a self, service: &'a ServiceId) -> impl Iterator<Item = &'a Repository> {
        let known = self
            .known
            .iter()
            .filter(move |(_, all)| all.iter().any(|(_, name)| name == service));
        let unlisted = self.unlisted.iter().filter(move |(_, name)| *name == service);
        known.map(|(image, _)| image).chain(unlisted.map(|(image, _)| image))
    }

    /// The component that the configuration names for a service.
    pub fn component_of(&self, repository: &Repository, service: &ServiceId) -> Option<&str> {
        let known = self.known.get(repository)?;
        known.iter().find(|(_, name)| name == service)?.0.as_deref()
    }

    /// Whether the configuration names this repository.
    pub fn is_listed(&self, repository: &Repository) -> bool {
        self.known.contains_key(repository)
    }

    /// Whether a pattern of `ignore` in `pindeck.toml` matches the full name of the repository.
    pub fn is_ignored(&self, repository: &Repository) -> bool {
        let name = repository.to_string();
        !self.is_listed(repository) && self.ignored.iter().any(|g| g.is_match(&name))
    }
}

/// Why a reference to a known repository is no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAPin {
    /// `ignore` names the repository.
    Ignored,
    /// It stands in a text of which no use is known, and no service names its image.
    Loose,
    /// It has no digest, and what stands in the place of the tag is none.
    NoTag,
    /// Several services have this image, and the tag tells none of them.
    Shared,
}

impl NotAPin {
    /// The reason for people.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Ignored => "`ignore` in pindeck.toml says that this image is nobody's service here",
            Self::Loose => "a loose reference: it becomes a pin when a [[services]] entry names its image",
            Self::NoTag => "what stands in the place of the tag is none",
            Self::Shared => "several [[services]] share this image, and the tag does not tell which of them it is",
        }
    }
}

/// The naming that the references of one commit give rise to.
pub fn naming(references: &[EffectiveReference], team: &TeamPolicy, environments: &[Environment]) -> Naming {
    Naming::new(team, environments, &named_repositories(references))
}

/// The repositories that references name in fields that are known to name images.
pub(super) fn named_repositories(references: &[EffectiveReference]) -> BTreeSet<Repository> {
    let known = references.iter().filter(|reference| !reference.found.rule.is_loose());
    known
        .filter_map(|reference| reference.found.repository.clone())
        .collect()
}

/// Service, place of the environment, component, digest, tag (only without a digest).
type PinOrder = (ServiceId, usize, Option<String>, Option<Digest>, Option<String>);

/// The variants that each environment deploys of each repository.
pub(super) struct Components<'a>(BTreeMap<(usize, &'a Repository), BTreeSet<Option<String>>>);

impl<'a> Components<'a> {
    /// Reads the variants of references; `order` has the places of the environments.
    pub(super) fn new(
        references: impl IntoIterator<Item = &'a EffectiveReference>,
        order: &BTreeMap<&EnvId, usize>,
    ) -> Self {
        let mut out: BTreeMap<(usize, &Repository), BTreeSet<Option<String>>> = BTreeMap::new();
        for reference in references {
            let found = &reference.found;
            if let (Some(env), Some(repository), Some(tag)) =
                (order.get(&reference.environment), &found.repository, &found.tag)
            {
                out.entry((*env, repository))
                    .or_default()
                    .insert(component::variant(tag));
            }
        }
        Self(out)
    }

    /// The component of one reference: what the configuration names, or the variant where there are several.
    pub(super) fn of(
        &self,
        naming: &Naming,
        service: &ServiceId,
        env: usize,
        repository: &Repository,
        tag: Option<&str>,
    ) -> Option<String> {
        if let Some(named) = naming.component_of(repository, service) {
            return Some(named.to_owned());
        }
        let several = self
            .0
            .get(&(env, repository))
            .is_some_and(|variants| variants.len() > 1);
        tag.filter(|_| several).and_then(component::variant)
    }
}

/// Whether a tag is of this variant.
pub fn is_variant(tag: &str, component: &str) -> bool {
    component::variant(tag).as_deref() == Some(component)
        || tag.strip_suffix(component).is_some_and(|rest| rest.ends_with('-'))
}

/// Groups everything that is deployed into pins: one per (service, environment, digest or tag).
pub fn group(
    references: &[EffectiveReference],
    naming: &Naming,
    team: &TeamPolicy,
    environments: &[Environment],
) -> Grouped {
    let mut pins: BTreeMap<PinOrder, PinParts> = BTreeMap::new();
    let mut unmanaged: BTreeMap<(&str, u32, String), Unmanaged> = BTreeMap::new();
    let order: BTreeMap<&EnvId, usize> = environments.iter().enumerate().map(|(i, e)| (&e.name, i)).collect();
    let components = Components::new(references, &order);
    // Places that have to do with a reference that is no pin, with where that one stands.
    let mut beneath: BTreeMap<&RelatedPlace, (&str, u32)> = BTreeMap::new();
    for reference in references {
        let (file, found) = (reference.file.as_str(), &reference.found);
        let Some(env) = order.get(&reference.environment) else {
            continue;
        };
        let mut not_managed = |reason: &str| {
            let key = (file, found.line, found.reference());
            unmanaged
                .entry(key)
                .or_insert_with(|| self::not_managed(file, found, reason));
            beneath.extend(reference.others.iter().map(|other| (other, (file, found.line))));
        };
        let Some(repository) = &found.repository else {
            let unknown = "the repository is not written here (a template or another file supplies it)";
            let reason = found.reason.as_deref().or(found.read_only.as_deref());
            not_managed(reason.unwrap_or(unknown));
            continue;
        };
        let service = match naming.pinned_service(repository, found.tag.as_deref(), found.digest.is_some(), found.rule)
        {
            Ok(service) => service,
            Err(why @ NotAPin::NoTag) => {
                not_managed(found.read_only.as_deref().unwrap_or(why.reason()));
                continue;
            }
            Err(why) => {
                not_managed(why.reason());
                continue;
            }
        };
        let tag_key = if found.digest.is_none() {
            found.tag.clone()
        } else {
            None
        };
        let component = components.of(naming, service, *env, repository, found.tag.as_deref());
        let parts = pins
            .entry((service.clone(), *env, component, found.digest, tag_key))
            .or_default();
        parts.places.extend(places(reference, repository));
        parts.uncertain = parts.uncertain.take().or_else(|| reference.uncertain.clone());
    }
    let mut unmanaged: Vec<Unmanaged> = unmanaged.into_values().collect();
    let mut by_service: BTreeMap<ServiceId, Vec<Pin>> = BTreeMap::new();
    for ((service, env, component, digest, _), PinParts { mut places, uncertain }) in pins {
        places.sort();
        let decides = |place: &&PinPlace| place.0.role == Role::Version;
        let Some((first, _)) = places.iter().find(decides) else {
            continue;
        };
        let target = Target {
            service: service.clone(),
            environment: environments[env].name.clone(),
        };
        let mut pin = Pin {
            target,
            component,
            image: first.image.clone(),
            tag: places.iter().filter(decides).find_map(|(_, tag)| tag.clone()),
            digest,
            locations: places.into_iter().map(|(location, _)| location).collect(),
            uncertain,
        };
        pin.locations.dedup();
        one_role_each(&mut pin.locations);
        by_service.entry(service).or_default().push(pin);
    }
    unmanaged.extend(not_managed_beneath(&beneath, by_service.values().flatten(), &unmanaged));
    let mut services = Vec::new();
    for service in &team.services {
        let pins = by_service.remove(&service.name).unwrap_or_default();
        services.push((service.name.clone(), Some(service.image.clone()), pins));
    }
    for (name, pins) in by_service {
        let image = pins.first().map(|pin| pin.image.clone());
        services.push((name, image, pins));
    }
    if team.services.is_empty() {
        // The order that the file of `pindeck init` gives: this board and that one are the same.
        services.sort_by_key(|(name, image, pins)| !init::has_entry(name, image.as_ref(), pins));
    }
    Grouped { services, unmanaged }
}

/// What a pin is made of.
#[derive(Default)]
struct PinParts {
    places: Vec<PinPlace>,
    uncertain: Option<String>,
}

/// A location with the tag that is written there.
type PinPlace = (Location, Option<String>);

/// Where a reference stands: its own line, every line that an alias brings it to, and the places that it was
/// laid over.
fn places<'a>(reference: &'a EffectiveReference, image: &'a Repository) -> impl Iterator<Item = PinPlace> + 'a {
    let found = &reference.found;
    let aliases = found.aliases.iter().filter(|used| !used.overridden);
    let lines = std::iter::once(found.line).chain(aliases.map(|used| used.line));
    let own = lines.map(move |line| {
        let location = Location {
            file: reference.file.clone(),
            line,
            style: found.style,
            image: image.clone(),
            read_only: found.read_only.clone(),
            reason: found.reason.clone(),
            role: Role::Version,
            yaml_path: found.yaml_path.clone(),
        };
        (location, found.tag.clone())
    });
    let others = reference.others.iter().map(|other| {
        let location = Location {
            file: other.file.clone(),
            line: other.line,
            style: other.style,
            image: image.clone(),
            read_only: None,
            reason: None,
            role: if other.overridden { Role::Overridden } else { Role::Name },
            yaml_path: String::new(),
        };
        (location, None)
    });
    own.chain(others)
}

/// A place that decides for one workload and is laid over for another is named once.
fn one_role_each(locations: &mut Vec<Location>) {
    let places = |wanted: Role, all: &[Location]| -> BTreeSet<(String, u32)> {
        let with = all.iter().filter(|location| location.role == wanted);
        with.map(|location| (location.file.clone(), location.line)).collect()
    };
    let (version, name) = (places(Role::Version, locations), places(Role::Name, locations));
    locations.retain(|location| {
        let place = (location.file.clone(), location.line);
        match location.role {
            Role::Version => true,
            Role::Name => !version.contains(&place),
            Role::Overridden => !version.contains(&place) && !name.contains(&place),
        }
    });
}

/// What a reference that is no pin was laid over, where no pin and nothing else has that place.
fn not_managed_beneath<'a>(
    beneath: &BTreeMap<&RelatedPlace, (&str, u32)>,
    pins: impl Iterator<Item = &'a Pin>,
    unmanaged: &[Unmanaged],
) -> Vec<Unmanaged> {
    if beneath.is_empty() {
        return Vec::new();
    }
    let mut known: BTreeSet<(&str, u32)> = pins
        .flat_map(|pin| &pin.locations)
        .map(|location| (location.file.as_str(), location.line))
        .collect();
    known.extend(unmanaged.iter().map(|one| (one.file.as_str(), one.line)));
    let rest = beneath
        .iter()
        .filter(|(place, _)| !known.contains(&(place.file.as_str(), place.line)));
    let each = rest.map(|(place, (file, line))| Unmanaged {
        file: place.file.clone(),
        line: place.line,
        text: place.reference.clone().into(),
        reason: format!("it is a part of what {file}:{line} comes to, which is not managed"),
    });
    each.collect()
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
