//! Whose pin a reference of the past is, by today's names and environments (docs/reference/git.md, "The history of
//! pins"). Pure.
//!
//! A place that is there today counts as it does today: where it decides, where another one is laid over it, or not
//! at all. A place that is gone counts in the environments that its file lies in, or that take its file in today.

mod rules;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::component;
use crate::domain::history::{HistoryKey, PinIdentity, PinOwner, WrittenPin};
use crate::domain::id::{EnvId, ServiceId, Target};
use crate::domain::pin::Style;
use crate::domain::pin_set::PinDelta;
use crate::domain::reference::{Repository, valid_tag};
use crate::engine::effective;
use crate::engine::ledger::Ledger;
use crate::engine::pins::EnvironmentPaths;
use crate::sources::git::manifest::Found;

use super::past_reference::PastReference;
use super::past_rules::AskedNames;

/// A pinned thing more or less.
pub(super) type PinnedDelta = PinDelta<HistoryKey, PinIdentity, WrittenPin>;

/// How a place of today counts in one environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct TodaysRole {
    environment: EnvId,
    /// Another place is laid over it.
    overridden: bool,
    /// The image that is deployed there and the one that is written there, where they are not the same.
    image: Option<(Option<Repository>, Repository)>,
    /// What a Compose file writes before and behind the tag of a variable.
    around_tag: Option<(String, String)>,
}

impl TodaysRole {
    /// How a place counts of which nothing else is known.
    fn usual(environment: &EnvId) -> Self {
        Self {
            environment: environment.clone(),
            overridden: false,
            image: None,
            around_tag: None,
        }
    }
}

/// What is known of a file today.
#[derive(Debug, Default)]
struct TodaysFile {
    /// By entry.
    entries: HashMap<String, Vec<TodaysRole>>,
    /// Environments in which one of its places decides.
    takers: BTreeSet<EnvId>,
}

/// Whose a repository is that no service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unowned {
    /// It belongs to a service, or is ignored.
    No,
    /// To nobody today.
    Yes,
}

/// The rules of today.
pub(super) struct Placement<'a> {
    ledger: &'a Ledger,
    paths: EnvironmentPaths,
    files: HashMap<&'a str, TodaysFile>,
    /// Repositories with several variants in an environment, and those of today with one.
    variants: BTreeMap<(EnvId, Repository), bool>,
    /// Targets with several variants.
    with_variants: BTreeSet<Target>,
    /// Only this target matters.
    only: Option<&'a Target>,
    /// Environments of paths that were asked for.
    known_paths: HashMap<String, Vec<EnvId>>,
    unowned: HashMap<Repository, Unowned>,
    /// What was asked for of the rules.
    asked: AskedNames,
    /// Repositories of nobody that stood in a service's place before it: the services that took it.
    former: BTreeMap<(EnvId, Repository), BTreeSet<ServiceId>>,
}

impl<'a> Placement<'a> {
    /// Reads how every place counts today.
    pub(crate) fn new(ledger: &'a Ledger, only: Option<&'a Target>) -> Self {
        let mut placement = Self {
            ledger,
            paths: EnvironmentPaths::new(&ledger.environments_here()),
            files: todays_files(ledger),
            variants: BTreeMap::new(),
            with_variants: BTreeSet::new(),
            only,
            known_paths: HashMap::new(),
            unowned: HashMap::new(),
            asked: AskedNames::default(),
            former: BTreeMap::new(),
        };
        for pin in ledger.pins() {
            let configured = ledger.naming.component_of(&pin.image, &pin.target.service);
            let several = pin.component.is_some() && configured.is_none();
            for location in pin.deciding() {
                let place = (pin.target.environment.clone(), location.image.clone());
                *placement.variants.entry(place).or_default() |= several;
            }
            if several {
                placement.with_variants.insert(pin.target.clone());
            }
        }
        placement
    }

    /// What the references of one version of a file pin.
    pub(crate) fn pinned(&mut self, path: &str, references: &[PastReference]) -> Vec<PinnedDelta> {
        let mut out = Vec::new();
        for reference in references {
            self.pinned_by(path, reference, &mut out);
        }
        out
    }

