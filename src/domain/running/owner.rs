//! Which reconciler looks after a pin's workloads, and what it says (docs/reference/running.md, "Has the commit
//! arrived").
//!
//! The owner is found in what the reconcilers themselves list: `status.resources` of Argo CD, the inventory of Flux,
//! the labels that Flux puts on what a Helm release makes. Where none of them lists a workload of the pin, because it
//! was never created, the only one that applies the folder of the pin's file into this namespace is asked.

use std::collections::BTreeSet;

use super::blocked::Blocked;
use super::pods::ServiceImages;
use super::reconciler::{
    ArgoApplication, AskClone, FluxHelmRelease, FluxKustomization, Reconciler, ReconcilerState, contains, flux_commit,
    is_commit,
};
use super::workload::{OwnedObject, WorkloadSeen};
use crate::domain::id::Digest;
use crate::domain::text::Untrusted;

/// The reconcilers that were listed for one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReconcilersSeen {
    /// Applications of Argo CD.
    pub applications: Vec<ArgoApplication>,
    /// Kustomizations of Flux.
    pub kustomizations: Vec<FluxKustomization>,
    /// Helm releases of Flux.
    pub releases: Vec<FluxHelmRelease>,
}

/// One pin, as far as a reconciler can be asked about it.
#[derive(Debug, Clone, Copy)]
pub struct OwnerQuestion<'a> {
    /// The namespace in which it runs.
    pub namespace: &'a str,
    /// The pinned digest.
    pub digest: Digest,
    /// The repositories that have the service.
    pub images: &'a ServiceImages,
    /// The files that write the pin.
    pub files: &'a [&'a str],
}

/// What the owner of a pin's workloads says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerAnswer {
    /// How far it is with the pin's commit.
    pub reconciler: Reconciler,
    /// A gate that refused the workload itself.
    pub refused: Option<Blocked>,
}

impl ReconcilersSeen {
    /// Every commit that a reconciler speaks of: our clone is asked about them beforehand.
    pub fn commits(&self) -> BTreeSet<&str> {
        let argo = self.applications.iter().flat_map(|one| {
            let revisions = one.compared.iter().chain(&one.applied).flatten().map(String::as_str);
            revisions.chain(one.hydrated.iter().flat_map(|(dry, _)| [dry.as_str()]))
        });
        let flux = self.kustomizations.iter().flat_map(|one| {
            let revisions = [&one.applied, &one.applied_origin, &one.attempted];
            revisions
                .into_iter()
                .flatten()
                .filter_map(|revision| flux_commit(revision))
        });
        argo.chain(flux).filter(|text| is_commit(text)).collect()
    }

    /// What the owner of the pin's workloads says; the one that is furthest behind where several have one each.
    /// `None` where nothing says who it is.
    pub fn owner(
        &self,
        question: OwnerQuestion<'_>,
        workloads: &[WorkloadSeen],
        ask: AskClone<'_>,
    ) -> Option<OwnerAnswer> {
        let ours = workloads.iter().filter(|one| one.runs(question.images));
        let mut answers: Vec<OwnerAnswer> = ours
            .filter_map(|workload| self.of_workload(question, workload, ask))
            .collect();
        if answers.is_empty() {
            answers.extend(self.by_folder(question, ask));
        }
        let behind = |one: &OwnerAnswer| (one.reconciler.state == ReconcilerState::Applied, one.refused.is_none());
        answers.into_iter().min_by_key(behind)
    }

    fn of_workload(
        &self,
        question: OwnerQuestion<'_>,
        workload: &WorkloadSeen,
        ask: AskClone<'_>,
    ) -> Option<OwnerAnswer> {
        let object = &workload.object;
        if let Some(application) = self.applications.iter().find(|one| one.owns.contains(object)) {
            return Some(of_application(application, question, Some(object), ask));
        }
        if let Some(name) = &workload.release
            && let Some(release) = self.releases.iter().find(|one| one.name.raw() == name)
        {
            return Some(self.of_release(release, question, object, ask));
        }
        let kustomization = self.kustomizations.iter().find(|one| one.owns.contains(object))?;
        Some(of_kustomization(kustomization, question, Some(object), ask))
    }

