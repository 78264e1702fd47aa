//! The pins of one commit under the policy of another: the tip of the base says what an environment and a service is,
//! whatever the commit itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::check::place::{ImageSlot, PinnedPlace, WorkloadPlace};
use crate::domain::id::{EnvId, Target};
use crate::domain::pin::Unmanaged;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::quoted;
use crate::engine::effective::{Effective, EffectiveReference, ScannedCommit, entry};
use crate::engine::environment_paths::EnvironmentPaths;
use crate::engine::include_graph::IncludeGraph;
use crate::engine::ledger;
use crate::engine::pins::{Components, Naming};
use crate::sources::git::manifest::{Found, Scan};
use crate::sources::git::{GitError, GitRepo, TreeEntry};

/// Whose words decide what an environment and a service is.
#[derive(Clone, Copy)]
pub(super) struct PinRules<'a> {
    /// The policy.
    pub team: &'a TeamPolicy,
    /// Its environments, configured or inferred.
    pub environments: &'a [Environment],
    /// The names of services, those of new repositories too.
    pub naming: &'a Naming,
}

/// One commit as it was rendered.
pub(super) struct RenderedCommit {
    /// Its files.
    pub commit: Arc<ScannedCommit>,
    /// What is deployed.
    pub effective: Arc<Effective>,
}

/// The pins of one commit.
pub(super) struct PinTree {
    /// Its files.
    pub commit: Arc<ScannedCommit>,
    /// What is deployed.
    pub effective: Arc<Effective>,
    /// Every place that decides a pin.
    pub places: Vec<PinnedPlace>,
    /// What is seen and not managed.
    pub unmanaged: Vec<Unmanaged>,
    /// Which file reaches which environment.
    includes: IncludeGraph,
    paths: EnvironmentPaths,
    /// What stands in the way of files that are asked for, by path.
    in_the_way: BTreeMap<String, &'static str>,
}

/// What a commit has at a path, as far as it can be read.
pub(super) enum FileState<'a> {
    /// A manifest that was read.
    Read(&'a Scan),
    /// Something that is not read, or not wholly, and why.
    Unreadable(String),
    /// Nothing.
    Absent,
}

impl PinTree {
    /// Reads the pins of a commit. Components are told apart as among `all` commits that are compared.
    pub(crate) fn new(rendered: RenderedCommit, rules: PinRules<'_>, all: &[&Effective]) -> Self {
        let RenderedCommit { commit, effective } = rendered;
        let order: BTreeMap<&EnvId, usize> = rules
            .environments
            .iter()
            .enumerate()
            .map(|(at, e)| (&e.name, at))
            .collect();
        let components = Components::new(all.iter().flat_map(|one| &one.references), &order);
        let mut places = Vec::new();
        for reference in &effective.references {
            places.extend(place(reference, &commit, rules, &components, &order));
        }
        places.sort();
        places.dedup();
        let grouped = ledger::grouped(&commit, &effective, rules.naming, (rules.team, rules.environments));
        let paths = EnvironmentPaths::new(rules.environments);
        let mut includes = IncludeGraph::default();
        for (file, scan) in &commit.scans {
            includes.add(file, &scan.includes);
        }
        includes.resolve(&commit.files, &paths);
        Self {
            commit,
            effective,
            places,
            unmanaged: grouped.unmanaged,
            includes,
            paths,
            in_the_way: BTreeMap::new(),
        }
    }