    fn pinned_by(&mut self, path: &str, reference: &PastReference, out: &mut Vec<PinnedDelta>) {
        let entry = effective::entry(&reference.yaml_path);
        for TodaysRole {
            environment,
            overridden,
            image,
            around_tag,
        } in self.roles(path, &entry)
        {
            if self.only.is_some_and(|only| only.environment != environment) {
                continue;
            }
            let deployed = match image {
                Some((written, deployed)) if written == reference.repository => Some(deployed),
                _ => reference.repository.clone(),
            };
            let tag = match (&around_tag, &reference.tag) {
                (Some((before, behind)), Some(tag)) => Some(format!("{before}{tag}{behind}")),
                (_, tag) => tag.clone(),
            };
            let tag = tag.as_deref();
            let Some(image) = deployed.filter(|_| reference.digest.is_some() || tag.is_none_or(valid_tag)) else {
                // A template expression or an interpolation is no tag.
                continue;
            };
            self.asked.image(&image);
            let has_digest = reference.digest.is_some();
            let service = self
                .ledger
                .service_at(path, &entry, Some(&image), tag, has_digest, reference.rule);
            let owners: Vec<PinOwner> = match service {
                Some(service) => vec![PinOwner::Service(service.clone())],
                None if !reference.rule.is_loose() && self.is_unowned(&image) => {
                    let place = (environment.clone(), image.clone());
                    let takers = self.former.get(&place).into_iter().flatten().cloned();
                    let takers = takers.map(PinOwner::Service);
                    std::iter::once(PinOwner::Nobody(image.clone())).chain(takers).collect()
                }
                None => continue,
            };
            let written = WrittenPin {
                tag: tag.map(str::to_owned),
                image: image.clone(),
            };
            let what = match reference.digest {
                Some(digest) => PinIdentity::Digest(digest),
                None => PinIdentity::Tag(tag.map(str::to_owned), image.clone()),
            };
            for owner in owners {
                if self.only.is_some_and(|only| !owner.may_be(&only.service)) {
                    continue;
                }
                let component = self.component(&owner, &environment, &image, tag);
                out.push(PinDelta {
                    key: HistoryKey {
                        environment: environment.clone(),
                        owner,
                        component,
                    },
                    what: what.clone(),
                    note: written.clone(),
                    more: 1,
                    overridden,
                });
            }
        }
    }

    /// Services that took the place of a repository which nobody has today: from this commit back, what it
    /// pinned is their past. Each is told once.
    pub(crate) fn successors(
        &mut self,
        path: &str,
        before: &[PastReference],
        after: &[PastReference],
    ) -> Vec<(EnvId, Repository, ServiceId)> {
        // Whoever takes a place writes something else there.
        let begin = common_beginning(before, after);
        let (changed_before, changed) = (&before[begin..], &after[begin..]);
        let end = common_end(changed_before, changed);
        let changed = &changed[..changed.len() - end];
        let is_taken = |place: &str| changed.iter().any(|reference| *reference.yaml_path == *place);
        let is_former = |reference: &&PastReference| {
            !reference.rule.is_loose() && reference.repository.is_some() && is_taken(&reference.yaml_path)
        };
        let candidates: Vec<(Box<str>, Repository)> = before
            .iter()
            .filter(is_former)
            .filter_map(|reference| Some((reference.yaml_path.clone(), reference.repository.clone()?)))
            .filter(|(_, image)| self.is_unowned(image))
            .collect();
        if candidates.is_empty() {
            return Vec::new();
        }
        let services = |pinned: &[PinnedDelta]| -> BTreeSet<(EnvId, ServiceId)> {
            let own = pinned.iter().filter_map(|one| match &one.key.owner {
                PinOwner::Service(service) => Some((one.key.environment.clone(), service.clone())),
                PinOwner::Nobody(_) => None,
            });
            own.collect()
        };
        let there = services(&self.pinned(path, before));
        let mut out = Vec::new();
        for reference in after {
            let mut pinned = Vec::new();
            self.pinned_by(path, reference, &mut pinned);
            for (environment, service) in services(&pinned) {
                if there.contains(&(environment.clone(), service.clone())) {
                    continue;
                }
                for (_, image) in candidates.iter().filter(|(place, _)| *place == reference.yaml_path) {
                    let place = (environment.clone(), image.clone());
                    if self.former.entry(place).or_default().insert(service.clone()) {
                        out.push((environment.clone(), image.clone(), service.clone()));
                    }
                }
            }
        }
        out
    }

    /// The key under which a service counts what was pinned under the key of a repository before it.
    pub(crate) fn adopting(&mut self, key: &HistoryKey, image: &Repository, service: &ServiceId) -> HistoryKey {
        let owner = PinOwner::Service(service.clone());
        let target = Target::new(service.as_str(), key.environment.as_str());
        self.asked.target(&target);
        let component = match self.ledger.naming.component_of(image, service) {
            Some(configured) => Some(configured.to_owned()),
            None => key.component.clone().filter(|_| self.with_variants.contains(&target)),
        };
        HistoryKey {
            environment: key.environment.clone(),
            owner,
            component,
        }
    }