    fn of_release(
        &self,
        release: &FluxHelmRelease,
        question: OwnerQuestion<'_>,
        object: &OwnedObject,
        ask: AskClone<'_>,
    ) -> OwnerAnswer {
        let (namespace, name) = release.name.raw().split_once('/').unwrap_or_default();
        let is_it = |owned: &OwnedObject| {
            owned.group == "helm.toolkit.fluxcd.io" && owned.namespace == namespace && owned.name == name
        };
        let parent = self.kustomizations.iter().find(|one| one.owns.iter().any(is_it));
        let parent = match parent {
            Some(parent) => parent.judge(ask),
            // A release that nobody applies from git: what commit it is of cannot be told.
            None => FluxKustomization::default().judge(ask),
        };
        let reconciler = release.judge(&parent);
        let refused = refusal(&reconciler, &reconciler.message, question, object, true);
        OwnerAnswer { reconciler, refused }
    }

    /// The only reconciler that applies the folder of the pin's file into this namespace.
    fn by_folder(&self, question: OwnerQuestion<'_>, ask: AskClone<'_>) -> Option<OwnerAnswer> {
        let is_here = |destination: &Option<String>| destination.as_deref() == Some(question.namespace);
        let has_file = |path: &str| question.files.iter().any(|file| contains(path, file));
        let mut found: Vec<OwnerAnswer> = Vec::new();
        for one in self.applications.iter().filter(|one| is_here(&one.destination)) {
            let mut folders = one.sources.iter().filter(|source| !source.is_chart);
            if folders.any(|source| source.path.as_deref().is_some_and(has_file)) {
                found.push(of_application(one, question, None, ask));
            }
        }
        for one in self.kustomizations.iter().filter(|one| is_here(&one.destination)) {
            if one.path.as_deref().is_some_and(has_file) {
                found.push(of_kustomization(one, question, None, ask));
            }
        }
        match found.len() {
            1 => found.pop(),
            _ => None,
        }
    }
}

fn of_application(
    application: &ArgoApplication,
    question: OwnerQuestion<'_>,
    object: Option<&OwnedObject>,
    ask: AskClone<'_>,
) -> OwnerAnswer {
    // Where nobody knows which source has the pin, none is asked.
    let source = application.source_of(question.files).unwrap_or(usize::MAX);
    let mut reconciler = application.judge(source, ask);
    let of_object = |object: &OwnedObject| {
        let mut failures = application.failures.iter();
        failures.find(|(failed, _)| failed == object).map(|(_, words)| words)
    };
    let own = object.and_then(of_object);
    let is_told = matches!(reconciler.state, ReconcilerState::Failed | ReconcilerState::Syncing);
    if let Some(own) = own.filter(|_| is_told) {
        reconciler.message = own.clone();
    }
    let words = reconciler.message.clone();
    let is_alone = own.is_some() || owns_one(&application.owns);
    let named = object.cloned().unwrap_or_else(|| unnamed(question.namespace));
    let refused = refusal(&reconciler, &words, question, &named, is_alone);
    OwnerAnswer { reconciler, refused }
}

fn of_kustomization(
    kustomization: &FluxKustomization,
    question: OwnerQuestion<'_>,
    object: Option<&OwnedObject>,
    ask: AskClone<'_>,
) -> OwnerAnswer {
    let reconciler = kustomization.judge(ask);
    let named = object.cloned().unwrap_or_else(|| unnamed(question.namespace));
    let is_alone = owns_one(&kustomization.owns);
    let refused = refusal(&reconciler, &reconciler.message, question, &named, is_alone);
    OwnerAnswer { reconciler, refused }
}

/// An object that has no name yet.
fn unnamed(namespace: &str) -> OwnedObject {
    OwnedObject::workload("", namespace, "")
}

fn owns_one(owns: &[OwnedObject]) -> bool {
    owns.iter().filter(|one| one.is_workload()).count() <= 1
}

/// The gate that a reconciler's words name, if they are about this workload: they name it or the pinned digest, or
/// the reconciler has no other one.
fn refusal(
    reconciler: &Reconciler,
    words: &Untrusted,
    question: OwnerQuestion<'_>,
    object: &OwnedObject,
    is_alone: bool,
) -> Option<Blocked> {
    if !matches!(reconciler.state, ReconcilerState::Failed | ReconcilerState::Syncing) {
        return None;
    }
    let text = words.raw();
    let path = format!("{}/{}/{}", object.kind, object.namespace, object.name);
    let names_it = !object.name.is_empty() && names(text, &path) || text.contains(&question.digest.to_string());
    (names_it || is_alone)
        .then(|| Blocked::of_attempt(words, question.digest, None))
        .flatten()
}

/// Whether a text has that name, and not only one that begins with it.
fn names(text: &str, name: &str) -> bool {
    let after = |(at, _): (usize, &str)| text[at + name.len()..].chars().next();
    let ends = |next: Option<char>| !next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    text.match_indices(name).map(after).any(ends)
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