    /// Looks what the commit has in the place of files that are no regular ones in it.
    ///
    /// # Errors
    /// If the commit cannot be read.
    pub(crate) fn look_at<'f>(
        &mut self,
        repo: &GitRepo,
        commit: &str,
        files: impl Iterator<Item = &'f str>,
    ) -> Result<(), GitError> {
        for file in files.filter(|file| !self.commit.scans.contains_key(*file)) {
            let what = match repo.entry(commit, file)? {
                TreeEntry::Absent => continue,
                TreeEntry::File(_) => "a file that is too large to be read",
                TreeEntry::Link => "a symbolic link, or lies behind one, and links are not followed",
                TreeEntry::Folder => "a folder",
                TreeEntry::Submodule => "a submodule, or lies in one",
            };
            self.in_the_way.insert(file.to_owned(), what);
        }
        Ok(())
    }

    /// What the commit has at a path; one that is not read must have been looked at ([`PinTree::look_at`]).
    pub(crate) fn state(&self, file: &str) -> FileState<'_> {
        if let Some(scan) = self.commit.scans.get(file) {
            return match &scan.problem {
                None => FileState::Read(scan),
                Some(problem) => FileState::Unreadable(format!("it cannot be read, or only in part: {problem}")),
            };
        }
        match self.in_the_way.get(file) {
            Some(what) => FileState::Unreadable(format!("{} is {what}", quoted(file))),
            None => FileState::Absent,
        }
    }

    /// The environments that a file reaches: by its own path, or through files that take it in.
    pub(crate) fn environments(&self, file: &str) -> BTreeSet<EnvId> {
        self.includes.environments(file, &self.paths).into_keys().collect()
    }

    /// A file that names this one, whether it is there or not.
    pub(crate) fn includer(&self, file: &str) -> Option<&str> {
        self.includes.includer(file)
    }

    /// Whether the file lies in an environment by its own path.
    pub(crate) fn is_in(&self, file: &str, environment: &EnvId) -> bool {
        self.paths.of(file).any(|one| one == environment)
    }

    /// Whether a path lies in any environment.
    pub(crate) fn is_in_any(&self, file: &str) -> bool {
        self.paths.of(file).next().is_some()
    }
}

/// The place of a reference, if it is a pin.
fn place(
    reference: &EffectiveReference,
    commit: &ScannedCommit,
    rules: PinRules<'_>,
    components: &Components<'_>,
    order: &BTreeMap<&EnvId, usize>,
) -> Option<PinnedPlace> {
    let found = &reference.found;
    let environment = *order.get(&reference.environment)?;
    let image = found.repository.as_ref()?;
    let tag = found.tag.as_deref();
    let service = rules
        .naming
        .pinned_service(image, tag, found.digest.is_some(), found.rule)
        .ok()?;
    let mut slots = BTreeSet::new();
    if let Some(scan) = commit.scans.get(&reference.file) {
        slots.extend(slot(&reference.file, scan, found));
    }
    for other in &reference.others {
        let Some(scan) = commit.scans.get(&other.file) else {
            continue;
        };
        let on_line = || scan.all().filter(|found| found.line == other.line);
        // Of several on one line those that say the same; all of them where none says what comes out.
        let is_said = on_line().any(|found| found.reference() == other.reference);
        let meant = on_line().filter(|found| !is_said || found.reference() == other.reference);
        slots.extend(meant.filter_map(|found| slot(&other.file, scan, found)));
    }
    let workloads = slots.iter().map(|slot| slot.workload.clone()).collect();
    if slots.is_empty()
        && let Some(scan) = commit.scans.get(&reference.file)
    {
        slots.insert(ImageSlot {
            workload: named(&reference.file, ""),
            name: scan.slot_of(found),
            path: entry(&found.yaml_path),
        });
    }
    Some(PinnedPlace {
        target: Target {
            service: service.clone(),
            environment: reference.environment.clone(),
        },
        component: components.of(rules.naming, service, environment, image, tag),
        image: image.clone(),
        tag: found.tag.clone(),
        digest: found.digest,
        file: reference.file.clone(),
        line: found.line,
        entry: entry(&found.yaml_path),
        workloads,
        slots,
        uncertain: reference.uncertain.clone(),
    })
}

/// Where in a workload a reference stands, if it stands in one that has a name.
fn slot(file: &str, scan: &Scan, found: &Found) -> Option<ImageSlot> {
    Some(ImageSlot {
        workload: named(file, &scan.workload_of(found)?.name),
        name: scan.slot_of(found),
        path: entry(&found.yaml_path),
    })
}

fn named(file: &str, name: &str) -> WorkloadPlace {
    WorkloadPlace {
        file: file.to_owned(),
        name: name.to_owned(),
    }
}