    /// The component of a reference: what the configuration names, or the variant where there are several today.
    fn component(
        &mut self,
        owner: &PinOwner,
        environment: &EnvId,
        image: &Repository,
        tag: Option<&str>,
    ) -> Option<String> {
        let several = match owner {
            PinOwner::Nobody(_) => true,
            PinOwner::Service(service) => {
                if let Some(configured) = self.ledger.naming.component_of(image, service) {
                    return Some(configured.to_owned());
                }
                let target = Target::new(service.as_str(), environment.as_str());
                self.asked.variants(&target, image);
                let today = self.variants.get(&(environment.clone(), image.clone()));
                today.copied().unwrap_or_else(|| self.with_variants.contains(&target))
            }
        };
        tag.filter(|_| several).and_then(component::variant)
    }

    fn is_unowned(&mut self, image: &Repository) -> bool {
        if let Some(known) = self.unowned.get(image) {
            return *known == Unowned::Yes;
        }
        let naming = &self.ledger.naming;
        let is_unowned = naming.service(image).is_none() && !naming.is_ignored(image);
        let known = if is_unowned { Unowned::Yes } else { Unowned::No };
        self.unowned.insert(image.clone(), known);
        is_unowned
    }

    fn roles(&mut self, path: &str, entry: &str) -> Vec<TodaysRole> {
        let today = self.files.get(path);
        if let Some(roles) = today.and_then(|file| file.entries.get(entry)) {
            return roles.clone();
        }
        self.environments(path).iter().map(TodaysRole::usual).collect()
    }

    /// The environments in which a place of a file counts that is not there today.
    fn environments(&mut self, path: &str) -> &[EnvId] {
        if !self.known_paths.contains_key(path) {
            let mut all: BTreeSet<EnvId> = match self.ledger.commit.copied.contains(path) {
                true => BTreeSet::new(),
                false => self.paths.of(path).cloned().collect(),
            };
            all.extend(
                self.files
                    .get(path)
                    .into_iter()
                    .flat_map(|file| file.takers.iter().cloned()),
            );
            self.known_paths.insert(path.to_owned(), all.into_iter().collect());
        }
        &self.known_paths[path]
    }
}

/// How many references both begin with.
pub(super) fn common_beginning(a: &[PastReference], b: &[PastReference]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// How many references both end with.
fn common_end(a: &[PastReference], b: &[PastReference]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

impl PinOwner {
    /// Whether what it has may be a service's past.
    fn may_be(&self, service: &ServiceId) -> bool {
        match self {
            Self::Service(own) => own == service,
            Self::Nobody(_) => true,
        }
    }
}

fn todays_files(ledger: &Ledger) -> HashMap<&str, TodaysFile> {
    let mut files: HashMap<&str, TodaysFile> = HashMap::new();
    let mut lines: HashMap<(&str, u32), Vec<&str>> = HashMap::new();
    let mut written: HashMap<(&str, &str), &Found> = HashMap::new();
    for (path, scan) in &ledger.commit.scans {
        let file = files.entry(path.as_str()).or_default();
        for found in scan.all() {
            file.entries.entry(effective::entry(&found.yaml_path)).or_default();
            written.insert((path, &found.yaml_path), found);
            let places = std::iter::once(found.line).chain(found.aliases.iter().map(|alias| alias.line));
            for line in places {
                lines.entry((path, line)).or_default().push(&found.yaml_path);
            }
        }
    }
    let references = &ledger.effective.references;
    for reference in references {
        let (path, found) = (reference.file.as_str(), &reference.found);
        let text = written.get(&(path, found.yaml_path.as_str())).copied();
        let image = found.repository.clone().zip(text).and_then(|(deployed, text)| {
            let is_other = text.repository.as_ref() != Some(&deployed);
            is_other.then(|| (text.repository.clone(), deployed))
        });
        let around_tag = text.filter(|_| found.style == Style::Compose).and_then(|text| {
            let (deployed, written) = (found.tag.as_deref()?, text.tag.as_deref()?);
            let (before, behind) = deployed.split_once(written).filter(|_| deployed != written)?;
            Some((before.to_owned(), behind.to_owned()))
        });
        let Some(file) = files.get_mut(path) else { continue };
        file.takers.insert(reference.environment.clone());
        let roles = file.entries.entry(effective::entry(&found.yaml_path)).or_default();
        if roles.iter().all(|role| role.environment != reference.environment) {
            roles.push(TodaysRole {
                environment: reference.environment.clone(),
                overridden: false,
                image,
                around_tag,
            });
        }
    }
    for reference in references {
        for other in &reference.others {
            let places = lines.get(&(other.file.as_str(), other.line)).into_iter().flatten();
            for place in places {
                let Some(file) = files.get_mut(other.file.as_str()) else {
                    continue;
                };
                let roles = file.entries.entry(effective::entry(place)).or_default();
                if roles.iter().all(|role| role.environment != reference.environment) {
                    roles.push(TodaysRole {
                        environment: reference.environment.clone(),
                        overridden: true,
                        image: None,
                        around_tag: None,
                    });
                }
            }
        }
    }
    files
}
